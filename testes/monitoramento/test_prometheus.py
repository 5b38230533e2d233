"""O Prometheus de verdade raspa o exportador de verdade, alimentado por um fluxo de verdade; e cada consulta responde.

Só o ritmo muda em relação ao produto: raspagem e avaliação a cada segundo, para o teste não esperar.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from machine_learning.deriva import PONTUACAO
from monitoramento.exportador import iniciar_exportador
from monitoramento.metricas import criar_metricas
from monitoramento.observado import registrar_resumo
from monitoramento.ouvinte import ouvir
from monitoramento.raspagem import preparar_raspagem
from plataforma.configuracao import Configuracao
from plataforma.servicos.prometheus import CONSERTO, encontrar_prometheus, iniciar_prometheus, parar_prometheus
from processamento.lotes import ResumoLote
from testes.monitoramento.fabrica import progresso, saida_da_decisao
from testes.monitoramento.fabrica_deriva import escrever
from testes.monitoramento.promql import alvos, com_valores, regras

pytestmark = [pytest.mark.servico, pytest.mark.spark]
PRAZO_SEGUNDOS = 90
PODEM_SER_VAZIAS = {"Alertas disparados"}
AMOSTRAS = 4


class Prometheus:
    """A API HTTP de um Prometheus no ar."""

    def __init__(self, porta: int) -> None:
        self.base = f"http://127.0.0.1:{porta}/api/v1"

    def pedir(self, caminho: str, **parametros: str) -> dict[str, Any]:
        url = f"{self.base}/{caminho}?{urllib.parse.urlencode(parametros)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as resposta:  # noqa: S310
                return dict(json.load(resposta))
        except urllib.error.HTTPError as erro:
            return dict(json.load(erro))

    def consultar(self, expressao: str) -> list[dict[str, Any]]:
        resposta = self.pedir("query", query=com_valores(expressao))
        assert resposta["status"] == "success", f"{expressao}: {resposta}"
        return list(resposta["data"]["result"])

    def valor(self, expressao: str) -> float:
        [serie] = self.consultar(expressao)
        return float(serie["value"][1])


def _esperar(condicao: Callable[[], bool], oque: str) -> None:
    limite = time.monotonic() + PRAZO_SEGUNDOS
    while not condicao():
        assert time.monotonic() < limite, f"passou de {PRAZO_SEGUNDOS} s sem {oque}"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def medido(
    spark: Any, cfg_sessao: Configuracao, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Prometheus, CollectorRegistry]]:
    """Fluxo → ouvinte → exportador → Prometheus, de pé e com algumas amostras; o fluxo já parado."""
    if encontrar_prometheus() is None:
        pytest.skip(f"falta o Prometheus: {CONSERTO}")
    registro = CollectorRegistry()
    metricas = criar_metricas(registro)
    escrever(cfg_sessao, (1, PONTUACAO, 0.1), (1, "valor_log", 0.2))
    exportador = iniciar_exportador(cfg_sessao, registro)
    arquivo = preparar_raspagem(cfg_sessao)
    _acelerar(arquivo)
    ouvinte = ouvir(spark, metricas, "detector-pix")
    consulta = None
    try:
        iniciar_prometheus(cfg_sessao, arquivo)
        prometheus = Prometheus(cfg_sessao.porta_prometheus)
        saida = saida_da_decisao(spark, 200, decididos=95, com_modelo=90)
        consulta = saida.writeStream.format("noop").queryName("decisao").option(
            "checkpointLocation", str(tmp_path_factory.mktemp("c"))).trigger(processingTime="500 milliseconds").start()

        def amostras() -> bool:
            assert consulta.isActive, consulta.exception()
            ouvinte.progrediu(progresso("bronze_eventos", observedMetrics={"bronze_eventos": {"linhas": 200}}))
            registrar_resumo(metricas, ResumoLote("prata", 0, 180, 5, {"nulo": 10, "valor_invalido": 5}))
            return _tem_amostras(prometheus)

        _esperar(amostras, "o Prometheus guardar amostras")
        yield prometheus, registro
    finally:
        if consulta is not None:
            consulta.stop()
        spark.streams.removeListener(ouvinte)
        parar_prometheus(cfg_sessao)
        exportador.parar()


def _acelerar(arquivo: Path) -> None:
    arquivo.write_text(arquivo.read_text().replace("5s", "1s").replace("4s", "1s"))


def _tem_amostras(prometheus: Prometheus) -> bool:
    contadas = prometheus.consultar("min(count_over_time(pix_lote_linhas_count[1m]))")
    gravadas = prometheus.consultar("count(pix:taxa_alerta:razao_15m >= 0)")
    return bool(gravadas) and bool(contadas) and float(contadas[0]["value"][1]) >= AMOSTRAS


@pytest.mark.parametrize(("titulo", "expressao"), alvos())
def test_cada_quadro_do_painel_tem_dado(
    medido: tuple[Prometheus, CollectorRegistry], titulo: str, expressao: str
) -> None:
    resultado = medido[0].consultar(expressao)
    assert resultado or titulo in PODEM_SER_VAZIAS, f"{titulo}: vazio"
    assert all(serie["value"][1] != "NaN" for serie in resultado), f"{titulo}: NaN"


def test_cada_regra_e_avaliada_sem_erro(medido: tuple[Prometheus, CollectorRegistry]) -> None:
    grupos = medido[0].pedir("rules")["data"]["groups"]
    avaliadas = [regra for grupo in grupos for regra in grupo["rules"]]
    assert {regra["name"] for regra in avaliadas} == {regra.get("alert") or regra["record"] for regra in regras()}
    assert {regra["health"] for regra in avaliadas} == {"ok"}, [r for r in avaliadas if r["health"] != "ok"]


@pytest.mark.parametrize("regra", [regra for regra in regras() if "alert" in regra], ids=lambda regra: regra["alert"])
def test_cada_alerta_e_uma_consulta_valida(medido: tuple[Prometheus, CollectorRegistry], regra: dict[str, Any]) -> None:
    medido[0].consultar(regra["expr"])


def test_o_que_o_prometheus_guarda_e_o_que_o_registro_conta(medido: tuple[Prometheus, CollectorRegistry]) -> None:
    prometheus, registro = medido
    assert prometheus.valor('up{job="pix",processo="decisao"}') == 1
    assert prometheus.valor('up{job="pix",processo="lago"}') == 0, "aqui só há um exportador"
    antes = registro.get_sample_value("pix_decisoes_total", {"acao": "REJEITAR"}) or 0.0
    _esperar(lambda: prometheus.valor('pix_decisoes_total{acao="REJEITAR"}') >= antes, "a contagem chegar")
    depois = registro.get_sample_value("pix_decisoes_total", {"acao": "REJEITAR"}) or 0.0
    assert antes <= prometheus.valor('pix_decisoes_total{acao="REJEITAR"}') <= depois
    assert antes > 0
    # Por construção: 19 de cada 95 decididos são REJEITAR; três das cinco ações barram R$ 15,00 cada.
    decididos = 'pix_eventos_total{camada="decisao",desfecho="decidido"}'
    assert prometheus.valor(f'pix_decisoes_total{{acao="REJEITAR"}} / on() {decididos}') == pytest.approx(0.2)
    assert prometheus.valor(f"pix_valor_barrado_centavos_total / on() {decididos}") == pytest.approx(900)
    assert prometheus.valor(
        'pix_decisao_latencia_seconds_bucket{le="1.5"} / on() pix_decisao_latencia_seconds_count'
    ) == pytest.approx(76 / 95)
    assert prometheus.valor("pix_ouvinte_erros_total") == 0


def test_o_alvo_que_nao_responde_e_notado(medido: tuple[Prometheus, CollectorRegistry]) -> None:
    [caido] = medido[0].consultar('up{job="pix"} == 0')
    assert caido["metric"]["processo"] == "lago"
    assert medido[0].consultar('absent(up{job="inventado"} == 1)'), "uma expressão sobre nada diz que falta"


def test_uma_consulta_quebrada_seria_vista(medido: tuple[Prometheus, CollectorRegistry]) -> None:
    with pytest.raises(AssertionError, match="error"):
        medido[0].consultar("sum(rate(pix_eventos_total)")
    assert medido[0].consultar("pix_inventada_total") == []
