import urllib.request
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry

from monitoramento.exportador import iniciar_exportador
from monitoramento.metricas import criar_metricas
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroServico


def _ler(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as resposta:  # noqa: S310
        return str(resposta.read().decode())


def test_mostra_o_registro_em_loopback_e_para(cfg: Configuracao) -> None:
    registro = CollectorRegistry()
    criar_metricas(registro)
    exportador = iniciar_exportador(cfg, registro)
    try:
        assert exportador.url == f"http://127.0.0.1:{cfg.porta_metricas}/metrics"
        assert "pix_ouvinte_erros_total 0.0" in _ler(exportador.url)
        assert "_created" not in _ler(exportador.url)
    finally:
        exportador.parar()
    with pytest.raises(OSError, match="refused"):
        _ler(exportador.url)


def test_porta_ocupada_diz_a_porta_e_a_saida(cfg: Configuracao, fazer_cfg: Callable[..., Configuracao]) -> None:
    exportador = iniciar_exportador(cfg, CollectorRegistry())
    try:
        with pytest.raises(ErroServico, match=rf"{cfg.porta_metricas}.*PIX_PORTA_METRICAS"):
            iniciar_exportador(cfg, CollectorRegistry())
    finally:
        exportador.parar()
