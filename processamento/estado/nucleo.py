"""A memória do estado e os laços compilados de baixo: achar um diário, alocar e mover blocos.

A memória é um conjunto de colunas (`Memoria`). Cada diário é um bloco contíguo, ordenado por (instante, ordem): uma
janela custa duas buscas. Blocos têm capacidades em degraus (1, 2, 3, 4, 5, 6, 7, 8, 10, 12…) e voltam a uma lista livre
do seu tamanho. Sobre ela, `diarios` insere, remove, despeja e, depois de refazer o estado, compacta; `marcos` guarda
somas a cada tantos lugares, `consulta` mede e `repetidos` reconhece ids já vistos.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from plataforma.nativo import njit
from processamento.catalogo import ESCALA_LOG

Inteiros = NDArray[np.int64]

# Posições do cabeçalho.
VERSAO: Final = 0
SUJO: Final = 1
RELOGIO: Final = 2
DIARIOS: Final = 3
TOPO: Final = 4
EVENTOS: Final = 5
IDS: Final = 6
VARRIDO: Final = 7
RELOGIO_ANTERIOR: Final = 8
FORMATO: Final = 9
RECUO: Final = 10
LIVRES: Final = 16
TAMANHO_CABECALHO: Final = 160

_DEGRAUS_POR_OITAVA: Final = 4


class Memoria(NamedTuple):
    """As colunas do estado. `tabela_*` e `id_*` são tabelas de espalhamento de endereço aberto (potência de dois).

    O lugar de um diário na primeira vem dos bits altos da chave (os que sobram de recuá-la `RECUO` bits): chaves em
    ordem são lugares em ordem, e inserir um lote não salta pela tabela. `tabela_diario` 0 = vazio; `livre` é encadeada
    por `instante` do primeiro lugar do bloco. `marco_*` k: as somas das linhas que o bloco em volta do lugar k·PASSO
    (`marcos`) tem antes dele; sem sentido se o bloco começa ali.
    """

    cabecalho: Inteiros
    tabela_chave: Inteiros
    tabela_diario: NDArray[np.int32]
    diario_chave: Inteiros
    diario_inicio: Inteiros
    diario_tamanho: NDArray[np.int32]
    diario_classe: NDArray[np.int32]
    instante: Inteiros
    ordem: Inteiros
    valor: Inteiros
    contraparte: Inteiros
    marco_valor: Inteiros
    marco_log: Inteiros
    marco_log2: Inteiros
    id_chave: Inteiros
    id_versao: NDArray[np.int32]
    id_chegada: NDArray[np.int32]


@njit(cache=True)
def misturar(x: int) -> int:
    """Finalizador splitmix64 (Steele, Lea e Flood, 2014): espalha bits, não protege nada."""
    z = np.uint64(x) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.int64(z ^ (z >> np.uint64(31)))  # type: ignore[return-value]


@njit(cache=True)
def chaves_de_diario(entidade: Inteiros, fluxo: Inteiros) -> Inteiros:
    """A chave de cada (entidade, fluxo)."""
    saida = np.empty(entidade.size, np.int64)
    for i in range(entidade.size):
        saida[i] = misturar(entidade[i] ^ misturar(fluxo[i] + 1))
    return saida


@njit(cache=True)
def logaritmo_fixo(valor: int) -> int:
    """round(1000·ln(1 + R$)) de um valor em centavos."""
    return int(np.floor(ESCALA_LOG * np.log1p(valor / 100.0) + 0.5))


def como_lugar(chaves: Inteiros) -> NDArray[np.uint64]:
    """As chaves na ordem em que ficam na tabela: sem sinal."""
    return chaves.view(np.uint64)


@njit(cache=True)
def recuo_de(lugares: int) -> int:
    """Os bits que sobram de uma chave quando a tabela tem `lugares`, potência de dois."""
    recuo = 64
    while lugares > 1:
        lugares >>= 1
        recuo -= 1
    return recuo


@njit(cache=True)
def lugar_na_tabela(m: Memoria, chave: int) -> int:
    """Onde começa a procura de uma chave."""
    return np.int64(np.uint64(chave) >> np.uint64(m.cabecalho[RECUO]))  # type: ignore[return-value]


@njit(cache=True)
def achar(m: Memoria, chave: int) -> int:
    """O número do diário com esta chave; 0 = não há."""
    mascara = m.tabela_chave.size - 1
    i = lugar_na_tabela(m, chave)
    while m.tabela_diario[i] != 0:
        if m.tabela_chave[i] == chave:
            return m.tabela_diario[i]
        i = (i + 1) & mascara
    return 0


@njit(cache=True)
def pendurar(m: Memoria, chave: int, diario: int) -> None:
    """Põe um diário novo na tabela, que tem lugar."""
    mascara = m.tabela_chave.size - 1
    i = lugar_na_tabela(m, chave)
    while m.tabela_diario[i] != 0:
        i = (i + 1) & mascara
    m.tabela_chave[i] = chave
    m.tabela_diario[i] = diario


@njit(cache=True)
def repovoar_tabela(m: Memoria) -> None:
    """Reconstrói a tabela de diários (depois de crescer)."""
    m.cabecalho[RECUO] = recuo_de(m.tabela_chave.size)
    m.tabela_diario[:] = 0
    for d in range(1, m.cabecalho[DIARIOS] + 1):
        pendurar(m, m.diario_chave[d], d)


@njit(cache=True)
def capacidade(classe: int) -> int:
    """Lugares de um bloco da classe ≥ 1: 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20… Sobra no máximo um quarto."""
    if classe < _DEGRAUS_POR_OITAVA:
        return classe
    return (_DEGRAUS_POR_OITAVA + classe % _DEGRAUS_POR_OITAVA) << (classe // _DEGRAUS_POR_OITAVA - 1)


@njit(cache=True)
def classe_de(n: int) -> int:
    """A menor classe em que cabem n ≥ 1 linhas."""
    if n <= _DEGRAUS_POR_OITAVA:
        return n
    oitava = 0
    while n > (_DEGRAUS_POR_OITAVA << (oitava + 1)):
        oitava += 1
    return _DEGRAUS_POR_OITAVA * oitava + ((n - 1) >> oitava) + 1


@njit(cache=True)
def limite(coluna: Inteiros, inicio: int, fim: int, alvo: int) -> int:
    """Primeira posição de [inicio, fim) com coluna ≥ alvo."""
    while inicio < fim:
        meio = (inicio + fim) >> 1
        if coluna[meio] < alvo:
            inicio = meio + 1
        else:
            fim = meio
    return inicio


@njit(cache=True)
def alocar(m: Memoria, classe: int) -> int:
    """O começo de um bloco da classe: da lista livre ou do topo, que quem chama garantiu."""
    livre = m.cabecalho[LIVRES + classe]
    if livre >= 0:
        m.cabecalho[LIVRES + classe] = m.instante[livre]
        return livre
    inicio = m.cabecalho[TOPO]
    m.cabecalho[TOPO] = inicio + capacidade(classe)
    return inicio


@njit(cache=True)
def liberar(m: Memoria, inicio: int, classe: int) -> None:
    """Devolve um bloco à lista livre da sua classe."""
    m.instante[inicio] = m.cabecalho[LIVRES + classe]
    m.cabecalho[LIVRES + classe] = inicio


@njit(cache=True)
def copiar(m: Memoria, de: int, destino: Memoria, para: int, n: int) -> None:
    """Copia n linhas, da primeira à última: na mesma memória e para trás, os trechos podem se sobrepor."""
    for i in range(n):
        destino.instante[para + i] = m.instante[de + i]
        destino.ordem[para + i] = m.ordem[de + i]
        destino.valor[para + i] = m.valor[de + i]
        destino.contraparte[para + i] = m.contraparte[de + i]


@njit(cache=True)
def lugares_justos(m: Memoria) -> int:
    """Lugares que os diários vivos ocupariam, cada um no menor bloco em que cabe."""
    total = 0
    for d in range(1, m.cabecalho[DIARIOS] + 1):
        if m.diario_tamanho[d] > 0:
            total += capacidade(classe_de(m.diario_tamanho[d]))
    return total
