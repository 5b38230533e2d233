"""Uma tabela de deriva pequena, gravada como a de verdade."""

from __future__ import annotations

import pyarrow as pa

from machine_learning.deriva import HORA_US
from machine_learning.deriva_lago import gravar
from machine_learning.duelo import Periodo
from plataforma.configuracao import Configuracao

DIA_US = 24 * HORA_US
COMECO_US = 20_000 * DIA_US


def escrever(cfg: Configuracao, *linhas: tuple[int, str, float | None]) -> None:
    """(horas desde o começo, variável, PSI)."""
    registros = [
        {"inicio": COMECO_US + h * HORA_US, "modelo_versao": "1", "variavel": v, "psi": psi, "linhas": 900,
         "nulos": 0.0, "data": 20_000 + h // 24} for h, v, psi in linhas
    ]
    tipos = {"inicio": pa.timestamp("us", "UTC"), "modelo_versao": pa.string(), "variavel": pa.string(),
             "psi": pa.float64(), "linhas": pa.int64(), "nulos": pa.float64(), "data": pa.date32()}
    gravar(cfg, pa.Table.from_pylist(registros, schema=pa.schema(tipos)),
           Periodo(COMECO_US, COMECO_US + 10 * DIA_US, 0, 7))
