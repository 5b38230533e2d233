"""`./pix avaliar` de ponta a ponta: saídas, determinismo, entradas ruins e, com a base pública, as barras."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from comandos.principal import executar
from machine_learning import leiame, relatorio
from machine_learning.relatorio_texto import numero
from plataforma.erros import ErroConfiguracao
from testes.machine_learning import fabrica_fraude as fabrica

RELATORIO_MINIMO: dict[str, Any] = {
    "modelo": "boosting", "ap": 0.5, "auc": 0.5, "cp": 0.5, "k": 100, "linhas": 1, "fraudes": 1, "eventos": 1,
    "semente": 0, "segundos": 1.0, "candidatos": {}, "dobras": [{}], "controles": {},
    "media_das_dobras": {"ap": 0.5, "auc": 0.5, "cp": 0.5}, "arquivos": {"eventos": "e.parquet"},
    "protocolo": {"formato": "completo", "treino": ["2026-01-01"] * 2, "teste": ["2026-01-02"] * 2, "atraso_dias": 7},
}


def avaliar(pasta: Path, *opcoes: str, entrada: Path | None = None) -> int:
    de = entrada or pasta
    return executar([
        "avaliar", "--eventos", str(de / "eventos.parquet"), "--rotulos", str(de / "rotulos.parquet"),
        "--corte", str(de / "split.json"), "--saida", str(pasta / "saida"), *opcoes,
    ])


@pytest.fixture(scope="module")
def entrada(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pasta = tmp_path_factory.mktemp("entrada")
    fabrica.gravar(pasta, *fabrica.historico(eventos=9_000))
    return pasta


@pytest.fixture(scope="module")
def saida(entrada: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pasta = tmp_path_factory.mktemp("completa")
    (pasta / "leiame.md").write_text(f"antes\n{leiame.INICIO}\nvelho\n{leiame.FIM}\ndepois\n")
    opcoes = ("--controle", "--dobras", "2", "--formato", "handbook", "--semente", "4")
    escritos = ("--cartao", str(pasta / "cartao.md"), "--leiame", str(pasta / "leiame.md"))
    assert avaliar(pasta, *opcoes, *escritos, entrada=entrada) == 0
    return pasta / "saida"


def test_pontua_todo_evento_do_teste(saida: Path) -> None:
    base, _ = fabrica.historico(eventos=9_000)
    esperado = base.filter(pl.col("ts").is_between(pl.datetime(2026, 1, 26), pl.datetime(2026, 1, 30), closed="left"))
    pontuacoes = pl.read_parquet(saida / "pontuacoes.parquet")
    assert pontuacoes.schema == {"event_id": pl.String, "score": pl.Float64}
    assert pontuacoes["event_id"].to_list() == esperado["event_id"].to_list()
    assert pontuacoes["score"].is_finite().all()


def test_relatorio_tem_o_que_se_prometeu(saida: Path) -> None:
    r = json.loads((saida / "relatorio.json").read_text())
    assert r["ap_intervalo_95"][0] < r["ap"] < r["ap_intervalo_95"][1]
    assert {"taxa_base", "auc", "cp", "orcamento", "recall_a_fpr", "precisao_na_prevalencia_pix", "brier", "atributos",
            "descartados", "semente", "versoes", "segundos", "reais", "limiares", "por_tipologia"} <= set(r)
    assert set(r["orcamento"]) == {"0.001", "0.005", "0.01"}
    assert set(r["orcamento"]["0.01"]) == {"alertas", "recall", "precisao", "vdr"}
    assert "logistica" in {r["modelo"], *r["candidatos"]}
    assert len(r["dobras"]) == 2
    assert r["semente"] == 4
    assert all(c["passou"] for c in r["controles"].values())
    assert "disp_qtd_1h" in r["descartados"]
    assert r["protocolo"]["retirados"] > 0
    assert r["reais"]["fraudes"] == r["fraudes"]


def test_relatorio_se_le_e_traz_as_figuras(saida: Path) -> None:
    texto = (saida / "relatorio.md").read_text()
    for titulo in ("Candidatos", "orçamento", "Dobras", "Por tipologia", "Em R$", "Calibração", "Controles"):
        assert titulo in texto
    for figura in ("precisao_recall", "vdr", "calibracao", "tipologias"):
        assert (saida / "graficos" / f"{figura}.png").stat().st_size > 5_000
        assert f"graficos/{figura}.png" in texto


def test_cartao_e_leiame_trazem_o_que_o_relatorio_mediu(saida: Path) -> None:
    r = json.loads((saida / "relatorio.json").read_text())
    cartao, documento = ((saida.parent / nome).read_text() for nome in ("cartao.md", "leiame.md"))
    assert f"AP **{numero(r['ap'])}**" in cartao
    assert documento.startswith(f"antes\n{leiame.INICIO}\n")
    assert documento.endswith(f"\n{leiame.FIM}\ndepois\n")
    assert "velho" not in documento
    assert f"| **{numero(r['ap'])}** (" in documento
    assert f"| **{numero(r['media_das_dobras']['ap'])}** |" in documento
    assert "--formato handbook --dobras 2 --controle --leiame leiame.md" in documento.replace("\n", " ")
    assert all(prova["texto"] in documento.replace("\n", " ") for prova in r["controles"].values())
    assert "REPROVADO" not in documento
    r["controles"]["corte"]["passou"] = False
    assert leiame.secao(r, "c", "1/1/2026").count("REPROVADO") == 1


@pytest.mark.parametrize("conteudo", ["sem marca nenhuma", f"{leiame.FIM} {leiame.INICIO}", None])
def test_leiame_sem_as_marcas_sai_com_2(tmp_path: Path, conteudo: str | None) -> None:
    arquivo = tmp_path / "leiame.md"
    if conteudo is not None:
        arquivo.write_text(conteudo)
    with pytest.raises(ErroConfiguracao, match=r"--leiame .*duas marcas"):
        relatorio.atualizar_leiame(arquivo, RELATORIO_MINIMO, date(2026, 5, 1))
    assert conteudo is None or arquivo.read_text() == conteudo


def test_duas_execucoes_dao_as_mesmas_pontuacoes(entrada: Path, tmp_path: Path) -> None:
    for nome in ("a", "b"):
        (tmp_path / nome).mkdir()
        assert avaliar(tmp_path / nome, entrada=entrada) == 0
    a, b = (pl.read_parquet(tmp_path / nome / "saida" / "pontuacoes.parquet") for nome in ("a", "b"))
    assert a.equals(b)


def test_dispositivo_entra_quando_ha(tmp_path: Path) -> None:
    fabrica.gravar(tmp_path, *fabrica.historico(eventos=5_000, dispositivo=True))
    assert avaliar(tmp_path) == 0
    r = json.loads((tmp_path / "saida" / "relatorio.json").read_text())
    assert "disp_qtd_24h" in r["atributos"]


def _sem_coluna(b: pl.DataFrame, r: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    return b.drop("payee_id"), r


def _repetido(b: pl.DataFrame, r: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    return pl.concat([b, b.tail(2)]).sort("ts"), r


def _nan(b: pl.DataFrame, r: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    return b.with_columns(pl.when(pl.int_range(b.height) < 3).then(np.nan).otherwise("amount").alias("amount")), r


def _desconhecido(b: pl.DataFrame, r: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    primeira = pl.int_range(r.height) == 0
    return b, r.with_columns(pl.when(primeira).then(pl.lit("x")).otherwise("event_id").alias("event_id"))


def _fora_de_ordem(b: pl.DataFrame, r: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    return b.reverse(), r


def _sem_fraude(b: pl.DataFrame, r: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    return b, r.with_columns(is_fraud=pl.lit(0))


@pytest.mark.parametrize(("estragar", "trechos"), [
    (_sem_coluna, ["eventos.parquet", "payee_id"]),
    (_repetido, ["eventos.parquet", "event_id", "2"]),
    (_nan, ["eventos.parquet", "amount", "3", "NaN"]),
    (_desconhecido, ["rotulos.parquet", "event_id", "1", "desconhecido"]),
    (_fora_de_ordem, ["eventos.parquet", "ts", "1999"]),
    (_sem_fraude, ["uma só classe"]),
])
def test_entrada_ruim_sai_com_2_e_uma_linha(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], estragar: object, trechos: list[str]
) -> None:
    fabrica.gravar(tmp_path, *estragar(*fabrica.historico(eventos=2_000)))  # type: ignore[operator]
    assert avaliar(tmp_path) == 2
    erros = capsys.readouterr().err.strip().splitlines()
    assert len(erros) == 1
    assert erros[0].startswith("erro:")
    assert all(trecho in erros[0] for trecho in trechos), erros[0]


@pytest.mark.parametrize(("corte", "trecho"), [
    ({"train": ["2020-01-01", "2020-01-08"]}, "janela de treino"),
    ({"test": ["2030-01-01", "2030-01-08"]}, "janela de teste"),
    ({"train": ["2026-01-15", "2026-01-15"]}, "janela vazia"),
])
def test_corte_sem_dados(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], corte: dict[str, object], trecho: str
) -> None:
    fabrica.gravar(tmp_path, *fabrica.historico(eventos=2_000), **corte)
    assert avaliar(tmp_path) == 2
    assert trecho in capsys.readouterr().err


def test_saida_sem_direito_de_escrita(entrada: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "saida").write_text("ocupado")
    assert avaliar(tmp_path, entrada=entrada) == 2
    assert "--saida" in capsys.readouterr().err


@pytest.mark.fluxo
def test_barras_da_base_publica(compartilhado: Path, tmp_path: Path) -> None:
    """Corte único: AP ≥ 0,66 e CP@100 ≥ 0,287; acima de 0,75 seria vazamento até prova em contrário."""
    dados = compartilhado / "dados" / "handbook"
    assert executar([
        "avaliar", "--eventos", str(dados / "events.parquet"), "--rotulos", str(dados / "labels.parquet"),
        "--corte", str(dados / "split.json"), "--saida", str(tmp_path), "--formato", "handbook",
    ]) == 0
    r = json.loads((tmp_path / "relatorio.json").read_text())
    assert r["fraudes"] == 385
    assert 0.66 <= r["ap"] < 0.75
    assert r["cp"] >= 0.287
