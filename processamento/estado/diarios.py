"""Os laços compilados que mudam os diários: inserir em ordem, desfazer, despejar o que venceu, compactar."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from plataforma.nativo import njit
from processamento.catalogo import Fluxo
from processamento.estado.marcos import marcar
from processamento.estado.nucleo import (
    DIARIOS,
    EVENTOS,
    LIVRES,
    TOPO,
    VARRIDO,
    Inteiros,
    Memoria,
    achar,
    alocar,
    capacidade,
    classe_de,
    copiar,
    liberar,
    limite,
    pendurar,
)

_PRIMEIRA_FRAUDE = int(Fluxo.FRAUDE_SAIDA)
_VENCIDO_PARA_DESPEJAR = 8
"""Um diário cheio cresce, em vez de mover tudo, enquanto venceu menos que um oitavo dele: mover custa tudo, e uma conta
muito quente o pagaria a cada lote."""


@njit(cache=True)
def _capacidade(classe: int) -> int:
    """A do bloco do diário; 0 = não tem bloco."""
    return capacidade(classe) if classe > 0 else 0


@njit(cache=True)
def prever(m: Memoria, chaves: Inteiros) -> tuple[int, int]:
    """Diários novos e lugares de arena que inserir `chaves` (ordenadas) pode exigir, no pior caso."""
    novos = lugares = i = 0
    while i < chaves.size:
        j = i
        while j < chaves.size and chaves[j] == chaves[i]:
            j += 1
        d = achar(m, chaves[i])
        tamanho = j - i
        if d == 0:
            novos += 1
            lugares += capacidade(classe_de(tamanho))
        else:
            tamanho += m.diario_tamanho[d]
            if tamanho > _capacidade(m.diario_classe[d]):
                lugares += capacidade(classe_de(tamanho))
        i = j
    return novos, lugares


@njit(cache=True)
def despejar(m: Memoria, d: int, corte: int, ao_menos: int = 1) -> int:
    """Tira do diário o que é anterior a `corte`, se são `ao_menos` tantas linhas, e devolve quantas saíram.

    Encolhe o bloco que ficou largo demais.
    """
    inicio, n, classe = m.diario_inicio[d], m.diario_tamanho[d], m.diario_classe[d]
    if n == 0 or m.instante[inicio] >= corte:
        return 0
    velhos = limite(m.instante, inicio, inicio + n, corte) - inicio
    if velhos < ao_menos:
        return 0
    restam = n - velhos
    if restam == 0:
        liberar(m, inicio, classe)
        m.diario_classe[d] = 0
    elif classe_de(restam * 2) < classe:
        menor = classe_de(restam)
        novo = alocar(m, menor)
        copiar(m, inicio + velhos, m, novo, restam)
        liberar(m, inicio, classe)
        m.diario_inicio[d], m.diario_classe[d] = novo, menor
        marcar(m, novo, 0, restam)
    else:
        copiar(m, inicio + velhos, m, inicio, restam)
        marcar(m, inicio, 0, restam)
    m.diario_tamanho[d] = restam
    m.cabecalho[EVENTOS] -= velhos
    return velhos


@njit(cache=True)
def _mudar_de_bloco(m: Memoria, d: int, total: int) -> None:
    """Para um em que cabem `total` linhas; os marcos ficam por refazer."""
    classe = m.diario_classe[d]
    nova = classe_de(total)
    inicio = alocar(m, nova)
    if classe > 0:
        copiar(m, m.diario_inicio[d], m, inicio, m.diario_tamanho[d])
        liberar(m, m.diario_inicio[d], classe)
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
        d = achar(m, chaves[i])
        if d == 0:
            d = m.cabecalho[DIARIOS] + 1
            m.cabecalho[DIARIOS] = d
            m.diario_chave[d] = chaves[i]
            m.diario_tamanho[d] = m.diario_classe[d] = 0
            pendurar(m, chaves[i], d)
        elif m.diario_tamanho[d] + j - i > _capacidade(m.diario_classe[d]):
            despejar(m, d, corte, 1 + m.diario_tamanho[d] // _VENCIDO_PARA_DESPEJAR)
        n, total = m.diario_tamanho[d], m.diario_tamanho[d] + j - i
        mudou = total > _capacidade(m.diario_classe[d])
        if mudou:
            _mudar_de_bloco(m, d, total)
        inicio = m.diario_inicio[d]
        velho, novo, lugar = n - 1, j - 1, total - 1
        while novo >= i:
            a = inicio + velho
            if velho >= 0 and (
                m.instante[a] > instante[novo] or (m.instante[a] == instante[novo] and m.ordem[a] > ordem[novo])
            ):
                copiar(m, a, m, inicio + lugar, 1)
                velho -= 1
            else:
                b = inicio + lugar
                m.instante[b], m.ordem[b] = instante[novo], ordem[novo]
                m.valor[b], m.contraparte[b] = valor[novo], contraparte[novo]
                novo -= 1
            lugar -= 1
        m.diario_tamanho[d] = total
        m.cabecalho[EVENTOS] += j - i
        marcar(m, inicio, 0 if mudou else lugar + 1, total)
        i = j


@njit(cache=True)
def remover(m: Memoria, chaves: Inteiros, instante: Inteiros, ordem: Inteiros) -> int:
    """Desfaz `inserir` das mesmas linhas; devolve quantas achou."""
    achadas = 0
    for i in range(chaves.size):
        d = achar(m, chaves[i])
        if d == 0 or m.diario_tamanho[d] == 0:
            continue
        inicio, n = m.diario_inicio[d], m.diario_tamanho[d]
        p = limite(m.instante, inicio, inicio + n, instante[i])
        while p < inicio + n and m.instante[p] == instante[i] and m.ordem[p] != ordem[i]:
            p += 1
        if p == inicio + n or m.instante[p] != instante[i]:
            continue
        copiar(m, p + 1, m, p, inicio + n - p - 1)
        m.diario_tamanho[d] = n - 1
        m.cabecalho[EVENTOS] -= 1
        marcar(m, inicio, p - inicio, n - 1)
        achadas += 1
        if n == 1:
            liberar(m, inicio, m.diario_classe[d])
            m.diario_classe[d] = 0
    return achadas


@njit(cache=True)
def ja_confirmadas(m: Memoria, chaves: Inteiros, fluxo: Inteiros, ordem: Inteiros) -> NDArray[np.bool_]:
    """Quais linhas de fraude repetem uma `ordem` que o diário já tem (rótulo repetido, a qualquer tempo)."""
    saida = np.zeros(chaves.size, np.bool_)
    for i in range(chaves.size):
        if fluxo[i] < _PRIMEIRA_FRAUDE:
            continue
        d = achar(m, chaves[i])
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
def compactar(m: Memoria, nova: Memoria) -> None:
    """Copia os diários para as colunas de linhas de `nova`, um atrás do outro e sem sobras; o resto dela é de `m`.

    Os marcos, que são do resto, se refazem no lugar.
    """
    topo = 0
    for d in range(1, m.cabecalho[DIARIOS] + 1):
        n, inicio = m.diario_tamanho[d], m.diario_inicio[d]
        m.diario_inicio[d], m.diario_classe[d] = topo, 0
        if n == 0:
            continue
        copiar(m, inicio, nova, topo, n)
        marcar(nova, topo, 0, n)
        m.diario_classe[d] = classe_de(n)
        topo += capacidade(m.diario_classe[d])
    m.cabecalho[TOPO] = topo
    m.cabecalho[LIVRES:] = -1
