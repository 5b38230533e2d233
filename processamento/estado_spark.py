"""O executor de estado sobre a história, no Spark: o núcleo do fluxo, com as entidades repartidas entre as tarefas.

Mede o mesmo que `janelas_spark` (por que há dois: docs/adr/0005-executor-da-historia.md). Cada tarefa recebe as linhas
das suas entidades, insere todas e mede; as medidas de um Pix se reencontram na partição do seu dia.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql.types import ArrayType, BinaryType, DateType, IntegerType, LongType, StructField, StructType

from processamento import atributos_spark
from processamento.catalogo import NULO, PAPEL_DO_FLUXO, Catalogo, Papel
from processamento.janelas_toques import sem_fraudes_repetidas, toques_de_contas, toques_de_dispositivos

if TYPE_CHECKING:
    import pyarrow as pa

FATIA: Final = 20_000
"""Pix por lote Arrow: com as primitivas e os atributos, uns 50 MB."""
_LINHA: Final = ("entidade", "fluxo", "instante", "ordem", "valor", "contraparte")
_PRIMITIVAS: Final = StructField("primitivas", ArrayType(LongType()), nullable=False)
_MEDIDOS: Final = StructType([
    StructField("data", DateType()),
    StructField("papel", IntegerType(), nullable=False),
    StructField("ids", BinaryType(), nullable=False),
    StructField("valores", BinaryType(), nullable=False),
])
"""As medidas de um papel em um dia, como int64 em memória: uma linha por Pix custaria à JVM mais que medir."""


def com_atributos(eventos: DataFrame, fraudes: DataFrame, catalogo: Catalogo, particoes: int) -> DataFrame:
    """As mesmas linhas de `atributos_spark.com_atributos` sobre as primitivas de `janelas_spark`.

    Args:
        eventos: Pix válidos e únicos por `id_evento`, com as colunas da prata; `dispositivo_id` 0 = não informado.
        fraudes: rótulos de fraude confirmada com as colunas de `prata_rotulos`; contam a partir de `conhecido_em_us`.
        catalogo: o que medir.
        particoes: em quantas tarefas; cada uma guarda na memória as linhas das suas entidades.
    """
    unicas = sem_fraudes_repetidas(fraudes)
    do_dia = ("data",)
    toques = toques_de_contas(eventos, unicas, do_dia).unionAll(toques_de_dispositivos(eventos, unicas, do_dia))
    linhas = toques.select(*_LINHA, *do_dia).repartition(particoes, "entidade")
    medidos = linhas.mapInArrow(partial(_medir, catalogo), _MEDIDOS)
    juntos = eventos.select(*atributos_spark.LIDAS).unionByName(medidos, allowMissingColumns=True)
    tipos = atributos_spark.esquema(eventos.schema, _PRIMITIVAS)
    return juntos.repartition(particoes, "data").mapInArrow(partial(_unir, catalogo), tipos)


def _medir(catalogo: Catalogo, lotes: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """As linhas de todas as entidades da tarefa → as primitivas das suas consultas, por papel e dia."""
    import pyarrow as pa  # noqa: PLC0415  roda no executor

    from processamento.estado.arena import Arena, Linhas  # noqa: PLC0415

    lidos = list(lotes)
    if not lidos:
        return
    tabela = pa.Table.from_batches(lidos)
    c = {nome: tabela.column(nome).to_numpy().astype(np.int64, copy=False) for nome in _LINHA}
    arena = Arena(catalogo, reter_tudo=True)
    arena.inserir(Linhas(*(c[nome] for nome in Linhas.__dataclass_fields__)))
    dias = tabela.column("data").cast(pa.int32()).to_numpy()
    for fluxo, papel in PAPEL_DO_FLUXO.items():
        do_papel = c["fluxo"] == fluxo
        for dia in np.unique(dias[do_papel]):
            q = np.flatnonzero(do_papel & (dias == dia))
            valores = arena.consultar(papel, c["entidade"][q], c["contraparte"][q], c["instante"][q])
            yield pa.RecordBatch.from_arrays(
                [pa.array([dia], pa.int32()).cast(pa.date32()), pa.array([int(papel)], pa.int32()),
                 pa.array([c["ordem"][q].tobytes()], pa.binary()), pa.array([valores.tobytes()], pa.binary())],
                names=_MEDIDOS.names,
            )


def _unir(catalogo: Catalogo, lotes: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Os Pix de alguns dias e as medidas dos seus papéis, misturados → Pix com atributos."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    lidos = list(lotes)
    if not lidos:
        return
    tudo = pa.Table.from_batches(lidos)
    sem_papel = pc.is_null(tudo.column("papel"))
    eventos = tudo.filter(sem_papel).sort_by([("data", "ascending"), ("instante_us", "ascending")])
    medidos = tudo.filter(pc.invert(sem_papel)).select(["papel", "ids", "valores"])
    ids = eventos.column("id_evento").to_numpy()
    ordem = np.argsort(ids)
    primitivas = np.full((ids.size, len(catalogo.primitivas)), NULO, np.int64)
    colunas = _colunas_por_papel(catalogo)
    for papel, de_quem, valores in zip(*(coluna.to_pylist() for coluna in medidos.columns), strict=True):
        lugares = ordem[np.searchsorted(ids[ordem], np.frombuffer(de_quem, np.int64))]
        primitivas[lugares, colunas[papel]] = np.frombuffer(valores, np.int64).reshape(lugares.size, -1)
    for inicio in range(0, ids.size, FATIA):
        fatia = eventos.slice(inicio, FATIA)
        yield atributos_spark.derivar_lote(catalogo, fatia, primitivas[inicio : inicio + fatia.num_rows])


def _colunas_por_papel(catalogo: Catalogo) -> dict[int, slice]:
    """Onde ficam as primitivas de cada papel na matriz de `Catalogo.primitivas`."""
    colunas, inicio = {}, 0
    for papel in Papel:
        fim = inicio + len(catalogo.do_papel(papel))
        colunas[int(papel)] = slice(inicio, fim)
        inicio = fim
    return colunas
