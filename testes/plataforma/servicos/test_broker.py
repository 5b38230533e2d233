"""O broker real: sobe, cria tópicos, sobrevive a SIGKILL e recusa portas ocupadas."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Callable

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import MessageSizeTooLargeError

from plataforma.configuracao import Configuracao
from plataforma.erros import ErroEstado, ErroServico
from plataforma.servicos import processo
from plataforma.servicos.broker import (
    NOME,
    embutido,
    exigir_broker,
    iniciar_broker,
    parar_broker,
    pronto,
)
from plataforma.servicos.topicos import criar_topicos


@pytest.mark.servico
def test_topicos_tem_as_particoes_e_opcoes_do_contrato(broker: Configuracao) -> None:
    criar_topicos(broker)  # repetir não muda nada
    with KafkaAdminClient(bootstrap_servers=broker.kafka_servidores) as admin:
        particoes = {topico["name"]: len(topico["partitions"]) for topico in admin.describe_topics()}
        pedido = [ConfigResource(ConfigResourceType.TOPIC, broker.topico_controle)]
        opcoes = str(admin.describe_configs(pedido))
    assert particoes[broker.topico_eventos] == particoes[broker.topico_decisoes] == broker.particoes_topico
    assert particoes[broker.topico_rotulos] == particoes[broker.topico_controle] == 1
    assert re.search(r"retention\.ms.{0,60}'-1'", opcoes)


@pytest.mark.servico
def test_particoes_diferentes_sao_recusadas(broker: Configuracao) -> None:
    dados = {campo: getattr(broker, campo) for campo in broker.__dataclass_fields__}
    with pytest.raises(ErroEstado, match=r"tem 2 partições e a configuração pede 5.*PIX_PARTICOES_TOPICO"):
        criar_topicos(Configuracao(**{**dados, "particoes_topico": 5}))


@pytest.mark.servico
def test_registro_maior_que_o_limite_e_recusado_pelo_broker(broker: Configuracao) -> None:
    produtor = KafkaProducer(bootstrap_servers=broker.kafka_servidores, max_request_size=1_000_000)
    with pytest.raises(MessageSizeTooLargeError):
        produtor.send(broker.topico_eventos, os.urandom(200_000)).get(timeout=20)
    produtor.close()


@pytest.mark.servico
def test_sobe_uma_vez_so_e_volta_de_um_sigkill_com_os_dados(cfg: Configuracao) -> None:
    assert embutido(cfg)
    assert not pronto(cfg)
    with pytest.raises(ErroServico, match=r"nenhum broker.*subir"):
        exigir_broker(cfg)
    try:
        assert iniciar_broker(cfg)
        assert not iniciar_broker(cfg)
        criar_topicos(cfg)
        produtor = KafkaProducer(bootstrap_servers=cfg.kafka_servidores, acks="all")
        produtor.send(cfg.topico_rotulos, b"um").get(timeout=20)
        produtor.close()
        primeiro = processo.carregar(NOME, cfg)
        assert primeiro is not None
        os.kill(primeiro.pid, signal.SIGKILL)
        assert iniciar_broker(cfg)
        leitor = KafkaConsumer(
            cfg.topico_rotulos, bootstrap_servers=cfg.kafka_servidores, auto_offset_reset="earliest",
            consumer_timeout_ms=20_000,
        )
        assert next(leitor).value == b"um"
        leitor.close()
    finally:
        assert parar_broker(cfg)
    assert not pronto(cfg)


def test_porta_ocupada_diz_a_porta_e_a_variavel(cfg: Configuracao) -> None:
    with socket.socket() as tomada:
        tomada.bind(("127.0.0.1", cfg.porta_kafka))
        tomada.listen()
        with pytest.raises(ErroServico, match=rf"porta {cfg.porta_kafka} .*ocupada por .*PIX_PORTA_KAFKA"):
            iniciar_broker(cfg)


def test_broker_de_outro_nao_e_embutido(fazer_cfg: Callable[..., Configuracao]) -> None:
    assert not embutido(fazer_cfg(kafka_servidores="broker.exemplo:9092"))
    assert not embutido(fazer_cfg(perfil="cluster"))
