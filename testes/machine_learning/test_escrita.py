"""As decisões escritas por colunas contra o codificador de um objeto por vez."""

from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine_learning import escrita
from machine_learning.respostas import Decisao

DIFICEIS = [
    0.0, -0.0, 1.0, 9.0, 10.0, 999.0, 1_000.0, 9_999.0, 10_000.0, 99_999_999.0, 999_999_999.0, 1e9, 1e16, 2.0**53,
    2.0**63, -1.0, -999.0, 0.5, 1.5, -0.1, 1e-7, 1e22, 5e-324, 1.7976931348623157e308, -1.7976931348623157e308,
    2.2250738585072014e-308, -1.2345678901234567e-300, 0.1 + 0.2, float("nan"),
]


def campos(**mudancas: Any) -> dict[str, escrita.Pedacos]:
    """Duas decisões mínimas; `mudancas` troca campos já escritos."""
    escritos = {nome: escrita.constante(None) for nome in Decisao.__struct_fields__}
    return {**escritos, "id_fim_a_fim": escrita.textos(pa.array(["a", "b"])), **mudancas}


def lidas(**mudancas: Any) -> list[dict[str, Any]]:
    return [msgspec.json.decode(linha) for linha in escrita.escrever(campos(**mudancas))]


def ler_numeros(matriz: np.ndarray) -> list[list[float | None]]:
    """As linhas de uma matriz escrita, lidas de volta pelo leitor de JSON da biblioteca que o lago não usa."""
    abre, numeros, fecha = escrita.matriz(matriz)
    return [msgspec.json.decode(abre + linha.encode() + fecha) for linha in numeros.to_pylist()]


def conferir(matriz: np.ndarray) -> None:
    lidos = np.array([[np.nan if v is None else v for v in linha] for linha in ler_numeros(matriz)], np.float64)
    assert lidos.tobytes() == np.ascontiguousarray(matriz).tobytes()  # bit a bit: o zero negativo também


def test_todo_numero_volta_bit_a_bit() -> None:
    for colunas in (1, 3, 7):
        conferir(np.resize(np.array(DIFICEIS), (2 * escrita.NUMEROS_POR_VEZ // colunas + 5, colunas)))
    conferir(np.asfortranarray(np.resize(np.array(DIFICEIS), (6_000, 11))))


@given(st.lists(st.floats(allow_infinity=False, width=64) | st.integers(0, 10**10).map(float), min_size=1, max_size=60))
def test_qualquer_numero_volta_bit_a_bit(valores: list[float]) -> None:
    conferir(np.where(np.isnan(valores), np.nan, valores)[np.newaxis, :])


def test_contagem_sai_sem_casa_decimal() -> None:
    (numeros,) = escrita.reais(np.array([0.0, 3.0, 1234.0, 2.5, np.nan]))
    assert numeros.to_pylist() == ["0", "3", "1234", "2.5", "null"]


@given(st.lists(st.text() | st.none(), min_size=2, max_size=2))
def test_qualquer_texto_volta_igual(textos: list[str | None]) -> None:
    assert [d["dispositivo"] for d in lidas(dispositivo=escrita.textos(pa.array(textos, pa.string())))] == textos


def test_texto_que_pede_escape_em_uma_fatia() -> None:
    """Só conta o que está na fatia; o resto da coluna não obriga ao caminho lento."""
    coluna = pa.array(['"', "simples", "tok:a", "\\", None, "b"])
    assert escrita.textos(coluna[1:3]) == (b'"', coluna[1:3], b'"')
    assert [linha.as_py() for linha in escrita.textos(coluna[2:])[0]] == ['"tok:a"', '"\\\\"', "null", '"b"']
    assert [linha.as_py() for linha in escrita.textos(coluna[4:])[0]] == ["null", '"b"']


def test_a_mensagem_e_a_do_codificador() -> None:
    """Ordem dos campos, nulos e listas como em `Decisao` codificada; só a forma das contagens muda."""
    motivos = [[{"codigo": "x", "texto": "é \"assim\"", "contribuicao": 0.5}], []]
    escritas = escrita.escrever(campos(
        tipo=escrita.constante("decisao"), id_evento=escrita.inteiros(pa.array([2**62, -1])),
        enviado_em_us=escrita.inteiros(pa.array([None, 5])), motivos=escrita.listas(motivos),
        pontuacao=escrita.reais(np.array([0.25, np.nan])),
        atributos=escrita.matriz(np.array([[0.5, 7.0], [np.nan, -2.5]])),
    ))
    vazia = dict.fromkeys(Decisao.__struct_fields__) | {"tipo": "decisao"}
    esperadas = [
        Decisao(**{**vazia, "id_fim_a_fim": "a", "id_evento": 2**62, "motivos": motivos[0], "pontuacao": 0.25,
                   "atributos": [0.5, 7]}),
        Decisao(**{**vazia, "id_fim_a_fim": "b", "id_evento": -1, "enviado_em_us": 5, "motivos": [],
                   "atributos": [None, -2.5]}),
    ]
    assert escritas == [msgspec.json.encode(esperada) for esperada in esperadas]


def test_campo_que_falta_ou_nulo_indevido_e_erro_nosso() -> None:
    incompletos = campos()
    del incompletos["acao"]
    with pytest.raises(RuntimeError, match="acao"):
        escrita.escrever(incompletos)
    with pytest.raises(RuntimeError, match="nulo"):
        escrita.escrever(campos(acao=(pa.array(["1", None]),)))
