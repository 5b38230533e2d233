"""As árvores em colunas e em máscaras contra o sklearn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from machine_learning import arvores, mascaras
from testes.machine_learning.fabrica_arvores import ESTIMADORES, Caso, caso, dados


@pytest.fixture(params=list(ESTIMADORES))
def feito(request: pytest.FixtureRequest) -> Caso:
    return caso(request.param)


def test_soma_das_folhas_e_a_do_sklearn(feito: Caso) -> None:
    np.testing.assert_allclose(arvores.somar(feito.bosque, feito.prova), feito.esperado, atol=1e-12)


@pytest.mark.parametrize("folhas", [2, 9, mascaras.MAXIMO_FOLHAS])
def test_mascaras_dao_exatamente_a_mesma_soma(folhas: int) -> None:
    x, y = dados(5_000, 3)
    estimador = HistGradientBoostingClassifier(max_iter=30, max_leaf_nodes=folhas, min_samples_leaf=5).fit(x, y)
    bosque = arvores.de_boosting(estimador)
    assert mascaras.cabe(bosque)
    assert len(set(bosque.nulo_a_esquerda[bosque.atributo != arvores.FOLHA])) == 2
    prova = dados(1_000, 4)[0].astype(np.float64)
    prova[:200] = np.resize(bosque.corte[bosque.atributo != arvores.FOLHA], (200, prova.shape[1]))  # bem no corte
    for linhas in (0, 1, mascaras.BLOCO - 1, mascaras.BLOCO, mascaras.BLOCO + 1, 1_000):
        somado = mascaras.somar(mascaras.de_bosque(bosque), prova[:linhas])
        np.testing.assert_array_equal(somado, arvores.somar(bosque, prova[:linhas]))


def test_arvore_de_folhas_demais_nao_cabe_em_mascaras() -> None:
    x, y = dados(5_000, 3)
    estimador = HistGradientBoostingClassifier(
        max_iter=2, max_leaf_nodes=mascaras.MAXIMO_FOLHAS + 1, min_samples_leaf=5
    ).fit(x, y)
    assert not mascaras.cabe(arvores.de_boosting(estimador))
