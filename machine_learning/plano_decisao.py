"""O plano da consulta de decisão: Kafka → toques → estado → montagem → decisão → Kafka, sem tabela no meio.

As funções que o Spark leva aos workers são objetos de classes importáveis: viajam por referência e o cache fica.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark import TaskContext
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from ingestao.bronze import com_cabecalhos
from machine_learning.observacao import ENTREGUE, NOME_OBSERVACAO, escrever, juntar, observacoes
from plataforma.configuracao import Configuracao
from processamento.catalogo import Catalogo
from processamento.estado.envelope import em_coluna
from processamento.estado.processador import ENTRADA, SAIDA, Estado

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from processamento.estado.toques import Distribuicao
    from processamento.protecao import Tokenizador

_PROPRIEDADE_LOTE: Final = "streaming.sql.batchId"
_CANDIDATOS: Final = 64
PIX_POR_BLOCO: Final = 8_000
"""Quantos se decidem de cada vez: o cliente Kafka envia um bloco enquanto se decide o seguinte, e regras e explicações,
que custam por bloco, ainda o repartem por muitos (2.000 custavam um sexto a mais por Pix)."""


@dataclass(frozen=True)
class Abrir:
    """Primeiro passo: os registros de uma partição do lote viram uma linha por balde e destino."""

    tokenizador: Tokenizador
    distribuicao: Distribuicao
    topico_rotulos: str
    topico_controle: str

    def __call__(self, lotes: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Um lote Arrow por vez (poucas linhas largas cada): o que milhares de Pix abertos ocupam cabe no cache."""
        from processamento.estado.toques import Registros, abrir  # noqa: PLC0415 — só no worker

        for lote in lotes:
            topico, particao, deslocamento, kafka_us, enviado_us, origem, valor = lote.columns
            registros = Registros(
                topico, _inteiros(particao), _inteiros(deslocamento), _inteiros(kafka_us), enviado_us, origem, valor,
            )
            linhas = abrir(
                registros, tokenizador=self.tokenizador, distribuicao=self.distribuicao,
                topico_rotulos=self.topico_rotulos, topico_controle=self.topico_controle,
            )
            if linhas:
                yield _lote_arrow(list(zip(*linhas, strict=True)), ENTRADA)


