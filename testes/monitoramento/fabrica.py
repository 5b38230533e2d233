"""Progressos do Spark feitos à mão, na forma exata do JSON que ele emite, e um fluxo de verdade que os emite."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema

from machine_learning.observacao import (
    ACOES,
    DESTINOS,
    ENTREGUE,
    LIMITES_LATENCIA_MS,
    LIMITES_PONTUACAO_DECIMOS,
    NOME_OBSERVACAO,
    escrever,
    juntar,
    observacoes,
    resumir,
)

PARTICOES = 2


def observacao_decisao(
    latencias_ms: list[float], pontuacoes: list[float], acoes: list[str], barrado: int = 0, **mudancas: Any
) -> dict[str, str]:
    """A observação de um lote de decididos, contada por fora, como chega ao ouvinte."""
    n = len(acoes)
    linha: dict[str, Any] = {"linhas": n, **{f"destino_{d}": 0 for d in DESTINOS}, "destino_decidido": n}
    linha |= {f"acao_{a}": acoes.count(a) for a in ACOES} | {"barrado_centavos": barrado}
    linha |= {f"latencia_ate_{x}_ms": sum(v <= x for v in latencias_ms) for x in LIMITES_LATENCIA_MS}
    linha |= {"latencia_linhas": len(latencias_ms), "latencia_soma_ms": float(sum(latencias_ms))}
    linha |= {f"pontuacao_ate_{x}_decimos": sum(v <= x / 10 for v in pontuacoes) for x in LIMITES_PONTUACAO_DECIMOS}
    linha |= {"pontuacao_linhas": len(pontuacoes), "pontuacao_soma": float(sum(pontuacoes))}
    linha |= {"sem_modelo": n - len(pontuacoes), "regras_menor": "r1", "regras_maior": "r1"}
    modelo = "3" if pontuacoes else None
    return {"particao_1": escrever({**linha, "modelo_menor": modelo, "modelo_maior": modelo, **mudancas})}


def saida_da_decisao(spark: Any, por_lote: int, decididos: int, com_modelo: int) -> Any:
    """Um fluxo com a forma da saída da decisão: de cada cem Pix, `decididos` e, desses, `com_modelo` pontuados.

    O i-ésimo de cada cem leva 20·i ms, tem probabilidade i/100 e a ação i mod 5; todos são de R$ 15,00.
    """
    fonte = (
        spark.readStream.format("rate-micro-batch").option("rowsPerBatch", por_lote).option("numPartitions", PARTICOES)
    )
    saida = fonte.load().select(F.col("value")).mapInArrow(partial(_resumir, decididos, com_modelo), ENTREGUE)
    return saida.observe(NOME_OBSERVACAO, *observacoes(PARTICOES))


def _resumir(decididos: int, com_modelo: int, lotes: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    resumos = []
    for lote in lotes:
        i = lote.column("value").to_numpy() % 100
        deste = i[i < decididos]
        resumos.append(resumir(
            (deste % 5).astype(np.int8), deste * 20.0, np.where(deste < com_modelo, deste / 100, np.nan),
            np.full(deste.size, 1_500), "7", "r2", int((i >= decididos).sum()),
        ))
    if resumos:
        colunas = [pa.array([TaskContext.get().partitionId()], pa.int32()), pa.array([escrever(juntar(resumos))])]
        yield pa.RecordBatch.from_arrays(colunas, schema=to_arrow_schema(ENTREGUE))


def progresso(nome: str | None = "decisao", **mudancas: Any) -> dict[str, Any]:
    """Um progresso de uma consulta Kafka→Kafka com estado."""
    padrao: dict[str, Any] = {
        "id": "d55f5d9a-8411-46b8-8b78-fe81b8b0ced2", "runId": "b24b788d-c6e5-46f9-b701-8d049f99c78b",
        "name": nome, "timestamp": "2026-11-21T13:40:50.580Z", "batchId": 16, "batchDuration": 348,
        "numInputRows": 5,
        "durationMs": {"addBatch": 250, "commitOffsets": 17, "getBatch": 0, "latestOffset": 4, "queryPlanning": 40,
                       "triggerExecution": 348, "walCommit": 21},
        "stateOperators": [{"numRowsTotal": 40, "memoryUsedBytes": 4096, "numRowsDroppedByWatermark": 2}],
        "sources": [
            {"description": "KafkaV2[Subscribe[pix.eventos]]", "metrics": _atraso("1", "10.5", "20")},
            {"description": "KafkaV2[Subscribe[pix.rotulos]]", "metrics": _atraso("0", "0.0", "0")},
        ],
        "sink": {"description": "KafkaTable", "numOutputRows": -1},
        "observedMetrics": {},
    }
    return {**padrao, **mudancas}


def _atraso(minimo: str, medio: str, maximo: str) -> dict[str, str]:
    return {"minOffsetsBehindLatest": minimo, "avgOffsetsBehindLatest": medio, "maxOffsetsBehindLatest": maximo}
