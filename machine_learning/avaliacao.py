"""As medidas de um detector: o que um banco salva a uma dada capacidade de revisão, e quão certo se está disso.

Tudo é puro sobre vetores de mesma forma (n,): `y` 0/1, `nota` que ordena (maior = mais suspeito), `valor` em centavos.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

Reais = NDArray[np.float64]
Rotulos = NDArray[np.int8]
Inteiros = NDArray[np.int64]

ORCAMENTOS: Final = (0.001, 0.005, 0.01)
"""Frações dos Pix que se pode alertar."""
FALSOS_POSITIVOS: Final = (0.01, 0.001)
PREVALENCIA_PIX: Final = (0.00004, 0.00007)
"""Fraudes aceitas por Pix: 4 a 7 por 100 mil. Fonte: dados abertos do BCB, 2025-2026."""
REAMOSTRAS: Final = 500
FAIXAS_CALIBRACAO: Final = 10
DIA_US: Final = 86_400_000_000


def ap(y: Rotulos, nota: Reais) -> float:
    """Precisão média; NaN sem fraude."""
    return float(average_precision_score(y, nota)) if y.any() else float("nan")


def auc(y: Rotulos, nota: Reais) -> float:
    """Área sob a curva ROC; NaN com uma só classe."""
    return float(roc_auc_score(y, nota)) if 0 < y.sum() < y.size else float("nan")


def ap_intervalo(y: Rotulos, nota: Reais, semente: int, reamostras: int = REAMOSTRAS) -> tuple[float, float]:
    """Intervalo de 95 % da AP por reamostragem dos Pix, com pesos de Poisson.

    A soma de n pesos de Poisson(1) é Poisson(n): entre duas notas com fraude, os legítimos se sorteiam de uma vez, e
    o custo depende só do número de fraudes.
    """
    _, bloco = np.unique(-nota, return_inverse=True)  # bloco 0 = a maior nota; empates juntos
    fraudes = np.bincount(bloco, weights=y).astype(np.int64)
    legitimos = np.cumsum(np.bincount(bloco, weights=1 - y)).astype(np.int64)
    com_fraude = np.flatnonzero(fraudes)
    desde_o_anterior = np.diff(legitimos[com_fraude], prepend=0)
    sorteio = np.random.default_rng(semente)
    forma = (reamostras, com_fraude.size)
    achadas = sorteio.poisson(np.broadcast_to(fraudes[com_fraude], forma)).astype(np.float64)
    acima = np.cumsum(sorteio.poisson(np.broadcast_to(desde_o_anterior, forma)), axis=1)
    acumuladas = np.cumsum(achadas, axis=1)
    precisao = acumuladas / np.maximum(acumuladas + acima, 1.0)
    medidas = (achadas * precisao).sum(axis=1) / np.maximum(acumuladas[:, -1], 1.0)
    return float(np.quantile(medidas, 0.025)), float(np.quantile(medidas, 0.975))


def no_orcamento(y: Rotulos, nota: Reais, valor: Inteiros, fracao: float) -> dict[str, float]:
    """Alertando a `fracao` mais suspeita: recall, precisão e VDR (fração do valor fraudado que cai no alerta)."""
    quantos = max(1, round(fracao * y.size))
    alerta = np.argsort(-nota, kind="stable")[:quantos]
    fraude = y == 1
    pegos = fraude[alerta]
    return {
        "alertas": quantos,
        "recall": _fracao(pegos.sum(), fraude.sum()),
        "precisao": _fracao(pegos.sum(), quantos),
        "vdr": _fracao(valor[alerta][pegos].sum(), valor[fraude].sum()),
    }


def curva_vdr(y: Rotulos, nota: Reais, valor: Inteiros) -> tuple[Reais, Reais]:
    """Fração alertada e fração do valor fraudado alcançada, do mais ao menos suspeito."""
    ordem = np.argsort(-nota, kind="stable")
    acumulado = np.cumsum(np.where(y[ordem] == 1, valor[ordem], 0)).astype(np.float64)
    return np.arange(1, y.size + 1) / y.size, acumulado / max(float(acumulado[-1]), 1.0)


def recall_a_fpr(y: Rotulos, nota: Reais, fpr: float) -> float:
    """Fração das fraudes acima da nota que deixa passar `fpr` dos legítimos."""
    legitimos = np.sort(nota[y == 0])[::-1]
    if not y.any() or not legitimos.size:
        return float("nan")
    corte = legitimos[min(int(fpr * legitimos.size), legitimos.size - 1)]
    return _fracao((nota[y == 1] > corte).sum(), y.sum())


def precisao_na_prevalencia(recall: float, fpr: float, prevalencia: float) -> float:
    """A precisão que o mesmo recall e FPR teriam onde só `prevalencia` dos Pix são fraude."""
    verdadeiros, falsos = recall * prevalencia, fpr * (1.0 - prevalencia)
    return _fracao(verdadeiros, verdadeiros + falsos)


def precisao_por_cartao(
    y: Rotulos, nota: Reais, pagador: Inteiros, instante_us: Inteiros, k: int, inicio_us: int
) -> float:
    """CP@k: por dia, a fração de pagadores fraudados entre os `k` mais suspeitos; média dos dias.

    A nota de um pagador no dia é a maior de seus Pix. Pagadores já achados saem dos dias seguintes. Os dias contam de
    `inicio_us`. Fonte: Le Borgne et al., Fraud Detection Handbook, cap. 4.
    """
    dia = (instante_us - inicio_us) // DIA_US
    achados: NDArray[np.int64] = np.empty(0, np.int64)
    medidas = []
    for d in np.unique(dia):
        quais = np.flatnonzero((dia == d) & ~np.isin(pagador, achados))
        ordem = quais[np.argsort(-nota[quais], kind="stable")]
        _, primeiro = np.unique(pagador[ordem], return_index=True)
        escolhidos = pagador[ordem[np.sort(primeiro)[:k]]]
        fraudados = np.intersect1d(escolhidos, pagador[quais[y[quais] == 1]])
        achados = np.concatenate([achados, fraudados])
        medidas.append(fraudados.size / k)
    return float(np.mean(medidas)) if medidas else float("nan")


def confiabilidade(y: Rotulos, p: Reais) -> list[dict[str, float]]:
    """Probabilidade média e frequência observada em faixas de igual contagem; as últimas concentram as fraudes."""
    ordem = np.argsort(p, kind="stable")
    cortes = np.unique((y.size * (1.0 - 0.5 ** np.arange(FAIXAS_CALIBRACAO))).astype(int))
    faixas = np.split(ordem, cortes[1:])
    return [
        {"n": int(f.size), "prevista": float(p[f].mean()), "observada": float(y[f].mean())} for f in faixas if f.size
    ]


def medir(
    y: Rotulos, nota: Reais, valor: Inteiros, *, semente: int | None = None, probabilidade: Reais | None = None
) -> dict[str, Any]:
    """Todas as medidas de um conjunto. `semente` dada acrescenta o intervalo da AP; `probabilidade`, a calibração."""
    medidas: dict[str, Any] = {
        "linhas": int(y.size), "fraudes": int(y.sum()), "taxa_base": float(y.mean()) if y.size else float("nan"),
        "ap": ap(y, nota), "auc": auc(y, nota),
        "orcamento": {f"{f:.3g}": no_orcamento(y, nota, valor, f) for f in ORCAMENTOS},
        "recall_a_fpr": {f"{f:.3g}": recall_a_fpr(y, nota, f) for f in FALSOS_POSITIVOS},
    }
    if semente is not None and y.any():
        medidas["ap_intervalo_95"] = list(ap_intervalo(y, nota, semente))
    medidas["precisao_na_prevalencia_pix"] = {
        f"{f:.3g}": {
            f"{prevalencia * 100_000:.0f}_por_100_mil":
                precisao_na_prevalencia(medidas["recall_a_fpr"][f"{f:.3g}"], f, prevalencia)
            for prevalencia in PREVALENCIA_PIX
        } for f in FALSOS_POSITIVOS
    }
    if probabilidade is not None and y.size:
        medidas["brier"] = float(brier_score_loss(y, np.clip(probabilidade, 0.0, 1.0)))
        medidas["confiabilidade"] = confiabilidade(y, probabilidade)
    return medidas


def por_grupo(
    y: Rotulos, nota: Reais, valor: Inteiros, grupo: NDArray[Any], fracao: float = 0.01
) -> dict[str, dict[str, float]]:
    """Recall e valor alcançado das fraudes de cada grupo (tipologia), com um só orçamento para todos."""
    alerta = np.zeros(y.size, np.bool_)
    alerta[np.argsort(-nota, kind="stable")[: max(1, round(fracao * y.size))]] = True
    saida = {}
    for nome in np.unique(grupo[y == 1].astype(str)):
        quais = (y == 1) & (grupo.astype(str) == nome)
        saida[str(nome)] = {
            "fraudes": int(quais.sum()), "recall": _fracao((alerta & quais).sum(), quais.sum()),
            "vdr": _fracao(valor[alerta & quais].sum(), valor[quais].sum()),
            "ap_contra_legitimos": ap(y[quais | (y == 0)], nota[quais | (y == 0)]),
        }
    return saida


def _fracao(numerador: float | np.number[Any], denominador: float | np.number[Any]) -> float:
    return float(numerador) / float(denominador) if denominador else float("nan")
