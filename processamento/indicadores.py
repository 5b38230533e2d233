"""A consulta `ouro_indicadores`: prata → janelas com watermark → tabela, em modo update com MERGE."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ingestao.esquema import TOPICO_HISTORICO
from ingestao.fonte import CALMA, checkpoint, exigir_continuidade, na_fila_do_lago, preparar
from plataforma.configuracao import Configuracao
from plataforma.gravacao import anexar, atualizar, guardado, id_da_consulta
from plataforma.tabela import Tabela
from processamento import esquema, somas
from processamento.tabelas import OURO_INDICADORES, OURO_INDICADORES_FRAUDE, PRATA_PIX, PRATA_ROTULOS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming import StreamingQuery

CONSULTA: Final = "ouro_indicadores"
INTERVALO_FRAUDES_SEGUNDOS: Final = 120.0
"""De quanto em quanto tempo as fraudes são refeitas; um rótulo leva horas ou semanas para chegar."""
_CAMPOS: Final = ("instante_us", "valor_centavos", *esquema.CORTE_INDICADOR)


def iniciar_indicadores(spark: SparkSession, cfg: Configuracao, *, uma_vez: bool = False) -> StreamingQuery:
    """Começa `ouro_indicadores`; a cada `INTERVALO_FRAUDES_SEGUNDOS` refaz também a tabela de fraudes.

    Levanta:
        ErroEstado: checkpoint perdido ou mais velho que a tabela.
    """
    for tabela in (OURO_INDICADORES, OURO_INDICADORES_FRAUDE, PRATA_PIX, PRATA_ROTULOS):
        tabela.garantir(spark, cfg)
    exigir_continuidade(spark, cfg, CONSULTA, [OURO_INDICADORES], F.col("fonte") == somas.FLUXO)
    fonte = PRATA_PIX.ler_fluxo(spark, cfg).where(F.col("topico") != TOPICO_HISTORICO).select(*_CAMPOS)
    janelas = somas.com_janelas(fonte).withWatermark("fim", somas.ATRASO_TOLERADO)
    volume = somas.com_volume(janelas, somas.FLUXO)
    escritor = volume.writeStream.outputMode("update").foreachBatch(_gravador(cfg, time.monotonic))
    with na_fila_do_lago(spark, cfg):
        return preparar(escritor, cfg, CONSULTA, uma_vez=uma_vez, calma=CALMA).start()


def preencher_indicadores(spark: SparkSession, cfg: Configuracao) -> None:
    """Os indicadores da história, por hora e dia, pelo mesmo código; repetir não duplica."""
    OURO_INDICADORES.garantir(spark, cfg)
    historia = PRATA_PIX.ler(spark, cfg).where(F.col("topico") == TOPICO_HISTORICO).select(*_CAMPOS)
    janelas = somas.com_janelas(historia, somas.DA_HISTORIA)
    anexar(somas.com_volume(janelas, somas.LOTE).coalesce(1), OURO_INDICADORES, cfg, TOPICO_HISTORICO, 0)


def recalcular_fraudes(spark: SparkSession, cfg: Configuracao, id_transacao: str, versao: int) -> int:
    """Refaz as fraudes por hora e dia de tudo que tem rótulo; devolve quantas janelas mudaram.

    A prata é lida em poucas colunas e os rótulos, poucos, viajam inteiros.
    """
    OURO_INDICADORES_FRAUDE.garantir(spark, cfg)
    prata, rotulos = PRATA_PIX.ler(spark, cfg), PRATA_ROTULOS.ler(spark, cfg)
    novas = somas.com_fraude(prata, rotulos, somas.DA_HISTORIA)
    medidas = ("rotulos", "fraudes", "fraude_centavos")
    mudou = " OR ".join(f"velho.{medida} <> novo.{medida}" for medida in medidas)
    return fundir(novas, OURO_INDICADORES_FRAUDE, cfg, id_transacao, versao, mudou)


def _gravador(cfg: Configuracao, relogio: Callable[[], float]) -> Callable[[DataFrame, int], None]:
    ultima = relogio()

    def gravar(lote: DataFrame, versao: int) -> None:
        nonlocal ultima
        identidade = id_da_consulta(checkpoint(cfg, CONSULTA))
        fundir(lote, OURO_INDICADORES, cfg, identidade, versao)
        if relogio() - ultima >= INTERVALO_FRAUDES_SEGUNDOS:
            recalcular_fraudes(lote.sparkSession, cfg, identidade, versao)
            ultima = relogio()

    return gravar


def fundir(
    df: DataFrame, tabela: Tabela, cfg: Configuracao, id_transacao: str, versao: int, condicao: str | None = None
) -> int:
    """MERGE nas partições (`data`) que o lote toca; o lote é guardado porque é lido duas vezes."""
    with guardado(df) as lote:
        dias = [linha.asDict() for linha in lote.select("data").distinct().collect()]
        if not dias:
            return 0
        return atualizar(lote, tabela, cfg, id_transacao, versao, condicao=condicao, particoes=dias)
