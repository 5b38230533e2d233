"""As medidas contra contas à mão e contra o sklearn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from machine_learning import avaliacao
from machine_learning.conjunto import DIA_US


def test_orcamento_a_mao() -> None:
    y = np.array([1, 0, 1, 0, 0, 0, 0, 0, 0, 1], np.int8)
    nota = np.array([9, 8, 7, 6, 5, 4, 3, 2, 1, 0], float)
    valor = np.array([100, 1, 300, 1, 1, 1, 1, 1, 1, 600])
    m = avaliacao.no_orcamento(y, nota, valor, 0.3)
    assert m == {"alertas": 3, "recall": pytest.approx(2 / 3), "precisao": pytest.approx(2 / 3),
                 "vdr": pytest.approx(0.4)}
    fracao, alcancado = avaliacao.curva_vdr(y, nota, valor)
    assert (fracao[2], alcancado[2], alcancado[-1]) == (pytest.approx(0.3), pytest.approx(0.4), 1.0)


def test_intervalo_contem_a_ap_e_usa_a_semente() -> None:
    g = np.random.default_rng(0)
    y = (g.random(5_000) < 0.02).astype(np.int8)
    nota = np.round(g.normal(size=5_000) + 2 * y, 1)  # com empates
    de, ate = avaliacao.ap_intervalo(y, nota, 1)
    assert de < average_precision_score(y, nota) < ate
    assert (de, ate) == avaliacao.ap_intervalo(y, nota, 1)
    assert (de, ate) != avaliacao.ap_intervalo(y, nota, 2)


def test_reamostra_com_pesos_um_e_a_ap_do_sklearn(monkeypatch: pytest.MonkeyPatch) -> None:
    g = np.random.default_rng(0)
    y = (g.random(3_000) < 0.05).astype(np.int8)
    nota = np.round(g.normal(size=3_000) + y, 1)

    class Um:
        def poisson(self, media: np.ndarray) -> np.ndarray:
            return np.array(media)

    monkeypatch.setattr(avaliacao.np.random, "default_rng", lambda _: Um())
    assert avaliacao.ap_intervalo(y, nota, 0, 1)[0] == pytest.approx(average_precision_score(y, nota))


def test_recall_a_fpr() -> None:
    y = np.array([0] * 100 + [1] * 4, np.int8)
    nota = np.concatenate([np.arange(100), [99.5, 98.5, 50.5, 10.5]]).astype(float)
    assert avaliacao.recall_a_fpr(y, nota, 0.01) == pytest.approx(0.5)  # um legítimo (99) pode passar
    assert avaliacao.recall_a_fpr(y, nota, 0.0) == pytest.approx(0.25)


def test_precisao_na_prevalencia_do_pix() -> None:
    assert 1 / avaliacao.precisao_na_prevalencia(0.7, 0.01, 0.00007) - 1 == pytest.approx(204, abs=1)


def test_precisao_por_cartao_tira_quem_ja_foi_achado() -> None:
    pagador = np.array([1, 2, 3, 1, 2, 3])
    instante = np.array([0, 1, 2, DIA_US, DIA_US + 1, DIA_US + 2])
    y = np.array([1, 0, 0, 1, 1, 0], np.int8)
    nota = np.array([0.9, 0.8, 0.1, 0.9, 0.8, 0.1])
    # dia 0, k=1: o pagador 1 (fraude); dia 1, sem ele: o pagador 2 (fraude)
    assert avaliacao.precisao_por_cartao(y, nota, pagador, instante, 1, 0) == 1.0
    # k=2: dia 0 {1, 2} → 1/2; dia 1 {2, 3} → 1/2
    assert avaliacao.precisao_por_cartao(y, nota, pagador, instante, 2, 0) == 0.5


def test_pagador_vale_pela_maior_nota_e_qualquer_fraude_do_dia() -> None:
    pagador = np.array([1, 1, 2])
    nota = np.array([0.9, 0.1, 0.5])
    assert avaliacao.precisao_por_cartao(np.array([0, 1, 0], np.int8), nota, pagador, np.arange(3), 1, 0) == 1.0


def test_sem_fraude_as_medidas_sao_nan_e_nao_erro() -> None:
    m = avaliacao.medir(np.zeros(10, np.int8), np.arange(10.0), np.ones(10, np.int64), semente=0)
    assert np.isnan(m["ap"])
    assert np.isnan(m["auc"])
    assert "ap_intervalo_95" not in m


def test_confiabilidade_conta_todos() -> None:
    g = np.random.default_rng(0)
    p = g.random(1_000) ** 3
    faixas = avaliacao.confiabilidade((g.random(1_000) < p).astype(np.int8), p)
    assert sum(f["n"] for f in faixas) == 1_000
    assert all(abs(f["prevista"] - f["observada"]) < 0.2 for f in faixas)


def test_por_grupo_usa_um_so_orcamento() -> None:
    y = np.array([1, 1, 0, 0], np.int8)
    grupo = np.array(["A", "B", "", ""], object)
    m = avaliacao.por_grupo(y, np.array([0.9, 0.1, 0.5, 0.4]), np.array([10, 20, 1, 1]), grupo, 0.25)
    assert m["A"]["recall"] == 1.0
    assert m["B"]["recall"] == 0.0
    assert m["B"]["ap_contra_legitimos"] == pytest.approx(1 / 3)
