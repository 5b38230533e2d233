"""Compactar junta arquivos sem mudar linhas; o lago o faz sozinho ao gravar."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from comandos.compactar import compactar, pastas
from comandos.fluxos.lago import COMPACTA_AO_GRAVAR
from plataforma.configuracao import Configuracao


def test_junta_os_arquivos_e_nao_muda_as_linhas(cfg_sessao: Configuracao, tmp_path: Path) -> None:
    cfg = replace(cfg_sessao, dados=tmp_path)
    pasta = cfg.caminho("tabelas", "t")
    for i in range(12):
        write_deltalake(str(pasta), pa.table({"dia": ["a", "b"], "n": [i, i]}), mode="append", partition_by=["dia"])
    (cfg.caminho("tabelas") / "nao_e_tabela").mkdir()
    assert pastas(cfg) == [pasta]
    feita = compactar(pasta, apagar=False)
    assert (feita.nome, feita.antes, feita.depois, feita.apagados) == ("t", 24, 2, 0)
    lido = DeltaTable(str(pasta)).to_pyarrow_table().sort_by([("dia", "ascending"), ("n", "ascending")])
    assert lido.to_pydict() == {"dia": ["a"] * 12 + ["b"] * 12, "n": [*range(12)] * 2}


def test_apagar_tira_do_disco_so_o_que_ja_nao_se_usa(tmp_path: Path) -> None:
    pasta = tmp_path / "t"
    for i in range(3):
        write_deltalake(str(pasta), pa.table({"n": [i]}), mode="append")
    assert compactar(pasta, apagar=True).apagados == 0, "fora de uso há menos de sete dias"
    assert len(list(pasta.glob("*.parquet"))) == 4
    assert DeltaTable(str(pasta)).to_pyarrow_table().num_rows == 3


@pytest.mark.spark
def test_o_lago_compacta_ao_gravar(spark: Any, tmp_path: Path) -> None:
    quantos = int(COMPACTA_AO_GRAVAR["spark.databricks.delta.autoCompact.minNumFiles"])
    with _como_o_lago(spark):
        for _ in range(quantos + 2):
            spark.range(10).coalesce(1).write.format("delta").mode("append").save(str(tmp_path / "t"))
    tabela = DeltaTable(str(tmp_path / "t"))
    assert len(tabela.file_uris()) < quantos // 2
    assert tabela.to_pyarrow_table().num_rows == 10 * (quantos + 2)


@pytest.mark.spark
@pytest.mark.parametrize(("linhas_por_arquivo", "ficam"), [(20_000, 1), (100_000, 2)])
def test_o_lago_nao_regrava_arquivo_que_ja_e_grande(
    spark: Any, tmp_path: Path, linhas_por_arquivo: int, ficam: int
) -> None:
    """Na primeira gravação de um dia o Delta junta os arquivos mesmo que sejam dois: só se forem pequenos."""
    linhas = 2 * linhas_por_arquivo  # cada uma com 64 caracteres que não se comprimem
    with _como_o_lago(spark):
        spark.range(0, linhas, 1, 2).selectExpr("sha2(cast(id as string), 256) AS texto").write.format("delta").save(
            str(tmp_path / "t"))
    tabela = DeltaTable(str(tmp_path / "t"))
    assert len(tabela.file_uris()) == ficam
    assert tabela.to_pyarrow_table().num_rows == linhas


@contextmanager
def _como_o_lago(spark: Any) -> Iterator[None]:
    antes = {nome: spark.conf.get(nome, None) for nome in COMPACTA_AO_GRAVAR}
    for nome, valor in COMPACTA_AO_GRAVAR.items():
        spark.conf.set(nome, valor)
    try:
        yield
    finally:
        for nome, valor in antes.items():
            spark.conf.unset(nome) if valor is None else spark.conf.set(nome, valor)
