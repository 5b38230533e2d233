"""Avarias de propósito: repetições e registros estragados no meio do vivo, com a conta exata do que se espera.

Um sistema que só vê entrada perfeita não prova nada; a conciliação confere o que aqui se anotou.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ingestao.produtor import Registro

_SORTEIOS: Final = 8_192
_ATRASO_MAXIMO_S: Final = 4.0

_Estrago = Callable[[bytes], bytes | None]


def _trocar(antes: bytes, depois: bytes) -> _Estrago:
    return lambda valor: valor.replace(antes, depois, 1)


def _com_valor(texto: bytes) -> _Estrago:
    def estragar(valor: bytes) -> bytes:
        inicio = valor.index(b'"valor":"') + len(b'"valor":"')
        return valor[:inicio] + texto + valor[valor.index(b'"', inicio) :]

    return estragar


def _mes_treze(valor: bytes) -> bytes:
    inicio = valor.index(b'"id_fim_a_fim":"') + len(b'"id_fim_a_fim":"') + 13
    return valor[:inicio] + b"13" + valor[inicio + 2 :]


ESTRAGOS: Final[tuple[tuple[str, _Estrago], ...]] = (
    ("json_truncado", lambda valor: valor[: len(valor) // 2]),
    ("json_invalido", lambda valor: b"pix;" + valor),
    ("nulo", lambda _: None),
    ("vazio", lambda _: b""),
    ("campo_ausente", _trocar(b'"valor":', b'"montante":')),
    ("tipo_invalido", _trocar(b'"finalidade":"', b'"finalidade":7,"outra":"')),
    ("dominio_invalido", _trocar(b'"forma_de_iniciacao":"', b'"forma_de_iniciacao":"X')),
    ("valor_nao_positivo", _com_valor(b"0.00")),
    ("valor_invalido", _com_valor(b"10.999")),
    ("id_data_impossivel", _mes_treze),
)
"""Motivo esperado na quarentena → como estragar um registro bom."""


@dataclass
class Razao:
    """O razão do que foi emitido: eventos bons e únicos, repetições deles, e estragados por motivo."""

    eventos: int = 0
    duplicados: int = 0
    malformados: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """Registros no tópico de eventos."""
        return self.eventos + self.duplicados + self.malformados.total()


def com_avarias(
    registros: Iterable[Registro], semente: int, taxa_duplicados: float, taxa_malformados: float, razao: Razao, *,
    topico: str,
) -> Iterator[Registro]:
    """Os registros na ordem, com repetições pouco depois e cópias estragadas dos que vão para `topico`.

    `razao` só anota um registro quando o seguinte é pedido, isto é, depois de enviado: interromper não a desmente.
    """
    rng = np.random.default_rng([semente, 40])
    atrasados: list[tuple[float, int, Registro]] = []
    sorteio, indice = rng.random(_SORTEIOS), 0
    for numero, registro in enumerate(registros):
        while atrasados and atrasados[0][0] <= registro.quando_s:
            yield heapq.heappop(atrasados)[2]
            razao.duplicados += 1
        if registro.topico != topico:
            yield registro
            continue
        if indice == _SORTEIOS:
            sorteio, indice = rng.random(_SORTEIOS), 0
        sorte, indice = sorteio[indice], indice + 1
        yield registro
        razao.eventos += 1
        if sorte < taxa_malformados:
            motivo, estragar = ESTRAGOS[int(rng.integers(len(ESTRAGOS)))]
            yield registro._replace(valor=None if registro.valor is None else estragar(registro.valor))
            razao.malformados[motivo] += 1
        elif sorte < taxa_malformados + taxa_duplicados:
            quando = registro.quando_s + float(rng.random()) * _ATRASO_MAXIMO_S
            heapq.heappush(atrasados, (quando, numero, registro._replace(quando_s=quando)))
    for _, _, repetido in sorted(atrasados):
        yield repetido._replace(quando_s=registro.quando_s)
        razao.duplicados += 1
