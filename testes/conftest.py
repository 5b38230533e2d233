"""O que todos os testes partilham: uma sessão Spark, um broker real, portas livres e a regra dos testes pulados."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plataforma.configuracao import RAIZ_PROJETO, Configuracao
from plataforma.maquina import porta_livre as porta_livre_agora
from plataforma.servicos.broker import iniciar_broker, parar_broker
from plataforma.servicos.mlflow_servidor import iniciar_mlflow, parar_mlflow
from plataforma.servicos.topicos import criar_topicos
from plataforma.sessao import obter_sessao

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SEM_PULAR = any(os.environ.get(nome, "") not in {"", "0", "false"} for nome in ("PIX_SEM_PULAR", "PIX_CI", "CI"))
"""Sob CI, um teste pulado é um teste que falhou: o que falta tem de ser instalado."""

_pulados: list[tuple[str, str]] = []


def _porta_livre() -> int:
    """Abaixo da faixa efêmera do Linux: uma conexão de saída não a toma entre a escolha e o uso."""
    while True:
        porta = random.SystemRandom().randrange(20_000, 32_000)
        if porta_livre_agora(porta):
            return porta


def _configuracao(dados: Path, **argumentos: object) -> Configuracao:
    kafka, controle, mlflow, metricas, prometheus, ui = (_porta_livre() for _ in range(6))
    padrao: dict[str, object] = {
        "dados": dados, "spark_master": "local[3]", "spark_memoria": "2g",
        "kafka_servidores": f"127.0.0.1:{kafka}", "porta_kafka": kafka, "porta_kafka_controle": controle,
        "mlflow_uri": f"http://127.0.0.1:{mlflow}", "porta_mlflow": mlflow, "porta_metricas": metricas,
        "porta_prometheus": prometheus, "porta_spark_ui": ui,
    }
    return Configuracao.do_ambiente({}, **{**padrao, **argumentos})


@pytest.fixture
def porta_livre() -> Callable[[], int]:
    """Função que devolve uma porta TCP livre em 127.0.0.1 a cada chamada."""
    return _porta_livre


@pytest.fixture
def fazer_cfg(tmp_path: Path) -> Callable[..., Configuracao]:
    """Função que monta uma configuração em pasta temporária e portas livres; argumentos nomeados vencem."""
    return lambda **argumentos: _configuracao(argumentos.pop("dados", tmp_path / "dados"), **argumentos)


@pytest.fixture
def cfg(fazer_cfg: Callable[..., Configuracao]) -> Configuracao:
    """Uma configuração local descartável: pasta temporária, portas livres, chave de tokens gerada."""
    return fazer_cfg()


@pytest.fixture(scope="session")
def cfg_sessao(tmp_path_factory: pytest.TempPathFactory) -> Configuracao:
    """A configuração da sessão Spark e do broker partilhados."""
    return _configuracao(tmp_path_factory.mktemp("sessao"))


@pytest.fixture(scope="session")
def spark(cfg_sessao: Configuracao) -> Iterator[SparkSession]:
    """A única sessão Spark dos testes (8 s para nascer): Delta, Kafka e os jars locais, como em produção."""
    sessao = obter_sessao(cfg_sessao, "testes", {"spark.ui.enabled": "false"})
    yield sessao
    sessao.stop()


@pytest.fixture(scope="session")
def broker(cfg_sessao: Configuracao) -> Iterator[Configuracao]:
    """Um broker Kafka real, com os tópicos criados, em portas livres; devolve a configuração que o alcança."""
    iniciar_broker(cfg_sessao)
    try:
        criar_topicos(cfg_sessao)
        yield cfg_sessao
    finally:
        parar_broker(cfg_sessao)


@pytest.fixture(scope="session")
def mlflow_vivo(cfg_sessao: Configuracao) -> Iterator[Configuracao]:
    """Um servidor MLflow real, em porta livre; devolve a configuração que o alcança."""
    iniciar_mlflow(cfg_sessao)
    try:
        yield cfg_sessao
    finally:
        parar_mlflow(cfg_sessao)


@pytest.fixture(scope="session")
def compartilhado() -> Path:
    """A pasta `../shared`, ao lado do projeto, com a base pública do handbook. Sem ela o teste é pulado."""
    pasta = RAIZ_PROJETO.parent / "shared"
    if not (pasta / "dados" / "handbook" / "events.parquet").exists():
        pytest.skip(f"falta {pasta}: ponha ali dados/handbook/events.parquet e labels.parquet")
    return pasta


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Anota cada teste pulado e o porquê."""
    if report.skipped and not hasattr(report, "wasxfail"):
        motivo = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        _pulados.append((report.nodeid, motivo))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Diz o que não foi testado e como obter o que falta."""
    if not _pulados:
        return
    regra = "com PIX_SEM_PULAR isto é uma falha" if SEM_PULAR else "estes testes NÃO rodaram"
    terminalreporter.section(f"pulados: {regra}", red=SEM_PULAR, yellow=not SEM_PULAR)
    for teste, motivo in _pulados:
        terminalreporter.line(f"{teste}: {motivo.removeprefix('Skipped: ')}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Transforma pulados em falha quando nada pode ser pulado."""
    if _pulados and SEM_PULAR and session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
