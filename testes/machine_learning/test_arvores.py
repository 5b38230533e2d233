"""As árvores em colunas contra o sklearn e as contribuições contra o shap."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pytest
import shap
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier

from machine_learning import arvores

ESTIMADORES = {
    "boosting": HistGradientBoostingClassifier(max_iter=20, max_leaf_nodes=9, random_state=0),
    "floresta": RandomForestClassifier(15, min_samples_leaf=3, random_state=0),
    "aleatoria": ExtraTreesClassifier(15, min_samples_leaf=3, random_state=0),
}


def dados(linhas: int = 800, semente: int = 0) -> tuple[np.ndarray, np.ndarray]:
    g = np.random.default_rng(semente)
    x = g.normal(size=(linhas, 6)).astype(np.float32)
    x[g.random((linhas, 6)) < 0.15] = np.nan
    cheio = np.nan_to_num(x)
    y = (cheio[:, 0] + cheio[:, 1] * cheio[:, 2] + g.normal(size=linhas) > 1).astype(int)
    return x, y


@pytest.fixture(params=list(ESTIMADORES))
def caso(request: pytest.FixtureRequest) -> tuple[object, arvores.Bosque, np.ndarray, np.ndarray]:
    """(estimador ajustado, bosque, x de prova, o que o sklearn prevê menos a base)."""
    x, y = dados()
    estimador = ESTIMADORES[request.param].fit(x, y)
    prova, _ = dados(60, 1)
    if request.param == "boosting":
        esperado = estimador._raw_predict(prova.astype(np.float64))[:, 0] - estimador._baseline_prediction.ravel()[0]
        return estimador, arvores.de_boosting(estimador), prova, esperado
    return estimador, arvores.de_floresta(estimador), prova, estimador.predict_proba(prova)[:, 1]


def test_soma_das_folhas_e_a_do_sklearn(caso: tuple) -> None:
    _, bosque, prova, esperado = caso
    np.testing.assert_allclose(arvores.somar(bosque, prova.astype(np.float64)), esperado, atol=1e-12)


def test_contribuicoes_somam_a_previsao_menos_a_base(caso: tuple) -> None:
    _, bosque, prova, esperado = caso
    caixas = arvores.caixas(bosque)
    phi = arvores.contribuicoes(caixas, prova.astype(np.float64))
    np.testing.assert_allclose(phi.sum(axis=1) + arvores.base(caixas), esperado, atol=1e-10)


def test_contribuicoes_sao_as_do_shap(caso: tuple) -> None:
    estimador, bosque, prova, _ = caso
    phi = arvores.contribuicoes(arvores.caixas(bosque), prova.astype(np.float64))
    explicador = shap.TreeExplainer(estimador, feature_perturbation="tree_path_dependent")
    valores = explicador.shap_values(prova.astype(np.float64), check_additivity=False)
    valores = valores[..., 1] if valores.ndim == 3 else valores
    np.testing.assert_allclose(phi, valores, atol=1e-9)


def test_contribuicoes_batem_com_a_definicao_de_shapley() -> None:
    """Todas as coalizões, uma a uma, em uma árvore pequena."""
    x, y = dados(300, 2)
    bosque = arvores.de_floresta(RandomForestClassifier(1, max_depth=3, bootstrap=False, random_state=0).fit(x, y))
    caixas = arvores.caixas(bosque)
    linha = x[5].astype(np.float64)

    def valor(conhecidos: frozenset[int]) -> float:
        total = 0.0
        for f in range(caixas.valor.size):
            produto = caixas.valor[f]
            for k in range(caixas.inicio[f], caixas.inicio[f + 1]):
                v = linha[caixas.atributo[k]]
                cabe = caixas.aceita_nulo[k] if np.isnan(v) else caixas.minimo[k] < v <= caixas.maximo[k]
                produto *= float(cabe) if int(caixas.atributo[k]) in conhecidos else caixas.z[k]
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
    np.testing.assert_allclose(arvores.contribuicoes(caixas, linha[None])[0], esperado, atol=1e-12)
