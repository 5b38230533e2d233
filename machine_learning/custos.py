"""O modelo em R$: quanto cada ação evita e custa, e os limiares que mais poupam dentro do orçamento de revisão."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml
from numpy.typing import NDArray

from machine_learning.acoes import Acao
from plataforma.erros import ErroConfiguracao

Reais = NDArray[np.float64]
Rotulos = NDArray[np.int8]
Inteiros = NDArray[np.int64]
ARQUIVO: Final = Path(__file__).with_name("politica.yaml")
ESCADA: Final = (Acao.AUTENTICAR_REFORCADO, Acao.RETER_ANALISE, Acao.BLOQUEIO_CAUTELAR, Acao.REJEITAR)
"""Da mais branda à mais severa."""
POR_100_MIL: Final = 100_000
NUNCA: Final = 1.01
"""Limiar de uma ação que não compensa: nenhuma probabilidade o alcança."""


@dataclass(frozen=True)
class Custo:
    """O que uma ação faz e custa; valores em centavos. Ver `politica.yaml`."""

    eficacia: float
    atrito_centavos: float
    revisao_centavos: float
    probabilidade_minima: float


@dataclass(frozen=True)
class Retreino:
    """A partir de onde `./pix deriva` propõe treinar de novo. Ver `politica.yaml`."""

    psi_atributo: float
    psi_pontuacao: float
    linhas_minimas: float
    horas_minimas: float
    queda_recall: float
    fraudes_minimas: float


@dataclass(frozen=True)
class Politica:
    """Os custos e os orçamentos de quem decide, e quando propor um novo treino."""

    versao: str
    recuperacao_med: float
    revisoes_por_100_mil: float
    autenticacoes_por_100_mil: float
    acoes: Mapping[Acao, Custo]
    retreino: Retreino

    def ganho(self, acao: Acao, y: Rotulos, valor: Inteiros) -> Reais:
        """Centavos poupados (negativo = perdidos) ao aplicar `acao` a cada Pix, contra não fazer nada."""
        custo = self.acoes[acao]
        evitado = valor * (1.0 - self.recuperacao_med) * custo.eficacia
        return np.asarray(np.where(y == 1, evitado, -custo.atrito_centavos) - custo.revisao_centavos, np.float64)


def ler(arquivo: Path = ARQUIVO) -> Politica:
    """Lê a política.

    Levanta:
        ErroConfiguracao: arquivo ilegível, campo ausente ou fora da faixa; diz qual.
    """
    try:
        dados = yaml.safe_load(arquivo.read_text(encoding="utf-8"))
        acoes = {
            acao: Custo(**{campo: float(valor) for campo, valor in dados["acoes"][acao.value].items()})
            for acao in ESCADA
        }
        politica = Politica(
            str(dados["versao"]), float(dados["recuperacao_med"]), float(dados["revisoes_por_100_mil"]),
            float(dados["autenticacoes_por_100_mil"]), acoes,
            Retreino(**{campo: float(valor) for campo, valor in dados["retreino"].items()}),
        )
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as erro:
        motivo = " ".join(str(erro).split())
        msg = f"{arquivo.name}: {type(erro).__name__}: {motivo}; veja machine_learning/politica.yaml"
        raise ErroConfiguracao(msg) from erro
    _conferir(politica, arquivo)
    return politica


def _conferir(p: Politica, arquivo: Path) -> None:
    faixas = [("recuperacao_med", p.recuperacao_med, 1.0),
              ("revisoes_por_100_mil", p.revisoes_por_100_mil, POR_100_MIL),
              ("autenticacoes_por_100_mil", p.autenticacoes_por_100_mil, POR_100_MIL)]
    for acao, custo in p.acoes.items():
        faixas += [(f"{acao}.eficacia", custo.eficacia, 1.0), (f"{acao}.atrito_centavos", custo.atrito_centavos, 1e9),
                   (f"{acao}.revisao_centavos", custo.revisao_centavos, 1e9),
                   (f"{acao}.probabilidade_minima", custo.probabilidade_minima, 1.0)]
    maximos = {"psi_atributo": 10.0, "psi_pontuacao": 10.0, "horas_minimas": 24.0, "queda_recall": 1.0}
    faixas += [(f"retreino.{nome}", valor, maximos.get(nome, 1e9)) for nome, valor in vars(p.retreino).items()]
    for nome, valor, maximo in faixas:
        if not 0.0 <= valor <= maximo:
            msg = f"{arquivo.name}: {nome} = {valor:g} não serve; esperado entre 0 e {maximo:g}"
            raise ErroConfiguracao(msg)


def escolher_limiares(politica: Politica, p: Reais, y: Rotulos, valor: Inteiros) -> dict[Acao, float]:
    """As probabilidades mínimas que mais poupam na validação, aninhadas e dentro dos orçamentos.

    Com os Pix em ordem decrescente de probabilidade, uma política é k_rejeitar ≤ k_bloquear ≤ k_reter ≤ k_autenticar;
    o ótimo sai exato por máximos correntes, do degrau mais severo ao mais brando.

    Args:
        politica: custos e orçamentos.
        p: probabilidade calibrada (n,).
        y: rótulos já conhecidos.
        valor: centavos.
    """
    ordem = np.argsort(-p, kind="stable")
    pn, yn, vn = p[ordem], y[ordem], valor[ordem]
    cortes = np.concatenate([[0], np.flatnonzero(np.diff(pn)) + 1, [pn.size]]).astype(np.int64)
    severas = np.zeros(cortes.size)  # o melhor total até k com as ações mais severas que a da vez
    anteriores: list[Inteiros] = []
    for acao in reversed(ESCADA):
        acumulado = np.concatenate([[0.0], np.cumsum(politica.ganho(acao, yn, vn))])[cortes]
        folga, de = _maximo_corrente(severas - acumulado)
        severas = np.where(cortes <= _teto(politica, acao, pn), acumulado + folga, -np.inf)
        anteriores.append(de)
    k = int(np.argmax(severas))
    limiares: dict[Acao, float] = {}
    for acao, de in zip(ESCADA, reversed(anteriores), strict=True):
        limiares[acao] = float(pn[cortes[k] - 1]) if k else NUNCA
        k = int(de[k])
    return limiares


def apurar(
    politica: Politica, limiares: Mapping[Acao, float], p: Reais, y: Rotulos, valor: Inteiros, dias: float
) -> dict[str, Any]:
    """O que os limiares teriam dado: R$ por dia, clientes incomodados por fraude barrada, alertas por ação.

    Args:
        politica: custos.
        limiares: probabilidade mínima por ação.
        p: probabilidade calibrada (n,).
        y: rótulos; o que não é fraude conhecida conta como honesto.
        valor: centavos.
        dias: duração do período.
    """
    nivel = np.zeros(p.size, np.int64)
    for i, acao in enumerate(ESCADA, start=1):
        nivel = np.where(p >= limiares.get(acao, NUNCA), i, nivel)
    ganho = np.zeros(p.size)
    for i, acao in enumerate(ESCADA, start=1):
        quais = nivel == i
        ganho[quais] = politica.ganho(acao, y[quais], valor[quais])
    tocados, fraude = nivel > 0, y == 1
    barradas = int((tocados & fraude).sum())
    return {
        "centavos_poupados_por_dia": float(ganho.sum() / dias),
        "centavos_fraudados_por_dia": float(valor[fraude].sum() / dias),
        "fraudes": int(fraude.sum()), "fraudes_alcancadas": barradas,
        "incomodados_por_fraude": float((tocados & ~fraude).sum() / barradas) if barradas else float("nan"),
        "por_acao": {acao.value: int((nivel == i).sum()) for i, acao in enumerate(ESCADA, start=1)},
    }


def _maximo_corrente(v: Reais) -> tuple[Reais, Inteiros]:
    """O máximo até cada posição e onde ele está (o primeiro, no empate)."""
    maximo = np.maximum.accumulate(v)
    novo = np.concatenate([[True], v[1:] > maximo[:-1]])
    return maximo, np.maximum.accumulate(np.where(novo, np.arange(v.size), 0))


def _teto(politica: Politica, acao: Acao, pn: Reais) -> float:
    """Quantos Pix podem receber ao menos esta ação: o orçamento e a probabilidade mínima dela."""
    por_100_mil = politica.revisoes_por_100_mil
    if acao is Acao.AUTENTICAR_REFORCADO:
        por_100_mil += politica.autenticacoes_por_100_mil
    acima = int((pn >= politica.acoes[acao].probabilidade_minima).sum())
    return min(por_100_mil * pn.size / POR_100_MIL, acima)
