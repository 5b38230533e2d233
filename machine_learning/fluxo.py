"""O único lugar de `machine_learning` que abre fontes e destinos: a consulta de decisão."""

from __future__ import annotations

import json
import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

from machine_learning import partida, plano_decisao
from machine_learning.esquema import OURO_DECISOES
from plataforma.configuracao import Configuracao
from plataforma.daemon_python import PREIMPORTAR
from plataforma.erros import ErroEstado
from plataforma.planejamento import planejamento_economico
from plataforma.sessao import FILA_DECISAO
from processamento.catalogo import PADRAO, Catalogo
from processamento.protecao import Tokenizador
from processamento.tabelas import PRATA_PIX, PRATA_ROTULOS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming import DataStreamWriter, StreamingQuery

    from processamento.estado.toques import Distribuicao

CONSULTA: Final = "decisao"
SEM_PAUSA: Final = "0 seconds"
MEMORIA_COMPARTILHADA: Final = Path("/dev/shm")  # noqa: S108 — só cache, pasta 0700 de nome sorteado
FOLGA_CACHE_BYTES: Final = 4 << 30
"""Menos que isto e a arena vai para o disco: memória compartilhada cheia mata quem a escreve."""
BUSCA_BYTES: Final = 8 << 20
REGISTROS_POR_BUSCA: Final = 8_000
_DOS_WORKERS: Final = (
    "pandas", "processamento.estado.processador", "processamento.estado.balde",
    "processamento.estado.aquecimento:aquecer", "processamento.qualidade_lote:aquecer",
    "machine_learning.decisao", "machine_learning.entrega", "machine_learning.modelo", "skops.io",
)
_AMBIENTE_PROPRIO: Final = "PIX_CONSULTA"


def iniciar_decisao(
    spark: SparkSession, cfg: Configuracao, catalogo: Catalogo = PADRAO, *, uma_vez: bool = False,
    nome: str = CONSULTA, intervalo: str = SEM_PAUSA,
) -> StreamingQuery:
    """Inicia a consulta Kafka → Kafka que decide cada Pix; na primeira vez, com o estado da prata.

    `uma_vez`: decide o que já chegou e termina. `nome` e `intervalo` entre micro-lotes: os do ensaio são outros.

    Levanta:
        ErroEstado: checkpoint feito com outra forma de estado, ou partida quente sem nada nos tópicos.
        ErroConfiguracao: sem chave de tokens.
    """
    aquecer_estado(spark, cfg, catalogo)
    identidade, novo = partida.identificar(cfg.caminho("checkpoints", CONSULTA), cfg, catalogo)
    inicio = _inicio(spark, cfg) if novo else None
    distribuicao = plano_decisao.distribuir(spark, cfg)
    escritor = _escritor(spark, cfg, catalogo, identidade, distribuicao, inicio, None).queryName(nome)
    escritor = escritor.trigger(**({"availableNow": True} if uma_vez else {"processingTime": intervalo}))
    with nullcontext() if cfg.perfil == "databricks" else planejamento_economico(spark):
        return escritor.start()


def aquecer_estado(spark: SparkSession, cfg: Configuracao, catalogo: Catalogo = PADRAO) -> bool:
    """Põe a história da prata no estado de um checkpoint novo; devolve se havia o que pôr. Repetir não faz nada.

    É uma consulta à parte, que termina: a história só entra no lote 0, mas ficaria no plano de todos os outros,
    replanejada a cada micro-lote.

    Levanta:
        ErroEstado: checkpoint feito com outra forma de estado, ou nada nos tópicos (o lote 0 precisa de um registro).
        ErroConfiguracao: sem chave de tokens.
    """
    checkpoint = cfg.caminho("checkpoints", CONSULTA)
    identidade, novo = partida.identificar(checkpoint, cfg, catalogo)
    _workers_proprios(spark)
    if not novo:
        return False
    inicio, distribuicao = _inicio(spark, cfg), plano_decisao.distribuir(spark, cfg)
    inicial = _estado_inicial(spark, cfg, catalogo, distribuicao, inicio)
    if inicial is None:
        return False
    escritor = _escritor(spark, cfg, catalogo, identidade, distribuicao, inicio, inicial).queryName(CONSULTA)
    escritor.trigger(availableNow=True).start().awaitTermination()
    if partida.identificar(checkpoint, cfg, catalogo)[1]:
        msg = (f"a partida quente não teve lote: {cfg.topico_controle}, {cfg.topico_eventos} e "
               f"{cfg.topico_rotulos} estão vazios; publique as regras antes (o vigia o faz ao conferir)")
        raise ErroEstado(msg)
    return True


