"""As folhas de um bosque como caixas, e os valores de Shapley exatos que elas dão, iguais para boosting e floresta.

Cada folha é o intervalo de cada atributo no caminho até ela e a fração `z` do treino que passaria se o atributo fosse
desconhecido. O valor de Shapley de um jogo cuja folha vale o produto de fatores tem forma de integral (extensão
multilinear): `phi_i = v · (o_i - z_i) · ∫₀¹ Π_{j≠i} (z_j·(1-t) + o_j·t) dt`, com `o_j` = 1 se x_j cai no intervalo. O
integrando é um polinômio de grau m-1: Gauss-Legendre com ⌈m/2⌉ pontos o integra sem erro.

Fonte: Owen, G. (1972), Multilinear Extensions of Games; Lundberg et al. (2020), explicação dependente do caminho.
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from machine_learning.arvores import FOLHA, Bosque, Inteiros32, Reais
from plataforma.nativo import njit

CONDICOES_NA_MEMORIA: Final = 10
"""Até quantas condições uma folha tem para que se guarde o resultado de cada combinação delas (2^10 linhas)."""
MAXIMO_PONTOS: Final = 32
"""Pontos de quadratura guardados: exato para até 64 atributos distintos em um caminho."""


class Caixas(NamedTuple):
    """As folhas de um bosque como caixas; a folha f tem as condições `inicio[f]:inicio[f + 1]`."""

    inicio: Inteiros32
    valor: Reais
    atributo: Inteiros32
    minimo: Reais
    maximo: Reais
    aceita_nulo: NDArray[np.bool_]
    z: Reais


def caixas(b: Bosque) -> Caixas:
    """Percorre cada árvore uma vez e anota as condições de cada folha, já fundidas por atributo."""
    inicio, valores, linhas = [0], [], []
    pilha: list[tuple[int, dict[int, tuple[float, float, bool, float]]]] = [(int(r), {}) for r in b.raiz]
    while pilha:
        no, condicoes = pilha.pop()
        atributo = int(b.atributo[no])
        if atributo == FOLHA:
            linhas += [(j, *condicao) for j, condicao in condicoes.items()]
            valores.append(b.valor[no])
            inicio.append(len(linhas))
            continue
        menor, maior, nulo, z = condicoes.get(atributo, (-np.inf, np.inf, True, 1.0))
        corte, a_esquerda = float(b.corte[no]), bool(b.nulo_a_esquerda[no])
        for filho, faixa, passa in (
            (int(b.esquerda[no]), (menor, min(maior, corte)), nulo and a_esquerda),
            (int(b.direita[no]), (max(menor, corte), maior), nulo and not a_esquerda),
        ):
            fracao = float(b.cobertura[filho] / b.cobertura[no])
            pilha.append((filho, {**condicoes, atributo: (*faixa, passa, z * fracao)}))
    colunas = [np.array([linha[i] for linha in linhas], np.float64) for i in range(5)]
    return Caixas(
        np.array(inicio, np.uint32), np.array(valores), colunas[0].astype(np.uint32), colunas[1], colunas[2],
        colunas[3].astype(np.bool_), colunas[4],
    )


def base(c: Caixas) -> float:
    """O valor esperado quando nada se sabe: a soma das folhas, cada uma pela fração do treino que a alcança."""
    produto = np.ones(c.valor.size)
    cheias = np.diff(c.inicio) > 0
    produto[cheias] = np.multiply.reduceat(c.z, c.inicio[:-1][cheias]) if cheias.any() else 1.0
    return float((c.valor * produto).sum())


def contribuicoes(c: Caixas, x: Reais) -> Reais:
    """Os valores de Shapley de cada linha, float64 (n, atributos): somam previsão menos `base`."""
    nos, pesos = _quadratura()
    return np.ascontiguousarray(_contribuicoes(c, np.ascontiguousarray(x.T), nos, pesos).T)


@cache
def _quadratura() -> tuple[Reais, Reais]:
    """Pontos e pesos em [0, 1]; a linha q traz os de q pontos."""
    nos, pesos = np.zeros((MAXIMO_PONTOS + 1, MAXIMO_PONTOS)), np.zeros((MAXIMO_PONTOS + 1, MAXIMO_PONTOS))
    for q in range(1, MAXIMO_PONTOS + 1):
        n, p = np.polynomial.legendre.leggauss(q)
        nos[q, :q], pesos[q, :q] = (n + 1) / 2, p / 2
    return nos, pesos


@njit(cache=True, nogil=True)
def _contribuicoes(c: Caixas, x: Reais, nos: Reais, pesos: Reais) -> Reais:
    """Folha a folha: o que uma linha recebe só depende de quais condições cumpre, e muitas cumprem as mesmas.

    `x` e a saída são (atributos, n): os laços de dentro andam por linhas vizinhas, sem desvios.
    """
    n = x.shape[1]
    saida = np.zeros(x.shape)
    prontas = np.zeros((1 << CONDICOES_NA_MEMORIA, MAXIMO_PONTOS * 2))
    feita_para = np.full(1 << CONDICOES_NA_MEMORIA, -1, np.int64)
    quais, rascunho = np.zeros(n, np.uint64), np.zeros((3, MAXIMO_PONTOS * 2))
    for f in range(c.valor.size):
        de, m = c.inicio[f], c.inicio[f + 1] - c.inicio[f]
        if m == 0 or c.valor[f] == 0.0:
            continue
        quais[:] = 0
        for k in range(m):
            _marcar(x[c.atributo[de + k]], c.minimo[de + k], c.maximo[de + k], c.aceita_nulo[de + k], k, quais)
        if m <= CONDICOES_NA_MEMORIA:
            for i in range(n):
                if feita_para[quais[i]] != f:
                    _da_folha(c, f, quais[i], nos, pesos, rascunho, prontas[quais[i]])
                    feita_para[quais[i]] = f
            for k in range(m):
                _somar_prontas(prontas[:, k], quais, saida[c.atributo[de + k]])
            continue
        for i in range(n):
            _da_folha(c, f, quais[i], nos, pesos, rascunho, prontas[0])
            for k in range(m):
                saida[c.atributo[de + k], i] += prontas[0, k]
        feita_para[0] = -1
    return saida


@njit(cache=True, nogil=True)
def _marcar(
    valores: Reais, minimo: float, maximo: float, aceita_nulo: bool, k: int, quais: NDArray[np.uint64]
) -> None:
    """Liga o bit k de quem está no intervalo."""
    nulo, bit = np.uint64(aceita_nulo), np.uint64(k)
    for i in range(valores.size):
        v = valores[i]
        dentro = np.uint64((v > minimo) & (v <= maximo)) | (np.uint64(v != v) & nulo)  # noqa: PLR0124 — NaN
        quais[i] |= dentro << bit


@njit(cache=True, nogil=True)
def _somar_prontas(prontas: Reais, quais: NDArray[np.uint64], saida: Reais) -> None:
    for i in range(saida.size):
        saida[i] += prontas[quais[i]]


@njit(cache=True, nogil=True)
def _da_folha(
    c: Caixas, f: int, quais: int, nos: Reais, pesos: Reais, rascunho: Reais, saida: Reais
) -> None:
    """O que a folha `f` dá a cada uma de suas condições, para quem cumpre os bits de `quais`.

    O produto sem o fator k é o dos anteriores vezes o dos seguintes: sem dividir. `rascunho`: float64 (3, condições).
    """
    de, m = c.inicio[f], c.inicio[f + 1] - c.inicio[f]
    dentro, fatores, depois = rascunho[0], rascunho[1], rascunho[2]
    for k in range(m):
        dentro[k] = (quais >> np.uint64(k)) & np.uint64(1)
        saida[k] = 0.0
    pontos = (m + 1) // 2
    for q in range(pontos):
        t = nos[pontos, q]
        produto = c.valor[f] * pesos[pontos, q]
        for k in range(m - 1, -1, -1):
            depois[k] = produto
            fatores[k] = c.z[de + k] * (1.0 - t) + dentro[k] * t
            produto *= fatores[k]
        antes = 1.0
        for k in range(m):
            saida[k] += antes * depois[k] * (dentro[k] - c.z[de + k])
            antes *= fatores[k]
