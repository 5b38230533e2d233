"""O servidor MLflow local: sqlite e artefatos na pasta de dados, só em 127.0.0.1."""

from __future__ import annotations

import sys
from typing import Final

from plataforma.configuracao import Configuracao
from plataforma.maquina import exigir_gravavel
from plataforma.servicos import processo
from plataforma.servicos.vida import Servico, deixar_de_pe, responde

NOME: Final = "mlflow"
PRAZO_PRONTO_SEGUNDOS: Final = 120
_AMBIENTE: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}


def embutido(cfg: Configuracao) -> bool:
    """Se a configuração usa o servidor que nós iniciamos, e não um alheio."""
    return cfg.perfil == "local" and cfg.mlflow_uri == f"http://127.0.0.1:{cfg.porta_mlflow}"


def iniciar_mlflow(cfg: Configuracao) -> bool:
    """Deixa o servidor MLflow local de pé e respondendo. Devolve se precisou iniciá-lo.

    Levanta:
        ErroServico: porta ocupada por outro programa, ou servidor que morre ou não responde no prazo.
    """
    return deixar_de_pe(
        Servico(
            NOME, {"PIX_PORTA_MLFLOW": cfg.porta_mlflow}, lambda: pronto(cfg), "responder em /health",
            PRAZO_PRONTO_SEGUNDOS, lambda: _preparar(cfg), _AMBIENTE,
        ),
        cfg,
    )


def _preparar(cfg: Configuracao) -> list[str]:
    pasta = cfg.caminho("mlflow")
    exigir_gravavel(pasta)
    return [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(cfg.porta_mlflow),
        "--backend-store-uri", f"sqlite:///{pasta / 'mlflow.db'}",
        "--artifacts-destination", (pasta / "artefatos").as_uri(), "--workers", "1",
    ]


def parar_mlflow(cfg: Configuracao) -> bool:
    """Para o servidor; os registros ficam. Devolve se ele estava de pé."""
    return processo.parar(NOME, cfg)


def pronto(cfg: Configuracao) -> bool:
    """Se o servidor responde 200 em /health."""
    return responde(f"http://127.0.0.1:{cfg.porta_mlflow}/health")
