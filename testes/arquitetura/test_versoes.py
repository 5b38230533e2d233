"""Uma versão, um lugar: ivy.xml e requisitos.lock mandam; o resto concorda."""

from __future__ import annotations

import re
import tomllib
import xml.etree.ElementTree as ET
from typing import Any

import pytest
import yaml

from plataforma.configuracao import RAIZ_PROJETO
from plataforma.jars import ler_somas, versoes

SERVICOS: dict[str, Any] = yaml.safe_load((RAIZ_PROJETO / "docker-compose.yml").read_text())["services"]
PROJETO: dict[str, Any] = tomllib.loads((RAIZ_PROJETO / "pyproject.toml").read_text())["project"]
TEXTO_DA_TRAVA = (RAIZ_PROJETO / "requisitos.lock").read_text()
TRAVA = {nome: versao.rpartition("!")[2] for nome, versao in re.findall(r"^([a-z0-9-]+)==(\S+)", TEXTO_DA_TRAVA, re.M)}


def _etiqueta(servico: str) -> str:
    return str(SERVICOS[servico]["image"].rpartition(":")[2])


def test_kafka_do_compose_e_o_dos_jars() -> None:
    assert _etiqueta("kafka") == versoes().broker


def test_conectores_java_acompanham_os_pacotes_python() -> None:
    assert versoes().conector_kafka == TRAVA["pyspark"]
    assert versoes().delta == TRAVA["delta-spark"]


def test_mlflow_do_compose_vem_da_trava_e_as_tres_partes_concordam() -> None:
    assert len({SERVICOS[nome]["image"] for nome in ("mlflow", "decisao", "lago", "topicos")}) == 1
    assert "-r requisitos.lock" in (RAIZ_PROJETO / "Dockerfile").read_text()
    assert TRAVA["mlflow"] == TRAVA["mlflow-skinny"] == TRAVA["mlflow-tracing"]


def test_a_imagem_leva_a_versao_do_projeto() -> None:
    assert _etiqueta("decisao") == PROJETO["version"]


def test_grafana_do_compose_e_o_do_sdk_que_gera_o_painel() -> None:
    assert _etiqueta("grafana").rsplit(".", 1)[0] == TRAVA["grafana-foundation-sdk"].rsplit(".", 1)[0]


def test_python_da_imagem_e_o_minimo_do_projeto() -> None:
    [imagem] = re.findall(r"^FROM python:(\d+\.\d+)-", (RAIZ_PROJETO / "Dockerfile").read_text(), re.M)
    assert PROJETO["requires-python"] == f">={imagem}"


def test_cada_jar_declarado_tem_soma() -> None:
    com_soma = {caminho.rpartition("/")[2] for caminho in ler_somas()}
    for dependencia in ET.parse(RAIZ_PROJETO / "ivy.xml").iter("dependency"):  # noqa: S314 — arquivo do próprio projeto
        assert f"{dependencia.get('name')}-{dependencia.get('rev')}.jar" in com_soma


@pytest.mark.parametrize("linha", [linha for linha in (RAIZ_PROJETO / "requisitos.in").read_text().splitlines()
                                   if linha and not linha.startswith("#")])
def test_o_que_se_pede_esta_na_trava(linha: str) -> None:
    nome = re.split(r"[=<>]", linha)[0].lower()
    assert nome in TRAVA
    if "==" in linha and "*" not in linha:
        assert TRAVA[nome] == linha.partition("==")[2].rpartition("!")[2]


def test_a_trava_tem_somas_e_nenhum_endereco() -> None:
    assert TEXTO_DA_TRAVA.count("--hash=sha256:") > len(TRAVA)
    assert not re.search(r"https?://|--index-url|--extra-index", TEXTO_DA_TRAVA)
