"""Golpes em que outro opera a conta: tomada de conta, troca de chip e teste antes do saque."""

from __future__ import annotations

import numpy as np

from ingestao.simulador import lote, valores
from ingestao.simulador.lote import Tabela
from ingestao.simulador.parametros import MINUTO_US
from ingestao.simulador.tipologias.comum import Cenario, bolso, golpe, serie


def tomada_conta(c: Cenario, n: int) -> Tabela:
    """Rajada de 1 a 4 envios em minutos, à noite mais vezes; aparelho alheio, mão fantasma ou celular roubado."""
    quando = c.momentos_noturnos(n, 0.25)
    vitima = c.vitimas(quando)
    return _rajada(c, "TOMADA_CONTA", quando, vitima, alheio=0.38, senha=0.26, chip=0.03, remoto=0.20)


def troca_chip(c: Cenario, n: int) -> Tabela:
    """A linha foi para outro chip, a senha veio por SMS, e o dinheiro sai de um aparelho que a conta nunca viu."""
    quando = c.momentos_noturnos(n, 0.15)
    vitima = c.vitimas(quando)
    return _rajada(c, "TROCA_CHIP", quando, vitima, alheio=0.58, senha=0.42, chip=0.46, remoto=0.02)


def teste_conta(c: Cenario, n: int) -> Tabela:
    """Um Pix de centavos a um destino inédito e, em menos de 30 minutos, o que importa."""
    quando = c.momentos(n)
    vitima = c.vitimas(quando)
    destino = c.laranjas.escolher(c.rng, c.economia, quando, vitima)
    campanha = c.numerar(n)
    aparelho, dias = c.aparelhos(n, 0.35)
    sinais = {"campanha": campanha, "aparelho": aparelho, "aparelho_dias": dias, "senha": c.sinal(n, 0.2)}
    depois = quando + (c.rng.uniform(1.0, 29.0, n) * MINUTO_US).astype(np.int64)
    valor = valores.arredondar(c.rng, bolso(c, vitima, 1_100, 1.2), 0.4)
    return lote.juntar([
        golpe("TESTE_CONTA", quando, vitima, destino, valores.miudos(c.rng, n), **sinais),
        golpe("TESTE_CONTA", depois, vitima, destino, valor, **sinais),
    ])


def _rajada(
    c: Cenario, tipologia: str, quando: np.ndarray, vitima: np.ndarray, *, alheio: float, senha: float, chip: float,
    remoto: float,
) -> Tabela:
    n = len(quando)
    vezes = c.rng.choice([1, 2, 3, 4], n, p=[0.36, 0.32, 0.20, 0.12])
    grupo, ordem = serie(vezes)
    m = len(grupo)
    campanha = c.numerar(n)
    aparelho, dias = c.aparelhos(n, alheio)
    intervalo = lote.lognormal(c.rng, 5 * MINUTO_US, 0.9, m)
    hora = quando[grupo] + (ordem * intervalo).astype(np.int64)
    unico = c.laranjas.escolher(c.rng, c.economia, quando, vitima)
    outro = c.laranjas.escolher(c.rng, c.economia, hora, vitima[grupo])
    destino = np.where(c.chance(m, 0.65), unico[grupo], outro)
    valor = valores.arredondar(c.rng, bolso(c, vitima, 850, 1.25)[grupo] * c.rng.uniform(0.5, 1.3, m), 0.35)
    por_conta = {
        "campanha": campanha, "aparelho": aparelho, "aparelho_dias": dias,
        "senha": c.sinal(n, senha), "chip": c.sinal(n, chip), "acesso_remoto": c.sinal(n, remoto),
        "falhas": c.sinal(n, 0.3, c.rng.integers(1, 5, n)), "limite": c.sinal(n, 0.12, c.rng.integers(0, 40, n)),
    }  # fmt: skip
    sinais = {nome: coluna[grupo] for nome, coluna in por_conta.items()}
    return golpe(tipologia, hora, vitima[grupo], destino, valor, colou=c.sinal(m, 0.35), **sinais)
