"""Registros do Kafka → toques: o que cada Pix ou rótulo muda no diário de cada entidade, já agrupado por balde.

Um Pix toca o diário do pagador, o do recebedor e, se há, o do dispositivo; uma fraude confirmada toca os de fraude.
O balde é `entidade mod baldes`; o destino, onde os toques de um Pix se reencontram, vem de sua posição no tópico.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ingestao.esquema import FINALIDADES_ISENTAS
from processamento.catalogo import SEGUNDO_US, Fluxo
from processamento.contexto import em_inteiros
from processamento.estado.envelope import desempacotar, empacotar
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
EVENTOS: Final = pa.schema([
    ("topico", pa.string()), ("particao", pa.int64()), ("deslocamento", pa.int64()), ("kafka_us", pa.int64()),
    ("enviado_us", pa.int64()), *((nome, pa.int64()) for nome in INTEIROS), *((nome, pa.string()) for nome in TEXTOS),
])
"""O que viaja de cada Pix, em um lote Arrow dentro do envelope; `enviado_us` e `dispositivo` podem ser nulos."""


class Registros(NamedTuple):
    """Registros do Kafka em colunas; instantes em µs UTC. `enviado_us` nulo = sem cabeçalho; `valor` pode ser nulo."""

    topico: pa.StringArray
    particao: Inteiros
    deslocamento: Inteiros
    kafka_us: Inteiros
    enviado_us: pa.Int64Array
    origem: pa.StringArray
    valor: pa.BinaryArray


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
    de_controle, de_rotulos = _iguais(r.topico, topico_controle), _iguais(r.topico, topico_rotulos)
    vindos = [(int(r.deslocamento[i]), r.valor[i].as_py()) for i in np.flatnonzero(de_controle).tolist()]
    controles = [(deslocamento, valor) for deslocamento, valor in vindos if valor]
    lidos = np.flatnonzero(~(de_controle | de_rotulos))
    lote = avaliar_lote(r.valor if lidos.size == len(r.valor) else r.valor.take(pa.array(lidos)), tokenizador)
    onde, pix = lidos[lote.quais], lote.colunas
    fora = fora_da_tolerancia(_int(pix["instante_us"]), r.kafka_us[onde], r.origem.take(pa.array(onde)))
    vivo = ~_iguais(r.origem, "historico")
    pagavel = ~_iguais(pix["finalidade"], *FINALIDADES_ISENTAS) & ~fora
    toques = _tocar_pix(r, onde, pix, vivo[onde], pagavel), _tocar_rotulos(r, np.flatnonzero(de_rotulos).tolist())
    recusas = [(int(lidos[i]), recusa) for i, recusa in lote.recusas]
    recusas += [(i, recusa_por_divergencia()) for i in onde[fora].tolist()]
    return _distribuir(
        r, np.concatenate(toques, axis=1), (onde, pix, pagavel & vivo[onde]),
        [(i, recusa) for i, recusa in recusas if vivo[i]], controles, distribuicao,
    )


def _int(coluna: pa.Array) -> Inteiros:
    return np.asarray(coluna.to_numpy(), np.int64)


def _iguais(coluna: pa.Array, *textos: str) -> NDArray[np.bool_]:
    """Quais são um dos textos. A coluna, sem nulos, é texto ou dicionário."""
    if pa.types.is_dictionary(coluna.type):
        sao = np.array([distinto in textos for distinto in coluna.dictionary.to_pylist()], np.bool_)
        return np.asarray(sao[coluna.indices.to_numpy()])
    return np.asarray(pc.is_in(coluna, pa.array(textos)).to_numpy(zero_copy_only=False), np.bool_)


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
        rotulo = avaliar_rotulo(r.valor[i].as_py())
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
    lote = _dos_eventos(r, onde, pix)
    medido = em_inteiros(pix)
    linhas = []
    for k, chave_destino in enumerate(d.destinos):
        recusados = [x for x in recusas if d.destino(r.particao[x[0]], r.deslocamento[x[0]]) == k]
        leva = _eventos(r, lote, medido, np.flatnonzero(quais & (destino_do_pix == k)), recusados)
        de_carona = k % len(d.baldes)  # o balde só leva os eventos: cada destino vai com um, e nenhum carrega todos
        for b, chave_balde in enumerate(d.baldes):
            do_balde = toques[:, (balde == b) & (destino == k)]
            if do_balde.size or (leva and b == de_carona) or controle:
                envelope = empacotar(dict(zip(("particao", "deslocamento", *NUMEROS), do_balde, strict=True)))
                linhas.append(Linha(chave_balde, chave_destino, envelope, leva if b == de_carona else b"", controle))
    return linhas


def _dos_eventos(r: Registros, onde: Inteiros, pix: Colunas) -> pa.RecordBatch:
    """Cada Pix nas colunas de `EVENTOS`."""
    lugares = pa.array(onde)
    return pa.RecordBatch.from_arrays([
        r.topico.take(lugares), pa.array(r.particao[onde]), pa.array(r.deslocamento[onde]), pa.array(r.kafka_us[onde]),
        r.enviado_us.take(lugares), *(pix[nome].cast(EVENTOS.field(nome).type) for nome in (*INTEIROS, *TEXTOS)),
    ], schema=EVENTOS)


def _eventos(
    r: Registros, lote: pa.RecordBatch, medido: NDArray[np.int32], quais: Inteiros,
    recusas: Sequence[tuple[int, Recusa]],
) -> bytes:
    """O que a decisão precisa de cada Pix além das primitivas, em colunas; e as recusas, uma a uma."""
    if not quais.size and not recusas:
        return b""
    return empacotar({
        "pix": lote.take(pa.array(quais)).serialize().to_pybytes(), "contexto": medido[quais],
        "recusas": [
            (r.topico[j].as_py(), int(r.particao[j]), int(r.deslocamento[j]), int(r.kafka_us[j]),
             r.enviado_us[j].as_py(), str(x.motivo), x.campo, x.detalhe) for j, x in recusas
        ],
    })


class Lidos(NamedTuple):
    """Um envelope de eventos aberto: os Pix em `EVENTOS`, o contexto de cada um e as recusas do lote."""

    pix: pa.RecordBatch
    contexto: NDArray[np.int32]
    recusas: list[tuple[Any, ...]]


def ler_eventos(envelope: bytes) -> Lidos:
    """O inverso, do lado da decisão."""
    lido = desempacotar(envelope)
    pix = pa.ipc.read_record_batch(pa.py_buffer(lido["pix"]), EVENTOS)
    return Lidos(pix, lido["contexto"], [tuple(recusa) for recusa in lido["recusas"]])
