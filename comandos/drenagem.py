"""Pede aos fluxos que processem tudo o que chegou e concilia: primeiro quem decide, depois o lago."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from comandos.fluxos import conversa
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroServico
from plataforma.servicos import processo


def drenar(cfg: Configuracao, prazo_segundos: float, *, encerrar: bool = False) -> dict[str, Any]:
    """A conciliação, depois de drenar. `encerrar`: nada continua; quem decide para enquanto o lago ainda drena.

    Levanta:
        ErroServico: um dos processos não está de pé, morre ou não responde no prazo.
    """
    _pedir(cfg, conversa.DECISAO, prazo_segundos, encerrar=encerrar)
    with ThreadPoolExecutor(1) as grupo:
        parada = grupo.submit(processo.parar, conversa.DECISAO, cfg, prazo_segundos) if encerrar else None
        conteudo = _pedir(cfg, conversa.LAGO, prazo_segundos, encerrar=encerrar)
    if parada is not None:
        parada.result()
    conciliacao: dict[str, Any] = conteudo["conciliacao"]
    return conciliacao


def _pedir(cfg: Configuracao, papel: str, prazo_segundos: float, *, encerrar: bool) -> dict[str, Any]:
    driver = processo.carregar(papel, cfg)
    if driver is None:
        msg = f"o processo {papel} não está de pé: veja ./pix estado"
        raise ErroServico(msg)
    identidade = uuid.uuid4().hex
    conversa.pedir_drenagem(cfg, papel, identidade, encerrar=encerrar)
    driver.esperar(lambda: conversa.resposta(cfg, papel, identidade) is not None, prazo_segundos, "drenar e conciliar")
    return conversa.resposta(cfg, papel, identidade) or {}
