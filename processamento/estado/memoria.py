"""O que os alocadores guardam depois de um pico: devolvê-lo ao sistema quando o pico não vai se repetir."""

from __future__ import annotations

import ctypes
import sys

import pyarrow as pa


def devolver() -> None:
    """Devolve ao sistema as páginas livres do Arrow e da biblioteca C; os dados em uso não mudam."""
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        aparar = getattr(ctypes.CDLL(None), "malloc_trim", None)  # só a glibc a tem
        if aparar is not None:
            aparar(0)
