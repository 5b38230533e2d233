"""Cada combinação de presenças tem um destino, e o que falta depende do corte."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import SparkSession

from machine_learning.destinos import Destino, com_cortes, com_destino

pytestmark = pytest.mark.spark
PRESENCAS = (
    "topico string, particao int, deslocamento long, n_bronze long, n_prata long, n_quarentena long, n_duplicado long, "
    "n_decisao long, n_recusa long, origem string, finalidade string, motivo string, decidido boolean"
)


def linha(**mudancas: Any) -> dict[str, Any]:
    base: dict[str, Any] = dict.fromkeys(("n_prata", "n_quarentena", "n_duplicado", "n_decisao", "n_recusa"), 0)
    base |= {"n_bronze": 1, "origem": "vivo", "finalidade": None, "motivo": None, "decidido": False}
    return {**base, **mudancas}


NA_PRATA = {"n_prata": 1, "finalidade": "IPAY"}
DECIDIDO = {**NA_PRATA, "n_decisao": 1, "decidido": True}
CASOS: list[tuple[dict[str, Any], Destino, Destino]] = [
    (linha(**DECIDIDO), Destino.DECIDIDO, Destino.DECIDIDO),
    (linha(**NA_PRATA, decidido=True), Destino.DECIDIDO, Destino.DECIDIDO),
    (linha(**NA_PRATA), Destino.SEM_DECISAO, Destino.EM_TRANSITO),
    (linha(**NA_PRATA, origem="historico"), Destino.HISTORICO, Destino.HISTORICO),
    (linha(n_prata=1, finalidade="REFU"), Destino.ISENTO, Destino.ISENTO),
    (linha(n_prata=1, finalidade="IPRT", origem="historico"), Destino.HISTORICO, Destino.HISTORICO),
    (linha(n_quarentena=1, motivo="nulo", n_recusa=1), Destino.QUARENTENA, Destino.QUARENTENA),
    (linha(n_quarentena=1, motivo="nulo"), Destino.SEM_RESPOSTA, Destino.EM_TRANSITO),
    (linha(n_quarentena=1, motivo="nulo", origem="historico"), Destino.QUARENTENA, Destino.QUARENTENA),
    (linha(n_duplicado=1), Destino.DUPLICADO, Destino.DUPLICADO),
    (linha(n_duplicado=1, n_decisao=1), Destino.DUPLICADO, Destino.DUPLICADO),
    (linha(), Destino.FALTANTE, Destino.EM_TRANSITO),
    (linha(**{**NA_PRATA, "n_prata": 2}), Destino.DOBRADO, Destino.DOBRADO),
    (linha(**DECIDIDO, n_duplicado=1), Destino.DOBRADO, Destino.DOBRADO),
    (linha(**NA_PRATA, n_quarentena=1), Destino.DOBRADO, Destino.DOBRADO),
    (linha(**{**DECIDIDO, "n_bronze": 2}), Destino.DOBRADO, Destino.DOBRADO),
    (linha(n_bronze=0, n_decisao=1, origem=None), Destino.DECISAO_SEM_EVENTO, Destino.EM_TRANSITO),
    (linha(n_bronze=0, n_recusa=1, origem=None), Destino.DECISAO_SEM_EVENTO, Destino.EM_TRANSITO),
    (linha(n_quarentena=1, n_recusa=1, n_decisao=1), Destino.DECISAO_INDEVIDA, Destino.DECISAO_INDEVIDA),
    (linha(**DECIDIDO, origem="historico"), Destino.DECISAO_INDEVIDA, Destino.DECISAO_INDEVIDA),
    (linha(n_prata=1, finalidade="REFU", n_decisao=1), Destino.DECISAO_INDEVIDA, Destino.DECISAO_INDEVIDA),
]


def test_cada_caso_tem_um_destino_aquem_e_alem_do_corte(spark: SparkSession) -> None:
    linhas = [
        {"topico": topico, "particao": 0, "deslocamento": i, **caso}
        for i, (caso, _, _) in enumerate(CASOS)
        for topico in ("aquem", "alem", "sem_corte")
    ]
    presencas = spark.createDataFrame(linhas, PRESENCAS)
    cortes = spark.createDataFrame(
        [("aquem", 0, 100, 100, 100), ("alem", 0, 0, 0, 0)],
        "topico string, particao int, corte_bronze long, corte_prata long, corte_decisao long",
    )
    saida = {(x["topico"], x["deslocamento"]): x["destino"] for x in com_destino(presencas, cortes).collect()}
    for i, (caso, aquem, alem) in enumerate(CASOS):
        assert saida["aquem", i] == aquem.value, caso
        assert saida["alem", i] == alem.value, caso
        assert saida["sem_corte", i] == alem.value, caso


def test_o_corte_da_decisao_para_no_comeco_do_ultimo_lote(spark: SparkSession) -> None:
    posicao = "topico string, particao int, deslocamento long"
    bronze = spark.createDataFrame([("t", 0, 9), ("t", 1, 4), ("t", 2, 1)], posicao)
    prata = spark.createDataFrame([("t", 0, 7), ("t", 1, 4)], posicao)
    respostas = spark.createDataFrame(
        [("t", 0, 3, 1), ("t", 0, 5, 2), ("t", 0, 6, 2), ("t", 1, 4, 1)], f"{posicao}, lote long"
    )
    cortes = {
        x["particao"]: (x["corte_bronze"], x["corte_prata"], x["corte_decisao"])
        for x in com_cortes(bronze, prata, respostas).collect()
    }
    assert cortes == {0: (10, 8, 5), 1: (5, 5, 5), 2: (2, None, None)}
