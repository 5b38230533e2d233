"""O ouvinte das consultas de fluxo: cada progresso do Spark vira métrica, no driver e fora do caminho do dado.

O pipeline não o conhece: sem ele tudo roda igual. Ele não derruba consulta (o erro não sai daqui) nem o esconde
(contador `pix_ouvinte_erros_total` e registro).
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from machine_learning.observacao import ENSAIO
from monitoramento.metricas import ESTATISTICAS_ATRASO, SEM_NOME, Metricas
from monitoramento.observado import aplicar
from plataforma.escuta import EscutaEmJson

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming.listener import (
        QueryIdleEvent,
        QueryStartedEvent,
        QueryTerminatedEvent,
    )

Progresso = Mapping[str, Any]
"""Um progresso como o Spark o escreve em JSON; fonte: org.apache.spark.sql.streaming.StreamingQueryProgress."""

CAMPO_ATRASO: Final = "{}OffsetsBehindLatest"
_registro = logging.getLogger(__name__)


class Ouvinte(EscutaEmJson):
    """Traduz inícios, progressos, esperas e fins em métricas. `relogio` dá segundos desde 1970."""

    def __init__(self, metricas: Metricas, nome_modelo: str, relogio: Callable[[], float] = time.time) -> None:
        self.metricas, self.nome_modelo, self.relogio = metricas, nome_modelo, relogio
        self._nomes: dict[str, str] = {}
        self._ensaios: set[str] = set()

    def onQueryStarted(self, event: QueryStartedEvent) -> None:  # noqa: D102
        self._sem_derrubar(lambda: self.iniciou(str(event.runId), event.name))

    def onQueryIdle(self, event: QueryIdleEvent) -> None:  # noqa: D102
        self._sem_derrubar(lambda: self.esperou(str(event.runId)))

    def onQueryTerminated(self, event: QueryTerminatedEvent) -> None:  # noqa: D102
        self._sem_derrubar(lambda: self.terminou(str(event.runId), event.exception))

    def progrediu_em_json(self, texto: str) -> None:
        """Um progresso em JSON; o erro de o ler fica aqui, contado e registrado."""
        self._sem_derrubar(lambda: self.progrediu(json.loads(texto)))

    def iniciou(self, execucao: str, nome: str | None) -> None:
        """Uma consulta começou: guarda seu nome, que a espera e o fim não trazem, e a dá por viva."""
        if nome == ENSAIO:
            self._ensaios.add(execucao)
            return
        consulta = nome or SEM_NOME
        self._nomes[execucao] = consulta
        self.metricas.consultas_ativas.set(len(self._nomes))
        self.metricas.lote_falhas.labels(consulta)
        self.metricas.ultimo_sucesso.labels(consulta).set(self.relogio())

    def esperou(self, execucao: str) -> None:
        """Uma consulta viva e sem dados novos também está bem."""
        if execucao in self._ensaios:
            return
        self.metricas.ultimo_sucesso.labels(self._nomes.get(execucao, SEM_NOME)).set(self.relogio())

    def terminou(self, execucao: str, erro: str | None) -> None:
        """Uma consulta terminou. A pedido, some do último sucesso; com erro, conta a falha e ele fica, a envelhecer."""
        if execucao in self._ensaios:
            return
        consulta = self._nomes.pop(execucao, SEM_NOME)
        self.metricas.consultas_ativas.set(len(self._nomes))
        if erro is None:
            self.metricas.ultimo_sucesso.remove(consulta)
            return
        self.metricas.lote_falhas.labels(consulta).inc()
        _registro.error("a consulta %s terminou com erro: %s", consulta, (erro.splitlines() or ["?"])[0])

    def progrediu(self, progresso: Progresso) -> None:
        """Um lote concluído: fases, linhas, atraso, estado e as observações nomeadas."""
        consulta = progresso.get("name") or SEM_NOME
        if consulta == ENSAIO:
            return
        self.metricas.ultimo_sucesso.labels(consulta).set(self.relogio())
        for fase, milissegundos in progresso.get("durationMs", {}).items():
            self.metricas.lote_duracao.labels(consulta, fase).observe(milissegundos / 1000)
        self.metricas.lote_linhas.labels(consulta).observe(progresso.get("numInputRows", 0))
        self._atraso(consulta, progresso)
        self._estado(consulta, progresso)
        for nome, linha in (progresso.get("observedMetrics") or {}).items():
            self._sem_derrubar(partial(aplicar, nome, linha, self.metricas, self.nome_modelo))

    def _atraso(self, consulta: str, progresso: Progresso) -> None:
        fontes = [fonte["metrics"] for fonte in progresso.get("sources", []) if fonte.get("metrics")]
        for estatistica in ESTATISTICAS_ATRASO:
            campo = CAMPO_ATRASO.format(estatistica)
            atrasos = [float(fonte[campo]) for fonte in fontes if campo in fonte]
            if atrasos:
                self.metricas.atraso.labels(consulta, estatistica).set(max(atrasos))

    def _estado(self, consulta: str, progresso: Progresso) -> None:
        operadores = progresso.get("stateOperators", [])
        if not operadores:
            return
        soma = {campo: sum(operador.get(campo, 0) for operador in operadores)
                for campo in ("numRowsTotal", "memoryUsedBytes", "numRowsDroppedByWatermark")}
        self.metricas.estado_linhas.labels(consulta).set(soma["numRowsTotal"])
        self.metricas.estado_memoria.labels(consulta).set(soma["memoryUsedBytes"])
        self.metricas.descartadas.labels(consulta).inc(soma["numRowsDroppedByWatermark"])

    def _sem_derrubar(self, acao: Callable[[], None]) -> None:
        """A fronteira: o que falhar ao medir é contado e dito, e a consulta segue."""
        try:
            acao()
        except Exception:
            self.metricas.ouvinte_erros.inc()
            _registro.exception("o ouvinte não soube ler um evento")


def ouvir(spark: SparkSession, metricas: Metricas, nome_modelo: str) -> Ouvinte:
    """Registra um ouvinte na sessão e o devolve; `spark.streams.removeListener(ouvinte)` o retira."""
    ouvinte = Ouvinte(metricas, nome_modelo)
    spark.streams.addListener(ouvinte)
    return ouvinte
