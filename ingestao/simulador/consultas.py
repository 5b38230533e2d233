"""O que o DICT responderia sobre o recebedor em cada instante: só o que já se sabia, com atraso e incompleto."""

from __future__ import annotations

from typing import Final

import numpy as np

from ingestao.simulador.calendario import acaso_estavel
from ingestao.simulador.lote import Inteiros, Logicos, Tabela
from ingestao.simulador.parametros import DIA_US, HORA_US, SEGUNDO_US

_JANELA_US: Final = 90 * DIA_US
_ATRASO_US: Final = 12 * HORA_US
"""O DICT atualiza os contadores em até 12 h. Fonte: pix.md 2.6."""
_MARCADAS: Final = 0.20
"""Fração das fraudes aceitas que vira marca do titular certo (as outras marcam outra camada ou ninguém)."""
_ABRE_EM: Final = 0.3
"""Quando, entre o pagamento e o desfecho, a notificação foi aberta."""
_CONTA_BITS: Final = 32


def apurar(pagamentos: Tabela, contestacoes: Tabela, recebidos: Inteiros, desde_us: int) -> dict[str, Inteiros]:
    """Contagens por pagamento: `marcas`, `rejeitados`, `abertos` (do recebedor) e `recebidos` (pagamentos até ali).

    `contestacoes`: todas as criadas até agora. `recebidos`: quantos cada conta recebeu antes deste lote (atualizado
    no lugar). `desde_us`: origem dos segundos, anterior a tudo.
    """
    conta, quando = pagamentos["recebedor"], pagamentos["instante"]
    quem = contestacoes["recebedor"].astype(np.int64)
    marcada = acaso_estavel(17, contestacoes["instante"], quem) < _MARCADAS
    aceita = contestacoes["aceita"]
    fecha = contestacoes["conhecido"]
    abertura = contestacoes["instante"] + ((fecha - contestacoes["instante"]) * _ABRE_EM).astype(np.int64)

    def ate(conhecidas: Logicos, momento: Inteiros, agora: Inteiros) -> Inteiros:
        chaves = np.sort(_chave(quem[conhecidas], momento[conhecidas], desde_us))
        inicio = np.searchsorted(chaves, _chave(conta, np.full(len(conta), desde_us), desde_us))
        return np.searchsorted(chaves, _chave(conta, agora, desde_us), side="right") - inicio

    marca, recusa = aceita & marcada, ~aceita
    sabido, antigo = quando - _ATRASO_US, quando - _ATRASO_US - _JANELA_US
    visiveis = acaso_estavel(18, contestacoes["instante"], quem) < _MARCADAS
    return {
        "marcas": ate(marca, fecha, sabido) - ate(marca, fecha, antigo),
        "rejeitados": ate(recusa, fecha, sabido) - ate(recusa, fecha, antigo),
        "abertos": ate(visiveis, abertura, quando) - ate(visiveis, fecha, quando),
        "recebidos": _recebidos_ate(conta.astype(np.int64), recebidos),
    }


def _chave(conta: Inteiros, momento: Inteiros, desde_us: int) -> Inteiros:
    segundos = np.maximum((momento - desde_us) // SEGUNDO_US, 0)
    return conta.astype(np.int64) << _CONTA_BITS | segundos


def _recebidos_ate(conta: Inteiros, recebidos: Inteiros) -> Inteiros:
    """Quantos pagamentos cada recebedor já tinha recebido antes deste, contando os lotes anteriores."""
    ordem = np.argsort(conta, kind="stable")
    em_ordem = conta[ordem]
    primeiro = np.searchsorted(em_ordem, em_ordem)
    posicao = np.empty(len(conta), np.int64)
    posicao[ordem] = np.arange(len(conta)) - primeiro
    antes = recebidos[conta] + posicao
    recebidos += np.bincount(conta, minlength=len(recebidos))
    return np.asarray(antes)
