"""MLflow e Prometheus reais, em portas livres."""

from __future__ import annotations

import json
import socket
import urllib.request
from pathlib import Path

import pytest

from plataforma.configuracao import Configuracao
from plataforma.erros import ErroAmbiente, ErroServico
from plataforma.servicos import mlflow_servidor, processo, prometheus


@pytest.mark.servico
def test_mlflow_sobe_serve_e_para(cfg: Configuracao) -> None:
    try:
        assert mlflow_servidor.iniciar_mlflow(cfg)
        assert not mlflow_servidor.iniciar_mlflow(cfg)
        assert cfg.caminho("mlflow", "mlflow.db").exists()
        servidor = processo.carregar(mlflow_servidor.NOME, cfg)
        assert servidor is not None
    finally:
        assert mlflow_servidor.parar_mlflow(cfg)
    assert servidor.membros() == []
    assert not mlflow_servidor.pronto(cfg)


def test_porta_do_mlflow_ocupada(cfg: Configuracao) -> None:
    with socket.socket() as tomada:
        tomada.bind(("127.0.0.1", cfg.porta_mlflow))
        tomada.listen()
        with pytest.raises(ErroServico, match="PIX_PORTA_MLFLOW"):
            mlflow_servidor.iniciar_mlflow(cfg)


@pytest.mark.servico
def test_prometheus_sobe_com_a_configuracao_dada(cfg: Configuracao, tmp_path: Path) -> None:
    if prometheus.encontrar_prometheus() is None:
        pytest.skip(f"Prometheus não instalado: {prometheus.CONSERTO}")
    config = tmp_path / "prometheus.yml"
    config.write_text("global: {scrape_interval: 1s}\nscrape_configs: []\n")
    try:
        assert prometheus.iniciar_prometheus(cfg, config)
        endereco = f"http://127.0.0.1:{cfg.porta_prometheus}/api/v1/query?query=1%2B1"
        with urllib.request.urlopen(endereco, timeout=5) as resposta:
            assert json.load(resposta)["data"]["result"][1] == "2"
    finally:
        prometheus.parar_prometheus(cfg)


@pytest.mark.servico
def test_configuracao_invalida_do_prometheus_mostra_a_linha(cfg: Configuracao, tmp_path: Path) -> None:
    if prometheus.encontrar_prometheus() is None:
        pytest.skip(f"Prometheus não instalado: {prometheus.CONSERTO}")
    config = tmp_path / "prometheus.yml"
    config.write_text("nao_existe: 1\n")
    with pytest.raises(ErroServico, match="nao_existe"):
        prometheus.iniciar_prometheus(cfg, config)


def test_sem_prometheus_diz_como_instalar(cfg: Configuracao, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus.shutil, "which", lambda nome: None)
    with pytest.raises(ErroAmbiente, match="apt-get install prometheus"):
        prometheus.iniciar_prometheus(cfg, Path("/nada.yml"))
