"""As razões: o caminho da decisão ao lado do que o Spark, o scikit-learn e o desenho comum custam nesta máquina."""

from __future__ import annotations

import hashlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from comandos.desempenho import bases
from comandos.desempenho.carga import Conta
from comandos.desempenho.leitor import copia
from comandos.desempenho.ponto import Medicao, medir
from comandos.fluxos import conversa
from plataforma.configuracao import Configuracao
from plataforma.servicos import processo

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRAZO_BASE_S: Final = 180.0
PRAZO_TOPICO_S: Final = 30.0
LINHAS_POR_LOTE: Final = 1_000
DECISOES_LIDAS: Final = 20_000


class _Atributos(msgspec.Struct):
    atributos: list[float | None] | None = None


@contextmanager
def de_pe(nome: str, cfg: Configuracao) -> Iterator[None]:
    """A base corre enquanto o bloco corre; cada uma começa do fim do tópico, sem estado anterior."""
    shutil.rmtree(cfg.caminho(bases.NOME), ignore_errors=True)
    conversa.arquivo_estado(cfg, bases.NOME).unlink(missing_ok=True)
    _criar_topico(bases.topico_copia(cfg), cfg)
    comando = [sys.executable, "-m", "comandos.desempenho.bases", nome]
    base = processo.iniciar(bases.NOME, comando, cfg, cfg.para_ambiente())
    try:
        base.esperar(lambda: conversa.pronto(cfg, bases.NOME), PRAZO_BASE_S, f"deixar a base {nome} de pé")
        yield
    finally:
        processo.parar(bases.NOME, cfg, PRAZO_BASE_S)


def medir_base(
    nome: str, cfg: Configuracao, conta: Conta, taxa: float, aquecimento_s: float, mostrar: Callable[[str], None]
) -> tuple[Medicao, dict[str, Any]]:
    """O ponto de uma base que escreve no Kafka e o resumo dos seus micro-lotes (`comandos.desempenho.bases.resumo`)."""
    with de_pe(nome, cfg):
        medicao = medir(
            cfg, conta, taxa, aquecimento_s, (bases.NOME,), bases.topico_copia(cfg), mostrar, fases=dict, ler=copia
        )
    return medicao, bases.resumo(cfg)


def medir_delta(cfg: Configuracao, conta: Conta, taxa: float, mostrar: Callable[[str], None]) -> dict[str, Any]:
    """O resumo dos micro-lotes de uma cópia Kafka → Delta, enquanto a carga é enviada na taxa."""
    from functools import partial  # noqa: PLC0415

    from comandos.desempenho.carga import Carga  # noqa: PLC0415
    from ingestao.remessa import Remessa  # noqa: PLC0415

    with de_pe(bases.COPIA_DELTA, cfg), Remessa(cfg, partial(Carga, conta.arquivo, taxa)) as remessa:
        mostrar("cópia Kafka → Delta")
        remessa.comecar()
        remessa.esperar()
    return bases.resumo(cfg)


def predict_por_segundo(cfg: Configuracao) -> float:
    """Linhas por segundo do `predict_proba` do scikit-learn, nu, um processo e um núcleo, nos atributos servidos."""
    from machine_learning.modelo import carregar  # noqa: PLC0415 — sklearn e skops só aqui

    arquivo = max(cfg.caminho("modelos", cfg.modelo).rglob("*.skops"), key=lambda a: a.stat().st_mtime)
    detector = carregar(arquivo, _sha256(arquivo))
    x = _servidos(cfg)[:, detector.colunas_].astype(np.float32)
    lotes = [x[i:i + LINHAS_POR_LOTE] for i in range(0, x.shape[0], LINHAS_POR_LOTE)]
    estimadores = list(detector.estimadores_.values())
    for estimador in estimadores:  # a primeira chamada paga a abertura
        estimador.predict_proba(lotes[0])
    inicio = time.process_time()
    for lote in lotes:
        for estimador in estimadores:
            estimador.predict_proba(lote)
    return float(x.shape[0] / (time.process_time() - inicio))


def _servidos(cfg: Configuracao) -> NDArray[np.float64]:
    """Os atributos das últimas decisões do tópico, float64 (n, atributos)."""
    consumidor = Consumer({"bootstrap.servers": cfg.kafka_servidores, "group.id": "bancada", "log_level": 0})
    try:
        pontas = []
        for particao in range(cfg.particoes_topico):
            _, fim = consumidor.get_watermark_offsets(TopicPartition(cfg.topico_decisoes, particao), timeout=10)
            pontas.append(TopicPartition(cfg.topico_decisoes, particao, max(0, fim - DECISOES_LIDAS // 2)))
        consumidor.assign(pontas)
        leitor = msgspec.json.Decoder(_Atributos)
        lidas = [leitor.decode(m.value() or b"{}").atributos for m in consumidor.consume(DECISOES_LIDAS, timeout=10)]
    finally:
        consumidor.close()
    return np.array([linha for linha in lidas if linha is not None], np.float64)


def _criar_topico(topico: str, cfg: Configuracao) -> None:
    admin = AdminClient({"bootstrap.servers": cfg.kafka_servidores, "log_level": 0})
    if topico not in admin.list_topics(timeout=PRAZO_TOPICO_S).topics:
        opcoes = {"message.timestamp.type": "LogAppendTime"}
        novo = NewTopic(topico, num_partitions=cfg.particoes_topico, replication_factor=1, config=opcoes)
        admin.create_topics([novo])[topico].result(PRAZO_TOPICO_S)


def _sha256(arquivo: Path) -> str:
    return hashlib.sha256(arquivo.read_bytes()).hexdigest()
