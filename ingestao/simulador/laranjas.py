"""As contas que recebem golpes: gente e empresas comuns da população, cada uma por um tempo.

Surgem ao longo do calendário (uma leva por coorte), algumas recém-abertas e outras antigas, e várias servem a muitos
golpes antes de serem abandonadas: é por isso que o risco conhecido tarde ainda ajuda.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ingestao.simulador import lote
from ingestao.simulador.contas import Papel, Populacao
from ingestao.simulador.economia import Economia
from ingestao.simulador.lote import Inteiros
from ingestao.simulador.parametros import DIA_US, Parametros
from ingestao.simulador.populacao import COORTE_DIAS

_POR_DIA: Final = 0.00095
"""Laranjas novas por conta e dia: com vida mediana de 6 dias, umas 0,8 % das contas estão em uso."""
_VIDA_DIAS: Final = 6.0
_EMPRESAS: Final = 0.22
_JOVENS: Final = 0.34
_JOVEM_DIAS: Final = 75
_AVULSAS: Final = 0.30
"""Fração dos golpes cujo recebedor é usado uma vez só."""
_OLHAR_DIAS: Final = 40
_TENTATIVAS: Final = 12
_PROCURA_PEQUENA: Final = 12.0


@dataclass(frozen=True)
class Laranjas:
    """Contas (posições), início e fim de uso em µs, em ordem de início."""

    conta: Inteiros
    inicio: Inteiros
    fim: Inteiros

    def escolher(
        self, rng: np.random.Generator, economia: Economia, quando: Inteiros, pagador: Inteiros, *, nova: bool = True
    ) -> Inteiros:
        """Um recebedor de golpe por pagamento: uma laranja em uso ou, se `nova`, às vezes uma conta avulsa."""
        n = len(quando)
        escolha = economia.recebedores(rng, "pequenas", pagador, quando)
        faltam = np.flatnonzero(~lote.chance(rng, n, _AVULSAS if nova else 0.0))
        ate = np.searchsorted(self.inicio, quando, side="right")
        desde = np.searchsorted(self.inicio, quando - _OLHAR_DIAS * DIA_US)
        for _ in range(_TENTATIVAS):
            faltam = faltam[ate[faltam] > desde[faltam]]
            sorte = desde[faltam] + (rng.random(len(faltam)) * (ate[faltam] - desde[faltam])).astype(np.int64)
            conta = self.conta[sorte]
            serve = (self.fim[sorte] > quando[faltam]) & ~economia.impossivel(pagador[faltam], conta, quando[faltam])
            escolha[faltam[serve]] = conta[serve]
            faltam = faltam[~serve]
        return escolha


def criar(parametros: Parametros, semente: int, populacao: Populacao, ate_us: int) -> Laranjas:
    """As laranjas que entram em uso até `ate_us`; pedir mais tempo não muda as primeiras."""
    coortes = max(1, -(-(ate_us - parametros.inicio_us) // (COORTE_DIAS * DIA_US)))
    levas = [
        _leva(np.random.default_rng([semente, 2, c + 1]), parametros, populacao, c) for c in range(-1, int(coortes))
    ]
    conta, inicio, fim = (np.concatenate(coluna) for coluna in zip(*levas, strict=True))
    ordem = np.argsort(inicio, kind="stable")
    return Laranjas(conta[ordem], inicio[ordem], fim[ordem])


def _leva(
    rng: np.random.Generator, parametros: Parametros, p: Populacao, coorte: int
) -> tuple[Inteiros, Inteiros, Inteiros]:
    n = max(4, round(parametros.contas * _POR_DIA * COORTE_DIAS))
    de_us = parametros.inicio_us + coorte * COORTE_DIAS * DIA_US
    inicio = np.sort(de_us + (rng.random(n) * COORTE_DIAS * DIA_US).astype(np.int64))
    aberta = p.abertura <= de_us
    pequena = aberta & (p.procura < _PROCURA_PEQUENA)
    pessoa = pequena & (p.papel <= Papel.AUTONOMO)
    empresa = pequena & np.isin(p.papel, (Papel.LOJA, Papel.EMPRESA))
    jovem = pessoa & (p.abertura > de_us - _JOVEM_DIAS * DIA_US)
    tipo = rng.choice(3, n, p=[1 - _EMPRESAS - _JOVENS, _EMPRESAS, _JOVENS])
    conta = np.zeros(n, np.int64)
    for codigo, grupo in enumerate((pessoa, empresa, jovem)):
        onde = np.flatnonzero(grupo if grupo.any() else pessoa)
        sorteadas = onde[lote.sorteio_ponderado(rng, np.cumsum(np.sqrt(p.procura[onde])), n)]
        conta = np.where(tipo == codigo, sorteadas, conta)
    fim = inicio + (lote.lognormal(rng, _VIDA_DIAS, 0.8, n) * DIA_US).astype(np.int64)
    return conta, inicio, fim
