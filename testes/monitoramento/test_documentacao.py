"""O que a documentação operacional promete existe."""

import re

import pytest

from comandos.principal import criar_app
from monitoramento.documentacao import ARQUIVO, com_tabela, tabela
from plataforma.configuracao import RAIZ_PROJETO, Configuracao
from plataforma.servicos import broker, prometheus

TEXTO = ARQUIVO.read_text(encoding="utf-8")


def test_a_tabela_de_metricas_e_a_das_metricas() -> None:
    assert tabela() in TEXTO
    assert com_tabela(TEXTO) == TEXTO, "rode python -m monitoramento.documentacao e faça o commit"


@pytest.mark.parametrize("verbo", sorted(set(re.findall(r"\./pix ([a-z]+)", TEXTO))))
def test_cada_verbo_citado_existe(verbo: str) -> None:
    assert verbo in {comando.name for comando in criar_app().registered_commands}


def test_todo_verbo_esta_na_tabela() -> None:
    for comando in criar_app().registered_commands:
        assert f"| `./pix {comando.name}` |" in TEXTO


@pytest.mark.parametrize("variavel", sorted(set(re.findall(r"`PIX_([A-Z_]+)", TEXTO))))
def test_cada_variavel_citada_e_um_campo(variavel: str) -> None:
    assert variavel.lower() in Configuracao.__dataclass_fields__


def test_portas_e_retencoes_sao_as_do_codigo() -> None:
    cfg = Configuracao(chave_tokens=b"x" * 32)
    for porta in (cfg.porta_kafka, cfg.porta_mlflow, cfg.porta_metricas, cfg.porta_prometheus, cfg.porta_spark_ui):
        assert f"127.0.0.1:{porta}" in TEXTO
    assert f"| {broker.RETENCAO_HORAS} h |" in TEXTO
    assert f"| {prometheus.RETENCAO.removesuffix('d')} dias |" in TEXTO


def test_cada_arquivo_citado_existe() -> None:
    for caminho in re.findall(r"`((?:monitoramento|plataforma|docs)/[\w./]+)`", TEXTO):
        assert (RAIZ_PROJETO / caminho).exists(), caminho


def test_a_doc_diz_que_o_compose_nao_foi_iniciado() -> None:
    plano = " ".join(TEXTO.split())
    assert "compose é conferido por linters; não foi iniciado aqui (sem motor Docker)" in plano
