"""A tabela de controle: linhas e duração de cada micro-lote de cada consulta, sem ação a mais por lote.

Um ouvinte anota o progresso na memória; quem já grava um lote da prata descarrega o que juntou, de tempos em tempos.
Uma queda perde só as anotações ainda não gravadas: é acompanhamento, não contabilidade (esta é a conciliação).
"""

from __future__ import annotations

import datetime as dt
import threading
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from pyspark.sql.streaming import StreamingQueryListener

from plataforma.configuracao import Configuracao
from plataforma.gravacao import anexar
from processamento.tabelas import CONTROLE_LOTES

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

INTERVALO_SEGUNDOS: Final = 60.0
_US: Final = 1_000_000


class Controle(StreamingQueryListener):  # type: ignore[misc]  # o Spark não traz tipos
    """Junta o progresso das consultas e o anexa a `controle_lotes` quando `descarregar` é chamado na hora certa.

    `relogio`: segundos monótonos, para o intervalo entre descargas.
    """

    def __init__(self, cfg: Configuracao, relogio: Callable[[], float] = time.monotonic) -> None:
        self._cfg = cfg
        self._relogio = relogio
        self._ultima = relogio()
        self._trava = threading.Lock()
        self._linhas: list[tuple[Any, ...]] = []
        self._aplicacao = f"controle-{uuid.uuid4()}"
        self._versao = 0

    def onQueryStarted(self, event: Any) -> None:
        """Nada a anotar."""

    def onQueryProgress(self, event: Any) -> None:
        """Anota um micro-lote que leu algo."""
        progresso = event.progress
        if progresso.numInputRows:
            fim = dt.datetime.fromisoformat(progresso.timestamp.replace("Z", "+00:00")).timestamp()
            duracao = int(progresso.durationMs.get("triggerExecution", progresso.batchDuration))
            self.anotar(
                progresso.name or "", str(progresso.runId), progresso.batchId, progresso.numInputRows, duracao,
                round(fim * _US) + duracao * 1_000,
            )  # fmt: skip

    def onQueryTerminated(self, event: Any) -> None:
        """Nada a anotar."""

    def anotar(self, consulta: str, execucao: str, lote: int, linhas: int, duracao_ms: int, fim_us: int) -> None:
        """Guarda uma linha na memória; a camada é o começo do nome da consulta."""
        with self._trava:
            camada = consulta.split("_", maxsplit=1)[0]
            self._linhas.append((camada, consulta, execucao, lote, linhas, duracao_ms, fim_us))

    def descarregar(self, spark: SparkSession, *, agora: bool = False) -> int:
        """Grava o que juntou, se passou o intervalo (ou `agora`); devolve quantas linhas."""
        if not agora and self._relogio() - self._ultima < INTERVALO_SEGUNDOS:
            return 0
        with self._trava:
            linhas, self._linhas = self._linhas, []
            self._ultima = self._relogio()
            self._versao += 1
        if linhas:
            df = spark.createDataFrame(linhas, CONTROLE_LOTES.esquema).coalesce(1)
            anexar(df, CONTROLE_LOTES, self._cfg, self._aplicacao, self._versao)
        return len(linhas)
