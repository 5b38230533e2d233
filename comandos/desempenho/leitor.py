"""Quem lê as decisões: de cada uma guarda três números, para que medir milhões delas caiba em memória."""

from __future__ import annotations

import threading
from array import array
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from confluent_kafka import Consumer, KafkaError, TopicPartition
from numpy.typing import NDArray

from plataforma.configuracao import Configuracao
from plataforma.erros import ErroServico

MENSAGENS_POR_VEZ: Final = 10_000
ESPERA_S: Final = 0.1
_BITS_DESLOCAMENTO: Final = 44


class _Lida(msgspec.Struct):
    """O que se mede; o resto da mensagem é pulado na leitura."""

    particao: int
    deslocamento: int
    enviado_em_us: int | None = None


@dataclass(frozen=True)
class Leitura:
    """O que foi lido, na ordem de chegada: posição do Pix em um só inteiro, envio (µs), decisão legível (ms do broker).

    Todas int64 de forma (n,); uma posição repetida é uma decisão dobrada.
    """

    posicao: NDArray[np.int64]
    enviado_us: NDArray[np.int64]
    legivel_ms: NDArray[np.int64]

    def unicas(self) -> Leitura:
        """A primeira decisão de cada Pix: a que vale."""
        _, primeiras = np.unique(self.posicao, return_index=True)
        return Leitura(self.posicao[primeiras], self.enviado_us[primeiras], self.legivel_ms[primeiras])

    def latencias_ms(self) -> NDArray[np.float64]:
        """Do envio (carimbo do produtor) à decisão legível (carimbo do broker), em ms."""
        return self.legivel_ms - self.enviado_us / 1_000


class Leitor:
    """Consome um tópico em uma linha própria, do fim atual em diante. Uso: `with Leitor(...) as leitor:`."""

    def __init__(self, cfg: Configuracao, topico: str) -> None:
        self._topico = topico
        self._decodificador = msgspec.json.Decoder(_Lida)
        self._parar = threading.Event()
        self._linha = threading.Thread(target=self._consumir, name="leitor", daemon=True)
        self._falha: str | None = None
        self._posicao, self._enviado, self._legivel = array("q"), array("q"), array("q")
        self._consumidor = Consumer({
            "bootstrap.servers": cfg.kafka_servidores, "group.id": "bancada", "enable.auto.commit": False,
            "fetch.wait.max.ms": 20, "log_level": 0,
        })
        self._consumidor.assign(self._pontas())

    def __enter__(self) -> Leitor:
        """Começa a consumir."""
        self._linha.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Para de consumir."""
        self._parar.set()
        self._linha.join()
        self._consumidor.close()

    @property
    def lidas(self) -> int:
        """Quantas decisões já chegaram, com as dobradas."""
        return len(self._legivel)

    def leitura(self) -> Leitura:
        """O que se leu até agora.

        Levanta:
            ErroServico: o consumo falhou no caminho.
        """
        if self._falha:
            msg = f"o consumo de {self._topico} falhou: {self._falha}"
            raise ErroServico(msg)
        quantas = self.lidas
        return Leitura(*(np.array(coluna[:quantas], np.int64) for coluna in (self._posicao, self._enviado, self._legivel)))

    def _pontas(self) -> list[TopicPartition]:
        particoes = self._consumidor.list_topics(self._topico, timeout=10).topics[self._topico].partitions
        fins = {p: self._consumidor.get_watermark_offsets(TopicPartition(self._topico, p), timeout=10)[1] for p in particoes}
        return [TopicPartition(self._topico, particao, fim) for particao, fim in fins.items()]

    def _consumir(self) -> None:
        while not self._parar.is_set():
            for mensagem in self._consumidor.consume(MENSAGENS_POR_VEZ, ESPERA_S):
                erro = mensagem.error()
                if erro is None:
                    lida = self._decodificador.decode(mensagem.value())
                    self._posicao.append(lida.particao << _BITS_DESLOCAMENTO | lida.deslocamento)
                    self._enviado.append(lida.enviado_em_us or 0)
                    self._legivel.append(mensagem.timestamp()[1])
                elif erro.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 — constante pública do cliente
                    self._falha = str(erro)
