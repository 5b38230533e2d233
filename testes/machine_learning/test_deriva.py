"""Deriva: as casas e o PSI à mão, a hora de chegada, a proposta, a tabela repetível e o verbo."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from comandos.principal import executar
from machine_learning import acompanhamento, ajuste, custos, deriva, modelo, registro
from machine_learning.acompanhamento import Decididos
from machine_learning.conjunto import DIA_US, NUNCA
from machine_learning.deriva import HORA_US, PONTUACAO, VARIAVEIS, Contador, Regua
from machine_learning.esquema import OURO_DECISOES, OURO_DERIVA
from machine_learning.registro import Corrida
from plataforma.configuracao import Configuracao
from processamento.atributos import NOMES
from processamento.catalogo import PADRAO
from processamento.tabelas import PRATA_ROTULOS
from testes.machine_learning.fabrica_fraude import conjunto

POLITICA = custos.ler()
COMECO_US = 20_000 * DIA_US  # 2024-10-04


def psi(treino: np.ndarray, agora: np.ndarray) -> float:
    r = deriva.regua(treino)
    return r.psi(np.bincount(r.casas(agora), minlength=r.fracoes.size))


def test_psi_a_mao() -> None:
    r = Regua(np.array([1.0], np.float32), np.array([0.5, 0.0, 0.5, 0.0]))
    esperado = (0.75 - 0.5) * np.log(0.75 / 0.5) + (0.25 - 0.5) * np.log(0.25 / 0.5)
    assert r.psi(np.array([75, 0, 25, 0])) == pytest.approx(esperado)
    assert r.casas(np.array([0.0, 1.0, 2.0, np.nan])).tolist() == [0, 1, 2, 3]


def test_mesma_populacao_quase_nada_e_outra_muito() -> None:
    g = np.random.default_rng(0)
    treino = g.normal(size=20_000)
    assert psi(treino, g.normal(size=2_000)) < 0.03
    assert psi(treino, g.normal(1.0, 1.0, 2_000)) > 0.25


def test_valor_que_se_repete_tem_casa_propria() -> None:
    g = np.random.default_rng(0)
    raro = (g.random(50_000) < 0.001).astype(np.float32)
    assert psi(raro, raro[:5_000]) < 0.01
    assert psi(raro, (g.random(5_000) < 0.3).astype(np.float32)) > 0.25
    quase_sempre = 1.0 - raro
    assert psi(quase_sempre, np.zeros(1_000)) > 1.0


def test_nulos_tambem_derivam() -> None:
    cheio = np.arange(1_000.0)
    assert psi(cheio, np.where(cheio < 400, np.nan, cheio)) > 0.25
    vazio = np.full(100, np.nan)
    assert psi(vazio, vazio) == 0.0
    assert psi(vazio, cheio) > 1.0


def contador(treino: np.ndarray, p: np.ndarray) -> Contador:
    return Contador(json.loads(json.dumps(deriva.referencia(treino.astype(np.float32), p))))


def amostra(n: int = 3_000, semente: int = 0) -> tuple[np.ndarray, np.ndarray]:
    g = np.random.default_rng(semente)
    return g.normal(size=(n, len(NOMES))), g.random(n)


def test_conta_por_hora_em_qualquer_divisao_de_lotes() -> None:
    x, p = amostra()
    chegada = COMECO_US + np.arange(3_000) * (HORA_US // 1_000)
    inteiro, partido = contador(x, p), contador(x, p)
    inteiro.somar(chegada, x, p)
    for parte in np.array_split(np.random.default_rng(1).permutation(3_000), 7):
        partido.somar(chegada[parte], x[parte], p[parte])
    assert sorted(inteiro.horas) == [COMECO_US + i * HORA_US for i in range(3)]
    for hora, contagem in inteiro.horas.items():
        assert deriva.linhas(contagem) == 1_000
        np.testing.assert_array_equal(contagem, partido.horas[hora])
    assert set(inteiro.psi(contagem)) == set(VARIAVEIS)
    assert inteiro.ultimo_dia()[1] == 3


LIMITES = replace(POLITICA.retreino, horas_minimas=2)


def propor(deslocar: float, *, linhas: int = 3_000, recall: tuple[int, float] = (0, 0.0)) -> list[str]:
    x, p = amostra()
    c = contador(x, p)
    y, q = amostra(linhas, 5)
    y[:, 3] += deslocar
    y[:, NOMES.index("hora")] += 9
    c.somar(COMECO_US + np.arange(linhas) * (3 * HORA_US // linhas), y, q)
    return deriva.propor(LIMITES, [NOMES[3], "hora"], c, recall, 0.5)


def test_propoe_treino_so_pelo_que_importa() -> None:
    assert propor(0.0) == []
    (texto,) = propor(2.0)
    assert texto.startswith(f"1 atributos com PSI > 0,25 (o maior: {NOMES[3]},")
    assert propor(2.0, linhas=300) == []
    assert propor(0.0, recall=(29, 0.0)) == []
    assert propor(0.0, recall=(30, 0.41)) == []
    assert propor(0.0, recall=(30, 0.39)) == ["recall maduro 0,39 < 0,40 (0,50 na validação)"]


def test_acompanhamento_a_mao() -> None:
    d = Decididos(
        np.array([0, 1, 2, 3, DIA_US]), np.array([2 * DIA_US, 4 * DIA_US, NUNCA, 90 * DIA_US, NUNCA]),
        np.array([True, True, True, False, False]), np.array([True, False, True, True, True]),
        np.array([100, 300, 500, 700, 900]),
    )
    um, dois = acompanhamento.por_dia(d, agora_us=8 * DIA_US, maturacao_dias=7)
    assert um == {
        "dia": "1970-01-01", "decisoes": 4, "alertas": 3, "fraudes": 2, "recall": 1.0, "recall_no_prazo": 0.5,
        "precisao": pytest.approx(2 / 3), "vdr": 1.0, "atraso_dias": pytest.approx(3.0), "maduro": True,
    }
    assert (dois["maduro"], dois["recall"], dois["precisao"], dois["atraso_dias"]) == (False, None, None, None)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Configuracao:
    """Uma versão registrada e 20 dias de decisões dela; no último dia, outra população em uma coluna."""
    dados = tmp_path_factory.mktemp("deriva")
    cfg = Configuracao.do_ambiente({}, dados=dados, mlflow_uri=f"sqlite:///{dados}/mlflow.db")
    c = conjunto(12_000)
    feito = ajuste.ajustar(
        c, agora_us=22 * DIA_US, atraso_us=2 * DIA_US, semente=0, politica=POLITICA, quais=("logistica",)
    )
    ficha = {"catalogo_versao": PADRAO.versao, "referencia": feito.detector.metadados["referencia"],
             "validacao": feito.validacao}
    for extra in ({}, {"referencia": None}):
        modelo.salvar(feito.detector, dados / "entrada.skops", {**ficha, **extra})
        registro.registrar(cfg, Corrida("t", {}, {}, {}, {}, {}), [], dados / "entrada.skops", NOMES)
    x, n = c.x.astype(np.float64), len(c)
    x[c.instante_us >= 19 * DIA_US, 1] += 3
    p = feito.detector.probabilidade(x)
    instante = c.instante_us + COMECO_US
    quadro = pl.DataFrame({
        "id_evento": c.id_evento, "instante_us": instante, "kafka_em_us": instante + 1_000,
        "enviado_em_us": pl.Series([None] * n, dtype=pl.Int64), "decidido_em_us": instante + 500_000,
        "prazo_ms": [1_500] * n, "valor_centavos": c.valor, "acao": np.where(p > 0.2, "RETER_ANALISE", "APROVAR"),
        "modelo_versao": [None if i < 100 else "2" if i < 200 else "1" for i in range(n)],
        "catalogo_versao": [PADRAO.versao] * n, "probabilidade": p,
        "atributos": pl.Series([[None if np.isnan(v) else float(v) for v in linha] for linha in x],
                               dtype=pl.List(pl.Float64)),
    })
    write_deltalake(str(OURO_DECISOES.caminho(cfg)), quadro.to_arrow())
    fraude = c.conhecido_em_us != NUNCA
    quantas = int(fraude.sum())
    write_deltalake(str(PRATA_ROTULOS.caminho(cfg)), pl.DataFrame({
        "id_evento": c.id_evento[fraude], "conhecido_em_us": c.conhecido_em_us[fraude] + COMECO_US,
        "fraude": [True] * quantas, "tipologia": ["GOLPE"] * quantas, "classe": ["golpe"] * quantas,
    }).to_arrow())
    return cfg


@pytest.fixture
def ambiente(base: Configuracao, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Configuracao:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIX_DADOS", str(base.dados))
    monkeypatch.setenv("PIX_MLFLOW_URI", base.mlflow_uri)
    politica = tmp_path / "politica.yaml"
    texto = custos.ARQUIVO.read_text(encoding="utf-8").replace("linhas_minimas: 500", "linhas_minimas: 15")
    politica.write_text(texto, encoding="utf-8")
    lida = custos.ler(politica)
    monkeypatch.setattr(custos, "ler", lambda: lida)
    return base


def gravadas(cfg: Configuracao) -> pl.DataFrame:
    tabela = DeltaTable(str(OURO_DERIVA.caminho(cfg))).to_pyarrow_table()
    return pl.DataFrame(tabela).sort("inicio", "modelo_versao", "variavel")


def test_deriva_grava_a_tabela_e_propoe_treino(
    ambiente: Configuracao, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saida = tmp_path / "deriva.json"
    assert executar(["deriva", "--de", "2024-10-04", "--ate", "2024-10-24", "--saida", str(saida)]) == 0
    r = json.loads(saida.read_text())
    assert r["modelo_versao"] == "1"
    assert r["ultimas_24h"]["psi"][NOMES[1]] > 0.25 > r["ultimas_24h"]["psi"][NOMES[2]]
    assert any(NOMES[1] in texto for texto in r["proposta"])
    assert r["avisos"] == ["versão 2 fora da conta: foi treinada sem referência; treine de novo"]
    assert sum(d["decisoes"] for d in r["dias"]) == 12_000
    assert r["dias"][0]["atraso_dias"] == pytest.approx(2.0)
    lido = " ".join(capsys.readouterr().err.split())
    assert "treine de novo (./pix treinar)" in lido
    antes = gravadas(ambiente)
    assert antes.select("inicio", "modelo_versao", "variavel").is_duplicated().sum() == 0
    assert antes.filter(pl.col("variavel") == PONTUACAO)["linhas"].sum() == 11_800
    assert antes["psi"].null_count() == antes.filter(pl.col("linhas") < 15).height
    assert executar(["deriva", "--de", "2024-10-23", "--ate", "2024-10-23"]) == 0
    assert gravadas(ambiente).equals(antes)


def test_a_tabela_gravada_e_a_declarada(ambiente: Configuracao) -> None:
    assert executar(["deriva", "--de", "2024-10-10", "--ate", "2024-10-10"]) == 0
    delta = DeltaTable(str(OURO_DERIVA.caminho(ambiente)))
    campos = {campo["name"]: campo["type"] for campo in json.loads(delta.schema().to_json())["fields"]}
    assert campos == {campo.name: campo.dataType.typeName() for campo in OURO_DERIVA.esquema}
    assert delta.metadata().partition_columns == list(OURO_DERIVA.particao)


@pytest.mark.parametrize(("argumentos", "trecho"), [
    (["--de", "2020-01-01", "--ate", "2020-01-02"], "nenhuma decisão do período"),
    (["--saida", "/nao/ha/r.json"], "crie-a ou escolha outra"),
])
def test_erros_em_uma_linha(
    ambiente: Configuracao, argumentos: list[str], trecho: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert executar(["deriva", *argumentos]) == 2
    erro = capsys.readouterr().err
    assert trecho in erro
    assert erro.count("\n") == 1
