"""`./pix parar`: para os fluxos e os serviços, do último ao primeiro; os dados ficam."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from comandos.apresentacao import espera, passo
from comandos.fluxos.conversa import PAPEIS
from plataforma import jvm
from plataforma.configuracao import Configuracao
from plataforma.servicos import processo

TURNOS: Final = ((PAPEIS, 180.0), (("prometheus", "mlflow", "broker"), 20.0))
"""Quem para ao mesmo tempo, e o prazo em segundos: os fluxos primeiro, enquanto o broker ainda responde."""


def comando() -> None:
    """Para os fluxos e os serviços; os dados ficam e o próximo `subir` continua de onde parou."""
    with espera("Parando…") as mostrar:
        parados = parar_tudo(Configuracao.do_ambiente(), mostrar)
    passo(f"Parados: {', '.join(parados)}." if parados else "Nada estava de pé.")


def parar_tudo(cfg: Configuracao, mostrar: Callable[[str], None]) -> list[str]:
    """Para tudo o que é nosso, em turnos; devolve os nomes do que estava de pé."""
    parados = []
    for turno, prazo in TURNOS:
        nomes = [nome for nome in turno if processo.carregar(nome, cfg) is not None]
        if not nomes:
            continue
        mostrar(f"Parando {', '.join(nomes)}…")
        with ThreadPoolExecutor(len(nomes)) as grupo:
            havia = grupo.map(lambda nome, prazo=prazo: processo.parar(nome, cfg, prazo), nomes)
            parados += [nome for nome, vivo in zip(nomes, havia, strict=True) if vivo]
    jvm.guardar("broker")
    return parados
