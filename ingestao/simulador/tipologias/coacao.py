"""Sob ameaça: a vítima, em seu próprio aparelho, esvazia a conta à noite, em vários envios."""

from __future__ import annotations

import numpy as np

from ingestao.simulador import lote, valores
from ingestao.simulador.lote import Tabela
from ingestao.simulador.parametros import MINUTO_US
from ingestao.simulador.tipologias.comum import Cenario, bolso, golpe, serie

_LIMITE_NOTURNO: int = 100_000


def coacao(c: Cenario, n: int) -> Tabela:
    """Dois a cinco envios em até hora e meia a uma ou duas contas; biometria válida, nenhum aparelho novo."""
    quando = c.momentos_noturnos(n, 0.5)
    vitima = c.vitimas(quando)
    grupo, ordem = serie(c.rng.choice([1, 2, 3, 4, 5], n, p=[0.2, 0.3, 0.25, 0.15, 0.1]))
    m = len(grupo)
    hora = quando[grupo] + (ordem * lote.lognormal(c.rng, 11 * MINUTO_US, 0.8, m)).astype(np.int64)
    duas = np.stack([c.laranjas.escolher(c.rng, c.economia, quando, vitima) for _ in range(2)])
    destino = duas[(c.chance(m, 0.3)).astype(np.int64), grupo]
    perto = _LIMITE_NOTURNO * c.rng.uniform(0.55, 1.0, m)
    solto = bolso(c, vitima[grupo], 700, 1.1)
    valor = valores.arredondar(c.rng, np.where(c.chance(m, 0.4), perto, solto), 0.6)
    return golpe(
        "COACAO", hora, vitima[grupo], destino, valor, campanha=c.numerar(n)[grupo],
        falhas=c.sinal(n, 0.15, c.rng.integers(1, 3, n))[grupo],
        limite=c.sinal(n, 0.22, c.rng.integers(0, 4, n))[grupo],
    )  # fmt: skip
