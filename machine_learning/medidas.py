"""Medidas como dados: nomes planos para o MLflow e JSON sem NaN."""

from __future__ import annotations

from typing import Any

import numpy as np


def achatar(medidas: dict[str, Any], prefixo: str = "") -> dict[str, float]:
    """Medidas aninhadas como nome → número, com `_` entre níveis; o que não é número fica fora."""
    saida: dict[str, float] = {}
    for nome, valor in medidas.items():
        chave = f"{prefixo}{nome}"
        if isinstance(valor, dict):
            saida |= achatar(valor, f"{chave}_")
        elif isinstance(valor, int | float) and not isinstance(valor, bool):
            saida[chave] = float(valor)
    return saida


def limpo(objeto: Any) -> Any:
    """O mesmo objeto com NaN e infinitos como None: JSON não os tem."""
    if isinstance(objeto, dict):
        return {str(k): limpo(v) for k, v in objeto.items()}
    if isinstance(objeto, list | tuple):
        return [limpo(v) for v in objeto]
    if isinstance(objeto, float | np.floating):
        return float(objeto) if np.isfinite(objeto) else None
    return int(objeto) if isinstance(objeto, np.integer) else objeto
