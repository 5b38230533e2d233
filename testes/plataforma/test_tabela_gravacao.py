"""Tabela e gravação em um Delta real: repetir não duplica, fundir não reescreve, checkpoint velho é recusado."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import DateType, LongType, StringType, StructField, StructType

from plataforma.configuracao import Configuracao
from plataforma.erros import ErroEstado
from plataforma.gravacao import anexar, atualizar, conferir_checkpoint, id_da_consulta, inserir_novos, versao_gravada
from plataforma.tabela import Tabela

pytestmark = pytest.mark.spark

ESQUEMA = StructType([
    StructField("id", LongType(), nullable=False),
    StructField("texto", StringType()),
    StructField("data", DateType(), nullable=False),
])
TABELA = Tabela("exemplo", ESQUEMA, ("id",), ("data",))
DIA_1, DIA_2 = dt.date(2026, 3, 1), dt.date(2026, 3, 2)


def linhas(spark: SparkSession, *valores: tuple[int, str, dt.date]) -> DataFrame:
    return spark.createDataFrame(list(valores), ESQUEMA)


def conteudo(spark: SparkSession, cfg: Configuracao) -> list[tuple[int, str, dt.date]]:
    return sorted(tuple(linha) for linha in TABELA.ler(spark, cfg).collect())


def test_garantir_cria_uma_vez_e_aceita_a_mesma_tabela(spark: SparkSession, cfg: Configuracao) -> None:
    TABELA.garantir(spark, cfg)
    TABELA.garantir(spark, cfg)
    assert TABELA.delta(spark, cfg).detail().head()["partitionColumns"] == ["data"]
    assert_df_equality(TABELA.ler(spark, cfg), linhas(spark), ignore_nullable=True)


def test_garantir_recusa_outro_esquema_e_diz_a_diferenca(spark: SparkSession, cfg: Configuracao) -> None:
    TABELA.garantir(spark, cfg)
    outra = Tabela("exemplo", StructType([*ESQUEMA.fields[:2], StructField("valor", LongType())]), ("id",))
    with pytest.raises(ErroEstado, match=r"falta valor bigint; sobra data date.*limpar"):
        outra.garantir(spark, cfg)


def test_garantir_recusa_outra_particao(spark: SparkSession, cfg: Configuracao) -> None:
    TABELA.garantir(spark, cfg)
    with pytest.raises(ErroEstado, match="partição"):
        Tabela("exemplo", ESQUEMA, ("id",)).garantir(spark, cfg)


def test_anexar_de_novo_o_mesmo_lote_nao_duplica(spark: SparkSession, cfg: Configuracao) -> None:
    TABELA.garantir(spark, cfg)
    for versao in (0, 0, 1):
        anexar(linhas(spark, (versao, "a", DIA_1)), TABELA, cfg, "consulta", versao)
    assert conteudo(spark, cfg) == [(0, "a", DIA_1), (1, "a", DIA_1)]
    assert versao_gravada(TABELA, cfg, "consulta") == 1
    assert versao_gravada(TABELA, cfg, "outra") is None


def test_inserir_novos_mantem_a_primeira_linha_de_cada_chave(spark: SparkSession, cfg: Configuracao) -> None:
    TABELA.garantir(spark, cfg)
    lote = linhas(spark, (1, "b", DIA_1), (1, "a", DIA_1), (2, "c", DIA_2))
    assert inserir_novos(lote, TABELA, cfg, "consulta", 0, ordem=["texto"]) == 2
    assert inserir_novos(linhas(spark, (1, "z", DIA_1), (3, "d", DIA_2)), TABELA, cfg, "consulta", 1) == 1
    assert conteudo(spark, cfg) == [(1, "a", DIA_1), (2, "c", DIA_2), (3, "d", DIA_2)]


def test_inserir_novos_repetido_com_a_mesma_versao_nao_faz_nada(spark: SparkSession, cfg: Configuracao) -> None:
    TABELA.garantir(spark, cfg)
    inserir_novos(linhas(spark, (1, "a", DIA_1)), TABELA, cfg, "consulta", 5)
    inserir_novos(linhas(spark, (9, "nunca", DIA_1)), TABELA, cfg, "consulta", 5)
    assert conteudo(spark, cfg) == [(1, "a", DIA_1)]
    assert spark.conf.get("spark.databricks.delta.write.txnVersion", None) is None


def test_inserir_novos_com_aspas_na_particao_de_texto(spark: SparkSession, cfg: Configuracao) -> None:
    tabela = Tabela("textos", ESQUEMA, ("id",), ("texto",))
    tabela.garantir(spark, cfg)
    for versao in (0, 1):
        inserir_novos(linhas(spark, (1, "d'água", DIA_1)), tabela, cfg, "consulta", versao)
    assert tabela.ler(spark, cfg).count() == 1


def test_inserir_novos_le_so_as_particoes_presentes(spark: SparkSession, cfg: Configuracao) -> None:
    TABELA.garantir(spark, cfg)
    anexar(linhas(spark, (1, "a", DIA_1), (2, "b", DIA_2)), TABELA, cfg, "consulta", 0)
    inserir_novos(linhas(spark, (3, "c", DIA_2)), TABELA, cfg, "consulta", 1)
    metricas = TABELA.delta(spark, cfg).history(1).select("operationMetrics", "operationParameters").head()
    assert "2026-03-02" in metricas["operationParameters"]["predicate"]
    assert "2026-03-01" not in metricas["operationParameters"]["predicate"]


def test_atualizar_substitui_e_insere(spark: SparkSession, cfg: Configuracao) -> None:
    TABELA.garantir(spark, cfg)
    atualizar(linhas(spark, (1, "a", DIA_1), (2, "b", DIA_1)), TABELA, cfg, "consulta", 0)
    atualizar(linhas(spark, (1, "novo", DIA_1), (3, "c", DIA_2)), TABELA, cfg, "consulta", 1)
    assert conteudo(spark, cfg) == [(1, "novo", DIA_1), (2, "b", DIA_1), (3, "c", DIA_2)]


def test_atualizar_com_condicao_deixa_a_linha_mais_nova(spark: SparkSession, cfg: Configuracao) -> None:
    TABELA.garantir(spark, cfg)
    atualizar(linhas(spark, (1, "b", DIA_1)), TABELA, cfg, "consulta", 0)
    atualizar(linhas(spark, (1, "a", DIA_1)), TABELA, cfg, "consulta", 1, condicao="novo.texto > velho.texto")
    assert conteudo(spark, cfg) == [(1, "b", DIA_1)]


def test_checkpoint_atras_da_tabela_e_recusado(spark: SparkSession, cfg: Configuracao, tmp_path: Path) -> None:
    TABELA.garantir(spark, cfg)
    checkpoint = tmp_path / "checkpoint"
    conferir_checkpoint(checkpoint, [TABELA], cfg)
    (checkpoint / "offsets").mkdir(parents=True)
    (checkpoint / "metadata").write_text(json.dumps({"id": "consulta-1"}))
    (checkpoint / "offsets" / "3").write_text("v1")
    anexar(linhas(spark, (1, "a", DIA_1)), TABELA, cfg, id_da_consulta(checkpoint), 3)
    conferir_checkpoint(checkpoint, [TABELA], cfg)
    anexar(linhas(spark, (2, "a", DIA_1)), TABELA, cfg, id_da_consulta(checkpoint), 4)
    with pytest.raises(ErroEstado, match=r"já tem o lote 4.*parou no 3"):
        conferir_checkpoint(checkpoint, [TABELA], cfg)


def test_fluxo_repetido_do_checkpoint_nao_duplica(spark: SparkSession, cfg: Configuracao, tmp_path: Path) -> None:
    """Perdido o commit do último lote (morte no meio), o Spark o repete; a tabela fica igual."""
    destino = Tabela("destino", ESQUEMA, ("id",), ("data",))
    checkpoint = tmp_path / "ponto"
    TABELA.garantir(spark, cfg)
    destino.garantir(spark, cfg)
    anexar(linhas(spark, (1, "a", DIA_1), (2, "b", DIA_2)), TABELA, cfg, "semente", 0)

    def correr() -> None:
        fluxo = TABELA.ler_fluxo(spark, cfg).writeStream.option("checkpointLocation", str(checkpoint))
        fluxo.trigger(availableNow=True).foreachBatch(
            lambda lote, numero: inserir_novos(lote, destino, cfg, id_da_consulta(checkpoint), numero)
        ).start().awaitTermination()

    correr()
    for arquivo in (checkpoint / "commits").iterdir():
        arquivo.unlink()
    correr()
    assert sorted(linha["id"] for linha in destino.ler(spark, cfg).collect()) == [1, 2]
    assert versao_gravada(destino, cfg, id_da_consulta(checkpoint)) == 0
