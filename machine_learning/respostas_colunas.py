"""As respostas do tópico de decisões em colunas: lotes Arrow de mensagens → lotes Arrow com os campos de cada uma.

O leitor é o do Arrow, um bloco de mensagens por vez: o `from_json` do Spark gastava com cada decisão, de 1,9 KB e mais
de cem números, mais que a conferir e gravar (docs/adr/0015).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.json as pj
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from machine_learning.esquema import DECISAO, POSICAO_DA_RESPOSTA

LIDA: Final = StructType([*DECISAO, *POSICAO_DA_RESPOSTA])
"""Os campos da mensagem, todos nulos se ela não é um objeto JSON com os tipos do contrato, e onde ela está."""
_FIM: Final = b"\n"
_CAMPOS: Final = to_arrow_schema(DECISAO)
_TIPOS: Final = to_arrow_schema(LIDA)
_CONTRATO: Final = pj.ParseOptions(explicit_schema=_CAMPOS, unexpected_field_behavior="ignore")


def ler_respostas(lotes: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """A função de `mapInArrow`: entram `value` e a posição, sai `LIDA`, uma linha por mensagem."""
    for lote in lotes:
        lidas = _ler(lote.column("value").to_pylist())
        posicao = [lote.column(nome).cast(_TIPOS.field(nome).type) for nome in POSICAO_DA_RESPOSTA.names]
        yield pa.RecordBatch.from_arrays([*lidas, *posicao], schema=_TIPOS)


def _ler(mensagens: list[bytes | None]) -> list[pa.Array]:
    """As colunas de `DECISAO`. Se o bloco não se lê inteiro, cada mensagem é lida só, e as ruins ficam nulas."""
    if all(m and _FIM not in m for m in mensagens):
        juntas = _tabela(_FIM.join(mensagens))  # type: ignore[arg-type]  # nenhuma é nula
        if juntas is not None and juntas.num_rows == len(mensagens):
            return _colunas(juntas)
    cada = [_tabela(m.replace(_FIM, b" ")) if m else None for m in mensagens]
    nenhuma = pa.table([pa.nulls(1, campo.type) for campo in _CAMPOS], _CAMPOS)
    lidas = (t if t is not None and t.num_rows == 1 else nenhuma for t in cada)
    return _colunas(pa.concat_tables([nenhuma.slice(1), *lidas]))


def _tabela(linhas: bytes) -> pa.Table | None:
    leitura = pj.ReadOptions(use_threads=False, block_size=len(linhas))  # um bloco só: uma linha não se reparte
    try:
        return pj.read_json(pa.BufferReader(linhas), leitura, _CONTRATO).select(_CAMPOS.names)
    except pa.ArrowInvalid:
        return None


def _colunas(tabela: pa.Table) -> list[pa.Array]:
    return [coluna.combine_chunks() for coluna in tabela.columns]
