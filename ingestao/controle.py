"""Publica em `pix.controle` o modelo e as regras que valem a partir do próximo micro-lote."""

from __future__ import annotations

from typing import Final

import msgspec
from confluent_kafka import KafkaException, Message, Producer

from ingestao.esquema import Ativacao
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroServico

CHAVE: Final = b"ativacao"
PRAZO_S: Final = 15.0


def publicar_ativacao(cfg: Configuracao, ativacao: Ativacao) -> None:
    """Escreve a ativação e espera a confirmação do broker.

    Levanta:
        ErroServico: o broker não confirmou no prazo.
    """
    falhas: list[str] = []

    def conferir(erro: object, _mensagem: Message) -> None:
        if erro is not None:
            falhas.append(str(erro))

    produtor = Producer({
        "bootstrap.servers": cfg.kafka_servidores, "acks": "all", "enable.idempotence": True,
        "message.timeout.ms": int(PRAZO_S * 1_000), "log_level": 3,
    })
    try:
        produtor.produce(cfg.topico_controle, msgspec.json.encode(ativacao), key=CHAVE, on_delivery=conferir)
        pendentes = produtor.flush(PRAZO_S)
    except KafkaException as erro:
        falhas.append(str(erro))
        pendentes = 0
    if falhas or pendentes:
        msg = (f"o broker em {cfg.kafka_servidores} não confirmou a ativação "
               f"({falhas[0] if falhas else 'sem resposta'}): confira com ./pix estado")
        raise ErroServico(msg)
