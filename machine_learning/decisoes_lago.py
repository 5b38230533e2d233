"""As decisões pousam no lago: `pix.decisoes` → ouro_decisoes e ouro_recusas, cada resposta uma só vez."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as F

from ingestao.fonte import checkpoint, exigir_continuidade, ler_topico, na_fila_do_lago, preparar
from machine_learning.esquema import OURO_DECISOES, OURO_RECUSAS, POSICAO_DA_RESPOSTA
from machine_learning.respostas_colunas import LIDA, ler_respostas
from plataforma.configuracao import Configuracao
from plataforma.gravacao import anexar, guardado, id_da_consulta
from plataforma.tabela import Tabela

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming import StreamingQuery

CONSULTA: Final = "ouro_decisoes"
TIPO_DECISAO: Final = "decisao"
TIPO_RECUSA: Final = "recusa"
_ORDEM: Final = tuple(POSICAO_DA_RESPOSTA.names)
_REGISTRO: Final = logging.getLogger(__name__)


def iniciar_decisoes_lago(spark: SparkSession, cfg: Configuracao, *, uma_vez: bool = False) -> StreamingQuery:
    """Começa `ouro_decisoes`: o tópico de decisões → as duas tabelas. `uma_vez`: consome o que há e termina.

    Levanta:
        ErroEstado: checkpoint perdido ou mais velho que as tabelas.
    """
    tabelas = [OURO_DECISOES, OURO_RECUSAS]
    for tabela in tabelas:
        tabela.garantir(spark, cfg)
    exigir_continuidade(spark, cfg, CONSULTA, tabelas, F.lit(True))
    lidas = ler_topico(spark, cfg, cfg.topico_decisoes).transform(com_resposta)
    contadas = lidas.observe(CONSULTA, F.count(F.lit(1)).alias("linhas"))

    def gravar(lote: DataFrame, versao: int) -> None:
        gravar_respostas(lote, cfg, id_da_consulta(checkpoint(cfg, CONSULTA)), versao)

    escritor = preparar(contadas.writeStream.foreachBatch(gravar), cfg, CONSULTA, uma_vez=uma_vez)
    with na_fila_do_lago(spark, cfg):
        return escritor.start()


def com_resposta(topico: DataFrame) -> DataFrame:
    """Da fonte Kafka às colunas da decisão ou da recusa. Mensagem ilegível ou nula fica com `tipo` nulo."""
    mensagens = topico.select(
        "value", F.col("partition").alias("resposta_particao"), F.col("offset").alias("resposta_deslocamento")
    )
    lidas = mensagens.mapInArrow(ler_respostas, LIDA)
    dia_do_id = F.try_to_timestamp(F.substring("id_fim_a_fim", 10, 8), F.lit("yyyyMMdd"))
    dia_de_chegada = F.timestamp_micros("kafka_em_us")
    dia = F.when(F.col("tipo") == TIPO_DECISAO, dia_do_id).otherwise(dia_de_chegada)
    return lidas.withColumn("data", F.to_date(dia))


def gravar_respostas(lote: DataFrame, cfg: Configuracao, id_transacao: str, versao: int) -> tuple[int, int]:
    """Grava um lote de respostas; devolve quantas decisões e quantas recusas leu. Repetir o lote não muda nada."""
    with guardado(lote) as lidas:
        chegada = _contar(lidas)
        for tipo, tabela in ((TIPO_DECISAO, OURO_DECISOES), (TIPO_RECUSA, OURO_RECUSAS)):
            do_tipo = [grupo for grupo in chegada if grupo["tipo"] == tipo and grupo["data"]]
            if do_tipo:
                novas = lidas.where((F.col("tipo") == tipo) & F.col("data").isNotNull())
                _gravar(novas, do_tipo, tabela, cfg, id_transacao, versao)
    contagem = {tipo: sum(c["linhas"] for c in chegada if c["tipo"] == tipo) for tipo in (TIPO_DECISAO, TIPO_RECUSA)}
    ilegiveis = sum(c["linhas"] for c in chegada) - sum(contagem.values())
    if ilegiveis:
        _REGISTRO.warning("%s: %d mensagens que não são decisão nem recusa, deixadas no tópico", CONSULTA, ilegiveis)
    return contagem[TIPO_DECISAO], contagem[TIPO_RECUSA]


def _gravar(
    novas: DataFrame, grupos: list[Row], tabela: Tabela, cfg: Configuracao, id_transacao: str, versao: int
) -> None:
    """Anexa as que ainda não há. Quem viaja são as repetidas, quase sempre nenhuma; as linhas largas, não."""
    chegadas = [g for g in grupos if g["primeiro"] is not None]  # nulo: mensagens de quem não diz quando o Pix chegou
    primeiro = min((g["primeiro"] for g in chegadas), default=0)
    ultimo = max((g["ultimo"] for g in chegadas), default=0)
    trecho = F.col("data").isin(*(g["data"] for g in grupos)) & F.col("kafka_em_us").between(primeiro, ultimo)
    gravadas = tabela.ler(novas.sparkSession, cfg).where(trecho)
    with guardado(repetidas(novas, gravadas, tabela.chave)) as sobras:
        if sobras.count():
            novas = novas.join(F.broadcast(sobras), on=list(POSICAO_DA_RESPOSTA.names), how="left_anti")
        anexar(novas, tabela, cfg, id_transacao, versao)


def repetidas(novas: DataFrame, gravadas: DataFrame, chave: tuple[str, ...]) -> DataFrame:
    """A posição das `novas` que não são a primeira resposta à sua chave no tópico, ou cuja chave já está em `gravadas`.

    Um micro-lote repetido pela decisão publica de novo: o primeiro deslocamento vence, aqui e na tabela. A mesma
    posição já gravada não é repetição: é este lote que volta, e a transação dele se anula sozinha.

    Args:
        novas: as colunas da tabela.
        gravadas: as da tabela nos dias e no período de `kafka_em_us` das novas: o mesmo registro respondido outra vez
            tem o mesmo.
        chave: a da tabela.
    """
    estreitas = [*chave, "data", *_ORDEM]
    antigas = gravadas.select(*estreitas, F.lit(True).alias("_antiga"))
    todas = novas.select(*estreitas, F.lit(False).alias("_antiga")).unionByName(antigas)
    por_chave = Window.partitionBy(*chave, "data").orderBy(F.desc("_antiga"), *_ORDEM)
    marcadas = todas.withColumns({f"_{nome}": F.first(nome).over(por_chave) for nome in _ORDEM})
    primeira = F.lit(True)
    for nome in _ORDEM:
        primeira = primeira & (F.col(nome) == F.col(f"_{nome}"))
    return marcadas.where(~F.col("_antiga") & ~primeira).select(*_ORDEM)


def _contar(lidas: DataFrame) -> list[Row]:
    """Por tipo e dia: quantas, e de quando a quando chegaram ao Kafka os registros a que respondem."""
    chegada = F.min("kafka_em_us").alias("primeiro"), F.max("kafka_em_us").alias("ultimo")
    return list(lidas.groupBy("tipo", "data").agg(F.count(F.lit(1)).alias("linhas"), *chegada).collect())
