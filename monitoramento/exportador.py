"""Mostra o registro de métricas em uma porta de loopback, para o Prometheus raspar, e lê o que um processo mostra."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, disable_created_metrics, start_http_server
from prometheus_client.parser import text_string_to_metric_families

from monitoramento.deriva import ColetorDeDeriva
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroServico

LOOPBACK = "127.0.0.1"
ESPERA_PARADA_SEGUNDOS = 5
PRAZO_LEITURA_SEGUNDOS = 10


@dataclass(frozen=True)
class Exportador:
    """O servidor de métricas no ar. Em `url` está a página que o Prometheus lê."""

    servidor: WSGIServer
    linha: Thread
    url: str

    def parar(self) -> None:
        """Fecha a porta e espera a linha de execução acabar."""
        self.servidor.shutdown()
        self.servidor.server_close()
        self.linha.join(ESPERA_PARADA_SEGUNDOS)


def iniciar_exportador(cfg: Configuracao, registro: CollectorRegistry) -> Exportador:
    """Serve `registro` e a deriva gravada no lago em `cfg.endereco_metricas:cfg.porta_metricas`.

    O endereço só não é loopback em contêiner.

    Levanta:
        ErroServico: quando a porta está ocupada ou o endereço não é desta máquina.
    """
    disable_created_metrics()  # type: ignore[no-untyped-call]
    if cfg.perfil != "databricks":  # lá a tabela não é uma pasta
        ColetorDeDeriva(registro, cfg)
    endereco = getattr(cfg, "endereco_metricas", LOOPBACK)
    try:
        servidor, linha = start_http_server(cfg.porta_metricas, endereco, registro)
    except OSError as erro:
        msg = (
            f"as métricas não subiram em {endereco}:{cfg.porta_metricas}: {erro.strerror or erro}. "
            "Pare quem usa a porta (./pix parar) ou escolha outra com PIX_PORTA_METRICAS"
        )
        raise ErroServico(msg) from erro
    return Exportador(servidor, linha, f"http://{endereco}:{cfg.porta_metricas}/metrics")


def ler_metricas(endereco: str, porta: int) -> Iterator[tuple[str, dict[str, str], float]]:
    """Cada amostra que um processo nosso mostra agora: nome, rótulos e valor.

    Levanta:
        ErroServico: ninguém responde na porta.
    """
    try:
        with urllib.request.urlopen(f"http://{endereco}:{porta}/metrics", timeout=PRAZO_LEITURA_SEGUNDOS) as resposta:
            texto = resposta.read().decode()
    except OSError as erro:
        msg = f"as métricas não respondem em {endereco}:{porta} ({erro}): veja ./pix estado"
        raise ErroServico(msg) from erro
    for familia in text_string_to_metric_families(texto):
        for amostra in familia.samples:
            yield amostra.name, amostra.labels, amostra.value


def registro_novo() -> CollectorRegistry:
    """Um registro vazio de métricas: um por processo, nunca o global da biblioteca."""
    return CollectorRegistry()
