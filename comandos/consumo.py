"""Consumir um tópico em uma linha própria, do fim de agora em diante: o que a demonstração e a bancada têm em comum."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from plataforma.configuracao import Configuracao
from plataforma.erros import ErroServico

MENSAGENS_POR_VEZ: Final = 5_000
JUNTAR_MS, JUNTAR_BYTES = 200, 1 << 20
"""Quanto o broker espera por quanto, antes de responder: a latência é a do carimbo dele, e ler aos poucos custa CPU."""
ESPERA_S: Final = 0.1
PRAZO_S: Final = 10.0


def consumidor(cfg: Configuracao, **opcoes: str | int) -> Consumer:
    """Um consumidor que nunca confirma posições: quem mede não deixa rastro."""
    return Consumer({
        "bootstrap.servers": cfg.kafka_servidores, "group.id": "medida", "enable.auto.commit": False,
        "fetch.wait.max.ms": JUNTAR_MS, "fetch.min.bytes": JUNTAR_BYTES, "log_level": 0, **opcoes,
    })


def pontas(lido: Consumer, topico: str) -> list[TopicPartition]:
    """O fim de cada partição, agora."""
    achadas = []
    for particao in lido.list_topics(topico, timeout=PRAZO_S).topics[topico].partitions:
        _, fim = lido.get_watermark_offsets(TopicPartition(topico, particao), timeout=PRAZO_S)
        achadas.append(TopicPartition(topico, particao, fim))
    return achadas


class Consumo:
    """Chama `anotar` com cada mensagem que chega depois de criado, entre `iniciar` e `parar`."""

    def __init__(self, cfg: Configuracao, topico: str, anotar: Callable[[Message], None]) -> None:
        self._topico, self._anotar = topico, anotar
        self._parar = threading.Event()
        self._linha = threading.Thread(target=self._consumir, name="consumo", daemon=True)
        self._falha: str | None = None
        self._consumidor = consumidor(cfg)
        self._consumidor.assign(pontas(self._consumidor, topico))

    def iniciar(self) -> None:
        """Começa a consumir."""
        self._linha.start()

    def parar(self) -> None:
        """Para de consumir e fecha."""
        self._parar.set()
        if self._linha.is_alive():
            self._linha.join()
        self._consumidor.close()

    def exigir_inteiro(self) -> None:
        """Recusa o que se leu, se algo se perdeu no caminho.

        Levanta:
            ErroServico: o consumo falhou.
        """
        if self._falha:
            msg = f"o consumo de {self._topico} falhou: {self._falha}"
            raise ErroServico(msg)

    def _consumir(self) -> None:
        while not self._parar.is_set():
            for mensagem in self._consumidor.consume(MENSAGENS_POR_VEZ, ESPERA_S):
                erro = mensagem.error()
                if erro is None:
                    self._anotar(mensagem)
                elif erro.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 — constante pública do cliente
                    self._falha = str(erro)
