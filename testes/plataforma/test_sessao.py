"""A sessão real: UTC, Delta, processos Python sem zips no caminho e com os nossos pacotes."""

from __future__ import annotations

import datetime as dt
import gc
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from plataforma import maquina, sessao
from plataforma.configuracao import Configuracao
from plataforma.daemon_python import caminho_sem_zips
from plataforma.erros import ErroAmbiente


@pytest.mark.spark
def test_processos_python_veem_o_projeto_e_nao_veem_zips(spark: SparkSession) -> None:
    def observar(quadros: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        import plataforma.erros as modulo  # noqa: PLC0415  importado no processo Python do Spark

        for _ in quadros:
            ambiente = [os.environ.get("OMP_NUM_THREADS", ""), os.environ.get("TZ", ""), sys.executable]
            yield pd.DataFrame({"texto": [modulo.__name__, *ambiente, *sys.path]})

    textos = [linha["texto"] for linha in spark.range(1).coalesce(1).mapInPandas(observar, "texto string").collect()]
    assert textos[:4] == ["plataforma.erros", "1", "UTC", sys.executable]
    assert not [texto for texto in textos if texto.endswith((".zip", ".jar"))]


@pytest.mark.spark
def test_instantes_vao_e_voltam_em_utc(spark: SparkSession) -> None:
    valor = spark.sql("SELECT timestamp_micros(0) AS t, current_timezone() AS fuso").head()
    assert valor["t"] == dt.datetime(1970, 1, 1)  # noqa: DTZ001  o PySpark devolve ingênuo no fuso do processo
    assert valor["fuso"] == "UTC"


@pytest.mark.spark
def test_configuracoes_do_desenho_valem_na_sessao(spark: SparkSession, cfg_sessao: Configuracao) -> None:
    pedidas = sessao.configuracoes(cfg_sessao, "testes")
    obtidas = {chave: spark.conf.get(chave, None) for chave in pedidas if chave.startswith(("spark.sql", "spark.dat"))}
    assert obtidas == {chave: pedidas[chave] for chave in obtidas}
    nucleo = spark.sparkContext.getConf()
    assert nucleo.get("spark.scheduler.mode") == "FAIR"
    assert nucleo.get("spark.python.daemon.module") == "plataforma.daemon_python"


@pytest.mark.spark
def test_a_jvm_devolve_o_heap_que_um_pico_ocupou(spark: SparkSession) -> None:
    fabrica = spark._jvm.java.lang.management.ManagementFactory

    def reservado() -> int:
        return int(fabrica.getMemoryMXBean().getHeapMemoryUsage().getCommitted())

    pico = [spark._jvm.java.nio.ByteBuffer.allocate(64 << 20) for _ in range(24)]
    cheio = reservado()
    pico.clear()
    gc.collect()
    for _ in range(50):  # o py4j esquece na JVM, a seu tempo, o que o Python recolheu
        sessao.devolver_memoria(spark)
        if (devolvido := cheio - reservado()) > 200 << 20:
            break
    assert devolvido > 200 << 20


@pytest.mark.spark
def test_o_segundo_compilador_fica_com_o_que_e_quente(spark: SparkSession) -> None:
    diagnostico = spark._jvm.java.lang.management.ManagementFactory.getPlatformMXBean(
        spark._jvm.java.lang.Class.forName("com.sun.management.HotSpotDiagnosticMXBean")
    )
    pedidas = dict(opcao.removeprefix("-XX:").split("=") for opcao in sessao.COMPILAR_SO_O_QUENTE)
    assert {nome: diagnostico.getVMOption(nome).getValue() for nome in pedidas} == pedidas


def test_as_opcoes_do_usuario_vem_depois_das_do_compilador(fazer_cfg: Callable[..., Configuracao]) -> None:
    java = sessao.configuracoes(fazer_cfg(spark_opcoes_jvm="-XX:Tier4InvocationThreshold=5000"), "x")
    opcoes = java["spark.driver.extraJavaOptions"].split()
    limites = [opcao for opcao in opcoes if opcao.startswith("-XX:Tier4InvocationThreshold=")]
    assert limites[-1] == "-XX:Tier4InvocationThreshold=5000", "para a JVM vale a última"
    assert len(limites) == 2


@pytest.mark.spark
def test_avisos_do_spark_vao_para_o_arquivo(spark: SparkSession, cfg_sessao: Configuracao) -> None:
    spark.sparkContext._jvm.org.slf4j.LoggerFactory.getLogger("pix.teste").warn("aviso de teste")
    registro = sessao.arquivo_registro(cfg_sessao, "testes")
    assert "aviso de teste" in registro.read_text()


def test_perfil_cluster_nao_prende_o_driver_ao_endereco_local(fazer_cfg: Callable[..., Configuracao]) -> None:
    cfg = fazer_cfg(perfil="cluster", spark_master="spark://mestre:7077")
    valores = sessao.configuracoes(cfg, "x")
    assert valores["spark.master"] == "spark://mestre:7077"
    assert "spark.driver.host" not in valores
    assert "spark.driver.host" in sessao.configuracoes(fazer_cfg(), "x")


def test_sem_java_a_sessao_recusa_com_uma_linha(cfg: Configuracao, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(maquina.shutil, "which", lambda nome: None)
    with pytest.raises(ErroAmbiente, match="Java 17 ou mais novo não encontrado") as erro:
        sessao.obter_sessao(cfg, "x")
    assert "\n" not in str(erro.value)


def test_daemon_tira_zips_so_quando_o_pyspark_continua_ao_alcance() -> None:
    assert caminho_sem_zips([*sys.path, "/x/pyspark.zip", "/x/spark-core.jar"]) == [
        parte for parte in sys.path if not parte.endswith((".zip", ".jar"))
    ]
    assert caminho_sem_zips(["/x/pyspark.zip"]) == ["/x/pyspark.zip"]


def test_o_coletor_nao_percorre_o_que_ficou_das_tarefas_e_congela_cada_vez_mais_raro() -> None:
    """Em outro processo: congelar não tem volta."""
    codigo = """
import gc
from plataforma.daemon_python import congelando
guardados = []
def tarefa(soquete, autenticado):
    guardados.append([[] for _ in range(10_000)])
    return 7
atender, congeladas, antes = congelando(tarefa), [], gc.get_freeze_count()
for numero in range(1, 34):
    assert atender(None, False) == 7
    agora = gc.get_freeze_count()
    if agora != antes:
        congeladas.append(numero)
        assert agora > 10_000 * numero, "tudo o que ficou até ali"
    antes = agora
assert congeladas == [1, 2, 4, 8, 16, 32], congeladas
"""
    feito = subprocess.run([sys.executable, "-c", codigo], capture_output=True, text=True, check=False)
    assert feito.returncode == 0, feito.stderr


def test_o_pacote_que_so_existe_no_jar_sai_da_memoria(tmp_path: Path) -> None:
    """O `copy` da biblioteca padrão importa `org` (Jython) do jar do Spark, e o jar voltaria ao cache a cada busca."""
    with zipfile.ZipFile(tmp_path / "falso.jar", "w") as jar:
        jar.writestr("org/", "")
        jar.writestr("org/apache/x.txt", "")
    codigo = """
import importlib, sys, zipimport
sys.path.append(sys.argv[1])
import org
from plataforma import daemon_python
daemon_python._esquecer_pacotes_de_zips()
sys.path.remove(sys.argv[1])
sys.path_importer_cache.clear()
import wave
assert "org" not in sys.modules
assert not [1 for achador in sys.path_importer_cache.values() if isinstance(achador, zipimport.zipimporter)]
"""
    feito = subprocess.run(
        [sys.executable, "-c", codigo, str(tmp_path / "falso.jar")], capture_output=True, text=True, check=False)
    assert feito.returncode == 0, feito.stderr


def test_quem_cede_o_processador_cede_com_os_filhos() -> None:
    codigo = """
import os, pathlib, subprocess
from plataforma.maquina import PASSOS_DE_CORTESIA, ceder_processador
antes = os.nice(0)
ceder_processador()
assert os.nice(0) == min(antes + PASSOS_DE_CORTESIA, 19)
grupo = pathlib.Path("/proc/self/autogroup")
assert not grupo.exists() or f"nice {PASSOS_DE_CORTESIA}" in grupo.read_text()
assert int(subprocess.check_output(["nice"])) == os.nice(0)
"""
    feito = subprocess.run(
        [sys.executable, "-c", codigo], capture_output=True, text=True, check=False, start_new_session=True)
    assert feito.returncode == 0, feito.stderr
