"""Das colunas achatadas aos bytes do contrato: um registro por linha, chave = token da conta pagadora."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
import numpy as np
import polars as pl

from ingestao.esquema import Dict, Dispositivo, Evento, Parte, Rotulo, Sessao

FATIA: Final = 10_000
"""Linhas transformadas em objetos de cada vez: limita a memória sem custar tempo."""

_PARTE: Final = ("ispb", "conta", "tipo_conta", "tipo_pessoa", "documento", "idade_conta_dias")
_DISPOSITIVO: Final = ("dispositivo", *(f"disp_{c}" for c in Dispositivo.__struct_fields__[1:]))
_SESSAO: Final = tuple(f"sessao_{c}" for c in Sessao.__struct_fields__)
_DICT: Final = tuple(f"dict_{c}" for c in Dict.__struct_fields__)


def serializar(eventos: pl.DataFrame) -> Iterator[tuple[bytes, bytes]]:
    """Os eventos (colunas `trafego.EVENTOS`), na ordem, como (chave, JSON do contrato)."""
    codificar = msgspec.json.Encoder().encode
    for fatia in eventos.iter_slices(FATIA):
        contas = fatia["pagador_conta"].to_list()
        for conta, evento in zip(contas, _eventos(fatia), strict=True):
            yield conta.encode(), codificar(evento)


def serializar_rotulos(rotulos: pl.DataFrame) -> Iterator[tuple[bytes, bytes]]:
    """Os rótulos (colunas `trafego.ROTULOS`), na ordem, como (chave, JSON do contrato)."""
    codificar = msgspec.json.Encoder().encode
    for fatia in rotulos.iter_slices(FATIA):
        c = {nome: fatia[nome].to_list() for nome in fatia.columns}
        instante, conhecido = instantes(fatia["instante_us"]), instantes(fatia["conhecido_em_us"])
        colunas = zip(
            c["id_fim_a_fim"], instante, conhecido, c["pagador_conta"], c["recebedor_conta"], c["classe"],
            c["resultado"], c["dispositivo"], c["tipologia"], strict=True,
        )  # fmt: skip
        for linha in colunas:
            yield linha[3].encode(), codificar(Rotulo(*linha))


def instantes(instante_us: pl.Series) -> list[str]:
    """µs UTC → RFC 3339 com três casas e Z."""
    texto = np.datetime_as_string(instante_us.to_numpy().astype("datetime64[us]").astype("datetime64[ms]"))
    return [f"{t}Z" for t in texto.tolist()]


def valores(centavos: pl.Series) -> list[str]:
    """Centavos → R$ em texto com duas casas."""
    return [f"{c // 100}.{c % 100:02d}" for c in centavos.to_list()]


def _eventos(fatia: pl.DataFrame) -> Iterator[Evento]:
    c = {nome: fatia[nome].to_list() for nome in fatia.columns}
    return map(
        Evento,
        c["id_fim_a_fim"], instantes(fatia["instante_us"]), valores(fatia["valor_centavos"]),
        _partes(c, "pagador"), _partes(c, "recebedor"), c["forma_de_iniciacao"], c["finalidade"],
        _versoes(), c["chave"], c["tipo_chave"], c["txid"],
        _opcional(Dispositivo, c, _DISPOSITIVO), _opcional(Sessao, c, _SESSAO), _opcional(Dict, c, _DICT),
    )  # fmt: skip


def _versoes() -> Iterator[str]:
    while True:
        yield "1"


def _partes(c: dict[str, list[Any]], lado: str) -> Iterator[Parte]:
    ispb, conta, tipo_conta, tipo_pessoa, documento, idade = (c[f"{lado}_{nome}"] for nome in _PARTE)
    return map(Parte, ispb, conta, tipo_conta, tipo_pessoa, documento, _sem_agencia(), idade)


def _sem_agencia() -> Iterator[None]:
    while True:
        yield None


def _opcional(tipo: Any, c: dict[str, list[Any]], nomes: tuple[str, ...]) -> Iterator[Any]:
    """Um bloco por linha; nenhum quando tudo nele falta (ou, no dispositivo, quando falta o id)."""
    colunas = [c[nome] for nome in nomes]
    if tipo is Dispositivo:
        return (None if linha[0] is None else tipo(*linha) for linha in zip(*colunas, strict=True))
    vazia = (None,) * len(nomes)
    return (None if linha == vazia else tipo(*linha) for linha in zip(*colunas, strict=True))
