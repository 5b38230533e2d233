"""A ponte entre o balde e o Spark: `transformWithStateInPandas` com o índice e os pedaços no estado do Spark.

A classe vive em módulo importável, nunca em notebook: pickled por valor, perderia o cache do worker a cada lote. O
núcleo só é importado onde há linhas: o Spark abre um processo no driver, a cada partida, só para chamar `init`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle, TimerValues
from pyspark.sql.types import BinaryType, IntegerType, StructField, StructType

from processamento.catalogo import Catalogo

if TYPE_CHECKING:
    from processamento.estado.balde import Balde

ENTRADA: Final = StructType([
    StructField("balde", IntegerType(), nullable=False),
    StructField("destino", IntegerType(), nullable=False),
    StructField("toques", BinaryType(), nullable=False),
    StructField("eventos", BinaryType(), nullable=False),
    StructField("controle", BinaryType(), nullable=False),
])
SAIDA: Final = StructType([
    StructField("destino", IntegerType(), nullable=False),
    StructField("medidas", BinaryType(), nullable=False),
    StructField("eventos", BinaryType(), nullable=False),
    StructField("ativacao", BinaryType(), nullable=False),
])
INICIAL: Final = StructType([
    StructField("balde", IntegerType(), nullable=False),
    StructField("sequencia", IntegerType(), nullable=False),
    StructField("pedaco", BinaryType(), nullable=False),
])
"""Estado inicial: pedaços de histórico já codificados, na ordem de `sequencia` dentro do balde."""

_BALDES: dict[tuple[str, int], Balde] = {}
"""Cache do worker, por consulta (pasta própria de cada checkpoint) e balde."""


class Estado(StatefulProcessor):  # type: ignore[misc]
    """Aplica um balde por chave.

    Args:
        catalogo: o que medir.
        pasta: raiz dos arquivos da arena desta consulta, local a cada máquina.
        horizonte_ids_s: horizonte dos ids repetidos, em segundos.
    """

    def __init__(self, catalogo: Catalogo, pasta: str, horizonte_ids_s: int) -> None:
        self._catalogo = catalogo
        self._pasta = pasta
        self._horizonte_ids_s = horizonte_ids_s

    def init(self, handle: StatefulProcessorHandle) -> None:
        """Abre as variáveis de estado: um valor (índice) e um mapa (pedaços)."""
        self._deposito = _DoSpark(
            handle.getValueState("indice", "valor BINARY"), handle.getMapState("pedacos", "numero LONG", "valor BINARY")
        )

    def handleInputRows(
        self, key: Any, rows: Iterator[pd.DataFrame], timerValues: TimerValues
    ) -> Iterator[pd.DataFrame]:
        """As linhas de um balde em um micro-lote."""
        from processamento.estado.balde import Entrada, Saida  # noqa: PLC0415
        from processamento.estado.envelope import em_coluna  # noqa: PLC0415

        entradas = [
            Entrada(int(destino), toques, eventos, controle)
            for quadro in rows
            for destino, toques, eventos, controle in zip(
                quadro["destino"], quadro["toques"], quadro["eventos"], quadro["controle"], strict=True
            )
        ]
        saidas = self._balde(int(key[0])).aplicar(entradas, self._deposito)
        destinos, *envelopes = zip(*saidas, strict=True) if saidas else ((),) * len(Saida._fields)
        colunas = map(pd.arrays.ArrowExtensionArray, map(em_coluna, envelopes))
        yield pd.DataFrame(dict(zip(Saida._fields, (np.array(destinos, np.int32), *colunas), strict=True)))

    def handleInitialState(self, key: Any, initialState: pd.DataFrame, timerValues: TimerValues) -> None:
        """Partida quente: guarda os pedaços de histórico deste balde."""
        from processamento.estado import pedacos  # noqa: PLC0415
        from processamento.estado.balde import iniciar  # noqa: PLC0415

        indice = pedacos.ler_indice(self._deposito.ler_indice())
        ordenado = initialState.sort_values("sequencia")
        iniciar([pedacos.decodificar(valor) for valor in ordenado["pedaco"]], indice, self._deposito)

    def close(self) -> None:
        """Nada a fechar: a arena fica para o próximo lote."""

    def _balde(self, chave: int) -> Balde:
        from processamento.estado.balde import Balde  # noqa: PLC0415

        identidade = (self._pasta, chave)
        if identidade not in _BALDES:
            pasta = Path(self._pasta) / f"balde={chave}"
            _BALDES[identidade] = Balde(self._catalogo, pasta, self._horizonte_ids_s)
        return _BALDES[identidade]


class _DoSpark:
    """O depósito de um balde sobre ValueState e MapState."""

    def __init__(self, indice: Any, pedacos_: Any) -> None:
        self._indice, self._pedacos = indice, pedacos_

    def ler_indice(self) -> bytes | None:
        lido = self._indice.get()
        return None if lido is None else bytes(lido[0])

    def gravar_indice(self, valor: bytes) -> None:
        self._indice.update((valor,))

    def ler(self, numero: int) -> bytes:
        return bytes(self._pedacos.getValue((numero,))[0])

    def gravar(self, numero: int, valor: bytes) -> None:
        self._pedacos.updateValue((numero,), (valor,))

    def apagar(self, numero: int) -> None:
        self._pedacos.removeKey((numero,))
