"""O validador em colunas: lotes Arrow da bronze → lotes Arrow com o Pix normalizado ou a recusa, lado a lado."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructField, StructType

from processamento import esquema
from processamento.protecao import Tokenizador
from processamento.qualidade import Recusa, avaliar, avaliar_rotulo, fora_da_tolerancia, recusa_por_divergencia

Lotes = Iterator[pa.RecordBatch]
_POSICAO: Final = [campo.name for campo in esquema.CAMPOS_POSICAO]


def _avaliado(campos: Sequence[StructField]) -> StructType:
    """As colunas de um registro avaliado: as do válido (nulas na recusa), as da recusa (nulas no válido), a posição."""
    soltos = [StructField(campo.name, campo.dataType) for campo in (*campos, *esquema.CAMPOS_RECUSA)]
    return StructType([*soltos, esquema.QUARENTENA["valor"], *esquema.CAMPOS_POSICAO])


PIX_AVALIADO: Final = _avaliado(esquema.CAMPOS_NORMALIZADOS)
ROTULO_AVALIADO: Final = _avaliado(esquema.CAMPOS_ROTULO)


def avaliar_pix(tokenizador: Tokenizador) -> Callable[[Lotes], Lotes]:
    """A função de `mapInArrow` para `pix.eventos`; entra `valor` e a posição, sai `PIX_AVALIADO`."""

    def um(valor: bytes | None, kafka_us: int, origem: str) -> tuple[Any, ...]:
        lido = avaliar(valor, tokenizador)
        if not isinstance(lido, Recusa) and fora_da_tolerancia(lido.instante_us, kafka_us, origem):
            return recusa_por_divergencia()
        return lido

    return _em_lotes(um, PIX_AVALIADO, len(esquema.CAMPOS_NORMALIZADOS))


def avaliar_rotulos() -> Callable[[Lotes], Lotes]:
    """A função de `mapInArrow` para `pix.rotulos`; sai `ROTULO_AVALIADO`."""
    return _em_lotes(lambda valor, _kafka, _origem: avaliar_rotulo(valor), ROTULO_AVALIADO, len(esquema.CAMPOS_ROTULO))


def _em_lotes(
    um: Callable[[bytes | None, int, str], tuple[Any, ...]], saida: StructType, largura: int
) -> Callable[[Lotes], Lotes]:
    tipos = to_arrow_schema(saida)

    def em_lotes(lotes: Lotes) -> Lotes:
        for lote in lotes:
            colunas = [lote.column(nome).to_pylist() for nome in ("valor", "kafka_em_us", "origem")]
            lidos = [um(*linha) for linha in zip(*colunas, strict=True)]
            recusado = pa.array([isinstance(lido, Recusa) for lido in lidos], pa.bool_())
            validos = [lido for lido in lidos if not isinstance(lido, Recusa)]
            recusas = [lido for lido in lidos if isinstance(lido, Recusa)]
            if validos:
                yield _montar(lote.filter(pc.invert(recusado)), tipos, validos, range(largura))
            if recusas:
                yield _montar(lote.filter(recusado), tipos, recusas, range(largura, largura + len(Recusa._fields)))

    return em_lotes


def _montar(
    lote: pa.RecordBatch, tipos: pa.Schema, linhas: Sequence[tuple[Any, ...]], lugares: range
) -> pa.RecordBatch:
    """As linhas ocupam as colunas de `lugares`; o valor bruto só acompanha quem tem motivo."""
    ocupadas = dict(zip(lugares, zip(*linhas, strict=True), strict=True))
    colunas = []
    for i, campo in enumerate(tipos):
        if i in ocupadas:
            colunas.append(_coluna(ocupadas[i], campo.type))
        elif campo.name in _POSICAO or (campo.name == "valor" and lugares.start):
            colunas.append(lote.column(campo.name).cast(campo.type))
        else:
            colunas.append(pa.nulls(len(linhas), campo.type))
    return pa.RecordBatch.from_arrays(colunas, schema=tipos)


def _coluna(valores: Sequence[Any], tipo: pa.DataType) -> pa.Array:
    """Datas vêm em dias desde 1970, que é como o Arrow as guarda."""
    return pa.array(valores, pa.int32()).cast(tipo) if pa.types.is_date32(tipo) else pa.array(valores, tipo)
