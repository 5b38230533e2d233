"""O ensaio da decisão sobre broker e Delta de verdade: passa a história e não deixa nada."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest
from kafka.admin import KafkaAdminClient

from ingestao.esquema import FINALIDADES_ISENTAS
from ingestao.fluxo import escrever_historico
from ingestao.serializacao import serializar, serializar_rotulos
from ingestao.simulador.geracao import gerar
from ingestao.simulador.parametros import Parametros
from machine_learning.ativacao import Vigia
from machine_learning.ensaio import PIX_POR_LOTE, Ensaio
from machine_learning.observacao import ENSAIO
from plataforma.servicos.topicos import criar_topicos
from testes.topico import mensagens, quantas

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

    from plataforma.configuracao import Configuracao

pytestmark = [pytest.mark.fluxo, pytest.mark.spark, pytest.mark.servico]


def test_o_ensaio_passa_a_historia_e_nao_deixa_rastro(
    spark: SparkSession, fazer_cfg: Callable[..., Configuracao], broker: Configuracao, mlflow_vivo: Configuracao
) -> None:
    marca = uuid.uuid4().hex[:8]
    nomes = {f"topico_{nome}": f"pix.{nome}.{marca}" for nome in ("eventos", "rotulos", "decisoes", "controle")}
    cfg = fazer_cfg(kafka_servidores=broker.kafka_servidores, mlflow_uri=mlflow_vivo.mlflow_uri, **nomes)
    criar_topicos(cfg)
    ensaio = Ensaio(spark, cfg)
    assert not ensaio.iniciar(), "sem história não há o que ensaiar"

    trafego = gerar(Parametros(contas=200, dias=25, eventos=2 * PIX_POR_LOTE).com_vivo(10, 1), 7)
    historia = [(chave, valor) for chave, valor in serializar(trafego.historico())]
    rotulos = [valor for _, valor in serializar_rotulos(trafego.rotulos_historico())]
    escrever_historico(spark, cfg, historia, rotulos, trafego.inicio_vivo_us - 1)
    vigia = Vigia(cfg, lambda: datetime.now(UTC))
    assert vigia.conferir()

    assert ensaio.iniciar()
    try:
        [consulta] = [c for c in spark.streams.active if c.name == ENSAIO]
        consulta.processAllAvailable()
        lidas = sum(progresso["numInputRows"] for progresso in consulta.recentProgress)
        assert lidas == len(historia) + 1, "a história e a ativação"
        assert _topicos(cfg) >= {f"{cfg.topico_eventos}.ensaio", f"{cfg.topico_decisoes}.ensaio"}
        assert not cfg.caminho("checkpoints").exists(), "o estado de produção não é o do ensaio"
        respostas = mensagens(cfg, f"{cfg.topico_decisoes}.ensaio")
        tipos = Counter(msgspec.json.decode(m.value() or b"", type=dict)["tipo"] for m in respostas)
        assert quantas(cfg, cfg.topico_decisoes) == 0
        pagos = sum(msgspec.json.decode(valor)["finalidade"] not in FINALIDADES_ISENTAS for _, valor in historia)
        assert tipos == {"decisao": pagos}, "recusado, um Pix não passa pelo estado nem pelo modelo"
    finally:
        ensaio.encerrar()
    assert not consulta.isActive
    assert not any(nome.endswith(".ensaio") and marca in nome for nome in _topicos(cfg))
    assert not cfg.caminho("ensaio").exists()


def _topicos(cfg: Configuracao) -> set[str]:
    admin = KafkaAdminClient(bootstrap_servers=cfg.kafka_servidores)
    try:
        return set(admin.list_topics())
    finally:
        admin.close()
