"""A sessão Spark: a ativa no Databricks; senão local ou cluster, com as configurações medidas. UTC sempre."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from plataforma import jvm
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroAmbiente
from plataforma.jars import garantir_jars, jars_de
from plataforma.maquina import definir_ambiente, exigir_gravavel, exigir_java, pythonpath_com_raiz

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FILA_DECISAO: Final = "decisao"
FILA_LAGO: Final = "lago"
_PASTA: Final = Path(__file__).resolve().parent
_UMA_LINHA_DE_EXECUCAO: Final = {
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMEXPR_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
}
_MEMORIA_DOS_WORKERS: Final = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
"""Os vetores de um lote são do tamanho dos do anterior: devolver cada um ao sistema e pedi-lo outra vez, zerado, era 5%
da máquina com a fila cheia. O Arrow usa o mesmo alocador, para que o espaço seja um só."""
_GERENCIADOR_CHECKPOINT: Final = (
    "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
)
_ROCKSDB: Final = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
_ARQUIVOS_LOCAIS: Final = "com.globalmentor.apache.hadoop.fs.BareLocalFileSystem"
"""O sistema de arquivos do Hadoop abre um processo `chmod` por arquivo criado; este usa o próprio Java (ADR 0010)."""
COMPILAR_SO_O_QUENTE: Final = (
    "-XX:Tier4InvocationThreshold=100000", "-XX:Tier4MinInvocationThreshold=12000", "-XX:Tier4CompileThreshold=300000",
)
"""Vinte vezes os padrões. O que corre por Pix passa deles em meio minuto na taxa do país; os milhares de métodos que o
driver chama algumas dezenas de vezes por micro-lote ficam com o primeiro compilador (ADR 0018)."""
LINHAS_DE_ERRO: Final = 5
LINHAS_POR_LOTE_ARROW: Final = 2_000
"""Uns 2 MB de Pix: a JVM e o Python reaproveitam o espaço de um lote no seguinte. Na pior das hipóteses, todos com o
maior valor que o contrato aceita (64 KiB), uns 130 MB."""
_REGISTRO: Final = logging.getLogger(__name__)
PRAZO_JVM_SEGUNDOS: Final = 60.0


def obter_sessao(
    cfg: Configuracao, nome: str, extras: Mapping[str, str] | None = None, *, gravar_classes: bool = False
) -> SparkSession:
    """A sessão deste processo: no Databricks a que já existe; senão uma nova, com Delta e Kafka.

    `nome` aparece na interface do Spark e no arquivo de registro. `extras` vencem as configurações padrão.
    `gravar_classes`: se ainda não há arquivo de classes, esta JVM o escreve em `encerrar_sessao`.

    Levanta:
        ErroAmbiente: sem sessão no Databricks; sem Java, jars ou direito de escrita; ou se a JVM não subir.
    """
    from pyspark.sql import SparkSession  # noqa: PLC0415  0,3 s que `--ajuda` não deve pagar

    if cfg.perfil == "databricks":
        sessao = SparkSession.getActiveSession()
        if sessao is None:
            msg = "perfil databricks sem sessão Spark ativa: rode em um notebook ou job, ou use PIX_PERFIL=local"
            raise ErroAmbiente(msg)
        sessao.conf.set("spark.sql.session.timeZone", "UTC")
        return sessao
    exigir_java()
    garantir_jars()
    registro = arquivo_registro(cfg, nome)
    exigir_gravavel(registro.parent)
    definir_ambiente(_ambiente(cfg))
    time.tzset()  # o PySpark converte instantes pelo fuso do processo: UTC também no driver
    construtor = SparkSession.builder
    for chave, valor in {**configuracoes(cfg, nome, gravar_classes=gravar_classes), **(extras or {})}.items():
        construtor = construtor.config(chave, valor)
    saida_jvm = registro.with_suffix(".jvm.log")
    try:
        with _erros_em(saida_jvm):
            return construtor.getOrCreate()
    except Exception as erro:
        msg = f"o Spark não iniciou: {_motivo(saida_jvm, erro)}. Registro: {saida_jvm}; confira com ./pix diagnostico"
        raise ErroAmbiente(msg) from erro


def encerrar_sessao(spark: SparkSession, prazo_segundos: float = PRAZO_JVM_SEGUNDOS) -> None:
    """Para a sessão e espera a JVM que ela iniciou sair por si; no Databricks não há o que parar."""
    from pyspark import SparkContext  # noqa: PLC0415

    porta = SparkContext._gateway  # noqa: SLF001  o PySpark não dá outro caminho até o processo da JVM
    spark.stop()
    filho = getattr(porta, "proc", None)
    if porta is not None and filho is not None:
        porta.shutdown()
        filho.stdin.close()
        try:
            filho.wait(timeout=prazo_segundos)
            jvm.guardar("spark")
        except subprocess.TimeoutExpired:
            _REGISTRO.warning("a JVM não saiu em %.0f s e foi morta; os dados já estavam gravados", prazo_segundos)
            filho.kill()
        SparkContext._gateway = SparkContext._jvm = None  # noqa: SLF001  a próxima sessão nasce em outra JVM


def devolver_memoria(spark: SparkSession) -> None:
    """Depois de um pico (a partida quente), a JVM recolhe e devolve ao sistema o heap que ficou livre.

    O coletor paralelo só devolve com `UseAdaptiveSizePolicyWithSystemGC` e `MaxHeapFreeRatio` (`spark_opcoes_jvm`).
    """
    spark._jvm.System.gc()  # noqa: SLF001  o PySpark não dá outro caminho até a JVM


def arquivo_registro(cfg: Configuracao, nome: str) -> Path:
    """Onde o driver Spark de `nome` escreve seus avisos; ao lado, `.jvm.log` com a saída de erros da JVM."""
    return cfg.caminho("servicos", f"spark-{nome}.log")


def configuracoes(cfg: Configuracao, nome: str, *, gravar_classes: bool = False) -> dict[str, str]:
    """As configurações do Spark para os perfis local e cluster (desenho medido em docs/adr)."""
    return {**_basicas(cfg, nome, gravar_classes=gravar_classes), **_de_fluxo(cfg), **_de_python()}


def _basicas(cfg: Configuracao, nome: str, *, gravar_classes: bool) -> dict[str, str]:
    registro = f"-Dlog4j2.configurationFile={(_PASTA / 'log4j2_spark.properties').as_uri()}"
    classes = jvm.opcoes("spark", gravar=gravar_classes)
    java = " ".join(["-Duser.timezone=UTC", registro, *COMPILAR_SO_O_QUENTE, cfg.spark_opcoes_jvm, *classes])
    valores = {
        "spark.app.name": nome,
        "spark.master": cfg.spark_master,
        "spark.driver.memory": cfg.spark_memoria,
        "spark.driver.extraJavaOptions": f"{java} '-Dpix.registro={arquivo_registro(cfg, nome)}'",
        "spark.executor.extraJavaOptions": "-Duser.timezone=UTC",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": f"file:{cfg.caminho('armazem')}",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
        "spark.ui.port": str(cfg.porta_spark_ui),
        "spark.ui.showConsoleProgress": "false",
        # Descrever o plano de cada micro-lote com todos os detalhes custa mais que alguns dos seus estágios.
        "spark.sql.ui.explainMode": "simple",
        # O que se guarda vive segundos: comprimi-lo custa mais que a memória que poupa.
        "spark.sql.inMemoryColumnarStorage.compressed": "false",
    }
    jars = [str(jar) for jar in jars_de("spark")]
    if cfg.perfil == "local":
        valores |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        # No caminho de classes da própria JVM: só as de lá entram no arquivo de classes carregadas.
        valores["spark.driver.extraClassPath"] = ":".join(jars)
        valores["spark.hadoop.fs.file.impl"] = _ARQUIVOS_LOCAIS
    else:
        valores["spark.jars"] = ",".join(jars)
    return valores


def _de_fluxo(cfg: Configuracao) -> dict[str, str]:
    """Estado, checkpoints e filas. `FileSystemBased` serve a discos, não a armazenamento de objetos."""
    valores = {
        "spark.sql.shuffle.partitions": str(cfg.particoes_estado),
        "spark.sql.streaming.stateStore.providerClass": _ROCKSDB,
        "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
        "spark.sql.streaming.noDataMicroBatches.enabled": "false",
        "spark.scheduler.mode": "FAIR",
        "spark.scheduler.allocation.file": (_PASTA / "filas.xml").as_uri(),
    }
    if cfg.dados.is_absolute():
        valores["spark.sql.streaming.checkpointFileManagerClass"] = _GERENCIADOR_CHECKPOINT
    return valores


def _de_python() -> dict[str, str]:
    """Processos Python: daemon próprio, Arrow, uma linha de execução cada e nossos pacotes ao alcance."""
    ambiente = {**_UMA_LINHA_DE_EXECUCAO, **_MEMORIA_DOS_WORKERS, "PYTHONPATH": pythonpath_com_raiz(), "TZ": "UTC"}
    return {
        "spark.python.daemon.module": "plataforma.daemon_python",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        # Ilimitado: com limite, o Spark 4.1 mede o lote inteiro a cada linha. Quem limita é o número de linhas.
        "spark.sql.execution.arrow.maxBytesPerBatch": str(2**31 - 1),
        "spark.sql.execution.arrow.maxRecordsPerBatch": str(LINHAS_POR_LOTE_ARROW),
        **{f"spark.executorEnv.{chave}": valor for chave, valor in ambiente.items()},
    }


def _ambiente(cfg: Configuracao) -> dict[str, str]:
    valores = {
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "PYTHONPATH": pythonpath_com_raiz(),
        "TZ": "UTC",
        # Uma JVM tem dezenas de linhas de execução; com o padrão do glibc, cada uma guarda o seu pedaço de memória.
        "MALLOC_ARENA_MAX": "2",
        **_UMA_LINHA_DE_EXECUCAO,
    }
    if cfg.perfil == "local":
        valores["SPARK_LOCAL_IP"] = "127.0.0.1"  # sem isto a interface do Spark escuta em todos os endereços
    return valores


@contextlib.contextmanager
def _erros_em(arquivo: Path) -> Iterator[None]:
    """A JVM nasce com a saída de erros em `arquivo`; a deste processo volta ao lugar."""
    sys.stderr.flush()
    original = os.dup(2)
    with arquivo.open("wb") as destino:
        os.dup2(destino.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(original, 2)
            os.close(original)


def _motivo(saida_jvm: Path, erro: Exception) -> str:
    """As últimas linhas que a JVM deixou, ou a própria exceção, em uma linha só."""
    linhas = [linha.strip() for linha in saida_jvm.read_text(errors="replace").splitlines() if linha.strip()]
    uteis = [linha for linha in linhas if not linha.startswith(("WARNING: Using incubator", "at "))]
    if uteis:
        return " / ".join(uteis[-LINHAS_DE_ERRO:])
    return (str(erro).splitlines() or [type(erro).__name__])[0]


