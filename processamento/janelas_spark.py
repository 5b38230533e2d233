"""O executor Spark do catálogo: histórico, conjuntos de treino e ouro. O do fluxo é `processamento.estado`.

Os dois dão os mesmos números, até o último centavo (testes/fluxo/test_paridade.py).
"""

from __future__ import annotations

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from processamento.catalogo import NULO, PAPEL_DO_FLUXO, Catalogo, Papel
from processamento.janelas_medidas import Crescentes, medir
from processamento.janelas_toques import (
    com_marcas,
    com_vizinhos,
    maduras,
    sem_fraudes_repetidas,
    toques_de_contas,
    toques_de_dispositivos,
)

_FLUXO_DO_PAPEL: Final = {papel: fluxo for fluxo, papel in PAPEL_DO_FLUXO.items()}


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
