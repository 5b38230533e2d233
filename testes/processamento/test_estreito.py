"""Estreitar e alargar devolvem a mesma matriz, em qualquer ordem de linhas, e gastam menos bytes onde dá."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processamento.catalogo import NULO
from processamento.estado.envelope import desempacotar, empacotar
from processamento.estado.estreito import alargar, estreitar

_VALOR = st.sampled_from([NULO, 0, 1, 127, 128, 32_767, 32_768, 2**31 - 1, 2**31, 2**62, -1, -5]) | st.integers(0, 300)
_MATRIZ = st.integers(0, 6).flatmap(
    lambda colunas: st.lists(st.lists(_VALOR, min_size=colunas, max_size=colunas), max_size=12).map(
        lambda linhas: np.array(linhas, np.int64).reshape(len(linhas), colunas)
    )
)


@settings(deadline=None)  # o primeiro exemplo pode compilar
@given(_MATRIZ, st.randoms(use_true_random=False))
def test_ida_e_volta_pelo_envelope(medidas: np.ndarray, sorte: object) -> None:
    lugares = np.random.default_rng(sorte.randint(0, 9)).permutation(medidas.shape[0])  # type: ignore[attr-defined]
    estreitas = desempacotar(empacotar({"m": estreitar(medidas)}))["m"]
    destino = np.full((medidas.shape[0], medidas.shape[1] + 2), 7, np.int64)
    alargar(estreitas, lugares, destino[:, 1:-1])
    np.testing.assert_array_equal(destino[lugares, 1:-1], medidas)
    assert (destino[:, [0, -1]] == 7).all()


@pytest.mark.parametrize(("maior", "bytes_"), [(100, 1), (30_000, 2), (10**9, 4), (10**12, 8)])
def test_cada_coluna_na_menor_largura(maior: int, bytes_: int) -> None:
    estreitas = estreitar(np.array([[maior], [NULO], [0]], np.int64))
    assert sum(v.nbytes for nome, v in estreitas.items() if nome.startswith("v")) == 3 * bytes_
