"""Onde o relógio simulado parou: a próxima simulação da mesma população continua dali, sem repetir nenhum id."""

from __future__ import annotations

import json
from pathlib import Path

from ingestao.simulador.parametros import Parametros
from plataforma.configuracao import Configuracao


def proximo_us(cfg: Configuracao, parametros: Parametros, semente: int) -> int:
    """O instante simulado em que continuar, µs UTC; sem marca, o fim do histórico desses parâmetros."""
    try:
        marca = json.loads(_arquivo(cfg, parametros, semente).read_text())
        return max(int(marca["proximo_us"]), parametros.fim_us)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return parametros.fim_us


def gravar(cfg: Configuracao, parametros: Parametros, semente: int, proximo: int) -> None:
    """Anota até onde esta população já andou (nunca para trás), µs UTC."""
    arquivo = _arquivo(cfg, parametros, semente)
    arquivo.parent.mkdir(parents=True, exist_ok=True)
    proximo = max(proximo, proximo_us(cfg, parametros, semente))
    provisorio = arquivo.with_suffix(".novo")
    provisorio.write_text(json.dumps({"proximo_us": proximo}))
    provisorio.replace(arquivo)


def _arquivo(cfg: Configuracao, parametros: Parametros, semente: int) -> Path:
    return cfg.caminho("simulador", f"semente-{semente}-contas-{parametros.contas}.json")
