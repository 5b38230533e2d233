"""Kafka real → bronze, e a história direto na bronze, em Delta real."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from kafka import KafkaProducer
from pyspark.sql import SparkSession

from ingestao.bronze import BRONZE_EVENTOS, BRONZE_ROTULOS
from ingestao.fluxo import escrever_historico, iniciar_bronze
from ingestao.fonte import checkpoint
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroEstado
from plataforma.servicos.topicos import criar_topicos

pytestmark = pytest.mark.spark
CARIMBO_US = 1_795_185_000_000_000


def test_a_historia_entra_inteira_numerada_e_uma_so_vez(spark: SparkSession, cfg: Configuracao) -> None:
    registros = [(f"k{i}".encode(), f"valor {i}".encode()) for i in range(1_234)]
    assert escrever_historico(spark, cfg, iter(registros), [b"r0", b"r1"], CARIMBO_US) == (1_234, 2)
    linhas = sorted(BRONZE_EVENTOS.ler(spark, cfg).collect(), key=lambda linha: linha["deslocamento"])
    assert [(bytes(linha["chave"]), bytes(linha["valor"])) for linha in linhas] == registros
    assert [linha["deslocamento"] for linha in linhas] == list(range(1_234))
    unicos = {(li["topico"], li["particao"], li["origem"], li["enviado_em"], li["data"].isoformat()) for li in linhas}
    assert unicos == {("historico", 0, "historico", None, "2026-11-20")}
    rotulos = BRONZE_ROTULOS.ler(spark, cfg).collect()
    assert {(linha["chave"], bytes(linha["valor"]), linha["topico"]) for linha in rotulos} == {
        (None, b"r0", "historico_rotulos"),
        (None, b"r1", "historico_rotulos"),
    }
    with pytest.raises(ErroEstado, match="já tem história"):
        escrever_historico(spark, cfg, registros, [], CARIMBO_US)
    assert not list(cfg.dados.rglob("historico-*"))


def test_uma_queda_antes_dos_eventos_deixa_recomecar(spark: SparkSession, cfg: Configuracao) -> None:
    def cair() -> object:
        yield b"k", b"v"
        msg = "queda"
        raise RuntimeError(msg)

    with pytest.raises(RuntimeError, match="queda"):
        escrever_historico(spark, cfg, cair(), [b"r"], CARIMBO_US)  # type: ignore[arg-type]
    assert escrever_historico(spark, cfg, [(b"k", b"v")], [b"r"], CARIMBO_US + 1) == (1, 1)
    assert BRONZE_ROTULOS.ler(spark, cfg).count() == 1
    assert not list(cfg.dados.rglob("historico-*"))


def _produzir(cfg: Configuracao, registros: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]]) -> None:
    produtor = KafkaProducer(bootstrap_servers=cfg.kafka_servidores)
    for chave, valor, cabecalhos in registros:
        produtor.send(cfg.topico_eventos, key=chave, value=valor, headers=cabecalhos)
    produtor.flush()
    produtor.close()


@pytest.mark.servico
def test_do_kafka_a_bronze_byte_a_byte_exatamente_uma_vez(
    spark: SparkSession, broker: Configuracao, tmp_path: Path
) -> None:
    cfg = replace(broker, dados=tmp_path, topico_eventos=f"t.{uuid.uuid4().hex}")
    criar_topicos(cfg)
    valores = [b"{}", b"", b"\xff\x00nao e texto", None, b"x" * 50_000]
    _produzir(cfg, [(b"k", valor, [("origem", b"simulado"), ("enviado_em", b"7")]) for valor in valores])
    for _ in range(2):
        iniciar_bronze(spark, cfg, uma_vez=True).awaitTermination()
    linhas = BRONZE_EVENTOS.ler(spark, cfg).collect()
    lidos = [None if linha["valor"] is None else bytes(linha["valor"]) for linha in linhas]
    assert sorted(lidos, key=repr) == sorted(valores, key=repr)
    assert {(linha["origem"], linha["enviado_em"], linha["topico"]) for linha in linhas} == {
        ("simulado", 7, cfg.topico_eventos)
    }
    assert len({(linha["particao"], linha["deslocamento"]) for linha in linhas}) == len(valores)
    _produzir(cfg, [(None, b"depois", [])])
    iniciar_bronze(spark, cfg, uma_vez=True).awaitTermination()
    assert BRONZE_EVENTOS.ler(spark, cfg).count() == len(valores) + 1
    shutil.rmtree(checkpoint(cfg, "bronze_eventos"))
    with pytest.raises(ErroEstado, match="não tem checkpoint"):
        iniciar_bronze(spark, cfg, uma_vez=True)
