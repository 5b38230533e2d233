"""O validador em colunas: lotes Arrow da bronze → lotes Arrow com o Pix normalizado ou a recusa, lado a lado."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructField, StructType

from processamento import esquema
from processamento.protecao import Tokenizador
from processamento.qualidade import Recusa, avaliar_rotulo, fora_da_tolerancia, recusa_por_divergencia
from processamento.qualidade_lote import avaliar_lote

Lotes = Iterator[pa.RecordBatch]
_Avaliado = tuple[NDArray[np.int64], Sequence[Sequence[Any] | pa.Array], list[tuple[int, Recusa]]]
"""Os lugares dos válidos, as colunas deles e as recusas com o seu lugar."""
_POSICAO: Final = [campo.name for campo in esquema.CAMPOS_POSICAO]


def _avaliado(campos: Sequence[StructField]) -> StructType:
    """As colunas de um registro avaliado: as do válido (nulas na recusa), as da recusa (nulas no válido), a posição."""
    soltos = [StructField(campo.name, campo.dataType) for campo in (*campos, *esquema.CAMPOS_RECUSA)]
    return StructType([*soltos, esquema.QUARENTENA["valor"], *esquema.CAMPOS_POSICAO])


PIX_AVALIADO: Final = _avaliado(esquema.CAMPOS_NORMALIZADOS)
ROTULO_AVALIADO: Final = _avaliado(esquema.CAMPOS_ROTULO)


def avaliar_pix(tokenizador: Tokenizador) -> Callable[[Lotes], Lotes]:
    """A função de `mapInArrow` para `pix.eventos`; entra `valor` e a posição, sai `PIX_AVALIADO`."""

    def um_lote(lote: pa.RecordBatch) -> _Avaliado:
        lido = avaliar_lote(lote.column("valor"), tokenizador)
        do_valido = lote.take(pa.array(lido.quais))
        fora = fora_da_tolerancia(
            lido.colunas["instante_us"].to_numpy(), do_valido.column("kafka_em_us").to_numpy(),
            do_valido.column("origem"),
        )
        divergentes = [(i, recusa_por_divergencia()) for i in lido.quais[fora].tolist()]
        dentro = pa.array(~fora)
        return lido.quais[~fora], [c.filter(dentro) for c in lido.colunas.values()], [*lido.recusas, *divergentes]

    return _em_lotes(um_lote, PIX_AVALIADO, len(esquema.CAMPOS_NORMALIZADOS))


def avaliar_rotulos() -> Callable[[Lotes], Lotes]:
    """A função de `mapInArrow` para `pix.rotulos`; sai `ROTULO_AVALIADO`."""

    def um_lote(lote: pa.RecordBatch) -> _Avaliado:
        lidos = list(enumerate(map(avaliar_rotulo, lote.column("valor").to_pylist())))
        validos = [(i, lido) for i, lido in lidos if not isinstance(lido, Recusa)]
        recusas = [(i, lido) for i, lido in lidos if isinstance(lido, Recusa)]
        return np.array([i for i, _ in validos], np.int64), list(zip(*(v for _, v in validos), strict=True)), recusas

    return _em_lotes(um_lote, ROTULO_AVALIADO, len(esquema.CAMPOS_ROTULO))


def _em_lotes(
    um_lote: Callable[[pa.RecordBatch], _Avaliado], saida: StructType, largura: int
) -> Callable[[Lotes], Lotes]:
    tipos = to_arrow_schema(saida)

    def em_lotes(lotes: Lotes) -> Lotes:
        for lote in lotes:
            quais, colunas, recusas = um_lote(lote)
            if quais.size:
                yield _montar(lote.take(pa.array(quais)), tipos, dict(enumerate(colunas)))
            if recusas:
                recusado = lote.take(pa.array([i for i, _ in recusas]))
                motivos = zip(*(recusa for _, recusa in recusas), strict=True)
                yield _montar(recusado, tipos, dict(enumerate(motivos, largura)), com_valor=True)

    return em_lotes


def _montar(
    lote: pa.RecordBatch, tipos: pa.Schema, ocupadas: Mapping[int, Sequence[Any] | pa.Array], *, com_valor: bool = False
) -> pa.RecordBatch:
    """As colunas `ocupadas` e a posição; o valor bruto só acompanha quem tem motivo."""
    colunas = []
    for i, campo in enumerate(tipos):
        if i in ocupadas:
            colunas.append(_coluna(ocupadas[i], campo.type))
        elif campo.name in _POSICAO or (campo.name == "valor" and com_valor):
            colunas.append(lote.column(campo.name).cast(campo.type))
        else:
            colunas.append(pa.nulls(lote.num_rows, campo.type))
    return pa.RecordBatch.from_arrays(colunas, schema=tipos)


def _coluna(valores: Sequence[Any] | pa.Array, tipo: pa.DataType) -> pa.Array:
    """Datas vêm em dias desde 1970, que é como o Arrow as guarda; textos de um domínio, em dicionário."""
    if isinstance(valores, pa.Array):
        return valores.cast(tipo)
    return pa.array(valores, pa.int32()).cast(tipo) if pa.types.is_date32(tipo) else pa.array(valores, tipo)
