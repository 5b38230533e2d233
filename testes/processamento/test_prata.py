"""Da bronze à prata em Delta real: válidos e únicos, quarentena com motivo, repetidos com o primeiro."""

from __future__ import annotations

import datetime as dt
import shutil

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from ingestao.bronze import BRONZE_EVENTOS, BRONZE_ROTULOS
from ingestao.fluxo import escrever_historico
from ingestao.fonte import checkpoint
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroEstado
from plataforma.gravacao import anexar
from processamento import esquema, prata
from processamento.fluxo import garantir_tabelas, iniciar_prata, iniciar_rotulos, preencher_historico
from processamento.lotes import (
    ResumoLote,
    processar_eventos,
    processar_rotulos,
    tabelas_de_eventos,
)
from processamento.motivos_quarentena import MotivoQuarentena as M
from processamento.protecao import Tokenizador
from processamento.qualidade import Normalizado, avaliar
from processamento.tabelas import PRATA_DUPLICADOS, PRATA_PIX, PRATA_QUARENTENA, PRATA_ROTULOS
from testes.processamento.fabrica_bronze import MEIO_DIA, Registro, bronze, id_numero, pix
from testes.processamento.fabrica_eventos import CPFS, em_bytes, evento, parte, rotulo

pytestmark = pytest.mark.spark
CANARIO = CPFS[0]


def posicoes(spark: SparkSession, cfg: Configuracao, tabela: object) -> list[int]:
    return sorted(linha["deslocamento"] for linha in tabela.ler(spark, cfg).collect())  # type: ignore[attr-defined]


@pytest.fixture
def pronta(spark: SparkSession, cfg: Configuracao) -> Configuracao:
    garantir_tabelas(spark, cfg, tabelas_de_eventos())
    return cfg


def test_o_validador_em_colunas_da_o_mesmo_que_o_puro(spark: SparkSession, cfg: Configuracao) -> None:
    tokenizador = Tokenizador(cfg.exigir_chave_tokens(), "v1")
    completo = evento(
        id_fim_a_fim=id_numero(2), dispositivo={"id": "ap", "cadastrado": True, "dias_cadastro": 3},
        sessao={"canal": "APP", "colou_chave": False}, dict={"liquidacoes_d90": 9, "reivindicacao_aberta": False},
        pagador=parte("ana", documento=CANARIO, conta="123", idade_conta_dias=9),
        chave="a@b.invalid", tipo_chave="EMAIL",
    )  # fmt: skip
    valores = [pix(1), em_bytes(completo)]
    lidos = [avaliar(valor, tokenizador) for valor in valores]
    assert all(isinstance(lido, Normalizado) for lido in lidos)
    epoca = dt.date(1970, 1, 1)
    posicao = [("pix.eventos", 0, i, int(MEIO_DIA.timestamp()) * 1_000_000, None, "vivo") for i in range(2)]
    linhas = [
        (lido[0], 202611201430, *lido[1:-1], epoca + dt.timedelta(days=lido.data), *onde)  # type: ignore[union-attr]
        for lido, onde in zip(lidos, posicao, strict=True)
    ]
    avaliado = prata.com_avaliacao(bronze(spark, *(Registro(v, i) for i, v in enumerate(valores))), tokenizador)
    esperado = spark.createDataFrame(linhas, esquema.PRATA)
    assert_df_equality(prata.sem_recusados(avaliado), esperado, ignore_nullable=True, ignore_row_order=True)


def test_cada_registro_tem_um_destino_e_repetir_o_lote_nao_muda_nada(spark: SparkSession, pronta: Configuracao) -> None:
    lote = bronze(
        spark,
        Registro(pix(1), 0),
        Registro(None, 1),
        Registro(b"nao e json", 2),
        Registro(pix(2, valor="0.00"), 3),
        Registro(pix(3), 4),
        Registro(pix(3, valor="9.99"), 5),
        Registro(pix(4), 6, kafka_em=MEIO_DIA + dt.timedelta(hours=13)),
        Registro(pix(5), 7, kafka_em=MEIO_DIA + dt.timedelta(hours=13), origem="simulado"),
        Registro(pix(6, novidade={"a": 1}), 8),
    )
    for _ in range(2):
        resumo = processar_eventos(lote, pronta, "consulta", 0)
        assert (resumo.validos, resumo.duplicados, resumo.linhas) == (4, 1, 9)
        assert resumo.quarentena == {
            M.NULO: 1, M.JSON_INVALIDO: 1, M.VALOR_NAO_POSITIVO: 1, M.INSTANTE_DIVERGENTE: 1,
        }  # fmt: skip
        assert posicoes(spark, pronta, PRATA_PIX) == [0, 4, 7, 8]
        assert posicoes(spark, pronta, PRATA_QUARENTENA) == [1, 2, 3, 6]
        repetido = PRATA_DUPLICADOS.ler(spark, pronta).collect()
        assert [(r["deslocamento"], r["primeiro_deslocamento"], r["id_fim_a_fim"]) for r in repetido] == [
            (5, 4, id_numero(3))
        ]
    quarentena = {q["deslocamento"]: q for q in PRATA_QUARENTENA.ler(spark, pronta).collect()}
    assert quarentena[1]["valor"] is None
    assert bytes(quarentena[2]["valor"]) == b"nao e json"
    assert (quarentena[3]["motivo"], quarentena[3]["campo"]) == ("valor_nao_positivo", "valor")


