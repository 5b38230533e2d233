import re

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from monitoramento.metricas import DESFECHOS, Metricas, criar_metricas, registrar_lote
from processamento.qualidade import MotivoQuarentena

UNIDADES = ("_seconds", "_bytes", "_total", "_info", "_registros", "_linhas", "_ativas", "pix_pontuacao")
ROTULOS_PERMITIDOS = {
    "camada", "desfecho", "motivo", "acao", "consulta", "fase", "estatistica", "modelo_versao", "nome", "versao",
    "regras_versao", "spark", "delta", "python",
}


@pytest.fixture
def registro() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metricas(registro: CollectorRegistry) -> Metricas:
    return criar_metricas(registro)


def test_cada_metrica_tem_prefixo_unidade_e_ajuda(metricas: Metricas) -> None:
    for declarada in metricas.declaradas:
        assert re.fullmatch(r"pix_[a-z_]+", declarada.nome)
        assert declarada.nome.endswith(UNIDADES), declarada.nome
        assert declarada.nome.endswith("_total") == (declarada.tipo == "counter"), declarada.nome
        assert declarada.ajuda.endswith(".")


def test_cada_metrica_e_declarada_uma_so_vez(metricas: Metricas) -> None:
    nomes = [declarada.nome for declarada in metricas.declaradas]
    assert len(nomes) == len(set(nomes))


def test_o_catalogo_e_o_que_o_registro_mostra(metricas: Metricas, registro: CollectorRegistry) -> None:
    expostas = {familia.name for familia in text_string_to_metric_families(generate_latest(registro).decode())}
    assert {declarada.nome.removesuffix("_total") for declarada in metricas.declaradas} == {
        nome.removesuffix("_total") for nome in expostas
    }


def test_rotulos_sao_os_permitidos(metricas: Metricas) -> None:
    usados = {rotulo for declarada in metricas.declaradas for rotulo in declarada.rotulos}
    assert usados == ROTULOS_PERMITIDOS


def test_listas_fechadas_nascem_em_zero(metricas: Metricas, registro: CollectorRegistry) -> None:
    for motivo in MotivoQuarentena:
        assert registro.get_sample_value("pix_quarentena_total", {"motivo": motivo.value}) == 0
    for camada, desfechos in DESFECHOS.items():
        for desfecho in desfechos:
            assert registro.get_sample_value("pix_eventos_total", {"camada": camada, "desfecho": desfecho}) == 0
    assert registro.get_sample_value("pix_decisoes_total", {"acao": "REJEITAR"}) == 0


def test_versoes_em_uso(metricas: Metricas, registro: CollectorRegistry) -> None:
    [amostra] = [a for familia in registro.collect() if familia.name == "pix_build_info" for a in familia.samples]
    assert amostra.labels["versao"]
    assert amostra.labels["spark"].startswith("4.1")


def test_lote_registrado_por_fora_soma_ou_e_recusado_inteiro(metricas: Metricas, registro: CollectorRegistry) -> None:
    registrar_lote(metricas, "prata", {"valido": 10, "duplicado": 2})
    with pytest.raises(ValueError, match="prata/perdido"):
        registrar_lote(metricas, "prata", {"valido": 1, "perdido": 1})
    assert registro.get_sample_value("pix_eventos_total", {"camada": "prata", "desfecho": "valido"}) == 10
