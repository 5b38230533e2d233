"""A mistura: quantos golpes de cada tipologia, até o total de pagamentos fraudulentos pedido."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from ingestao.simulador import lote
from ingestao.simulador.lote import Tabela
from ingestao.simulador.parametros import TIPOLOGIAS
from ingestao.simulador.tipologias import acesso, coacao, engano, fracionamento, recebimento
from ingestao.simulador.tipologias.comum import Cenario

GERADORES: Final[dict[str, Callable[[Cenario, int], Tabela]]] = {
    "TOMADA_CONTA": acesso.tomada_conta,
    "FALSA_CENTRAL": engano.falsa_central,
    "FALSO_PARENTE": engano.falso_parente,
    "CONTA_LARANJA": recebimento.conta_laranja,
    "COACAO": coacao.coacao,
    "PIX_ERRADO": engano.pix_errado,
    "QR_ADULTERADO": recebimento.qr_adulterado,
    "TROCA_CHIP": acesso.troca_chip,
    "FRACIONAMENTO": fracionamento.fracionamento,
    "TESTE_CONTA": acesso.teste_conta,
}
_POR_GOLPE: Final = {
    "TOMADA_CONTA": 2.1, "FALSA_CENTRAL": 1.5, "FALSO_PARENTE": 1.5, "CONTA_LARANJA": 10.0, "COACAO": 2.65,
    "PIX_ERRADO": 1.0, "QR_ADULTERADO": 6.4, "TROCA_CHIP": 2.1, "FRACIONAMENTO": 5.0, "TESTE_CONTA": 2.0,
}
"""Pagamentos fraudulentos que um golpe rende, em média."""


def gerar(cenario: Cenario, mistura: tuple[tuple[str, float], ...], pagamentos: float) -> Tabela:
    """Golpes que somam perto de `pagamentos` fraudulentos, na proporção da mistura."""
    total = sum(peso for _, peso in mistura)
    partes = []
    for nome in TIPOLOGIAS:
        peso = dict(mistura).get(nome, 0.0)
        esperado = pagamentos * peso / total / _POR_GOLPE[nome]
        quantos = int(esperado) + int(cenario.rng.random() < esperado - int(esperado))
        if quantos:
            partes.append(GERADORES[nome](cenario, quantos))
    golpes = lote.juntar(partes)
    ruim = cenario.economia.impossivel(golpes["pagador"], golpes["recebedor"], golpes["instante"])
    return golpes[~ruim & (golpes["instante"] >= np.int64(cenario.de_us))]
