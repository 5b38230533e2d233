"""A partida da decisão: estado quente a partir da prata, ponto de início em cada partição, identidade do checkpoint.

Um estado que nasce vazio enquanto o modelo treinou com 60 dias serve outros atributos no primeiro dia. O mesmo
caminho recupera um checkpoint perdido e muda o catálogo ou o número de baldes.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from pyspark.sql import functions as F

from ingestao.esquema import FINALIDADES_ISENTAS
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroEstado
from processamento.catalogo import SEGUNDO_US, Catalogo
from processamento.estado.arena import Linhas
from processamento.estado.lote import Eventos, Fraudes
from processamento.estado.pedacos import LIMITE_PEDACO, Bloco, codificar
from processamento.estado.processador import INICIAL

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from processamento.estado.toques import Distribuicao

_BYTES_POR_LINHA: Final = 45
_COLUNAS_EVENTO: Final = (
    "id_evento", "instante_us", "valor_centavos", "pagador_id", "recebedor_id", "dispositivo_id", "kafka_em_us",
)
_COLUNAS_FRAUDE: Final = (
    "id_evento", "instante_us", "conhecido_em_us", "pagador_id", "recebedor_id", "dispositivo_id", "kafka_em_us",
)
Inicio = dict[str, dict[str, int]]
"""Tópico → partição → deslocamento de início (-2 = do começo), como o Spark espera."""
ARQUIVO_IDENTIDADE: Final = "identidade.json"


@dataclass(frozen=True)
class _Empacotar:
    """Linhas da prata → pedaços por balde, uma partição do Spark por vez."""

    distribuicao: Distribuicao
    fraudes: bool

    def __call__(self, lotes: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        acumulado: list[list[Bloco]] = [[] for _ in self.distribuicao.baldes]
        sequencia = 0
        for lote in lotes:
            colunas = [np.asarray(c.to_numpy(zero_copy_only=False), np.int64) for c in lote.columns]
            tipo = Fraudes if self.fraudes else Eventos
            linhas = tipo(*colunas[:-1]).linhas()
            segundos, com = colunas[-1] // SEGUNDO_US, colunas[-2] != 0
            chegada = np.concatenate([segundos, segundos, segundos[com]])
            balde = self.distribuicao.balde(linhas.entidade)
            for b in range(len(acumulado)):
                quais = balde == b
                if quais.any():
                    acumulado[b].append(Bloco(linhas.onde(quais), chegada[quais]))
                if sum(len(x.linhas) for x in acumulado[b]) * _BYTES_POR_LINHA > LIMITE_PEDACO:
                    yield self._fechar(b, sequencia, acumulado[b])
                    sequencia, acumulado[b] = sequencia + 1, []
        for b, blocos in enumerate(acumulado):
            if blocos:
                yield self._fechar(b, sequencia, blocos)
                sequencia += 1

    def _fechar(self, balde: int, sequencia: int, blocos: list[Bloco]) -> pa.RecordBatch:
        junto = Bloco(Linhas.juntar([b.linhas for b in blocos]), np.concatenate([b.chegada_s for b in blocos]))
        return pa.RecordBatch.from_arrays(
            [pa.array([self.distribuicao.baldes[balde]], pa.int32()), pa.array([sequencia], pa.int32()),
             pa.array([codificar(junto)], pa.binary())],
            names=INICIAL.fieldNames(),
        )


def estado_inicial(
    prata: DataFrame, rotulos: DataFrame, catalogo: Catalogo, d: Distribuicao, inicio: Inicio
) -> DataFrame | None:
    """Pedaços do estado a partir da prata (Pix únicos, não isentos) e dos rótulos; None se não há história.

    Só o que cabe no horizonte, contado do Pix mais novo, e o que a consulta não vai reler do Kafka (`inicio`).
    """
    prata = sem_o_que_sera_relido(prata, inicio).where(~F.col("finalidade").isin(*FINALIDADES_ISENTAS))
    rotulos = sem_o_que_sera_relido(rotulos, inicio)
    mais_novo = prata.agg(F.max("instante_us")).head()[0]
    if mais_novo is None:
        return None
    corte = mais_novo - catalogo.horizonte_us
    eventos = prata.where(F.col("instante_us") >= corte).select(*_COLUNAS_EVENTO)
    fraudes = rotulos.where(F.col("fraude") & (F.col("conhecido_em_us") >= corte)).select(*_COLUNAS_FRAUDE)
    dos_eventos = eventos.mapInArrow(_Empacotar(d, fraudes=False), INICIAL)
    return dos_eventos.unionByName(fraudes.mapInArrow(_Empacotar(d, fraudes=True), INICIAL))


def sem_o_que_sera_relido(tabela: DataFrame, inicio: Inicio) -> DataFrame:
    """Tira os registros que estão do ponto de início em diante nos tópicos que a consulta lê."""
    for topico, particoes in inicio.items():
        for particao, desde in particoes.items():
            relido = (F.col("topico") == topico) & (F.col("particao") == int(particao))
            tabela = tabela.where(~(relido & (F.col("deslocamento") >= max(desde, 0))))
    return tabela


def inicio_por_particao(decisoes: DataFrame | None, rotulos: DataFrame | None, cfg: Configuracao) -> Inicio:
    """`startingOffsets`: depois da última decisão e do último rótulo já no lago; do começo onde não há."""
    inicio: Inicio = {cfg.topico_controle: {"0": -2}}
    for topico, tabela, particoes in (
        (cfg.topico_eventos, decisoes, cfg.particoes_topico), (cfg.topico_rotulos, rotulos, 1),
    ):
        vistos = {} if tabela is None else {
            linha.particao: linha.ate for linha in tabela.where(F.col("topico") == topico)
            .groupBy("particao").agg(F.max("deslocamento").alias("ate")).collect()
        }
        inicio[topico] = {str(p): vistos[p] + 1 if p in vistos else -2 for p in range(particoes)}
    return inicio


def identificar(checkpoint: Path, cfg: Configuracao, catalogo: Catalogo) -> tuple[str, bool]:
    """A identidade do checkpoint e se ele é novo; recusa o que foi feito com outra forma de estado.

    Levanta:
        ErroEstado: quando baldes, partições ou catálogo diferem dos gravados.
    """
    atual: dict[str, Any] = {
        "baldes": cfg.baldes, "particoes_estado": cfg.particoes_estado, "catalogo": catalogo.versao,
    }
    arquivo = checkpoint / ARQUIVO_IDENTIDADE
    novo = not any((checkpoint / "commits").glob("[0-9]*")) if (checkpoint / "commits").exists() else True
    if arquivo.exists():
        gravado = json.loads(arquivo.read_text())
        for campo, valor in atual.items():
            if gravado[campo] != valor:
                msg = (f"o estado em {checkpoint} foi feito com {campo} = {gravado[campo]} e agora é {valor}; "
                       "volte à configuração anterior, ou apague a pasta para refazer o estado a partir da prata")
                raise ErroEstado(msg)
        return str(gravado["identidade"]), novo
    checkpoint.mkdir(parents=True, exist_ok=True)
    identidade = uuid.uuid4().hex
    arquivo.write_text(json.dumps({"identidade": identidade, **atual}))
    return identidade, novo


def identidade_gravada(checkpoint: Path) -> str | None:
    """A identidade de um checkpoint existente, ou None."""
    arquivo = checkpoint / ARQUIVO_IDENTIDADE
    return str(json.loads(arquivo.read_text())["identidade"]) if arquivo.exists() else None
