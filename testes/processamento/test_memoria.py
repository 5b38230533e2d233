"""Devolver ao sistema o que o alocador guarda depois de um pico."""

from __future__ import annotations

import subprocess
import sys

from plataforma.configuracao import RAIZ_PROJETO

PICO = """
import ctypes, psutil
from processamento.estado.memoria import devolver
c = ctypes.CDLL(None)
c.malloc.restype, c.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
lugares = [c.malloc(60_000) for _ in range(5_000)]
for lugar in lugares:
    ctypes.memset(lugar, 1, 60_000)
for lugar in lugares[:-1]:  # o ultimo prende o fim da memoria: livre, mas nao devolvida
    c.free(lugar)
antes = psutil.Process().memory_info().rss
devolver()
print(antes - psutil.Process().memory_info().rss)
"""


def test_devolve_o_que_ficou_livre() -> None:
    saida = subprocess.run([sys.executable, "-c", PICO], capture_output=True, text=True, check=True, cwd=RAIZ_PROJETO)
    assert int(saida.stdout) > 250_000_000
