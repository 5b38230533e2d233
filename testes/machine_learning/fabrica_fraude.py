"""Um histórico pequeno de seis colunas com laranjas: recebedores comuns que por uns dias recebem golpes."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from machine_learning.conjunto import DIA_US, NUNCA, Conjunto
from processamento.atributos import NOMES

COMECO = datetime(2026, 1, 1)  # noqa: DTZ001 — o arquivo de seis colunas traz UTC sem fuso
DIAS = 35


def historico(
    semente: int = 0, eventos: int = 12_000, dispositivo: bool = False
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Eventos em ordem de instante e rótulos (só das fraudes e de alguns legítimos)."""
    g = np.random.default_rng(semente)
    instante = np.sort(g.integers(0, DIAS * DIA_US // 1000, eventos)) * 1000
    pagador, recebedor = g.integers(0, 300, eventos), g.integers(0, 120, eventos)
    valor = np.round(np.exp(g.normal(4, 0.8, eventos)), 2)
    fraude = g.random(eventos) < 0.02
    laranja = (instante // (5 * DIA_US) * 7) % 110 + g.integers(0, 4, eventos)  # contas comuns, por uns dias
    recebedor = np.where(fraude & (g.random(eventos) < 0.7), laranja, recebedor)
    valor = np.where(fraude, np.round(valor * g.uniform(0.8, 4, eventos), 2), valor)
    ids = [f"e{i:06d}" for i in range(eventos)]
    base = pl.DataFrame({
        "event_id": ids, "ts": [COMECO + timedelta(microseconds=int(t)) for t in instante],
        "payer_id": [f"p{i}" for i in pagador], "payee_id": [f"r{i}" for i in recebedor], "amount": valor,
    })
    if dispositivo:
        base = base.with_columns(pl.Series("device_id", [f"d{i // 2}" for i in pagador]))
    rotulos = pl.DataFrame({
        "event_id": ids, "is_fraud": fraude.astype(np.int64), "scenario": np.where(fraude, recebedor % 2 + 1, 0),
    })
    return base, rotulos


def gravar(pasta: Path, base: pl.DataFrame, rotulos: pl.DataFrame, **corte: object) -> tuple[Path, Path, Path]:
    """Grava os três arquivos que `./pix avaliar` lê; `corte` troca campos do split.json."""
    pasta.mkdir(parents=True, exist_ok=True)
    campos: dict[str, object] = {
        "train": ["2026-01-15", "2026-01-22"], "test": ["2026-01-26", "2026-01-30"], "label_delay_days": 4, "cp_k": 20,
    }
    arquivos = pasta / "eventos.parquet", pasta / "rotulos.parquet", pasta / "split.json"
    base.write_parquet(arquivos[0])
    rotulos.write_parquet(arquivos[1])
    arquivos[2].write_text(json.dumps({**campos, **corte}))
    return arquivos


def conjunto(linhas: int = 4_000, semente: int = 0, dias: int = 20) -> Conjunto:
    """Linhas sintéticas no espaço dos atributos: três colunas falam, uma é quase toda nula, o resto é constante."""
    g = np.random.default_rng(semente)
    x = np.full((linhas, len(NOMES)), np.nan, np.float32)
    x[:, 0] = 1.0
    for j in (1, 2, 3, 4, 5):
        x[:, j] = g.normal(size=linhas)
    x[g.random(linhas) < 0.8, 5] = np.nan
    chance = 1 / (1 + np.exp(-(2 * x[:, 1] + 1.5 * x[:, 2] * x[:, 3] - 5)))
    fraude = g.random(linhas) < chance
    instante = np.sort(g.integers(0, dias * DIA_US, linhas))
    return Conjunto(
        x, instante, np.where(fraude, instante + 2 * DIA_US, NUNCA), g.integers(100, 500_000, linhas),
        g.integers(0, 200, linhas), g.integers(0, 200, linhas), np.arange(linhas),
        np.where(fraude, "GOLPE", "").astype(object),
    )
