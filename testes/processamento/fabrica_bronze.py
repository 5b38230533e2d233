"""Registros da bronze para testes com Spark: o valor, a posição e o resto com padrões."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

from pyspark.sql import DataFrame, SparkSession

from ingestao.esquema import BRONZE
from testes.processamento.fabrica_eventos import em_bytes, evento

MEIO_DIA = dt.datetime(2026, 11, 20, 14, 30, 12, tzinfo=dt.UTC)


class Registro(NamedTuple):
    valor: bytes | None
    deslocamento: int
    particao: int = 0
    topico: str = "pix.eventos"
    origem: str = "vivo"
    kafka_em: dt.datetime = MEIO_DIA


def id_numero(numero: int, carimbo: str = "202611201430") -> str:
    return f"E99999010{carimbo}{numero:011d}"


def pix(numero: int, **mudancas: Any) -> bytes:
    """Um Pix válido cujo id carrega `numero`."""
    return em_bytes(evento(**{"id_fim_a_fim": id_numero(numero), **mudancas}))


def bronze(spark: SparkSession, *registros: Registro) -> DataFrame:
    linhas = [
        (b"chave", r.valor, r.topico, r.particao, r.deslocamento, r.kafka_em, None, r.origem, r.kafka_em.date())
        for r in registros
    ]
    return spark.createDataFrame(linhas, BRONZE)
