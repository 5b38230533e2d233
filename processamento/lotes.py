"""Um lote da bronze → prata: avaliar, separar, tirar repetidos e gravar. O fluxo e a história passam por aqui."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from plataforma.configuracao import Configuracao
from plataforma.gravacao import anexar, guardado
from plataforma.tabela import Tabela
from processamento import prata
from processamento.protecao import Tokenizador
from processamento.tabelas import PRATA_DUPLICADOS, PRATA_PIX, PRATA_QUARENTENA, PRATA_ROTULOS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MS: Final = 1_000


@dataclass(frozen=True)
class ResumoLote:
    """O que um lote virou, depois de gravado. `quarentena`: contagem por motivo; `duracao_ms`: avaliar e gravar."""

    camada: str
    lote: int
    validos: int = 0
    duplicados: int = 0
    quarentena: Mapping[str, int] = field(default_factory=dict)
    duracao_ms: int = 0

    @property
    def linhas(self) -> int:
        """Registros lidos: cada um está em exatamente um dos desfechos."""
        return self.validos + self.duplicados + sum(self.quarentena.values())


Avisar = Callable[[ResumoLote], None]
"""Quem quer saber de cada lote gravado (monitoramento); recebe o resumo depois da gravação."""


def processar_eventos(bronze: DataFrame, cfg: Configuracao, id_transacao: str, versao: int) -> ResumoLote:
    """Grava um lote de eventos em prata_pix, prata_quarentena e prata_duplicados; repetir o lote não muda nada.

    `id_transacao` e `versao` identificam o lote nas tabelas (consulta e número do micro-lote).
    """
    inicio = time.monotonic()
    spark = bronze.sparkSession
    tokenizador = Tokenizador(cfg.exigir_chave_tokens(), cfg.id_chave_tokens)
    with guardado(prata.com_avaliacao(bronze, tokenizador)) as avaliado:
        grupos = _contar(avaliado)
        quarentena = _por_motivo(grupos)
        if quarentena:
            anexar(prata.sem_validos(avaliado), PRATA_QUARENTENA, cfg, id_transacao, versao)
        validos = [grupo for grupo in grupos if grupo["motivo"] is None]
        repetidos = _gravar_validos(spark, cfg, avaliado, validos, id_transacao, versao) if validos else 0
    lidos = sum(grupo["quantos"] for grupo in validos)
    return ResumoLote("prata", versao, lidos - repetidos, repetidos, quarentena, _decorrido_ms(inicio))


def processar_rotulos(bronze: DataFrame, cfg: Configuracao, id_transacao: str, versao: int) -> ResumoLote:
    """Grava um lote de rótulos em prata_rotulos e prata_quarentena; repetir o lote não muda nada."""
    inicio = time.monotonic()
    with guardado(prata.com_avaliacao_rotulos(bronze)) as avaliado:
        grupos = _contar(avaliado)
        quarentena = _por_motivo(grupos)
        validos = sum(grupo["quantos"] for grupo in grupos if grupo["motivo"] is None)
        if quarentena:
            anexar(prata.sem_validos(avaliado), PRATA_QUARENTENA, cfg, id_transacao, versao)
        if validos:
            anexar(prata.sem_recusados_rotulos(avaliado), PRATA_ROTULOS, cfg, id_transacao, versao)
    return ResumoLote("rotulos", versao, validos, 0, quarentena, _decorrido_ms(inicio))


def tabelas_de_eventos() -> list[Tabela]:
    """As tabelas que um lote de eventos escreve."""
    return [PRATA_PIX, PRATA_QUARENTENA, PRATA_DUPLICADOS]


def tabelas_de_rotulos() -> list[Tabela]:
    """As tabelas que um lote de rótulos escreve."""
    return [PRATA_ROTULOS, PRATA_QUARENTENA]


def _gravar_validos(
    spark: SparkSession, cfg: Configuracao, avaliado: DataFrame, grupos: list[Row], id_transacao: str, versao: int
) -> int:
    """Grava os primeiros e, se há, os repetidos; devolve quantos repetidos."""
    dias = sorted({grupo["data"] for grupo in grupos})
    primeiro, ultimo = min(grupo["primeiro"] for grupo in grupos), max(grupo["ultimo"] for grupo in grupos)
    existentes = prata.sem_fora_do_trecho(PRATA_PIX.ler(spark, cfg), dias, primeiro, ultimo)
    validos = prata.sem_recusados(avaliado)
    with guardado(prata.sem_primeiros(prata.com_primeiro(validos, existentes))) as repetidos:
        quantos: int = repetidos.count()
        if quantos:
            anexar(repetidos, PRATA_DUPLICADOS, cfg, id_transacao, versao)
            validos = prata.sem_repetidos(validos, repetidos)
        anexar(validos, PRATA_PIX, cfg, id_transacao, versao)
    return quantos


def _contar(avaliado: DataFrame) -> list[Row]:
    """A única passagem pelo Python: enche o que foi guardado e conta por motivo e dia."""
    minuto = prata.minuto_do_id()
    contado = avaliado.groupBy("motivo", "data").agg(
        F.count(F.lit(1)).alias("quantos"), F.min(minuto).alias("primeiro"), F.max(minuto).alias("ultimo")
    )
    return list(contado.collect())


def _por_motivo(grupos: list[Row]) -> dict[str, int]:
    contagem: Counter[str] = Counter()
    for grupo in grupos:
        if grupo["motivo"] is not None:
            contagem[grupo["motivo"]] += grupo["quantos"]
    return dict(contagem)


def _decorrido_ms(inicio: float) -> int:
    return round((time.monotonic() - inicio) * MS)
