"""Os laços compilados que medem: para cada consulta, uma passada por diário dá todas as primitivas dele.

As posições dos limites de janela são achadas uma vez por diário, do recuo menor ao maior, andando para trás desde a
consulta; as medidas de lista saem todas da mesma varredura, da linha mais nova à mais velha.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from processamento.catalogo import NULO, POR_LISTA, Fluxo, K, Medida, Primitiva
from processamento.estado.nucleo import Inteiros, Memoria, achar, logaritmo_fixo, misturar

_CONTAGEM, _SOMA = int(Medida.CONTAGEM), int(Medida.SOMA)
_SOMA_LOG, _SOMA_LOG2 = int(Medida.SOMA_LOG), int(Medida.SOMA_LOG2)
_DESDE_ULTIMO, _DESDE_PRIMEIRO = int(Medida.DESDE_ULTIMO), int(Medida.DESDE_PRIMEIRO)
_MAXIMO, _DISTINTOS, _IGUAIS = int(Medida.MAXIMO), int(Medida.DISTINTOS), int(Medida.IGUAIS)
_SOMA_IGUAIS, _ULTIMO_IGUAL = int(Medida.SOMA_IGUAIS), int(Medida.DESDE_ULTIMO_IGUAL)
_MADURAS = int(Medida.FRAUDES_MADURAS)
_NULAS: Final = frozenset({
    Medida.DESDE_ULTIMO, Medida.DESDE_PRIMEIRO, Medida.MAXIMO, Medida.DESDE_ULTIMO_IGUAL, Medida.DESDE_PRIMEIRO_IGUAL,
})
"""Medidas que valem NULO, e não 0, sobre um diário sem linhas."""
_RASCUNHO: Final = 1 << (2 * K - 1).bit_length()
_MEDIDA, _DE, _ATE, _COLUNA = 0, 1, 2, 3


class Plano(NamedTuple):
    """As primitivas de um papel, agrupadas para a passada única.

    `sal`: mistura de cada fluxo, por grupo. `recuos`: os recuos distintos de cada grupo, crescentes, um grupo atrás
    do outro; `inicio_*` delimita os do grupo g em [g] e [g+1]. `simples` e `lista`: linhas (medida, posição do recuo
    `de`, posição do recuo `ate`, coluna); `lista` em ordem de janela. `ausente`: o que vale sem diário.
    """

    sal: Inteiros
    inicio_recuos: Inteiros
    recuos: Inteiros
    inicio_simples: Inteiros
    simples: Inteiros
    inicio_lista: Inteiros
    lista: Inteiros
    conta_distintos: NDArray[np.bool_]
    ausente: Inteiros


def planejar(primitivas: Sequence[Primitiva]) -> Plano:
    """O plano de medir `primitivas`, nesta ordem de colunas.

    Fluxos viram grupos; primitivas de lista com atrasos diferentes ficam em grupos diferentes, porque a varredura
    parte de um só limite.
    """
    grupos: dict[tuple[Fluxo, int], list[int]] = {}
    for coluna, p in enumerate(primitivas):
        chave = (p.fluxo, p.atraso_us if p.medida in POR_LISTA else 0)
        grupos.setdefault(chave, []).append(coluna)
    recuos, simples, lista = [], [], []
    for colunas in grupos.values():
        distintos = sorted({0, *(r for c in colunas for r in _recuos(primitivas[c]))})
        linhas = [_linha(primitivas[c], c, distintos) for c in colunas]
        recuos.append(distintos)
        simples.append([linha for linha in linhas if linha[_MEDIDA] not in POR_LISTA])
        lista.append(sorted((x for x in linhas if x[_MEDIDA] in POR_LISTA), key=lambda x: x[_DE]))
    return Plano(
        sal=np.array([misturar(int(fluxo) + 1) for fluxo, _ in grupos], np.int64),
        inicio_recuos=_inicios(recuos), recuos=np.array([r for g in recuos for r in g], np.int64),
        inicio_simples=_inicios(simples), simples=_matriz(simples),
        inicio_lista=_inicios(lista), lista=_matriz(lista),
        conta_distintos=np.array([any(x[_MEDIDA] == _DISTINTOS for x in g) for g in lista], np.bool_),
        ausente=np.array([NULO if p.medida in _NULAS else 0 for p in primitivas], np.int64),
    )


def _recuos(p: Primitiva) -> tuple[int, int]:
    return p.atraso_us + p.janela_us, p.atraso_us


def _linha(p: Primitiva, coluna: int, recuos: list[int]) -> tuple[int, int, int, int]:
    de, ate = _recuos(p)
    return int(p.medida), recuos.index(de), recuos.index(ate), coluna


def _inicios(grupos: Sequence[Sequence[object]]) -> Inteiros:
    return np.cumsum([0, *(len(g) for g in grupos)], dtype=np.int64)


def _matriz(grupos: Sequence[Sequence[tuple[int, int, int, int]]]) -> Inteiros:
    return np.array([linha for g in grupos for linha in g], np.int64).reshape(-1, 4)


@njit(cache=True)
def _recuar(instante: Inteiros, inicio: int, fim: int, alvo: int) -> int:
    """Primeira posição de [inicio, fim] com instante ≥ alvo, em passos que dobram a partir do fim."""
    passo = 1
    while fim - passo >= inicio and instante[fim - passo] >= alvo:
        fim -= passo
        passo <<= 1
    baixo = max(inicio, fim - passo)
    while baixo < fim:
        meio = (baixo + fim) >> 1
        if instante[meio] < alvo:
            baixo = meio + 1
        else:
            fim = meio
    return baixo


@njit(cache=True)
def _da_janela(coluna: Inteiros, inicio: int, de: int, ate: int, proprio: int) -> int:
    """Soma de [de, ate) por diferença de acumulados; `proprio` é a parcela de `de`, que o acumulado já inclui."""
    if de > inicio:
        return coluna[ate - 1] - coluna[de - 1]
    return coluna[ate - 1] - coluna[de] + proprio


@njit(cache=True)
def _simples(
    instante: Inteiros, valor: Inteiros, acumulado: Inteiros, acumulado_log: Inteiros, acumulado_log2: Inteiros,
    medida: int, inicio: int, de: int, ate: int, t: int,
) -> int:
    """Uma medida de somas ou instantes sobre [de, ate), que não é vazio."""
    if medida == _CONTAGEM:
        return ate - de
    if medida == _SOMA:
        return _da_janela(acumulado, inicio, de, ate, valor[de])
    if medida == _DESDE_ULTIMO:
        return t - instante[ate - 1]
    if medida == _DESDE_PRIMEIRO:
        return t - instante[de]
    logaritmo = 0 if de > inicio else logaritmo_fixo(valor[de])
    if medida == _SOMA_LOG:
        return _da_janela(acumulado_log, inicio, de, ate, logaritmo)
    return _da_janela(acumulado_log2, inicio, de, ate, logaritmo * logaritmo)


@njit(cache=True)
def _maduras(valor: Inteiros, de: int, antes: int, de_t: int, ate_t: int) -> int:
    """Fraudes pagas em [de_t, ate_t) entre as conhecidas em [de, antes): ninguém conhece antes de pagar."""
    n = 0
    for p in range(de, antes):
        n += de_t <= valor[p] < ate_t
    return n


@njit(cache=True)
def _varrer_lista(
    instante: Inteiros, valor: Inteiros, contraparte: Inteiros, lista: Inteiros, posicao: Inteiros, t: int, par: int,
    distintos: bool, rascunho: Inteiros, carimbo: NDArray[np.int32], marca: int, saida: Inteiros,
) -> None:
    """Todas as medidas de lista de um grupo em uma varredura; cada uma é anotada quando a sua janela acaba."""
    ate, mascara = posicao[lista[0, _ATE]], rascunho.size - 1
    p, piso = ate, ate - K
    n_distintos = n_iguais = soma_iguais = 0
    maximo = ultimo = primeiro = NULO
    for k in range(lista.shape[0]):
        de = max(posicao[lista[k, _DE]], piso)
        while p > de:
            p -= 1
            quem = contraparte[p]
            maximo = max(maximo, valor[p])
            if quem == par:
                n_iguais += 1
                soma_iguais += valor[p]
                primeiro = t - instante[p]
                if ultimo == NULO:
                    ultimo = primeiro
            if distintos:
                i = misturar(quem) & mascara
                while carimbo[i] == marca and rascunho[i] != quem:
                    i = (i + 1) & mascara
                if carimbo[i] != marca:
                    carimbo[i], rascunho[i] = marca, quem
                    n_distintos += 1
        medida, coluna = lista[k, _MEDIDA], lista[k, _COLUNA]
        if medida == _DISTINTOS:
            saida[coluna] = n_distintos
        elif medida == _MAXIMO:
            saida[coluna] = maximo
        elif medida == _IGUAIS:
            saida[coluna] = n_iguais
        elif medida == _SOMA_IGUAIS:
            saida[coluna] = soma_iguais
        else:
            saida[coluna] = ultimo if medida == _ULTIMO_IGUAL else primeiro


@njit(cache=True, nogil=True)
def _achar_diarios(m: Memoria, plano: Plano, entidade: Inteiros, onde: Inteiros) -> None:
    """O começo e o fim, na arena, do diário de cada consulta e grupo; `onde` int64 (2, consultas, grupos).

    Em passadas curtas, cada uma com um só acesso espalhado: o processador espera por vários deles ao mesmo tempo.
    """
    inicio, fim = onde
    for i in range(entidade.size):
        for g in range(plano.sal.size):
            inicio[i, g] = achar(m, misturar(entidade[i] ^ plano.sal[g]))
    for i in range(entidade.size):
        for g in range(plano.sal.size):
            d = inicio[i, g]
            inicio[i, g] = m.diario_inicio[d] if d else 0
            fim[i, g] = inicio[i, g] + m.diario_tamanho[d] if d else 0


@njit(cache=True, nogil=True)
def consultar(
    m: Memoria, plano: Plano, entidade: Inteiros, contraparte: Inteiros, instante: Inteiros, saida: Inteiros
) -> None:
    """Mede, para cada consulta (linha), cada primitiva do plano (coluna). `saida` int64 (consultas, primitivas)."""
    quando, valor = m.instante, m.valor
    quem, somas, logs, logs2 = m.contraparte, m.acumulado, m.acumulado_log, m.acumulado_log2
    onde = np.empty((2, entidade.size, plano.sal.size), np.int64)
    _achar_diarios(m, plano, entidade, onde)
    rascunho, carimbo = np.zeros(_RASCUNHO, np.int64), np.zeros(_RASCUNHO, np.int32)
    posicao, marca = np.zeros(plano.recuos.size + 1, np.int64), 0
    for i in range(entidade.size):
        t = instante[i]
        saida[i, :] = plano.ausente
        for g in range(plano.sal.size):
            inicio = onde[0, i, g]
            if onde[1, i, g] == inicio:
                continue
            antes = fim = _recuar(quando, inicio, onde[1, i, g], t)
            if antes == inicio:
                continue
            r = plano.inicio_recuos[g]
            for k in range(r, plano.inicio_recuos[g + 1]):
                fim = _recuar(quando, inicio, fim, t - plano.recuos[k])
                posicao[k - r] = fim
            for s in range(plano.inicio_simples[g], plano.inicio_simples[g + 1]):
                linha = plano.simples[s]
                de, ate = posicao[linha[_DE]], posicao[linha[_ATE]]
                if linha[_MEDIDA] == _MADURAS:
                    saida[i, linha[_COLUNA]] = _maduras(
                        valor, de, antes, t - plano.recuos[r + linha[_DE]], t - plano.recuos[r + linha[_ATE]]
                    )
                elif ate > de:
                    saida[i, linha[_COLUNA]] = _simples(
                        quando, valor, somas, logs, logs2, linha[_MEDIDA], inicio, de, ate, t
                    )
            if plano.inicio_lista[g + 1] > plano.inicio_lista[g]:
                marca += 1
                _varrer_lista(
                    quando, valor, quem, plano.lista[plano.inicio_lista[g] : plano.inicio_lista[g + 1]], posicao, t,
                    contraparte[i], plano.conta_distintos[g], rascunho, carimbo, marca, saida[i],
                )
