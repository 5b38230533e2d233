"""Dois modelos sobre os mesmos Pix: a diferença, o quanto se pode confiar nela, por golpe e em R$. Puro."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from machine_learning import avaliacao, custos
from machine_learning.acoes import Acao
from machine_learning.avaliacao import Inteiros, Reais, Rotulos

FRACAO: Final = 0.005
"""Fração dos Pix que se alerta: a mesma que escolhe o modelo no treino."""


@dataclass(frozen=True)
class Lado:
    """Um modelo: `nota` (n,) ordena, `probabilidade` (n,) é calibrada, `limiares` escolhem a ação."""

    versao: str
    nota: Reais
    probabilidade: Reais
    limiares: Mapping[Acao, float]


@dataclass(frozen=True)
class Duelo:
    """Os mesmos n Pix vistos pelos dois; `valor` em centavos, `dias` o período que cobrem."""

    y: Rotulos
    valor: Inteiros
    tipologia: NDArray[Any]
    dias: float
    campeao: Lado
    desafiante: Lado


def comparar(d: Duelo, politica: custos.Politica, semente: int) -> dict[str, Any]:
    """As medidas dos dois lados e a diferença (desafiante menos campeão).

    `veredito`: `melhor` ou `pior` se o intervalo de 95 % da diferença de AP não contém zero; senão `empate`.
    """
    medidas = {nome: _medir(d, lado, politica) for nome, lado in _lados(d).items()}
    campeao, desafiante = medidas["campeao"], medidas["desafiante"]
    de, ate = diferenca_ap(d.y, d.campeao.nota, d.desafiante.nota, semente)
    return {
        "linhas": int(d.y.size), "fraudes": int(d.y.sum()), "taxa_base": float(d.y.mean()), "dias": d.dias,
        "fracao_alertada": FRACAO, "semente": semente, "politica_versao": politica.versao, **medidas,
        "diferenca": {
            "ap": desafiante["ap"] - campeao["ap"], "ap_intervalo_95": [de, ate],
            "recall": desafiante["recall"] - campeao["recall"], "vdr": desafiante["vdr"] - campeao["vdr"],
            "centavos_poupados_por_dia": (
                desafiante["reais"]["centavos_poupados_por_dia"] - campeao["reais"]["centavos_poupados_por_dia"]
            ),
        },
        "veredito": "melhor" if de > 0 else "pior" if ate < 0 else "empate",
    }


def diferenca_ap(
    y: Rotulos, a: Reais, b: Reais, semente: int, reamostras: int = avaliacao.REAMOSTRAS
) -> tuple[float, float]:
    """Intervalo de 95 % de AP(b) - AP(a), reamostrando os mesmos Pix para os dois (pesos de Poisson).

    Um legítimo só importa por entre quais fraudes cai em cada ordem: os que caem no mesmo lugar nas duas se sorteiam de
    uma vez, porque a soma de n pesos de Poisson(1) é Poisson(n).
    """
    fraude = y == 1
    ordens = [_Ordem(nota[fraude], nota[~fraude]) for nota in (a, b)]
    colunas = np.int64(ordens[1].quantas + 1)
    casas, contagem = np.unique(ordens[0].lugar * colunas + ordens[1].lugar, return_counts=True)
    lugares = casas // colunas, casas % colunas
    sorteio = np.random.default_rng(semente)
    diferencas = np.empty(reamostras)
    for i in range(reamostras):
        pesos = np.asarray(sorteio.poisson(1.0, int(fraude.sum())), np.int64)
        legitimos = np.asarray(sorteio.poisson(contagem), np.int64)
        medidas = [o.ap(pesos, legitimos, lugar) for o, lugar in zip(ordens, lugares, strict=True)]
        diferencas[i] = medidas[1] - medidas[0]
    return float(np.quantile(diferencas, 0.025)), float(np.quantile(diferencas, 0.975))


class _Ordem:
    """A ordem que uma nota dá: os degraus são as notas distintas de fraude, da maior à menor.

    Attributes:
        degrau: de cada fraude (f,).
        lugar: de cada legítimo (n,), o primeiro degrau em que ele já está acima; `quantas` = abaixo de todas.
    """

    def __init__(self, das_fraudes: Reais, dos_legitimos: Reais) -> None:
        notas, self.degrau = np.unique(-das_fraudes, return_inverse=True)
        self.quantas = int(notas.size)
        self.lugar = np.searchsorted(notas, -dos_legitimos, side="left").astype(np.int64)

    def ap(self, pesos: Inteiros, legitimos: Inteiros, lugar: Inteiros) -> float:
        """A precisão média com esses pesos; `legitimos` (casas,) pesam juntos em `lugar` (casas,)."""
        achadas = np.bincount(self.degrau, weights=pesos, minlength=self.quantas)
        acima = np.bincount(lugar, weights=legitimos, minlength=self.quantas + 1)[:-1].cumsum()
        acumuladas = achadas.cumsum()
        return float((achadas * acumuladas / np.maximum(acumuladas + acima, 1.0)).sum() / max(acumuladas[-1], 1.0))


def _lados(d: Duelo) -> dict[str, Lado]:
    return {"campeao": d.campeao, "desafiante": d.desafiante}


def _medir(d: Duelo, lado: Lado, politica: custos.Politica) -> dict[str, Any]:
    alcance = avaliacao.no_orcamento(d.y, lado.nota, d.valor, FRACAO)
    return {
        "versao": lado.versao, "ap": avaliacao.ap(d.y, lado.nota),
        **{nome: alcance[nome] for nome in ("alertas", "recall", "precisao", "vdr")},
        "por_tipologia": avaliacao.por_grupo(d.y, lado.nota, d.valor, d.tipologia, FRACAO),
        "reais": custos.apurar(politica, lado.limiares, lado.probabilidade, d.y, d.valor, d.dias),
    }
