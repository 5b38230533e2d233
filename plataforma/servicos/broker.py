"""O broker Kafka embutido: o Kafka de verdade, em KRaft, a partir dos jars; e a prova de vida de qualquer broker."""

from __future__ import annotations

import base64
import socket
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final

from kafka.errors import KafkaError

from plataforma import jvm
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroAmbiente, ErroServico
from plataforma.jars import garantir_jars, jars_de
from plataforma.maquina import ambiente_processo, exigir_gravavel, exigir_java
from plataforma.servicos import processo
from plataforma.servicos.topicos import administrador
from plataforma.servicos.vida import Servico, deixar_de_pe

NOME: Final = "broker"
MEMORIA: Final = ("-Xms256m", "-Xmx512m")
OPCOES_JVM: Final = ("-XX:+UseSerialGC",)
"""Um broker de desenvolvimento divide os núcleos com o Spark: um coletor simples custa menos."""
PRAZO_PRONTO_SEGUNDOS: Final = 60
PRAZO_FORMATAR_SEGUNDOS: Final = 60
RETENCAO_HORAS: Final = 168
_PASTA: Final = Path(__file__).resolve().parent


def embutido(cfg: Configuracao) -> bool:
    """Se a configuração usa o broker que nós iniciamos, e não um alheio."""
    return cfg.perfil == "local" and cfg.kafka_servidores == f"127.0.0.1:{cfg.porta_kafka}"


def iniciar_broker(
    cfg: Configuracao, mostrar: Callable[[str], None] | None = None, *, gravar_classes: bool = False
) -> bool:
    """Deixa o broker embutido de pé e respondendo; formata o disco na primeira vez. Devolve se precisou iniciá-lo.

    `gravar_classes`: se ainda não há arquivo de classes, o broker o escreve ao parar (`plataforma.jvm`).

    Levanta:
        ErroServico: porta ocupada por outro programa, ou broker que morre ou não responde no prazo.
        ErroAmbiente: sem Java, jars ou direito de escrita.
    """
    return deixar_de_pe(
        Servico(
            NOME,
            {"PIX_PORTA_KAFKA": cfg.porta_kafka, "PIX_PORTA_KAFKA_CONTROLE": cfg.porta_kafka_controle},
            lambda: pronto(cfg), "responder a uma chamada de metadados", PRAZO_PRONTO_SEGUNDOS,
            lambda: _preparar(cfg, mostrar, gravar_classes=gravar_classes),
        ),
        cfg,
    )


def _preparar(cfg: Configuracao, mostrar: Callable[[str], None] | None, *, gravar_classes: bool) -> list[str]:
    java = exigir_java()
    garantir_jars(mostrar=mostrar)
    propriedades = _escrever_propriedades(cfg)
    if not (_disco(cfg) / "meta.properties").exists():
        if mostrar:
            mostrar("Formatando o disco do broker (só na primeira vez)…")
        _formatar(java, propriedades)
    inicio, *resto = _java(java, MEMORIA)
    return [inicio, *jvm.opcoes("broker", gravar=gravar_classes), *resto, "kafka.Kafka", str(propriedades)]


def parar_broker(cfg: Configuracao) -> bool:
    """Para o broker embutido; os dados ficam. Devolve se ele estava de pé."""
    return processo.parar(NOME, cfg)


def pronto(cfg: Configuracao) -> bool:
    """Se um broker responde a uma chamada de metadados em `cfg.kafka_servidores` (porta aberta não basta)."""
    if not _alcanca(cfg.kafka_servidores):
        return False
    try:
        with administrador(cfg) as admin:
            admin.list_topics()
    except KafkaError:
        return False
    return True


def exigir_broker(cfg: Configuracao) -> None:
    """Recusa em uma linha quando não há broker respondendo.

    Levanta:
        ErroServico: diz o endereço e como subir ou escolher outro.
    """
    if not pronto(cfg):
        msg = (
            f"nenhum broker Kafka responde em {cfg.kafka_servidores}: "
            "rode ./pix subir, ou aponte PIX_KAFKA_SERVIDORES para o seu"
        )
        raise ErroServico(msg)


def _alcanca(servidores: str) -> bool:
    """Se alguma porta aceita conexão: poupa ao cliente uma espera inteira enquanto o broker nasce."""
    for servidor in servidores.split(","):
        endereco, _, porta = servidor.strip().rpartition(":")
        try:
            with socket.create_connection((endereco, int(porta)), timeout=1):
                return True
        except (OSError, ValueError):
            continue
    return False


def _disco(cfg: Configuracao) -> Path:
    return cfg.caminho("kafka", "disco")


def _escrever_propriedades(cfg: Configuracao) -> Path:
    """`server.properties` de um nó só, em 127.0.0.1. Toda replicação é 1, inclusive a do share-coordinator."""
    exigir_gravavel(cfg.caminho("kafka"))
    valores = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{cfg.porta_kafka_controle}",
        "listeners": f"PLAINTEXT://127.0.0.1:{cfg.porta_kafka},CONTROLLER://127.0.0.1:{cfg.porta_kafka_controle}",
        "advertised.listeners": (
            f"PLAINTEXT://127.0.0.1:{cfg.porta_kafka},CONTROLLER://127.0.0.1:{cfg.porta_kafka_controle}"
        ),
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(_disco(cfg)),
        "auto.create.topics.enable": "false",
        "default.replication.factor": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "2",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "2",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "log.retention.hours": str(RETENCAO_HORAS),
        "log.segment.bytes": str(256 * 1024 * 1024),
        "num.network.threads": "2",
        "num.io.threads": "4",
    }
    arquivo = cfg.caminho("kafka", "server.properties")
    arquivo.write_text("".join(f"{chave}={valor}\n" for chave, valor in valores.items()))
    return arquivo


def _java(java: Path, memoria: tuple[str, ...] = ()) -> list[str]:
    classes = ":".join(str(jar) for jar in jars_de("broker"))
    registro = (_PASTA / "log4j2_broker.properties").as_uri()
    opcoes = (*OPCOES_JVM, "-Duser.timezone=UTC", f"-Dlog4j2.configurationFile={registro}")
    return [str(java), *memoria, *opcoes, "-cp", classes]


def _formatar(java: Path, propriedades: Path) -> None:
    comando = [
        *_java(java), "kafka.tools.StorageTool", "format", "--standalone", "-t", _id_cluster(), "-c", str(propriedades),
    ]
    try:
        feito = subprocess.run(  # noqa: S603  comando fixo
            comando, capture_output=True, text=True, timeout=PRAZO_FORMATAR_SEGUNDOS, check=False,
            env=ambiente_processo(),
        )
    except subprocess.TimeoutExpired as erro:
        msg = f"formatar o disco do broker passou de {PRAZO_FORMATAR_SEGUNDOS} s: confira a carga da máquina e repita"
        raise ErroServico(msg) from erro
    if feito.returncode:
        linhas = [linha.strip() for linha in (feito.stdout + feito.stderr).splitlines() if linha.strip()]
        msg = f"não foi possível formatar o disco do broker: {' / '.join(linhas[-3:])}. Recomece com ./pix limpar"
        raise ErroAmbiente(msg)


def _id_cluster() -> str:
    """Um UUID no formato do Kafka: base64url sem preenchimento, que não pode começar por `-`."""
    while (texto := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        continue
    return texto
