"""Árvores em colunas e sua previsão compilada, igual para boosting e floresta.

Os estimadores do sklearn são bons para treinar e caros para servir lotes pequenos. Aqui cada árvore vira linhas de
nós, e a soma das folhas que uma linha alcança sai de um laço sem desvios; a explicação está em `caixas`.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from plataforma.nativo import njit

Reais = NDArray[np.float64]
Inteiros32 = NDArray[np.int32]
FOLHA: Final = -1
BLOCO: Final = 32
"""Linhas pontuadas por vez."""


class Bosque(NamedTuple):
    """Árvores justapostas; cada nó é uma linha. `atributo` FOLHA = folha; `esquerda` e `direita` são linhas.

    Para percorrer sem desvios: `coluna` é o atributo (0 na folha), `destino` as linhas à direita e à esquerda (na
    folha, ela mesma) e `niveis` quantos passos cada árvore pede.
    """

    raiz: Inteiros32
    atributo: Inteiros32
    corte: Reais
    esquerda: Inteiros32
    direita: Inteiros32
    nulo_a_esquerda: NDArray[np.bool_]
    valor: Reais
    cobertura: Reais
    coluna: NDArray[np.uint32]
    destino: NDArray[np.uint32]
    niveis: Inteiros32


def de_boosting(estimador: Any) -> Bosque:
    """As árvores de um HistGradientBoostingClassifier binário; somam log-chances, sem a base."""
    partes = []
    for (previsor,) in estimador._predictors:  # noqa: SLF001 — o sklearn não expõe as árvores por outro caminho
        nos = previsor.nodes
        folha = nos["is_leaf"].astype(bool)
        partes.append((
            np.where(folha, FOLHA, nos["feature_idx"]), nos["num_threshold"], nos["left"], nos["right"],
            nos["missing_go_to_left"].astype(bool), np.where(folha, nos["value"], 0.0), nos["count"],
        ))
    return _justapor(partes)


def de_floresta(estimador: Any) -> Bosque:
    """As árvores de uma floresta binária do sklearn; a soma das folhas é a probabilidade da classe 1."""
    partes = []
    for arvore in estimador.estimators_:
        t = arvore.tree_
        folha = t.children_left == FOLHA
        proporcao = t.value[:, 0, 1] / t.value[:, 0, :].sum(axis=1)
        partes.append((
            np.where(folha, FOLHA, t.feature), t.threshold, t.children_left, t.children_right,
            np.asarray(t.missing_go_to_left, bool), np.where(folha, proporcao, 0.0) / len(estimador.estimators_),
            t.weighted_n_node_samples,
        ))
    return _justapor(partes)


def _justapor(partes: list[tuple[Any, ...]]) -> Bosque:
    tamanhos = np.array([parte[0].size for parte in partes])
    raiz = np.concatenate([[0], np.cumsum(tamanhos)[:-1]])
    colunas = [np.concatenate([parte[i] for parte in partes]) for i in range(7)]
    recuo = np.repeat(raiz, tamanhos)
    atributo = colunas[0].astype(np.int32)
    esquerda, direita = ((lado.astype(np.int64) + recuo).astype(np.int32) for lado in (colunas[2], colunas[3]))
    folha, eu = atributo == FOLHA, np.arange(atributo.size, dtype=np.int32)
    destino = np.column_stack([np.where(folha, eu, direita), np.where(folha, eu, esquerda)]).astype(np.uint32)
    return Bosque(
        raiz.astype(np.int32), atributo, colunas[1].astype(np.float64), esquerda, direita, colunas[4].astype(np.bool_),
        colunas[5].astype(np.float64), colunas[6].astype(np.float64), np.maximum(atributo, 0).astype(np.uint32),
        destino, _niveis(raiz, destino),
    )


def _niveis(raiz: NDArray[np.int64], destino: NDArray[np.uint32]) -> Inteiros32:
    """Passos da raiz à folha mais funda de cada árvore."""
    niveis = np.zeros(raiz.size, np.int32)
    for a, inicio in enumerate(raiz):
        nos = np.array([inicio])
        while (seguintes := np.unique(destino[nos])).size != nos.size or (seguintes != nos).any():
            nos = seguintes
            niveis[a] += 1
    return niveis


def somar(b: Bosque, x: Reais) -> Reais:
    """A soma das folhas alcançadas por cada linha, float64 (n,). `x`: float64 (n, atributos), NaN = nulo."""
    return _somar(b, np.ascontiguousarray(x.T))


@njit(cache=True, nogil=True)
def _somar(b: Bosque, x: Reais) -> Reais:
    """`x`: (atributos, n).

    Em blocos de linhas que cabem no cache, todas as árvores de uma vez, todas as linhas um nível de cada vez: os
    passos de linhas vizinhas não dependem um do outro, e o processador os faz ao mesmo tempo. Índices sem sinal: o
    numba não pergunta a cada um se é negativo.
    """
    saida = np.zeros(x.shape[1])
    nos = np.empty(BLOCO, np.uint32)
    for inicio in range(0, x.shape[1], BLOCO):
        linhas = min(BLOCO, x.shape[1] - inicio)
        for a in range(b.raiz.size):
            nos[:linhas] = b.raiz[a]
            for _ in range(b.niveis[a]):
                for i in range(linhas):
                    no = nos[i]
                    v = x[b.coluna[no], inicio + i]
                    nos[i] = b.destino[no, int((v <= b.corte[no]) | (np.isnan(v) & b.nulo_a_esquerda[no]))]
            for i in range(linhas):
                saida[inicio + i] += b.valor[nos[i]]
    return saida
