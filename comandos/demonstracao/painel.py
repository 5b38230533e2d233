"""O quadro ao vivo: vazão, atraso, latência, ações e fraudes, renovado enquanto o tráfego corre."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Final

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from comandos.apresentacao import console, dinheiro, numero, passo, tabela
from comandos.medida import JANELA_AO_VIVO, Medidas
from ingestao.remessa import Remessa

RENOVAR_S: Final = 0.5
LINHA_SEM_TERMINAL_S: Final = 10.0


def ao_vivo(remessa: Remessa, medidas: Medidas, segundos: float, fraudes: Mapping[str, int]) -> None:
    """Mostra o andamento até a remessa terminar; fora de um terminal, uma linha de tempos em tempos."""
    inicio = time.monotonic()
    if console.is_terminal:
        with Live(console=console, transient=True, auto_refresh=False) as vivo:
            while not remessa.terminou():
                corrido = time.monotonic() - inicio
                barra = ProgressBar(total=segundos, completed=min(corrido, segundos))
                vivo.update(Group(barra, quadro(remessa, medidas, corrido, fraudes)), refresh=True)
                threading.Event().wait(RENOVAR_S)
        return
    proxima = LINHA_SEM_TERMINAL_S
    while not remessa.terminou():
        corrido = time.monotonic() - inicio
        if corrido >= proxima:
            proxima += LINHA_SEM_TERMINAL_S
            passo(resumo(remessa, medidas, corrido))
        threading.Event().wait(RENOVAR_S)


def quadro(remessa: Remessa, medidas: Medidas, corrido: float, fraudes: Mapping[str, int]) -> Table:
    """A tabela do instante."""
    latencia = medidas.latencia(JANELA_AO_VIVO)
    barrado = sum(fraudes[i] for i in list(medidas.fraudes_barradas))
    perdidas = len(medidas.fraudes_vistas) - len(medidas.fraudes_barradas)
    espera = max(remessa.enviados - len(medidas.vistas), 0)
    recente = f"p50 {numero(latencia['p50'])} ms · p99 {numero(latencia['p99'])} ms" if latencia else "…"
    linhas = [
        ("enviados", f"{numero(remessa.enviados)} ({numero(remessa.enviados / max(corrido, 1e-9))}/s)"),
        ("decididos", f"{numero(medidas.decididas)} (à espera: {numero(espera)})"),
        ("latência recente", recente),
        ("ações", " · ".join(f"{acao} {numero(n)}" for acao, n in sorted(medidas.acoes.items()))),
        ("fraudes", f"{numero(len(medidas.fraudes_barradas))} barradas · {numero(perdidas)} perdidas"),
        ("barrado", dinheiro(barrado)),
    ]
    return tabela("Ao vivo", ("", ""), linhas)


def resumo(remessa: Remessa, medidas: Medidas, corrido: float) -> str:
    """Uma linha, para quem lê um registro."""
    latencia = medidas.latencia(JANELA_AO_VIVO)
    tempos = f"p50 {numero(latencia['p50'])} ms, p99 {numero(latencia['p99'])} ms" if latencia else "sem decisões ainda"
    andamento = f"{numero(remessa.enviados)} enviados, {numero(medidas.decididas)} decididos"
    return (f"{numero(corrido)} s: {andamento}, {tempos}, "
            f"{numero(len(medidas.fraudes_barradas))} fraudes barradas")
