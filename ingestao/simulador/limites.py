"""Os limites que o participante aplica antes de a ordem existir: valem para todos, honestos ou não."""

from __future__ import annotations

from typing import Final

import numpy as np

from ingestao.simulador import lote
from ingestao.simulador.calendario import noturno
from ingestao.simulador.economia import Economia
from ingestao.simulador.lote import Logicos, Tabela

LIMITE_NOTURNO: Final = 100_000
"""Centavos, de pessoa a pessoa entre 20h e 6h, salvo pedido expresso (Res. BCB 142/2021)."""
LIMITE_APARELHO_NOVO: Final = 20_000
"""Centavos por transação em aparelho não cadastrado (Res. BCB 403/2024)."""


def aplicar(rng: np.random.Generator, economia: Economia, pagamentos: Tabela, nao_cadastrado: Logicos | None) -> None:
    """Reduz, no lugar, os valores acima do limite: quem esbarra nele manda perto do que pode."""
    p = economia.populacao
    quem, para = pagamentos["pagador"], pagamentos["recebedor"]
    noite = noturno(pagamentos["instante"]) & ~p.pj[quem] & ~p.pj[para] & ~p.limite_noturno_maior[quem]
    _reduzir(rng, pagamentos, noite & (pagamentos["valor"] > LIMITE_NOTURNO), LIMITE_NOTURNO)
    if nao_cadastrado is not None:
        _reduzir(rng, pagamentos, nao_cadastrado & (pagamentos["valor"] > LIMITE_APARELHO_NOVO), LIMITE_APARELHO_NOVO)


def _reduzir(rng: np.random.Generator, pagamentos: Tabela, quais: Logicos, limite: int) -> None:
    n = int(quais.sum())
    livre = np.floor(limite * rng.uniform(0.4, 1.0, n) / 1_000) * 1_000
    pagamentos["valor"][quais] = np.where(lote.chance(rng, n, 0.4), limite, livre)
