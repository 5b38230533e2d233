"""A memória do estado e os laços compilados de baixo: achar um diário, alocar e mover blocos.

A memória é um conjunto de colunas (`Memoria`). Cada diário é um bloco contíguo, ordenado por (instante, ordem), com
somas acumuladas: qualquer janela custa duas buscas. Blocos têm capacidades em degraus (2, 3, 4, 6, 8, 12…) e voltam a
uma lista livre do seu tamanho; só `compactar`, depois de refazer o estado, copia tudo. Sobre ela, `diarios` insere,
remove e despeja, `consulta` mede e `repetidos` reconhece ids já vistos.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

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
LIVRES: Final = 16
TAMANHO_CABECALHO: Final = 128


class Memoria(NamedTuple):
    """As colunas do estado. `tabela_*` e `id_*` são tabelas de espalhamento de endereço aberto (potência de dois).

    `tabela_diario` 0 = vazio; `livre` é encadeada por `instante` do primeiro lugar do bloco.
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
    acumulado: Inteiros
    acumulado_log: Inteiros
    acumulado_log2: Inteiros
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


@njit(cache=True)
def achar(m: Memoria, chave: int) -> int:
    """O número do diário com esta chave; 0 = não há."""
    mascara = m.tabela_chave.size - 1
    i = chave & mascara
    while m.tabela_diario[i] != 0:
        if m.tabela_chave[i] == chave:
            return m.tabela_diario[i]
        i = (i + 1) & mascara
    return 0


@njit(cache=True)
def pendurar(m: Memoria, chave: int, diario: int) -> None:
    """Põe um diário novo na tabela, que tem lugar."""
    mascara = m.tabela_chave.size - 1
    i = chave & mascara
    while m.tabela_diario[i] != 0:
        i = (i + 1) & mascara
    m.tabela_chave[i] = chave
    m.tabela_diario[i] = diario


@njit(cache=True)
def repovoar_tabela(m: Memoria) -> None:
    """Reconstrói a tabela de diários (depois de crescer)."""
    m.tabela_diario[:] = 0
    for d in range(1, m.cabecalho[DIARIOS] + 1):
        pendurar(m, m.diario_chave[d], d)


@njit(cache=True)
def capacidade(classe: int) -> int:
    """Lugares de um bloco da classe ≥ 1: 2, 3, 4, 6, 8, 12… Dois degraus por potência de dois deixam menos vazio."""
    return (2 + (classe - 1) % 2) << ((classe - 1) // 2)


@njit(cache=True)
def classe_de(n: int) -> int:
    """A menor classe em que cabem n linhas."""
    c = 1
    while capacidade(c) < n:
        c += 1
    return c


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
        destino.acumulado[para + i] = m.acumulado[de + i]
        destino.acumulado_log[para + i] = m.acumulado_log[de + i]
        destino.acumulado_log2[para + i] = m.acumulado_log2[de + i]


@njit(cache=True)
def acumular(m: Memoria, inicio: int, desde: int, n: int) -> None:
    """Refaz as somas acumuladas do diário em `inicio`, da posição `desde` (relativa) até n."""
    for i in range(inicio + desde, inicio + n):
        antes = antes_log = antes_log2 = 0
        if i > inicio:
            antes, antes_log = m.acumulado[i - 1], m.acumulado_log[i - 1]
            antes_log2 = m.acumulado_log2[i - 1]
        logaritmo = logaritmo_fixo(m.valor[i])
        m.acumulado[i] = antes + m.valor[i]
        m.acumulado_log[i] = antes_log + logaritmo
        m.acumulado_log2[i] = antes_log2 + logaritmo * logaritmo


@njit(cache=True)
def lugares_justos(m: Memoria) -> int:
    """Lugares que os diários vivos ocupariam, cada um no menor bloco em que cabe."""
    total = 0
    for d in range(1, m.cabecalho[DIARIOS] + 1):
        if m.diario_tamanho[d] > 0:
            total += capacidade(classe_de(m.diario_tamanho[d]))
    return total


@njit(cache=True)
def compactar(m: Memoria, nova: Memoria) -> None:
    """Copia os diários para as colunas de linhas de `nova`, um atrás do outro e sem sobras; o resto dela é de `m`."""
    topo = 0
    for d in range(1, m.cabecalho[DIARIOS] + 1):
        n, inicio = m.diario_tamanho[d], m.diario_inicio[d]
        m.diario_inicio[d], m.diario_classe[d] = topo, 0
        if n == 0:
            continue
        copiar(m, inicio, nova, topo, n)
        m.diario_classe[d] = classe_de(n)
        topo += capacidade(m.diario_classe[d])
    m.cabecalho[TOPO] = topo
    m.cabecalho[LIVRES:] = -1
