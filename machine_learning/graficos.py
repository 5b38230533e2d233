"""As figuras de um modelo, sem tela: precisão-recall, calibração, VDR contra orçamento, tipologias."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve

from machine_learning.avaliacao import curva_vdr

TAMANHO: Final = (6.0, 4.0)
MAXIMO_PONTOS: Final = 2_000
Reais = NDArray[np.float64]


def _figura(titulo: str, x: str, y: str) -> tuple[Figure, Any]:
    figura = Figure(figsize=TAMANHO, layout="constrained")
    eixos = figura.add_subplot()
    eixos.set_title(titulo)
    eixos.set_xlabel(x)
    eixos.set_ylabel(y)
    eixos.grid(alpha=0.3)
    return figura, eixos


def precisao_recall(y: NDArray[np.int8], curvas: dict[str, Reais]) -> Figure:
    """Precisão contra recall de cada candidato, com a taxa base."""
    figura, eixos = _figura("Precisão e recall", "recall", "precisão")
    for nome, nota in curvas.items():
        precisao, recall, _ = precision_recall_curve(y, nota)
        passo = max(1, recall.size // MAXIMO_PONTOS)
        eixos.plot(recall[::passo], precisao[::passo], label=nome)
    eixos.axhline(float(y.mean()), color="gray", linestyle=":", label="taxa base")
    eixos.legend()
    return figura


def calibracao(faixas: Sequence[dict[str, float]]) -> Figure:
    """Frequência observada contra probabilidade prevista, em escala log."""
    figura, eixos = _figura("Calibração", "probabilidade prevista", "fração observada")
    minimo = 1e-5
    prevista = [max(f["prevista"], minimo) for f in faixas]
    observada = [max(f["observada"], minimo) for f in faixas]
    eixos.plot([minimo, 1], [minimo, 1], color="gray", linestyle=":")
    eixos.plot(prevista, observada, marker="o")
    eixos.set_xscale("log")
    eixos.set_yscale("log")
    return figura


def vdr(y: NDArray[np.int8], valor: NDArray[np.int64], curvas: dict[str, Reais]) -> Figure:
    """Fração do valor fraudado dentro do alerta, por fração alertada."""
    figura, eixos = _figura("Valor de fraude alcançado", "fração dos Pix alertada", "fração do valor (VDR)")
    for nome, nota in curvas.items():
        fracao, alcancado = curva_vdr(y, nota, valor)
        pontos = np.unique(np.geomspace(1, y.size, MAXIMO_PONTOS).astype(int)) - 1
        eixos.plot(fracao[pontos], alcancado[pontos], label=nome)
    eixos.set_xscale("log")
    eixos.legend()
    return figura


def barras(titulo: str, alturas: dict[str, float], eixo: str) -> Figure:
    """Uma barra horizontal por grupo."""
    figura, eixos = _figura(titulo, eixo, "")
    nomes = list(alturas)
    eixos.barh(nomes, [alturas[n] for n in nomes])
    eixos.invert_yaxis()
    return figura


def do_ajuste(validacao: dict[str, Any]) -> dict[str, Figure]:
    """As figuras que vão ao MLflow com um treino."""
    orcamentos = {f"{float(f):.1%}": m["vdr"] for f, m in validacao["orcamento"].items()}
    return {
        "calibracao.png": calibracao(validacao["confiabilidade"]),
        "vdr.png": barras("VDR na validação, por orçamento", orcamentos, "fração do valor de fraude"),
    }
