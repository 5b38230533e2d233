"""Registros do Kafka → toques: o que cada Pix ou rótulo muda no diário de cada entidade, já agrupado por balde.

Um Pix toca o diário do pagador, o do recebedor e, se há, o do dispositivo; uma fraude confirmada toca os de fraude.
O balde é `entidade mod baldes`; o destino, onde os toques de um Pix se reencontram, vem de sua posição no tópico.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ingestao.esquema import FINALIDADES_ISENTAS
from processamento.atributos import contexto
from processamento.catalogo import SEGUNDO_US, Fluxo
from processamento.estado.envelope import empacotar
from processamento.protecao import SEM_ENTIDADE, Tokenizador
from processamento.qualidade import Recusa, avaliar_rotulo, fora_da_tolerancia, recusa_por_divergencia
from processamento.qualidade_lote import Colunas, avaliar_lote

Inteiros = NDArray[np.int64]

TEXTOS: Final = (
    "id_fim_a_fim", "pagador_conta", "recebedor_conta", "dispositivo", "pagador_ispb", "recebedor_ispb",
    "forma_de_iniciacao",
)
"""Textos do Pix que a decisão devolve."""
INTEIROS: Final = ("id_evento", "instante_us", "valor_centavos", "dispositivo_id")
"""Inteiros do Pix que a decisão usa ou devolve."""


class Registros(NamedTuple):
    """Registros do Kafka em colunas; instantes em µs UTC. `enviado_us` nulo = sem cabeçalho; `valor` pode ser nulo."""

    topico: Sequence[str]
    particao: Inteiros
    deslocamento: Inteiros
    kafka_us: Inteiros
    enviado_us: Sequence[int | None]
    origem: Sequence[str]
    valor: Sequence[bytes | None]


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

    def balde(self, entidade: Inteiros) -> Inteiros:
        """Índice do balde de cada entidade."""
        return np.mod(entidade, len(self.baldes))

    def destino(self, particao: Inteiros, deslocamento: Inteiros) -> Inteiros:
        """Índice do destino de cada registro."""
        return np.asarray(np.mod(particao + deslocamento, len(self.destinos)))


NUMEROS: Final = ("fluxo", "entidade", "contraparte", "instante", "valor", "ordem", "consulta", "chegada_s")


def abrir(
    registros: Registros, *, tokenizador: Tokenizador, distribuicao: Distribuicao, topico_rotulos: str,
    topico_controle: str,
) -> list[Linha]:
    """Valida, tokeniza e distribui os registros de uma partição do micro-lote.

    Todo Pix vivo válido vira toques e uma entrada em `eventos` do seu destino; toda recusa vira uma resposta;
    `historico` só toca o estado; finalidades isentas e rótulos recusados não tocam nada (o lago os conta).
    """
    r = registros
    controles = [(int(r.deslocamento[i]), v) for i, v in enumerate(r.valor) if r.topico[i] == topico_controle and v]
    rotulos = [i for i, topico in enumerate(r.topico) if topico == topico_rotulos]
    e_pix = np.fromiter((t not in (topico_rotulos, topico_controle) for t in r.topico), np.bool_, len(r.topico))
    lidos = np.flatnonzero(e_pix)
    lote = avaliar_lote([r.valor[i] for i in lidos.tolist()], tokenizador)
    onde, pix = lidos[lote.quais], lote.colunas
    fora = fora_da_tolerancia(_int(pix["instante_us"]), r.kafka_us[onde], [r.origem[i] for i in onde.tolist()])
    vivo = np.fromiter((o != "historico" for o in r.origem), np.bool_, len(r.origem))
    pagavel = np.fromiter((f not in FINALIDADES_ISENTAS for f in pix["finalidade"]), np.bool_, onde.size) & ~fora
    toques = _tocar_pix(r, onde, pix, vivo[onde], pagavel), _tocar_rotulos(r, rotulos)
    recusas = [(int(lidos[i]), recusa) for i, recusa in lote.recusas]
    recusas += [(i, recusa_por_divergencia()) for i in onde[fora].tolist()]
    return _distribuir(
        r, np.concatenate(toques, axis=1), (onde, pix, pagavel & vivo[onde]),
        [(i, recusa) for i, recusa in recusas if vivo[i]], controles, distribuicao,
    )


def _int(coluna: Sequence[Any]) -> Inteiros:
    return np.asarray(coluna, np.int64)


def _tocar_pix(
    r: Registros, onde: Inteiros, pix: Colunas, vivo: NDArray[np.bool_], pagavel: NDArray[np.bool_]
) -> Inteiros:
    """Int64 (2 + números, toques): a posição e os `NUMEROS` de cada toque dos Pix a pagar."""
    pagador, recebedor, aparelho = (_int(pix[f"{quem}_id"]) for quem in ("pagador", "recebedor", "dispositivo"))
    comuns = (_int(pix["instante_us"]), _int(pix["valor_centavos"]), _int(pix["id_evento"]), vivo.astype(np.int64))
    partes = []
    for fluxo, entidade, contraparte, quais in (
        (Fluxo.SAIDA, pagador, recebedor, pagavel), (Fluxo.ENTRADA, recebedor, pagador, pagavel),
        (Fluxo.DISPOSITIVO, aparelho, pagador, pagavel & (aparelho != SEM_ENTIDADE)),
    ):
        i = onde[quais]
        partes.append(np.stack([
            r.particao[i], r.deslocamento[i], np.full(i.size, int(fluxo), np.int64), entidade[quais],
            contraparte[quais], *(coluna[quais] for coluna in comuns), r.kafka_us[i] // SEGUNDO_US,
        ]))
    return np.concatenate(partes, axis=1)


def _tocar_rotulos(r: Registros, quais: Sequence[int]) -> Inteiros:
    """O mesmo, dos rótulos de fraude: conta quem soube e quando, nunca se consulta."""
    toques = []
    for i in quais:
        rotulo = avaliar_rotulo(r.valor[i])
        if isinstance(rotulo, Recusa) or not rotulo.fraude:
            continue
        pagador, recebedor, aparelho = rotulo.pagador_id, rotulo.recebedor_id, rotulo.dispositivo_id
        fim = (rotulo.conhecido_em_us, rotulo.instante_us, rotulo.id_evento, 0, int(r.kafka_us[i]) // SEGUNDO_US)
        posicao = int(r.particao[i]), int(r.deslocamento[i])
        toques.append((*posicao, Fluxo.FRAUDE_SAIDA, pagador, recebedor, *fim))
        toques.append((*posicao, Fluxo.FRAUDE_ENTRADA, recebedor, pagador, *fim))
        if aparelho:
            toques.append((*posicao, Fluxo.FRAUDE_DISPOSITIVO, aparelho, pagador, *fim))
    return np.array(toques, np.int64).reshape(-1, 2 + len(NUMEROS)).T


def _distribuir(
    r: Registros, toques: Inteiros, decididos: tuple[Inteiros, Colunas, NDArray[np.bool_]],
    recusas: list[tuple[int, Recusa]], controles: list[tuple[int, bytes]], d: Distribuicao,
) -> list[Linha]:
    onde, pix, quais = decididos
    balde = d.balde(toques[2 + NUMEROS.index("entidade")])
    destino = d.destino(toques[0], toques[1])
    destino_do_pix = d.destino(r.particao[onde], r.deslocamento[onde])
    controle = empacotar({"deslocamento": max(controles)[0], "valor": max(controles)[1]}) if controles else b""
    medido = contexto(pix)
    linhas = []
    for k, chave_destino in enumerate(d.destinos):
        recusados = [x for x in recusas if d.destino(r.particao[x[0]], r.deslocamento[x[0]]) == k]
        leva = _eventos(r, onde, pix, medido, np.flatnonzero(quais & (destino_do_pix == k)), recusados)
        for b, chave_balde in enumerate(d.baldes):
            do_balde = toques[:, (balde == b) & (destino == k)]
            if do_balde.size or (leva and b == 0) or controle:
                envelope = empacotar(dict(zip(("particao", "deslocamento", *NUMEROS), do_balde, strict=True)))
                linhas.append(Linha(chave_balde, chave_destino, envelope, leva if b == 0 else b"", controle))
    return linhas


def _eventos(
    r: Registros, onde: Inteiros, pix: Colunas, medido: NDArray[np.float64], quais: Inteiros,
    recusas: Sequence[tuple[int, Recusa]],
) -> bytes:
    """O que a decisão precisa de cada Pix além das primitivas, em colunas; e as recusas, uma a uma."""
    if not quais.size and not recusas:
        return b""
    i, da_linha, do_pix = onde[quais], onde[quais].tolist(), quais.tolist()
    return empacotar({
        "particao": r.particao[i], "deslocamento": r.deslocamento[i], "kafka_us": r.kafka_us[i],
        "topico": [r.topico[j] for j in da_linha], "enviado_us": [r.enviado_us[j] for j in da_linha],
        **{nome: _int(pix[nome])[quais] for nome in INTEIROS},
        "contexto": medido[quais],
        **{nome: [pix[nome][j] for j in do_pix] for nome in TEXTOS},
        "recusas": [
            (r.topico[j], int(r.particao[j]), int(r.deslocamento[j]), int(r.kafka_us[j]), r.enviado_us[j],
             str(x.motivo), x.campo, x.detalhe) for j, x in recusas
        ],
    })
