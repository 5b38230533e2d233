"""O que o modelo faz a cada grupo de pagadores: quanto da fraude alcança e quantos honestos incomoda.

Nenhum atributo sensível entra no modelo, e a base não traz região. Sobram, onde informados, o tipo de pessoa e a idade
da conta: um grupo muito mais incomodado que os outros, para o mesmo recall, é para ser olhado por gente.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from processamento.atributos import NOMES
from processamento.contexto import DOMINIOS

NAO_INFORMADO: Final = "nao_informado"
IDADES_DIAS: Final = (30, 180, 730)
"""Fim de cada faixa de idade da conta, inclusive."""
DIMENSOES: Final = {"pagador_tipo_pessoa": "tipo de pessoa", "pagador_idade_conta_dias": "idade da conta"}
MIL: Final = 1_000.0


def medir(
    x: NDArray[np.float32], y: NDArray[np.int8], probabilidade: NDArray[np.float64], limiar: float
) -> dict[str, dict[str, dict[str, float | None]]]:
    """Por dimensão e grupo: Pix, fraudes, recall e honestos com alguma ação por mil.

    Args:
        x: float32 (n, len(NOMES)); NaN = não informado.
        y: 1 = fraude.
        probabilidade: calibrada.
        limiar: a partir do qual há alguma ação.

    Fica de fora a dimensão que a base não informa. Nulo = grupo sem fraude ou sem honestos.
    """
    agiu = probabilidade >= limiar
    saida = {}
    for dimensao in DIMENSOES:
        grupos = _grupos(dimensao, x[:, NOMES.index(dimensao)])
        if set(grupos.tolist()) == {NAO_INFORMADO}:
            continue
        saida[dimensao] = {str(g): _do_grupo(y[grupos == g], agiu[grupos == g]) for g in np.unique(grupos)}
    return saida


def linhas(medido: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """(dimensão, grupo, medidas) em ordem, com os nomes que se leem."""
    return [
        (DIMENSOES[dimensao], grupo.replace("_", " "), medidas)
        for dimensao, grupos in medido.items() for grupo, medidas in grupos.items()
    ]


def _grupos(dimensao: str, valores: NDArray[np.float32]) -> NDArray[Any]:
    """O nome do grupo de cada Pix, em ASCII: é também nome de métrica no MLflow."""
    nulo = np.isnan(valores)
    if dimensao in DOMINIOS:
        nomes = np.array(DOMINIOS[dimensao], dtype=object)
        grupos = nomes[np.where(nulo, 0, valores).astype(np.int64)]
    else:
        faixas = [f"{de + 1}_a_{ate}_dias" for de, ate in zip((-1, *IDADES_DIAS), IDADES_DIAS, strict=False)]
        nomes = np.array([*faixas, f"mais_de_{IDADES_DIAS[-1]}_dias"], dtype=object)
        grupos = nomes[np.searchsorted(IDADES_DIAS, np.where(nulo, 0, valores), side="left")]
    grupos[nulo] = NAO_INFORMADO
    return grupos


def _do_grupo(y: NDArray[np.int8], agiu: NDArray[np.bool_]) -> dict[str, float | None]:
    fraudes, honestos = int(y.sum()), int((y == 0).sum())
    return {
        "pix": float(y.size), "fraudes": float(fraudes),
        "recall": float(agiu[y == 1].sum() / fraudes) if fraudes else None,
        "incomodados_por_mil": float(MIL * agiu[y == 0].sum() / honestos) if honestos else None,
    }
