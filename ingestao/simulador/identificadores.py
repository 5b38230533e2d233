"""Textos em colunas: tokens, identificadores fim a fim e txid, montados como matrizes de bytes.

Só tokens saem daqui (`tok:sim:…`): qualquer CPF com dígitos válidos pode ser de alguém.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ingestao.simulador.parametros import DIA_US, MINUTO_US

ID_CHAVE: Final = "sim"
_BASE64URL: Final = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", np.uint8)
_BASE62: Final = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", np.uint8)
_ZERO: Final = ord("0")
_SEQUENCIA: Final = 6
_SORTE: Final = 5
_MODULO: Final = 62**_SEQUENCIA
_PASSO: Final = 100_000_007
"""Primo, coprimo de 62⁶: multiplicar por ele espalha a sequência sem repetir valor nem estourar int64."""

Textos = npt.NDArray[np.bytes_]
Inteiros = npt.NDArray[Any]


def tokens(rng: np.random.Generator, n: int, id_chave: str = ID_CHAVE) -> Textos:
    """`n` tokens `tok:<id_chave>:<22>` na forma canônica de 16 bytes em base64url."""
    letras = _BASE64URL[rng.integers(0, 64, (n, 22), dtype=np.uint8)]
    letras[:, 21] = _BASE64URL[rng.integers(0, 4, n, dtype=np.uint8) * 16]
    return _com_prefixo(f"tok:{id_chave}:".encode(), letras)


def tokens_de_resumos(resumos: npt.NDArray[np.uint8], id_chave: str) -> Textos:
    """Um token por resumo de 16 bytes, forma (n, 16)."""
    bits = np.unpackbits(resumos, axis=1)
    bits = np.pad(bits, ((0, 0), (0, 4))).reshape(len(resumos), 22, 6)
    indices = bits @ np.array([32, 16, 8, 4, 2, 1], np.uint8)
    return _com_prefixo(f"tok:{id_chave}:".encode(), _BASE64URL[indices])


def ids_fim_a_fim(ispb: Textos, instante_us: Inteiros, sequencia: Inteiros, sorte: Inteiros) -> Textos:
    """`E` + ISPB + `yyyyMMddHHmm` UTC + 11 alfanuméricos, 32 caracteres.

    `sequencia` < 62⁶ ocupa 6 dos 11 por uma bijeção (nunca repete); `sorte`, inteiro ≥ 0, dá os outros 5.

    Fonte: pix.md 1.1 (catálogo SPI 5.13.1).
    """
    n = len(instante_us)
    saida = np.empty((n, 32), np.uint8)
    saida[:, 0] = ord("E")
    saida[:, 1:9] = ispb.astype("S8").view(np.uint8).reshape(n, 8)
    saida[:, 9:21] = _minuto(instante_us)
    saida[:, 21:27] = _base62(sequencia.astype(np.int64) % _MODULO * _PASSO % _MODULO, _SEQUENCIA)
    saida[:, 27:] = _base62(sorte, _SORTE)
    return saida.reshape(-1).view("S32")


def txids(rng: np.random.Generator, n: int, tamanho: int) -> Textos:
    """`n` txid alfanuméricos de `tamanho` caracteres."""
    return _BASE62[rng.integers(0, 62, (n, tamanho), dtype=np.uint8)].reshape(-1).view(f"S{tamanho}")


def _com_prefixo(prefixo: bytes, letras: npt.NDArray[np.uint8]) -> Textos:
    n, largura = letras.shape
    saida = np.empty((n, len(prefixo) + largura), np.uint8)
    saida[:, : len(prefixo)] = np.frombuffer(prefixo, np.uint8)
    saida[:, len(prefixo) :] = letras
    return saida.reshape(-1).view(f"S{len(prefixo) + largura}")


def _minuto(instante_us: Inteiros) -> npt.NDArray[np.uint8]:
    """`yyyyMMddHHmm` em ASCII, forma (n, 12)."""
    dia = instante_us // DIA_US
    data = dia.astype("datetime64[D]")
    mes = data.astype("datetime64[M]")
    minuto_do_dia = (instante_us - dia * DIA_US) // MINUTO_US
    partes = (
        (mes.astype("datetime64[Y]").astype(np.int64) + 1970, 4),
        (mes.astype(np.int64) % 12 + 1, 2),
        ((data - mes.astype("datetime64[D]")).astype(np.int64) + 1, 2),
        (minuto_do_dia // 60, 2),
        (minuto_do_dia % 60, 2),
    )
    return np.concatenate([_decimais(valor, casas) for valor, casas in partes], axis=1)


def _decimais(valor: Inteiros, casas: int) -> npt.NDArray[np.uint8]:
    divisores = 10 ** np.arange(casas - 1, -1, -1)
    return (valor[:, None] // divisores % 10 + _ZERO).astype(np.uint8)


def _base62(valor: Inteiros, casas: int) -> npt.NDArray[np.uint8]:
    divisores = 62 ** np.arange(casas - 1, -1, -1, dtype=np.int64)
    return np.asarray(_BASE62[valor.astype(np.int64)[:, None] // divisores % 62])
