"""A entrega das respostas ao Kafka, do próprio processo Python que decide (ADR 0011).

Ao menos uma vez, como o sorvedouro do Spark: a tarefa só termina com tudo confirmado, e uma tarefa repetida reescreve
decisões idênticas. O produtor é um por processo e vive tanto quanto ele.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from confluent_kafka import KafkaError, Message, Producer

from ingestao.esquema import COMPRESSAO
from plataforma.erros import ErroServico

PRAZO_S: Final = 60.0
ESPERA_S: Final = 0.05
JUNTAR_MS: Final = 5
LOTE_BYTES: Final = 1 << 20
FILA_MAXIMA: Final = 200_000
_ERRO: Final = "_error"
"""O campo em que `produce_batch` diz por que recusou um registro."""


class Entrega:
    """As respostas de uma tarefa, em um tópico.

    Args:
        servidores: lista do Kafka.
        topico: destino, que já existe.
        prazo_s: quanto se espera, ao todo, que o broker confirme.
    """

    def __init__(self, servidores: str, topico: str, prazo_s: float = PRAZO_S) -> None:
        self._servidores, self._topico, self._prazo_s = servidores, topico, prazo_s
        self._produtor = _produtor(servidores, prazo_s)
        self._falha: KafkaError | None = None

    def enviar(self, chaves: Sequence[bytes], valores: Sequence[bytes]) -> None:
        """Põe na fila de envio, que segue em outra linha de execução.

        Levanta:
            ErroServico: o cliente recusou um registro.
        """
        registros: list[dict[str, Any]] = [
            {"key": chave, "value": valor} for chave, valor in zip(chaves, valores, strict=True)
        ]
        while registros:
            aceitos = self._produtor.produce_batch(self._topico, registros, on_delivery=self._anotar)
            registros = [] if aceitos == len(registros) else self._a_repetir(registros)
            self._produtor.poll(ESPERA_S if registros else 0)

    def _a_repetir(self, registros: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Os que não couberam na fila local."""
        recusados = [registro for registro in registros if _ERRO in registro]
        for registro in recusados:
            erro = registro.pop(_ERRO)
            if erro.code() != KafkaError._QUEUE_FULL:  # noqa: SLF001 — é o nome público do código, na biblioteca
                raise self._recusa(erro)
        return recusados

    def confirmar(self) -> None:
        """Espera que o broker confirme tudo.

        Levanta:
            ErroServico: algo não foi confirmado; a tarefa deve falhar para que o lote se repita.
        """
        restam = self._produtor.flush(self._prazo_s)
        if self._falha is not None or restam:
            raise self._recusa(self._falha)

    def _anotar(self, erro: KafkaError | None, _mensagem: Message) -> None:
        self._falha = self._falha or erro

    def _recusa(self, erro: KafkaError | None) -> ErroServico:
        _produtor.cache_clear()  # um cliente idempotente que falhou não serve mais
        motivo = erro.str() if erro is not None else f"sem confirmação em {self._prazo_s:.0f} s"
        return ErroServico(
            f"o broker em {self._servidores} não confirmou as decisões de {self._topico} ({motivo}): "
            "o lote será decidido de novo; confira com ./pix estado"
        )


@lru_cache(maxsize=8)
def _produtor(servidores: str, prazo_s: float) -> Producer:
    return Producer({
        "bootstrap.servers": servidores,
        "client.id": "detector-pix-decisao",
        "acks": "all",
        "compression.type": COMPRESSAO,
        "enable.idempotence": True,
        "partitioner": "murmur2_random",
        # Só a falha volta ao Python: um recibo por decisão custaria mais que enviá-la.
        "delivery.report.only.error": True,
        "linger.ms": JUNTAR_MS,
        "batch.size": LOTE_BYTES,
        "message.max.bytes": LOTE_BYTES,
        "queue.buffering.max.messages": FILA_MAXIMA,
        "delivery.timeout.ms": int(prazo_s * 1_000),
        "log_level": 0,
    })
