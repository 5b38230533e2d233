"""`./pix parar`: para os fluxos e os serviços, do último ao primeiro; os dados ficam."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from comandos.apresentacao import espera, passo
from comandos.fluxos.conversa import PAPEIS
from plataforma import jvm
from plataforma.configuracao import Configuracao
from plataforma.servicos import processo

ORDEM: Final = (*PAPEIS, "prometheus", "mlflow", "broker")
PRAZO_FLUXOS_SEGUNDOS: Final = 180.0
PRAZO_SERVICO_SEGUNDOS: Final = 20.0


def comando() -> None:
    """Para os fluxos e os serviços; os dados ficam e o próximo `subir` continua de onde parou."""
    with espera("Parando…") as mostrar:
        parados = parar_tudo(Configuracao.do_ambiente(), mostrar)
    passo(f"Parados: {', '.join(parados)}." if parados else "Nada estava de pé.")


def parar_tudo(cfg: Configuracao, mostrar: Callable[[str], None]) -> list[str]:
    """Para tudo o que é nosso, fluxos primeiro; devolve os nomes do que estava de pé."""
    parados = []
    for nome in ORDEM:
        if processo.carregar(nome, cfg) is None:
            continue
        mostrar(f"Parando {nome}…")
        prazo = PRAZO_FLUXOS_SEGUNDOS if nome in PAPEIS else PRAZO_SERVICO_SEGUNDOS
        if processo.parar(nome, cfg, prazo):
            parados.append(nome)
    jvm.guardar("broker")
    return parados
