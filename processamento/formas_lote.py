"""As formas de `formatos` conferidas em muitos textos de uma vez, onde estão, nos bytes dos registros.

O que cada lugar aceita é perguntado à própria expressão regular (`permitidos`): a forma continua definida uma vez.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from plataforma.nativo import njit
from processamento import formatos

Bytes = NDArray[np.uint8]
Inteiros = NDArray[np.int64]
Mascara = NDArray[np.bool_]
_BYTES: Final = 256
_ZERO, _NOVE = (ord(c) for c in "09")
_ANO_ZERO: Final = 1970
_MESES_ANO: Final = 12
_MINUTO_NO_ID: Final = (9, 12)
"""Onde o `yyyyMMddHHmm` começa no id, e o seu tamanho."""
_CENTENA: Final = 100
_MILISSEGUNDOS: Final = 100_000
"""Um instante lido só pelos algarismos acaba em `ssmmm`."""


class Forma(NamedTuple):
    """O que cada lugar de um texto aceita, por tamanho.

    `classe`: int64 (tamanhos, lugares), a linha de `aceitos` de cada lugar, ou 0, que não aceita nada; `aceitos`:
    lógico (classes, 256).
    """

    classe: Inteiros
    aceitos: Mascara


@lru_cache(maxsize=64)
def forma(padrao: re.Pattern[str], exemplos: tuple[str, ...]) -> Forma:
    """A forma nos tamanhos dos exemplos; texto de outro tamanho não é aceito.

    Vale para padrões em que, num tamanho, um lugar não depende do outro.
    """
    maior = max(map(len, exemplos))
    classes: dict[bytes, int] = {bytes(_BYTES): 0}
    classe = np.zeros((maior + 1, maior), np.int64)
    for exemplo in exemplos:
        for lugar, linha in enumerate(permitidos(padrao, exemplo)):
            classe[len(exemplo), lugar] = classes.setdefault(linha.tobytes(), len(classes))
    return Forma(classe, np.array([np.frombuffer(linha, np.bool_) for linha in classes]))


def permitidos(padrao: re.Pattern[str], exemplo: str) -> Mascara:
    """Lógico (lugares, 256): os bytes que `padrao` aceita em cada lugar de um texto do tamanho de `exemplo`.

    Se nem o exemplo serve, nada é aceito.
    """
    return np.array([
        [padrao.fullmatch(f"{exemplo[:i]}{chr(c)}{exemplo[i + 1:]}") is not None for c in range(_BYTES)]
        for i in range(len(exemplo))
    ])


@njit(cache=True, nogil=True)
def conferir(dados: Bytes, inicio: Inteiros, tamanho: Inteiros, f: Forma, certos: Mascara) -> None:
    """Tira de `certos` os textos presentes que não têm a forma; tamanho −1 é ausente, e não se confere."""
    for i in range(inicio.size):
        n = tamanho[i]
        if n < 0 or not certos[i]:
            continue
        if n == 0 or n >= f.classe.shape[0]:
            certos[i] = False
            continue
        for j in range(n):
            if not f.aceitos[f.classe[n, j], dados[inicio[i] + j]]:
                certos[i] = False
                break


@njit(cache=True, nogil=True)
def _algarismos(dados: Bytes, inicio: Inteiros, tamanho: Inteiros, certos: Mascara) -> Inteiros:
    """O número que os algarismos de cada texto certo escrevem, sem o que há entre eles; 0 nos outros."""
    saida = np.zeros(inicio.size, np.int64)
    for i in range(inicio.size):
        if certos[i]:
            for j in range(inicio[i], inicio[i] + tamanho[i]):
                if _ZERO <= dados[j] <= _NOVE:
                    saida[i] = saida[i] * 10 + (dados[j] - _ZERO)
    return saida


def minutos_dos_ids(dados: Bytes, inicio: Inteiros, certos: Mascara) -> tuple[Inteiros, Mascara]:
    """O carimbo de cada `id_fim_a_fim` certo em µs, e em quais ele é um minuto que existe."""
    de, quantos = _MINUTO_NO_ID
    return minutos(_algarismos(dados, inicio + de, np.full_like(inicio, quantos), certos))


def instantes(dados: Bytes, inicio: Inteiros, tamanho: Inteiros, certos: Mascara) -> tuple[Inteiros, Mascara]:
    """Cada instante RFC 3339 certo em µs, e em quais o minuto existe."""
    lidos = _algarismos(dados, inicio, tamanho, certos)
    do_minuto, existe = minutos(lidos // _MILISSEGUNDOS)
    return do_minuto + lidos % _MILISSEGUNDOS * formatos.MICROS_MILISSEGUNDO, existe


def centavos(dados: Bytes, inicio: Inteiros, tamanho: Inteiros, certos: Mascara) -> Inteiros:
    """R$ em texto certo, com duas casas → centavos."""
    saida: Inteiros = _algarismos(dados, inicio, tamanho, certos)
    return saida


def minutos(numero: Inteiros) -> tuple[Inteiros, Mascara]:
    """`yyyyMMddHHmm`, como número, → µs, e quais existem; o calendário é o do numpy. Vizinhos são do mesmo minuto."""
    distintos, qual = np.unique(numero, return_inverse=True)
    ano = distintos // _CENTENA**4
    mes, dia, hora, minuto = (distintos // _CENTENA**casas % _CENTENA for casas in (3, 2, 1, 0))
    meses = (ano - _ANO_ZERO) * _MESES_ANO + mes - 1
    primeiro, seguinte = (
        m.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) for m in (meses, meses + 1)
    )
    existe = (ano >= formatos.ANO_MINIMO) & (ano <= formatos.ANO_MAXIMO) & (mes >= 1) & (mes <= _MESES_ANO)
    existe &= (dia >= 1) & (dia <= seguinte - primeiro) & (hora < formatos.HORAS_DIA) & (minuto < formatos.MINUTOS_HORA)
    minutos_do_dia = hora * formatos.MINUTOS_HORA + minuto
    instante = (primeiro + dia - 1) * formatos.MICROS_DIA + minutos_do_dia * formatos.MICROS_MINUTO
    return instante[qual], existe[qual]


def exemplos(*partes: str | tuple[str, int, int]) -> tuple[str, ...]:
    """Um texto por tamanho: as partes fixas, e em (caractere, de, até) tantas repetições quantas couberem."""
    textos = [""]
    for parte in partes:
        caracter, de, ate = (parte, 1, 1) if isinstance(parte, str) else parte
        textos = [texto + caracter * n for texto in textos for n in range(de, ate + 1)]
    return tuple(textos)