def _escritor(
    spark: SparkSession, cfg: Configuracao, catalogo: Catalogo, identidade: str, distribuicao: Distribuicao,
    inicio: partida.Inicio | None, inicial: DataFrame | None,
) -> DataStreamWriter:
    entregas = plano_decisao.entregas(
        plano_decisao.da_fonte(_fonte(spark, cfg, inicio)), inicial, cfg=cfg, catalogo=catalogo,
        distribuicao=distribuicao, tokenizador=Tokenizador(cfg.exigir_chave_tokens(), cfg.id_chave_tokens),
        pasta_cache=str(pasta_cache(cfg, identidade)),
    )
    spark.sparkContext.setLocalProperty("spark.scheduler.pool", FILA_DECISAO)
    # O que sai do plano já foi entregue: ao Spark resta confirmar o lote.
    return (
        entregas.writeStream.format("noop")
        .option("checkpointLocation", str(cfg.caminho("checkpoints", CONSULTA))).outputMode("append")
    )


def pasta_cache(cfg: Configuracao, identidade: str) -> Path:
    """Onde ficam os arquivos da arena: memória compartilhada do sistema, se há folga, senão a pasta de dados."""
    folga = MEMORIA_COMPARTILHADA.is_dir() and shutil.disk_usage(MEMORIA_COMPARTILHADA).free >= FOLGA_CACHE_BYTES
    base = MEMORIA_COMPARTILHADA if cfg.perfil == "local" and folga else cfg.caminho("cache")
    return base / f"pix-estado-{identidade}"


def apagar_cache(cfg: Configuracao) -> None:
    """Apaga a arena do checkpoint de decisão, se há: é cache, o estado do Spark a refaz."""
    identidade = partida.identidade_gravada(cfg.caminho("checkpoints", CONSULTA))
    if identidade is not None:
        for base in (MEMORIA_COMPARTILHADA, cfg.caminho("cache")):
            shutil.rmtree(base / f"pix-estado-{identidade}", ignore_errors=True)


def _fonte(spark: SparkSession, cfg: Configuracao, inicio: partida.Inicio | None) -> DataFrame:
    leitor = (
        spark.readStream.format("kafka").option("kafka.bootstrap.servers", cfg.kafka_servidores)
        .option("subscribe", f"{cfg.topico_eventos},{cfg.topico_rotulos},{cfg.topico_controle}")
        .option("includeHeaders", "true").option("failOnDataLoss", "true")
        .option("maxOffsetsPerTrigger", str(cfg.max_eventos_lote)).option("kafka.fetch.max.wait.ms", "10")
        .option("kafka.max.partition.fetch.bytes", str(BUSCA_BYTES))
        # Com o padrão (500), uma em cada doze partes da CPU das tarefas ia em perguntar de novo ao cliente.
        .option("kafka.max.poll.records", str(REGISTROS_POR_BUSCA))
    )
    if inicio is not None:
        leitor = leitor.option("startingOffsets", json.dumps(inicio))
    return leitor.load()


def _inicio(spark: SparkSession, cfg: Configuracao) -> partida.Inicio:
    decisoes = OURO_DECISOES.ler(spark, cfg) if OURO_DECISOES.existe(spark, cfg) else None
    rotulos = PRATA_ROTULOS.ler(spark, cfg) if PRATA_ROTULOS.existe(spark, cfg) else None
    return partida.inicio_por_particao(decisoes, rotulos, cfg)


def _estado_inicial(
    spark: SparkSession, cfg: Configuracao, catalogo: Catalogo, distribuicao: Distribuicao, inicio: partida.Inicio
) -> DataFrame | None:
    if not PRATA_PIX.existe(spark, cfg) or not PRATA_ROTULOS.existe(spark, cfg):
        return None
    return partida.estado_inicial(
        PRATA_PIX.ler(spark, cfg), PRATA_ROTULOS.ler(spark, cfg), catalogo, distribuicao, inicio
    )


def _workers_proprios(spark: SparkSession) -> None:
    """Um ambiente só desta consulta dá a ela processos Python só dela: o lago não disputa nem troca os seus."""
    spark.sparkContext.environment[_AMBIENTE_PROPRIO] = CONSULTA
    spark.sparkContext.environment[PREIMPORTAR] = ",".join(_DOS_WORKERS)
