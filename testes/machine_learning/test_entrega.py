"""A entrega das decisões em um broker de verdade: tudo confirmado, na partição da chave, ou a tarefa falha."""

import uuid
from dataclasses import replace

import pytest
from confluent_kafka import Consumer, TopicPartition

from machine_learning.entrega import FILA_MAXIMA, Entrega
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroServico
from plataforma.servicos.topicos import criar_topico

pytestmark = pytest.mark.servico


@pytest.fixture
def cfg(broker: Configuracao) -> Configuracao:
    destino = replace(broker, topico_decisoes=f"t.{uuid.uuid4().hex}")
    criar_topico(destino, destino.topico_decisoes)
    return destino


def _lidas(cfg: Configuracao) -> list[tuple[int, bytes, bytes]]:
    leitor = Consumer({"bootstrap.servers": cfg.kafka_servidores, "group.id": "t", "auto.offset.reset": "earliest"})
    try:
        numeros = leitor.list_topics(cfg.topico_decisoes, timeout=20).topics[cfg.topico_decisoes].partitions
        particoes = [TopicPartition(cfg.topico_decisoes, numero, 0) for numero in numeros]
        leitor.assign(particoes)
        lidas = leitor.consume(sum(leitor.get_watermark_offsets(p, timeout=20)[1] for p in particoes), timeout=20)
        return [(m.partition(), m.key(), m.value()) for m in lidas]
    finally:
        leitor.close()


def test_o_que_se_confirma_esta_no_topico_e_a_chave_escolhe_a_particao(cfg: Configuracao) -> None:
    entrega = Entrega(cfg.kafka_servidores, cfg.topico_decisoes)
    chaves = [b"c%d" % (i % 7) for i in range(1_000)]
    valores = [b"v%d" % i for i in range(1_000)]
    entrega.enviar(chaves[:400], valores[:400])
    entrega.enviar(chaves[400:], valores[400:])
    entrega.confirmar()
    lidas = _lidas(cfg)
    assert sorted((chave, valor) for _, chave, valor in lidas) == sorted(zip(chaves, valores, strict=True))
    por_chave = {chave: {p for p, c, _ in lidas if c == chave} for chave in set(chaves)}
    assert all(len(particoes) == 1 for particoes in por_chave.values())


def test_mais_que_a_fila_local_tambem_chega(cfg: Configuracao) -> None:
    entrega, quantos = Entrega(cfg.kafka_servidores, cfg.topico_decisoes), FILA_MAXIMA + 10_000
    entrega.enviar([b"c"] * quantos, [b"v"] * quantos)
    entrega.confirmar()
    assert len(_lidas(cfg)) == quantos


def test_sem_confirmacao_a_tarefa_falha_e_a_seguinte_tem_outro_cliente(cfg: Configuracao) -> None:
    perdida = Entrega(cfg.kafka_servidores, f"nao.existe.{uuid.uuid4().hex}", prazo_s=2.0)
    perdida.enviar([b"c"], [b"v"])
    with pytest.raises(ErroServico, match="não confirmou as decisões"):
        perdida.confirmar()
    boa = Entrega(cfg.kafka_servidores, cfg.topico_decisoes, prazo_s=20.0)
    boa.enviar([b"c"], [b"v"])
    boa.confirmar()
    assert _lidas(cfg)
