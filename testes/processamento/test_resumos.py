"""Os resumos em faixas são os da biblioteca padrão, de um a `MAIOR_TEXTO` bytes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from processamento.protecao import id_evento
from processamento.resumos import FAIXAS, MAIOR_TEXTO, inteiros


def resumir(textos: list[str | None]) -> list[int]:
    dados = np.frombuffer("".join(t or "" for t in textos).encode(), np.uint8)
    tamanho = np.array([-1 if t is None else len(t) for t in textos], np.int64)
    inicio = np.cumsum(np.maximum(tamanho, 0)) - np.maximum(tamanho, 0)
    saida: list[int] = inteiros(dados, inicio, tamanho).tolist()
    return saida


def test_todos_os_tamanhos_ate_o_maior() -> None:
    textos: list[str | None] = [("tok:v1:" + "aZ09_-" * 30)[:n] for n in range(1, MAIOR_TEXTO + 1)]
    assert resumir(textos) == [id_evento(t) for t in textos if t]


@given(st.lists(st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40),
                max_size=2 * FAIXAS + 3))
def test_ausentes_valem_zero_e_nao_mudam_os_vizinhos(textos: list[str | None]) -> None:
    assert resumir(textos) == [0 if t is None else id_evento(t) for t in textos]
