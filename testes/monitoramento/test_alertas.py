"""Cada alerta dispara quando deve, cala quando deve, e leva a uma seção que diz o que fazer. Pelo promtool real."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from monitoramento.raspagem import preparar_raspagem
from plataforma.configuracao import RAIZ_PROJETO, Configuracao
from testes.monitoramento.promql import PASTA, regras

ALERTAS = {regra["alert"]: regra for regra in regras() if "alert" in regra}
CASOS = [caso for teste in yaml.safe_load((PASTA / "alertas_teste.yml").read_text())["tests"]
         for caso in teste["alert_rule_test"]]


@pytest.fixture
def promtool() -> str:
    achado = shutil.which("promtool")
    if achado is None:
        pytest.skip("falta o promtool: apt-get install prometheus (Debian/Ubuntu) ou brew install prometheus (macOS)")
    return achado


def _rodar(*comando: str) -> None:
    feito = subprocess.run(comando, capture_output=True, text=True, check=False, timeout=120)
    assert feito.returncode == 0, feito.stdout + feito.stderr


def test_casos_dos_alertas_pelo_promtool(promtool: str) -> None:
    _rodar(promtool, "test", "rules", str(PASTA / "alertas_teste.yml"))


def test_regras_sem_reparo_do_promtool(promtool: str) -> None:
    _rodar(promtool, "check", "rules", "--lint=all", "--lint-fatal", str(PASTA / "alertas.yml"))


def test_configuracao_preparada_e_valida_e_aponta_a_porta(promtool: str, cfg: Configuracao) -> None:
    arquivo = preparar_raspagem(cfg)
    _rodar(promtool, "check", "config", str(arquivo))
    for porta in (cfg.porta_metricas, cfg.porta_metricas_lago):
        assert f'"127.0.0.1:{porta}"' in (arquivo.parent / "alvos/pix.json").read_text()
    assert preparar_raspagem(cfg) == arquivo, "repetir não muda nada"


def test_alvo_versionado_e_o_da_porta_padrao() -> None:
    cfg = Configuracao(dados=Path())
    for porta in (cfg.porta_metricas, cfg.porta_metricas_lago):
        assert f'"127.0.0.1:{porta}"' in (PASTA / "alvos/pix.json").read_text()


@pytest.mark.parametrize("nome", ALERTAS)
def test_cada_alerta_tem_caso_que_dispara_e_caso_quieto(nome: str) -> None:
    meus = [bool(caso.get("exp_alerts")) for caso in CASOS if caso["alertname"] == nome]
    assert True in meus, f"{nome}: nenhum caso dispara"
    assert False in meus, f"{nome}: nenhum caso fica quieto"


@pytest.mark.parametrize("nome", ALERTAS)
def test_cada_alerta_diz_gravidade_e_o_que_fazer(nome: str) -> None:
    regra = ALERTAS[nome]
    assert regra["labels"]["gravidade"] in {"pagina", "aviso"}
    arquivo, _, ancora = regra["annotations"]["runbook_url"].partition("#")
    assert ancora == nome.lower()
    texto = (RAIZ_PROJETO / arquivo).read_text()
    [secao] = re.findall(rf"^### {nome}\n(.*?)(?=^##|\Z)", texto, re.MULTILINE | re.DOTALL)
    assert len(secao.strip()) > 80, f"{nome}: a seção não diz o que fazer"


def test_casos_falam_de_alertas_que_existem() -> None:
    assert {caso["alertname"] for caso in CASOS} == set(ALERTAS)
