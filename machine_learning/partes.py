"""As partes de um detector em serviço: cada uma dá a margem (log-chances) de uma linha e de onde ela veio."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from machine_learning import arvores, caixas, mascaras
from machine_learning.calibracao import logito

Reais = NDArray[np.float64]
SUAVIZACAO: Final = 1e-4
"""O que se soma às duas chances de uma floresta: cem árvores unânimes não valem certeza."""


class Parte(Protocol):
    """Uma parcela da pontuação."""

    def margem(self, x: Reais) -> Reais:
        """Log-chances, float64 (n,)."""

    def contribuicoes(self, x: Reais) -> Reais:
        """Float64 (n, colunas): somam `margem` menos uma constante."""


@dataclass(frozen=True)
class DoBoosting:
    """Boosting: as árvores somam log-chances sobre uma base."""

    bosque: arvores.Bosque
    inicial: float

    def margem(self, x: Reais) -> Reais:
        """Log-chances, float64 (n,)."""
        folhas = arvores.somar(self.bosque, x) if self._mascaras is None else mascaras.somar(self._mascaras, x)
        return np.asarray(folhas + self.inicial, np.float64)

    @cached_property
    def _mascaras(self) -> mascaras.Mascaras | None:
        return mascaras.de_bosque(self.bosque) if mascaras.cabe(self.bosque) else None

    @cached_property
    def _caixas(self) -> caixas.Caixas:
        return caixas.caixas(self.bosque)

    def contribuicoes(self, x: Reais) -> Reais:
        """Valores de Shapley da margem."""
        return caixas.contribuicoes(self._caixas, x)


@dataclass(frozen=True)
class DaFloresta:
    """Floresta: as árvores somam probabilidade; a margem é seu logito suavizado."""

    bosque: arvores.Bosque

    def margem(self, x: Reais) -> Reais:
        """Log-chances, float64 (n,)."""
        return _margem(arvores.somar(self.bosque, x))

    @cached_property
    def _caixas(self) -> caixas.Caixas:
        return caixas.caixas(self.bosque)

    @cached_property
    def _base(self) -> float:
        return caixas.base(self._caixas)

    def contribuicoes(self, x: Reais) -> Reais:
        """Valores de Shapley da probabilidade, reescalados linha a linha para somar a margem menos a da base."""
        phi = caixas.contribuicoes(self._caixas, x)
        p = arvores.somar(self.bosque, x)
        base = np.full_like(p, self._base)
        distancia = p - base
        longe = np.abs(distancia) > SUAVIZACAO**2
        declive = 1.0 / ((base + SUAVIZACAO) * (1.0 - base + SUAVIZACAO))
        escala = np.where(longe, (_margem(p) - _margem(base)) / np.where(longe, distancia, 1.0), declive)
        return phi * escala[:, None]


@dataclass(frozen=True)
class DaLogistica:
    """Logística: margem linear no que foi imputado e posto em escala."""

    encanamento: Any

    def margem(self, x: Reais) -> Reais:
        """Log-chances, float64 (n,)."""
        return np.asarray(self.encanamento.decision_function(x), np.float64)

    def contribuicoes(self, x: Reais) -> Reais:
        """Coeficiente vezes a distância à média do treino; o indicador de nulo soma-se à sua coluna."""
        nulos, escala, modelo = (self.encanamento.named_steps[n] for n in ("nulos", "escala", "logistica"))
        termos = escala.transform(nulos.transform(x)) * modelo.coef_[0]
        saida = np.array(termos[:, : x.shape[1]], np.float64)
        saida[:, nulos.indicator_.features_] += termos[:, x.shape[1] :]
        return saida


def montar(nome: str, estimador: Any) -> Parte:
    """A parte que serve um estimador ajustado."""
    if nome == "boosting":
        return DoBoosting(arvores.de_boosting(estimador), float(np.ravel(estimador._baseline_prediction)[0]))  # noqa: SLF001
    if nome == "logistica":
        return DaLogistica(estimador)
    return DaFloresta(arvores.de_floresta(estimador))


def _margem(p: Reais) -> Reais:
    return logito((p + SUAVIZACAO) / (1.0 + 2.0 * SUAVIZACAO))
