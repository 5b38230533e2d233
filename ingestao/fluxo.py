"""Ingestão: Kafka → bronze, exatamente uma vez; e a história, direto na bronze."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import functions as F

from ingestao.bronze import BRONZE_EVENTOS, BRONZE_ROTULOS, com_bronze
from ingestao.esquema import TOPICO_HISTORICO, TOPICO_HISTORICO_ROTULOS
from ingestao.fonte import CALMA, exigir_continuidade, ler_topico, na_fila_do_lago, preparar
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroEstado
from plataforma.gravacao import anexar
from plataforma.tabela import Tabela

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming import StreamingQuery

CONSULTA_EVENTOS: Final = "bronze_eventos"
CONSULTA_ROTULOS: Final = "bronze_rotulos"
_REGISTROS_POR_GRUPO: Final = 50_000
_ARROW_BRONZE: Final = pa.schema(
    [
        pa.field("chave", pa.binary()),
        pa.field("valor", pa.binary()),
        pa.field("topico", pa.string(), nullable=False),
        pa.field("particao", pa.int32(), nullable=False),
        pa.field("deslocamento", pa.int64(), nullable=False),
        pa.field("kafka_em", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("enviado_em", pa.int64()),
        pa.field("origem", pa.string(), nullable=False),
        pa.field("data", pa.date32(), nullable=False),
    ]
)


def iniciar_bronze(spark: SparkSession, cfg: Configuracao, *, uma_vez: bool = False) -> StreamingQuery:
    """Começa `bronze_eventos`: `pix.eventos` → tabela bronze_eventos. `uma_vez`: consome o que há e termina.

    Levanta:
        ErroEstado: checkpoint perdido ou mais velho que a tabela.
    """
    return _iniciar(spark, cfg, cfg.topico_eventos, BRONZE_EVENTOS, CONSULTA_EVENTOS, uma_vez=uma_vez, calma=1)


def iniciar_bronze_rotulos(spark: SparkSession, cfg: Configuracao, *, uma_vez: bool = False) -> StreamingQuery:
    """Começa `bronze_rotulos`: `pix.rotulos` → tabela bronze_rotulos, nas mesmas condições."""
    return _iniciar(spark, cfg, cfg.topico_rotulos, BRONZE_ROTULOS, CONSULTA_ROTULOS, uma_vez=uma_vez, calma=CALMA)


def escrever_historico(
    spark: SparkSession,
    cfg: Configuracao,
    registros: Iterable[tuple[bytes, ...]],
    rotulos: Iterable[bytes],
    carimbo_us: int,
) -> tuple[int, int]:
    """Grava a história na bronze: (chave, valor) de cada Pix e o valor de cada rótulo; devolve quantos de cada.

    `carimbo_us`: o `kafka_em` de todos, em µs UTC. Os eventos entram por último e em uma só transação: depois de uma
    queda a história está inteira ou pode ser escrita de novo.

    Levanta:
        ErroEstado: quando a bronze já tem história.
    """
    for tabela in (BRONZE_EVENTOS, BRONZE_ROTULOS):
        tabela.garantir(spark, cfg)
    if _tem(spark, cfg, BRONZE_EVENTOS, TOPICO_HISTORICO):
        msg = "a bronze já tem história: escolha outra pasta com PIX_DADOS ou recomece com ./pix limpar"
        raise ErroEstado(msg)
    if _tem(spark, cfg, BRONZE_ROTULOS, TOPICO_HISTORICO_ROTULOS):  # os de uma tentativa que caiu antes dos eventos
        BRONZE_ROTULOS.delta(spark, cfg).delete(F.col("topico") == TOPICO_HISTORICO_ROTULOS)
    sem_chave = ((None, valor) for valor in rotulos)
    quantos_rotulos = _gravar(spark, cfg, BRONZE_ROTULOS, TOPICO_HISTORICO_ROTULOS, sem_chave, carimbo_us)
    return _gravar(spark, cfg, BRONZE_EVENTOS, TOPICO_HISTORICO, registros, carimbo_us), quantos_rotulos


def _iniciar(
    spark: SparkSession, cfg: Configuracao, topico: str, tabela: Tabela, nome: str, *, uma_vez: bool, calma: int
) -> StreamingQuery:
    tabela.garantir(spark, cfg)
    exigir_continuidade(spark, cfg, nome, [tabela], F.col("topico") == topico)
    contado = ler_topico(spark, cfg, topico).transform(com_bronze).observe(nome, F.count(F.lit(1)).alias("linhas"))
    destino = contado.writeStream.format("delta").outputMode("append").partitionBy(*tabela.particao)
    escritor = preparar(destino, cfg, nome, uma_vez=uma_vez, calma=calma)
    with na_fila_do_lago(spark, cfg):
        if cfg.perfil == "databricks":
            return escritor.toTable(tabela.identificador(cfg))
        return escritor.start(str(tabela.caminho(cfg)))


def _tem(spark: SparkSession, cfg: Configuracao, tabela: Tabela, topico: str) -> bool:
    return bool(tabela.ler(spark, cfg).where(F.col("topico") == topico).limit(1).count())


def _gravar(
    spark: SparkSession,
    cfg: Configuracao,
    tabela: Tabela,
    topico: str,
    registros: Iterable[tuple[bytes | None, ...]],
    carimbo_us: int,
) -> int:
    """Um Parquet à parte, em grupos, e dele uma só transação Delta: a memória não cresce com a história."""
    tabelas = cfg.caminho("tabelas")
    tabelas.mkdir(parents=True, exist_ok=True)
    pasta = Path(tempfile.mkdtemp(prefix="historico-", dir=tabelas))
    quantos = 0
    try:
        with pq.ParquetWriter(pasta / "parte.parquet", _ARROW_BRONZE, compression="zstd") as arquivo:
            for grupo in _grupos(registros):
                arquivo.write_table(_em_arrow(grupo, topico, quantos, carimbo_us))
                quantos += len(grupo)
        if quantos:
            anexar(spark.read.schema(tabela.esquema).parquet(str(pasta)), tabela, cfg, f"{topico}-{carimbo_us}", 0)
    finally:
        shutil.rmtree(pasta)
    return quantos


def _grupos(registros: Iterable[tuple[bytes | None, ...]]) -> Iterator[list[tuple[bytes | None, ...]]]:
    resto = iter(registros)
    while grupo := list(islice(resto, _REGISTROS_POR_GRUPO)):
        yield grupo


def _em_arrow(grupo: list[tuple[bytes | None, ...]], topico: str, primeiro: int, carimbo_us: int) -> pa.Table:
    n = len(grupo)
    chaves, valores = zip(*grupo, strict=True)
    dia = dt.datetime.fromtimestamp(carimbo_us // 1_000_000, dt.UTC).date()
    colunas = [
        pa.array(chaves, pa.binary()),
        pa.array(valores, pa.binary()),
        pa.repeat(topico, n),
        pa.repeat(pa.scalar(0, pa.int32()), n),
        pa.array(range(primeiro, primeiro + n), pa.int64()),
        pa.repeat(pa.scalar(carimbo_us, pa.timestamp("us", tz="UTC")), n),
        pa.nulls(n, pa.int64()),
        pa.repeat("historico", n),
        pa.repeat(pa.scalar(dia, pa.date32()), n),
    ]
    return pa.Table.from_arrays(colunas, schema=_ARROW_BRONZE)
