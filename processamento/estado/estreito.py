"""Uma matriz de medidas como viaja entre o estado e a decisão: cada coluna na menor largura que a guarda inteira.

Quase toda medida é uma contagem pequena; em int64 elas eram dois terços do que atravessa o Spark, e cada cópia delas
custa memória nova à JVM e ao Python.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plataforma.nativo import njit
from processamento.catalogo import NULO
from processamento.estado.nucleo import Inteiros

_LARGURAS: Final = (np.int8, np.int16, np.int32, np.int64)
_SEM_VALOR: Final = -1
"""`NULO` nas larguras menores; uma coluna com outro negativo viaja em int64, como é."""
_COLUNAS, _VALORES = "c", "v"


def estreitar(medidas: Inteiros) -> dict[str, Any]:
    """int64 (n, colunas) → por largura, os números das colunas que cabem nela e os seus valores (colunas, n)."""
    largura = _larguras(medidas)
    saida: dict[str, Any] = {}
    for k, tipo in enumerate(_LARGURAS):
        colunas = np.flatnonzero(largura == k)
        valores = np.empty((colunas.size, medidas.shape[0]), tipo)
        _copiar(medidas, colunas, NULO if tipo is np.int64 else _SEM_VALOR, valores)
        saida[f"{_COLUNAS}{k}"], saida[f"{_VALORES}{k}"] = colunas.astype(np.int16), valores
    return saida


def alargar(estreitas: dict[str, Any], lugares: Inteiros, destino: Inteiros) -> None:
    """O inverso: a linha i volta a `destino[lugares[i]]`, int64 (linhas, colunas)."""
    for k, tipo in enumerate(_LARGURAS):
        colunas, valores = estreitas[f"{_COLUNAS}{k}"], estreitas[f"{_VALORES}{k}"]
        _repor(valores, colunas, NULO if tipo is np.int64 else _SEM_VALOR, lugares, destino)


@njit(cache=True, nogil=True)
def _larguras(medidas: Inteiros) -> NDArray[np.int8]:
    """De cada coluna, o lugar em `_LARGURAS` da menor que a guarda."""
    maior, menor = np.zeros(medidas.shape[1], np.int64), np.zeros(medidas.shape[1], np.int64)
    for i in range(medidas.shape[0]):
        for j in range(medidas.shape[1]):
            v = medidas[i, j]
            maior[j] = max(maior[j], v)
            menor[j] = min(menor[j], 0 if v == NULO else v)
    saida = np.zeros(medidas.shape[1], np.int8)
    for j in range(saida.size):
        if menor[j] < 0:
            saida[j] = 3
        else:
            saida[j] = (maior[j] >= 1 << 7) + (maior[j] >= 1 << 15) + (maior[j] >= 1 << 31)
    return saida


@njit(cache=True, nogil=True)
def _copiar(medidas: Inteiros, colunas: Inteiros, nulo: int, valores: NDArray[Any]) -> None:
    for i in range(medidas.shape[0]):
        for k in range(colunas.size):
            v = medidas[i, colunas[k]]
            valores[k, i] = nulo if v == NULO else v


@njit(cache=True, nogil=True)
def _repor(valores: NDArray[Any], colunas: NDArray[np.int16], nulo: int, lugares: Inteiros, destino: Inteiros) -> None:
    for i in range(lugares.size):
        for k in range(colunas.size):
            v = np.int64(valores[k, i])
            destino[lugares[i], colunas[k]] = NULO if v == nulo else v
