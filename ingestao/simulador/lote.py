"""A tabela de trabalho do simulador: um pagamento por linha, só números, antes de virar textos."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Inteiros = npt.NDArray[np.int64]
Reais = npt.NDArray[np.float64]
Logicos = npt.NDArray[np.bool_]
Tabela = npt.NDArray[np.void]

COMUM: Final = -1
"""Em um sinal: "como em um pagamento comum", sorteado depois para todos da mesma maneira."""


class Relacao(IntEnum):
    """O que liga as duas pontas; decide valor e forma de iniciação, e não viaja no evento."""

    COMPRA = 0
    PESSOAL = 1
    PESSOAL_INEDITA = 2
    INTERMEDIARIO = 3
    PROPRIA = 4
    CONTA_CONSUMO = 5
    FORNECEDOR = 6
    RECORRENTE = 7
    SALARIO = 8
    GRANDE = 9
    DEVOLUCAO_MED = 10


LOTE: Final = np.dtype([
    ("instante", np.int64), ("pagador", np.int32), ("recebedor", np.int32), ("valor", np.int64),
    ("relacao", np.int8), ("forma", np.int8), ("tipologia", np.int8), ("fraude", np.bool_), ("campanha", np.int32),
    ("aparelho", np.int32), ("aparelho_dias", np.int16), ("acesso_remoto", np.int8), ("chamada", np.int8),
    ("colou", np.int8), ("falhas", np.int8), ("senha", np.int8), ("chip", np.int8), ("limite", np.int16),
    ("demora", np.int16),
])
"""Instante em µs UTC (múltiplo de 1000), valor em centavos, contas como posição na população.

`campanha`: o golpe a que o pagamento pertence (-1 = nenhum). `aparelho`: aparelho alheio (posição na tabela dos
fraudadores; -1 = o do pagador) e `aparelho_dias` desde seu cadastro (-1 = não cadastrado). Os sinais seguintes
valem `COMUM` ou o que a sessão mostra; `limite` em horas desde o aumento, `demora` em % da duração comum.
"""

_SINAIS: Final = (
    "forma", "campanha", "aparelho", "aparelho_dias", "acesso_remoto", "chamada", "colou", "falhas", "senha", "chip",
    "limite", "demora",
)


def novo(
    instante: npt.ArrayLike, pagador: npt.ArrayLike, recebedor: npt.ArrayLike, valor: npt.ArrayLike,
    relacao: npt.ArrayLike, **campos: Any,
) -> Tabela:
    """Uma tabela com os campos dados e os sinais no comum; `valor` em centavos, ao menos 1."""
    quando = np.atleast_1d(np.asarray(instante, dtype=np.int64))
    lote = np.zeros(len(quando), LOTE)
    for nome in _SINAIS:
        lote[nome] = COMUM
    lote["instante"] = quando // 1_000 * 1_000
    lote["pagador"] = pagador
    lote["recebedor"] = recebedor
    lote["valor"] = np.maximum(np.rint(np.asarray(valor, dtype=np.float64)), 1)
    lote["relacao"] = relacao
    for nome, coluna in campos.items():
        lote[nome] = coluna
    return lote


def vazio() -> Tabela:
    """Nenhum pagamento."""
    return np.zeros(0, LOTE)


def juntar(partes: list[Tabela]) -> Tabela:
    """As partes, uma depois da outra."""
    return np.concatenate(partes) if partes else vazio()


def ordenar(lote: Tabela) -> Tabela:
    """Por instante; o empate mantém a ordem de criação."""
    return lote[np.argsort(lote["instante"], kind="stable")]


def sorteio_ponderado(rng: np.random.Generator, acumulado: Reais, n: int) -> Inteiros:
    """`n` posições com probabilidade proporcional aos pesos cuja soma acumulada é dada."""
    onde = np.searchsorted(acumulado, rng.random(n) * acumulado[-1], side="right")
    return np.asarray(np.minimum(onde, len(acumulado) - 1), dtype=np.int64)


def chance(rng: np.random.Generator, n: int, probabilidade: float | npt.NDArray[Any]) -> Logicos:
    """`n` lógicos verdadeiros com a probabilidade dada (um número ou um por linha)."""
    return np.asarray(rng.random(n) < probabilidade)


def lognormal(rng: np.random.Generator, mediana: npt.ArrayLike, sigma: float, n: int) -> Reais:
    """Amostras positivas com a mediana dada (na unidade dela)."""
    return np.asarray(mediana, dtype=np.float64) * np.exp(sigma * rng.standard_normal(n))
