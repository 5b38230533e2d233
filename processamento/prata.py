"""Prata: da bronze ao Pix válido e único, à quarentena e aos repetidos (DataFrame → DataFrame)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from ingestao.esquema import CHAVE_POSICAO
from processamento import colunar, esquema
from processamento.protecao import Tokenizador

LIMITE_DIAS_NA_PODA: Final = 400
_POSICAO: Final = [campo.name for campo in esquema.CAMPOS_POSICAO]
_ORDEM: Final = ("kafka_em_us", *CHAVE_POSICAO)
"""Quem chegou primeiro ao broker vale. Na mesma partição é a ordem dos deslocamentos."""


def com_avaliacao(bronze: DataFrame, tokenizador: Tokenizador) -> DataFrame:
    """Cada registro de eventos com o Pix normalizado ou a recusa (`colunar.PIX_AVALIADO`)."""
    return com_entrada(bronze).mapInArrow(colunar.avaliar_pix(tokenizador), colunar.PIX_AVALIADO)


def com_avaliacao_rotulos(bronze: DataFrame) -> DataFrame:
    """Cada registro de rótulos com o desfecho normalizado ou a recusa (`colunar.ROTULO_AVALIADO`)."""
    return com_entrada(bronze).mapInArrow(colunar.avaliar_rotulos(), colunar.ROTULO_AVALIADO)


def com_entrada(bronze: DataFrame) -> DataFrame:
    """O que o validador lê da bronze: o valor e a posição, com instantes em µs."""
    return bronze.select(
        "valor",
        *CHAVE_POSICAO,
        F.unix_micros("kafka_em").alias("kafka_em_us"),
        F.col("enviado_em").alias("enviado_em_us"),
        "origem",
    )


def eh_valido() -> Column:
    """Predicado sobre um registro avaliado: sem motivo de recusa."""
    return F.col("motivo").isNull()


def minuto_do_id() -> Column:
    """`yyyyMMddHHmm` do `id_fim_a_fim`, como número."""
    return F.substring("id_fim_a_fim", 10, 12).cast("long")


def sem_validos(avaliado: DataFrame) -> DataFrame:
    """A quarentena: os recusados, com o valor bruto e o porquê."""
    recusados = avaliado.where(~eh_valido())
    dia = F.to_date(F.timestamp_micros("kafka_em_us"))
    return recusados.withColumn("data", dia).select(*esquema.QUARENTENA.names)


def sem_recusados(avaliado: DataFrame) -> DataFrame:
    """Os válidos, nas colunas da prata, ainda com os repetidos."""
    return avaliado.where(eh_valido()).withColumn("minuto_id", minuto_do_id()).select(*esquema.PRATA.names)


def sem_recusados_rotulos(avaliado: DataFrame) -> DataFrame:
    """Os rótulos válidos, nas colunas de `prata_rotulos`."""
    return avaliado.where(eh_valido()).select(*esquema.PRATA_ROTULOS.names)


def com_primeiro(validos: DataFrame, existentes: DataFrame) -> DataFrame:
    """De cada válido, o id e a posição, com a do registro que vale para seu id: `primeiro_{topico,particao,…}`.

    `existentes`: o que a prata já tem (basta o trecho podado); ele vence o lote. Quem já está na prata com a mesma
    posição (reexecução do lote) é o primeiro de si mesmo. Só colunas estreitas passam pela redistribuição.
    """
    estreitas = ["id_fim_a_fim", "data", *_POSICAO]
    antigos = existentes.select(*estreitas, F.lit(True).alias("_antigo"))
    novos = validos.select(*estreitas, F.lit(False).alias("_antigo"))
    por_id = Window.partitionBy("id_fim_a_fim").orderBy(F.desc("_antigo"), *_ORDEM)
    marcados = novos.unionByName(antigos).withColumns(
        {f"primeiro_{coluna}": F.first(coluna).over(por_id) for coluna in CHAVE_POSICAO}
    )
    return marcados.where(~F.col("_antigo")).select(*esquema.DUPLICADOS.names)


def eh_primeiro() -> Column:
    """Predicado sobre `com_primeiro`: este registro é o que vale para o seu id."""
    igual = F.lit(True)
    for coluna in CHAVE_POSICAO:
        igual = igual & (F.col(coluna) == F.col(f"primeiro_{coluna}"))
    return igual


def sem_primeiros(marcados: DataFrame) -> DataFrame:
    """Os repetidos, cada um com a posição do que vale."""
    return marcados.where(~eh_primeiro()).select(*esquema.DUPLICADOS.names)


def sem_repetidos(validos: DataFrame, repetidos: DataFrame) -> DataFrame:
    """O que entra na prata: um registro por id. `repetidos` são poucos e viajam inteiros a cada tarefa."""
    posicoes = F.broadcast(repetidos.select(*CHAVE_POSICAO))
    return validos.join(posicoes, on=list(CHAVE_POSICAO), how="left_anti").select(*esquema.PRATA.names)


def sem_fora_do_trecho(prata: DataFrame, dias: Sequence[dt.date], primeiro: int, ultimo: int) -> DataFrame:
    """O trecho da prata onde um id do lote poderia estar; literais, porque só com eles o Delta poda arquivos.

    `dias`: as partições; `primeiro` e `ultimo`: os extremos de `minuto_id`.
    """
    trecho = prata.where(F.col("minuto_id").between(primeiro, ultimo))
    return trecho.where(F.col("data").isin(*dias)) if len(dias) <= LIMITE_DIAS_NA_PODA else trecho


def rotulos_vigentes(rotulos: DataFrame) -> DataFrame:
    """O último desfecho conhecido de cada Pix; um resultado pode ser revisto."""
    ordem = [F.desc("conhecido_em_us"), *(F.desc(coluna) for coluna in _ORDEM)]
    posicao = F.row_number().over(Window.partitionBy("id_fim_a_fim").orderBy(*ordem))
    vigentes = rotulos.withColumn("_posicao", posicao).where("_posicao = 1")
    return vigentes.select(*esquema.PRATA_ROTULOS.names)
