"""Os candidatos: quatro famílias de estimadores do sklearn, com a mesma receita para qualquer conjunto.

Nenhum parâmetro foi buscado em um conjunto de teste: são valores prudentes para poucas fraudes (folhas com gente
bastante, colunas sorteadas, passo curto). O que se escolhe por dados, na validação, é a família.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

Reais32 = NDArray[np.float32]

COMPONENTES: Final[Mapping[str, tuple[str, ...]]] = {
    "logistica": ("logistica",),
    "boosting": ("boosting",),
    "floresta": ("floresta",),
    "mistura": ("boosting", "floresta", "aleatoria"),
}
"""O que cada candidato soma: a mistura é a média dos logitos de boosting, floresta e árvores de cortes aleatórios."""

PREFERENCIA: Final = ("mistura", "floresta", "boosting", "logistica")
LINHAS_MAXIMAS: Final[Mapping[str, int]] = {
    "logistica": 200_000, "boosting": 600_000, "floresta": 120_000, "aleatoria": 120_000,
}
"""Acima disto os legítimos são sorteados e pesam mais: as fraudes ficam todas e as chances não mudam."""


def novo(nome: str, semente: int, tarefas: int) -> Any:
    """Um estimador ainda não ajustado. `tarefas`: processadores no ajuste; não muda o resultado."""
    if nome == "logistica":
        return Pipeline([
            ("nulos", SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)),
            ("escala", StandardScaler()),
            ("logistica", LogisticRegression(C=0.1, max_iter=500, random_state=semente)),
        ])
    if nome == "boosting":
        return HistGradientBoostingClassifier(
            learning_rate=0.05, max_iter=150, max_leaf_nodes=15, min_samples_leaf=50, l2_regularization=1.0,
            max_features=0.3, early_stopping=False, random_state=semente,
        )
    if nome == "floresta":
        return RandomForestClassifier(
            100, min_samples_leaf=5, max_features="sqrt", max_leaf_nodes=256, n_jobs=tarefas, random_state=semente,
        )
    return ExtraTreesClassifier(
        100, min_samples_leaf=5, max_features=0.5, max_leaf_nodes=256, n_jobs=tarefas, random_state=semente,
    )


def ajustar(nome: str, x: Reais32, y: NDArray[np.int8], peso: NDArray[np.float64], semente: int, tarefas: int) -> Any:
    """O estimador `nome` ajustado, com os legítimos sorteados quando passam de `LINHAS_MAXIMAS`.

    OpenMP e BLAS ficam com um processador: em máquina disputada, as barreiras do boosting a cada árvore fazem os
    demais esperar pelo que foi interrompido, e duas linhas saem muitas vezes mais lentas que uma.

    Args:
        nome: uma parte de `COMPONENTES`.
        x: float32 (n, colunas) sem coluna constante; NaN = nulo.
        y: 0 ou 1.
        peso: float64 (n,), positivo.
        semente: do sorteio e do estimador.
        tarefas: processadores das florestas.
    """
    quais, peso_final = _amostra(y, peso, LINHAS_MAXIMAS[nome], semente)
    estimador = novo(nome, semente, tarefas)
    nome_do_peso = "logistica__sample_weight" if nome == "logistica" else "sample_weight"
    # Pesos todos iguais não se passam: com eles o boosting acha as faixas por percentis ponderados, dez vezes o custo.
    pesos = {} if (peso_final == peso_final[0]).all() else {nome_do_peso: peso_final}
    with threadpool_limits(limits=1):
        return estimador.fit(x[quais], y[quais], **pesos)


def _amostra(
    y: NDArray[np.int8], peso: NDArray[np.float64], maximo: int, semente: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    fraudes, legitimos = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    vagas = max(maximo - fraudes.size, fraudes.size)
    if y.size <= maximo or legitimos.size <= vagas:
        return np.arange(y.size), peso
    sorteados = np.random.default_rng(semente).choice(legitimos, vagas, replace=False)
    quais = np.sort(np.concatenate([fraudes, sorteados]))
    fator = legitimos.size / vagas
    return quais, np.where(y[quais] == 0, peso[quais] * fator, peso[quais])
