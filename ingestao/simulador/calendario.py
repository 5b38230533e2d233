"""O tempo da simulação: ritmo das horas e dos dias em Brasília (UTC−3 fixo) e o calendário bancário."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ingestao.simulador.lote import Inteiros, Reais
from ingestao.simulador.parametros import DIA_US, HORA_US

BRASILIA_US: Final = -3 * HORA_US
_FERIADOS: Final = ("01-01", "04-21", "05-01", "09-07", "10-12", "11-02", "11-15", "11-20", "12-25")
"""Só os nacionais de data fixa: Carnaval, Sexta-feira Santa e Corpus Christi contam aqui como dias comuns."""

_CURVAS: Final = np.array([
    # diurno, comercial, noturno, vespertino: intensidade relativa de cada hora local, 0h a 23h
    [2, 1, 1, 1, 1, 2, 5, 8, 10, 12, 13, 14, 16, 14, 13, 13, 13, 14, 14, 13, 11, 9, 6, 4],
    [0, 0, 0, 0, 0, 1, 3, 8, 14, 17, 18, 17, 12, 14, 17, 18, 17, 13, 6, 3, 2, 1, 1, 0],
    [11, 8, 6, 4, 3, 3, 3, 3, 4, 5, 6, 7, 9, 9, 9, 9, 10, 11, 13, 15, 16, 16, 15, 13],
    [3, 2, 1, 1, 1, 1, 2, 4, 6, 8, 9, 11, 14, 12, 11, 12, 13, 15, 18, 19, 16, 12, 8, 5],
], dtype=np.float64)
CURVAS: Final = _CURVAS / _CURVAS.sum(axis=1, keepdims=True)
"""Distribuição das horas de cada perfil, forma (4, 24); a soma de cada linha é 1."""

PESO_PERFIL: Final = np.array([0.45, 0.18, 0.12, 0.25])
PERFIL_COMERCIAL: Final = 1
_SEMANA: Final = np.array([0.96, 0.96, 0.98, 1.02, 1.22, 1.06, 0.80])
"""Segunda a domingo: a sexta é o pico."""


def dia_local(instante_us: Inteiros) -> Inteiros:
    """O dia em Brasília, contado desde 1970-01-01."""
    return (instante_us + BRASILIA_US) // DIA_US


def hora_local(instante_us: Inteiros) -> Reais:
    """A hora em Brasília com fração, 0 a 24."""
    return ((instante_us + BRASILIA_US) % DIA_US) / HORA_US


def instante(dia: Inteiros, hora: Reais) -> Inteiros:
    """O µs UTC de um dia e uma hora de Brasília."""
    return np.asarray(dia * DIA_US + (hora * HORA_US).astype(np.int64) - BRASILIA_US, dtype=np.int64)


def noturno(instante_us: Inteiros) -> npt.NDArray[np.bool_]:
    """Entre 20h e 6h, o período do limite noturno (Res. BCB 142/2021)."""
    hora = hora_local(instante_us)
    return np.asarray((hora >= 20) | (hora < 6))  # noqa: PLR2004


@lru_cache(maxsize=256)
def dia_util(mes: int, ordem: int) -> int:
    """O `ordem`-ésimo dia útil de um mês (contado desde 1970-01), em dias desde 1970."""
    primeiro = np.datetime64(mes, "M").astype("datetime64[D]")
    ano = primeiro.astype("datetime64[Y]")
    feriados = [np.datetime64(f"{ano}-{feriado}") for feriado in _FERIADOS]
    return int(np.busday_offset(primeiro, ordem - 1, roll="forward", holidays=feriados).astype(np.int64))


def meses(de_us: int, ate_us: int) -> range:
    """Os meses locais que o período toca, contados desde 1970-01."""
    dias = dia_local(np.array([de_us, ate_us], np.int64)).astype("datetime64[D]").astype("datetime64[M]")
    primeiro, ultimo = dias.astype(np.int64)
    return range(int(primeiro), int(ultimo) + 1)


def fator_do_dia(dias: Inteiros) -> Reais:
    """Quanto um dia local se move acima ou abaixo da média: semana, 5º dia útil, dia 10, 13º e fim de ano."""
    datas = dias.astype("datetime64[D]")
    mes = datas.astype("datetime64[M]")
    do_mes = (datas - mes.astype("datetime64[D]")).astype(np.int64) + 1
    mes_do_ano = mes.astype(np.int64) % 12 + 1
    quinto = np.array([dia_util(int(m), 5) for m in mes.astype(np.int64)], np.int64)
    fator = _SEMANA[(dias + 3) % 7].copy()
    fator *= np.where((dias >= quinto) & (dias <= quinto + 1), 1.28, 1.0)
    fator *= np.where(do_mes == 10, 1.18, 1.0)  # noqa: PLR2004
    fator *= np.where((mes_do_ano == 11) & (do_mes >= 27), 1.20, 1.0)  # noqa: PLR2004
    fator *= np.where((mes_do_ano == 12) & (do_mes >= 18) & (do_mes <= 24), 1.30, 1.0)  # noqa: PLR2004
    return np.asarray(fator)


def instantes_com_ritmo(rng: np.random.Generator, n: int, de_us: int, ate_us: int) -> tuple[Inteiros, Inteiros]:
    """`n` instantes em [de, ate) com o ritmo do país, e o perfil de hora (0..3) de quem paga em cada um."""
    primeira = (de_us + BRASILIA_US) // HORA_US
    horas = np.arange(primeira, (ate_us - 1 + BRASILIA_US) // HORA_US + 1)
    fator = fator_do_dia(np.unique(horas // 24))[np.unique(horas // 24, return_inverse=True)[1]]
    por_perfil = CURVAS[:, horas % 24] * PESO_PERFIL[:, None]
    inicio = np.maximum(horas * HORA_US - BRASILIA_US, de_us)
    duracao = np.minimum((horas + 1) * HORA_US - BRASILIA_US, ate_us) - inicio
    acumulado = np.cumsum(por_perfil.sum(axis=0) * fator * duracao)
    onde = np.searchsorted(acumulado, np.sort(rng.random(n)) * acumulado[-1], side="right")
    onde = np.minimum(onde, len(horas) - 1)
    quando = inicio[onde] + (rng.random(n) * duracao[onde]).astype(np.int64)
    limites = np.cumsum(por_perfil / por_perfil.sum(axis=0), axis=0)
    perfil = (rng.random(n)[None, :] > limites[:, onde]).sum(axis=0)
    return quando, np.minimum(perfil, len(PESO_PERFIL) - 1)


def acaso_estavel(semente: int, *chaves: npt.NDArray[Any]) -> Reais:
    """Um número em [0, 1) fixo para cada combinação de chaves: o mesmo em qualquer bloco em que se pergunte."""
    estado = np.full(np.broadcast_shapes(*(c.shape for c in chaves)), semente & 0xFFFF_FFFF_FFFF_FFFF, np.uint64)
    with np.errstate(over="ignore"):
        for chave in chaves:
            estado = estado + chave.astype(np.uint64) * np.uint64(0x9E37_79B9_7F4A_7C15)
            estado = (estado ^ (estado >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
            estado = (estado ^ (estado >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
            estado ^= estado >> np.uint64(31)
    return (estado >> np.uint64(11)).astype(np.float64) / 2.0**53
