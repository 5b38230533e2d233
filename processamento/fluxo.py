"""Processamento: bronze → prata → ouro. As consultas de fluxo e a passagem da história, em lote."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ingestao.bronze import BRONZE_EVENTOS, BRONZE_ROTULOS
from ingestao.esquema import TOPICO_HISTORICO, TOPICO_HISTORICO_ROTULOS
from ingestao.fonte import CALMA, checkpoint, exigir_continuidade, na_fila_do_lago, preparar
from plataforma.configuracao import Configuracao
from plataforma.gravacao import id_da_consulta
from plataforma.tabela import Tabela
from processamento.controle import Controle
from processamento.indicadores import iniciar_indicadores, preencher_indicadores
from processamento.lotes import (
    Avisar,
    ResumoLote,
    processar_eventos,
    processar_rotulos,
    tabelas_de_eventos,
    tabelas_de_rotulos,
)
from processamento.tabelas import CONTROLE_LOTES

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming import StreamingQuery

__all__ = ["garantir_tabelas", "iniciar_indicadores", "iniciar_prata", "iniciar_rotulos", "preencher_historico"]

CONSULTA_PRATA: Final = "prata_pix"
CONSULTA_ROTULOS: Final = "prata_rotulos"
BYTES_POR_LOTE: Final = "96m"
"""Uns 300 mil Pix da bronze, o mesmo que um micro-lote do lago toma de um tópico (`ingestao.fonte`)."""
REGISTROS_POR_LOTE: Final = 400_000
"""Tamanho de cada fatia da história: limita a memória, porque o lote avaliado fica guardado entre as ações."""

Processar = Callable[[DataFrame, Configuracao, str, int], ResumoLote]


def iniciar_prata(
    spark: SparkSession,
    cfg: Configuracao,
    *,
    uma_vez: bool = False,
    avisar: Avisar | None = None,
    controle: Controle | None = None,
) -> StreamingQuery:
    """Começa `prata_pix`: bronze_eventos → prata_pix, prata_quarentena e prata_duplicados.

    `avisar` recebe o resumo de cada lote gravado; `controle`, já registrado como ouvinte, é descarregado aqui.

    Levanta:
        ErroEstado: checkpoint perdido ou mais velho que as tabelas.
    """
    garantir_tabelas(spark, cfg, [*tabelas_de_eventos(), CONTROLE_LOTES, BRONZE_EVENTOS])
    vivo = F.col("topico") != TOPICO_HISTORICO
    exigir_continuidade(spark, cfg, CONSULTA_PRATA, tabelas_de_eventos(), vivo)
    fonte = BRONZE_EVENTOS.ler_fluxo(spark, cfg, maxBytesPerTrigger=BYTES_POR_LOTE).where(vivo)
    gravar = _gravador(cfg, CONSULTA_PRATA, processar_eventos, avisar, controle)
    return _iniciar(spark, cfg, fonte, CONSULTA_PRATA, gravar, uma_vez=uma_vez, calma=1)


def iniciar_rotulos(
    spark: SparkSession, cfg: Configuracao, *, uma_vez: bool = False, avisar: Avisar | None = None
) -> StreamingQuery:
    """Começa `prata_rotulos`: bronze_rotulos → prata_rotulos e prata_quarentena, nas mesmas condições."""
    garantir_tabelas(spark, cfg, [*tabelas_de_rotulos(), BRONZE_ROTULOS])
    vivo = F.col("topico") != TOPICO_HISTORICO_ROTULOS
    exigir_continuidade(spark, cfg, CONSULTA_ROTULOS, tabelas_de_rotulos(), vivo)
    fonte = BRONZE_ROTULOS.ler_fluxo(spark, cfg, maxBytesPerTrigger=BYTES_POR_LOTE).where(vivo)
    gravar = _gravador(cfg, CONSULTA_ROTULOS, processar_rotulos, avisar, None)
    return _iniciar(spark, cfg, fonte, CONSULTA_ROTULOS, gravar, uma_vez=uma_vez, calma=CALMA)


def preencher_historico(
    spark: SparkSession, cfg: Configuracao, avisar: Avisar | None = None
) -> tuple[ResumoLote, ResumoLote]:
    """A história, da bronze à prata e aos indicadores, pelo código dos fluxos; devolve o que cada registro virou.

    Em fatias por deslocamento, cada uma com sua transação: repetir depois de uma queda completa o que faltou. Deve
    terminar antes de os fluxos começarem.
    """
    garantir_tabelas(spark, cfg, [*tabelas_de_eventos(), *tabelas_de_rotulos(), BRONZE_EVENTOS, BRONZE_ROTULOS])
    eventos = _preencher(spark, cfg, BRONZE_EVENTOS, TOPICO_HISTORICO, processar_eventos, avisar)
    rotulos = _preencher(spark, cfg, BRONZE_ROTULOS, TOPICO_HISTORICO_ROTULOS, processar_rotulos, avisar)
    preencher_indicadores(spark, cfg)
    return eventos, rotulos


def garantir_tabelas(spark: SparkSession, cfg: Configuracao, tabelas: list[Tabela]) -> None:
    """Cria o que falta e confere o que existe."""
    for tabela in tabelas:
        tabela.garantir(spark, cfg)


def _preencher(
    spark: SparkSession, cfg: Configuracao, origem: Tabela, topico: str, processar: Processar, avisar: Avisar | None
) -> ResumoLote:
    historia = origem.ler(spark, cfg).where(F.col("topico") == topico)
    limites = historia.agg(F.max("deslocamento"), F.min(F.unix_micros("kafka_em"))).head()
    resumos = []
    for fatia in range(0 if limites[0] is None else limites[0] // REGISTROS_POR_LOTE + 1):
        de = fatia * REGISTROS_POR_LOTE
        trecho = historia.where(F.col("deslocamento").between(de, de + REGISTROS_POR_LOTE - 1))
        resumo = processar(trecho, cfg, f"{topico}-{limites[1]}", fatia)
        resumos.append(resumo)
        if avisar:
            avisar(resumo)
    return _somar(resumos, topico)


def _somar(resumos: list[ResumoLote], camada: str) -> ResumoLote:
    quarentena: dict[str, int] = {}
    for resumo in resumos:
        for motivo, quantos in resumo.quarentena.items():
            quarentena[motivo] = quarentena.get(motivo, 0) + quantos
    return ResumoLote(
        camada,
        len(resumos) - 1,
        sum(resumo.validos for resumo in resumos),
        sum(resumo.duplicados for resumo in resumos),
        quarentena,
        sum(resumo.duracao_ms for resumo in resumos),
    )


def _gravador(
    cfg: Configuracao, nome: str, processar: Processar, avisar: Avisar | None, controle: Controle | None
) -> Callable[[DataFrame, int], None]:
    def gravar(lote: DataFrame, versao: int) -> None:
        resumo = processar(lote, cfg, id_da_consulta(checkpoint(cfg, nome)), versao)
        if avisar:
            avisar(resumo)
        if controle:
            controle.descarregar(lote.sparkSession)

    return gravar


def _iniciar(
    spark: SparkSession,
    cfg: Configuracao,
    fonte: DataFrame,
    nome: str,
    gravar: Callable[[DataFrame, int], None],
    *,
    uma_vez: bool,
    calma: int,
) -> StreamingQuery:
    contada = fonte.observe(nome, F.count(F.lit(1)).alias("linhas"))
    escritor = preparar(contada.writeStream.foreachBatch(gravar), cfg, nome, uma_vez=uma_vez, calma=calma)
    with na_fila_do_lago(spark, cfg):
        return escritor.start()
