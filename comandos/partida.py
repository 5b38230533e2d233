"""Do disco vazio a tudo de pé: serviços, fluxos e história ao mesmo tempo, depois o preparo e o primeiro modelo."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from comandos.fluxos import conversa
from comandos.preparo import Preparo, gravar_registros
from comandos.subir import subir_fluxos, subir_servicos
from ingestao.serializacao import serializar, serializar_rotulos
from ingestao.trafego import Trafego
from plataforma.configuracao import Configuracao

PRAZO_PREPARO_S: Final = 1_800.0


def partir(cfg: Configuracao, gerar: Callable[[], Trafego], mostrar: Callable[[str], None]) -> Trafego:
    """Sobe tudo, prepara a história de `gerar()` e devolve o tráfego quando a decisão já decide.

    As consultas do lago podem ainda estar se iniciando.

    Levanta:
        ErroServico: um serviço ou processo não sobe no prazo.
        ErroPipeline: o que `gerar` levantar; o que subiu aqui é parado.
    """
    conversa.anunciar_preparo(cfg)
    desistir = threading.Event()
    with ThreadPoolExecutor(2) as grupo:
        servicos = grupo.submit(subir_servicos, cfg, mostrar)
        subida = grupo.submit(subir_fluxos, cfg, mostrar, PRAZO_PREPARO_S, so_preparar_lago=True, cancelar=desistir)
        try:
            trafego = gerar()
            preparo = gravar_historia(cfg, trafego)
            servicos.result()
            conversa.pedir_preparo(cfg, preparo)
            subida.result()
        except BaseException:
            desistir.set()
            raise
    return trafego


def gravar_historia(cfg: Configuracao, trafego: Trafego) -> Preparo:
    """Deixa a história em arquivo, para o processo do lago a preparar."""
    eventos, rotulos = cfg.caminho("trafego", "historia.arrow"), cfg.caminho("trafego", "rotulos.arrow")
    chaves, valores = zip(*serializar(trafego.historico()), strict=True)
    gravar_registros(eventos, {"chave": list(chaves), "valor": list(valores)})
    gravar_registros(rotulos, {"valor": [valor for _, valor in serializar_rotulos(trafego.rotulos_historico())]})
    return Preparo(str(eventos), str(rotulos), trafego.inicio_vivo_us - 1)
