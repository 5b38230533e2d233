"""Das primitivas aos atributos em colunas do Spark, pela mesma função que serve as decisões."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql.types import DoubleType, StructField, StructType

from processamento import atributos
from processamento.catalogo import Catalogo
from processamento.contexto import CONTEXTO, contexto

if TYPE_CHECKING:
    import pyarrow as pa

IDENTIDADE: Final = ("id_fim_a_fim", "id_evento", "instante_us", "data")
"""As colunas da prata que acompanham os atributos."""
LIDAS: Final = tuple(dict.fromkeys((*IDENTIDADE, "valor_centavos", *CONTEXTO)))
"""As colunas da prata que derivar lê ou devolve."""


def esquema(eventos: StructType, primitivas: StructField) -> StructType:
    """O que `com_atributos` devolve: `IDENTIDADE` como na prata, `primitivas` e `atributos.NOMES`."""
    return StructType([
        *(eventos[nome] for nome in IDENTIDADE), primitivas, *(StructField(n, DoubleType()) for n in atributos.NOMES),
    ])


def com_atributos(medidos: DataFrame, catalogo: Catalogo) -> DataFrame:
    """Uma coluna double por atributo; nulo = não há o que medir.

    `medidos`: colunas da prata e `primitivas`. Devolve `IDENTIDADE`, `primitivas` e `atributos.NOMES`: as colunas da
    prata que são atributos saem como o modelo as vê (códigos e números).
    """
    tipos = esquema(medidos.schema, medidos.schema["primitivas"])
    return medidos.select(*LIDAS, "primitivas").mapInArrow(partial(_derivar, catalogo), tipos)


def derivar_lote(catalogo: Catalogo, lote: pa.RecordBatch | pa.Table, primitivas: NDArray[np.int64]) -> pa.RecordBatch:
    """Um lote de saída de `com_atributos`. `lote`: as colunas `LIDAS`; `primitivas`: int64 (linhas, primitivas)."""
    import pyarrow as pa  # noqa: PLC0415  roda no executor

    valores = atributos.derivar(
        catalogo, primitivas, lote.column("instante_us").to_numpy(), lote.column("valor_centavos").to_numpy(),
        contexto({nome: _inteira(lote.column(nome)) for nome in CONTEXTO}),
    )
    derivados = [pa.array(np.ascontiguousarray(coluna), from_pandas=True) for coluna in valores.T]
    return pa.RecordBatch.from_arrays(
        [*(_inteira(lote.column(nome)) for nome in IDENTIDADE), lista(primitivas), *derivados],
        names=[*IDENTIDADE, "primitivas", *atributos.NOMES],
    )


def lista(valores: NDArray[np.int64]) -> pa.ListArray:
    """Uma matriz int64 como coluna de listas, uma por linha."""
    import pyarrow as pa  # noqa: PLC0415

    linhas, largura = valores.shape
    limites = np.arange(linhas + 1, dtype=np.int32) * np.int32(largura)
    return pa.ListArray.from_arrays(pa.array(limites), pa.array(np.ascontiguousarray(valores).reshape(-1)))


def _derivar(catalogo: Catalogo, lotes: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for lote in lotes:
        primitivas = lote.column("primitivas").flatten().to_numpy().reshape(-1, len(catalogo.primitivas))
        yield derivar_lote(catalogo, lote, primitivas)


def _inteira(coluna: pa.Array | pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa  # noqa: PLC0415

    return coluna.combine_chunks() if isinstance(coluna, pa.ChunkedArray) else coluna

