"""Campeão contra desafiante: o intervalo pareado, as medidas, e o verbo sobre um lago de verdade."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from comandos.principal import executar
from machine_learning import ajuste, avaliacao, comparacao, custos, modelo, registro
from machine_learning.comparacao import Duelo, Lado
from machine_learning.conjunto import DIA_US, NUNCA
from machine_learning.esquema import OURO_DECISOES
from machine_learning.registro import Corrida
from plataforma.configuracao import Configuracao
from processamento.atributos import NOMES
from processamento.catalogo import PADRAO
from processamento.tabelas import PRATA_ROTULOS
from testes.machine_learning.fabrica_fraude import conjunto

POLITICA = custos.ler()
COMECO_US = 20_000 * DIA_US  # 2024-10-04


def notas(n: int = 4_000, semente: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """y e duas notas: a segunda separa melhor; arredondadas para haver empates."""
    g = np.random.default_rng(semente)
    y = (g.random(n) < 0.02).astype(np.int8)
    ruido = g.normal(size=n)
    return y, np.round(1.2 * y + ruido, 2), np.round(2.2 * y + ruido, 2)


def intervalo_ingenuo(y: np.ndarray, a: np.ndarray, b: np.ndarray, reamostras: int) -> tuple[float, float]:
    """A mesma reamostragem com um peso por Pix, pela AP ponderada do sklearn."""
    from sklearn.metrics import average_precision_score  # noqa: PLC0415

    g = np.random.default_rng(9)
    saida = []
    for _ in range(reamostras):
        w = g.poisson(1.0, y.size)
        saida.append(average_precision_score(y, b, sample_weight=w) - average_precision_score(y, a, sample_weight=w))
    return float(np.quantile(saida, 0.025)), float(np.quantile(saida, 0.975))


def test_intervalo_pareado_e_o_da_reamostragem_ingenua() -> None:
    y, a, b = notas()
    obtido = comparacao.diferenca_ap(y, a, b, semente=0, reamostras=600)
    np.testing.assert_allclose(obtido, intervalo_ingenuo(y, a, b, 600), atol=0.025)
    assert obtido[0] < avaliacao.ap(y, b) - avaliacao.ap(y, a) < obtido[1]


def test_peso_um_da_a_propria_ap() -> None:
    y, a, _ = notas()
    ordem = comparacao._Ordem(a[y == 1], a[y == 0])
    casas, contagem = np.unique(ordem.lugar, return_counts=True)
    assert ordem.ap(np.ones(int(y.sum()), np.int64), contagem, casas) == pytest.approx(avaliacao.ap(y, a))


def test_mesma_ordem_da_diferenca_nula() -> None:
    y, a, _ = notas()
    assert comparacao.diferenca_ap(y, a, 3 * a - 1, semente=1) == (0.0, 0.0)


@pytest.mark.parametrize(("trocar", "veredito"), [(False, "melhor"), (True, "pior")])
def test_veredito_e_diferencas(trocar: bool, veredito: str) -> None:
    y, a, b = notas()
    lados = [Lado("1", a, 1 / (1 + np.exp(-a)), {}), Lado("2", b, 1 / (1 + np.exp(-b)), {})]
    tipologia = np.where(np.arange(y.size) % 2, "GOLPE", "LARANJA").astype(object)
    duelo = Duelo(y, np.full(y.size, 10_000), tipologia, 2.0, *(lados[::-1] if trocar else lados))
    r = comparacao.comparar(duelo, POLITICA, semente=0)
    assert r["veredito"] == veredito
    assert r["diferenca"]["ap"] == pytest.approx(r["desafiante"]["ap"] - r["campeao"]["ap"])
    assert set(r["campeao"]["por_tipologia"]) == {"GOLPE", "LARANJA"}
    assert r["campeao"]["alertas"] == 20


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Configuracao:
    """Duas versões registradas (logística e boosting) e o que as duas disseram de 20 dias de Pix, com rótulos."""
    dados = tmp_path_factory.mktemp("duelo")
    cfg = Configuracao.do_ambiente({}, dados=dados, mlflow_uri=f"sqlite:///{dados}/mlflow.db")
    c = conjunto()
    feito = ajuste.ajustar(
        c, agora_us=22 * DIA_US, atraso_us=2 * DIA_US, semente=0, politica=POLITICA, quais=("boosting", "logistica")
    )
    detectores = [feito.base, feito.detector]
    for detector in detectores:
        arquivo = dados / "entrada.skops"
        modelo.salvar(detector, arquivo, {"catalogo_versao": PADRAO.versao})
        registro.registrar(cfg, Corrida("treino", {}, {}, {}, {}, {}), [], arquivo, NOMES)
    n = len(c)
    quadro = pl.DataFrame({
        "id_evento": c.id_evento, "instante_us": c.instante_us + COMECO_US, "valor_centavos": c.valor,
        "modelo_versao": ["1"] * n, "pontuacao": detectores[0].pontuar(c.x),
        "desafiante_versao": [None if i < 50 else "2" for i in range(n)],
        "desafiante_pontuacao": [None if i < 50 else p for i, p in enumerate(detectores[1].pontuar(c.x))],
    })
    write_deltalake(str(OURO_DECISOES.caminho(cfg)), quadro.to_arrow())
    fraude = c.conhecido_em_us != NUNCA
    quantas = int(fraude.sum())
    rotulos = pl.DataFrame({
        "id_evento": c.id_evento[fraude], "conhecido_em_us": c.conhecido_em_us[fraude] + COMECO_US,
        "fraude": [True] * quantas, "tipologia": ["GOLPE"] * quantas, "classe": ["golpe"] * quantas,
    })
    write_deltalake(str(PRATA_ROTULOS.caminho(cfg)), rotulos.to_arrow())
    return cfg


@pytest.fixture
def ambiente(base: Configuracao, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Configuracao:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIX_DADOS", str(base.dados))
    monkeypatch.setenv("PIX_MLFLOW_URI", base.mlflow_uri)
    return base


def test_comparar_escreve_o_relatorio(
    ambiente: Configuracao, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saida = tmp_path / "r"
    assert executar(["comparar", "--de", "2024-10-01", "--ate", "2024-10-31", "--saida", str(saida)]) == 0
    r = json.loads((saida / "comparacao.json").read_text())
    assert r["fora"] == {"sem_um_dos_dois": 50, "de_outro_par": 0, "imaturos": 0}
    assert r["linhas"] == 3_950
    assert (r["campeao"]["versao"], r["desafiante"]["versao"]) == ("1", "2")
    de, ate = r["diferenca"]["ap_intervalo_95"]
    assert de <= r["diferenca"]["ap"] <= ate
    assert r["diferenca"]["centavos_poupados_por_dia"] != 0
    texto = (saida / "comparacao.md").read_text()
    assert "Campeão 1 e desafiante 2" in texto
    assert "| GOLPE |" in texto
    assert (saida / "precisao_recall.png").exists()
    assert "R$ poupados por dia" in capsys.readouterr().out


def test_o_presente_e_o_do_pix_mais_novo_se_ele_anda_a_frente(ambiente: Configuracao, tmp_path: Path) -> None:
    from machine_learning import leitura_decisoes  # noqa: PLC0415

    tabela = DeltaTable(str(OURO_DECISOES.caminho(ambiente))).to_pyarrow_table()
    ultimo = max(tabela.column("instante_us").to_pylist())
    assert leitura_decisoes.ate_onde(ambiente, ultimo - 1) == ultimo
    assert leitura_decisoes.ate_onde(ambiente, ultimo + 1) == ultimo + 1
    assert leitura_decisoes.ate_onde(replace(ambiente, dados=tmp_path), 7) == 7


def test_comparar_sem_datas_acha_decisoes_do_futuro(
    ambiente: Configuracao, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A simulação contínua anda à frente do relógio: sem datas, compara-se o que ela decidiu."""
    futuro = replace(ambiente, dados=tmp_path / "futuro")
    salto = 10 * 365 * DIA_US
    for tabela, colunas in ((OURO_DECISOES, ("instante_us",)), (PRATA_ROTULOS, ("conhecido_em_us",))):
        lida = pl.from_arrow(DeltaTable(str(tabela.caminho(ambiente))).to_pyarrow_table())
        assert isinstance(lida, pl.DataFrame)
        write_deltalake(str(tabela.caminho(futuro)), lida.with_columns(pl.col(colunas) + salto).to_arrow())
    monkeypatch.setenv("PIX_DADOS", str(futuro.dados))
    assert executar(["comparar", "--saida", str(tmp_path / "r")]) == 0
    assert json.loads((tmp_path / "r" / "comparacao.json").read_text())["linhas"] > 1_000


