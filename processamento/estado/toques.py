"""Registros do Kafka → toques: o que cada Pix ou rótulo muda no diário de cada entidade, já agrupado por balde.

Um Pix toca o diário do pagador, o do recebedor e, se há, o do dispositivo; uma fraude confirmada toca os de fraude.
O balde é `entidade mod baldes`; o destino, onde os toques de um Pix se reencontram, vem de sua posição no tópico.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ingestao.esquema import FINALIDADES_ISENTAS
from processamento.atributos import CONTEXTO, contexto
from processamento.catalogo import SEGUNDO_US, Fluxo
from processamento.estado.envelope import empacotar
from processamento.normalizado import Normalizado
from processamento.protecao import Tokenizador
from processamento.qualidade import Recusa, avaliar, avaliar_rotulo, fora_da_tolerancia, recusa_por_divergencia

TEXTOS: Final = (
    "id_fim_a_fim", "pagador_conta", "recebedor_conta", "dispositivo", "pagador_ispb", "recebedor_ispb",
    "forma_de_iniciacao", "finalidade", "tipo_chave", "pagador_tipo_pessoa", "recebedor_tipo_pessoa",
)
"""Textos do Pix que a decisão usa ou devolve."""
_POSICAO_DO_CONTEXTO: Final = tuple(Normalizado._fields.index(nome) for nome in CONTEXTO)
_POSICAO_DOS_TEXTOS: Final = tuple(Normalizado._fields.index(nome) for nome in TEXTOS)


class Registro(NamedTuple):
    """Um registro do Kafka; instantes em µs UTC; `enviado_us` nulo = sem cabeçalho."""

    topico: str
    particao: int
    deslocamento: int
    kafka_us: int
    enviado_us: int | None
    origem: str
    valor: bytes | None


class Linha(NamedTuple):
    """Uma linha do plano: para que balde vai, de que destino é, e o que leva."""

    balde: int
    destino: int
    toques: bytes
    eventos: bytes
    controle: bytes


@dataclass(frozen=True)
class Distribuicao:
    """Chaves cujo hash do Spark espalha de fato os baldes e os destinos pelas partições (ADR 0002)."""

    baldes: tuple[int, ...]
    destinos: tuple[int, ...]

    def balde(self, entidade: NDArray[np.int64]) -> NDArray[np.int64]:
        """Índice do balde de cada entidade."""
        return np.mod(entidade, len(self.baldes))


@dataclass
class _Colunas:
    """Toques em listas, enquanto se lê; `consulta` = 1 se o Pix espera decisão."""

    posicao: list[tuple[int, int]] = field(default_factory=list)
    numeros: list[tuple[int, int, int, int, int, int, int, int]] = field(default_factory=list)

    def acrescentar(self, r: Registro, *numeros: int) -> None:
        self.posicao.append((r.particao, r.deslocamento))
        self.numeros.append((*numeros, r.kafka_us // SEGUNDO_US))  # type: ignore[arg-type]


NUMEROS: Final = ("fluxo", "entidade", "contraparte", "instante", "valor", "ordem", "consulta", "chegada_s")


def abrir(
    registros: Iterable[Registro], *, tokenizador: Tokenizador, distribuicao: Distribuicao, topico_rotulos: str,
    topico_controle: str,
) -> list[Linha]:
    """Valida, tokeniza e distribui os registros de uma partição do micro-lote.

    Todo Pix vivo válido vira toques e uma entrada em `eventos` do seu destino; toda recusa vira uma resposta;
    `historico` só toca o estado; finalidades isentas e rótulos recusados não tocam nada (o lago os conta).
    """
    toques, eventos, recusas, controles = _Colunas(), [], [], []
    for r in registros:
        if r.topico == topico_controle:
            if r.valor:
                controles.append((r.deslocamento, r.valor))
        elif r.topico == topico_rotulos:
            _tocar_rotulo(r, toques)
        else:
            lido = avaliar(r.valor, tokenizador)
            if isinstance(lido, Normalizado) and fora_da_tolerancia(lido.instante_us, r.kafka_us, r.origem):
                lido = recusa_por_divergencia()
            if isinstance(lido, Recusa):
                if r.origem != "historico":
                    recusas.append((r, lido))
            elif lido.finalidade not in FINALIDADES_ISENTAS:
                _tocar_pix(r, lido, toques)
                if r.origem != "historico":
                    eventos.append((r, lido))
    return _distribuir(toques, eventos, recusas, controles, distribuicao)


def _tocar_pix(r: Registro, pix: Normalizado, toques: _Colunas) -> None:
    t, v, ordem, consulta = pix.instante_us, pix.valor_centavos, pix.id_evento, int(r.origem != "historico")
    pagador, recebedor, aparelho = pix.pagador_id, pix.recebedor_id, pix.dispositivo_id
    toques.acrescentar(r, Fluxo.SAIDA, pagador, recebedor, t, v, ordem, consulta)
    toques.acrescentar(r, Fluxo.ENTRADA, recebedor, pagador, t, v, ordem, consulta)
    if aparelho:
        toques.acrescentar(r, Fluxo.DISPOSITIVO, aparelho, pagador, t, v, ordem, consulta)


def _tocar_rotulo(r: Registro, toques: _Colunas) -> None:
    rotulo = avaliar_rotulo(r.valor)
    if isinstance(rotulo, Recusa) or not rotulo.fraude:
        return
    soube, pagou, ordem = rotulo.conhecido_em_us, rotulo.instante_us, rotulo.id_evento
    aparelho, dono = rotulo.dispositivo_id, rotulo.pagador_id
    toques.acrescentar(r, Fluxo.FRAUDE_SAIDA, rotulo.pagador_id, rotulo.recebedor_id, soube, pagou, ordem, 0)
    toques.acrescentar(r, Fluxo.FRAUDE_ENTRADA, rotulo.recebedor_id, rotulo.pagador_id, soube, pagou, ordem, 0)
    if aparelho:
        toques.acrescentar(r, Fluxo.FRAUDE_DISPOSITIVO, aparelho, dono, soube, pagou, ordem, 0)


def _distribuir(
    toques: _Colunas, eventos: list[tuple[Registro, Normalizado]], recusas: list[tuple[Registro, Recusa]],
    controles: list[tuple[int, bytes]], d: Distribuicao,
) -> list[Linha]:
    posicao = np.array(toques.posicao, np.int64).reshape(-1, 2)
    numeros = np.array(toques.numeros, np.int64).reshape(-1, len(NUMEROS))
    balde = d.balde(numeros[:, 1])
    destino = np.mod(posicao.sum(axis=1), len(d.destinos))
    do_evento = _grupos(eventos, d)
    da_recusa = _grupos(recusas, d)
    controle = empacotar({"deslocamento": max(controles)[0], "valor": max(controles)[1]}) if controles else b""
    linhas = []
    for b, chave_balde in enumerate(d.baldes):
        for k, chave_destino in enumerate(d.destinos):
            quais = (balde == b) & (destino == k)
            leva = _eventos(do_evento[k], da_recusa[k]) if b == 0 and (do_evento[k] or da_recusa[k]) else b""
            if quais.any() or leva or controle:
                colunas = dict(zip(NUMEROS, numeros[quais].T, strict=True))
                envelope = empacotar({"particao": posicao[quais, 0], "deslocamento": posicao[quais, 1], **colunas})
                linhas.append(Linha(chave_balde, chave_destino, envelope, leva, controle))
    return linhas


def _grupos(itens: list[Any], d: Distribuicao) -> list[list[Any]]:
    grupos: list[list[Any]] = [[] for _ in d.destinos]
    for item in itens:
        grupos[(item[0].particao + item[0].deslocamento) % len(d.destinos)].append(item)
    return grupos


def _eventos(pares: Sequence[tuple[Registro, Normalizado]], recusas: Sequence[tuple[Registro, Recusa]]) -> bytes:
    """O que a decisão precisa de cada Pix além das primitivas, em colunas; e as recusas, uma a uma."""
    colunas = list(zip(*(pix for _, pix in pares), strict=True)) or [()] * len(Normalizado._fields)
    registros = [r for r, _ in pares]
    return empacotar({
        "particao": np.array([r.particao for r in registros], np.int64),
        "deslocamento": np.array([r.deslocamento for r in registros], np.int64),
        "topico": [r.topico for r in registros],
        "kafka_us": np.array([r.kafka_us for r in registros], np.int64),
        "enviado_us": [r.enviado_us for r in registros],
        "id_evento": np.array(colunas[Normalizado._fields.index("id_evento")], np.int64),
        "instante_us": np.array(colunas[Normalizado._fields.index("instante_us")], np.int64),
        "valor_centavos": np.array(colunas[Normalizado._fields.index("valor_centavos")], np.int64),
        "dispositivo_id": np.array(colunas[Normalizado._fields.index("dispositivo_id")], np.int64),
        "contexto": contexto({n: colunas[i] for n, i in zip(CONTEXTO, _POSICAO_DO_CONTEXTO, strict=True)}),
        **{nome: list(colunas[i]) for nome, i in zip(TEXTOS, _POSICAO_DOS_TEXTOS, strict=True)},
        "recusas": [(r.topico, r.particao, r.deslocamento, r.kafka_us, r.enviado_us, str(x.motivo), x.campo, x.detalhe)
                    for r, x in recusas],
    })
