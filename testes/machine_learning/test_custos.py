"""Os custos: a política lida, o ótimo conferido por força bruta, os orçamentos respeitados."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
import pytest

from machine_learning import custos
from machine_learning.acoes import Acao
from machine_learning.custos import ESCADA, NUNCA
from plataforma.erros import ErroConfiguracao

POLITICA = custos.ler()
FOLGADA = replace(POLITICA, revisoes_por_100_mil=100_000, autenticacoes_por_100_mil=0, acoes={
    a: replace(c, probabilidade_minima=0.0) for a, c in POLITICA.acoes.items()
})


def caso(n: int = 12, semente: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    g = np.random.default_rng(semente)
    p = np.round(g.random(n), 1)
    return p, (g.random(n) < p).astype(np.int8), g.integers(100, 20_000, n)


def total(politica: custos.Politica, limiares: dict[Acao, float], p: np.ndarray, y: np.ndarray, v: np.ndarray) -> float:
    return custos.apurar(politica, limiares, p, y, v, 1.0)["centavos_poupados_por_dia"]


@pytest.mark.parametrize("semente", range(6))
def test_limiares_sao_os_melhores_de_todos(semente: int) -> None:
    p, y, v = caso(semente=semente)
    obtido = total(FOLGADA, custos.escolher_limiares(FOLGADA, p, y, v), p, y, v)
    grade = [*np.unique(p), NUNCA]
    melhor = max(
        total(FOLGADA, dict(zip(ESCADA, quais, strict=True)), p, y, v)
        for quais in combinations_with_replacement(grade, len(ESCADA))
    )
    assert obtido == pytest.approx(melhor)


def test_orcamento_e_probabilidade_minima() -> None:
    g = np.random.default_rng(0)
    p = g.random(10_000) ** 4
    y, v = (g.random(10_000) < p).astype(np.int8), g.integers(10_000, 900_000, 10_000)
    limiares = custos.escolher_limiares(POLITICA, p, y, v)
    contagem = custos.apurar(POLITICA, limiares, p, y, v, 1.0)["por_acao"]
    revisoes = sum(contagem[a.value] for a in ESCADA[1:])
    assert 0 < revisoes <= POLITICA.revisoes_por_100_mil * 10_000 / 100_000
    assert contagem["AUTENTICAR_REFORCADO"] <= (
        POLITICA.autenticacoes_por_100_mil + POLITICA.revisoes_por_100_mil
    ) * 10_000 / 100_000
    assert [limiares[a] for a in ESCADA] == sorted(limiares[a] for a in ESCADA)
    assert all(limiares[a] >= POLITICA.acoes[a].probabilidade_minima for a in ESCADA)


def test_sem_fraude_nenhuma_acao_compensa() -> None:
    p, _, v = caso()
    limiares = custos.escolher_limiares(POLITICA, p, np.zeros(12, np.int8), v)
    assert set(limiares.values()) == {NUNCA}


def test_ganho_a_mao() -> None:
    ganho = POLITICA.ganho(Acao.REJEITAR, np.array([1, 0], np.int8), np.array([100_000, 100_000]))
    rejeitar = POLITICA.acoes[Acao.REJEITAR]
    assert ganho[0] == pytest.approx(100_000 * (1 - 0.145) - rejeitar.revisao_centavos)
    assert ganho[1] == pytest.approx(-rejeitar.atrito_centavos - rejeitar.revisao_centavos)


@pytest.mark.parametrize(("troca", "trecho"), [
    (("recuperacao_med: 0.145", "recuperacao_med: 1.5"), "recuperacao_med = 1.5"),
    (("eficacia: 0.80", "eficacia: muito"), "ValueError"),
    (("  REJEITAR:", "  RECUSAR:"), "KeyError"),
    (("queda_recall: 0.20", "queda_recall: 1.20"), "retreino.queda_recall = 1.2"),
    (("  horas_minimas: 12", "  horas: 12"), "TypeError"),
    (('versao: "1"', "versao: ["), "politica.yaml"),
])
def test_politica_ruim_e_recusada(tmp_path: Path, troca: tuple[str, str], trecho: str) -> None:
    arquivo = tmp_path / "politica.yaml"
    texto = custos.ARQUIVO.read_text(encoding="utf-8")
    assert troca[0] in texto
    arquivo.write_text(texto.replace(*troca), encoding="utf-8")
    with pytest.raises(ErroConfiguracao, match=trecho):
        custos.ler(arquivo)
