"""As decisões pousam no lago: `pix.decisoes` → ouro_decisoes e ouro_recusas, cada resposta uma só vez."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F

from ingestao.fonte import checkpoint, exigir_continuidade, ler_topico, na_fila_do_lago, preparar
from machine_learning.esquema import DECISAO, OURO_DECISOES, OURO_RECUSAS
from plataforma.configuracao import Configuracao
from plataforma.gravacao import anexar, id_da_consulta
from plataforma.tabela import Tabela

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming import StreamingQuery

CONSULTA: Final = "ouro_decisoes"
TIPO_DECISAO: Final = "decisao"
TIPO_RECUSA: Final = "recusa"
_ORDEM: Final = ("resposta_particao", "resposta_deslocamento")
_REGISTRO: Final = logging.getLogger(__name__)


def iniciar_decisoes_lago(spark: SparkSession, cfg: Configuracao, *, uma_vez: bool = False) -> StreamingQuery:
    """Começa `ouro_decisoes`: o tópico de decisões → as duas tabelas. `uma_vez`: consome o que há e termina.

    Levanta:
        ErroEstado: checkpoint perdido ou mais velho que as tabelas.
    """
    tabelas = [OURO_DECISOES, OURO_RECUSAS]
    for tabela in tabelas:
        tabela.garantir(spark, cfg)
    exigir_continuidade(spark, cfg, CONSULTA, tabelas, F.lit(True))
    lidas = ler_topico(spark, cfg, cfg.topico_decisoes).transform(com_resposta)
    contadas = lidas.observe(CONSULTA, F.count(F.lit(1)).alias("linhas"))

    def gravar(lote: DataFrame, versao: int) -> None:
        gravar_respostas(lote, cfg, id_da_consulta(checkpoint(cfg, CONSULTA)), versao)

    escritor = preparar(contadas.writeStream.foreachBatch(gravar), cfg, CONSULTA, uma_vez=uma_vez)
    with na_fila_do_lago(spark, cfg):
        return escritor.start()


def com_resposta(topico: DataFrame) -> DataFrame:
    """Da fonte Kafka às colunas da decisão ou da recusa. Mensagem ilegível ou nula fica com `tipo` nulo."""
    lida = topico.select(
        F.from_json(F.col("value").cast("string"), DECISAO).alias("r"),
        F.col("partition").alias("resposta_particao"),
        F.col("offset").alias("resposta_deslocamento"),
    )
    dia_do_id = F.try_to_timestamp(F.substring("r.id_fim_a_fim", 10, 8), F.lit("yyyyMMdd"))
    dia_de_chegada = F.timestamp_micros("r.kafka_em_us")
    eh_decisao = F.col("r.tipo") == TIPO_DECISAO
    dia = F.when(eh_decisao, dia_do_id).otherwise(dia_de_chegada)
    return lida.select("r.*", *_ORDEM, F.to_date(dia).alias("data"))


def gravar_respostas(lote: DataFrame, cfg: Configuracao, id_transacao: str, versao: int) -> tuple[int, int]:
    """Grava um lote de respostas; devolve quantas decisões e quantas recusas leu. Repetir o lote não muda nada."""
    with _guardado(lote) as lidas:
        chegada = [linha.asDict() for linha in _contar(lidas)]
        for tipo, tabela in ((TIPO_DECISAO, OURO_DECISOES), (TIPO_RECUSA, OURO_RECUSAS)):
            dias = [linha["data"] for linha in chegada if linha["tipo"] == tipo and linha["data"]]
            if dias:
                novas = lidas.where((F.col("tipo") == tipo) & F.col("data").isNotNull())
                anexar(sem_ja_gravadas(novas, tabela, cfg, dias), tabela, cfg, id_transacao, versao)
    contagem = {tipo: sum(c["linhas"] for c in chegada if c["tipo"] == tipo) for tipo in (TIPO_DECISAO, TIPO_RECUSA)}
    ilegiveis = sum(c["linhas"] for c in chegada) - sum(contagem.values())
    if ilegiveis:
        _REGISTRO.warning("%s: %d mensagens que não são decisão nem recusa, deixadas no tópico", CONSULTA, ilegiveis)
    return contagem[TIPO_DECISAO], contagem[TIPO_RECUSA]


def sem_ja_gravadas(novas: DataFrame, tabela: Tabela, cfg: Configuracao, dias: list[object]) -> DataFrame:
    """De cada chave, só a primeira resposta do tópico, e só se a tabela ainda não a tem.

    Um micro-lote repetido pela decisão publica de novo: o primeiro deslocamento vence, aqui e na tabela.
    """
    posicao = F.row_number().over(Window.partitionBy(*tabela.chave).orderBy(*_ORDEM))
    primeiras = novas.withColumn("_posicao", posicao).where("_posicao = 1")
    gravadas = tabela.ler(novas.sparkSession, cfg).where(F.col("data").isin(*dias)).select(*tabela.chave, "data")
    return primeiras.join(gravadas, on=[*tabela.chave, "data"], how="left_anti").select(*tabela.esquema.names)


def _contar(lidas: DataFrame) -> list[Row]:
    linhas: Column = F.count(F.lit(1)).alias("linhas")
    return list(lidas.groupBy("tipo", "data").agg(linhas).collect())


@contextmanager
def _guardado(df: DataFrame) -> Iterator[DataFrame]:
    guardado = df.persist()
    try:
        yield guardado
    finally:
        guardado.unpersist()
