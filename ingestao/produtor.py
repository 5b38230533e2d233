"""O produtor: registros com hora marcada → Kafka, em ritmo fixo que não espera pelo sistema.

Idempotente, acks=all, chave = conta do pagador. O horário de cada registro é decidido antes: se o broker ou a máquina
atrasam, o envio seguinte não se atrasa com eles (sem omissão coordenada), e o atraso medido aparece no resultado.
"""

from __future__ import annotations

import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from threading import Event
from typing import Final, NamedTuple

import numpy as np
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from ingestao.esquema import CABECALHO_ENVIADO_EM, CABECALHO_ORIGEM, COMPRESSAO, LIMITE_REGISTRO_BYTES, Origem
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroDados, ErroServico

_LOTE_BYTES: Final = 100_000
"""Abaixo de `max.message.bytes` do tópico de eventos, que vale para o lote inteiro."""
_PRAZO_TOPICO_MS: Final = 5_000
"""Depois disto um tópico desconhecido é recusado, e não esperado."""
_JUNTAR_MS: Final = 10
"""Quanto o cliente espera para juntar registros em um lote: cabe muitas vezes no prazo, e poupa pedidos ao broker."""
_ESPERA_MINIMA_S: Final = 0.002
"""Acordar para cada registro custa mais que enviá-lo: dorme-se ao menos isto, e o que venceu no sono sai junto."""
_ESPERA_MAXIMA_S: Final = 0.05
_PRAZO_ENTREGA_S: Final = 60.0
_CADA_PROGRESSO_S: Final = 0.2
_LEVA: Final = 64
"""Registros já vencidos que saem com um só carimbo, o do começo da leva (uns 0,5 ms): a latência nunca sai menor."""


class Registro(NamedTuple):
    """Um envio: `quando_s` em segundos desde o começo; `valor` nulo é permitido (e vai à quarentena)."""

    quando_s: float
    topico: str
    chave: bytes | None
    valor: bytes | None


Envio = tuple[float, str, bytes | None, bytes | None]
"""Um `Registro`, ou a tupla nua que ele é: quem envia milhões poupa um objeto por registro."""


@dataclass(frozen=True)
class Relogio:
    """Os dois relógios do envio: segundos monotônicos, para o ritmo; µs UTC, para o carimbo."""

    monotonico: Callable[[], float]
    utc_us: Callable[[], int]