def test_repetido_em_outro_lote_perde_para_o_que_ja_esta_na_prata(spark: SparkSession, pronta: Configuracao) -> None:
    processar_eventos(bronze(spark, Registro(pix(1), 10, 1)), pronta, "consulta", 0)
    antes = MEIO_DIA - dt.timedelta(minutes=1)
    resumo = processar_eventos(
        bronze(spark, Registro(pix(1), 3, 0, kafka_em=antes), Registro(pix(2), 4, 0), Registro(pix(1), 11, 1)),
        pronta, "consulta", 1,
    )  # fmt: skip
    assert (resumo.validos, resumo.duplicados) == (1, 2)
    colunas = ["particao", "deslocamento", "primeiro_particao", "primeiro_deslocamento"]
    repetidos = PRATA_DUPLICADOS.ler(spark, pronta).select(*colunas).collect()
    assert {tuple(linha) for linha in repetidos} == {(0, 3, 1, 10), (1, 11, 1, 10)}


def test_uma_queda_entre_a_prata_e_o_resto_nao_faz_de_um_registro_repetido_de_si(
    spark: SparkSession, pronta: Configuracao
) -> None:
    lote = bronze(spark, Registro(pix(1), 0), Registro(pix(1), 1), Registro(b"x", 2))
    processar_eventos(lote, pronta, "consulta", 0)
    for tabela in (PRATA_DUPLICADOS, PRATA_QUARENTENA):
        shutil.rmtree(tabela.caminho(pronta))
        tabela.garantir(spark, pronta)
    processar_eventos(lote, pronta, "consulta", 0)
    assert posicoes(spark, pronta, PRATA_PIX) == [0]
    assert posicoes(spark, pronta, PRATA_DUPLICADOS) == [1]
    assert posicoes(spark, pronta, PRATA_QUARENTENA) == [2]


def test_entre_particoes_vale_quem_o_broker_recebeu_antes(spark: SparkSession) -> None:
    antes = MEIO_DIA - dt.timedelta(seconds=1)
    tokenizador = Tokenizador(b"k" * 32, "v1")
    lote = bronze(spark, Registro(pix(1), 0, 0), Registro(pix(1), 99, 1, kafka_em=antes))
    validos = prata.sem_recusados(prata.com_avaliacao(lote, tokenizador))
    marcados = prata.com_primeiro(validos, spark.createDataFrame([], esquema.PRATA))
    repetidos = prata.sem_primeiros(marcados).select("particao", "deslocamento", "primeiro_particao")
    esperado = spark.createDataFrame([(0, 0, 1)], "particao int, deslocamento long, primeiro_particao int")
    assert_df_equality(repetidos, esperado, ignore_nullable=True)
    assert [
        linha["deslocamento"] for linha in prata.sem_repetidos(validos, prata.sem_primeiros(marcados)).collect()
    ] == [99]


def test_o_dado_claro_nao_sai_da_bronze(spark: SparkSession, pronta: Configuracao) -> None:
    claro = pix(1, pagador=parte("ana", documento=CANARIO), chave=CANARIO, tipo_chave="CPF")
    ruim = pix(2, pagador=parte("ana", documento=CANARIO, tipo_pessoa="PJ"), txid="!")
    lote = bronze(spark, Registro(claro, 0), Registro(ruim, 1))
    tokenizador = Tokenizador(pronta.exigir_chave_tokens(), "v1")
    plano = prata.com_avaliacao(lote, tokenizador)._jdf.queryExecution().toString()
    assert CANARIO not in plano
    assert pronta.exigir_chave_tokens().hex() not in plano
    processar_eventos(lote, pronta, "consulta", 0)
    assert CANARIO not in str(PRATA_PIX.ler(spark, pronta).collect())
    quarentena = PRATA_QUARENTENA.ler(spark, pronta)
    assert CANARIO not in str(quarentena.drop("valor").collect())
    assert CANARIO.encode() in bytes(quarentena.head()["valor"]), "o bruto fica, restrito, para a investigação"


def test_a_busca_de_repetidos_le_so_as_particoes_do_lote(spark: SparkSession, pronta: Configuracao) -> None:
    outro_dia = pix(9, id_fim_a_fim=id_numero(9, "202611101430"), instante="2026-11-10T14:30:00.000Z")
    processar_eventos(bronze(spark, Registro(outro_dia, 0, origem="simulado"), Registro(pix(1), 1)), pronta, "c", 0)
    trecho = prata.sem_fora_do_trecho(PRATA_PIX.ler(spark, pronta), [MEIO_DIA.date()], 202611201430, 202611201430)
    assert len(trecho.inputFiles()) == 1
    assert [linha["deslocamento"] for linha in trecho.collect()] == [1]


