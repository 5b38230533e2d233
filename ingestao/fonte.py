"""A fonte Kafka e o começo de uma consulta do lago: as opções medidas em um só lugar."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from plataforma.configuracao import Configuracao
from plataforma.erros import ErroEstado
from plataforma.gravacao import conferir_checkpoint
from plataforma.sessao import FILA_LAGO
from plataforma.tabela import Tabela

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql.streaming import DataStreamWriter


CALMA: Final = 4
"""A de rótulos e indicadores: a 3.626/s, um terço da CPU das tarefas do lago era dos indicadores (ADR 0018)."""
REGISTROS_POR_GATILHO: Final = 300_000
"""O mais que um micro-lote do lago toma de uma vez: o que ele guarda entre as ações cabe na memória da JVM."""


def ler_topico(spark: SparkSession, cfg: Configuracao, topico: str) -> DataFrame:
    """O tópico desde o começo, com cabeçalhos. Perder dados (retenção vencida) para a consulta: nunca em silêncio."""
    return (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", cfg.kafka_servidores)
        .option("subscribe", topico)
        .option("startingOffsets", "earliest")
        .option("failOnDataLoss", "true")
        .option("includeHeaders", "true")
        .option("maxOffsetsPerTrigger", REGISTROS_POR_GATILHO)
        # Sem isto uma partição vazia segura o micro-lote até 500 ms.
        .option("kafka.fetch.max.wait.ms", "10")
        .load()
    )


def preparar(
    escritor: DataStreamWriter, cfg: Configuracao, nome: str, *, uma_vez: bool = False, calma: int = 1
) -> DataStreamWriter:
    """Dá à consulta seu nome, checkpoint e ritmo. `uma_vez`: consome o que há e termina.

    `calma`: quantos gatilhos do lago entre dois micro-lotes. Cada gravação Delta custa perto de um segundo de núcleo,
    qualquer que seja o tamanho; o que não tem pressa (rótulos, indicadores) grava menos vezes.
    """
    ritmo: dict[str, Any] = (
        {"availableNow": True} if uma_vez else {"processingTime": f"{cfg.gatilho_lago_segundos * calma} seconds"}
    )
    return escritor.queryName(nome).option("checkpointLocation", str(checkpoint(cfg, nome))).trigger(**ritmo)


def checkpoint(cfg: Configuracao, nome: str) -> Path:
    """A pasta do checkpoint de uma consulta."""
    return cfg.caminho("checkpoints", nome)


@contextlib.contextmanager
def na_fila_do_lago(spark: SparkSession, cfg: Configuracao) -> Iterator[None]:
    """O que começa aqui dentro usa a fila FAIR `lago`, que cede os núcleos à decisão."""
    if cfg.perfil == "databricks":  # o contexto pode não estar ao alcance, e lá as filas são do cluster
        yield
        return
    contexto = spark.sparkContext
    anterior = contexto.getLocalProperty("spark.scheduler.pool")
    contexto.setLocalProperty("spark.scheduler.pool", FILA_LAGO)
    try:
        yield
    finally:
        contexto.setLocalProperty("spark.scheduler.pool", anterior)


def exigir_continuidade(
    spark: SparkSession, cfg: Configuracao, nome: str, tabelas: list[Tabela], ja_escrito: Column
) -> None:
    """Recusa começar do zero sobre tabelas que a consulta já escreveu, ou com um checkpoint mais velho que elas.

    Sem isto, um checkpoint perdido releria tudo e contaria cada registro duas vezes. `ja_escrito`: quais linhas da
    primeira tabela só esta consulta pode ter escrito.

    Levanta:
        ErroEstado: diz a consulta, a tabela e a saída.
    """
    pasta = checkpoint(cfg, nome)
    conferir_checkpoint(pasta, tabelas, cfg)
    if (pasta / "metadata").exists():
        return
    for tabela in tabelas[:1]:
        if tabela.existe(spark, cfg) and tabela.ler(spark, cfg).where(ja_escrito).limit(1).count():
            msg = (
                f"a consulta {nome} não tem checkpoint em {pasta}, mas já escreveu na tabela {tabela.nome}: "
                "restaure o checkpoint, escolha outra pasta com PIX_DADOS, ou recomece com ./pix limpar"
            )
            raise ErroEstado(msg)
