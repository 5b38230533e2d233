"""Envelopes: colunas numpy e listas como um só valor binário, para cruzar o Spark em poucas linhas largas.

O custo de uma linha no plano (conversão, shuffle, chamada) não depende do seu tamanho; por isso um micro-lote de
milhares de Pix atravessa o Spark em meia dúzia de envelopes. MessagePack leva os bytes das colunas sem cópia na volta.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

_CODIFICADOR = msgspec.msgpack.Encoder()
_DECODIFICADOR = msgspec.msgpack.Decoder()
_TIPO, _FORMA, _BYTES = "__t", "f", "b"


def empacotar(conteudo: Mapping[str, Any]) -> bytes:
    """Dicionário de colunas (ndarray), listas, escalares e outros dicionários → bytes; ndarray mantém tipo e forma."""
    return _CODIFICADOR.encode({nome: _para_fora(valor) for nome, valor in conteudo.items()})


def desempacotar(envelope: bytes) -> dict[str, Any]:
    """O inverso; as colunas vêm somente para leitura, sobre os próprios bytes do envelope."""
    return {nome: _para_dentro(valor) for nome, valor in _DECODIFICADOR.decode(envelope).items()}


def em_coluna(envelopes: Sequence[bytes]) -> pa.BinaryArray:
    """Envelopes como coluna Arrow, copiados uma vez só.

    `pa.array` aumenta o espaço aos poucos e no fim o ajusta, e cada vez copia os envelopes, de centenas de KB, de novo.
    """
    limites = np.fromiter(accumulate(map(len, envelopes), initial=0), np.int32, len(envelopes) + 1)
    return pa.BinaryArray.from_buffers(
        pa.binary(), len(envelopes), [None, pa.py_buffer(limites), pa.py_buffer(b"".join(envelopes))]
    )


def _para_fora(valor: Any) -> Any:
    if isinstance(valor, np.ndarray):
        contiguo = np.ascontiguousarray(valor)
        return {_TIPO: contiguo.dtype.str, _FORMA: contiguo.shape, _BYTES: contiguo.data}
    if isinstance(valor, dict):
        return {nome: _para_fora(dentro) for nome, dentro in valor.items()}
    return valor


def _para_dentro(valor: Any) -> Any:
    if not isinstance(valor, dict):
        return valor
    if _TIPO in valor:
        return np.frombuffer(valor[_BYTES], np.dtype(valor[_TIPO])).reshape(valor[_FORMA])
    return {nome: _para_dentro(dentro) for nome, dentro in valor.items()}
