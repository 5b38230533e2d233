"""O planejamento econômico: vale para o fluxo que nasce no bloco, some da sessão, e não muda o que o fluxo dá."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from plataforma.planejamento import ECONOMIA, REGRAS_EXCLUIDAS, planejamento_economico, regras_dispensaveis

pytestmark = pytest.mark.spark


def _configuradas(spark: SparkSession) -> dict[str, Any]:
    return {chave: spark.conf.get(chave, None) for chave in (*ECONOMIA, REGRAS_EXCLUIDAS)}


def test_ficam_as_regras_do_nosso_plano_e_as_que_o_spark_nao_deixa_excluir(spark: SparkSession) -> None:
    nomes = [regra.rpartition(".")[2] for regra in regras_dispensaveis(spark)]
    assert {"CombineUnions", "ReorderJoin", "InferFiltersFromConstraints"} <= set(nomes)
    assert not {"CollapseProject", "ColumnPruning", "V2ScanRelationPushDown", "ExtractPythonUDFs"} & set(nomes)


def test_vale_no_bloco_e_depois_a_sessao_volta_ao_que_era(spark: SparkSession) -> None:
    spark.conf.set("spark.sql.exchange.reuse", "true")
    antes = _configuradas(spark)
    with pytest.raises(RuntimeError, match="no meio"), planejamento_economico(spark):
        assert _configuradas(spark)[REGRAS_EXCLUIDAS] == ",".join(regras_dispensaveis(spark))
        assert {chave: spark.conf.get(chave) for chave in ECONOMIA} == ECONOMIA
        msg = "no meio"
        raise RuntimeError(msg)
    assert _configuradas(spark) == antes


def test_o_fluxo_da_o_mesmo_com_e_sem_economia(spark: SparkSession, tmp_path: Path) -> None:
    pasta = str(tmp_path / "entrada")
    spark.range(50).select(F.col("id"), F.array(F.col("id"), F.lit(7)).alias("lista")).write.parquet(pasta)
    fonte = spark.readStream.schema("id LONG, lista ARRAY<LONG>").parquet(pasta)
    contas = fonte.select("id", F.element_at(F.filter("lista", lambda x: x == 7), 1).alias("sete"), (F.col("id") * 2))
    saidas = {}
    for nome in ("comum", "economico"):
        escritor = contas.repartition(2, "id").writeStream.format("memory").queryName(nome).option(
            "checkpointLocation", str(tmp_path / nome)).trigger(availableNow=True)
        if nome == "economico":
            with planejamento_economico(spark):
                consulta = escritor.start()
        else:
            consulta = escritor.start()
        consulta.awaitTermination()
        saidas[nome] = sorted(spark.table(nome).collect())
    assert len(saidas["comum"]) == 50
    assert saidas["comum"] == saidas["economico"]
