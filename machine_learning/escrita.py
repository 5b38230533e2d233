"""As decisões de um bloco em JSON: cada campo é uma coluna de textos, e as colunas se juntam linha a linha.

Um objeto e uma chamada por Pix, e uma casa decimal para cada contagem, custavam mais que decidir (docs/adr/0019).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from machine_learning.respostas import Decisao
from plataforma.nativo import njit

Bytes = NDArray[np.uint8]
Pedacos = tuple[bytes | pa.StringArray, ...]
"""O valor de um campo: trechos iguais em todas as linhas e colunas com um trecho de JSON por linha, sem nulos."""
_TETO_TABELA: Final = 1_000
"""Os inteiros abaixo disto, três quartos dos números, e o nulo estão escritos em uma tabela."""
_TETO_INTEIRO: Final = 1_000_000_000
"""Abaixo disto um inteiro se escreve aqui, sem casa decimal; os outros números, pelo orjson."""
_LONGO: Final = len("999999999,")
_REAL: Final = np.uint64(len("-1.7976931348623157e+308,"))
"""O mais longo que o orjson escreve, com a vírgula."""
_INTEIRO, _QUEBRADO, _NULO = -1, -2, _TETO_TABELA
_LARGURA: Final = np.uint64(6)
NUMEROS_POR_VEZ: Final = 1 << 15
"""Números escritos de cada vez: cabem no cache, e custam a preparar."""
_CODIFICADOR: Final = msgspec.json.Encoder()
_VIRGULA, _ZERO, _ESPACO, _ASPAS, _BARRA = np.frombuffer(b',0 "\\', np.uint8)


def _tabela() -> Bytes:
    """De cada inteiro pequeno e do nulo, o texto com a vírgula e, na última coluna, quantos bytes são."""
    escritos = [*(b"%d," % i for i in range(_TETO_TABELA)), b"null,"]
    linhas = [[*texto.ljust(int(_LARGURA) - 1), len(texto)] for texto in escritos]
    return np.array(linhas, np.uint8)


_TABELA: Final = _tabela()


def escrever(campos: Mapping[str, Pedacos]) -> list[bytes]:
    """As mensagens do bloco, uma por linha, na ordem dos campos de `Decisao`.

    Levanta:
        RuntimeError: falta ou sobra um campo, ou um valor é nulo onde não pode: erro nosso.
    """
    if set(campos) != set(Decisao.__struct_fields__):
        msg = f"campos de Decisao que faltam ou sobram: {set(campos) ^ set(Decisao.__struct_fields__)}"
        raise RuntimeError(msg)
    trechos: list[bytes | pa.StringArray] = []
    for i, nome in enumerate(Decisao.__struct_fields__):
        trechos += [(b'{"%b":' if i == 0 else b',"%b":') % nome.encode(), *campos[nome]]
    linhas = pc.binary_join_element_wise(*_juntar([*trechos, b"}"]), pa.scalar(""))
    if linhas.null_count:
        msg = f"{linhas.null_count} decisões com um campo nulo que não pode ser"
        raise RuntimeError(msg)
    return mensagens(linhas)


def mensagens(textos_: pa.StringArray) -> list[bytes]:
    """Cada texto em bytes, como o cliente Kafka os quer."""
    lista: list[bytes] = textos_.cast(pa.binary()).to_numpy(zero_copy_only=False).tolist()
    return lista


def constante(valor: Any) -> Pedacos:
    """O mesmo valor em todas as linhas."""
    return (_CODIFICADOR.encode(valor),)


def textos(coluna: pa.StringArray) -> Pedacos:
    """Um texto por linha; nulo = `null`."""
    if _tem_escape(coluna):
        return (pa.array(map(_CODIFICADOR.encode, coluna.to_pylist()), pa.string()),)
    if coluna.null_count:
        aspas = pa.scalar('"')
        return (pc.binary_join_element_wise(aspas, coluna, aspas, pa.scalar("")).fill_null("null"),)
    return (b'"', coluna, b'"')


def inteiros(coluna: pa.Int64Array) -> Pedacos:
    """Um inteiro por linha; nulo = `null`."""
    escritos = coluna.cast(pa.string())
    return (escritos.fill_null("null") if escritos.null_count else escritos,)


def listas(valores: Sequence[Sequence[Any]]) -> Pedacos:
    """Uma lista por linha, quase sempre vazia."""
    vazia = _CODIFICADOR.encode([])
    return (pa.array([_CODIFICADOR.encode(v) if v else vazia for v in valores], pa.string()),)


def reais(valores: NDArray[np.float64]) -> Pedacos:
    """Um número por linha; NaN = `null`. `valores`: float64 (n,)."""
    return (_numeros(valores[:, np.newaxis]),)


def matriz(valores: NDArray[np.float64]) -> Pedacos:
    """Uma lista de números por linha; NaN = `null`. `valores`: float64 (n, colunas)."""
    return (b"[", _numeros(valores), b"]")


def _juntar(trechos: Sequence[bytes | pa.StringArray]) -> list[pa.Scalar | pa.StringArray]:
    """Os trechos iguais que se seguem em um só."""
    juntos: list[pa.Scalar | pa.StringArray] = []
    igual = b""
    for trecho in trechos:
        if isinstance(trecho, bytes):
            igual += trecho
        else:
            juntos += [pa.scalar(igual.decode()), trecho]
            igual = b""
    return [*juntos, pa.scalar(igual.decode())]


def _tem_escape(coluna: pa.StringArray) -> bool:
    """Se algum texto tem o que o JSON não aceita como está."""
    _, limites, dados = coluna.buffers()
    if dados is None:
        return False
    pontas = np.frombuffer(limites, np.int32)[[coluna.offset, coluna.offset + len(coluna)]]
    return bool(_pede_escape(np.frombuffer(dados, np.uint8)[slice(*pontas)]))


@njit(cache=True, nogil=True)
def _pede_escape(texto: Bytes) -> bool:
    pedem = False
    for byte in texto:
        pedem |= (byte < _ESPACO) | (byte == _ASPAS) | (byte == _BARRA)
    return pedem


def _numeros(valores: NDArray[np.float64]) -> pa.StringArray:
    """Os números de cada linha, separados por vírgula."""
    linhas, passo = valores.shape[0], max(1, NUMEROS_POR_VEZ // valores.shape[1])
    partes, limites, fim = [np.empty(0, np.uint8)], np.zeros(linhas + 1, np.int32), 0
    for de in range(0, linhas, passo):
        bloco = np.ascontiguousarray(valores[de : de + passo])
        codigos = _classificar(bloco, bloco.view(np.int64))
        quebrados = orjson.dumps(bloco[codigos == _QUEBRADO], option=orjson.OPT_SERIALIZE_NUMPY)
        # Cada um acaba em vírgula, e depois do último há o que copiar sem olhar até onde.
        lidos = np.frombuffer(quebrados.removeprefix(b"[").replace(b"]", b",") + bytes(int(_REAL)), np.uint8)
        saida = np.empty(bloco.size * _LONGO + lidos.size, np.uint8)
        usados = _escrever(bloco, codigos, lidos, _TABELA, saida, limites[de + 1 :], fim)
        partes.append(saida[:usados])
        fim += int(usados)
    return pa.StringArray.from_buffers(linhas, pa.py_buffer(limites), pa.py_buffer(np.concatenate(partes)))


@njit(cache=True, nogil=True)
def _classificar(valores: NDArray[np.float64], bits: NDArray[np.int64]) -> NDArray[np.int16]:
    """O lugar de cada um na `_TABELA`, ou `_INTEIRO` (até 9 dígitos), ou `_QUEBRADO`."""
    codigos = np.empty(valores.shape, np.int16)
    for i in range(valores.shape[0]):
        for j in range(valores.shape[1]):
            x = valores[i, j]
            inteiro = (x == np.floor(x)) & (x < _TETO_INTEIRO) & (bits[i, j] >= 0)  # os bits: -0.0 não é 0
            codigos[i, j] = _INTEIRO if inteiro else _QUEBRADO
            if inteiro & (x < _TETO_TABELA):
                codigos[i, j] = np.int16(x)
            elif np.isnan(x):
                codigos[i, j] = _NULO
    return codigos


@njit(cache=True, nogil=True)
def _escrever(
    valores: NDArray[np.float64], codigos: NDArray[np.int16], quebrados: Bytes, tabela: Bytes, saida: Bytes,
    limites: NDArray[np.int32], base: int,
) -> np.int64:
    """Escreve as linhas e até onde vai cada uma, a partir de `base`; devolve quantos bytes usou.

    `quebrados`: os que têm esse código, escritos, cada um com uma vírgula atrás. Da tabela e deles copia-se sempre o
    mesmo tanto, sem perguntar quanto é: o que passar será reescrito.
    """
    p, q, um = np.uint64(0), np.uint64(0), np.uint64(1)
    for i in range(valores.shape[0]):
        for j in range(valores.shape[1]):
            codigo = codigos[i, j]
            if codigo >= 0:
                for k in range(_LARGURA - um):
                    saida[p + k] = tabela[codigo, k]
                p += np.uint64(tabela[codigo, _LARGURA - um])
            elif codigo == _INTEIRO:
                p = _escrever_inteiro(np.uint64(valores[i, j]), saida, p)
            else:
                for k in range(_REAL):
                    saida[p + k] = quebrados[q + k]
                q += um
                p += np.uint64(2)
                while quebrados[q] != _VIRGULA:
                    p += um
                    q += um
                q += um
        p -= um  # a vírgula do último
        limites[i] = base + np.int64(p)
    return np.int64(p)


@njit(cache=True, nogil=True)
def _escrever_inteiro(valor: np.uint64, saida: Bytes, p: np.uint64) -> np.uint64:
    """Os dígitos de um inteiro, de `_TETO_TABELA` em diante, e uma vírgula a partir de `p`; devolve onde acabam."""
    dez, um = np.uint64(10), np.uint64(1)
    fim, teto = p + np.uint64(4), np.uint64(10_000)
    while valor >= teto:
        fim += um
        teto *= dez
    k = fim
    while k > p:
        k -= um
        resto = valor // dez
        saida[k] = _ZERO + np.uint8(valor - resto * dez)
        valor = resto
    saida[fim] = _VIRGULA
    return fim + um
