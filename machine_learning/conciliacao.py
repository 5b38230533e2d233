"""A conciliação: cada registro da bronze tem exatamente um destino, e cada decisão, um evento. Comando e teste."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from ingestao.bronze import BRONZE_EVENTOS, BRONZE_ROTULOS
from ingestao.esquema import CHAVE_POSICAO, TOPICO_HISTORICO_ROTULOS
from machine_learning import destinos
from machine_learning.destinos import CERTOS, PROBLEMAS, Destino
from machine_learning.esquema import OURO_DECISOES, OURO_RECUSAS
from plataforma.configuracao import Configuracao
from plataforma.gravacao import guardado
from processamento.tabelas import PRATA_DUPLICADOS, PRATA_PIX, PRATA_QUARENTENA, PRATA_ROTULOS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EXEMPLOS: Final = 10
_TOTAIS: Final = ("bronze", "prata", "decisoes", "repetidas")
_NOMES_PROBLEMAS: Final = tuple(problema.value for problema in PROBLEMAS)


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
    duplicados = _ler(spark, cfg, PRATA_DUPLICADOS).select(*CHAVE_POSICAO)
    decisoes = _ler(spark, cfg, OURO_DECISOES).select("id_fim_a_fim", "data", *CHAVE_POSICAO, "lote")
    recusas = _ler(spark, cfg, OURO_RECUSAS).select(*CHAVE_POSICAO, "lote")
    respostas = decisoes.select(*CHAVE_POSICAO, "lote").unionByName(recusas)
    presencas = destinos.com_presencas(bronze, prata, quarentena.where(~de_rotulos), duplicados, decisoes, recusas)
    with guardado(destinos.com_destino(presencas, destinos.com_cortes(bronze, prata, respostas))) as com_destino:
        grupos = _agrupar(com_destino)
        lacunas = _lacunas(com_destino)
        exemplos = _exemplos(com_destino) if any(grupo["destino"] in _NOMES_PROBLEMAS for grupo in grupos) else []
    rotulos = _conciliar_rotulos(spark, cfg, quarentena.where(de_rotulos))
    return _julgar(grupos, lacunas, _dobradas(decisoes), rotulos, exemplos)


def _julgar(
    grupos: list[Row], lacunas: int, dobradas: int, rotulos: Mapping[str, int], exemplos: list[dict[str, Any]]
) -> Conciliacao:
    contagem: Counter[str] = Counter()
    totais: Counter[str] = Counter()
    motivos: Counter[str] = Counter()
    for grupo in grupos:
        contagem[grupo["destino"]] += grupo["registros"]
        totais.update({nome: grupo[nome] for nome in _TOTAIS})
        if grupo["destino"] == Destino.QUARENTENA.value:
            motivos[grupo["motivo"]] += grupo["registros"]
    problemas = {nome: contagem[nome] for nome in _NOMES_PROBLEMAS if contagem[nome]}
    em_transito = contagem[Destino.EM_TRANSITO.value] + rotulos["em_transito"]
    fecha = not (problemas or dobradas or lacunas or rotulos["faltantes"] or rotulos["dobrados"])
    return Conciliacao(
        bronze=totais["bronze"],
        prata=totais["prata"],
        destinos={d.value: contagem[d.value] for d in CERTOS},
        motivos=dict(motivos.most_common()),
        problemas=problemas,
        em_transito=em_transito,
        decisoes=totais["decisoes"],
        decisoes_dobradas=dobradas,
        repetidas=totais["repetidas"],
        lacunas=lacunas,
        rotulos=rotulos,
        exemplos=exemplos,
        fecha_no_corte=fecha,
        conferido=fecha and em_transito == 0,
    )


def _agrupar(com_destino: DataFrame) -> list[Row]:
    """Registros e linhas de cada tabela, por destino e motivo: a passagem que enche o que foi guardado."""
    repetida = (F.col("n_duplicado") > 0) & (F.col("n_decisao") > 0)
    somas = {
        "bronze": F.sum("n_bronze"),
        "prata": F.sum("n_prata"),
        "decisoes": F.sum("n_decisao"),
        "repetidas": F.count_if(repetida),
    }
    agregado = com_destino.groupBy("destino", "motivo").agg(
        F.count(F.lit(1)).alias("registros"), *(soma.alias(nome) for nome, soma in somas.items())
    )
    return list(agregado.collect())


def _lacunas(com_destino: DataFrame) -> int:
    """Deslocamentos que faltam na bronze entre o menor e o maior de cada partição."""
    faixas = com_destino.where("n_bronze > 0").groupBy("topico", "particao")
    faltam = F.max("deslocamento") - F.min("deslocamento") + 1 - F.count(F.lit(1))
    return int(faixas.agg(faltam.alias("faltam")).agg(F.sum("faltam")).head()[0] or 0)


def _dobradas(decisoes: DataFrame) -> int:
    """Decisões a mais de um mesmo id na tabela; o certo é nenhuma."""
    por_id = decisoes.groupBy("id_fim_a_fim").agg((F.count(F.lit(1)) - 1).alias("a_mais"))
    return int(por_id.agg(F.sum("a_mais")).head()[0] or 0)


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


def _exemplos(com_destino: DataFrame) -> list[dict[str, Any]]:
    """Alguns dos que não fecham, pela posição; nunca o conteúdo."""
    ruins = com_destino.where(F.col("destino").isin(*_NOMES_PROBLEMAS))
    primeiros = ruins.select(*CHAVE_POSICAO, "destino").orderBy(*CHAVE_POSICAO).limit(EXEMPLOS)
    return [linha.asDict() for linha in primeiros.collect()]


def _ler(spark: SparkSession, cfg: Configuracao, tabela: Any) -> DataFrame:
    vazia = not tabela.existe(spark, cfg)
    return spark.createDataFrame([], tabela.esquema) if vazia else tabela.ler(spark, cfg)
