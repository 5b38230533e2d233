"""O calendário de Brasília nos seus limites."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from processamento.calendario import Calendario


def calendario(*utc: str) -> Calendario:
    instantes = [dt.datetime.fromisoformat(x).replace(tzinfo=dt.UTC) for x in utc]
    return Calendario(np.array([int(x.timestamp()) * 1_000_000 + x.microsecond for x in instantes], np.int64))


@pytest.mark.parametrize(("utc", "noturno"), [
    ("2026-11-20 22:59:59.999999", 0),  # 19:59:59 em Brasília
    ("2026-11-20 23:00:00", 1),
    ("2026-11-21 08:59:59.999999", 1),  # 05:59:59
    ("2026-11-21 09:00:00", 0),
    ("2026-11-21 03:00:00", 1),
    ("2026-11-21 15:00:00", 0),
])
def test_periodo_noturno(utc: str, noturno: int) -> None:
    assert calendario(utc).noturno.tolist() == [noturno]


def test_a_hora_tem_fracao_e_o_dia_vira_as_tres_da_manha_utc() -> None:
    c = calendario("2026-12-01 02:59:59", "2026-12-01 03:00:00", "2026-12-01 14:30:00")
    np.testing.assert_allclose(c.hora, [23 + 3_599 / 3_600, 0.0, 11.5])
    assert c.dia_do_mes.tolist() == [30, 1, 1]
    assert c.dia_da_semana.tolist() == [0, 1, 1]  # segunda, 30/11; terça, 1º/12


@pytest.mark.parametrize(("utc", "uteis"), [
    ("2026-11-01 12:00:00", 0),  # domingo, dia 1º
    ("2026-11-02 12:00:00", 1),
    ("2026-11-06 12:00:00", 5),  # sexta: quinto dia útil
    ("2026-11-07 12:00:00", 5),  # sábado
    ("2026-11-09 02:59:59", 5),  # ainda domingo, 8, em Brasília
    ("2026-11-09 03:00:00", 6),
    ("2026-12-01 03:00:00", 1),
    ("2028-03-01 02:59:59", 21),  # 29 de fevereiro
])
def test_dias_de_semana_ja_comecados_no_mes(utc: str, uteis: int) -> None:
    assert calendario(utc).dia_util_do_mes.tolist() == [uteis]


def test_sem_horario_de_verao_e_antes_de_1970() -> None:
    c = calendario("2018-12-15 03:00:00", "1969-12-31 23:00:00")
    assert c.hora.tolist() == [0.0, 20.0]
    assert c.dia_da_semana.tolist() == [5, 2]  # sábado; quarta


def test_colunas_vazias() -> None:
    vazio = Calendario(np.empty(0, np.int64))
    for coluna in (vazio.hora, vazio.dia_da_semana, vazio.dia_do_mes, vazio.dia_util_do_mes, vazio.noturno):
        assert coluna.shape == (0,)
        assert coluna.dtype == np.float64
