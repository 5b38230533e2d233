"""Os tópicos, em qualquer broker: criar os quatro do projeto, conferir suas partições, apagar os passageiros."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Final

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from plataforma.configuracao import Configuracao
from plataforma.erros import ErroEstado, ErroServico

PRAZO_CHAMADA_MS: Final = 5_000
LIMITE_LOTE_BYTES: Final = 131_072
"""Maior lote que o tópico de eventos aceita; o produtor deve limitar o seu abaixo disto."""


def criar_topicos(cfg: Configuracao) -> None:
    """Cria os quatro tópicos que faltarem e confere as partições dos que existem.

    Levanta:
        ErroEstado: quando um tópico já existe com outro número de partições.
        ErroServico: quando o broker recusa ou não responde.
    """
    pedidos = _topicos(cfg)
    try:
        with administrador(cfg) as admin:
            faltam = {nome: opcoes for nome, opcoes in pedidos.items() if nome not in set(admin.list_topics())}
            if faltam:
                _criar(admin, faltam)
            existentes = {topico["name"]: len(topico["partitions"]) for topico in admin.describe_topics(list(pedidos))}
    except KafkaError as erro:
        msg = f"o broker em {cfg.kafka_servidores} não criou os tópicos: {erro}. Confira com ./pix estado"
        raise ErroServico(msg) from erro
    for nome, opcoes in pedidos.items():
        if existentes[nome] != opcoes["num_partitions"]:
            msg = (
                f"o tópico {nome} tem {existentes[nome]} partições e a configuração pede {opcoes['num_partitions']}: "
                "ajuste PIX_PARTICOES_TOPICO, ou recomece com ./pix limpar"
            )
            raise ErroEstado(msg)


def criar_topico(cfg: Configuracao, nome: str) -> None:
    """Cria um tópico à parte, com as partições e o carimbo do de decisões; o que já existe fica como está.

    Levanta:
        ErroServico: quando o broker recusa ou não responde.
    """
    try:
        with administrador(cfg) as admin:
            if nome not in set(admin.list_topics()):
                _criar(admin, {nome: _topicos(cfg)[cfg.topico_decisoes]})
    except KafkaError as erro:
        msg = f"o broker em {cfg.kafka_servidores} não criou {nome}: {erro}. Confira com ./pix estado"
        raise ErroServico(msg) from erro


def apagar_topicos(cfg: Configuracao, nomes: Sequence[str]) -> None:
    """Apaga os tópicos dados; os que não existem ficam como estão.

    Levanta:
        ErroServico: quando o broker recusa ou não responde.
    """
    try:
        with administrador(cfg) as admin:
            existentes = set(admin.list_topics())
            admin.delete_topics([nome for nome in nomes if nome in existentes])
    except KafkaError as erro:
        msg = f"o broker em {cfg.kafka_servidores} não apagou {', '.join(nomes)}: {erro}. Confira com ./pix estado"
        raise ErroServico(msg) from erro


def _criar(admin: KafkaAdminClient, faltam: dict[str, dict[str, object]]) -> None:
    # Outro processo pode criá-los entre a lista e o pedido: as partições são conferidas a seguir.
    with contextlib.suppress(TopicAlreadyExistsError):
        admin.create_topics(faltam)
    admin.wait_for_topics(list(faltam), timeout_ms=PRAZO_CHAMADA_MS * 2)


def _topicos(cfg: Configuracao) -> dict[str, dict[str, object]]:
    """Opções por tópico. O instante é o do broker: o do produtor pode ser simulado, e apagaria dados por idade."""
    comum = {"message.timestamp.type": "LogAppendTime"}

    def topico(particoes: int, **opcoes: str) -> dict[str, object]:
        return {"num_partitions": particoes, "configs": comum | {k.replace("_", "."): v for k, v in opcoes.items()}}

    return {
        cfg.topico_eventos: topico(cfg.particoes_topico, max_message_bytes=str(LIMITE_LOTE_BYTES)),
        cfg.topico_decisoes: topico(cfg.particoes_topico),
        cfg.topico_rotulos: topico(1),
        cfg.topico_controle: topico(1, retention_ms="-1"),
    }


def administrador(cfg: Configuracao) -> KafkaAdminClient:
    """Um cliente de administração; feche-o, ou use `with`."""
    return KafkaAdminClient(
        bootstrap_servers=cfg.kafka_servidores.split(","), client_id="detector-pix-admin",
        request_timeout_ms=PRAZO_CHAMADA_MS, bootstrap_timeout_ms=PRAZO_CHAMADA_MS,
    )
