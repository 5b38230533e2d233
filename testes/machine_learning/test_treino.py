"""O procedimento de treino e o verbo: divisão por tempo, escolha, portão, registro, promoção."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from machine_learning import ajuste, controles, custos, modelo, portao, registro, treino
from machine_learning.ajuste import Tentativa
from machine_learning.conjunto import DIA_US, NUNCA, Conjunto
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroDados, ErroServico
from processamento.catalogo import PADRAO
from testes.machine_learning import fabrica_lago
from testes.machine_learning.fabrica_fraude import conjunto

POLITICA = custos.ler()


def ajustar(c: Conjunto, agora_us: int, atraso_dias: int = 2, **opcoes: object) -> ajuste.Ajuste:
    padrao = {"semente": 0, "politica": POLITICA, "quais": ajuste.RAPIDOS}
    return ajuste.ajustar(c, agora_us=agora_us, atraso_us=atraso_dias * DIA_US, **{**padrao, **opcoes})


@pytest.fixture(scope="module")
def feito() -> ajuste.Ajuste:
    return ajustar(conjunto(), 22 * DIA_US)


def test_separa_melhor_que_o_acaso_e_calibra(feito: ajuste.Ajuste) -> None:
    assert {t.candidato for t in feito.tentativas} == {"logistica", "boosting"}
    assert feito.validacao["ap"] > 4 * feito.validacao["taxa_base"]
    assert list(feito.detector.limiares.values()) == sorted(feito.detector.limiares.values())
    assert set(feito.todos()) == {feito.detector.candidato, "logistica"}
    assert feito.detector.metadados["referencia"]["linhas"] == feito.janela["validacao"]["linhas"]


def test_janela_longa_deixa_o_atraso_entre_comeco_e_fim(feito: ajuste.Ajuste) -> None:
    comeco, fim = feito.janela["treino"], feito.janela["validacao"]
    assert fim["de_us"] - comeco["ate_us"] >= 2 * DIA_US


def test_imaturo_nao_entra() -> None:
    c = conjunto()
    agora = 15 * DIA_US
    feito = ajustar(c, agora)
    assert feito.janela["final"]["ate_us"] <= agora - 2 * DIA_US
    assert feito.amostra[1].sum() == ((c.conhecido_em_us <= agora) & (c.instante_us <= agora - 2 * DIA_US)).sum()


def test_rotulo_que_ainda_nao_se_sabe_nao_muda_nada() -> None:
    c = conjunto()
    agora = 15 * DIA_US
    tarde = np.where(c.conhecido_em_us == NUNCA, c.instante_us + 2 * DIA_US, c.conhecido_em_us) > agora
    invertido = np.where(tarde, np.where(c.conhecido_em_us == NUNCA, agora + DIA_US, NUNCA), c.conhecido_em_us)
    a, b = ajustar(c, agora), ajustar(replace(c, conhecido_em_us=invertido), agora)
    assert tarde.any()
    np.testing.assert_array_equal(a.detector.pontuar(c.x), b.detector.pontuar(c.x))
    assert a.detector.limiares == b.detector.limiares
    assert a.detector.calibrador_ == b.detector.calibrador_


def test_mesma_semente_mesmo_modelo(feito: ajuste.Ajuste) -> None:
    c = conjunto()
    outro = ajustar(c, 22 * DIA_US, tarefas=1)
    np.testing.assert_array_equal(outro.detector.pontuar(c.x), feito.detector.pontuar(c.x))


def test_candidatos_da_mistura_ajustam_cada_parte_uma_vez() -> None:
    feito = ajustar(conjunto(1_500), 22 * DIA_US, quais=ajuste.CANDIDATOS)
    assert {t.candidato for t in feito.tentativas} == set(ajuste.CANDIDATOS)
    assert "logistica" in feito.todos()


def tentativas(**aps: float) -> list[Tentativa]:
    return [Tentativa(nome, {"ap": ap}, 0.0) for nome, ap in aps.items()]


@pytest.mark.parametrize(("aps", "esperado"), [
    ({"logistica": 0.70, "boosting": 0.71, "floresta": 0.70, "mistura": 0.705}, "mistura"),
    ({"logistica": 0.70, "boosting": 0.74, "floresta": 0.70, "mistura": 0.705}, "boosting"),
    ({"logistica": 0.80, "boosting": 0.74}, "logistica"),
    ({"logistica": float("nan"), "boosting": float("nan")}, "logistica"),
])
def test_escolhe_o_preferido_dentro_da_tolerancia(aps: dict[str, float], esperado: str) -> None:
    assert ajuste._escolher(tentativas(**aps)) == esperado


@pytest.mark.parametrize(("agora", "trecho"), [(DIA_US, "vazia"), (int(2.2 * DIA_US), "uma só classe")])
def test_janela_sem_o_que_ensinar(agora: int, trecho: str) -> None:
    c = conjunto(400, dias=5)
    c = replace(c, instante_us=c.instante_us + (DIA_US if trecho == "vazia" else 0),
                conhecido_em_us=np.full(400, NUNCA))
    with pytest.raises(ErroDados, match=trecho):
        ajustar(c, agora)


def test_poucas_fraudes_ainda_treinam() -> None:
    c = conjunto(3_000)
    fraudes = np.flatnonzero(c.conhecido_em_us != NUNCA)
    conhecido = np.full(len(c), NUNCA)
    conhecido[fraudes[:7]] = c.conhecido_em_us[fraudes[:7]]
    assert ajustar(replace(c, conhecido_em_us=conhecido), 22 * DIA_US).detector.limiares


@pytest.fixture(scope="module")
def lago(tmp_path_factory: pytest.TempPathFactory) -> Configuracao:
    dados = tmp_path_factory.mktemp("lago")
    cfg = Configuracao.do_ambiente({}, dados=dados, mlflow_uri=f"sqlite:///{dados}/mlflow.db")
    fabrica_lago.gravar_prata(cfg, fabrica_lago.simular())
    return cfg


def test_treinar_registra_promove_e_passa_pelo_portao(lago: Configuracao) -> None:
    passos: list[str] = []
    primeiro = treino.treinar(lago, rapido=True, motivo="o primeiro", passo=passos.append)
    assert primeiro.promovido
    assert registro.resolver(lago, registro.CAMPEAO) == primeiro.versao
    assert registro.marcas_de(lago, primeiro.versao)["campeao_motivo"] == "o primeiro"
    assert passos[0] == "lendo a prata"
    detector = modelo.carregar(*registro.materializar(lago, primeiro.versao))
    np.testing.assert_array_equal(
        detector.pontuar(primeiro.ajuste.fim.x), primeiro.ajuste.detector.pontuar(primeiro.ajuste.fim.x)
    )
    assert detector.metadados["catalogo_versao"] == PADRAO.versao
    segundo = treino.treinar(lago, rapido=True, semente=5)
    assert not segundo.promovido
    assert registro.resolver(lago, registro.CAMPEAO) == primeiro.versao


def test_treino_inteiro_corre_os_controles_e_os_grava(lago: Configuracao, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ajuste, "CANDIDATOS", ajuste.RAPIDOS)
    feito = treino.treinar(lago, semente=9)
    gravados = modelo.carregar(*registro.materializar(lago, feito.versao)).metadados["controles"]
    assert {nome: c["passou"] for nome, c in gravados.items()} == {"embaralhados": True, "corte": True}, gravados


def test_treino_que_vaza_nao_vira_campeao(lago: Configuracao, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sem embaralhar de fato, a prova vê o que o modelo sabe: é como se o atributo contasse o rótulo."""
    monkeypatch.setattr(ajuste, "CANDIDATOS", ajuste.RAPIDOS)
    monkeypatch.setattr(controles, "embaralhar", lambda y, *_: y)
    monkeypatch.setattr(controles, "EMBARALHADAS", 1)
    antes = registro.resolver(lago, registro.CAMPEAO)
    feito = treino.treinar(lago, semente=11, promover=True)
    assert not feito.promovido
    assert "controle de vazamento falhou: AP" in feito.portao["motivo"]
    assert registro.resolver(lago, registro.CAMPEAO) == antes


def test_portao_recusa_o_pior(lago: Configuracao, feito: ajuste.Ajuste) -> None:
    atual = registro.resolver(lago, registro.CAMPEAO)
    assert atual is not None
    ruim = replace(feito, validacao={"ap": 0.0, "brier": 1.0, "orcamento": {"0.005": {"vdr": 0.0}}},
                   fim=feito.fim.onde(np.zeros(len(feito.fim), np.bool_)), nota_fim=feito.nota_fim[:0])
    resposta = portao.conferir(lago, ruim, atual, 22 * DIA_US, PADRAO)
    assert not resposta["aprovado"]
    assert "brier" in resposta["motivo"]
    assert portao.conferir(lago, feito, None, 0, PADRAO)["aprovado"]


def test_mlflow_fora_do_ar_e_um_erro_claro(lago: Configuracao) -> None:
    with pytest.raises(ErroServico, match=r"127\.0\.0\.1:9.*\./pix subir"):
        treino.treinar(replace(lago, mlflow_uri="http://127.0.0.1:9"), rapido=True)


def test_nada_maduro_diz_o_que_falta(lago: Configuracao) -> None:
    with pytest.raises(ErroDados, match="atraso do rótulo"):
        treino.treinar(lago, rapido=True, agora_us=1)
