import json
import logging
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from pyspark.sql import functions as F

from ingestao import fluxo as fluxo_ingestao
from machine_learning import decisoes_lago
from machine_learning.observacao import ENSAIO, NOME_OBSERVACAO
from monitoramento.metricas import Metricas, criar_metricas
from monitoramento.observado import registrar_resumo
from monitoramento.ouvinte import Ouvinte
from processamento import fluxo as fluxo_processamento
from processamento.lotes import ResumoLote
from testes.monitoramento.fabrica import observacao_decisao, progresso, saida_da_decisao

EXECUCAO = "b24b788d-c6e5-46f9-b701-8d049f99c78b"


class Bancada:
    """Um ouvinte com relógio parado e leitura direta do registro."""

    def __init__(self) -> None:
        self.registro = CollectorRegistry()
        self.metricas: Metricas = criar_metricas(self.registro)
        self.agora = 1_000.0
        self.ouvinte = Ouvinte(self.metricas, "detector-pix", lambda: self.agora)

    def ouvir(self, **mudancas: Any) -> None:
        self.ouvinte.progrediu_em_json(json.dumps(progresso(**mudancas)))

    def valor(self, metrica: str, /, **rotulos: str) -> float | None:
        return self.registro.get_sample_value(metrica, rotulos)


@pytest.fixture
def bancada() -> Bancada:
    return Bancada()


def test_um_lote_conta_fases_linhas_atraso_e_estado(bancada: Bancada) -> None:
    bancada.ouvir()
    assert bancada.valor("pix_lote_duracao_seconds_sum", consulta="decisao", fase="addBatch") == 0.25
    assert bancada.valor("pix_lote_duracao_seconds_count", consulta="decisao", fase="triggerExecution") == 1
    assert bancada.valor("pix_lote_linhas_sum", consulta="decisao") == 5
    assert bancada.valor("pix_atraso_registros", consulta="decisao", estatistica="avg") == 10.5
    assert bancada.valor("pix_atraso_registros", consulta="decisao", estatistica="max") == 20
    assert bancada.valor("pix_estado_linhas", consulta="decisao") == 40
    assert bancada.valor("pix_estado_memoria_bytes", consulta="decisao") == 4096
    assert bancada.valor("pix_marca_dagua_descartes_total", consulta="decisao") == 2
    assert bancada.valor("pix_ultimo_sucesso_timestamp_seconds", consulta="decisao") == 1_000
    assert bancada.valor("pix_ouvinte_erros_total") == 0


def test_decisoes_alimentam_acoes_latencia_pontuacao_e_valor(bancada: Bancada) -> None:
    linha = observacao_decisao([80, 700, 1400, 2600], [0.05, 0.4, 0.95], ["APROVAR", "APROVAR", "REJEITAR",
                               "AUTENTICAR_REFORCADO"], barrado=12_345)
    bancada.ouvir(observedMetrics={NOME_OBSERVACAO: linha})
    assert bancada.valor("pix_decisoes_total", acao="APROVAR") == 2
    assert bancada.valor("pix_alertas_total") == 2
    assert bancada.valor("pix_valor_barrado_centavos_total") == 12_345
    assert bancada.valor("pix_eventos_total", camada="decisao", desfecho="decidido") == 4
    assert bancada.valor("pix_decisao_latencia_seconds_bucket", le="1.5") == 3
    assert bancada.valor("pix_decisao_latencia_seconds_sum") == pytest.approx(4.78)
    assert bancada.valor("pix_pontuacao_bucket", modelo_versao="3", le="0.4") == 2
    assert bancada.valor("pix_decisoes_sem_modelo_total") == 1
    assert bancada.valor("pix_modelo_info", nome="detector-pix", versao="3", regras_versao="r1") == 1
    assert bancada.valor("pix_ouvinte_erros_total") == 0


def test_o_modelo_novo_substitui_o_velho_e_sem_modelo_e_dito(bancada: Bancada) -> None:
    bancada.ouvir(observedMetrics={NOME_OBSERVACAO: observacao_decisao([1], [0.1], ["APROVAR"])})
    bancada.ouvir(observedMetrics={NOME_OBSERVACAO: observacao_decisao([1], [], ["APROVAR"])})
    assert bancada.valor("pix_modelo_info", nome="detector-pix", versao="3", regras_versao="r1") is None
    assert bancada.valor("pix_modelo_info", nome="detector-pix", versao="nenhum", regras_versao="r1") == 1


