import datetime as dt

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from ingestao.bronze import com_bronze
from ingestao.esquema import BRONZE

pytestmark = pytest.mark.spark

CABECALHO = StructType([StructField("key", StringType()), StructField("value", BinaryType())])
FONTE = StructType([
    StructField("key", BinaryType()),
    StructField("value", BinaryType()),
    StructField("topic", StringType()),
    StructField("partition", IntegerType()),
    StructField("offset", LongType()),
    StructField("timestamp", TimestampType()),
    StructField("timestampType", IntegerType()),
    StructField("headers", ArrayType(CABECALHO)),
])  # fmt: skip
ENVIADO_US = 1_795_185_012_345_678
INSTANTE = dt.datetime(2026, 11, 20, 23, 59, 59, 999_000, tzinfo=dt.UTC)


def test_a_bronze_guarda_os_bytes_a_posicao_e_os_cabecalhos(spark: SparkSession) -> None:
    casos = [
        (b"\x00\xff{}", [("enviado_em", b"1795185012345678"), ("origem", b"simulado")], ENVIADO_US, "simulado"),
        (None, None, None, "vivo"),
        (b"", [], None, "vivo"),
        (b"a", [("enviado_em", b"ontem"), ("origem", b"outra")], None, "vivo"),
        (b"b", [("origem", b"historico"), ("origem", b"vivo")], None, "historico"),
        (b"c", [("enviado_em", None), ("origem", None)], None, "vivo"),
        (b"d", [("enviado_em", b"\xff\xfe"), ("x", b"1")], None, "vivo"),
    ]  # fmt: skip
    fonte = [(b"k", valor, "pix.eventos", 1, i, INSTANTE, 0, cab) for i, (valor, cab, _, _) in enumerate(casos)]
    esperado = [
        (b"k", valor, "pix.eventos", 1, i, INSTANTE, enviado, origem, INSTANTE.date())
        for i, (valor, _, enviado, origem) in enumerate(casos)
    ]
    saida = spark.createDataFrame(fonte, FONTE).transform(com_bronze)
    assert_df_equality(saida, spark.createDataFrame(esperado, BRONZE), ignore_nullable=True, ignore_row_order=True)
