"""O que se faz com um Pix: as ações, seus prazos e a decisão em colunas a partir do modelo e das regras.

Somos a instituição de alguns pagadores e de alguns recebedores. Reter e pedir autenticação só alcança quem paga por
nós; bloquear o crédito, só quem recebe por nós; rejeitar cabe aos dois lados (pacs.002 `FRAD`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processamento.calendario import Calendario

Logicos = NDArray[np.bool_]
Codigos = NDArray[np.int8]


class Acao(StrEnum):
    """As ações, em ordem de custo ao cliente; a posição na enumeração é o código int8. Fonte: pix.md 4."""

    APROVAR = "APROVAR"
    AUTENTICAR_REFORCADO = "AUTENTICAR_REFORCADO"
    RETER_ANALISE = "RETER_ANALISE"
    BLOQUEIO_CAUTELAR = "BLOQUEIO_CAUTELAR"
    REJEITAR = "REJEITAR"


ACOES: Final[tuple[Acao, ...]] = tuple(Acao)
CODIGO: Final[Mapping[Acao, int]] = {acao: codigo for codigo, acao in enumerate(ACOES)}
"""Código int8 de cada ação: sua severidade, de 0 (aprovar) a 4 (rejeitar)."""

PRAZO_DECISAO_MS: Final = 1_500
"""Quanto a decisão pode levar desde o envio do evento; depois disso ela não protege ninguém (deteccao.md 5)."""
RETENCAO_DIA_UTIL_MS: Final = 30 * 60_000
RETENCAO_DEMAIS_MS: Final = 60 * 60_000
BLOQUEIO_MS: Final = 72 * 3_600_000
INICIO_DIA_UTIL, FIM_DIA_UTIL, SABADO = 8, 20, 5

_DO_PAGADOR: Final = (Acao.APROVAR, Acao.AUTENTICAR_REFORCADO, Acao.RETER_ANALISE, Acao.REJEITAR)
_DO_RECEBEDOR: Final = (Acao.APROVAR, Acao.BLOQUEIO_CAUTELAR, Acao.REJEITAR)


def _cabiveis() -> Codigos:
    """[pagador nosso, recebedor nosso, severidade pedida] → a ação mais severa que cabe sem passar da pedida."""
    tabela = np.zeros((2, 2, len(ACOES)), np.int8)
    for pagador in (0, 1):
        for recebedor in (0, 1):
            permitidas = {CODIGO[a] for a in (*(_DO_PAGADOR * pagador), *(_DO_RECEBEDOR * recebedor), Acao.APROVAR)}
            for pedida in range(len(ACOES)):
                tabela[pagador, recebedor, pedida] = max(c for c in permitidas if c <= pedida)
    return tabela


_CABIVEIS: Final = _cabiveis()


def decidir(
    probabilidade: NDArray[np.float64] | None,
    limiares: Mapping[Acao, float],
    disparos: Logicos,
    acoes_das_regras: Sequence[Acao],
    pagador_nosso: Logicos,
    recebedor_nosso: Logicos,
) -> Codigos:
    """A ação de cada evento, int8 (n,): a mais severa entre modelo e regras, trazida ao que cabe ao nosso lado.

    Quando a ação pedida não alcança o lado que é nosso, vale a mais severa das mais brandas que alcança: um bloqueio
    cautelar de recebedor alheio vira retenção do nosso pagador. Sem lado nosso, aprova-se.

    Args:
        probabilidade: float64 (n,) calibrada; None sem modelo; NaN em uma linha = o modelo não opina nela.
        limiares: probabilidade mínima de cada ação; ação ausente nunca vem do modelo.
        disparos: lógico (n, regras).
        acoes_das_regras: uma ação por coluna de `disparos`.
        pagador_nosso: lógico (n,), o ISPB do pagador é nosso.
        recebedor_nosso: lógico (n,).
    """
    pedida = np.zeros(disparos.shape[0], np.int8)
    if probabilidade is not None:
        for acao, minimo in limiares.items():
            np.maximum(pedida, np.where(probabilidade >= minimo, CODIGO[acao], 0).astype(np.int8), out=pedida)
    for coluna, acao in enumerate(acoes_das_regras):
        np.maximum(pedida, disparos[:, coluna] * np.int8(CODIGO[acao]), out=pedida)
    lados = np.asarray(pagador_nosso, np.int8), np.asarray(recebedor_nosso, np.int8)
    return np.asarray(_CABIVEIS[lados[0], lados[1], pedida], np.int8)


def prazos_ms(acoes: Codigos, instante_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """Quanto cada ação pode durar, int64 (n,) em ms; 0 onde a ação não tem duração.

    Retenção: 30 min se começa em dia útil entre 8h e 20h de Brasília, senão 60 min; bloqueio cautelar: 72 h. Feriado
    em dia de semana conta como útil: o prazo dado é o menor, logo nunca passa do permitido.

    Args:
        acoes: int8 (n,).
        instante_us: int64 (n,), µs UTC, começo da ação.

    Fonte: Regulamento do Pix, análise prévia; Res. BCB 147/2021 (pix.md 4, R_ANALISE_PREVIA e R_BLOQUEIO_CAUTELAR).
    """
    calendario = Calendario(instante_us)
    expediente = (calendario.hora >= INICIO_DIA_UTIL) & (calendario.hora < FIM_DIA_UTIL)
    util = expediente & (calendario.dia_da_semana < SABADO)
    retencao = np.where(util, RETENCAO_DIA_UTIL_MS, RETENCAO_DEMAIS_MS)
    saida = np.where(acoes == CODIGO[Acao.RETER_ANALISE], retencao, 0)
    return np.where(acoes == CODIGO[Acao.BLOQUEIO_CAUTELAR], BLOQUEIO_MS, saida).astype(np.int64)
