"""A deriva nas métricas: ausente sem tabela, a última hora com PSI, relida só quando a tabela muda."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from machine_learning.deriva import HORA_US, PONTUACAO
from machine_learning.esquema import OURO_DERIVA
from monitoramento.deriva import DECLARADAS, ColetorDeDeriva
from plataforma.configuracao import Configuracao
from testes.monitoramento.fabrica_deriva import COMECO_US, escrever


def medidas(registro: CollectorRegistry) -> list[float | None]:
    return [registro.get_sample_value(d.nome) for d in DECLARADAS]


def test_a_ultima_hora_com_psi_vira_metrica(cfg: Configuracao) -> None:
    registro = CollectorRegistry()
    ColetorDeDeriva(registro, cfg)
    assert medidas(registro) == [None, None, None]
    escrever(cfg, (1, PONTUACAO, 0.4), (1, "valor_log", 0.9), (30, PONTUACAO, 0.1), (30, "valor_log", 0.2),
             (30, "hora", 5.0), (31, PONTUACAO, None))
    assert medidas(registro) == [0.1, 0.2, (COMECO_US + 30 * HORA_US) / 1e6]
    escrever(cfg, (2, PONTUACAO, 0.3))
    assert medidas(registro) == [0.3, 0.0, (COMECO_US + 2 * HORA_US) / 1e6]


def test_tabela_ilegivel_nao_cala_as_outras(cfg: Configuracao, caplog: pytest.LogCaptureFixture) -> None:
    registro = CollectorRegistry()
    ColetorDeDeriva(registro, cfg)
    log = OURO_DERIVA.caminho(cfg) / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020d}.json").write_text("isto não é um log\n")
    assert b"pix_deriva_psi_maior" in generate_latest(registro)
    assert "não foi possível ler a deriva" in caplog.text
    assert medidas(registro) == [None, None, None]
