"""Registros do Kafka, um a um, e as colunas que `toques.abrir` recebe."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from processamento.estado.envelope import desempacotar
from processamento.estado.estreito import alargar
from processamento.estado.toques import Registros


class Registro(NamedTuple):
    """Um registro do Kafka; instantes em µs UTC; `enviado_us` nulo = sem cabeçalho."""

    topico: str
    particao: int
    deslocamento: int
    kafka_us: int
    enviado_us: int | None
    origem: str
    valor: bytes | None


def em_colunas(registros: Iterable[Registro]) -> Registros:
    """De linhas a colunas."""
    colunas: Any = list(zip(*registros, strict=True)) or [()] * len(Registros._fields)
    topico, particao, deslocamento, kafka_us, enviado_us, origem, valor = colunas
    return Registros(
        pa.array(topico, pa.string()), *(np.asarray(c, np.int64) for c in (particao, deslocamento, kafka_us)),
        pa.array(enviado_us, pa.int64()), pa.array(origem, pa.string()), pa.array(valor, pa.binary()),
    )


def medidas_abertas(envelope: bytes) -> dict[str, dict[str, Any]]:
    """Por papel, o que o balde mediu: posição, `novo` e `primitivas` int64 (n, as do papel)."""
    abertas = {}
    for papel, partes in (desempacotar(envelope) if envelope else {}).items():
        estreitas, n = partes["primitivas"], partes["novo"].size
        colunas = sum(valor.size for nome, valor in estreitas.items() if nome.startswith("c"))
        primitivas = np.zeros((n, colunas), np.int64)
        alargar(estreitas, np.arange(n), primitivas)
        abertas[papel] = {**partes, "primitivas": primitivas}
    return abertas
