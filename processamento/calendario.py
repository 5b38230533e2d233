"""O calendário de Brasília, em colunas: UTC-3 fixo (o horário de verão acabou em 2019, Decreto 9.772)."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

Reais = NDArray[np.float64]
DESLOCAMENTO_US: Final = -3 * 3_600_000_000
INICIO_NOTURNO: Final = 20
FIM_NOTURNO: Final = 6
"""Período noturno padrão: 20h às 6h (Res. BCB 142/2021)."""


class Calendario:
    """Colunas float64 de forma (n,) sobre instantes int64 em µs UTC."""

    def __init__(self, instante_us: NDArray[np.int64]) -> None:
        self._local = (instante_us + DESLOCAMENTO_US).astype("datetime64[us]")
        self._dia = self._local.astype("datetime64[D]")

    @cached_property
    def hora(self) -> Reais:
        """Hora do dia com fração, 0 a 24."""
        return np.asarray((self._local - self._dia).astype(np.int64) / 3.6e9, dtype=np.float64)

    @cached_property
    def dia_da_semana(self) -> Reais:
        """0 = segunda-feira. 1970-01-01 foi quinta (3)."""
        return np.asarray((self._dia.astype(np.int64) + 3) % 7, dtype=np.float64)

    @cached_property
    def dia_do_mes(self) -> Reais:
        """1 a 31."""
        return np.asarray((self._dia - self._dia.astype("datetime64[M]")).astype(np.int64) + 1, dtype=np.float64)

    @cached_property
    def dia_util_do_mes(self) -> Reais:
        """Quantos dias de segunda a sexta o mês já teve, contando o atual; feriados não são descontados."""
        inicio = self._dia.astype("datetime64[M]").astype("datetime64[D]")
        return np.asarray(np.busday_count(inicio, self._dia + np.timedelta64(1, "D")), dtype=np.float64)

    @cached_property
    def noturno(self) -> Reais:
        """1 entre 20h e 6h, senão 0."""
        return np.asarray((self.hora >= INICIO_NOTURNO) | (self.hora < FIM_NOTURNO), dtype=np.float64)
