"""Os laços compilados do estado: achar o diário, inserir em ordem de instante, medir janelas.

A memória é um conjunto de colunas (`Memoria`). Cada diário é um bloco contíguo, ordenado por (instante, ordem), com
somas acumuladas: qualquer janela custa duas buscas binárias. Blocos têm capacidade de potência de dois e voltam a uma
lista livre do seu tamanho; nunca há cópia do estado inteiro.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from processamento.catalogo import ESCALA_LOG, Fluxo

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
TAMANHO_CABECALHO: Final = 64

_PRIMEIRA_FRAUDE = int(Fluxo.FRAUDE_SAIDA)


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
def _achar(m: Memoria, chave: int) -> int:
    mascara = m.tabela_chave.size - 1
    i = chave & mascara
    while m.tabela_diario[i] != 0:
        if m.tabela_chave[i] == chave:
            return m.tabela_diario[i]
        i = (i + 1) & mascara
    return 0


@njit(cache=True)
def _pendurar(m: Memoria, chave: int, diario: int) -> None:
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
        _pendurar(m, m.diario_chave[d], d)


@njit(cache=True)
def _classe(n: int) -> int:
    c = 1
    while (1 << c) < n:
        c += 1
    return c


@njit(cache=True)
def _limite(coluna: Inteiros, inicio: int, fim: int, alvo: int) -> int:
    """Primeira posição de [inicio, fim) com coluna ≥ alvo."""
    while inicio < fim:
        meio = (inicio + fim) >> 1
        if coluna[meio] < alvo:
            inicio = meio + 1
        else:
            fim = meio
    return inicio


@njit(cache=True)
def prever(m: Memoria, chaves: Inteiros) -> tuple[int, int]:
    """Diários novos e lugares de arena que inserir `chaves` (ordenadas) pode exigir, no pior caso."""
    novos = lugares = i = 0
    while i < chaves.size:
        j = i
        while j < chaves.size and chaves[j] == chaves[i]:
            j += 1
        d = _achar(m, chaves[i])
        tamanho = j - i
        if d == 0:
            novos += 1
            lugares += 1 << _classe(tamanho)
        else:
            tamanho += m.diario_tamanho[d]
            if tamanho > (1 << m.diario_classe[d]):
                lugares += 1 << _classe(tamanho)
        i = j
    return novos, lugares


@njit(cache=True)
def _alocar(m: Memoria, classe: int) -> int:
    livre = m.cabecalho[LIVRES + classe]
    if livre >= 0:
        m.cabecalho[LIVRES + classe] = m.instante[livre]
        return livre
    inicio = m.cabecalho[TOPO]
    m.cabecalho[TOPO] = inicio + (1 << classe)
    return inicio


@njit(cache=True)
def _liberar(m: Memoria, inicio: int, classe: int) -> None:
    m.instante[inicio] = m.cabecalho[LIVRES + classe]
    m.cabecalho[LIVRES + classe] = inicio


@njit(cache=True)
def _copiar(m: Memoria, de: int, para: int, n: int) -> None:
    for i in range(n):
        m.instante[para + i] = m.instante[de + i]
        m.ordem[para + i] = m.ordem[de + i]
        m.valor[para + i] = m.valor[de + i]
        m.contraparte[para + i] = m.contraparte[de + i]
        m.acumulado[para + i] = m.acumulado[de + i]
        m.acumulado_log[para + i] = m.acumulado_log[de + i]
        m.acumulado_log2[para + i] = m.acumulado_log2[de + i]


@njit(cache=True)
def _acumular(m: Memoria, inicio: int, desde: int, n: int) -> None:
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
def despejar(m: Memoria, d: int, corte: int) -> int:
    """Tira do diário o que é anterior a `corte` e devolve quantos saíram; encolhe o bloco que ficou largo demais."""
    inicio, n, classe = m.diario_inicio[d], m.diario_tamanho[d], m.diario_classe[d]
    if n == 0 or m.instante[inicio] >= corte:
        return 0
    velhos = _limite(m.instante, inicio, inicio + n, corte) - inicio
    restam = n - velhos
    if restam == 0:
        _liberar(m, inicio, classe)
        m.diario_classe[d] = 0
    elif _classe(restam * 2) < classe:
        menor = _classe(restam)
        novo = _alocar(m, menor)
        _copiar(m, inicio + velhos, novo, restam)
        _liberar(m, inicio, classe)
        m.diario_inicio[d], m.diario_classe[d] = novo, menor
    else:
        _copiar(m, inicio + velhos, inicio, restam)
    m.diario_tamanho[d] = restam
    m.cabecalho[EVENTOS] -= velhos
    return velhos


@njit(cache=True)
def _garantir_lugar(m: Memoria, d: int, total: int) -> None:
    classe = m.diario_classe[d]
    if classe > 0 and total <= (1 << classe):
        return
    nova = _classe(total)
    inicio = _alocar(m, nova)
    if classe > 0:
        _copiar(m, m.diario_inicio[d], inicio, m.diario_tamanho[d])
        _liberar(m, m.diario_inicio[d], classe)
    m.diario_inicio[d], m.diario_classe[d] = inicio, nova


@njit(cache=True)
def inserir(
    m: Memoria, chaves: Inteiros, instante: Inteiros, ordem: Inteiros, valor: Inteiros, contraparte: Inteiros,
    corte: int,
) -> None:
    """Insere linhas já ordenadas por (chave, instante, ordem); antes, despeja do diário tocado o anterior a `corte`.

    A capacidade é garantida por quem chama (`prever`). O custo por diário é o das linhas novas mais o das que ficam
    depois delas: linear só para quem chega atrasado.
    """
    i = 0
    while i < chaves.size:
        j = i
        while j < chaves.size and chaves[j] == chaves[i]:
            j += 1
        d = _achar(m, chaves[i])
        if d == 0:
            d = m.cabecalho[DIARIOS] + 1
            m.cabecalho[DIARIOS] = d
            m.diario_chave[d] = chaves[i]
            m.diario_tamanho[d] = m.diario_classe[d] = 0
            _pendurar(m, chaves[i], d)
        elif m.diario_tamanho[d] + j - i > (1 << m.diario_classe[d]):
            despejar(m, d, corte)
        n, total = m.diario_tamanho[d], m.diario_tamanho[d] + j - i
        _garantir_lugar(m, d, total)
        inicio = m.diario_inicio[d]
        velho, novo, lugar = n - 1, j - 1, total - 1
        while novo >= i:
            a = inicio + velho
            if velho >= 0 and (
                m.instante[a] > instante[novo] or (m.instante[a] == instante[novo] and m.ordem[a] > ordem[novo])
            ):
                _copiar(m, a, inicio + lugar, 1)
                velho -= 1
            else:
                b = inicio + lugar
                m.instante[b], m.ordem[b] = instante[novo], ordem[novo]
                m.valor[b], m.contraparte[b] = valor[novo], contraparte[novo]
                novo -= 1
            lugar -= 1
        m.diario_tamanho[d] = total
        m.cabecalho[EVENTOS] += j - i
        _acumular(m, inicio, lugar + 1, total)
        i = j


@njit(cache=True)
def remover(m: Memoria, chaves: Inteiros, instante: Inteiros, ordem: Inteiros) -> int:
    """Desfaz `inserir` das mesmas linhas; devolve quantas achou."""
    achadas = 0
    for i in range(chaves.size):
        d = _achar(m, chaves[i])
        if d == 0 or m.diario_tamanho[d] == 0:
            continue
        inicio, n = m.diario_inicio[d], m.diario_tamanho[d]
        p = _limite(m.instante, inicio, inicio + n, instante[i])
        while p < inicio + n and m.instante[p] == instante[i] and m.ordem[p] != ordem[i]:
            p += 1
        if p == inicio + n or m.instante[p] != instante[i]:
            continue
        _copiar(m, p + 1, p, inicio + n - p - 1)
        m.diario_tamanho[d] = n - 1
        m.cabecalho[EVENTOS] -= 1
        _acumular(m, inicio, p - inicio, n - 1)
        achadas += 1
        if n == 1:
            _liberar(m, inicio, m.diario_classe[d])
            m.diario_classe[d] = 0
    return achadas


@njit(cache=True)
def ja_confirmadas(m: Memoria, chaves: Inteiros, fluxo: Inteiros, ordem: Inteiros) -> NDArray[np.bool_]:
    """Quais linhas de fraude repetem uma `ordem` que o diário já tem (rótulo repetido, a qualquer tempo)."""
    saida = np.zeros(chaves.size, np.bool_)
    for i in range(chaves.size):
        if fluxo[i] < _PRIMEIRA_FRAUDE:
            continue
        d = _achar(m, chaves[i])
        if d == 0:
            continue
        inicio = m.diario_inicio[d]
        for p in range(inicio, inicio + m.diario_tamanho[d]):
            if m.ordem[p] == ordem[i]:
                saida[i] = True
                break
    return saida


@njit(cache=True)
def varrer(m: Memoria, corte: int, passos: int) -> None:
    """Despeja, em rodízio, diários que ninguém toca: `passos` por chamada."""
    total = m.cabecalho[DIARIOS]
    if total == 0:
        return
    d = m.cabecalho[VARRIDO]
    for _ in range(min(passos, total)):
        d = 1 if d >= total else d + 1
        despejar(m, d, corte)
    m.cabecalho[VARRIDO] = d


@njit(cache=True)
def registrar_ids(
    m: Memoria, ids: Inteiros, versao: int, chegada: NDArray[np.int32], horizonte_s: int, novo: NDArray[np.bool_],
) -> None:
    """Marca em `novo` os ids (em ordem de deslocamento) ainda não vistos dentro do horizonte e os registra.

    Entradas de `versao` igual ou posterior são restos de um lote que não foi confirmado: não contam como vistas, a
    menos que tenham sido registradas nesta chamada (marcadas com versão negativa até o fim).
    """
    mascara = m.id_chave.size - 1
    for i in range(ids.size):
        chave = ids[i] if ids[i] != 0 else 1
        p, vaga = misturar(chave) & mascara, -1
        novo[i] = True
        while m.id_chave[p] != 0:
            if m.id_chave[p] == chave:
                vigente = chegada[i] - m.id_chegada[p] <= horizonte_s
                deste_lote = m.id_versao[p] == -versao
                if deste_lote or (vigente and 0 <= m.id_versao[p] < versao):
                    novo[i] = False
                vaga = p
                break
            p = (p + 1) & mascara
        if not novo[i]:
            continue
        if vaga < 0:
            vaga = p
            m.id_chave[p] = chave
            m.cabecalho[IDS] += 1
        m.id_versao[vaga], m.id_chegada[vaga] = -versao, chegada[i]
    for i in range(ids.size):
        chave = ids[i] if ids[i] != 0 else 1
        p = misturar(chave) & mascara
        while m.id_chave[p] != chave:
            p = (p + 1) & mascara
        if m.id_versao[p] == -versao:
            m.id_versao[p] = versao


@njit(cache=True)
def repovoar_ids(
    m: Memoria, chave: Inteiros, versao: NDArray[np.int32], chegada: NDArray[np.int32], desde: int,
) -> None:
    """Recoloca na tabela de ids (nova, vazia) os que chegaram a partir de `desde` (s)."""
    mascara, n = m.id_chave.size - 1, 0
    for i in range(chave.size):
        if chave[i] == 0 or chegada[i] < desde:
            continue
        p = misturar(chave[i]) & mascara
        while m.id_chave[p] != 0:
            p = (p + 1) & mascara
        m.id_chave[p], m.id_versao[p], m.id_chegada[p] = chave[i], versao[i], chegada[i]
        n += 1
    m.cabecalho[IDS] = n
