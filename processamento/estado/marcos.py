"""Os marcos: as somas de um diário a cada tantos lugares da arena; uma janela longa não custa o seu tamanho.

O lugar de um marco é o da arena, e não o do diário: não há o que alocar nem mover (ADR 0013).
"""

from __future__ import annotations

from typing import Final

from plataforma.nativo import njit
from processamento.estado.nucleo import Inteiros, Memoria, logaritmo_fixo

BITS_DO_PASSO: Final = 5
PASSO: Final = 1 << BITS_DO_PASSO
"""De quantos em quantos lugares da arena há um marco."""


@njit(cache=True)
def marcar(m: Memoria, inicio: int, desde: int, n: int) -> None:
    """Refaz os marcos do diário em `inicio`, que tem n linhas, mudadas da posição `desde` (relativa) em diante."""
    k = (inicio + desde) >> BITS_DO_PASSO
    p, fim = max(k << BITS_DO_PASSO, inicio), inicio + n
    valor = log = log2 = 0
    if p > inicio:
        valor, log, log2 = m.marco_valor[k], m.marco_log[k], m.marco_log2[k]
    for proximo in range((k + 1) << BITS_DO_PASSO, fim + 1, PASSO):
        while p < proximo:
            logaritmo = logaritmo_fixo(m.valor[p])
            valor += m.valor[p]
            log += logaritmo
            log2 += logaritmo * logaritmo
            p += 1
        k += 1
        m.marco_valor[k], m.marco_log[k], m.marco_log2[k] = valor, log, log2


@njit(inline="always")
def _entre_marcos(de: int, ate: int) -> tuple[int, int]:
    """O primeiro e o último marco da janela longa, em lugares; a curta é toda do primeiro trecho: (ate, ate)."""
    if ate - de <= 2 * PASSO:
        return ate, ate
    return ((de >> BITS_DO_PASSO) + 1) << BITS_DO_PASSO, (ate >> BITS_DO_PASSO) << BITS_DO_PASSO


@njit(inline="always")
def somar(valor: Inteiros, marco: Inteiros, de: int, ate: int) -> int:
    """A soma das linhas `[de, ate)`: as das pontas, uma a uma, e o que há entre o primeiro e o último marco."""
    primeiro, ultimo = _entre_marcos(de, ate)
    soma = 0
    if primeiro < ultimo:
        soma = marco[ultimo >> BITS_DO_PASSO] - marco[primeiro >> BITS_DO_PASSO]
    for p in range(de, primeiro):
        soma += valor[p]
    for p in range(ultimo, ate):
        soma += valor[p]
    return soma


@njit(inline="always")
def somar_logs(valor: Inteiros, marco: Inteiros, marco2: Inteiros, de: int, ate: int) -> tuple[int, int]:
    """O mesmo, do logaritmo e do seu quadrado."""
    primeiro, ultimo = _entre_marcos(de, ate)
    soma = soma2 = 0
    if primeiro < ultimo:
        soma = marco[ultimo >> BITS_DO_PASSO] - marco[primeiro >> BITS_DO_PASSO]
        soma2 = marco2[ultimo >> BITS_DO_PASSO] - marco2[primeiro >> BITS_DO_PASSO]
    for p in range(de, primeiro):
        logaritmo = logaritmo_fixo(valor[p])
        soma += logaritmo
        soma2 += logaritmo * logaritmo
    for p in range(ultimo, ate):
        logaritmo = logaritmo_fixo(valor[p])
        soma += logaritmo
        soma2 += logaritmo * logaritmo
    return soma, soma2
