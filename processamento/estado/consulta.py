"""Os laços compilados que medem: para cada consulta, uma passada por diário dá todas as primitivas dele.

As posições dos limites de janela são achadas uma vez por diário, do recuo menor ao maior, andando para trás desde a
consulta; as medidas de lista saem todas da mesma varredura, da linha mais nova à mais velha.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from plataforma.nativo import njit
from processamento.catalogo import NULO, POR_LISTA, Fluxo, K, Medida, Primitiva
from processamento.estado.marcos import somar, somar_logs
from processamento.estado.nucleo import Inteiros, Memoria, achar, misturar

_CONTAGEM, _SOMA = int(Medida.CONTAGEM), int(Medida.SOMA)
_SOMA_LOG = int(Medida.SOMA_LOG)
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
_POR_VEZ: Final = 128
"""Consultas cujos diários se acham de uma vez: o que isso traz da memória ainda está no cache quando se mede."""


class Plano(NamedTuple):
    """As primitivas de um papel, agrupadas para a passada única.

    `sal`: mistura de cada fluxo, por grupo. `recuos`: os recuos distintos de cada grupo, crescentes, um grupo atrás
    do outro; `inicio_*` delimita os do grupo g em [g] e [g+1]. `simples` e `lista`: linhas (medida, posição do recuo
    `de`, posição do recuo `ate`, coluna), em ordem de janela; `desde` (recuos, 2): a primeira linha, de cada uma, com
    esse recuo ou maior: janelas menores que o tempo desde a última linha são vazias. `ausente`: o que vale sem linhas.
    """

    sal: Inteiros
    inicio_recuos: Inteiros
    recuos: Inteiros
    inicio_simples: Inteiros
    simples: Inteiros
    inicio_lista: Inteiros
    lista: Inteiros
    desde: Inteiros
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
        simples.append(sorted((x for x in linhas if x[_MEDIDA] not in POR_LISTA), key=lambda x: x[_DE]))
        lista.append(sorted((x for x in linhas if x[_MEDIDA] in POR_LISTA), key=lambda x: x[_DE]))
    return Plano(
        sal=np.array([misturar(int(fluxo) + 1) for fluxo, _ in grupos], np.int64),
        inicio_recuos=_inicios(recuos), recuos=np.array([r for g in recuos for r in g], np.int64),
        inicio_simples=_inicios(simples), simples=_matriz(simples),
        inicio_lista=_inicios(lista), lista=_matriz(lista), desde=_desde(recuos, simples, lista),
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


def _desde(recuos: Sequence[Sequence[int]], *linhas: Sequence[Sequence[tuple[int, int, int, int]]]) -> Inteiros:
    """Por recuo e por tabela de linhas: o índice da primeira com esse recuo ou maior."""
    colunas = []
    for grupos in linhas:
        inicios = _inicios(grupos)
        colunas.append([
            inicios[g] + sum(linha[_DE] < k for linha in grupos[g]) for g, distintos in enumerate(recuos)
            for k in range(len(distintos))
        ])
    return np.array(colunas, np.int64).T.copy()


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
    """O começo, o fim e o último instante do diário de cada consulta e grupo; `onde` int64 (3, consultas, grupos).

    Em passadas curtas, cada uma com um só acesso espalhado: o processador espera por vários deles ao mesmo tempo.
    """
    inicio, fim, ultimo = onde
    for i in range(entidade.size):
        for g in range(plano.sal.size):
            inicio[i, g] = achar(m, misturar(entidade[i] ^ plano.sal[g]))
    for i in range(entidade.size):
        for g in range(plano.sal.size):
            d = inicio[i, g]
            inicio[i, g] = m.diario_inicio[d] if d else 0
            fim[i, g] = inicio[i, g] + m.diario_tamanho[d] if d else 0
    for i in range(entidade.size):
        for g in range(plano.sal.size):
            ultimo[i, g] = m.instante[fim[i, g] - 1] if fim[i, g] > inicio[i, g] else 0


@njit(cache=True, nogil=True)
def consultar(  # noqa: PLR0912 — as medidas em linha: uma chamada por medida, com as colunas, custava mais que medir
    m: Memoria, plano: Plano, entidade: Inteiros, contraparte: Inteiros, instante: Inteiros, saida: Inteiros
) -> None:
    """Mede, para cada consulta (linha), cada primitiva do plano (coluna). `saida` int64 (consultas, primitivas)."""
    quando, valor, simples = m.instante, m.valor, plano.simples
    quem, marco_valor, marco_log, marco_log2 = m.contraparte, m.marco_valor, m.marco_log, m.marco_log2
    log_de = log_ate = log = log2 = 0
    onde = np.empty((3, _POR_VEZ, plano.sal.size), np.int64)
    rascunho, carimbo = np.zeros(_RASCUNHO, np.int64), np.zeros(_RASCUNHO, np.int32)
    posicao, marca = np.zeros(plano.recuos.size + 1, np.int64), 0
    for i in range(entidade.size):
        lugar, t = i % _POR_VEZ, instante[i]
        if lugar == 0:
            _achar_diarios(m, plano, entidade[i : i + _POR_VEZ], onde)
        saida[i, :] = plano.ausente
        for g in range(plano.sal.size):
            inicio, antes = onde[0, lugar, g], onde[1, lugar, g]
            if antes > inicio and onde[2, lugar, g] >= t:
                antes = _recuar(quando, inicio, antes, t)
            if antes == inicio:
                continue
            fim, r, vazios = antes, plano.inicio_recuos[g], 0
            for k in range(r, plano.inicio_recuos[g + 1]):
                if fim > inicio:
                    fim = _recuar(quando, inicio, fim, t - plano.recuos[k])
                posicao[k - r] = fim
                vazios += fim == antes
            if vazios == plano.inicio_recuos[g + 1] - r:
                continue
            for s in range(plano.desde[r + vazios, 0], plano.inicio_simples[g + 1]):
                medida, de, ate = simples[s, _MEDIDA], posicao[simples[s, _DE]], posicao[simples[s, _ATE]]
                medido = 0
                if medida == _MADURAS:
                    de_t, ate_t = t - plano.recuos[r + simples[s, _DE]], t - plano.recuos[r + simples[s, _ATE]]
                    for p in range(de, antes):  # ninguém conhece uma fraude antes de ser paga
                        medido += de_t <= valor[p] < ate_t
                elif ate <= de:
                    continue
                elif medida == _CONTAGEM:
                    medido = ate - de
                elif medida == _SOMA:
                    medido = somar(valor, marco_valor, de, ate)
                elif medida == _DESDE_ULTIMO:
                    medido = t - quando[ate - 1]
                elif medida == _DESDE_PRIMEIRO:
                    medido = t - quando[de]
                else:
                    if log_de != de or log_ate != ate:  # as duas somas de uma janela saem da mesma passada
                        log_de, log_ate = de, ate
                        log, log2 = somar_logs(valor, marco_log, marco_log2, de, ate)
                    medido = log if medida == _SOMA_LOG else log2
                saida[i, simples[s, _COLUNA]] = medido
            primeira = plano.desde[r + vazios, 1]
            if plano.inicio_lista[g + 1] > primeira:
                marca += 1
                _varrer_lista(
                    quando, valor, quem, plano.lista[primeira : plano.inicio_lista[g + 1]], posicao, t,
                    contraparte[i], plano.conta_distintos[g], rascunho, carimbo, marca, saida[i],
                )
