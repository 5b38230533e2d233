"""Indicadores das decisões: por ação, na janela do Pix; e a leitura que junta volume, decisões e fraude."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ingestao.fonte import CALMA, checkpoint, exigir_continuidade, na_fila_do_lago, preparar
from machine_learning.acoes import Acao
from machine_learning.esquema import INDICADORES_DECISAO, OURO_DECISOES, OURO_INDICADORES_DECISAO
from plataforma.configuracao import Configuracao
from plataforma.gravacao import id_da_consulta
from processamento import somas
from processamento.esquema import CORTE_INDICADOR
from processamento.indicadores import fundir
from processamento.tabelas import OURO_INDICADORES, OURO_INDICADORES_FRAUDE

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming import StreamingQuery

CONSULTA: Final = "ouro_indicadores_decisao"
DESCONHECIDO: Final = ""
"""No corte de uma decisão que não diz a instituição ou a forma de iniciação."""
_JANELA: Final = ("granularidade", "inicio", "fim", *CORTE_INDICADOR)


def iniciar_indicadores_decisao(spark: SparkSession, cfg: Configuracao, *, uma_vez: bool = False) -> StreamingQuery:
    """Começa `ouro_indicadores_decisao`: ouro_decisoes → janelas com watermark → MERGE.

    Levanta:
        ErroEstado: checkpoint perdido ou mais velho que a tabela.
    """
    for tabela in (OURO_DECISOES, OURO_INDICADORES_DECISAO):
        tabela.garantir(spark, cfg)
    exigir_continuidade(spark, cfg, CONSULTA, [OURO_INDICADORES_DECISAO], F.lit(True))
    agregado = OURO_DECISOES.ler_fluxo(spark, cfg).transform(com_decisoes)

    def gravar(lote: DataFrame, versao: int) -> None:
        fundir(lote, OURO_INDICADORES_DECISAO, cfg, id_da_consulta(checkpoint(cfg, CONSULTA)), versao)

    escritor = agregado.writeStream.outputMode("update").foreachBatch(gravar)
    with na_fila_do_lago(spark, cfg):
        return preparar(escritor, cfg, CONSULTA, uma_vez=uma_vez, calma=CALMA).start()


def com_decisoes(decisoes: DataFrame) -> DataFrame:
    """Decisões e valor por janela, corte e ação (`INDICADORES_DECISAO`)."""
    corte = {nome: F.coalesce(nome, F.lit(DESCONHECIDO)) for nome in CORTE_INDICADOR}
    estreitas = decisoes.select("instante_us", "valor_centavos", "acao", *CORTE_INDICADOR).withColumns(corte)
    janelas = somas.com_janelas(estreitas).withWatermark("fim", somas.ATRASO_TOLERADO)
    medidas = {"decisoes": F.count(F.lit(1)), "decidido_centavos": F.sum("valor_centavos")}
    return somas.com_somas(janelas, somas.FLUXO, medidas, ("acao",)).select(*INDICADORES_DECISAO.names)


def ler_indicadores(spark: SparkSession, cfg: Configuracao) -> DataFrame:
    """Uma linha por janela e corte: volume, valor, decisões por ação, taxa de alerta e taxa de fraude.

    `taxa_alerta` = decisões que não aprovam / decisões (nula sem decisão). `taxa_fraude` = fraudes confirmadas /
    volume (nula sem rótulo; sobe enquanto os rótulos da janela amadurecem, até 87 dias).
    """
    volume = (
        OURO_INDICADORES.ler(spark, cfg)
        .groupBy(*_JANELA)
        .agg(F.sum("quantidade").alias("quantidade"), F.sum("total_centavos").alias("total_centavos"))
    )
    por_acao = [F.sum(F.when(F.col("acao") == acao.value, F.col("decisoes"))).alias(acao.value) for acao in Acao]
    decisoes = (
        OURO_INDICADORES_DECISAO.ler(spark, cfg).groupBy(*_JANELA).agg(F.sum("decisoes").alias("decisoes"), *por_acao)
    )
    fraudes = OURO_INDICADORES_FRAUDE.ler(spark, cfg).select(*_JANELA, "rotulos", "fraudes", "fraude_centavos")
    juntos = volume.join(decisoes, on=list(_JANELA), how="left").join(fraudes, on=list(_JANELA), how="left")
    aprovadas = F.coalesce(Acao.APROVAR.value, F.lit(0))
    return juntos.withColumns(
        {
            "taxa_alerta": F.try_divide(F.col("decisoes") - aprovadas, F.col("decisoes")),
            "taxa_fraude": F.try_divide(F.col("fraudes"), F.col("quantidade")),
        }
    )
