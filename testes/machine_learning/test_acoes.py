"""A decisão em colunas: a mais severa vence, só dentro do lado que é nosso, e cada ação tem seu prazo."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import numpy as np
import pytest

from machine_learning.acoes import ACOES, BLOQUEIO_MS, CODIGO, PRAZO_DECISAO_MS, Acao, decidir, prazos_ms

LIMIARES = {Acao.AUTENTICAR_REFORCADO: 0.2, Acao.RETER_ANALISE: 0.5, Acao.BLOQUEIO_CAUTELAR: 0.7, Acao.REJEITAR: 0.9}
SEM_DISPARO = np.zeros((1, 0), np.bool_)


def _um(*, p: float | None = None, regras: tuple[Acao, ...] = (), pagador: bool = True, recebedor: bool = True) -> Acao:
    codigo = decidir(
        None if p is None else np.array([p]), LIMIARES, np.ones((1, len(regras)), np.bool_), regras,
        np.array([pagador]), np.array([recebedor]),
    )
    assert codigo.dtype == np.int8
    return ACOES[codigo[0]]


def test_as_acoes_estao_em_ordem_de_custo_ao_cliente() -> None:
    assert [a.value for a in ACOES] == [
        "APROVAR", "AUTENTICAR_REFORCADO", "RETER_ANALISE", "BLOQUEIO_CAUTELAR", "REJEITAR"]
    assert PRAZO_DECISAO_MS == 1_500


@pytest.mark.parametrize(("p", "esperada"), [
    (0.19, Acao.APROVAR), (0.2, Acao.AUTENTICAR_REFORCADO), (0.5, Acao.RETER_ANALISE), (0.7, Acao.BLOQUEIO_CAUTELAR),
    (0.9, Acao.REJEITAR), (float("nan"), Acao.APROVAR), (None, Acao.APROVAR),
])
def test_o_modelo_escolhe_pelo_limiar(p: float | None, esperada: Acao) -> None:
    assert _um(p=p) is esperada


def test_acao_sem_limiar_nunca_vem_do_modelo() -> None:
    codigo = decidir(np.array([1.0]), {Acao.RETER_ANALISE: 0.5}, SEM_DISPARO, (), np.array([True]), np.array([True]))
    assert ACOES[codigo[0]] is Acao.RETER_ANALISE


def test_vence_a_mais_severa_entre_modelo_e_regras() -> None:
    assert _um(p=0.3, regras=(Acao.RETER_ANALISE, Acao.AUTENTICAR_REFORCADO)) is Acao.RETER_ANALISE
    assert _um(p=0.95, regras=(Acao.AUTENTICAR_REFORCADO,)) is Acao.REJEITAR


@pytest.mark.parametrize(("pedida", "pagador", "recebedor", "esperada"), [
    (Acao.AUTENTICAR_REFORCADO, True, False, Acao.AUTENTICAR_REFORCADO),
    (Acao.AUTENTICAR_REFORCADO, False, True, Acao.APROVAR),
    (Acao.RETER_ANALISE, True, False, Acao.RETER_ANALISE),
    (Acao.RETER_ANALISE, False, True, Acao.APROVAR),
    (Acao.BLOQUEIO_CAUTELAR, False, True, Acao.BLOQUEIO_CAUTELAR),
    (Acao.BLOQUEIO_CAUTELAR, True, True, Acao.BLOQUEIO_CAUTELAR),
    (Acao.BLOQUEIO_CAUTELAR, True, False, Acao.RETER_ANALISE),
    (Acao.REJEITAR, True, False, Acao.REJEITAR),
    (Acao.REJEITAR, False, True, Acao.REJEITAR),
    (Acao.REJEITAR, False, False, Acao.APROVAR),
])
def test_cada_acao_so_alcanca_o_lado_que_e_nosso(
    pedida: Acao, pagador: bool, recebedor: bool, esperada: Acao
) -> None:
    assert _um(regras=(pedida,), pagador=pagador, recebedor=recebedor) is esperada


def test_a_acao_nunca_passa_da_pedida_e_cresce_com_ela() -> None:
    for pagador, recebedor in product((False, True), repeat=2):
        codigos = [CODIGO[_um(regras=(acao,), pagador=pagador, recebedor=recebedor)] for acao in ACOES]
        assert all(c <= pedida for pedida, c in enumerate(codigos))
        assert codigos == sorted(codigos)


def test_em_colunas_decide_cada_linha_por_si() -> None:
    disparos = np.array([[True, False], [False, False], [False, True], [False, False]])
    codigos = decidir(
        np.array([0.0, 0.6, 0.1, np.nan]), LIMIARES, disparos, (Acao.AUTENTICAR_REFORCADO, Acao.BLOQUEIO_CAUTELAR),
        np.array([True, True, True, True]), np.array([False, False, True, True]),
    )
    assert codigos.tolist() == [1, 2, 3, 0]


def test_lote_vazio_da_lote_vazio() -> None:
    vazio = np.zeros(0, np.bool_)
    assert decidir(np.zeros(0), LIMIARES, np.zeros((0, 2), np.bool_), ACOES[:2], vazio, vazio).shape == (0,)


def _us(ano: int, mes: int, dia: int, hora: int, minuto: int, segundo: int = 0) -> int:
    """Instante em µs UTC de uma hora de Brasília (UTC-3)."""
    utc = datetime(ano, mes, dia, hora, minuto, segundo, tzinfo=UTC)
    return (int(utc.timestamp()) + 3 * 3_600) * 1_000_000


@pytest.mark.parametrize(("instante", "minutos"), [
    (_us(2026, 11, 18, 7, 59, 59), 60), (_us(2026, 11, 18, 8, 0), 30), (_us(2026, 11, 18, 19, 59, 59), 30),
    (_us(2026, 11, 18, 20, 0), 60), (_us(2026, 11, 21, 12, 0), 60), (_us(2026, 11, 22, 12, 0), 60),
    (_us(2026, 11, 23, 12, 0), 30),
])
def test_retencao_de_30_minutos_em_dia_util_entre_8h_e_20h(instante: int, minutos: int) -> None:
    acoes = np.array([CODIGO[Acao.RETER_ANALISE]], np.int8)
    assert prazos_ms(acoes, np.array([instante]))[0] == minutos * 60_000


def test_bloqueio_de_72_horas_e_acoes_sem_duracao() -> None:
    instante = np.full(len(ACOES), _us(2026, 11, 18, 12, 0))
    prazos = prazos_ms(np.arange(len(ACOES), dtype=np.int8), instante)
    assert prazos.tolist() == [0, 0, 1_800_000, BLOQUEIO_MS, 0]
    assert BLOQUEIO_MS == 72 * 3_600_000
