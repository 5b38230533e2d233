"""Do tráfego vivo aos registros com hora marcada: eventos com avarias e rótulos, em uma só fila por horário."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import polars as pl

from ingestao.avarias import Razao, com_avarias
from ingestao.produtor import Registro
from ingestao.serializacao import serializar, serializar_rotulos
from ingestao.trafego import ENVIO
from plataforma.configuracao import Configuracao


@dataclass
class Emissao:
    """O que enviar e como estragar. `eventos` e `rotulos` trazem `envio_segundos`; `razao` anota o que saiu.

    As taxas são frações dos eventos; 0 desliga.
    """

    eventos: pl.DataFrame
    rotulos: pl.DataFrame
    semente: int = 0
    taxa_duplicados: float = 0.0
    taxa_malformados: float = 0.0
    razao: Razao = field(default_factory=Razao)

    def registros(self, cfg: Configuracao) -> Iterator[Registro]:
        """Eventos e rótulos por horário; no empate, o evento vem antes do rótulo."""
        eventos = marcados(self.eventos, serializar(self.eventos), cfg.topico_eventos)
        com = com_avarias(
            eventos, self.semente, self.taxa_duplicados, self.taxa_malformados, self.razao, topico=cfg.topico_eventos
        )
        return intercalar(com, marcados(self.rotulos, serializar_rotulos(self.rotulos), cfg.topico_rotulos))


def marcados(
    tabela: pl.DataFrame, pares: Iterable[tuple[bytes, bytes]], topico: str, desde_s: float = 0.0
) -> Iterator[Registro]:
    """Um registro por par, com a hora de `envio_segundos` somada a `desde_s`."""
    horas = (tabela[ENVIO] + desde_s).to_list()
    return (Registro(hora, topico, chave, valor) for hora, (chave, valor) in zip(horas, pares, strict=True))


def intercalar(principais: Iterator[Registro], poucos: Iterator[Registro]) -> Iterator[Registro]:
    """Duas filas em ordem → uma; mais leve que uma fusão geral porque a segunda é curta."""
    proximo = next(poucos, None)
    for registro in principais:
        while proximo is not None and proximo.quando_s < registro.quando_s:
            yield proximo
            proximo = next(poucos, None)
        yield registro
    if proximo is not None:
        yield proximo
        yield from poucos
