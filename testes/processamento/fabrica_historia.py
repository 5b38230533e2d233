"""Histórias sintéticas e a medida por força bruta: lenta, óbvia, sem nada em comum com os executores."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from processamento.catalogo import DIA, NULO, POR_LISTA, SEGUNDO_US, Catalogo, Fluxo, K, Medida, Papel, Primitiva
from processamento.estado.arena import Linhas
from processamento.estado.lote import Eventos, Fraudes

DIA_US = DIA * SEGUNDO_US
COMECO_US = 1_790_000_000 * SEGUNDO_US
Linha = tuple[int, int, int, int, int, int]
"""(entidade, fluxo, instante, ordem, valor, contraparte)."""


def historia(
    semente: int, quantos: int = 2_000, contas: int = 40, dias: float = 50, movimentada: float = 0.0,
    passo_us: int = 1, fraudes: float = 0.03,
) -> tuple[Eventos, Fraudes]:
    """Pix em ordem de instante e fraudes em ordem de conhecimento.

    `movimentada`: fração dos Pix que saem da conta 1. `passo_us`: instantes são múltiplos dele, para haver empates.
    Há contas que pagam a si mesmas, Pix sem dispositivo e aparelhos partilhados.
    """
    g = np.random.default_rng(semente)
    passos = int(dias * DIA_US) // passo_us
    instante = COMECO_US + np.sort(g.integers(0, passos, quantos)) * passo_us
    pagador, recebedor = g.integers(1, contas, quantos), g.integers(1, contas, quantos)
    pagador[g.random(quantos) < movimentada] = 1
    dispositivo = np.where(g.random(quantos) < 0.7, 10_000 + g.integers(0, contas // 2 + 1, quantos), 0)
    identificador = g.permutation(quantos).astype(np.int64) * 7_919 - quantos * 3_000
    eventos = Eventos(
        identificador, instante, g.integers(1, 3_000_000, quantos), pagador, recebedor, dispositivo
    )
    quais = np.flatnonzero(g.random(quantos) < fraudes)
    conhecido = instante[quais] + g.choice([1, 3_600, DIA, 6 * DIA, 9 * DIA, 20 * DIA], quais.size) * SEGUNDO_US
    quais, conhecido = quais[np.argsort(conhecido, kind="stable")], np.sort(conhecido)
    return eventos, Fraudes(
        identificador[quais], instante[quais], conhecido, pagador[quais], recebedor[quais], dispositivo[quais]
    )


def fatia(eventos: Eventos, quais: np.ndarray) -> Eventos:
    return Eventos(*(getattr(eventos, nome)[quais] for nome in Eventos.__dataclass_fields__))


def fatia_de_fraudes(fraudes: Fraudes, quais: np.ndarray) -> Fraudes:
    return Fraudes(*(getattr(fraudes, nome)[quais] for nome in Fraudes.__dataclass_fields__))


def em_tuplas(linhas: Linhas) -> list[Linha]:
    return list(zip(*(getattr(linhas, nome).tolist() for nome in Linhas.__dataclass_fields__), strict=True))


def por_forca_bruta(
    catalogo: Catalogo, linhas: Iterable[Linha], papel: Papel, entidade: int, contraparte: int, t: int
) -> list[int]:
    """As primitivas de um papel pela definição do catálogo, palavra por palavra."""
    linhas = list(linhas)
    diario = {
        fluxo: sorted(x[2:] for x in linhas if x[0] == entidade and x[1] == fluxo and x[2] < t) for fluxo in Fluxo
    }
    return [_medir(p, diario[p.fluxo], contraparte, t) for p in catalogo.do_papel(papel)]


def _medir(p: Primitiva, diario: list[tuple[int, int, int, int]], contraparte: int, t: int) -> int:
    de, ate = t - p.atraso_us - p.janela_us, t - p.atraso_us
    if p.medida is Medida.FRAUDES_MADURAS:
        return sum(de <= pagamento < ate for _, _, pagamento, _ in diario)
    alcance = diario[-K:] if p.medida in POR_LISTA else diario
    janela = [x for x in alcance if de <= x[0] < ate]
    iguais = [x for x in janela if x[3] == contraparte]
    valores, logs = [x[2] for x in janela], [logaritmo(x[2]) for x in janela]
    return {
        Medida.CONTAGEM: lambda: len(janela),
        Medida.SOMA: lambda: sum(valores),
        Medida.SOMA_LOG: lambda: sum(logs),
        Medida.SOMA_LOG2: lambda: sum(x * x for x in logs),
        Medida.DESDE_ULTIMO: lambda: t - janela[-1][0] if janela else NULO,
        Medida.DESDE_PRIMEIRO: lambda: t - janela[0][0] if janela else NULO,
        Medida.MAXIMO: lambda: max(valores, default=NULO),
        Medida.DISTINTOS: lambda: len({x[3] for x in janela}),
        Medida.IGUAIS: lambda: len(iguais),
        Medida.SOMA_IGUAIS: lambda: sum(x[2] for x in iguais),
        Medida.DESDE_ULTIMO_IGUAL: lambda: t - iguais[-1][0] if iguais else NULO,
        Medida.DESDE_PRIMEIRO_IGUAL: lambda: t - iguais[0][0] if iguais else NULO,
    }[p.medida]()


def logaritmo(centavos: int) -> int:
    return math.floor(1_000 * math.log1p(centavos / 100) + 0.5)