RELOGIO: Final = Relogio(time.monotonic, lambda: time.time_ns() // 1_000)


@dataclass(frozen=True)
class Resultado:
    """O que saiu. `confirmados` pelo broker, por tópico; atrasos do envio sobre o horário marcado, em ms."""

    enviados: int
    confirmados: dict[str, int]
    duracao_s: float
    atraso_p50_ms: float
    atraso_p99_ms: float
    atraso_max_ms: float
    interrompido: bool


def no_ritmo(pares: Iterable[tuple[bytes | None, bytes | None]], topico: str, taxa: float) -> Iterator[Registro]:
    """Marca hora, a `taxa` por segundo, para pares (chave, valor) na ordem dada."""
    return (Registro(i / taxa, topico, chave, valor) for i, (chave, valor) in enumerate(pares))


def enviar_no_ritmo(
    cfg: Configuracao, registros: Iterable[Envio], origem: Origem, parar: Event, relogio: Relogio = RELOGIO,
    ao_progresso: Callable[[int, int], None] = lambda enviados, confirmados: None,
) -> Resultado:
    """Envia cada registro em sua hora e espera que o broker confirme todos.

    `parar`: quando se ergue, nada mais é enviado e o que já saiu é confirmado. `ao_progresso` recebe enviados e
    confirmados umas cinco vezes por segundo.

    Levanta:
        ErroDados: registro acima de `LIMITE_REGISTRO_BYTES`, antes de enviá-lo.
        ErroServico: quando o broker recusa, perde ou não confirma algum registro.
    """
    envio = _Envio(cfg, origem, relogio, ao_progresso)
    try:
        envio.correr(registros, parar)
    finally:
        envio.fechar()
    return envio.resultado(interrompido=parar.is_set())


class _Envio:
    """Um envio em curso: o produtor, as contas e os atrasos."""

    def __init__(
        self, cfg: Configuracao, origem: Origem, relogio: Relogio, ao_progresso: Callable[[int, int], None]
    ) -> None:
        self._servidores, self._relogio, self._ao_progresso = cfg.kafka_servidores, relogio, ao_progresso
        self._produtor = Producer(_opcoes(cfg))
        self._origem = (CABECALHO_ORIGEM, origem.encode())
        self._enviados: Counter[str] = Counter()
        self._falhas = 0
        self._primeira_falha: KafkaError | None = None
        self._atrasos = array("d")
        self._inicio = self._fim = relogio.monotonico()
        self._agora_s, self._cabecalhos = 0.0, [self._origem]
        self._proximo_aviso = 0.0

    def correr(self, registros: Iterable[Envio], parar: Event) -> None:
        self._inicio = self._relogio.monotonico()
        self._carimbar()
        produzir, anotar, atraso = self._produtor.produce, self._anotar, self._atrasos.append  # um laço quente
        da_leva = _LEVA
        for quando_s, topico, chave, valor in registros:
            if valor is not None and len(valor) > LIMITE_REGISTRO_BYTES:
                raise _grande_demais(len(valor), topico)
            if quando_s > self._agora_s or da_leva == _LEVA:
                self._esperar(quando_s, parar)
                da_leva = 0
                if parar.is_set():
                    break
            while True:
                try:
                    produzir(topico, valor, chave, on_delivery=anotar, headers=self._cabecalhos)
                    break
                except BufferError:  # fila local cheia: recolhe falhas e tenta de novo; a hora marcada não muda
                    if parar.is_set():
                        return
                    self._produtor.poll(_ESPERA_MAXIMA_S)
                    self._carimbar()
                except KafkaException as erro:
                    raise self._recusa(erro.args[0]) from erro
            self._enviados[topico] += 1
            da_leva += 1
            atraso(self._agora_s - quando_s)

    def _esperar(self, quando_s: float, parar: Event) -> None:
        """Até a hora do registro, recolhendo falhas; quem vem logo atrás, já vencido, sai com o mesmo carimbo."""
        self._produtor.poll(0)
        self._avisar()
        self._carimbar()
        while (falta := quando_s - self._agora_s) > 0 and not parar.is_set():
            parar.wait(min(max(falta, _ESPERA_MINIMA_S), _ESPERA_MAXIMA_S))
            self._produtor.poll(0)
            self._avisar()
            self._carimbar()

    def _carimbar(self) -> None:
        """Os dois relógios, lidos juntos: segundos desde o começo, e os cabeçalhos com o instante do envio."""
        self._agora_s = self._relogio.monotonico() - self._inicio
        self._cabecalhos = [(CABECALHO_ENVIADO_EM, b"%d" % self._relogio.utc_us()), self._origem]

    def _anotar(self, erro: KafkaError | None, _mensagem: Message) -> None:
        self._falhas += 1
        self._primeira_falha = self._primeira_falha or erro

    @property
    def _confirmados(self) -> int:
        """O que não falhou nem está mais com o cliente.

        Ele só devolve as falhas: um recibo por registro custa quase tanto quanto enviá-lo.
        """
        return max(self._enviados.total() - self._falhas - len(self._produtor), 0)

    def _avisar(self) -> None:
        agora = self._relogio.monotonico()
        if agora >= self._proximo_aviso:
            self._proximo_aviso = agora + _CADA_PROGRESSO_S
            self._ao_progresso(len(self._atrasos), self._confirmados)

    def fechar(self) -> None:
        """Espera o que está com o cliente; o que ficar aparece como não confirmado."""
        self._fim = self._relogio.monotonico()
        self._produtor.flush(_PRAZO_ENTREGA_S)
        self._ao_progresso(len(self._atrasos), self._confirmados)

    def resultado(self, *, interrompido: bool) -> Resultado:
        enviados, confirmados = self._enviados.total(), self._confirmados
        if self._primeira_falha is not None or confirmados != enviados:
            raise self._recusa(self._primeira_falha, enviados - confirmados)
        atrasos_ms = np.maximum(np.frombuffer(self._atrasos, np.float64), 0) * 1_000 if enviados else np.zeros(1)
        p50, p99 = np.percentile(atrasos_ms, [50, 99])
        return Resultado(enviados, dict(self._enviados), self._fim - self._inicio, float(p50), float(p99),
                         float(atrasos_ms.max()), interrompido)  # fmt: skip

    def _recusa(self, erro: KafkaError | None, quantos: int = 1) -> ErroServico:
        motivo = erro.str() if erro is not None else f"sem confirmação em {_PRAZO_ENTREGA_S:.0f} s"
        return ErroServico(
            f"o broker em {self._servidores} não confirmou {quantos} de {len(self._atrasos)} registros enviados "
            f"({motivo}): confira com ./pix estado"
        )


def _grande_demais(tamanho: int, topico: str) -> ErroDados:
    return ErroDados(
        f"registro de {tamanho} bytes para {topico}: o limite é {LIMITE_REGISTRO_BYTES}. "
        "Nada dele foi enviado; reduza o registro"
    )


def _opcoes(cfg: Configuracao) -> dict[str, str | int | bool]:
    return {
        "bootstrap.servers": cfg.kafka_servidores,
        "client.id": "detector-pix-produtor",
        "enable.idempotence": True,
        "acks": "all",
        "compression.type": COMPRESSAO,
        "linger.ms": _JUNTAR_MS,
        "batch.size": _LOTE_BYTES,
        "message.max.bytes": _LOTE_BYTES,
        "topic.metadata.propagation.max.ms": _PRAZO_TOPICO_MS,
        "partitioner": "murmur2_random",
        "queue.buffering.max.messages": 200_000,
        "delivery.timeout.ms": int(_PRAZO_ENTREGA_S * 1_000),
        "delivery.report.only.error": True,
        "log_level": 0,
    }
