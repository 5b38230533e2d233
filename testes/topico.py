"""Ler um tópico inteiro nos testes, com o cliente do produto, que abre o que vai comprimido."""

from __future__ import annotations

from confluent_kafka import OFFSET_BEGINNING, Message
from kafka import KafkaConsumer, TopicPartition

from comandos.consumo import consumidor, pontas
from plataforma.configuracao import Configuracao

_PRAZO_S = 30.0


def quantas(cfg: Configuracao, topico: str) -> int:
    """Quantas mensagens o tópico já teve; 0 se ainda não existe. Este cliente espera por um líder recém-eleito."""
    lido = KafkaConsumer(bootstrap_servers=cfg.kafka_servidores)
    try:
        fins = lido.end_offsets([TopicPartition(topico, p) for p in lido.partitions_for_topic(topico) or ()])
        return sum(fins.values())
    finally:
        lido.close()


def mensagens(cfg: Configuracao, topico: str) -> list[Message]:
    """Todas, do começo até o fim de agora."""
    lido = consumidor(cfg)
    try:
        fins = pontas(lido, topico)
        faltam = sum(ponta.offset for ponta in fins)
        for ponta in fins:
            ponta.offset = OFFSET_BEGINNING
        lido.assign(fins)
        lidas: list[Message] = []
        while len(lidas) < faltam:
            novas = lido.consume(faltam - len(lidas), _PRAZO_S)
            assert novas, f"{topico}: {len(lidas)} de {faltam} em {_PRAZO_S:.0f} s sem nenhuma nova"
            assert all(mensagem.error() is None for mensagem in novas)
            lidas += novas
        return lidas
    finally:
        lido.close()
