"""Dos bytes de muitos registros às colunas, sem um objeto Python por campo: o JSON comum, lido por código nativo.

Lê o que o contrato diz (`ingestao.esquema.Evento`, pelos seus tipos) na forma em que quase todo produtor o escreve: em
uma linha, ASCII, sem escapes, contagens em algarismos, nenhuma chave repetida. O que foge disso não é recusado: fica
marcado, e quem decide é o validador de um (`qualidade`). Campos desconhecidos simples são pulados, como ele faz.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from msgspec import inspect
from numpy.typing import NDArray

from plataforma.nativo import njit

Bytes = NDArray[np.uint8]
Inteiros = NDArray[np.int64]
Mascara = NDArray[np.bool_]

TEXTO, OPCAO, INTEIRO, LOGICO, OBJETO = range(5)
_ASPAS, _BARRA, _ABRE, _FECHA, _VIRGULA, _DOIS_PONTOS, _ZERO, _NOVE = (ord(c) for c in '"\\{},:09')
_ESPACO, _ALTO = 0x20, 0x80
_DIGITOS: Final = 10
_NULO, _VERDADEIRO, _FALSO = (np.frombuffer(texto, np.uint8) for texto in (b"null", b"true", b"false"))
_LACUNA: Final = -1


class Campo(NamedTuple):
    """Um campo do contrato: em que objeto, seu nome e tipo, e onde guardá-lo (coluna de textos ou de inteiros)."""

    objeto: int
    caminho: str
    tipo: int
    nulo: bool
    obrigatorio: bool
    opcoes: tuple[str, ...]
    maximo: int
    filho: int


class Plano(NamedTuple):
    """Os campos em tabelas, uma linha por campo, os de um objeto seguidos. `textos` é onde estão nomes e opções.

    `nome` e `opcao`: começo e fim em `textos`; `opcoes`: começo e fim em `opcao`. `coluna`: na saída do seu tipo.
    `objeto`: os campos de cada um; `exigidos`: por objeto, os bits dos campos obrigatórios.
    """

    textos: Bytes
    nome: Inteiros
    opcao: Inteiros
    opcoes: Inteiros
    tipo: Inteiros
    nulo: Mascara
    maximo: Inteiros
    filho: Inteiros
    coluna: Inteiros
    objeto: Inteiros
    exigidos: Inteiros


class Varrido(NamedTuple):
    """O que se leu de n registros; só vale onde `lidos`.

    Args:
        inicio, tamanho: int64 (textos, n): onde está cada texto, em bytes; tamanho −1 = nulo ou ausente.
        inteiros: int64 (inteiros, n): contagem, 0 ou 1, ou o lugar na lista de opções; −1 = nulo ou ausente.
        lidos: lógico (n,).
    """

    inicio: Inteiros
    tamanho: Inteiros
    inteiros: Inteiros
    lidos: Mascara


def campos_de(tipo: type[msgspec.Struct]) -> list[Campo]:
    """Os campos do contrato, os de cada objeto seguidos; caminhos com ponto nos objetos de dentro."""
    raiz: Any = inspect.type_info(tipo)
    objetos: list[tuple[str, inspect.StructType]] = [("", raiz)]
    for campo in raiz.fields:
        aberto = _sem_nulo(campo.type)[0]
        if isinstance(aberto, inspect.StructType):
            objetos.append((f"{campo.encode_name}.", aberto))
    return [campo for i, (prefixo, objeto) in enumerate(objetos) for campo in _do_objeto(i, prefixo, objeto, objetos)]


def _do_objeto(i: int, prefixo: str, objeto: inspect.StructType, objetos: list[tuple[str, Any]]) -> Iterator[Campo]:
    prefixos = [nome for nome, _ in objetos]
    for campo in objeto.fields:
        tipo, nulo = _sem_nulo(campo.type)
        caminho, maximo, filho = f"{prefixo}{campo.encode_name}", 0, 0
        opcoes: tuple[str, ...] = ()
        if isinstance(tipo, inspect.StructType):
            qual, filho = OBJETO, prefixos.index(f"{caminho}.")
        elif isinstance(tipo, inspect.LiteralType):
            qual, opcoes = OPCAO, tuple(map(str, tipo.values))
        elif isinstance(tipo, inspect.IntType) and tipo.ge == 0 and tipo.le is not None:
            qual, maximo = INTEIRO, tipo.le
        else:
            qual = {inspect.StrType: TEXTO, inspect.BoolType: LOGICO}[type(tipo)]
        yield Campo(i, caminho, qual, nulo, campo.required, opcoes, maximo, filho)


def _sem_nulo(tipo: inspect.Type) -> tuple[inspect.Type, bool]:
    """O tipo sem o nulo e sem os metadados, e se aceita nulo."""
    if isinstance(tipo, inspect.Metadata):
        return _sem_nulo(tipo.type)
    if isinstance(tipo, inspect.UnionType):
        (outro,) = (t for t in tipo.types if not isinstance(t, inspect.NoneType))
        return _sem_nulo(outro)[0], True
    return tipo, False


def planejar(campos: list[Campo]) -> Plano:
    """As tabelas que o código nativo percorre."""
    textos, fins = bytearray(), []

    def guardar(texto: str) -> tuple[int, int]:
        textos.extend(texto.encode())
        fins.append(len(textos))
        return len(textos) - len(texto.encode()), len(textos)

    nomes = [guardar(campo.caminho.rpartition(".")[2]) for campo in campos]
    opcao: list[tuple[int, int]] = []
    opcoes = []
    for campo in campos:
        opcoes.append((len(opcao), len(opcao) + len(campo.opcoes)))
        opcao.extend(guardar(texto) for texto in campo.opcoes)
    objetos = range(max(campo.objeto for campo in campos) + 1)
    de_cada = [[i for i, campo in enumerate(campos) if campo.objeto == objeto] for objeto in objetos]
    nomes_de = {True: nomes_dos_textos(campos), False: nomes_dos_inteiros(campos)}
    return Plano(
        np.frombuffer(bytes(textos), np.uint8), np.array(nomes, np.int64), np.array(opcao, np.int64).reshape(-1, 2),
        np.array(opcoes, np.int64), np.array([c.tipo for c in campos], np.int64),
        np.array([c.nulo for c in campos], np.bool_), np.array([c.maximo for c in campos], np.int64),
        np.array([c.filho for c in campos], np.int64),
        np.array([0 if c.tipo == OBJETO else nomes_de[c.tipo == TEXTO].index(c.caminho) for c in campos], np.int64),
        np.array([(quais[0], quais[-1] + 1) for quais in de_cada], np.int64),
        np.array([sum(1 << i for i in quais if campos[i].obrigatorio) for quais in de_cada], np.int64),
    )


def nomes_dos_textos(campos: list[Campo]) -> list[str]:
    """Os caminhos das linhas de `Varrido.inicio`."""
    return [campo.caminho for campo in campos if campo.tipo == TEXTO]


def nomes_dos_inteiros(campos: list[Campo]) -> list[str]:
    """Os caminhos das linhas de `Varrido.inteiros`."""
    return [campo.caminho for campo in campos if campo.tipo in (OPCAO, INTEIRO, LOGICO)]


@njit(cache=True, nogil=True)
def _igual(dados: Bytes, i: int, textos: Bytes, de: int, ate: int) -> bool:
    for k in range(ate - de):  # noqa: SIM110 — o numba não compila geradores
        if dados[i + k] != textos[de + k]:
            return False
    return True


@njit(cache=True, nogil=True)
def _achar_aspas(dados: Bytes, i: int, fim: int, aspas: Inteiros) -> int:
    """Quantas aspas há, com seus lugares em `aspas`; −1 = há escape, controle ou byte que não é ASCII.

    Sem escapes, duas aspas seguidas são um texto: acha-se o fim de todos de uma vez, sem um desvio por byte.
    """
    quantas, incomum = 0, False
    registro = dados[i:fim]
    for j in range(registro.size):
        aspas[quantas] = i + j
        quantas += registro[j] == np.uint8(_ASPAS)
    for b in registro:
        incomum |= (b < np.uint8(_ESPACO)) | (b >= np.uint8(_ALTO)) | (b == np.uint8(_BARRA))
    return _LACUNA if incomum else quantas


@njit(cache=True, nogil=True)
def _pular_espacos(dados: Bytes, i: int, fim: int) -> int:
    while i < fim and dados[i] == _ESPACO:
        i += 1
    return i


@njit(cache=True, nogil=True)
def _fim_do_literal(dados: Bytes, i: int, fim: int, literal: Bytes) -> int:
    if i + literal.size <= fim and _igual(dados, i, literal, 0, literal.size):
        return i + literal.size
    return _LACUNA


@njit(cache=True, nogil=True)
def _ler_inteiro(dados: Bytes, i: int, fim: int) -> tuple[int, int]:
    """Um inteiro sem sinal e sem zero à esquerda, e onde acaba; −1 = não é um, ou é longo demais."""
    de, n = i, 0
    while i < fim and _ZERO <= dados[i] <= _NOVE and i - de <= _DIGITOS:
        n = n * 10 + (dados[i] - _ZERO)
        i += 1
    if i == de or i - de > _DIGITOS or (dados[de] == _ZERO and i - de > 1):
        return 0, _LACUNA
    # 1.5 e 1e9 também começam por algarismos.
    return n, i if i < fim and (dados[i] == _VIRGULA or dados[i] == _FECHA or dados[i] == _ESPACO) else _LACUNA


@njit(cache=True, nogil=True)
def _ler_simples(dados: Bytes, i: int, fim: int) -> tuple[int, int]:
    """Um lógico (0 ou 1), nulo (−1) ou inteiro, e onde acaba; −1 = nenhum deles."""
    if dados[i] == _NULO[0]:
        return _LACUNA, _fim_do_literal(dados, i, fim, _NULO)
    if dados[i] == _VERDADEIRO[0]:
        return 1, _fim_do_literal(dados, i, fim, _VERDADEIRO)
    if dados[i] == _FALSO[0]:
        return 0, _fim_do_literal(dados, i, fim, _FALSO)
    return _ler_inteiro(dados, i, fim)


@njit(cache=True, nogil=True)
def _achar_campo(dados: Bytes, de: int, ate: int, p: Plano, objeto: int, palpite: int) -> int:
    """O campo deste nome, a partir do palpite (os produtores quase sempre seguem a mesma ordem); −1 = desconhecido."""
    primeiro, fim = p.objeto[objeto, 0], p.objeto[objeto, 1]
    campo = palpite
    for _ in range(fim - primeiro):
        if campo >= fim:
            campo = primeiro
        inicio = p.nome[campo, 0]
        if p.nome[campo, 1] - inicio == ate - de and _igual(dados, de, p.textos, inicio, p.nome[campo, 1]):
            return campo
        campo += 1
    return _LACUNA


@njit(cache=True, nogil=True)
def _guardar_texto(dados: Bytes, de: int, ate: int, p: Plano, campo: int, linha: int, v: Varrido) -> bool:
    """Um valor entre aspas; falso = o campo não é texto, ou não é uma das suas opções."""
    coluna = p.coluna[campo]
    if p.tipo[campo] == TEXTO:
        v.inicio[coluna, linha], v.tamanho[coluna, linha] = de, ate - de
        return True
    for k in range(p.opcoes[campo, 0], p.opcoes[campo, 1]):
        inicio = p.opcao[k, 0]
        if p.opcao[k, 1] - inicio == ate - de and _igual(dados, de, p.textos, inicio, p.opcao[k, 1]):
            v.inteiros[coluna, linha] = k - p.opcoes[campo, 0]
            return True
    return False


@njit(cache=True, nogil=True)
def _guardar_simples(inicial: int, valor: int, p: Plano, campo: int, linha: int, v: Varrido) -> bool:
    """Um valor que começa pelo byte `inicial`; falso = não é do tipo do campo."""
    if inicial == _NULO[0]:
        return p.nulo[campo]
    logico = inicial == _VERDADEIRO[0] or inicial == _FALSO[0]
    if p.tipo[campo] != (LOGICO if logico else INTEIRO) or (not logico and valor > p.maximo[campo]):
        return False
    v.inteiros[p.coluna[campo], linha] = valor
    return True


@njit(cache=True, nogil=True)
def _depois_dos_dois_pontos(dados: Bytes, i: int, fim: int) -> int:
    i = _pular_espacos(dados, i, fim)
    if i >= fim or dados[i] != _DOIS_PONTOS:
        return _LACUNA
    i = _pular_espacos(dados, i + 1, fim)
    return i if i < fim else _LACUNA


@njit(cache=True, nogil=True)
def _varrer_um(  # noqa: PLR0911, PLR0912 — uma gramática pequena, sem partes: passar as tabelas a mais uma função
    # custava 5 µs por registro (o numba conta as referências de cada uma, com operações atômicas)
    dados: Bytes, i: int, fim: int, p: Plano, linha: int, v: Varrido, aspas: Inteiros
) -> bool:
    """Um registro. Só há dois níveis: o objeto de fora e um de dentro por vez."""
    quantas, lidas = _achar_aspas(dados, i, fim, aspas), 0
    i = _pular_espacos(dados, i, fim)
    if quantas < 0 or i >= fim or dados[i] != _ABRE:
        return False
    i, objeto, vistos, vazio = i + 1, 0, 0, True
    palpite, palpite_fora = p.objeto[0, 0], 0
    while True:
        i = _pular_espacos(dados, i, fim)
        if i >= fim:
            return False
        if dados[i] == _ASPAS:
            if lidas + 1 >= quantas:
                return False
            ate = aspas[lidas + 1]
            lidas += 2
            campo = _achar_campo(dados, i + 1, ate, p, objeto, palpite)
            i = _depois_dos_dois_pontos(dados, ate + 1, fim)
            if i < 0 or (campo >= 0 and vistos >> campo & 1):
                return False
            if campo >= 0:
                vistos |= 1 << campo
                palpite = campo + 1
                if p.tipo[campo] == OBJETO and dados[i] == _ABRE:
                    objeto, palpite_fora, i, vazio = p.filho[campo], palpite, i + 1, True
                    palpite = p.objeto[objeto, 0]
                    continue
            if dados[i] == _ASPAS:
                if lidas + 1 >= quantas:
                    return False
                de, i = i + 1, aspas[lidas + 1]
                lidas += 2
                if campo >= 0 and not _guardar_texto(dados, de, i, p, campo, linha, v):
                    return False
                i += 1
            else:
                inicial = dados[i]
                valor, i = _ler_simples(dados, i, fim)
                if i < 0 or (campo >= 0 and not _guardar_simples(inicial, valor, p, campo, linha, v)):
                    return False
        elif dados[i] != _FECHA or not vazio:
            return False
        i = _pular_espacos(dados, i, fim)
        while i < fim and dados[i] == _FECHA:
            if vistos & p.exigidos[objeto] != p.exigidos[objeto]:
                return False
            i = _pular_espacos(dados, i + 1, fim)
            if objeto == 0:
                return i == fim
            objeto, palpite = 0, palpite_fora
        if i >= fim or dados[i] != _VIRGULA:
            return False
        i, vazio = i + 1, False


@njit(cache=True, nogil=True)
def varrer(dados: Bytes, limites: NDArray[np.int32], presentes: Mascara, maior: int, p: Plano, v: Varrido) -> None:
    """Lê os registros `dados[limites[i]:limites[i + 1]]`, de até `maior` bytes, em `v`, que chega com −1 e falso."""
    aspas = np.empty(maior + 1, np.int64)
    for i in range(presentes.size):
        if presentes[i] and limites[i + 1] - limites[i] <= maior:
            v.lidos[i] = _varrer_um(dados, limites[i], limites[i + 1], p, i, v, aspas)