def test_lote_sem_decididos_nao_apaga_o_modelo(bancada: Bancada) -> None:
    bancada.ouvir(observedMetrics={NOME_OBSERVACAO: observacao_decisao([1], [0.1], ["APROVAR"])})
    bancada.ouvir(observedMetrics={NOME_OBSERVACAO: observacao_decisao([], [], [], linhas=1, destino_quarentena=1,
                                                                     regras_menor=None, regras_maior=None)})
    assert bancada.valor("pix_modelo_info", nome="detector-pix", versao="3", regras_versao="r1") == 1
    assert bancada.valor("pix_ouvinte_erros_total") == 0


def test_camadas_seguem_a_convencao_do_nome(bancada: Bancada) -> None:
    bancada.ouvir(observedMetrics={
        "bronze:eventos": {"recebido": 7},
        "prata:desfechos": {"desfecho_valido": 5, "quarentena": 2},
        "prata:motivos": {"motivo_valor_invalido": 1, "nulo": 1, "json_truncado": None},
    })
    assert bancada.valor("pix_eventos_total", camada="bronze", desfecho="recebido") == 7
    assert bancada.valor("pix_eventos_total", camada="prata", desfecho="valido") == 5
    assert bancada.valor("pix_quarentena_total", motivo="valor_invalido") == 1
    assert bancada.valor("pix_quarentena_total", motivo="nulo") == 1
    assert bancada.valor("pix_ouvinte_erros_total") == 0


def test_as_consultas_do_lago_sao_conhecidas_pelo_nome(bancada: Bancada) -> None:
    nomes = [fluxo_ingestao.CONSULTA_EVENTOS, fluxo_ingestao.CONSULTA_ROTULOS,
             fluxo_processamento.CONSULTA_PRATA, fluxo_processamento.CONSULTA_ROTULOS, decisoes_lago.CONSULTA]
    bancada.ouvir(observedMetrics={nome: {"linhas": 9} for nome in nomes})
    assert bancada.valor("pix_eventos_total", camada="bronze", desfecho="recebido") == 9
    assert bancada.valor("pix_ouvinte_erros_total") == 0


def test_o_resumo_de_um_lote_da_prata_soma_desfechos_e_motivos(bancada: Bancada) -> None:
    resumo = ResumoLote("prata", 3, validos=10, duplicados=2, quarentena={"nulo": 1, "valor_invalido": 4})
    registrar_resumo(bancada.metricas, resumo)
    registrar_resumo(bancada.metricas, ResumoLote("rotulos", 3, validos=5))
    assert bancada.valor("pix_eventos_total", camada="prata", desfecho="quarentena") == 5
    assert bancada.valor("pix_eventos_total", camada="prata", desfecho="duplicado") == 2
    assert bancada.valor("pix_eventos_total", camada="rotulos", desfecho="valido") == 5
    assert bancada.valor("pix_quarentena_total", motivo="valor_invalido") == 4


@pytest.mark.parametrize(("observadas", "trecho"), [
    ({"prata:eventos": {"perdido": 1}}, "perdido"),
    ({"inventada": {"x": 1}}, "sem leitor"),
    ({"decisao": {"particao_0": '{"linhas": 1}'}}, "destino_decidido"),
    ({"decisao": observacao_decisao([1], [0.1], ["APROVAR"], modelo_maior="4")}, "duas versões de modelo"),
    ({"decisao": observacao_decisao([1], [0.1], ["TALVEZ"])}, "fora da lista"),
])
def test_o_que_nao_se_entende_e_contado_e_dito(
    bancada: Bancada, caplog: pytest.LogCaptureFixture, observadas: dict[str, Any], trecho: str
) -> None:
    with caplog.at_level(logging.ERROR):
        bancada.ouvir(observedMetrics={**observadas, "bronze:eventos": {"recebido": 1}})
    assert bancada.valor("pix_ouvinte_erros_total") == 1
    assert trecho in caplog.text
    assert bancada.valor("pix_eventos_total", camada="bronze", desfecho="recebido") == 1, "as outras seguem"


def test_json_quebrado_nao_sai_do_ouvinte(bancada: Bancada) -> None:
    bancada.ouvinte.progrediu_em_json("{")
    assert bancada.valor("pix_ouvinte_erros_total") == 1