def test_so_o_maduro_conta(ambiente: Configuracao) -> None:
    from machine_learning import duelo  # noqa: PLC0415

    periodo = duelo.Periodo(0, NUNCA, COMECO_US + 12 * DIA_US, 7)
    r, pares = duelo.comparar(ambiente, periodo, POLITICA, 0)
    assert r["fora"]["imaturos"] + r["linhas"] == 3_950
    assert r["dias"] <= 5
    sabidas = duelo.comparar(ambiente, replace(periodo, agora_us=COMECO_US + 40 * DIA_US), POLITICA, 0)[1].y.sum()
    assert pares.y.sum() < sabidas


@pytest.mark.parametrize(("argumentos", "trecho"), [
    (["--de", "2020-01-01", "--ate", "2020-01-02"], "./pix promover VERSAO --desafiante"),
    (["--de", "2024-10-08", "--ate", "2024-10-01"], "vem depois de"),
    (["--de", "ontem"], "--de 'ontem' não é um dia; esperado AAAA-MM-DD"),
])
def test_erros_em_uma_linha(
    ambiente: Configuracao, argumentos: list[str], trecho: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert executar(["comparar", *argumentos]) == 2
    erro = capsys.readouterr().err
    assert trecho in erro
    assert erro.count("\n") == 1


def test_sem_decisoes_diz_o_que_fazer(
    cfg: Configuracao, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIX_DADOS", str(cfg.dados))
    assert executar(["comparar"]) == 2
    assert "ouro_decisoes ainda não existe" in capsys.readouterr().err
