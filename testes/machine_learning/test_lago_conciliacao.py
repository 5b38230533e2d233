"""Decisões no lago e a conciliação inteira, em Delta real: tudo fecha, e cada falha plantada é apontada."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import asdict, replace
from pathlib import Path

import msgspec
import pytest
from kafka import KafkaProducer
from pyspark.sql import SparkSession
from pyspark.sql.types import BinaryType, IntegerType, LongType, StructField, StructType

from ingestao.bronze import BRONZE_EVENTOS, BRONZE_ROTULOS
from machine_learning.conciliacao import conciliar
from machine_learning.decisoes_lago import com_resposta, gravar_respostas, iniciar_decisoes_lago
from machine_learning.esquema import DECISAO, OURO_DECISOES, OURO_RECUSAS
from machine_learning.indicadores_decisao import com_decisoes, iniciar_indicadores_decisao, ler_indicadores
from machine_learning.respostas import Decisao, RecusaDeFormato
from plataforma.configuracao import Configuracao
from plataforma.gravacao import anexar
from plataforma.servicos.topicos import criar_topicos
from processamento.fluxo import garantir_tabelas
from processamento.lotes import processar_eventos, processar_rotulos, tabelas_de_eventos, tabelas_de_rotulos
from processamento.protecao import id_evento
from processamento.tabelas import OURO_INDICADORES, OURO_INDICADORES_FRAUDE
from testes.machine_learning.fabrica_respostas import decisao, recusa
from testes.processamento.fabrica_bronze import Registro, bronze, id_numero, pix
from testes.processamento.fabrica_eventos import em_bytes, rotulo

pytestmark = pytest.mark.spark
TOPICO = StructType([
    StructField("value", BinaryType()),
    StructField("partition", IntegerType()),
    StructField("offset", LongType()),
])  # fmt: skip
INICIO_DIA = dt.datetime(2026, 11, 20, 3, tzinfo=dt.UTC)
CORTE = ("99999010", "99999020", "MANU")


def com_corte(valor: bytes) -> bytes:
    """A decisão dizendo também as instituições e a forma de iniciação."""
    corte = dict(zip(("pagador_ispb", "recebedor_ispb", "forma_de_iniciacao"), CORTE, strict=True))
    return msgspec.json.encode({**msgspec.json.decode(valor), **corte})


def pousar(spark: SparkSession, cfg: Configuracao, versao: int, *valores: bytes | None) -> tuple[int, int]:
    linhas = [(valor, 0, versao * 100 + i) for i, valor in enumerate(valores)]
    return gravar_respostas(spark.createDataFrame(linhas, TOPICO).transform(com_resposta), cfg, "pouso", versao)


@pytest.fixture
def lago(spark: SparkSession, cfg: Configuracao) -> Configuracao:
    proprias = [BRONZE_EVENTOS, BRONZE_ROTULOS, OURO_DECISOES, OURO_RECUSAS]
    garantir_tabelas(spark, cfg, [*tabelas_de_eventos(), *tabelas_de_rotulos()[:1], *proprias])
    return cfg


def test_o_esquema_da_decisao_e_o_que_a_decisao_escreve() -> None:
    escritos = {*Decisao.__struct_fields__, *RecusaDeFormato.__struct_fields__}
    assert escritos <= set(DECISAO.names)
    assert set(DECISAO.names) - escritos <= {"pagador_ispb", "recebedor_ispb", "forma_de_iniciacao"}


def test_respostas_pousam_uma_vez_a_primeira_vence_e_o_lixo_nao_para_o_fluxo(
    spark: SparkSession, lago: Configuracao
) -> None:
    lote = (decisao(1, 0), decisao(1, 0, acao="REJEITAR"), recusa(1), recusa(1), None, b"lixo", b"", decisao(2, 2))
    for _ in range(2):
        assert pousar(spark, lago, 0, *lote) == (3, 2)
    pousar(spark, lago, 1, decisao(1, 0, acao="APROVAR", lote=2), recusa(1, lote=2), decisao(3, 3, lote=2))
    linhas = {x["deslocamento"]: x for x in OURO_DECISOES.ler(spark, lago).collect()}
    assert sorted(linhas) == [0, 2, 3]
    primeira = linhas[0]
    assert (primeira["acao"], primeira["resposta_deslocamento"], primeira["data"]) == (
        "RETER_ANALISE", 0, dt.date(2026, 11, 20),
    )  # fmt: skip
    assert primeira["atributos"] == [1.0, None, -2.5]
    assert primeira["motivos"][0]["contribuicao"] == 0.25
    assert primeira["id_evento"] == id_evento(id_numero(1))
    recusas = OURO_RECUSAS.ler(spark, lago).collect()
    assert [(x["deslocamento"], x["lote"], x["resposta_deslocamento"]) for x in recusas] == [(1, 1, 2)]


def test_decisao_que_nao_diz_quando_o_pix_chegou_pousa_e_nao_para_o_fluxo(
    spark: SparkSession, lago: Configuracao
) -> None:
    assert pousar(spark, lago, 0, decisao(1, 0, kafka_em_us=None)) == (1, 0)
    assert pousar(spark, lago, 1, decisao(2, 1, kafka_em_us=None), decisao(3, 2)) == (2, 0)
    assert sorted(x["deslocamento"] for x in OURO_DECISOES.ler(spark, lago).collect()) == [0, 1, 2]


@pytest.mark.servico
def test_do_topico_ao_lago_e_aos_indicadores_pelos_fluxos(
    spark: SparkSession, broker: Configuracao, tmp_path: Path
) -> None:
    cfg = replace(broker, dados=tmp_path, topico_decisoes=f"t.{uuid.uuid4().hex}")
    criar_topicos(cfg)
    produtor = KafkaProducer(bootstrap_servers=cfg.kafka_servidores)
    aprovada = com_corte(decisao(2, 2, acao="APROVAR"))
    for valor in (com_corte(decisao(1, 0)), decisao(1, 0), recusa(1), None, aprovada):
        produtor.send(cfg.topico_decisoes, key=b"k", value=valor)
    produtor.flush()
    produtor.close()
    for _ in range(2):
        iniciar_decisoes_lago(spark, cfg, uma_vez=True).awaitTermination()
        iniciar_indicadores_decisao(spark, cfg, uma_vez=True).awaitTermination()
    assert sorted(x["deslocamento"] for x in OURO_DECISOES.ler(spark, cfg).collect()) == [0, 2]
    assert OURO_RECUSAS.ler(spark, cfg).count() == 1
    garantir_tabelas(spark, cfg, [OURO_INDICADORES, OURO_INDICADORES_FRAUDE])
    volume = spark.createDataFrame(
        [
            ("fluxo", "dia", INICIO_DIA, INICIO_DIA + dt.timedelta(days=1), *CORTE, INICIO_DIA.date(), 2, 30_050),
            ("lote", "dia", INICIO_DIA, INICIO_DIA + dt.timedelta(days=1), *CORTE, INICIO_DIA.date(), 3, 50),
        ],
        OURO_INDICADORES.esquema,
    )
    anexar(volume, OURO_INDICADORES, cfg, "v", 0)
    linha = ler_indicadores(spark, cfg).head()
    assert (linha["quantidade"], linha["total_centavos"], linha["decisoes"]) == (5, 30_100, 2)
    assert (linha["APROVAR"], linha["RETER_ANALISE"], linha["REJEITAR"]) == (1, 1, None)
    assert (linha["taxa_alerta"], linha["taxa_fraude"]) == (0.5, None)


def test_indicadores_das_decisoes_por_acao(spark: SparkSession) -> None:
    valores = [decisao(1, 0), decisao(2, 1, valor_centavos=1), decisao(3, 2, acao="APROVAR", dispositivo="x")]
    topico = spark.createDataFrame([(v, 0, i) for i, v in enumerate(valores)], TOPICO)
    linhas = com_decisoes(topico.transform(com_resposta)).where("granularidade = 'dia'").collect()
    assert {(x["acao"], x["decisoes"], x["decidido_centavos"]) for x in linhas} == {
        ("RETER_ANALISE", 2, 15_026),
        ("APROVAR", 1, 15_025),
    }


def test_concilia_o_que_fecha_e_aponta_o_que_nao_fecha(spark: SparkSession, lago: Configuracao) -> None:
    eventos = bronze(
        spark,
        Registro(pix(100), 0, topico="historico", origem="historico"),
        Registro(pix(1), 0),
        Registro(b"ruim", 1),
        Registro(pix(1), 2),
        Registro(pix(3, finalidade="REFU"), 3),
        Registro(pix(4), 4),
        Registro(pix(5), 5),
    )
    rotulos = bronze(spark, *(Registro(em_bytes(rotulo()), i, topico="pix.rotulos") for i in range(2)))
    anexar(eventos, BRONZE_EVENTOS, lago, "b", 0)
    anexar(rotulos, BRONZE_ROTULOS, lago, "b", 0)
    processar_eventos(eventos, lago, "p", 0)
    processar_rotulos(rotulos, lago, "r", 0)
    pousar(spark, lago, 0, decisao(1, 0), recusa(1), decisao(4, 4))
    andando = conciliar(spark, lago)
    assert andando.destinos == {"decidido": 2, "quarentena": 1, "duplicado": 1, "historico": 1, "isento": 1}
    assert (andando.bronze, andando.prata, andando.em_transito, andando.decisoes) == (7, 5, 1, 2)
    assert (andando.fecha_no_corte, andando.conferido, andando.problemas) == (True, False, {})
    assert andando.motivos == {"json_invalido": 1}

    pousar(spark, lago, 1, decisao(5, 5, lote=2))
    fechada = conciliar(spark, lago)
    assert fechada.conferido
    assert fechada.destinos["decidido"] == 3
    assert fechada.rotulos == {
        "bronze": 2, "prata": 2, "quarentena": 0, "em_transito": 0, "faltantes": 0, "dobrados": 0,
    }  # fmt: skip
    assert asdict(fechada)["destinos"] == fechada.destinos

    mais = bronze(spark, Registro(pix(6), 6), Registro(pix(7), 7), Registro(b"x", 8), Registro(pix(9), 12))
    anexar(mais, BRONZE_EVENTOS, lago, "b", 1)
    processar_eventos(mais.where("deslocamento <> 7"), lago, "p", 1)
    de_outro = decisao(77, 500, lote=3, topico="historico")
    pousar(spark, lago, 2, decisao(9, 12, lote=4), decisao(100, 0, lote=3, topico="historico"), de_outro)
    ruim = conciliar(spark, lago)
    assert not ruim.fecha_no_corte
    assert ruim.problemas == {"faltante": 1, "sem_decisao": 1, "sem_resposta": 1, "decisao_indevida": 1}
    assert ruim.lacunas == 3
    assert {(e["deslocamento"], e["destino"]) for e in ruim.exemplos} == {
        (7, "faltante"), (6, "sem_decisao"), (8, "sem_resposta"), (0, "decisao_indevida"),
    }  # fmt: skip
