"""Os ids já vistos: uma tabela de endereço aberto, com a versão do lote e a chegada de cada um."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from plataforma.nativo import njit
from processamento.estado.nucleo import IDS, Inteiros, Memoria, misturar


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
