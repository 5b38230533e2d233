"""O controle junta na memória e grava de tempos em tempos, sem Spark até a hora de gravar."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from plataforma.configuracao import Configuracao
from processamento import controle
from processamento.controle import INTERVALO_SEGUNDOS, Controle
from processamento.tabelas import CONTROLE_LOTES


def progresso(linhas: int, nome: str | None = "prata_pix", duracao: dict[str, int] | None = None) -> Any:
    return SimpleNamespace(
        progress=SimpleNamespace(
            name=nome, runId="r1", batchId=7, numInputRows=linhas, timestamp="2026-11-20T14:30:12.345Z",
            durationMs={"triggerExecution": 1_500} if duracao is None else duracao, batchDuration=900,
        )
    )  # fmt: skip


class Sessao:
    """Guarda o que se quis gravar."""

    def __init__(self) -> None:
        self.linhas: list[tuple[Any, ...]] = []

    def createDataFrame(self, linhas: list[tuple[Any, ...]], esquema: Any) -> Any:
        assert all(len(linha) == len(esquema.names) for linha in linhas)
        self.linhas = linhas
        return SimpleNamespace(coalesce=lambda _n: linhas)


@pytest.fixture
def gravados(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    saida: list[tuple[Any, ...]] = []
    monkeypatch.setattr(controle, "anexar", lambda *argumentos: saida.append(argumentos))
    return saida


def test_anota_so_lotes_com_linhas_e_grava_quando_passa_o_intervalo(
    cfg: Configuracao, gravados: list[tuple[Any, ...]]
) -> None:
    agora = [0.0]
    anotado, sessao = Controle(cfg, lambda: agora[0]), Sessao()
    anotado.onQueryProgress(progresso(0))
    anotado.onQueryProgress(progresso(3))
    anotado.onQueryProgress(progresso(4, "bronze_eventos", {}))
    assert anotado.descarregar(sessao) == 0  # type: ignore[arg-type]
    agora[0] = INTERVALO_SEGUNDOS
    assert anotado.descarregar(sessao) == 2  # type: ignore[arg-type]
    fim = 1_795_185_012_345_000
    assert sessao.linhas == [
        ("prata", "prata_pix", "r1", 7, 3, 1_500, fim + 1_500_000),
        ("bronze", "bronze_eventos", "r1", 7, 4, 900, fim + 900_000),
    ]
    assert [tabela for _, tabela, *_ in gravados] == [CONTROLE_LOTES]
    agora[0] *= 2
    assert anotado.descarregar(sessao) == 0  # type: ignore[arg-type]
    assert len(gravados) == 1


def test_cada_descarga_e_outra_transacao(cfg: Configuracao, gravados: list[tuple[Any, ...]]) -> None:
    anotado, sessao = Controle(cfg), Sessao()
    for _ in range(2):
        anotado.onQueryProgress(progresso(1))
        anotado.descarregar(sessao, agora=True)  # type: ignore[arg-type]
    aplicacoes = {argumentos[3] for argumentos in gravados}
    assert len(aplicacoes) == 1
    assert [argumentos[4] for argumentos in gravados] == [1, 2]
