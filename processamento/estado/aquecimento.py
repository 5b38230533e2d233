"""Carrega o código compilado do núcleo antes que alguém precise dele: quem nascer por `fork` o herda."""

from __future__ import annotations

import numpy as np

from processamento.catalogo import PADRAO, Fluxo, Papel
from processamento.estado.arena import Arena, Linhas
from processamento.estado.envelope import desempacotar, empacotar
from processamento.estado.estreito import alargar, estreitar


def aquecer() -> None:
    """Usa cada função do núcleo uma vez, em uma arena que se joga fora."""
    arena, um = Arena(PADRAO), np.ones(1, np.int64)
    arena.registrar_ids(um, 1, um, 1)
    arena.inserir(Linhas(um, um * int(Fluxo.SAIDA), um, um, um, um))
    medidas = [arena.consultar(papel, um, um, um) for papel in Papel]
    # Como na decisão: lidas de um envelope, e postas em parte de uma matriz (de uma linha só, pareceria inteira).
    for cada in medidas:
        viajadas = desempacotar(empacotar(estreitar(cada)))
        alargar(viajadas, um - 1, np.empty((2, cada.shape[1] + 1), np.int64)[:, 1:])
    arena.varrer()
