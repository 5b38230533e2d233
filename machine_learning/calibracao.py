"""Calibração: da pontuação bruta, que só ordena, a uma probabilidade que se pode comparar com dinheiro.

O mapa é monótono, barato e separado da pontuação: trocar a calibração não muda a ordem dos alertas. Ajusta-se em um
trecho posterior ao do treino e escolhe-se entre três formas pela perda logarítmica na metade final desse trecho.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

Reais = NDArray[np.float64]
FORMAS: Final = ("sigmoide", "beta", "isotonica")
MARGEM: Final = 1e-9
"""Distância mínima de 0 e 1 antes de um logaritmo."""
_MINIMO_POSITIVOS_ISOTONICA: Final = 50


def logito(p: Reais) -> Reais:
    """ln(p / (1 - p)), com p afastado de 0 e 1."""
    seguro = np.clip(p, MARGEM, 1.0 - MARGEM)
    return np.asarray(np.log(seguro) - np.log1p(-seguro), np.float64)


def logistica(z: Reais) -> Reais:
    """1 / (1 + e^-z), sem estouro."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * z)), np.float64)


@dataclass(frozen=True)
class Calibrador:
    """Um mapa monótono de [0, 1] em [0, 1].

    Args:
        forma: `identidade`, `sigmoide`, `beta` (parâmetros lineares) ou `isotonica` (pares x, y interpolados).
        parametros: sigmoide (a, b); beta (a, b, c); isotonica: os x e depois os y.
    """

    forma: str = "identidade"
    parametros: tuple[float, ...] = ()

    def aplicar(self, bruta: Reais) -> Reais:
        """Probabilidades calibradas, float64 da forma de `bruta`; NaN continua NaN."""
        p = np.asarray(bruta, np.float64)
        if self.forma == "identidade":
            return p
        if self.forma == "isotonica":
            n = len(self.parametros) // 2
            return np.where(np.isnan(p), np.nan, np.interp(p, self.parametros[:n], self.parametros[n:]))
        *coeficientes, intercepto = self.parametros
        return logistica(_colunas(self.forma, p) @ np.array(coeficientes) + intercepto)

    def para_dict(self) -> dict[str, Any]:
        """Como viaja nos metadados do modelo."""
        return {"forma": self.forma, "parametros": list(self.parametros)}

    @staticmethod
    def de_dict(dados: dict[str, Any]) -> Calibrador:
        """O inverso de `para_dict`."""
        return Calibrador(str(dados["forma"]), tuple(float(v) for v in dados["parametros"]))


def _colunas(forma: str, p: Reais) -> Reais:
    if forma == "sigmoide":
        return logito(p)[:, None]
    seguro = np.clip(p, MARGEM, 1.0 - MARGEM)
    return np.column_stack([np.log(seguro), -np.log1p(-seguro)])


def ajustar(forma: str, bruta: Reais, y: NDArray[np.int8]) -> Calibrador:
    """Ajusta uma forma. A beta que sairia decrescente em algum ramo volta à sigmoide; sem as duas classes, identidade.

    Fonte: Platt (1999); Kull, Silva Filho e Flach (2017), beta; Zadrozny e Elkan (2002), isotônica.
    """
    if np.unique(y).size < 2:  # noqa: PLR2004 — duas classes
        return Calibrador()
    if forma == "isotonica":
        iso = IsotonicRegression(out_of_bounds="clip", y_min=0.0, y_max=1.0).fit(bruta, y)
        return Calibrador("isotonica", (*map(float, iso.X_thresholds_), *map(float, iso.y_thresholds_)))
    modelo = LogisticRegression(C=1e6, max_iter=1_000).fit(_colunas(forma, bruta), y)
    coeficientes = modelo.coef_[0]
    if forma == "beta" and (coeficientes < 0).any():
        return ajustar("sigmoide", bruta, y)
    if coeficientes[0] <= 0:  # a nota não separa nada: o mapa não pode inverter a ordem
        return Calibrador("sigmoide", (1e-3, float(logito(np.array([y.mean()]))[0])))
    return Calibrador(forma, (*map(float, coeficientes), float(modelo.intercept_[0])))


def perda(p: Reais, y: NDArray[np.int8]) -> float:
    """Perda logarítmica média."""
    seguro = np.clip(p, 1e-6, 1 - 1e-6)
    return float(-(y * np.log(seguro) + (1 - y) * np.log1p(-seguro)).mean())


def escolher(bruta: Reais, y: NDArray[np.int8]) -> tuple[Calibrador, dict[str, float]]:
    """Ajusta cada forma na primeira metade, mede na segunda, refaz a melhor com tudo; devolve também as perdas.

    As linhas vêm em ordem de tempo. A isotônica só concorre com fraudes bastantes para não decorar degraus.
    """
    meio = bruta.size // 2
    perdas: dict[str, float] = {}
    for forma in FORMAS:
        if forma == "isotonica" and y[:meio].sum() < _MINIMO_POSITIVOS_ISOTONICA:
            continue
        perdas[forma] = perda(ajustar(forma, bruta[:meio], y[:meio]).aplicar(bruta[meio:]), y[meio:])
    melhor = min(perdas, key=lambda forma: perdas[forma])
    return ajustar(melhor, bruta, y), perdas
