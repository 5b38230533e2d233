"""A retomada: mata a decisão sem aviso e conta até a primeira decisão nova."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Final

import psutil

from comandos.desempenho.carga import Conta
from comandos.desempenho.pasta import PRAZO_PARADA_S
from comandos.desempenho.ponto import SEGUNDO_US, medir
from comandos.fluxos import conversa
from comandos.subir import subir_fluxos
from plataforma.configuracao import Configuracao
from plataforma.servicos import processo

CARGA_DA_RETOMADA: Final = 1_000


def retomar(cfg: Configuracao, conta: Conta, mostrar: Callable[[str], None]) -> float:
    """Mata a decisão e a sua JVM sem aviso e a sobe; segundos da morte à primeira decisão nova legível."""
    anotado = processo.carregar(conversa.DECISAO, cfg)
    inicio_us = time.time_ns() // 1_000
    mortos = anotado.membros() if anotado else []
    for membro in mortos:
        with contextlib.suppress(psutil.NoSuchProcess):  # morto o pai, um processo Python pode sair antes
            membro.kill()
    # Quem larga muita memória demora a sair e, até lá, ainda parece de pé.
    psutil.wait_procs(mortos, timeout=PRAZO_PARADA_S)
    subir_fluxos(cfg, mostrar, papeis=(conversa.DECISAO,))
    medicao = medir(cfg, conta, float(conta.eventos), 0.0, (conversa.DECISAO,), cfg.topico_decisoes)
    return (int(medicao.leitura.legivel_ms.min()) * 1_000 - inicio_us) / SEGUNDO_US