def test_rotulos_validos_ficam_todos_e_os_ruins_vao_para_a_quarentena(
    spark: SparkSession, pronta: Configuracao
) -> None:
    lote = bronze(
        spark,
        Registro(em_bytes(rotulo()), 0, topico="pix.rotulos"),
        Registro(em_bytes(rotulo(resultado="DISAGREED")), 1, topico="pix.rotulos"),
        Registro(em_bytes(rotulo(pagador_conta="123")), 2, topico="pix.rotulos"),
        Registro(None, 3, topico="pix.rotulos"),
    )
    for _ in range(2):
        resumo = processar_rotulos(lote, pronta, "rotulos", 0)
    assert (resumo.validos, resumo.quarentena) == (2, {M.CONTA_INVALIDA: 1, M.NULO: 1})
    fraudes = {linha["deslocamento"]: linha["fraude"] for linha in PRATA_ROTULOS.ler(spark, pronta).collect()}
    assert fraudes == {0: True, 1: False}
    assert posicoes(spark, pronta, PRATA_QUARENTENA) == [2, 3]


def test_vale_o_ultimo_desfecho_conhecido(spark: SparkSession) -> None:
    lote = bronze(
        spark,
        Registro(em_bytes(rotulo(conhecido_em="2026-11-28T10:00:00.000Z", resultado="DISAGREED")), 0, topico="r"),
        Registro(em_bytes(rotulo()), 1, topico="r"),
    )
    rotulos = prata.sem_recusados_rotulos(prata.com_avaliacao_rotulos(lote))
    vigentes = prata.rotulos_vigentes(rotulos).collect()
    assert [(v["resultado"], v["deslocamento"]) for v in vigentes] == [("DISAGREED", 0)]


def test_a_historia_passa_pelo_mesmo_codigo_em_fatias(
    spark: SparkSession, cfg: Configuracao, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processamento.fluxo.REGISTROS_POR_LOTE", 4)
    valores = [pix(1), b"ruim", pix(2), pix(3), pix(1), pix(4)]
    escrever_historico(spark, cfg, [(b"k", valor) for valor in valores], [em_bytes(rotulo())], 1_795_185_000_000_000)
    avisos: list[ResumoLote] = []
    for _ in range(2):
        eventos, rotulos = preencher_historico(spark, cfg, avisos.append)
        assert posicoes(spark, cfg, PRATA_PIX) == [0, 2, 3, 5]
        assert posicoes(spark, cfg, PRATA_DUPLICADOS) == [4]
        assert posicoes(spark, cfg, PRATA_QUARENTENA) == [1]
    assert (eventos.validos, eventos.duplicados, eventos.quarentena) == (4, 1, {M.JSON_INVALIDO: 1})
    assert (rotulos.validos, len(avisos)) == (1, 6)


def test_o_fluxo_da_prata_deixa_a_historia_de_lado_e_nao_recomeca_sem_checkpoint(
    spark: SparkSession, pronta: Configuracao
) -> None:
    garantir_tabelas(spark, pronta, [BRONZE_EVENTOS, BRONZE_ROTULOS])
    lote = bronze(
        spark,
        Registro(pix(1), 0, topico="historico", origem="historico"),
        Registro(pix(2), 0),
        Registro(pix(2), 1),
        Registro(b"ruim", 2),
    )
    anexar(lote, BRONZE_EVENTOS, pronta, "teste", 0)
    rotulos = bronze(spark, Registro(em_bytes(rotulo()), 0, topico="pix.rotulos"))
    anexar(rotulos, BRONZE_ROTULOS, pronta, "teste", 0)
    avisos: list[ResumoLote] = []
    for _ in range(2):
        iniciar_prata(spark, pronta, uma_vez=True, avisar=avisos.append).awaitTermination()
        iniciar_rotulos(spark, pronta, uma_vez=True, avisar=avisos.append).awaitTermination()
    linhas = PRATA_PIX.ler(spark, pronta).select("topico", "deslocamento").collect()
    assert [tuple(linha) for linha in linhas] == [("pix.eventos", 0)]
    assert posicoes(spark, pronta, PRATA_DUPLICADOS) == [1]
    assert posicoes(spark, pronta, PRATA_QUARENTENA) == [2]
    assert [(a.camada, a.validos, a.duplicados) for a in avisos if a.linhas] == [("prata", 1, 1), ("rotulos", 1, 0)]
    shutil.rmtree(checkpoint(pronta, "prata_pix"))
    with pytest.raises(ErroEstado, match="não tem checkpoint"):
        iniciar_prata(spark, pronta, uma_vez=True)


def test_o_minuto_do_id_e_um_numero_que_cresce_com_o_tempo(spark: SparkSession) -> None:
    ids = spark.createDataFrame([(id_numero(7, "202601020304"),)], "id_fim_a_fim string")
    assert ids.select(prata.minuto_do_id().alias("m")).where(F.col("m") == 202601020304).count() == 1
