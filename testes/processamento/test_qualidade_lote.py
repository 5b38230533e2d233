"""O validador por lote responde, registro a registro, o que responde o de um: a mesma tupla ou a mesma recusa."""

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestao.avarias import ESTRAGOS
from ingestao.serializacao import serializar
from ingestao.simulador.geracao import gerar
from ingestao.simulador.parametros import Parametros
from processamento import formatos
from processamento.formas_lote import permitidos
from processamento.normalizado import Normalizado
from processamento.protecao import Tokenizador
from processamento.qualidade import Recusa, avaliar
from processamento.qualidade_lote import avaliar_lote
from testes.processamento.fabrica_eventos import CHAVE, CNPJS, CPFS, em_bytes, evento, parte, token
from testes.processamento.test_qualidade import BYTES_RUINS, CAMPOS_RUINS

TOKENIZADOR = Tokenizador(CHAVE, "v1")
BONS: list[dict[str, Any]] = [
    {},
    {"valor": "9999999999.99", "txid": "a" * 35, "versao_esquema": "1.3", "finalidade": "REFU"},
    {"dispositivo": {"id": token("ap")}, "sessao": {"canal": "APP", "colou_chave": True},
     "dict": {"liquidacoes_d90": 3}},
    {"dispositivo": {"id": "ap-1", "dias_cadastro": 5}, "sessao": {}, "dict": {}},
    {"chave": token("k"), "tipo_chave": "EVP"},
    {"chave": "ana@exemplo.invalid", "tipo_chave": "EMAIL"},
    {"pagador": parte("ana", conta="12345X", documento=CPFS[0]),
     "recebedor": parte("bia", documento=CNPJS[1], tipo_pessoa="PJ")},
    {"pagador": parte("ana", conta="tok:outra9:" + "z" * 22, agencia=None, idade_conta_dias=0)},
    {"novidade": "pão", "valor": "0.01"},
]
BONS_EM_BYTES = [em_bytes(evento(**mudancas)) for mudancas in BONS]


def um_a_um(valores: Sequence[bytes | None]) -> list[Normalizado | Recusa]:
    return [avaliar(valor, TOKENIZADOR) for valor in valores]


def em_lote(valores: Sequence[bytes | None]) -> list[Normalizado | Recusa]:
    lote = avaliar_lote(pa.array(valores, pa.binary()), TOKENIZADOR)
    assert tuple(lote.colunas) == Normalizado._fields
    respostas: dict[int, Normalizado | Recusa] = dict(lote.recusas)
    colunas = [coluna.to_pylist() for coluna in lote.colunas.values()]
    validos = (Normalizado(*linha) for linha in zip(*colunas, strict=True))
    respostas |= dict(zip(lote.quais.tolist(), validos, strict=True))
    assert len(respostas) == len(lote.quais) + len(lote.recusas) == len(valores)
    return [respostas[i] for i in range(len(valores))]


def test_os_bons_e_os_ruins_conhecidos_juntos_e_sozinhos() -> None:
    ruins = [valor for valor, _, _ in BYTES_RUINS] + [em_bytes(evento(**mudancas)) for mudancas, _, _ in CAMPOS_RUINS]
    todos = [valor for par in zip(BONS_EM_BYTES * 20, ruins, strict=False) for valor in par]
    assert len(todos) > 100
    assert em_lote(todos) == um_a_um(todos)
    for valor in (*BONS_EM_BYTES, *ruins):
        assert em_lote([valor]) == um_a_um([valor])


def test_lote_vazio() -> None:
    assert em_lote([]) == []


@pytest.fixture(scope="module")
def trafego() -> list[bytes]:
    return [valor for _, valor in serializar(gerar(Parametros().com_vivo(20, 60), 7).vivo())]


def test_o_trafego_simulado_com_avarias(trafego: list[bytes]) -> None:
    estragados = [estragar(trafego[i]) for i, (_, estragar) in enumerate(ESTRAGOS)]
    todos = [*trafego, *estragados, *trafego[:50]]
    assert len(trafego) > 1_000
    assert em_lote(todos) == um_a_um(todos)


def test_o_trafego_comum_nao_passa_pelo_validador_de_um(trafego: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    avulsos: list[bytes | None] = []

    def anotando(valor: bytes | None, tokenizador: Tokenizador) -> Normalizado | Recusa:
        avulsos.append(valor)
        return avaliar(valor, tokenizador)

    monkeypatch.setattr("processamento.qualidade_lote.avaliar", anotando)
    espacados = [json.dumps(json.loads(valor)).encode() for valor in trafego[:50]]
    assert len(em_lote([*trafego, *espacados, b"nada"])) == len(trafego) + 51
    assert avulsos == [b"nada"]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_um_byte_trocado_em_qualquer_lugar(dados: st.DataObject) -> None:
    valores = []
    for bom in dados.draw(st.lists(st.sampled_from(BONS_EM_BYTES), min_size=1, max_size=6)):
        lugar = dados.draw(st.integers(0, len(bom) - 1))
        byte = dados.draw(st.one_of(st.sampled_from(b'0159AZaz:-_.T"\\{}[], \n\xc3'), st.integers(0, 255)))
        valores.append(bom[:lugar] + bytes([byte]) + bom[lugar + 1 :])
    assert em_lote(valores) == um_a_um(valores)


_TEXTO = st.text(st.sampled_from("0159AZaz:-_.TE \n") | st.characters(codec="utf-8"), max_size=40)
_TROCAS = st.fixed_dictionaries({}, optional={
    "id_fim_a_fim": _TEXTO | st.from_regex(formatos.ID_FIM_A_FIM, fullmatch=True),
    "instante": _TEXTO | st.from_regex(formatos.INSTANTE, fullmatch=True),
    "valor": _TEXTO | st.from_regex(formatos.VALOR, fullmatch=True),
    "txid": _TEXTO,
    "chave": _TEXTO | st.just(token("k")), "tipo_chave": st.sampled_from(["EMAIL", "EVP", "PHONE", "CPF", "CNPJ"]),
    "dispositivo": st.fixed_dictionaries({"id": _TEXTO | st.just(token("ap"))}),
    "pagador": st.builds(parte, st.just("ana"), conta=_TEXTO | st.just("1X"), documento=_TEXTO | st.sampled_from(CPFS)),
    "recebedor": st.builds(parte, st.just("bia"), ispb=_TEXTO, agencia=_TEXTO),
})


@settings(max_examples=300, deadline=None)
@given(st.lists(_TROCAS, max_size=6))
def test_textos_quaisquer_nos_campos(trocas: list[dict[str, Any]]) -> None:
    valores = [json.dumps(evento(**troca)).encode() for troca in trocas] + BONS_EM_BYTES[:2]
    assert em_lote(valores) == um_a_um(valores)


def test_a_tabela_de_lugares_diz_o_que_a_expressao_diz() -> None:
    exemplo = "E" + "0" * 31
    tabela = permitidos(formatos.ID_FIM_A_FIM, exemplo)
    assert tabela.shape == (32, 256)
    assert (tabela.sum(axis=1) == [1, *[36] * 8, *[10] * 12, *[62] * 11]).all()
    assert not permitidos(formatos.ID_FIM_A_FIM, exemplo[:-1]).any()
