"""CPU e memória dos processos medidos, amostradas enquanto um ponto corre."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import psutil

from plataforma.configuracao import Configuracao
from plataforma.servicos import processo

INTERVALO_S: Final = 15.0
"""Somar a memória de todos os processos custa perto de 0,1 s de CPU: a cada 5 s, era 1,4 % da máquina medida."""
MIB: Final = 1 << 20


@dataclass(frozen=True)
class Gasto:
    """CPU em segundos (usuário e sistema, com os filhos que já saíram) e maior memória proporcional (PSS), em MiB."""

    cpu_s: float
    memoria_mib: float


class Recursos:
    """Amostra cada serviço enquanto o bloco corre. Uso: `with Recursos(cfg, nomes) as r: ...; r.gastos()`."""

    def __init__(self, cfg: Configuracao, nomes: Sequence[str]) -> None:
        achados = {nome: processo.carregar(nome, cfg) for nome in nomes}
        self._processos = {nome: achado for nome, achado in achados.items() if achado is not None}
        self._memoria = dict.fromkeys(self._processos, 0.0)
        self._parar = threading.Event()
        self._linha = threading.Thread(target=self._amostrar, name="recursos", daemon=True)

    def __enter__(self) -> Recursos:
        """Anota a CPU do começo e passa a amostrar a memória."""
        self._inicio = {nome: _cpu(p.membros()) for nome, p in self._processos.items()}
        self._linha.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Para de amostrar e anota a CPU do fim."""
        self._parar.set()
        self._linha.join()
        self._fim = {nome: _cpu(p.membros()) for nome, p in self._processos.items()}

    def gastos(self) -> dict[str, Gasto]:
        """Por serviço; só depois do bloco."""
        return {nome: Gasto(round(self._fim[nome] - self._inicio[nome], 2), round(self._memoria[nome], 1))
                for nome in self._processos}

    def _amostrar(self) -> None:
        while not self._parar.wait(INTERVALO_S):
            for nome, anotado in self._processos.items():
                self._memoria[nome] = max(self._memoria[nome], sum(map(_memoria_mib, anotado.membros())))


def _cpu(membros: Sequence[psutil.Process]) -> float:
    total = 0.0
    for membro in membros:
        try:
            tempos = membro.cpu_times()
        except psutil.NoSuchProcess:  # saiu entre a lista e a leitura: o pai já conta o que ele gastou
            continue
        total += tempos.user + tempos.system + tempos.children_user + tempos.children_system
    return total


def _memoria_mib(membro: psutil.Process) -> float:
    """PSS: a parte dividida com outros processos conta uma vez só."""
    try:
        return float(membro.memory_full_info().pss) / MIB
    except (psutil.NoSuchProcess, psutil.AccessDenied):  # saiu ou está saindo: não ocupa mais nada
        return 0.0