@dataclass(frozen=True)
class Decidir:
    """Último passo: os envelopes de um destino viram respostas, entregues no tópico de decisões."""

    catalogo: Catalogo
    nossos_ispb: frozenset[str]
    modelo: str
    servidores: str
    topico: str

    def __call__(self, lotes: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Junta a partição inteira: os toques de um Pix vêm de baldes diferentes. Só acaba com tudo confirmado."""
        from machine_learning.decisao import Decisor  # noqa: PLC0415 — polars e sklearn só no worker
        from machine_learning.entrega import Entrega  # noqa: PLC0415
        from machine_learning.montagem import reunir  # noqa: PLC0415
        from processamento.estado.balde import Saida  # noqa: PLC0415

        saidas = [
            Saida(*linha)
            for lote in lotes for linha in zip(*(coluna.to_pylist() for coluna in lote.columns), strict=True)
        ]
        if not saidas:
            return
        decisor, entrega = Decisor(self.catalogo, self.nossos_ispb, self.modelo), Entrega(self.servidores, self.topico)
        agora_us, resumos = time.time_ns() // 1_000, []
        for bloco in reunir(self.catalogo, saidas).em_blocos(PIX_POR_BLOCO):
            respostas = decisor.responder(bloco, _numero_do_lote(), agora_us)
            entrega.enviar(respostas.chaves, respostas.valores)
            resumos.append(respostas.resumo)
        entrega.confirmar()
        yield _lote_arrow(([_particao()], [escrever(juntar(resumos))]), ENTREGUE)


def distribuir(spark: SparkSession, cfg: Configuracao) -> Distribuicao:
    """Escolhe chaves inteiras cujo hash do Spark cai, em rodízio, em cada partição do shuffle.

    0 e 1, por exemplo, caem na mesma de 2 partições: o próprio Spark diz quais servem.
    """
    from processamento.estado.toques import Distribuicao  # noqa: PLC0415

    chave = F.col("id").cast("int")
    candidatas = spark.range(_CANDIDATOS * cfg.baldes).select(
        chave.alias("chave"), F.pmod(F.hash(chave), F.lit(cfg.particoes_estado)).alias("particao")
    ).collect()
    por_particao = [[c.chave for c in candidatas if c.particao == p] for p in range(cfg.particoes_estado)]
    baldes = tuple(por_particao[i % cfg.particoes_estado][i // cfg.particoes_estado] for i in range(cfg.baldes))
    return Distribuicao(baldes, tuple(chaves[0] for chaves in por_particao))


def entregas(
    registros: DataFrame, inicial: DataFrame | None, *, cfg: Configuracao, catalogo: Catalogo,
    distribuicao: Distribuicao, tokenizador: Tokenizador, pasta_cache: str,
) -> DataFrame:
    """O plano inteiro, de registros do Kafka (`da_fonte`) a resumos observados de respostas já entregues.

    `inicial`: pedaços de histórico (`processador.INICIAL`) para a partida quente; None se o checkpoint já existe
    (ignorado pelo Spark nesse caso).
    """
    abrir = Abrir(tokenizador, distribuicao, cfg.topico_rotulos, cfg.topico_controle)
    estado = Estado(catalogo, pasta_cache, cfg.horizonte_duplicados_horas * 3_600)
    # Uma tarefa por partição do Kafka daria à dos rótulos, quase sempre vazia, uma vez e um processo só para ela.
    abertos = registros.coalesce(cfg.particoes_estado).mapInArrow(abrir, ENTRADA)
    medidos = abertos.groupBy("balde").transformWithStateInPandas(
        estado, SAIDA, "Append", "None", initialState=None if inicial is None else inicial.groupBy("balde")
    )
    decidir = Decidir(
        catalogo, frozenset(cfg.nossos_ispb), cfg.modelo, cfg.kafka_servidores, cfg.topico_decisoes
    )
    entregues = medidos.repartition(cfg.particoes_estado, "destino").mapInArrow(decidir, ENTREGUE)
    return entregues.observe(NOME_OBSERVACAO, *observacoes(cfg.particoes_estado))


def da_fonte(bruto: DataFrame) -> DataFrame:
    """Da fonte Kafka às colunas de `toques.Registros`, os cabeçalhos como na bronze (ilegível não para o fluxo)."""
    return bruto.transform(com_cabecalhos).select(
        "topic", "partition", "offset", F.unix_micros("timestamp"), "enviado_em", "origem", "value"
    ).toDF("topico", "particao", "deslocamento", "kafka_us", "enviado_us", "origem", "valor")


def _numero_do_lote() -> int:
    contexto = TaskContext.get()
    return int((contexto and contexto.getLocalProperty(_PROPRIEDADE_LOTE)) or -1)


def _particao() -> int:
    contexto = TaskContext.get()
    return contexto.partitionId() if contexto else 0


def _inteiros(coluna: pa.Array) -> NDArray[np.int64]:
    return np.asarray(coluna.to_numpy(), np.int64)


def _lote_arrow(colunas: Sequence[Sequence[Any]], esquema: StructType) -> pa.RecordBatch:
    """Um RecordBatch com os tipos do esquema Spark."""
    from pyspark.sql.pandas.types import to_arrow_schema  # noqa: PLC0415

    arrow = to_arrow_schema(esquema)
    return pa.RecordBatch.from_arrays([
        em_coluna(coluna) if pa.types.is_binary(campo.type) else pa.array(coluna, campo.type)
        for coluna, campo in zip(colunas, arrow, strict=True)
    ], schema=arrow)
