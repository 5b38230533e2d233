"""Mostrar um resultado: a tabela do notebook no Databricks, texto fora dele."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LINHAS: int = 20


def exibir(df: DataFrame, linhas: int = LINHAS) -> None:
    """As primeiras linhas; `display` onde o ambiente o oferece, senão `show`."""
    mostrar: Any = getattr(builtins, "display", None) or globals().get("display")
    if mostrar is None:
        df.show(linhas, truncate=False)
    else:
        mostrar(df.limit(linhas))
