"""O preparo da história: bronze → prata → ouro pelo código dos fluxos, e o primeiro modelo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from plataforma.configuracao import Configuracao

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Preparo:
    """O que preparar antes de iniciar as consultas.

    Args:
        eventos: arquivo Arrow IPC com colunas `chave` e `valor` (bytes).
        rotulos: arquivo Arrow IPC com a coluna `valor`.
        carimbo_us: carimbo de chegada da história, µs UTC.
        treinar: se treina e promove um modelo rápido a partir dela.
    """

    eventos: str
    rotulos: str
    carimbo_us: int
    treinar: bool = True


def gravar_registros(arquivo: Path, colunas: dict[str, list[bytes]]) -> None:
    """Grava registros em Arrow IPC, para o processo dos fluxos ler sem recriar a simulação."""
    arquivo.parent.mkdir(parents=True, exist_ok=True)
    tabela = pa.table({nome: pa.array(valores, pa.binary()) for nome, valores in colunas.items()})
    with pa.OSFile(str(arquivo), "wb") as destino, pa.ipc.new_file(destino, tabela.schema) as escritor:
        escritor.write_table(tabela, max_chunksize=50_000)


def preparar(spark: SparkSession, cfg: Configuracao, preparo: Preparo, fase: Callable[[str], None]) -> None:
    """História até a prata; dela, o ouro e o modelo, ao mesmo tempo. `fase` anuncia cada passo.

    O modelo aprende da prata (mede os atributos em memória, como o fluxo os mede) e ajusta-se em um só núcleo: não há
    por que esperar pelo ouro.
    """
    from ingestao.fluxo import escrever_historico  # noqa: PLC0415 — pyspark só no processo dos fluxos
    from machine_learning.treino import treinar  # noqa: PLC0415
    from processamento.fluxo import preencher_historico  # noqa: PLC0415
    from processamento.ouro import preencher_ouro  # noqa: PLC0415

    fase("bronze")
    escrever_historico(
        spark, cfg, _linhas(preparo.eventos, "chave", "valor"), (v for (v,) in _linhas(preparo.rotulos, "valor")),
        preparo.carimbo_us,
    )
    fase("prata")
    preencher_historico(spark, cfg)
    fase("ouro")
    with ThreadPoolExecutor(1) as grupo:
        treino = grupo.submit(
            treinar, cfg, spark, rapido=True, promover=True, motivo="primeiro modelo, a partir da história"
        ) if preparo.treinar else None
        preencher_ouro(spark, cfg)
        if treino is not None:
            fase("treino")
            treino.result()


def _linhas(arquivo: str, *colunas: str) -> Iterator[tuple[bytes, ...]]:
    with pa.memory_map(arquivo) as mapa:
        leitor = pa.ipc.open_file(mapa)
        for i in range(leitor.num_record_batches):
            lote = leitor.get_batch(i)
            yield from zip(*(lote.column(nome).to_pylist() for nome in colunas), strict=True)
