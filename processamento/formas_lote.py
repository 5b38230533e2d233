"""As formas de `formatos` conferidas em muitos textos de uma vez: textos de um só tamanho viram matriz de bytes.

O que cada lugar aceita é perguntado à própria expressão regular (`permitidos`): a forma continua definida uma vez.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ingestao.esquema import LIMITE_REGISTRO_BYTES
from processamento import formatos
from processamento.leitura import NIVEIS_MAXIMOS
from processamento.protecao import PADRAO_TOKEN, PREFIXO_TOKEN, TAMANHO_RESUMO

Inteiros = NDArray[np.int64]
Mascara = NDArray[np.bool_]
_BYTES: Final = 256
_ZERO, _CHAVE, _COLCHETE = (ord(c) for c in "0{[")
_EXEMPLO_ID: Final = "E" + "0" * 31
_EXEMPLO_INSTANTE: Final = "2000-01-01T00:00:00.000Z"
_EXEMPLO_VALOR: Final = "0" * 10 + ".00"
_ANO_ZERO: Final = 1970
_MESES_ANO: Final = 12
_MENOR_VALOR: Final = len("0.00")
_MINUTO_NO_ID: Final = tuple(range(9, 21))
_MINUTO_NO_INSTANTE: Final = (0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15)


@lru_cache(maxsize=64)
def permitidos(padrao: re.Pattern[str], exemplo: str) -> Mascara:
    """Lógico (lugares, 256): os bytes que `padrao` aceita em cada lugar de um texto do tamanho de `exemplo`.

    Vale para formas em que, nesse tamanho, um lugar não depende do outro. Se nem o exemplo serve, nada é aceito.
    """
    return np.array([
        [padrao.fullmatch(f"{exemplo[:i]}{chr(c)}{exemplo[i + 1:]}") is not None for c in range(_BYTES)]
        for i in range(len(exemplo))
    ])


def talvez_suspeitos(valores: Sequence[bytes | None]) -> Mascara:
    """Quais registros podem ser `leitura.suspeito`: nulos, vazios, grandes, não ASCII ou de muitos níveis."""
    fins = np.cumsum(np.fromiter((len(v) if v else 0 for v in valores), np.int64, len(valores)))
    junto = np.frombuffer(b"".join(v for v in valores if v), np.uint8)
    saida: Mascara = _talvez_suspeitos(junto, fins, LIMITE_REGISTRO_BYTES, NIVEIS_MAXIMOS)
    return saida


def tokens(textos: Sequence[str]) -> Mascara:
    """Quais são tokens do tamanho do primeiro token que houver: num lote a chave é quase sempre uma só."""
    tamanho = next((len(t) for t in textos if t.startswith(PREFIXO_TOKEN)), 0)
    exemplo = PREFIXO_TOKEN + "a" * (tamanho - len(PREFIXO_TOKEN) - 1 - TAMANHO_RESUMO) + ":" + "a" * TAMANHO_RESUMO
    if len(exemplo) != tamanho:
        return np.zeros(len(textos), np.bool_)
    return _matriz(textos, PADRAO_TOKEN, exemplo)[1]


def minutos_dos_ids(ids: Sequence[str]) -> tuple[Inteiros, Mascara]:
    """O carimbo de cada `id_fim_a_fim` em µs, e quais têm a forma e um minuto que existe."""
    matriz, certos = _matriz(ids, formatos.ID_FIM_A_FIM, _EXEMPLO_ID)
    return _minutos(matriz, certos, _MINUTO_NO_ID)


def instantes(textos: Sequence[str]) -> tuple[Inteiros, Mascara]:
    """Instantes RFC 3339 em µs, e quais têm a forma e um minuto que existe."""
    matriz, certos = _matriz(textos, formatos.INSTANTE, _EXEMPLO_INSTANTE)
    minutos, certos = _minutos(matriz, certos, _MINUTO_NO_INSTANTE)
    milissegundos = _numero(matriz, (17, 18, 20, 21, 22))
    return minutos + milissegundos * formatos.MICROS_MILISSEGUNDO, certos


def centavos(textos: Sequence[str]) -> tuple[Inteiros, Mascara]:
    """R$ em texto → centavos, e quais têm a forma. Zero passa aqui."""
    largura = len(_EXEMPLO_VALOR)
    matriz, certos = _matriz([t.rjust(largura, "0") for t in textos], formatos.VALOR, _EXEMPLO_VALOR)
    completos = np.fromiter(map(len, textos), np.int64, len(textos)) >= _MENOR_VALOR
    return _numero(matriz, (*range(largura - 3), largura - 2, largura - 1)), certos & completos


def _matriz(textos: Sequence[str], padrao: re.Pattern[str], exemplo: str) -> tuple[NDArray[np.uint8], Mascara]:
    """Os textos como bytes (n, largura), o exemplo no lugar dos que não têm a largura, e quais têm a forma."""
    largura = len(exemplo)
    certos = np.fromiter(map(len, textos), np.int64, len(textos)) == largura
    junto = "".join(textos)
    if not (certos.all() and junto.isascii()):
        certos &= np.fromiter((t.isascii() for t in textos), np.bool_, len(textos))
        junto = "".join(t if certo else exemplo for t, certo in zip(textos, certos.tolist(), strict=True))
    matriz = np.frombuffer(junto.encode("ascii"), np.uint8).reshape(len(textos), largura)
    _conferir(matriz, permitidos(padrao, exemplo), certos)
    return matriz, certos


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _conferir(matriz: NDArray[np.uint8], aceitos: Mascara, certos: Mascara) -> None:
    for i in range(matriz.shape[0]):
        for j in range(matriz.shape[1]):
            certos[i] &= aceitos[j, matriz[i, j]]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _talvez_suspeitos(junto: NDArray[np.uint8], fins: Inteiros, maximo: int, niveis: int) -> Mascara:
    saida, inicio = np.zeros(fins.size, np.bool_), 0
    for i in range(fins.size):
        registro = junto[inicio : fins[i]]
        abertos = altos = 0
        for byte in registro:
            abertos += (byte == _CHAVE) | (byte == _COLCHETE)
            altos += byte >> 7
        saida[i] = registro.size == 0 or registro.size > maximo or altos > 0 or abertos > niveis
        inicio = fins[i]
    return saida


def _numero(matriz: NDArray[np.uint8], colunas: Sequence[int]) -> Inteiros:
    """O inteiro escrito em algarismos nessas colunas (lixo onde não são algarismos)."""
    pesos = 10 ** np.arange(len(colunas) - 1, -1, -1, dtype=np.int64)
    algarismos = matriz[:, list(colunas)].astype(np.int64) - _ZERO
    return np.asarray(algarismos @ pesos, np.int64)


def _minutos(matriz: NDArray[np.uint8], certos: Mascara, colunas: Sequence[int]) -> tuple[Inteiros, Mascara]:
    """`yyyyMMddHHmm` → µs, e quais existem; o calendário é o do numpy."""
    ano, mes, dia, hora, minuto = (
        _numero(matriz, colunas[de:ate]) for de, ate in ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12))
    )
    meses = (ano - _ANO_ZERO) * _MESES_ANO + mes - 1
    primeiro, seguinte = (
        m.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) for m in (meses, meses + 1)
    )
    existe = (ano >= formatos.ANO_MINIMO) & (ano <= formatos.ANO_MAXIMO) & (mes >= 1) & (mes <= _MESES_ANO)
    existe &= (dia >= 1) & (dia <= seguinte - primeiro) & (hora < formatos.HORAS_DIA) & (minuto < formatos.MINUTOS_HORA)
    minutos = hora * formatos.MINUTOS_HORA + minuto
    return (primeiro + dia - 1) * formatos.MICROS_DIA + minutos * formatos.MICROS_MINUTO, certos & existe
