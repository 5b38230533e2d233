"""Árvores pequenas de cada tipo que servimos, ajustadas em dados com nulos."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
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


class Caso(NamedTuple):
    """`esperado`: o que o sklearn prevê para `prova`, menos a base."""

    estimador: Any
    bosque: arvores.Bosque
    prova: np.ndarray
    esperado: np.ndarray


def caso(nome: str) -> Caso:
    """Um dos `ESTIMADORES`, ajustado."""
    x, y = dados()
    estimador = ESTIMADORES[nome].fit(x, y)
    prova = dados(60, 1)[0].astype(np.float64)
    if nome == "boosting":
        esperado = estimador._raw_predict(prova)[:, 0] - estimador._baseline_prediction.ravel()[0]
        return Caso(estimador, arvores.de_boosting(estimador), prova, esperado)
    return Caso(estimador, arvores.de_floresta(estimador), prova, estimador.predict_proba(prova)[:, 1])