def test_consulta_parada_envelhece_e_a_que_espera_nao(bancada: Bancada) -> None:
    bancada.ouvinte.iniciou(EXECUCAO, "decisao")
    bancada.agora = 2_000.0
    bancada.ouvinte.esperou(EXECUCAO)
    assert bancada.valor("pix_ultimo_sucesso_timestamp_seconds", consulta="decisao") == 2_000
    assert bancada.valor("pix_consultas_ativas") == 1
    bancada.agora = 3_000.0
    bancada.ouvinte.terminou(EXECUCAO, "ErroQualquer: quebrou\n\tem algum lugar")
    assert bancada.valor("pix_consultas_ativas") == 0
    assert bancada.valor("pix_lote_falhas_total", consulta="decisao") == 1
    assert bancada.valor("pix_ultimo_sucesso_timestamp_seconds", consulta="decisao") == 2_000


def test_o_ensaio_nao_conta(bancada: Bancada) -> None:
    antes = bancada.valor("pix_consultas_ativas")
    bancada.ouvinte.iniciou(EXECUCAO, ENSAIO)
    bancada.ouvir(name=ENSAIO, observedMetrics={"decisao": observacao_decisao([1], [0.1], ["APROVAR"])})
    bancada.ouvinte.esperou(EXECUCAO)
    bancada.ouvinte.terminou(EXECUCAO, "ErroQualquer: interrompido")
    assert bancada.valor("pix_consultas_ativas") == antes
    assert bancada.valor("pix_decisoes_total", acao="APROVAR") == 0
    assert bancada.valor("pix_lote_falhas_total", consulta=ENSAIO) is None
    assert bancada.valor("pix_ultimo_sucesso_timestamp_seconds", consulta=ENSAIO) is None


def test_fim_pedido_nao_e_falha_e_consulta_sem_nome_aparece(bancada: Bancada) -> None:
    bancada.ouvinte.iniciou(EXECUCAO, None)
    bancada.ouvinte.terminou(EXECUCAO, None)
    assert bancada.valor("pix_lote_falhas_total", consulta="sem_nome") == 0
    assert bancada.valor("pix_ultimo_sucesso_timestamp_seconds", consulta="sem_nome") is None, "não envelhece à toa"


@pytest.mark.spark
def test_a_observacao_de_verdade_chega_as_metricas(spark: Any, bancada: Bancada, tmp_path: Any) -> None:
    """Um fluxo real do Spark, pela ponte de verdade: o que ele contou é o que as métricas mostram."""
    observada = saida_da_decisao(spark, 100, decididos=90, com_modelo=80).observe(
        "bronze:eventos", F.sum(F.get_json_object("resumo", "$.linhas").cast("long")).alias("recebido"))
    spark.streams.addListener(bancada.ouvinte)
    try:
        consulta = observada.writeStream.format("noop").queryName("decisao").option(
            "checkpointLocation", str(tmp_path / "c")).trigger(processingTime="100 milliseconds").start()
        lotes = 0
        while lotes < 3:
            assert not consulta.awaitTermination(1), consulta.exception()
            lotes = int(bancada.valor("pix_lote_linhas_count", consulta="decisao") or 0)
        consulta.stop()
        spark.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()
    finally:
        spark.streams.removeListener(bancada.ouvinte)
    lotes = int(bancada.valor("pix_lote_linhas_count", consulta="decisao") or 0)
    assert bancada.valor("pix_eventos_total", camada="bronze", desfecho="recebido") == 100 * lotes
    assert bancada.valor("pix_eventos_total", camada="decisao", desfecho="decidido") == 90 * lotes
    assert bancada.valor("pix_eventos_total", camada="decisao", desfecho="quarentena") == 10 * lotes
    assert bancada.valor("pix_decisoes_total", acao="REJEITAR") == 18 * lotes
    assert bancada.valor("pix_decisoes_sem_modelo_total") == 0
    assert bancada.valor("pix_valor_barrado_centavos_total") == 54 * 1_500 * lotes
    assert bancada.valor("pix_decisao_latencia_seconds_bucket", le="1.5") == 76 * lotes
    assert bancada.valor("pix_pontuacao_bucket", modelo_versao="7", le="0.5") == 51 * lotes
    assert bancada.valor("pix_modelo_info", nome="detector-pix", versao="7", regras_versao="r2") == 1
    assert bancada.valor("pix_consultas_ativas") == 0
    assert bancada.valor("pix_ouvinte_erros_total") == 0
