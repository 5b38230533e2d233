"""As contribuições contra a definição de Shapley e contra o shap."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pytest
import shap
from sklearn.ensemble import RandomForestClassifier

from machine_learning import arvores, caixas
from testes.machine_learning.fabrica_arvores import ESTIMADORES, Caso, caso, dados


@pytest.fixture(params=list(ESTIMADORES))
def feito(request: pytest.FixtureRequest) -> Caso:
    return caso(request.param)


def test_contribuicoes_somam_a_previsao_menos_a_base(feito: Caso) -> None:
    _, bosque, prova, esperado = feito
    folhas = caixas.caixas(bosque)
    phi = caixas.contribuicoes(folhas, prova)
    np.testing.assert_allclose(phi.sum(axis=1) + caixas.base(folhas), esperado, atol=1e-10)


def test_contribuicoes_sao_as_do_shap(feito: Caso) -> None:
    estimador, bosque, prova, _ = feito
    phi = caixas.contribuicoes(caixas.caixas(bosque), prova)
    explicador = shap.TreeExplainer(estimador, feature_perturbation="tree_path_dependent")
    valores = explicador.shap_values(prova, check_additivity=False)
    valores = valores[..., 1] if valores.ndim == 3 else valores
    np.testing.assert_allclose(phi, valores, atol=1e-9)


def test_contribuicoes_batem_com_a_definicao_de_shapley() -> None:
    """Todas as coalizões, uma a uma, em uma árvore pequena."""
    x, y = dados(300, 2)
    bosque = arvores.de_floresta(RandomForestClassifier(1, max_depth=3, bootstrap=False, random_state=0).fit(x, y))
    folhas = caixas.caixas(bosque)
    linha = x[5].astype(np.float64)

    def valor(conhecidos: frozenset[int]) -> float:
        total = 0.0
        for f in range(folhas.valor.size):
            produto = folhas.valor[f]
            for k in range(folhas.inicio[f], folhas.inicio[f + 1]):
                v = linha[folhas.atributo[k]]
                cabe = folhas.aceita_nulo[k] if np.isnan(v) else folhas.minimo[k] < v <= folhas.maximo[k]
                produto *= float(cabe) if int(folhas.atributo[k]) in conhecidos else folhas.z[k]
            total += produto
        return total

    esperado = np.zeros(6)
    for i in range(6):
        outros = [j for j in range(6) if j != i]
        for tamanho in range(6):
            peso = factorial(tamanho) * factorial(5 - tamanho) / factorial(6)
            for quais in combinations(outros, tamanho):
                s = frozenset(quais)
                esperado[i] += peso * (valor(s | {i}) - valor(s))
    np.testing.assert_allclose(caixas.contribuicoes(folhas, linha[None])[0], esperado, atol=1e-12)
