"""O destino de cada registro da bronze, por posição (DataFrame → DataFrame). Quem conta e julga é `conciliacao`."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ingestao.esquema import CHAVE_POSICAO, FINALIDADES_ISENTAS

HISTORICO: Final = "historico"


class Destino(StrEnum):
    """Onde um registro foi parar: os cinco destinos certos, o que ainda anda, e o que não fecha."""

    DECIDIDO = "decidido"
    QUARENTENA = "quarentena"
    DUPLICADO = "duplicado"
    HISTORICO = "historico"
    ISENTO = "isento"
    EM_TRANSITO = "em_transito"
    FALTANTE = "faltante"
    DOBRADO = "dobrado"
    SEM_DECISAO = "sem_decisao"
    SEM_RESPOSTA = "sem_resposta"
    DECISAO_SEM_EVENTO = "decisao_sem_evento"
    DECISAO_INDEVIDA = "decisao_indevida"


CERTOS: Final = (
    Destino.DECIDIDO, Destino.QUARENTENA, Destino.DUPLICADO, Destino.HISTORICO, Destino.ISENTO,
)  # fmt: skip
PROBLEMAS: Final = (
    Destino.FALTANTE, Destino.DOBRADO, Destino.SEM_DECISAO, Destino.SEM_RESPOSTA, Destino.DECISAO_SEM_EVENTO,
    Destino.DECISAO_INDEVIDA,
)  # fmt: skip

_FONTES: Final = ("bronze", "prata", "quarentena", "duplicado", "decisao", "recusa")


def com_presencas(
    bronze: DataFrame, prata: DataFrame, quarentena: DataFrame, duplicados: DataFrame, decisoes: DataFrame,
    recusas: DataFrame,
) -> DataFrame:  # fmt: skip
    """Uma linha por posição: quantas vezes está em cada tabela, `origem`, `finalidade`, `motivo` e `decidido`.

    `decidido` olha o id, não a posição: se um Pix chegou duas vezes por partições diferentes, a decisão pode ter
    visto primeiro a outra cópia.
    """
    ids = decisoes.select("id_fim_a_fim", "data").distinct().withColumn("decidido", F.lit(True))
    unicos = prata.join(ids, on=["id_fim_a_fim", "data"], how="left")
    partes = [
        _presenca(bronze, "bronze", origem="origem"),
        _presenca(unicos, "prata", finalidade="finalidade", decidido="decidido"),
        _presenca(quarentena, "quarentena", motivo="motivo"),
        _presenca(duplicados, "duplicado"),
        _presenca(decisoes, "decisao"),
        _presenca(recusas, "recusa"),
    ]
    todas = partes[0]
    for parte in partes[1:]:
        todas = todas.unionByName(parte)
    contagens = [F.count_if(F.col("fonte") == fonte).alias(f"n_{fonte}") for fonte in _FONTES]
    ditos = [F.max(nome).alias(nome) for nome in ("origem", "finalidade", "motivo", "decidido")]
    return todas.groupBy(*CHAVE_POSICAO).agg(*contagens, *ditos)


def com_destino(presencas: DataFrame, cortes: DataFrame) -> DataFrame:
    """Acrescenta `destino`. `cortes`: por (topico, particao), até onde (exclusivo) cada caminho já chegou com certeza.

    Além do corte, o que ainda não tem destino está em trânsito; aquém, falta.
    """
    com_corte = presencas.join(F.broadcast(cortes), on=["topico", "particao"], how="left")
    contagens = [f"n_{fonte}" for fonte in _FONTES]
    return com_corte.withColumn("destino", _destino()).select(*CHAVE_POSICAO, "motivo", "destino", *contagens)


def _presenca(df: DataFrame, fonte: str, **colunas: str) -> DataFrame:
    textos = [
        (F.col(colunas[nome]) if nome in colunas else F.lit(None).cast("string")).alias(nome)
        for nome in ("origem", "finalidade", "motivo")
    ]
    decidido = F.coalesce(F.col("decidido"), F.lit(False)) if "decidido" in colunas else F.lit(False)
    return df.select(*CHAVE_POSICAO, F.lit(fonte).alias("fonte"), *textos, decidido.alias("decidido"))


def _destino() -> Column:
    """As regras, da falha mais grave à menos grave, e por fim os destinos certos."""
    na_prata = F.col("n_prata") + F.col("n_quarentena") + F.col("n_duplicado")
    historico = F.col("origem") == HISTORICO
    isento = F.col("finalidade").isin(*FINALIDADES_ISENTAS)
    alem_da_decisao = F.col("deslocamento") >= F.coalesce("corte_decisao", F.lit(0))
    alem_da_prata = F.col("deslocamento") >= F.coalesce("corte_prata", F.lit(0))
    alem_da_bronze = F.col("deslocamento") >= F.coalesce("corte_bronze", F.lit(0))
    sem_decisao = (F.col("n_prata") == 1) & ~historico & ~isento & ~F.col("decidido")
    sem_resposta = (F.col("n_quarentena") == 1) & ~historico & (F.col("n_recusa") == 0)
    nao_devia = (F.col("n_quarentena") > 0) | ((F.col("n_prata") > 0) & (historico | isento))
    return (
        F.when((F.col("n_bronze") == 0) & alem_da_bronze, Destino.EM_TRANSITO.value)
        .when(F.col("n_bronze") == 0, Destino.DECISAO_SEM_EVENTO.value)
        .when((F.col("n_bronze") > 1) | (na_prata > 1), Destino.DOBRADO.value)
        .when((F.col("n_decisao") > 0) & nao_devia, Destino.DECISAO_INDEVIDA.value)
        .when((na_prata == 0) & alem_da_prata, Destino.EM_TRANSITO.value)
        .when(na_prata == 0, Destino.FALTANTE.value)
        .when((sem_decisao | sem_resposta) & alem_da_decisao, Destino.EM_TRANSITO.value)
        .when(sem_decisao, Destino.SEM_DECISAO.value)
        .when(sem_resposta, Destino.SEM_RESPOSTA.value)
        .when(F.col("n_quarentena") == 1, Destino.QUARENTENA.value)
        .when(F.col("n_duplicado") == 1, Destino.DUPLICADO.value)
        .when(historico, Destino.HISTORICO.value)
        .when(isento, Destino.ISENTO.value)
        .when(F.col("decidido"), Destino.DECIDIDO.value)
        .otherwise(Destino.FALTANTE.value)
    )


def com_cortes(bronze: DataFrame, prata: DataFrame, respostas: DataFrame) -> DataFrame:
    """Por (topico, particao): até onde (exclusivo) a bronze, a prata e a decisão chegaram com certeza.

    Um lote da prata grava a prata por último, então tudo até seu maior deslocamento tem destino. A decisão publica
    seus lotes em ordem; do último visto pode faltar parte, e o que vem antes dele está inteiro.
    """
    chave = ["topico", "particao"]
    da_bronze = bronze.groupBy(*chave).agg((F.max("deslocamento") + 1).alias("corte_bronze"))
    da_prata = prata.groupBy(*chave).agg((F.max("deslocamento") + 1).alias("corte_prata"))
    ultimo = respostas.agg(F.max("lote").alias("ultimo_lote"))
    do_ultimo = F.when(F.col("lote") == F.col("ultimo_lote"), F.col("deslocamento"))
    da_decisao = (
        respostas.crossJoin(F.broadcast(ultimo))
        .groupBy(*chave)
        .agg(F.coalesce(F.min(do_ultimo), F.max("deslocamento") + 1).alias("corte_decisao"))
    )
    return da_bronze.join(da_prata, on=chave, how="full").join(da_decisao, on=chave, how="full")
