"""A verdade do estado: um diário só de acréscimos, em pedaços binários, e o índice que os ordena.

Cada micro-lote acrescenta um pedaço; pedaços pequenos do mesmo nível se fundem (nunca além de `LIMITE_PEDACO`), de
modo que cada linha é reescrita poucas vezes e uma partida lê poucos valores. Um pedaço inteiro mais velho que o
horizonte é apagado.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np

from processamento.estado.arena import Linhas
from processamento.estado.envelope import desempacotar, empacotar
from processamento.estado.nucleo import Inteiros

FUSAO: Final = 16
"""Quantos pedaços do mesmo nível viram um."""
LIMITE_PEDACO: Final = 16 << 20
"""Bytes de um pedaço: longe do limite de um valor no RocksDB e barato de reler."""
NIVEL_HISTORICO: Final = 99
"""Pedaços da partida quente já nascem grandes e não se fundem com os do fluxo."""
_COLUNAS: Final = tuple(Linhas.__dataclass_fields__)


class Pedaco(msgspec.Struct, frozen=True, array_like=True):
    """Um pedaço no índice: versões `[de, ate]` que contém, bytes e o instante mais novo (µs)."""

    numero: int
    de: int
    ate: int
    nivel: int
    tamanho: int
    instante_maximo: int


class Indice(msgspec.Struct, frozen=True):
    """O estado de um balde, sem os dados: versão, próximo número de pedaço, pedaços em ordem e ativação vigente.

    `ativacao` é o último registro de `pix.controle` (bytes), e `ativacao_em` o seu deslocamento (-1 = nenhuma).
    """

    versao: int = 0
    proximo: int = 0
    pedacos: tuple[Pedaco, ...] = ()
    ativacao_em: int = -1
    ativacao: bytes = b""


@dataclass(frozen=True)
class Bloco:
    """Linhas de diário de um ou mais lotes, com a chegada (carimbo do Kafka, s) que o horizonte de ids usa."""

    linhas: Linhas
    chegada_s: Inteiros


_CODIFICADOR: Final = msgspec.msgpack.Encoder()
_DECODIFICADOR: Final = msgspec.msgpack.Decoder(Indice)


def gravar_indice(indice: Indice) -> bytes:
    """O índice como valor do estado."""
    return _CODIFICADOR.encode(indice)


def ler_indice(valor: bytes | None) -> Indice:
    """O índice guardado, ou o de um balde que nunca existiu."""
    return Indice() if valor is None else _DECODIFICADOR.decode(valor)


def codificar(bloco: Bloco) -> bytes:
    """Um bloco como valor do estado."""
    colunas: dict[str, Any] = {nome: getattr(bloco.linhas, nome) for nome in _COLUNAS}
    colunas["fluxo"] = colunas["fluxo"].astype(np.int8)
    return empacotar({**colunas, "chegada_s": bloco.chegada_s.astype(np.int32)})


def decodificar(valor: bytes) -> Bloco:
    """O inverso de `codificar`."""
    colunas = desempacotar(valor)
    linhas = Linhas(*(colunas[nome].astype(np.int64, copy=False) for nome in _COLUNAS))
    return Bloco(linhas, colunas["chegada_s"].astype(np.int64))


def juntar(blocos: list[Bloco]) -> Bloco:
    """Um bloco com as linhas de todos, na ordem."""
    chegadas = [b.chegada_s for b in blocos] or [np.empty(0, np.int64)]
    return Bloco(Linhas.juntar([b.linhas for b in blocos]), np.concatenate(chegadas))


def acrescentar(indice: Indice, bloco: Bloco, tamanho: int) -> Indice:
    """O índice da próxima versão, com um pedaço a mais."""
    versao = indice.versao + 1
    maximo = int(bloco.linhas.instante.max()) if len(bloco.linhas) else 0
    pedaco = Pedaco(indice.proximo, versao, versao, 0, tamanho, maximo)
    return msgspec.structs.replace(
        indice, versao=versao, proximo=indice.proximo + 1, pedacos=(*indice.pedacos, pedaco)
    )


def a_fundir(indice: Indice) -> tuple[Pedaco, ...]:
    """Os últimos `FUSAO` pedaços, se são do mesmo nível e cabem em um; senão nenhum."""
    cauda = indice.pedacos[-FUSAO:]
    if cauda and cauda[-1].nivel == NIVEL_HISTORICO:
        return ()
    if len(cauda) < FUSAO or len({p.nivel for p in cauda}) > 1 or sum(p.tamanho for p in cauda) > LIMITE_PEDACO:
        return ()
    return cauda


def fundir(indice: Indice, cauda: tuple[Pedaco, ...], tamanho: int) -> Indice:
    """O índice com a cauda trocada por um pedaço do nível seguinte."""
    unido = Pedaco(
        indice.proximo, cauda[0].de, cauda[-1].ate, cauda[0].nivel + 1, tamanho, max(p.instante_maximo for p in cauda)
    )
    restantes = indice.pedacos[: -len(cauda)]
    return msgspec.structs.replace(indice, proximo=indice.proximo + 1, pedacos=(*restantes, unido))


def vencidos(indice: Indice, corte_us: int) -> tuple[Pedaco, ...]:
    """Pedaços cujo instante mais novo é anterior a `corte_us`."""
    return tuple(p for p in indice.pedacos if p.instante_maximo < corte_us)


def sem(indice: Indice, fora: tuple[Pedaco, ...]) -> Indice:
    """O índice sem os pedaços dados."""
    numeros = {p.numero for p in fora}
    return msgspec.structs.replace(indice, pedacos=tuple(p for p in indice.pedacos if p.numero not in numeros))


