"""Carrega o código compilado do núcleo antes que alguém precise dele: quem nascer por `fork` o herda."""

from __future__ import annotations

import numpy as np

from processamento.catalogo import PADRAO, Fluxo, Papel
from processamento.estado.arena import Arena, Linhas


def aquecer() -> None:
    """Usa cada função do núcleo uma vez, em uma arena que se joga fora."""
    arena, um = Arena(PADRAO), np.ones(1, np.int64)
    arena.registrar_ids(um, 1, um, 1)
    arena.inserir(Linhas(um, um * int(Fluxo.SAIDA), um, um, um, um))
    for papel in Papel:
        arena.consultar(papel, um, um, um)
