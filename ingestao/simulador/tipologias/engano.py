"""Golpes em que a própria vítima paga: falsa central, falso parente e Pix errado."""

from __future__ import annotations

import numpy as np

from ingestao.simulador import lote, valores
from ingestao.simulador.lote import Relacao, Tabela
from ingestao.simulador.parametros import HORA_US, MINUTO_US, NOMES_TIPOLOGIA
from ingestao.simulador.tipologias.comum import Cenario, bolso, golpe, serie


def falsa_central(c: Cenario, n: int) -> Tabela:
    """Ligação do falso banco: sessão longa, um a três envios seguidos, valor alto e quebrado, aparelho de sempre."""
    quando = c.momentos(n)
    vitima = c.vitimas(quando, idosas=0.5)
    grupo, ordem = serie(c.rng.choice([1, 2, 3], n, p=[0.6, 0.27, 0.13]))
    m = len(grupo)
    hora = quando[grupo] + (ordem * lote.lognormal(c.rng, 9 * MINUTO_US, 0.7, m)).astype(np.int64)
    unico = c.laranjas.escolher(c.rng, c.economia, quando, vitima)
    destino = np.where(c.chance(m, 0.7), unico[grupo], c.laranjas.escolher(c.rng, c.economia, hora, vitima[grupo]))
    valor = valores.arredondar(c.rng, bolso(c, vitima, 1_200, 1.25)[grupo] * c.rng.uniform(0.6, 1.4, m), 0.15)
    fala, remoto = c.sinal(n, 0.34), c.sinal(n, 0.12)
    return golpe(
        "FALSA_CENTRAL", hora, vitima[grupo], destino, valor, campanha=c.numerar(n)[grupo], chamada=fala[grupo],
        acesso_remoto=remoto[grupo], colou=c.sinal(m, 0.3), demora=c.sinal(m, 0.45, c.rng.integers(120, 400, m)),
        limite=c.sinal(n, 0.1, c.rng.integers(0, 48, n))[grupo],
    )  # fmt: skip


def falso_parente(c: Cenario, n: int) -> Tabela:
    """"Mãe, troquei de número": um a três envios crescentes a uma pessoa sem relação, em horas."""
    quando = c.momentos(n)
    vitima = c.vitimas(quando, idosas=0.35)
    grupo, ordem = serie(c.rng.choice([1, 2, 3], n, p=[0.62, 0.26, 0.12]))
    m = len(grupo)
    hora = quando[grupo] + (ordem * lote.lognormal(c.rng, 38 * MINUTO_US, 0.9, m)).astype(np.int64)
    destino = c.laranjas.escolher(c.rng, c.economia, quando, vitima)
    crescente = bolso(c, vitima, 620, 0.95)[grupo] * (1.0 + 0.5 * ordem)
    valor = valores.arredondar(c.rng, crescente * c.rng.uniform(0.85, 1.15, m), 0.55)
    return golpe("FALSO_PARENTE", hora, vitima[grupo], destino[grupo], valor, campanha=c.numerar(n)[grupo],
                 colou=c.sinal(m, 0.35), demora=c.sinal(m, 0.2, c.rng.integers(110, 260, m)))  # fmt: skip


def pix_errado(c: Cenario, n: int) -> Tabela:
    """Chega um Pix de estranho; a vítima "devolve" a outra conta; depois o estranho contesta o primeiro."""
    quando = c.momentos(n)
    vitima = c.vitimas(quando)
    estranho = c.economia.pagadores(c.rng, n, quando, c.economia.grupos["fisicas"])
    valor = valores.arredondar(c.rng, lote.lognormal(c.rng, 32_000, 1.1, n), 0.6)
    depois = quando + np.minimum(lote.lognormal(c.rng, 75 * MINUTO_US, 1.2, n), 30 * HORA_US).astype(np.int64)
    destino = c.laranjas.escolher(c.rng, c.economia, depois, vitima)
    campanha = c.numerar(n)
    isca = lote.novo(quando, estranho, vitima, valor, Relacao.PESSOAL_INEDITA, campanha=campanha,
                     tipologia=NOMES_TIPOLOGIA.index("PIX_ERRADO"))  # fmt: skip
    volta = golpe("PIX_ERRADO", depois, vitima, destino, valor, campanha=campanha, colou=c.sinal(n, 0.3))
    return lote.juntar([isca, volta])
