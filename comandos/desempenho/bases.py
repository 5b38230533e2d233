"""As bases de comparação: consultas Spark nuas, cada uma em um processo seu, com a mesma sessão e o mesmo tópico.

`python -m comandos.desempenho.bases NOME` lê do fim de `pix.eventos` até receber SIGTERM; então escreve o resumo dos
seus micro-lotes. É o piso do que o Spark custa nesta máquina: o que passa disso é nosso.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from pyspark.sql import functions as F
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle, TimerValues

from comandos.fluxos import conversa
from ingestao.esquema import CABECALHO_ENVIADO_EM
from plataforma.configuracao import Configuracao
from plataforma.sessao import encerrar_sessao, obter_sessao

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming import DataStreamWriter

NOME: Final = "base"
"""Nome do serviço: um de cada vez."""
COPIA_KAFKA: Final = "copia_kafka"
COPIA_DELTA: Final = "copia_delta"
POR_CONTA: Final = "por_conta"
BATIDA_S: Final = 0.1
JANELA_US: Final = 24 * 3_600 * 1_000_000
_RESUMO: Final = "base.resumo.json"


def topico_copia(cfg: Configuracao) -> str:
    """Para onde as bases escrevem."""
    return f"{cfg.topico_decisoes}.copia"


def pasta_tabela(cfg: Configuracao) -> Path:
    """A tabela da cópia Delta."""
    return cfg.caminho("tabelas", NOME)


def pasta_checkpoint(cfg: Configuracao) -> Path:
    """O checkpoint da base que corre."""
    return cfg.caminho("checkpoints", NOME)


def resumo(cfg: Configuracao) -> dict[str, Any]:
    """O que a última base escreveu ao parar: `lotes`, `linhas` e média de cada fase em ms."""
    return dict(json.loads(cfg.caminho("servicos", _RESUMO).read_text()))


def _fonte(spark: SparkSession, cfg: Configuracao) -> DataFrame:
    return (
        spark.readStream.format("kafka").option("kafka.bootstrap.servers", cfg.kafka_servidores)
        .option("subscribe", cfg.topico_eventos).option("includeHeaders", "true").option("startingOffsets", "latest")
        .option("maxOffsetsPerTrigger", str(cfg.max_eventos_lote)).option("kafka.fetch.max.wait.ms", "10").load()
    )


def _para_kafka(registros: DataFrame, cfg: Configuracao) -> DataStreamWriter:
    return (
        registros.writeStream.format("kafka").option("kafka.bootstrap.servers", cfg.kafka_servidores)
        .option("topic", topico_copia(cfg)).option("includeHeaders", "true").option("kafka.acks", "all")
        .option("kafka.linger.ms", "0").option("kafka.compression.type", "lz4")
    )


def _copia_kafka(spark: SparkSession, cfg: Configuracao) -> DataStreamWriter:
    return _para_kafka(_fonte(spark, cfg).select("key", "value", "headers"), cfg)


def _copia_delta(spark: SparkSession, cfg: Configuracao) -> DataStreamWriter:
    return _fonte(spark, cfg).writeStream.format("delta").option("path", str(pasta_tabela(cfg)))


def _por_conta(spark: SparkSession, cfg: Configuracao) -> DataStreamWriter:
    """Uma pequena parte dos mesmos atributos, como quase todo mundo a escreveria: uma chave por conta."""
    campos = "id_fim_a_fim STRING, instante STRING, valor STRING, pagador STRUCT<conta: STRING>"
    evento = F.from_json(F.col("value").cast("string"), campos)
    pix = _fonte(spark, cfg).select("headers", evento.alias("e")).select(
        F.col("e.pagador.conta").alias("conta"), F.col("e.id_fim_a_fim").alias("id"),
        F.unix_micros(F.to_timestamp("e.instante")).alias("instante_us"),
        (F.col("e.valor").cast("decimal(12,2)") * 100).cast("long").alias("centavos"),
        F.element_at(F.filter("headers", lambda c: c.key == CABECALHO_ENVIADO_EM), 1).value.alias("enviado_em"),
    )
    saida = "id STRING, enviado_em BINARY, quantos LONG, soma LONG, maior LONG, segundos_desde DOUBLE"
    medidos = pix.groupBy("conta").transformWithStateInPandas(PorConta(), saida, "Append", "None")
    cabecalho = F.struct(F.lit(CABECALHO_ENVIADO_EM).alias("key"), F.col("enviado_em").alias("value"))
    return _para_kafka(
        medidos.select(F.col("id").cast("binary").alias("key"), F.to_json(F.struct("*")).cast("binary").alias("value"),
                       F.array(cabecalho).alias("headers")), cfg)


BASES: Final[dict[str, Callable[[SparkSession, Configuracao], DataStreamWriter]]] = {
    COPIA_KAFKA: _copia_kafka, COPIA_DELTA: _copia_delta, POR_CONTA: _por_conta,
}


class PorConta(StatefulProcessor):  # type: ignore[misc]
    """Quantos Pix, quanto e o maior nas últimas 24 h do pagador, e há quanto tempo foi o anterior."""

    def init(self, handle: StatefulProcessorHandle) -> None:
        """Uma lista por conta: instante e valor dos Pix das últimas 24 h."""
        self._vistos = handle.getListState("vistos", "instante_us LONG, centavos LONG")

    def handleInputRows(
        self, key: Any, rows: Iterator[pd.DataFrame], timerValues: TimerValues
    ) -> Iterator[pd.DataFrame]:
        """Uma linha por Pix da conta no micro-lote."""
        vistos = list(self._vistos.get())
        for quadro in rows:
            saida = []
            colunas = (quadro[nome].tolist() for nome in ("id", "enviado_em", "instante_us", "centavos"))
            for identidade, enviado_em, instante_us, centavos in zip(*colunas, strict=True):
                recentes = [(t, v) for t, v in vistos if instante_us - JANELA_US <= t < instante_us]
                valores = [v for _, v in recentes]
                desde = (instante_us - max(t for t, _ in recentes)) / 1e6 if recentes else None
                saida.append((identidade, enviado_em, len(valores), sum(valores), max(valores, default=0), desde))
                vistos.append((instante_us, centavos))
            yield pd.DataFrame(saida, columns=["id", "enviado_em", "quantos", "soma", "maior", "segundos_desde"])
        ultimo = max(t for t, _ in vistos)
        self._vistos.put([(t, v) for t, v in vistos if t >= ultimo - JANELA_US])

    def close(self) -> None:
        """Nada a fechar."""


def correr(nome: str, cfg: Configuracao) -> None:
    """Inicia a base, diz que está pronta e espera o sinal de parar."""
    parar = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: parar.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    spark = obter_sessao(cfg, NOME)
    try:
        consulta = BASES[nome](spark, cfg).option(
            "checkpointLocation", str(pasta_checkpoint(cfg))).queryName(nome).start()
        consulta.processAllAvailable()
        conversa.publicar_estado(cfg, NOME, os.getpid(), conversa.PRONTO)
        while not parar.wait(BATIDA_S) and consulta.isActive:
            continue
        cfg.caminho("servicos", _RESUMO).write_text(json.dumps(_resumir(consulta.recentProgress)))
        consulta.stop()
    finally:
        encerrar_sessao(spark)


def _resumir(progressos: list[Any]) -> dict[str, Any]:
    com_linhas = [p for p in progressos if p.numInputRows]
    fases: dict[str, float] = {}
    for progresso in com_linhas:
        for fase, ms in progresso.durationMs.items():
            fases[fase] = fases.get(fase, 0.0) + ms / len(com_linhas)
    linhas = sum(p.numInputRows for p in com_linhas)
    return {"lotes": len(com_linhas), "linhas": linhas, "fases_ms": {n: round(v, 1) for n, v in fases.items()}}


if __name__ == "__main__":
    correr(sys.argv[1], Configuracao.do_ambiente())
