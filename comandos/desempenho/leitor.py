"""Quem lê as decisões: de cada uma guarda três números, para que medir milhões delas caiba em memória."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from confluent_kafka import Message
from numpy.typing import NDArray

from comandos.consumo import PRAZO_S, Consumo, consumidor, pontas
from ingestao.esquema import CABECALHO_ENVIADO_EM
from plataforma.configuracao import Configuracao

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


_DECODIFICADOR: Final = msgspec.json.Decoder(_Lida)
_RESTO: Final = b',"decidido_em_us":'
"""Daqui ao fim, dois terços da decisão, nada se mede: cortar antes de ler poupa a CPU de quem é medido."""
_PULAR: Final = 256
"""Antes disto só a de uma recusa pode estar, e então se lê tudo; procurar do começo era um décimo da leitura."""
Ler = Callable[[Message], tuple[int, int]]
"""De uma mensagem: a posição do Pix que ela responde, em um só inteiro, e o envio dele, µs."""


def decisao(mensagem: Message) -> tuple[int, int]:
    """Uma decisão ou recusa de `pix.decisoes`."""
    valor = mensagem.value() or b""
    corte = valor.find(_RESTO, _PULAR)
    lida = _DECODIFICADOR.decode(valor[:corte] + b"}" if corte > 0 else valor)
    return lida.particao << _BITS_DESLOCAMENTO | lida.deslocamento, lida.enviado_em_us or 0


def copia(mensagem: Message) -> tuple[int, int]:
    """Uma cópia com o cabeçalho do original; vale a posição da própria cópia."""
    enviado = next(valor for chave, valor in mensagem.headers() or [] if chave == CABECALHO_ENVIADO_EM)
    return (mensagem.partition() or 0) << _BITS_DESLOCAMENTO | (mensagem.offset() or 0), int(enviado)


class Leitor:
    """Consome um tópico em uma linha própria, do fim atual em diante. Uso: `with Leitor(...) as leitor:`."""

    def __init__(self, cfg: Configuracao, topico: str, ler: Ler = decisao) -> None:
        self._ler = ler
        self._posicao, self._enviado, self._legivel = array("q"), array("q"), array("q")
        self._consumo = Consumo(cfg, topico, self._anotar)

    def __enter__(self) -> Leitor:
        """Começa a consumir."""
        self._consumo.iniciar()
        return self

    def __exit__(self, *_: object) -> None:
        """Para de consumir."""
        self._consumo.parar()

    @property
    def lidas(self) -> int:
        """Quantas decisões já chegaram, com as dobradas."""
        return len(self._legivel)

    def leitura(self) -> Leitura:
        """O que se leu até agora.

        Levanta:
            ErroServico: o consumo falhou no caminho.
        """
        self._consumo.exigir_inteiro()
        quantas = self.lidas
        colunas = (self._posicao, self._enviado, self._legivel)
        return Leitura(*(np.array(coluna[:quantas], np.int64) for coluna in colunas))

    def _anotar(self, mensagem: Message) -> None:
        posicao, enviado = self._ler(mensagem)
        self._posicao.append(posicao)
        self._enviado.append(enviado)
        self._legivel.append(mensagem.timestamp()[1])


class _Servida(msgspec.Struct):
    atributos: list[float | None] | None = None


def atributos_servidos(cfg: Configuracao, quantas: int) -> NDArray[np.float64]:
    """Os atributos das últimas `quantas` decisões do tópico, float64 (n, atributos), NaN = nulo."""
    lido = consumidor(cfg)
    try:
        fins = pontas(lido, cfg.topico_decisoes)
        for ponta in fins:
            ponta.offset = max(0, ponta.offset - quantas // len(fins))
        lido.assign(fins)
        lidas = [msgspec.json.decode(m.value() or b"{}", type=_Servida).atributos
                 for m in lido.consume(quantas, timeout=PRAZO_S)]
    finally:
        lido.close()
    return np.array([linha for linha in lidas if linha is not None], np.float64)
