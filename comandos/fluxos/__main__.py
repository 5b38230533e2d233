"""`python -m comandos.fluxos decisao|lago`: um processo de fluxos, até SIGTERM."""

from __future__ import annotations

import logging
import signal
import sys
from dataclasses import replace
from typing import Final

from comandos.fluxos import conversa
from comandos.fluxos.motor import REGISTRO, Motor
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroConfiguracao, ErroPipeline
from plataforma.maquina import ceder_processador
from plataforma.trava import Trava

CODIGO_ERRO: Final = 2


def principal(argumentos: list[str]) -> int:
    """Configura o registro e os sinais e corre o motor do papel pedido, sob a trava de escritor único."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    REGISTRO.setLevel(logging.INFO)
    try:
        motor = _motor(argumentos)
        for sinal in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sinal, lambda *_: motor.parar.set())
        with Trava(motor.cfg.caminho("checkpoints", motor.papel)):
            return motor.correr()
    except ErroPipeline as erro:
        REGISTRO.error("%s", erro)
        return CODIGO_ERRO


def _motor(argumentos: list[str]) -> Motor:
    cfg = Configuracao.do_ambiente()
    if argumentos == [conversa.DECISAO]:
        from comandos.fluxos.decisao import Decisao  # noqa: PLC0415

        return Decisao(cfg)
    if argumentos == [conversa.LAGO]:
        from comandos.fluxos.lago import Lago  # noqa: PLC0415

        ceder_processador()
        return Lago(replace(
            cfg, porta_metricas=cfg.porta_metricas_lago, porta_spark_ui=cfg.porta_spark_ui_lago,
            spark_master=cfg.spark_master_lago, spark_opcoes_jvm=cfg.spark_opcoes_jvm_lago,
        ))
    msg = f"papel {' '.join(argumentos) or '(nenhum)'} não existe; esperado: {' | '.join(conversa.PAPEIS)}"
    raise ErroConfiguracao(msg)


if __name__ == "__main__":
    sys.exit(principal(sys.argv[1:]))
