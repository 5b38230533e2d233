"""O dia a dia: compras, contas de consumo, transferências entre conhecidos e a parentes, na hora de cada um."""

from __future__ import annotations

from typing import Final

import numpy as np

from ingestao.simulador import lote, valores
from ingestao.simulador.calendario import instantes_com_ritmo
from ingestao.simulador.economia import Economia
from ingestao.simulador.lote import Inteiros, Relacao, Tabela
from ingestao.simulador.parametros import MINUTO_US

_SEGUIDAS: Final = 0.16
"""Fração dos pagamentos que vem logo depois de outro da mesma pessoa (feira, bar, dia de contas)."""
_PERFIS: Final = 4
_RELACOES: Final = (
    Relacao.COMPRA, Relacao.PESSOAL, Relacao.PESSOAL_INEDITA, Relacao.INTERMEDIARIO, Relacao.PROPRIA,
    Relacao.CONTA_CONSUMO, Relacao.FORNECEDOR,
)
_PESO_PF: Final = np.array([0.50, 0.26, 0.07, 0.04, 0.05, 0.08, 0.0])
_PESO_PJ: Final = np.array([0.14, 0.12, 0.06, 0.01, 0.0, 0.07, 0.60])
_HABITUAL_COMPRA: Final = 0.72
_HABITUAL_FORNECEDOR: Final = 0.8


def gerar(rng: np.random.Generator, economia: Economia, n: int, de_us: int, ate_us: int) -> Tabela:
    """`n` pagamentos de rotina (ou um pouco menos) em [de, ate)."""
    if n <= 0:
        return lote.vazio()
    primeiros = n - round(n * _SEGUIDAS)
    quando, perfil = instantes_com_ritmo(rng, primeiros, de_us, ate_us)
    pagador = _pagadores(rng, economia, quando, perfil)
    de_quem = rng.integers(0, primeiros, n - primeiros)
    depois = quando[de_quem] + lote.lognormal(rng, 9 * MINUTO_US, 1.1, n - primeiros).astype(np.int64)
    quando = np.concatenate([quando, np.where(depois < ate_us, depois, quando[de_quem])])
    pagador = np.concatenate([pagador, pagador[de_quem]])
    relacao = _relacoes(rng, economia, pagador)
    recebedor = _recebedores(rng, economia, pagador, relacao, quando)
    valor = valores.sortear(rng, economia, pagador, recebedor, relacao)
    return lote.novo(quando, pagador, recebedor, valor, relacao)


def _pagadores(rng: np.random.Generator, economia: Economia, quando: Inteiros, perfil: Inteiros) -> Inteiros:
    p = economia.populacao
    pagador = np.empty(len(quando), np.int64)
    for numero in range(_PERFIS):
        destes = np.flatnonzero(perfil == numero)
        mascara = (p.perfil == numero) & (p.atividade > 0)
        pagador[destes] = economia.pagadores(rng, len(destes), quando[destes], mascara)
    return pagador


def _relacoes(rng: np.random.Generator, economia: Economia, pagador: Inteiros) -> Inteiros:
    p = economia.populacao
    n = len(pagador)
    codigos = np.array(_RELACOES)
    pessoa = codigos[lote.sorteio_ponderado(rng, np.cumsum(_PESO_PF), n)]
    negocio = codigos[lote.sorteio_ponderado(rng, np.cumsum(_PESO_PJ), n)]
    relacao = np.where(p.pj[pagador], negocio, pessoa)
    sem_propria = (relacao == Relacao.PROPRIA) & (p.propria[pagador] < 0)
    return np.where(sem_propria, Relacao.PESSOAL, relacao)


def _recebedores(
    rng: np.random.Generator, economia: Economia, pagador: Inteiros, relacao: Inteiros, quando: Inteiros
) -> Inteiros:
    p = economia.populacao
    recebedor = np.empty(len(pagador), np.int64)
    grupos = {
        Relacao.COMPRA: "lojas", Relacao.PESSOAL: "pessoas", Relacao.PESSOAL_INEDITA: "fisicas",
        Relacao.INTERMEDIARIO: "intermediarios", Relacao.PROPRIA: "pessoas", Relacao.CONTA_CONSUMO: "consumo",
        Relacao.FORNECEDOR: "empresas",
    }  # fmt: skip
    for codigo, grupo in grupos.items():
        destes = np.flatnonzero(relacao == codigo)
        recebedor[destes] = economia.recebedores(rng, grupo, pagador[destes], quando[destes])
    n = len(pagador)
    habitual = np.where(relacao == Relacao.COMPRA, lote.chance(rng, n, _HABITUAL_COMPRA), relacao == Relacao.PESSOAL)
    habitual |= (relacao == Relacao.FORNECEDOR) & lote.chance(rng, n, _HABITUAL_FORNECEDOR)
    lista = np.where((relacao == Relacao.COMPRA), economia.preferidos(rng, p.lojas, pagador),
                     economia.preferidos(rng, p.contatos, pagador))  # fmt: skip
    lista = np.where(relacao == Relacao.PROPRIA, p.propria[pagador], lista)
    habitual |= relacao == Relacao.PROPRIA
    possivel = ~economia.impossivel(pagador, lista, quando)
    return np.where(habitual & possivel, lista, recebedor)
