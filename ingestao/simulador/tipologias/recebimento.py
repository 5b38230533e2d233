"""Golpes que se veem do lado de quem recebe: conta laranja com repasse rápido e QR adulterado."""

from __future__ import annotations

import numpy as np

from ingestao.simulador import lote, valores
from ingestao.simulador.lote import Relacao, Tabela
from ingestao.simulador.parametros import HORA_US, MINUTO_US
from ingestao.simulador.tipologias.comum import Cenario, golpe, serie

_QRES: int = 2
"""Posição de QRES em `observacao.FORMAS`."""
REPASSE_MINIMO: float = 0.8


def conta_laranja(c: Cenario, n: int) -> Tabela:
    """Vários pagadores inéditos em um a três dias; de cada entrada, ao menos 80 % sai em minutos a outras contas."""
    quando = c.momentos(n)
    agente = c.vitimas(quando)
    conta = c.laranjas.escolher(c.rng, c.economia, quando, agente, nova=False)
    grupo, _ = serie(c.rng.integers(2, 9, n))
    m = len(grupo)
    hora = quando[grupo] + (c.rng.beta(1.0, 2.0, m) * 60 * HORA_US).astype(np.int64)
    campanha = c.numerar(n)[grupo]
    vitima = c.economia.pagadores(c.rng, m, hora, c.economia.grupos["fisicas"])
    valor = valores.arredondar(c.rng, lote.lognormal(c.rng, 38_000, 1.3, m), 0.5)
    entrada = golpe("CONTA_LARANJA", hora, vitima, conta[grupo], valor, campanha=campanha, colou=c.sinal(m, 0.2))
    entrada = entrada[~c.economia.impossivel(entrada["pagador"], entrada["recebedor"], entrada["instante"])]
    return lote.juntar([entrada, _repasse(c, entrada)])


def _repasse(c: Cenario, entrada: Tabela) -> Tabela:
    """A saída de cada entrada, em uma ou duas partes que somam de 80 % a 99 % dela."""
    grupo, _ = serie(c.rng.choice([1, 2], len(entrada), p=[0.75, 0.25]))
    m = len(grupo)
    partes = np.bincount(grupo, minlength=len(entrada))[grupo]
    conta = entrada["recebedor"][grupo].astype(np.int64)
    espera = np.minimum(lote.lognormal(c.rng, 14 * MINUTO_US, 0.9, m), 110 * MINUTO_US)
    hora = entrada["instante"][grupo] + espera.astype(np.int64)
    fracao = c.rng.uniform(REPASSE_MINIMO + 0.01, 0.99, len(entrada))[grupo]
    valor = np.ceil(entrada["valor"][grupo] * fracao / partes)
    destino = c.laranjas.escolher(c.rng, c.economia, hora, conta)
    saida = golpe("CONTA_LARANJA", hora, conta, destino, valor, campanha=entrada["campanha"][grupo])
    return saida[~c.economia.impossivel(saida["pagador"], saida["recebedor"], saida["instante"])]


def qr_adulterado(c: Cenario, n: int) -> Tabela:
    """Um QR colado por cima do verdadeiro: por uns dias, fregueses pagam valores de compra à conta errada."""
    quando = c.momentos(n)
    agente = c.vitimas(quando)
    conta = c.laranjas.escolher(c.rng, c.economia, quando, agente)
    grupo, _ = serie(c.rng.integers(3, 13, n))
    m = len(grupo)
    hora = quando[grupo] + (c.rng.beta(1.0, 1.6, m) * 72 * HORA_US).astype(np.int64)
    freguesa = c.economia.pagadores(c.rng, m, hora, c.economia.grupos["fisicas"])
    ticket = lote.lognormal(c.rng, 11_000, 0.8, n)
    valor = valores.arredondar(c.rng, ticket[grupo] * np.exp(0.35 * c.rng.standard_normal(m)), 0.2)
    forma = np.where(c.chance(m, 0.7), _QRES, lote.COMUM)
    return golpe("QR_ADULTERADO", hora, freguesa, conta[grupo], valor, relacao=Relacao.COMPRA,
                 campanha=c.numerar(n)[grupo], forma=forma)  # fmt: skip
