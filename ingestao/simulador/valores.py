"""Quanto se paga: a mesma distribuição de valores serve à rotina e aos golpes que a imitam."""

from __future__ import annotations

from typing import Final

import numpy as np

from ingestao.simulador import lote
from ingestao.simulador.economia import Economia
from ingestao.simulador.lote import Inteiros, Reais, Relacao

_MEDIANA: Final = np.array([42.0, 70.0, 75.0, 60.0, 420.0, 125.0, 780.0, 160.0, 2_300.0, 6_500.0, 300.0])
_SIGMA: Final = np.array([0.85, 1.25, 1.35, 1.15, 1.40, 0.75, 1.45, 0.90, 0.60, 1.00, 0.8])
"""Mediana (R$) e dispersão do logaritmo, na ordem de `Relacao`. Fonte: pix.md 6.2 (PF: 93 % abaixo de R$ 200)."""
_ARREDONDA: Final = np.array([0.18, 0.62, 0.60, 0.85, 0.70, 0.04, 0.30, 0.10, 0.05, 0.70, 0.0])
_DEGRAUS: Final = np.array([500, 1_000, 5_000, 10_000, 50_000])
_DEGRAU_MINIMO: Final = 0.12


def sortear(
    rng: np.random.Generator, economia: Economia, pagador: Inteiros, recebedor: Inteiros, relacao: Inteiros
) -> Inteiros:
    """Valores em centavos: o nível da relação, o bolso de quem paga e o preço de quem recebe."""
    p = economia.populacao
    n = len(pagador)
    nivel = np.log(_MEDIANA[relacao] * 100) + _SIGMA[relacao] * rng.standard_normal(n)
    nivel += p.gasto[pagador] + np.where(p.pj[recebedor], 0.6 * p.bilhete[recebedor], 0.0)
    nivel += np.where(p.pj[pagador] & (relacao != Relacao.FORNECEDOR), 0.5, 0.0)
    centavos = arredondar(rng, np.exp(nivel), _ARREDONDA[relacao])
    pequeno = lote.chance(rng, n, np.where(np.isin(relacao, (1, 2, 3)), 0.018, 0.002))
    return np.where(pequeno, miudos(rng, n), centavos)


def miudos(rng: np.random.Generator, n: int) -> Inteiros:
    """De R$ 0,01 a R$ 5: testes, brindes e brincadeiras, quase sempre redondos."""
    return np.asarray(rng.choice([1, 1, 10, 50, 100, 100, 100, 123, 200, 500], n), dtype=np.int64)


def arredondar(rng: np.random.Generator, centavos: Reais, probabilidade: Reais | float) -> Inteiros:
    """Parte dos valores vai ao múltiplo de R$ 5, 10, 50, 100 ou 500 mais próprio ao seu tamanho."""
    degrau = _DEGRAUS[np.clip(np.searchsorted(_DEGRAUS, centavos * _DEGRAU_MINIMO), 0, len(_DEGRAUS) - 1)]
    redondo = np.maximum(np.rint(centavos / degrau), 1) * degrau
    arredonda = lote.chance(rng, len(centavos), probabilidade)
    return np.maximum(np.where(arredonda, redondo, np.rint(centavos)), 1).astype(np.int64)
