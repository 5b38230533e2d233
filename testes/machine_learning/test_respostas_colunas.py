"""Mensagens do tópico de decisões em colunas: o bloco inteiro ou cada uma, sempre uma linha por mensagem."""

from __future__ import annotations

from typing import Any

import msgspec
import pyarrow as pa
import pytest

from machine_learning.esquema import DECISAO
from machine_learning.respostas_colunas import LIDA, ler_respostas
from testes.machine_learning.fabrica_respostas import decisao, recusa

ENTRADA = pa.schema([
    ("value", pa.binary()), ("resposta_particao", pa.int32()), ("resposta_deslocamento", pa.int64()),
])


def ler(*mensagens: bytes | None) -> list[dict[str, Any]]:
    n = len(mensagens)
    colunas = [pa.array(mensagens, pa.binary()), pa.array([1] * n, pa.int32()), pa.array(range(n), pa.int64())]
    [lote] = ler_respostas(iter([pa.RecordBatch.from_arrays(colunas, schema=ENTRADA)]))
    assert lote.schema.names == LIDA.names
    linhas: list[dict[str, Any]] = lote.to_pylist()
    assert [(x["resposta_particao"], x["resposta_deslocamento"]) for x in linhas] == [(1, i) for i in range(n)]
    return linhas


def test_cada_campo_de_uma_decisao_e_de_uma_recusa_chega_como_foi_escrito() -> None:
    mensagens = [decisao(1, 0, atributos=[1.0, None, -2.5]), recusa(1), decisao(2, 5, regras=[], motivos=[])]
    for lida, mensagem in zip(ler(*mensagens), mensagens, strict=True):
        escrita = msgspec.json.decode(mensagem)
        assert {nome: lida[nome] for nome in escrita} == escrita
        assert {lida[nome] for nome in set(DECISAO.names) - set(escrita) - {"atributos", "regras"}} <= {None}


@pytest.mark.parametrize(
    "ruim",
    [None, b"", b" ", b"\n", b"lixo", b"7", b"[1]", b'{"tipo":"decisao","lote":"x"}', b'{"tipo":"decisao"', b"\xff",
     decisao(8, 0) + b"\n" + decisao(9, 0)],
)
def test_uma_mensagem_ilegivel_fica_nula_e_nao_muda_as_vizinhas(ruim: bytes | None) -> None:
    antes, lida, depois = ler(decisao(1, 0), ruim, recusa(1))
    assert {lida[nome] for nome in DECISAO.names} == {None}
    assert (antes["tipo"], antes["deslocamento"]) == ("decisao", 0)
    assert (depois["tipo"], depois["deslocamento"]) == ("recusa", 1)


def test_dois_erros_que_se_compensam_no_bloco_nao_trocam_linhas_de_lugar() -> None:
    duas, vazia, boa = ler(decisao(1, 0) + b"\n" + decisao(2, 1), b"", decisao(3, 2))
    assert (duas["tipo"], vazia["tipo"], boa["deslocamento"]) == (None, None, 2)


def test_json_em_varias_linhas_e_com_campo_desconhecido_e_lido() -> None:
    texto = msgspec.json.format(msgspec.json.encode({**msgspec.json.decode(decisao(1, 0)), "novo": {"a": 1}}))
    [lida] = ler(texto)
    assert (lida["tipo"], lida["deslocamento"]) == ("decisao", 0)


def test_lote_vazio() -> None:
    assert ler() == []
