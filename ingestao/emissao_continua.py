"""Tráfego simulado sem fim combinado: um bloco é gerado enquanto o anterior é enviado, em taxa constante."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from ingestao.avarias import Razao, com_avarias
from ingestao.emissao import intercalar, marcados
from ingestao.produtor import Registro
from ingestao.serializacao import serializar, serializar_rotulos
from ingestao.simulador.geracao import Bloco, fluxo
from ingestao.simulador.parametros import Parametros
from ingestao.trafego import ENVIO, ROTULOS
from plataforma.configuracao import Configuracao

_SEGUNDOS_POR_BLOCO: Final = 6.0
_BLOCO_MINIMO: Final = 2_000
BLOCO_MAXIMO: Final = 60_000


@dataclass
class EmissaoContinua:
    """Até `eventos` eventos a `taxa` por segundo, a partir de `de_us`; `razao` e `ate_us` dizem onde se está.

    `por_bloco`: eventos gerados de cada vez; 0 = uns segundos de envio.
    """

    parametros: Parametros
    semente: int
    de_us: int
    taxa: float
    eventos: int
    com_rotulos: bool = True
    por_bloco: int = 0
    razao: Razao = field(default_factory=Razao)
    _antes: int = 0
    _ultimo_us: int = 0
    _instantes: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def ate_us(self) -> int:
        """Logo depois do instante simulado do último evento emitido (µs UTC): de onde uma próxima continua."""
        emitidos = min(self.razao.eventos - self._antes, len(self._instantes))
        return int(self._instantes[emitidos - 1]) + 1 if emitidos > 0 else self._ultimo_us or self.de_us

    def registros(self, cfg: Configuracao) -> Iterator[Registro]:
        """Os registros por horário. O primeiro bloco é gerado antes de devolver: o relógio do envio não o espera."""
        blocos = fluxo(self.parametros, self.semente, self.de_us, self._por_bloco())
        primeiro = next(blocos)
        p = self.parametros
        marcado = self._marcar(cfg, primeiro, blocos)
        return com_avarias(
            marcado, self.semente, p.taxa_duplicados, p.taxa_malformados, self.razao, topico=cfg.topico_eventos
        )

    def _por_bloco(self) -> int:
        return self.por_bloco or int(np.clip(self.taxa * _SEGUNDOS_POR_BLOCO, _BLOCO_MINIMO, BLOCO_MAXIMO))

    def _marcar(self, cfg: Configuracao, bloco: Bloco, seguintes: Iterator[Bloco]) -> Iterator[Registro]:
        feitos, pendentes = 0, pl.DataFrame(schema=ROTULOS)
        with ThreadPoolExecutor(1, thread_name_prefix="simulador") as gerador:
            while feitos < self.eventos:
                proximo = gerador.submit(next, seguintes)
                eventos = bloco.eventos.head(self.eventos - feitos)
                horas = (feitos + np.arange(eventos.height)) / self.taxa
                eventos = eventos.with_columns(pl.Series(ENVIO, horas))
                conhecidos = pl.concat([pendentes, bloco.rotulos]).sort("conhecido_em_us", maintain_order=True)
                ate = int(eventos["instante_us"][-1])
                agora, pendentes = _partir(conhecidos, ate)
                self._antes, self._instantes = feitos, eventos["instante_us"].to_numpy()
                yield from self._do_bloco(cfg, eventos, agora if self.com_rotulos else agora.clear(), horas)
                feitos, self._ultimo_us = feitos + eventos.height, ate + 1
                bloco = proximo.result()

    def _do_bloco(
        self, cfg: Configuracao, eventos: pl.DataFrame, rotulos: pl.DataFrame, horas: npt.NDArray[np.float64]
    ) -> Iterator[Registro]:
        onde = np.searchsorted(eventos["instante_us"].to_numpy(), rotulos["conhecido_em_us"].to_numpy(), side="right")
        rotulos = rotulos.with_columns(pl.Series(ENVIO, horas[np.maximum(onde - 1, 0)], dtype=pl.Float64))
        return intercalar(
            marcados(eventos, serializar(eventos), cfg.topico_eventos),
            marcados(rotulos, serializar_rotulos(rotulos), cfg.topico_rotulos),
        )


def _partir(rotulos: pl.DataFrame, ate_us: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    conhecidos = rotulos["conhecido_em_us"] <= ate_us
    return rotulos.filter(conhecidos), rotulos.filter(~conhecidos)
