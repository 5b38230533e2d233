"""O executor de estado sobre um histórico inteiro: o mesmo núcleo do fluxo, uma inserção e uma passada de medidas.

As janelas só olham para antes de cada evento; por isso inserir tudo primeiro e medir depois dá o mesmo que servir
evento a evento em ordem de instante.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processamento.catalogo import NULO, Catalogo, Fluxo, Papel
from processamento.estado.arena import Arena, Linhas
from processamento.estado.nucleo import Inteiros

FATIA: Final = 50_000


@dataclass(frozen=True)
class Eventos:
    """Pix válidos e únicos, em qualquer ordem; int64 de forma (n,). `dispositivo` 0 = não informado."""

    id_evento: Inteiros
    instante_us: Inteiros
    valor_centavos: Inteiros
    pagador: Inteiros
    recebedor: Inteiros
    dispositivo: Inteiros

    def linhas(self) -> Linhas:
        """As linhas que estes eventos põem nos diários: duas por Pix, três com dispositivo."""
        com = self.dispositivo != 0
        partes = [
            _linhas(self, Fluxo.SAIDA, self.pagador, self.recebedor),
            _linhas(self, Fluxo.ENTRADA, self.recebedor, self.pagador),
            _linhas(self, Fluxo.DISPOSITIVO, self.dispositivo, self.pagador).onde(com),
        ]
        return Linhas.juntar(partes)


@dataclass(frozen=True)
class Fraudes:
    """Fraudes confirmadas, int64 de forma (n,): quando se pagou e quando se soube, em µs. `dispositivo` 0 = sem."""

    id_evento: Inteiros
    instante_us: Inteiros
    conhecido_em_us: Inteiros
    pagador: Inteiros
    recebedor: Inteiros
    dispositivo: Inteiros

    @staticmethod
    def nenhuma() -> Fraudes:
        """Sem fraude conhecida."""
        return Fraudes(*(np.empty(0, np.int64) for _ in range(6)))

    def linhas(self) -> Linhas:
        """As linhas de fraude: instante = conhecimento, valor = pagamento."""
        com = self.dispositivo != 0
        lados = (
            (Fluxo.FRAUDE_SAIDA, self.pagador, self.recebedor), (Fluxo.FRAUDE_ENTRADA, self.recebedor, self.pagador),
            (Fluxo.FRAUDE_DISPOSITIVO, self.dispositivo, self.pagador),
        )
        partes = []
        for fluxo, entidade, contraparte in lados:
            colunas = Linhas(
                entidade, np.full(entidade.size, fluxo, np.int64), self.conhecido_em_us, self.id_evento,
                self.instante_us, contraparte,
            )
            partes.append(colunas.onde(com) if fluxo is Fluxo.FRAUDE_DISPOSITIVO else colunas)
        return Linhas.juntar(partes)


def _linhas(e: Eventos, fluxo: Fluxo, entidade: Inteiros, contraparte: Inteiros) -> Linhas:
    return Linhas(
        entidade, np.full(entidade.size, fluxo, np.int64), e.instante_us, e.id_evento, e.valor_centavos, contraparte
    )


def calcular(
    catalogo: Catalogo, eventos: Eventos, fraudes: Fraudes, *, tarefas: int = 2,
    progresso: Callable[[int], None] = lambda _: None,
) -> Inteiros:
    """As primitivas de cada evento: int64 de forma (eventos, primitivas), na ordem do catálogo.

    Args:
        catalogo: o que medir.
        eventos: o histórico; os atributos de cada evento só usam os estritamente anteriores.
        fraudes: só contam a partir de `conhecido_em_us`.
        tarefas: linhas de execução; o núcleo solta o GIL.
        progresso: recebe quantos eventos foram medidos a cada fatia.
    """
    arena = Arena(catalogo, reter_tudo=True)
    arena.inserir(eventos.linhas())
    arena.inserir(fraudes.linhas())
    saida = np.full((eventos.id_evento.size, len(catalogo.primitivas)), NULO, np.int64)

    def medir(inicio: int) -> int:
        fatia = slice(inicio, inicio + FATIA)
        saida[fatia] = medir_fatia(catalogo, arena, eventos, fatia)
        return int(saida[fatia].shape[0])

    with ThreadPoolExecutor(tarefas) as grupo:
        for feitos in grupo.map(medir, range(0, eventos.id_evento.size, FATIA)):
            progresso(feitos)
    return saida


def medir_fatia(catalogo: Catalogo, arena: Arena, e: Eventos, fatia: slice) -> Inteiros:
    """As primitivas dos eventos de uma fatia, medidas na arena como ela está."""
    t, pagador, recebedor, dispositivo = (
        np.ascontiguousarray(c[fatia]) for c in (e.instante_us, e.pagador, e.recebedor, e.dispositivo)
    )
    com: NDArray[np.bool_] = dispositivo != 0
    do_dispositivo = np.full((t.size, len(catalogo.do_papel(Papel.DISPOSITIVO))), NULO, np.int64)
    do_dispositivo[com] = arena.consultar(Papel.DISPOSITIVO, dispositivo[com], pagador[com], t[com])
    return np.hstack([
        arena.consultar(Papel.PAGADOR, pagador, recebedor, t),
        arena.consultar(Papel.RECEBEDOR, recebedor, pagador, t),
        do_dispositivo,
    ])
