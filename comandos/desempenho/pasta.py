"""Onde a bancada trabalha: pasta e broker próprios, com tudo do projeto parado antes e depois."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from comandos.desempenho import bases
from comandos.fluxos.conversa import PAPEIS
from comandos.limpar import apagar_dados
from comandos.parar import parar_tudo
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroServico
from plataforma.servicos import broker, processo

PRAZO_PARADA_S: Final = 180.0


@contextmanager
def pasta_propria(cfg: Configuracao, mostrar: Callable[[str], None]) -> Iterator[Configuracao]:
    """A configuração com dados à parte, vazios no começo e apagados no fim, com tudo parado nas duas pontas.

    Levanta:
        ErroServico: há serviços do projeto de pé.
    """
    exigir_parado(cfg)
    propria = replace(cfg, dados=cfg.caminho("bancada"))
    _recomecar(propria)
    try:
        yield propria
    finally:
        processo.parar(bases.NOME, propria, PRAZO_PARADA_S)
        parar_tudo(propria, mostrar)
        apagar_dados(propria)
        shutil.rmtree(propria.dados, ignore_errors=True)


def sozinha(cfg: Configuracao) -> Configuracao:
    """A da decisão que tem a máquina só para si: um micro-lote logo atrás do outro."""
    return replace(cfg, intervalo_decisao_ms=0)


def exigir_parado(cfg: Configuracao) -> None:
    """A bancada usa as mesmas portas e a máquina toda.

    Levanta:
        ErroServico: diz quais serviços estão de pé e como pará-los.
    """
    nomes = [*PAPEIS, "prometheus", "mlflow", broker.NOME]
    anotados = {nome: processo.carregar(nome, cfg) for nome in nomes}
    vivos = [nome for nome, anotado in anotados.items() if anotado is not None and anotado.vivo()]
    if vivos:
        msg = f"{', '.join(vivos)} de pé: a bancada precisa da máquina inteira. Pare com ./pix parar e repita"
        raise ErroServico(msg)


def _recomecar(cfg: Configuracao) -> None:
    parar_tudo(cfg, lambda _: None)
    processo.parar(bases.NOME, cfg, PRAZO_PARADA_S)
    apagar_dados(cfg)
    shutil.rmtree(cfg.dados, ignore_errors=True)
    cfg.dados.mkdir(parents=True)
