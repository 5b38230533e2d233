"""Mensagens do tópico de decisões, como a decisão as escreve."""

from __future__ import annotations

from typing import Any

import msgspec

from machine_learning.respostas import Decisao, RecusaDeFormato
from processamento.protecao import id_evento
from testes.processamento.fabrica_bronze import id_numero
from testes.processamento.fabrica_eventos import token

INSTANTE_US = 1_795_185_012_345_000
ATRIBUTOS = [1.0, float("nan"), -2.5]


def decisao(numero: int, deslocamento: int, **mudancas: Any) -> bytes:
    campos: dict[str, Any] = {campo: None for campo in Decisao.__struct_fields__ if campo != "versao_esquema"}
    campos |= {
        "tipo": "decisao", "id_fim_a_fim": id_numero(numero), "id_evento": id_evento(id_numero(numero)),
        "topico": "pix.eventos", "particao": 0, "deslocamento": deslocamento, "acao": "RETER_ANALISE",
        "pontuacao": 0.5, "motivos": [{"codigo": "c", "texto": "t", "contribuicao": 0.25}], "regras": ["R1"],
        "regras_versao": "1", "modo": "modelo", "catalogo_versao": "abc", "instante_us": INSTANTE_US,
        "kafka_em_us": INSTANTE_US, "decidido_em_us": INSTANTE_US + 9, "prazo_ms": 1_500, "duracao_ms": 0, "lote": 1,
        "pagador_conta": token("ana"), "recebedor_conta": token("bia"), "valor_centavos": 15_025,
        "atributos": ATRIBUTOS,
    }  # fmt: skip
    return msgspec.json.encode(Decisao(**{**campos, **mudancas}))


def recusa(deslocamento: int, **mudancas: Any) -> bytes:
    campos: dict[str, Any] = {
        "tipo": "recusa", "topico": "pix.eventos", "particao": 0, "deslocamento": deslocamento, "acao": "REJEITAR",
        "motivos": [], "kafka_em_us": INSTANTE_US, "enviado_em_us": None, "decidido_em_us": INSTANTE_US, "lote": 1,
    }  # fmt: skip
    return msgspec.json.encode(RecusaDeFormato(**{**campos, **mudancas}))
