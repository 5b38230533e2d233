"""O executor Spark do catálogo: histórico, conjuntos de treino e ouro. O do fluxo é `processamento.estado`.

Os dois dão os mesmos números, até o último centavo (testes/fluxo/test_paridade.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, StructField, StructType

from processamento import atributos
from processamento.catalogo import NULO, Catalogo, Fluxo, Papel
from processamento.janelas_medidas import Crescentes, medir
from processamento.janelas_toques import (
    com_marcas,
    com_vizinhos,
    maduras,
    sem_fraudes_repetidas,
    toques_de_contas,
    toques_de_dispositivos,
)

if TYPE_CHECKING:
    import pyarrow as pa

IDENTIDADE: Final = ("id_fim_a_fim", "id_evento", "instante_us", "data")
"""As colunas da prata que acompanham os atributos."""
_FLUXO_DO_PAPEL: Final = {
    Papel.PAGADOR: Fluxo.SAIDA, Papel.RECEBEDOR: Fluxo.ENTRADA, Papel.DISPOSITIVO: Fluxo.DISPOSITIVO,
}


def com_primitivas(eventos: DataFrame, fraudes: DataFrame, catalogo: Catalogo) -> DataFrame:
    """Acrescenta `primitivas` array<long>, na ordem de `catalogo.primitivas`, a cada evento.

    Args:
        eventos: Pix válidos e únicos por `id_evento`, com as colunas da prata; `dispositivo_id` 0 = não informado.
        fraudes: rótulos de fraude confirmada com as colunas de `prata_rotulos`; contam a partir de `conhecido_em_us`.
        catalogo: o que medir.
    """
    unicas = sem_fraudes_repetidas(fraudes)
    contas = _medidos(toques_de_contas(eventos, unicas), catalogo, (Papel.PAGADOR, Papel.RECEBEDOR))
    aparelhos = _medidos(toques_de_dispositivos(eventos, unicas), catalogo, (Papel.DISPOSITIVO,))
    juntas = contas.unionAll(aparelhos).groupBy("id_evento").agg(
        *(F.first(F.when(F.col("papel") == int(papel), F.col("valores")), ignorenulls=True).alias(papel.name)
          for papel in Papel)
    )
    sem_aparelho = F.array_repeat(F.lit(NULO).cast("long"), len(catalogo.do_papel(Papel.DISPOSITIVO)))
    primitivas = F.concat(
        Papel.PAGADOR.name, Papel.RECEBEDOR.name, F.coalesce(F.col(Papel.DISPOSITIVO.name), sem_aparelho)
    )
    return eventos.join(juntas.select("id_evento", primitivas.alias("primitivas")), on="id_evento", how="inner").select(
        *eventos.columns, "primitivas"
    )


def com_atributos(medidos: DataFrame, catalogo: Catalogo) -> DataFrame:
    """Uma coluna double por atributo, pela mesma função que serve as decisões; nulo = não há o que medir.

    `medidos`: colunas da prata e `primitivas`. Devolve `IDENTIDADE`, `primitivas` e `atributos.NOMES`: as colunas da
    prata que são atributos saem como o modelo as vê (códigos e números).
    """
    esquema = StructType([
        *(medidos.schema[nome] for nome in (*IDENTIDADE, "primitivas")),
        *(StructField(nome, DoubleType()) for nome in atributos.NOMES),
    ])
    lidas = dict.fromkeys((*IDENTIDADE, "primitivas", "valor_centavos", *atributos.CONTEXTO))
    return medidos.select(*lidas).mapInArrow(partial(_derivar, catalogo), esquema)


def _derivar(catalogo: Catalogo, lotes: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa  # noqa: PLC0415  roda no executor

    ficam = (*IDENTIDADE, "primitivas")
    for lote in lotes:
        valores = atributos.derivar(
            catalogo,
            lote.column("primitivas").flatten().to_numpy().reshape(-1, len(catalogo.primitivas)),
            lote.column("instante_us").to_numpy(),
            lote.column("valor_centavos").to_numpy(),
            atributos.contexto({nome: _coluna(lote.column(nome)) for nome in atributos.CONTEXTO}),
        )
        derivados = [pa.array(np.ascontiguousarray(coluna), from_pandas=True) for coluna in valores.T]
        yield pa.RecordBatch.from_arrays(
            [*(lote.column(nome) for nome in ficam), *derivados], names=[*ficam, *atributos.NOMES]
        )


def _coluna(coluna: pa.Array) -> Sequence[Any]:
    """Textos como lista; números e lógicos como float64, nulo = NaN, sem passar por objetos Python."""
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_string(coluna.type) or pa.types.is_large_string(coluna.type):
        return cast("Sequence[Any]", coluna.to_pylist())
    return cast("Sequence[Any]", coluna.cast(pa.float64()).to_numpy(zero_copy_only=False))


def _medidos(toques: DataFrame, catalogo: Catalogo, papeis: tuple[Papel, ...]) -> DataFrame:
    """As primitivas de cada papel, uma linha por (evento, papel): `id_evento`, `papel`, `valores`."""
    primitivas = [p for papel in papeis for p in catalogo.do_papel(papel)]
    entidade, par = Crescentes(("entidade",), "e"), Crescentes(("entidade", "contraparte"), "p")
    fraudes = maduras(primitivas)
    valores = {
        papel: F.array(*(medir(p, entidade, par, fraudes).cast("long") for p in catalogo.do_papel(papel)))
        for papel in papeis
    }
    vividos = com_marcas(com_vizinhos(toques, primitivas), primitivas)
    # Ordenar antes de montar as parcelas: as linhas ordenadas ficam curtas. O par vem primeiro pela mesma razão.
    do_par = vividos.sortWithinPartitions("entidade", "contraparte", "instante").withColumns(par.colunas)
    somados = do_par.sortWithinPartitions("entidade", "instante").withColumns(entidade.colunas)
    consultas = somados.where(F.col("fluxo").isin([int(_FLUXO_DO_PAPEL[papel]) for papel in papeis]))
    return consultas.select(
        F.col("ordem").alias("id_evento"), _por_fluxo({p: F.lit(int(p)) for p in papeis}).alias("papel"),
        _por_fluxo(valores).alias("valores"),
    )


def _por_fluxo(opcoes: dict[Papel, Column]) -> Column:
    return F.coalesce(*(
        F.when(F.col("fluxo") == int(_FLUXO_DO_PAPEL[papel]), coluna) for papel, coluna in opcoes.items()
    ))
