"""A economia em movimento: a população mais os sorteios de quem paga e quem recebe em cada instante."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from ingestao.simulador import lote
from ingestao.simulador.contas import Papel, Populacao
from ingestao.simulador.lote import Inteiros, Logicos, Reais
from ingestao.simulador.parametros import Parametros

_TENTATIVAS: Final = 6
_EMPRESAS: Final = 0.09
_PEQUENA: Final = 12.0
"""Procura abaixo da qual uma conta recebe pouco: de gente comum a lojas de bairro."""
_PREFERENCIA: Final = np.cumsum(1.0 / np.arange(1, 11) ** 1.1)
"""Quanto se volta ao primeiro conhecido mais que ao décimo."""


@dataclass(frozen=True)
class Economia:
    """O que rotina e golpes consultam: parâmetros, semente e população (que não mudam durante um bloco)."""

    parametros: Parametros
    semente: int
    populacao: Populacao

    @cached_property
    def grupos(self) -> dict[str, Logicos]:
        """Os conjuntos de contas de que se sorteia um recebedor, como máscaras."""
        papel, pj = self.populacao.papel, self.populacao.pj
        return {
            "lojas": np.isin(papel, (Papel.LOJA, Papel.AUTONOMO)),
            "pessoas": papel <= Papel.AUTONOMO,
            "fisicas": ~pj,
            "empresas": np.isin(papel, (Papel.EMPRESA, Papel.LOJA)),
            "consumo": papel == Papel.CONSUMO,
            "intermediarios": papel == Papel.INTERMEDIARIO,
            "pequenas": (papel <= Papel.EMPRESA) & (self.populacao.procura < _PEQUENA),
            "quaisquer": papel < Papel.CONSUMO,
        }

    @cached_property
    def _acumulados(self) -> dict[tuple[str, bool], tuple[Inteiros, Reais]]:
        saida = {}
        for nome, grupo in self.grupos.items():
            for so_nossas in (False, True):
                onde = np.flatnonzero(grupo & self.populacao.nossa) if so_nossas else np.flatnonzero(grupo)
                saida[nome, so_nossas] = onde, np.cumsum(self.populacao.procura[onde])
        return saida

    def recebedores(self, rng: np.random.Generator, grupo: str, pagador: Inteiros, instante: Inteiros) -> Inteiros:
        """Um recebedor do grupo por pagamento: já aberto, visível para nós e diferente do pagador."""
        fora = ~self.populacao.nossa[pagador]
        escolha = np.empty(len(pagador), np.int64)
        faltam = np.arange(len(pagador))
        for _ in range(_TENTATIVAS):
            for so_nossas in (False, True):
                destes = faltam[fora[faltam] == so_nossas]
                onde, acumulado = self._acumulados[grupo, so_nossas]
                escolha[destes] = onde[lote.sorteio_ponderado(rng, acumulado, len(destes))]
            ruim = self.impossivel(pagador[faltam], escolha[faltam], instante[faltam])
            faltam = faltam[ruim]
            if not len(faltam):
                break
        return escolha

    def preferidos(self, rng: np.random.Generator, lista: npt.NDArray[np.int32], quem: Inteiros) -> Inteiros:
        """Um nome da lista (contas, 10) de cada pagador, quase sempre dos primeiros."""
        return np.asarray(lista[quem, lote.sorteio_ponderado(rng, _PREFERENCIA, len(quem))], dtype=np.int64)

    def impossivel(self, pagador: Inteiros, recebedor: Inteiros, instante: Inteiros) -> Logicos:
        """Pares que não podem acontecer: conta ainda fechada, a mesma conta, ou nenhuma das pontas nossa."""
        p = self.populacao
        fechada = (p.abertura[pagador] > instante) | (p.abertura[recebedor] > instante)
        return np.asarray(fechada | (pagador == recebedor) | ~(p.nossa[pagador] | p.nossa[recebedor]))

    def gente(self, rng: np.random.Generator, n: int, instante: Inteiros) -> Inteiros:
        """Quem vive ocasiões e sofre golpes: pessoas, nossas ou de fora, e às vezes uma empresa."""
        empresa = lote.chance(rng, n, _EMPRESAS)
        pessoas = self.pagadores(rng, n, instante, self.grupos["pessoas"])
        return np.where(empresa, self.pagadores(rng, n, instante, self.grupos["empresas"]), pessoas)

    def pagadores(self, rng: np.random.Generator, n: int, instante: Inteiros, mascara: Logicos) -> Inteiros:
        """Contas da máscara, abertas no instante, sorteadas pela atividade."""
        onde = np.flatnonzero(mascara)
        acumulado = np.cumsum(self.populacao.atividade[onde])
        escolha = onde[lote.sorteio_ponderado(rng, acumulado, n)]
        for _ in range(_TENTATIVAS):
            fechada = np.flatnonzero(self.populacao.abertura[escolha] > instante)
            if not len(fechada):
                break
            escolha[fechada] = onde[lote.sorteio_ponderado(rng, acumulado, len(fechada))]
        return np.asarray(escolha)
