"""O caminho inteiro pelos três notebooks, como Python comum, sobre broker, MLflow e Delta de verdade.

Duas passadas: entre elas chega mais tráfego e a arena do estado é apagada, como depois de uma queda da máquina.
"""

from __future__ import annotations

import runpy
import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
from confluent_kafka import Consumer, TopicPartition
from kafka import KafkaProducer

from ingestao.fluxo import escrever_historico
from ingestao.serializacao import serializar, serializar_rotulos
from ingestao.simulador.geracao import gerar
from ingestao.simulador.parametros import Parametros
from machine_learning.conciliacao import conciliar
from machine_learning.esquema import OURO_DECISOES
from machine_learning.fluxo import apagar_cache
from plataforma.configuracao import RAIZ_PROJETO
from plataforma.servicos.topicos import criar_topicos
from processamento.atributos import NOMES
from processamento.ouro import OURO_ATRIBUTOS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

    from ingestao.trafego import Trafego
    from plataforma.configuracao import Configuracao

pytestmark = [pytest.mark.fluxo, pytest.mark.spark, pytest.mark.servico]

NOTEBOOKS = ("ingestao/notebook_ingestao.py", "processamento/notebook_processamento.py",
             "machine_learning/notebook_modelo.py")
MALFORMADOS = (b"", b"{", b"null", b'{"id_fim_a_fim": 1}')
REPETIDOS = 7
_SEMENTE = 11


@pytest.fixture(scope="module")
def trafego() -> Trafego:
    parametros = Parametros(contas=200, dias=25, eventos=5_000, prevalencia=0.05).com_vivo(100, 6)
    return gerar(parametros, _SEMENTE)


@pytest.fixture
def do_zero(
    fazer_cfg: Callable[..., Configuracao], broker: Configuracao, mlflow_vivo: Configuracao,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Configuracao]:
    """Pasta, tópicos e modelo próprios sobre os serviços partilhados; o ambiente os dá aos notebooks."""
    marca = uuid.uuid4().hex[:8]
    cfg = fazer_cfg(
        modo="disponivel", kafka_servidores=broker.kafka_servidores, mlflow_uri=mlflow_vivo.mlflow_uri,
        modelo=f"detector-{marca}",
        **{f"topico_{nome}": f"pix.{nome}.{marca}" for nome in ("eventos", "rotulos", "decisoes", "controle")},
    )
    criar_topicos(cfg)
    for nome, valor in cfg.para_ambiente().items():
        monkeypatch.setenv(nome, valor)
    yield cfg
    apagar_cache(cfg)


def test_do_kafka_a_decisao_e_de_volta_ao_lago(spark: SparkSession, do_zero: Configuracao, trafego: Trafego) -> None:
    cfg = do_zero
    historia = [(chave, valor) for chave, valor in serializar(trafego.historico())]
    rotulos = [valor for _, valor in serializar_rotulos(trafego.rotulos_historico())]
    escrever_historico(spark, cfg, historia, rotulos, trafego.inicio_vivo_us - 1)
    vivos = list(serializar(trafego.vivo()))
    metade = len(vivos) // 2

    _enviar(cfg, vivos[:metade])
    _correr_notebooks()
    apagar_cache(cfg)  # o estado se refaz do que o Spark guardou
    _enviar(cfg, [*vivos[metade:], *vivos[:REPETIDOS], *((None, ruim) for ruim in MALFORMADOS)])
    _correr_notebooks()

    feita = conciliar(spark, cfg)
    assert feita.conferido, feita
    assert feita.destinos["historico"] == len(historia)
    assert feita.destinos["quarentena"] == len(MALFORMADOS)
    assert feita.destinos["duplicado"] == REPETIDOS
    assert feita.destinos["decidido"] + feita.destinos["isento"] == len(vivos)
    assert feita.decisoes_dobradas == 0

    respostas = _lidas(cfg)
    assert len(respostas) == feita.destinos["decidido"] + len(MALFORMADOS)
    decisoes = [r for r in respostas if r["tipo"] == "decisao"]
    assert {(d["modo"], d["modelo_versao"]) for d in decisoes} == {("modelo", "1")}
    assert len({d["acao"] for d in decisoes}) > 1
    assert all(d["motivos"] for d in decisoes if d["acao"] != "APROVAR")
    _conferir_servidos(spark, cfg, len(decisoes))


def _conferir_servidos(spark: SparkSession, cfg: Configuracao, quantas: int) -> None:
    """Cada atributo servido, antes e depois de refeito o estado, é o que a história mede depois."""
    servidos = OURO_DECISOES.ler(spark, cfg).select("id_evento", "atributos")
    medidos = OURO_ATRIBUTOS.ler(spark, cfg).select("id_evento", *NOMES)
    juntos = servidos.join(medidos, "id_evento").toArrow()
    assert juntos.num_rows == quantas
    da_decisao = np.array(juntos.column("atributos").to_pylist(), np.float64)
    da_historia = np.column_stack([juntos.column(nome).to_numpy().astype(np.float64) for nome in NOMES])
    np.testing.assert_array_equal(da_decisao, da_historia)


def _correr_notebooks() -> None:
    for notebook in NOTEBOOKS:
        runpy.run_path(str(RAIZ_PROJETO / notebook))


def _enviar(cfg: Configuracao, pares: list[tuple[bytes | None, bytes]]) -> None:
    produtor = KafkaProducer(bootstrap_servers=cfg.kafka_servidores, acks="all")
    cabecalhos = [("enviado_em", str(time.time_ns() // 1_000).encode()), ("origem", b"simulado")]
    for chave, valor in pares:
        produtor.send(cfg.topico_eventos, valor, chave, headers=cabecalhos)
    produtor.close()


def _lidas(cfg: Configuracao) -> list[dict[str, Any]]:
    """Tudo o que há no tópico de decisões, até o fim que ele tem agora."""
    leitor = Consumer({"bootstrap.servers": cfg.kafka_servidores, "group.id": "cadernos", "enable.auto.commit": False})
    respostas: list[dict[str, Any]] = []
    for numero in range(cfg.particoes_topico):
        primeiro, fim = leitor.get_watermark_offsets(TopicPartition(cfg.topico_decisoes, numero), timeout=20)
        leitor.assign([TopicPartition(cfg.topico_decisoes, numero, primeiro)])
        desta: list[bytes] = []
        while len(desta) < fim - primeiro:
            mensagem = leitor.poll(20)
            assert mensagem is not None and mensagem.error() is None, mensagem
            desta.append(mensagem.value())
        respostas += [msgspec.json.decode(valor) for valor in desta]
    leitor.close()
    return respostas
