"""A conciliação: cada registro da bronze tem exatamente um destino, e cada decisão, um evento. Comando e teste."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ingestao.bronze import BRONZE_EVENTOS, BRONZE_ROTULOS
from ingestao.esquema import CHAVE_POSICAO, TOPICO_HISTORICO_ROTULOS
from machine_learning import destinos
from machine_learning.destinos import CERTOS, PROBLEMAS, Destino
from machine_learning.esquema import OURO_DECISOES, OURO_RECUSAS
from plataforma.configuracao import Configuracao
from processamento.tabelas import PRATA_DUPLICADOS, PRATA_PIX, PRATA_QUARENTENA, PRATA_ROTULOS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EXEMPLOS: Final = 10


@dataclass(frozen=True)
class Conciliacao:
    """O que se achou. `destinos` tem os cinco destinos certos; `problemas`, o que não fecha, com `exemplos`.

    `conferido`: tudo fechou e nada está em trânsito. `fecha_no_corte`: fechou tudo que já dava para conferir, o que
    basta com tráfego chegando. `repetidas`: decisões de um Pix que o lago sabe repetido (além do horizonte).
    `lacunas`: deslocamentos que faltam entre o menor e o maior de cada partição da bronze.
    """

    bronze: int
    prata: int
    destinos: Mapping[str, int]
    motivos: Mapping[str, int]
    problemas: Mapping[str, int]
    em_transito: int
    decisoes: int
    decisoes_dobradas: int
    repetidas: int
    lacunas: int
    rotulos: Mapping[str, int]
    exemplos: list[dict[str, Any]]
    fecha_no_corte: bool
    conferido: bool


def conciliar(spark: SparkSession, cfg: Configuracao) -> Conciliacao:
    """Confronta bronze, prata e decisões; lê só posições e ids. Tabela que ainda não existe conta como vazia."""
    bronze = _ler(spark, cfg, BRONZE_EVENTOS).select(*CHAVE_POSICAO, "origem")
    prata = _ler(spark, cfg, PRATA_PIX).select("id_fim_a_fim", "data", *CHAVE_POSICAO, "finalidade")
    de_rotulos = F.col("topico").isin(cfg.topico_rotulos, TOPICO_HISTORICO_ROTULOS)
    quarentena = _ler(spark, cfg, PRATA_QUARENTENA).select(*CHAVE_POSICAO, "motivo")
    duplicados = _ler(spark, cfg, PRATA_DUPLICADOS).select("id_fim_a_fim", *CHAVE_POSICAO)
    decisoes = _ler(spark, cfg, OURO_DECISOES).select("id_fim_a_fim", "data", *CHAVE_POSICAO, "lote")
    recusas = _ler(spark, cfg, OURO_RECUSAS).select(*CHAVE_POSICAO, "lote")
    respostas = decisoes.select(*CHAVE_POSICAO, "lote").unionByName(recusas)
    presencas = destinos.com_presencas(bronze, prata, quarentena.where(~de_rotulos), duplicados, decisoes, recusas)
    com_destino = destinos.com_destino(presencas, destinos.com_cortes(bronze, prata, respostas)).persist()
    try:
        contagem = _contar(com_destino, "destino")
        motivos = _contar(com_destino.where(F.col("destino") == Destino.QUARENTENA.value), "motivo")
        exemplos = _exemplos(com_destino) if any(contagem.get(p.value) for p in PROBLEMAS) else []
    finally:
        com_destino.unpersist()
    return _julgar(
        contagem,
        motivos,
        exemplos,
        _medir(bronze, prata, duplicados, decisoes),
        _conciliar_rotulos(spark, cfg, quarentena.where(de_rotulos)),
    )


def _julgar(
    contagem: Mapping[str, int],
    motivos: Mapping[str, int],
    exemplos: list[dict[str, Any]],
    medidas: Mapping[str, int],
    rotulos: Mapping[str, int],
) -> Conciliacao:
    problemas = {p.value: contagem[p.value] for p in PROBLEMAS if contagem.get(p.value)}
    em_transito = contagem.get(Destino.EM_TRANSITO.value, 0) + rotulos["em_transito"]
    fecha = not (
        problemas or medidas["decisoes_dobradas"] or medidas["lacunas"] or rotulos["faltantes"] or rotulos["dobrados"]
    )
    return Conciliacao(
        bronze=medidas["bronze"],
        prata=medidas["prata"],
        destinos={d.value: contagem.get(d.value, 0) for d in CERTOS},
        motivos=dict(sorted(motivos.items(), key=lambda item: -item[1])),
        problemas=problemas,
        em_transito=em_transito,
        decisoes=medidas["decisoes"],
        decisoes_dobradas=medidas["decisoes_dobradas"],
        repetidas=medidas["repetidas"],
        lacunas=medidas["lacunas"],
        rotulos=rotulos,
        exemplos=exemplos,
        fecha_no_corte=fecha,
        conferido=fecha and em_transito == 0,
    )


def _medir(bronze: DataFrame, prata: DataFrame, duplicados: DataFrame, decisoes: DataFrame) -> dict[str, int]:
    """Contagens que não são por posição: totais, lacunas da bronze, decisões dobradas e repetidas."""
    faixas = bronze.groupBy("topico", "particao").agg(
        F.count(F.lit(1)).alias("linhas"),
        (F.max("deslocamento") - F.min("deslocamento") + 1 - F.count_distinct("deslocamento")).alias("lacunas"),
    )
    por_id = decisoes.groupBy("id_fim_a_fim").agg(F.count(F.lit(1)).alias("vezes"))
    repetidas = decisoes.join(duplicados, on=list(CHAVE_POSICAO), how="left_semi")
    quadros = {
        "bronze": faixas.agg(F.sum("linhas")),
        "lacunas": faixas.agg(F.sum("lacunas")),
        "prata": prata.agg(F.count(F.lit(1))),
        "decisoes": por_id.agg(F.sum("vezes")),
        "decisoes_dobradas": por_id.agg(F.sum(F.col("vezes") - 1)),
        "repetidas": repetidas.agg(F.count(F.lit(1))),
    }
    return {nome: int(quadro.head()[0] or 0) for nome, quadro in quadros.items()}


def _conciliar_rotulos(spark: SparkSession, cfg: Configuracao, quarentena: DataFrame) -> dict[str, int]:
    """Os rótulos têm dois destinos: prata_rotulos ou quarentena."""
    bronze, prata = _ler(spark, cfg, BRONZE_ROTULOS), _ler(spark, cfg, PRATA_ROTULOS)
    partes = {"bronze": bronze, "prata": prata, "quarentena": quarentena}
    quadros = [df.select(*CHAVE_POSICAO, F.lit(nome).alias("fonte")) for nome, df in partes.items()]
    juntos = quadros[0].unionByName(quadros[1]).unionByName(quadros[2])
    vezes = {nome: F.count_if(F.col("fonte") == nome) for nome in partes}
    destino = vezes["prata"] + vezes["quarentena"]
    por_posicao = juntos.groupBy(*CHAVE_POSICAO).agg(
        *(coluna.alias(nome) for nome, coluna in vezes.items()), destino.alias("destinos")
    )
    limites = prata.groupBy("topico", "particao").agg(F.max("deslocamento").alias("ate"))
    com_limite = por_posicao.join(F.broadcast(limites), on=["topico", "particao"], how="left")
    sem_destino = F.col("destinos") == 0
    alem = F.col("deslocamento") > F.coalesce("ate", F.lit(-1))
    linha = com_limite.agg(
        *(F.sum(nome).alias(nome) for nome in partes),
        F.count_if(sem_destino & alem).alias("em_transito"),
        F.count_if(sem_destino & ~alem).alias("faltantes"),
        F.count_if((F.col("bronze") != 1) | (F.col("destinos") > 1)).alias("dobrados"),
    ).head()
    return {nome: int(valor or 0) for nome, valor in linha.asDict().items()}


def _contar(df: DataFrame, coluna: str) -> dict[str, int]:
    return {linha[coluna]: linha["count"] for linha in df.groupBy(coluna).count().collect()}


def _exemplos(com_destino: DataFrame) -> list[dict[str, Any]]:
    """Alguns dos que não fecham, pela posição; nunca o conteúdo."""
    ruins = com_destino.where(F.col("destino").isin(*(p.value for p in PROBLEMAS)))
    primeiros = ruins.select(*CHAVE_POSICAO, "destino").orderBy(*CHAVE_POSICAO).limit(EXEMPLOS)
    return [linha.asDict() for linha in primeiros.collect()]


def _ler(spark: SparkSession, cfg: Configuracao, tabela: Any) -> DataFrame:
    vazia = not tabela.existe(spark, cfg)
    return spark.createDataFrame([], tabela.esquema) if vazia else tabela.ler(spark, cfg)
