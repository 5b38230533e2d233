"""Fracionamento: uma série logo abaixo de um limite, em intervalo regular, ao mesmo destino ou a destinos irmãos."""

from __future__ import annotations

import numpy as np

from ingestao.simulador import lote, valores
from ingestao.simulador.lote import Tabela
from ingestao.simulador.parametros import MINUTO_US
from ingestao.simulador.tipologias.comum import Cenario, golpe, serie


def fracionamento(c: Cenario, n: int) -> Tabela:
    """Três a sete envios; um terço perto de R$ 1.000, um terço perto de R$ 200, um terço em partes quaisquer."""
    quando = c.momentos_noturnos(n, 0.2)
    vitima = c.vitimas(quando)
    grupo, ordem = serie(c.rng.integers(3, 8, n))
    m = len(grupo)
    passo = lote.lognormal(c.rng, 6 * MINUTO_US, 0.9, n)
    hora = quando[grupo] + (ordem * passo[grupo] * c.rng.uniform(0.8, 1.2, m)).astype(np.int64)
    irmaos = np.stack([c.laranjas.escolher(c.rng, c.economia, quando, vitima) for _ in range(2)])
    destino = irmaos[(c.chance(m, 0.3)).astype(np.int64), grupo]
    tipo = c.rng.integers(0, 3, n)
    parte = np.choose(tipo, [
        c.rng.uniform(72_000, 100_000, n), c.rng.uniform(12_000, 20_000, n), lote.lognormal(c.rng, 70_000, 1.2, n),
    ])  # fmt: skip
    valor = valores.arredondar(c.rng, parte[grupo] * c.rng.uniform(0.9, 1.0, m), 0.5)
    aparelho, dias = c.aparelhos(n, 0.3)
    return golpe("FRACIONAMENTO", hora, vitima[grupo], destino, valor, campanha=c.numerar(n)[grupo],
                 aparelho=aparelho[grupo], aparelho_dias=dias[grupo], senha=c.sinal(n, 0.2)[grupo])  # fmt: skip
