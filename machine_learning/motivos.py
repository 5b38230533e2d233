"""Por que um Pix não foi aprovado: as medidas que mais puxaram a nota, em frases curtas, e as regras que dispararam.

São para o analista e a trilha de auditoria (LGPD, art. 20): a mensagem ao cliente não deve revelar a regra, e as
estatísticas do DICT nunca são mostradas a ele. Nenhum motivo leva dado pessoal nem token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypedDict

import numpy as np
from numpy.typing import NDArray

from machine_learning.frases import FRASES
from machine_learning.regras import Regra
from processamento.atributos import NOMES

PREFIXO_REGRA: Final = "regra:"
CASAS: Final = 4


class Motivo(TypedDict):
    """Um motivo, pronto para o JSON. `codigo`: nome do atributo ou `regra:<id>`; `contribuicao` nula nas regras."""

    codigo: str
    texto: str
    contribuicao: float | None


def compor(
    contribuicoes: NDArray[np.float64], atributos: NDArray[np.float64], quantas: int = 4
) -> list[list[Motivo]]:
    """As maiores contribuições de cada linha a favor de fraude, da maior à menor.

    Só entram contribuições positivas: o que aliviou a nota não é motivo para não aprovar. Empate: a ordem do catálogo.

    Args:
        contribuicoes: float64 (n, atributos), na escala da explicação do modelo (log-chances nas árvores).
        atributos: float64 (n, atributos), como servidos; NaN = nulo.
        quantas: no máximo, por linha.
    """
    quantas = min(quantas, contribuicoes.shape[1])
    ordem = np.argsort(-contribuicoes, axis=1, kind="stable")[:, :quantas]
    maiores = np.take_along_axis(contribuicoes, ordem, axis=1)
    valores = np.take_along_axis(atributos, ordem, axis=1)
    return [
        [
            Motivo(codigo=NOMES[j], texto=FRASES[j](valor), contribuicao=round(peso, CASAS))
            for j, peso, valor in zip(colunas, pesos, medidos, strict=True) if peso > 0
        ]
        for colunas, pesos, medidos in zip(ordem.tolist(), maiores.tolist(), valores.tolist(), strict=True)
    ]


def das_regras(regras: Sequence[Regra], disparos: NDArray[np.bool_]) -> list[list[Motivo]]:
    """As regras que dispararam em cada linha, na ordem do arquivo; `disparos` lógico (n, regras)."""
    prontos = [Motivo(codigo=f"{PREFIXO_REGRA}{r.id}", texto=r.motivo, contribuicao=None) for r in regras]
    return [[prontos[j] for j in np.flatnonzero(linha)] for linha in disparos]
