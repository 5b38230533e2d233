"""Indicadores: volume, valor e fraude por minuto, hora e dia, por instituição e forma de iniciação.

Funções puras: de eventos às janelas de `window()`, e destas às somas. Três granularidades saem de uma só agregação:
cada evento entra em três janelas e o watermark se apoia no fim delas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from processamento import esquema
from processamento.prata import rotulos_vigentes

GRANULARIDADES: Final[Mapping[str, tuple[str, str | None]]] = {
    "minuto": ("1 minute", None),
    "hora": ("1 hour", None),
    "dia": ("1 day", "3 hours"),
}
"""Nome → duração e deslocamento da janela. O dia começa às 03:00Z: meia-noite de Brasília, sem horário de verão."""
DA_HISTORIA: Final = ("hora", "dia")
"""A história não guarda minutos: seriam quase um por Pix."""
ATRASO_TOLERADO: Final = "48 hours"
"""O watermark anda com o fim das janelas, que no dia está até 24 h à frente; sobram 24 h, o dobro do ±12 h do SPI."""
LOTE: Final = "lote"
FLUXO: Final = "fluxo"


def com_janelas(eventos: DataFrame, granularidades: Sequence[str] = tuple(GRANULARIDADES)) -> DataFrame:
    """Cada evento uma vez por granularidade, com `granularidade`, `inicio` e `fim`; o resto das colunas fica.

    Precisa de `instante_us`.
    """
    com = eventos.withColumn("_instante", F.timestamp_micros("instante_us"))
    for nome in granularidades:
        duracao, desvio = GRANULARIDADES[nome]
        com = com.withColumn(f"_{nome}", F.window("_instante", duracao, startTime=desvio))
    janelas = [F.struct(F.lit(nome).alias("nome"), f"_{nome}.start", f"_{nome}.end") for nome in granularidades]
    aberto = com.withColumn("_janela", F.explode(F.array(*janelas)))
    return aberto.select(
        *eventos.columns,
        F.col("_janela.nome").alias("granularidade"),
        F.col("_janela.start").alias("inicio"),
        F.col("_janela.end").alias("fim"),
    )


def com_somas(
    janelas: DataFrame, fonte: str, somas: Mapping[str, Column], corte_a_mais: Sequence[str] = ()
) -> DataFrame:
    """As janelas agregadas pelo corte (e `corte_a_mais`), com as colunas de `somas`.

    Termina na forma `CAMPOS_JANELA`, corte a mais, somas.
    """
    agregadas = janelas.groupBy("granularidade", "inicio", "fim", *esquema.CORTE_INDICADOR, *corte_a_mais).agg(
        *(coluna.alias(nome) for nome, coluna in somas.items())
    )
    completas = agregadas.withColumns({"fonte": F.lit(fonte), "data": F.to_date("inicio")})
    return completas.select(*(campo.name for campo in esquema.CAMPOS_JANELA), *corte_a_mais, *somas)


def com_volume(janelas: DataFrame, fonte: str) -> DataFrame:
    """Quantidade e valor de cada janela (`INDICADORES`)."""
    somas = {"quantidade": F.count(F.lit(1)), "total_centavos": F.sum("valor_centavos")}
    return com_somas(janelas, fonte, somas).select(*esquema.INDICADORES.names)


def com_fraude(prata: DataFrame, rotulos: DataFrame, granularidades: Sequence[str]) -> DataFrame:
    """Rótulos e fraudes confirmadas na janela do pagamento (`INDICADORES_FRAUDE`).

    Só o último desfecho de cada Pix conta; rótulo cujo Pix ainda não está na prata espera a próxima vez.
    """
    vigentes = F.broadcast(rotulos_vigentes(rotulos).select("id_fim_a_fim", "data", "fraude"))
    rotulados = prata.select(
        "id_fim_a_fim", "data", "instante_us", "valor_centavos", *esquema.CORTE_INDICADOR
    ).join(vigentes, on=["id_fim_a_fim", "data"], how="inner")
    somas = {
        "rotulos": F.count(F.lit(1)),
        "fraudes": F.count_if("fraude"),
        "fraude_centavos": F.coalesce(F.sum(F.when(F.col("fraude"), F.col("valor_centavos"))), F.lit(0)),
    }
    janelas = rotulados.drop("data").transform(lambda df: com_janelas(df, granularidades))
    return com_somas(janelas, LOTE, somas).select(*esquema.INDICADORES_FRAUDE.names)
