"""Fábrica de registros do contrato: o teste diz só o que muda."""

from __future__ import annotations

import json
from typing import Any

ID = "E99999010202611201430abcDEF12345"
INSTANTE = "2026-11-20T14:30:12.345Z"
CPFS = ("52998224725", "11144477735", "12345678909")
CNPJS = ("11222333000181", "12ABC34501DE35", "A1B2C3D4000193")
CHAVE = b"k" * 32


def token(nome: str) -> str:
    return f"tok:v1:{nome:_<22}"


def parte(nome: str, **mudancas: Any) -> dict[str, Any]:
    return {
        "ispb": "99999010",
        "agencia": "0001",
        "conta": token(nome),
        "tipo_conta": "CACC",
        "tipo_pessoa": "PF",
        "documento": token(f"d{nome}"),
        **mudancas,
    }


def evento(**mudancas: Any) -> dict[str, Any]:
    """Um Pix válido em tokens; `mudancas` trocam campos e `None` os tira."""
    base: dict[str, Any] = {
        "versao_esquema": "1",
        "id_fim_a_fim": ID,
        "instante": INSTANTE,
        "valor": "150.25",
        "pagador": parte("ana"),
        "recebedor": parte("bia", ispb="99999020"),
        "forma_de_iniciacao": "MANU",
        "finalidade": "IPAY",
    }
    return {nome: valor for nome, valor in {**base, **mudancas}.items() if valor is not None}


def rotulo(**mudancas: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "versao_esquema": "1",
        "id_fim_a_fim": ID,
        "instante": INSTANTE,
        "conhecido_em": "2026-11-25T10:00:00.000Z",
        "pagador_conta": token("ana"),
        "recebedor_conta": token("bia"),
        "classe": "SCAM",
        "resultado": "AGREED",
        "tipologia": "FALSO_PARENTE",
    }
    return {nome: valor for nome, valor in {**base, **mudancas}.items() if valor is not None}


def em_bytes(registro: Any) -> bytes:
    return json.dumps(registro, ensure_ascii=False).encode()
