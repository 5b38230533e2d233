"""Bronze: o registro do Kafka como chegou, com posição, instantes e cabeçalhos (DataFrame → DataFrame)."""

from __future__ import annotations

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ingestao.esquema import BRONZE, CABECALHO_ENVIADO_EM, CABECALHO_ORIGEM, CHAVE_POSICAO, ORIGENS
from plataforma.tabela import Tabela

BRONZE_EVENTOS: Final = Tabela("bronze_eventos", BRONZE, CHAVE_POSICAO, ("data",))
BRONZE_ROTULOS: Final = Tabela("bronze_rotulos", BRONZE, CHAVE_POSICAO, ("data",))
"""Restritas: guardam os bytes como vieram, talvez com dado claro. Retenção curta, por `data`."""

ORIGEM_PADRAO: Final = "vivo"
"""De quem não diz a origem, ou diz uma que não conhecemos: o tratamento mais exigente."""


def cabecalho(nome: str) -> Column:
    """O texto do primeiro cabeçalho Kafka com esse nome; nulo = ausente.

    Quase sempre é um dos dois primeiros; procurar na lista, que o Spark interpreta item a item, fica para os outros.
    """
    primeiro, segundo = (F.get(F.col("headers"), F.lit(i)) for i in range(2))
    achados = F.filter(F.col("headers"), lambda item: item["key"] == F.lit(nome))
    texto = (
        F.when(primeiro["key"] == F.lit(nome), primeiro["value"]).when(segundo["key"] == F.lit(nome), segundo["value"])
        .otherwise(F.get(achados, F.lit(0))["value"])
    )
    return texto.cast("string")


def com_cabecalhos(df: DataFrame) -> DataFrame:
    """Acrescenta `enviado_em` (µs UTC, nulo se ausente ou ilegível) e `origem` (uma de `ORIGENS`)."""
    origem = cabecalho(CABECALHO_ORIGEM)
    return df.withColumns({
        "enviado_em": cabecalho(CABECALHO_ENVIADO_EM).try_cast("long"),
        "origem": F.when(origem.isin(*ORIGENS), origem).otherwise(F.lit(ORIGEM_PADRAO)),
    })


def com_bronze(df: DataFrame) -> DataFrame:
    """Da fonte Kafka (com cabeçalhos) às colunas da bronze; nada é lido de dentro do valor."""
    return df.transform(com_cabecalhos).select(
        F.col("key").alias("chave"),
        F.col("value").alias("valor"),
        F.col("topic").alias("topico"),
        F.col("partition").alias("particao"),
        F.col("offset").alias("deslocamento"),
        F.col("timestamp").alias("kafka_em"),
        "enviado_em",
        "origem",
        F.to_date("timestamp").alias("data"),
    )
