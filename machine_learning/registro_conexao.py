"""A conexão com o MLflow: um cliente de espera curta, e falhas que viram um erro com saída."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from plataforma.configuracao import Configuracao
from plataforma.erros import ErroServico
from plataforma.maquina import definir_ambiente

if TYPE_CHECKING:
    from mlflow import MlflowClient

AUSENTE: Final = "RESOURCE_DOES_NOT_EXIST"
"""Código de erro do que não existe no servidor."""
_AMBIENTE_MLFLOW: Final = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
"""De fábrica o cliente insiste por minutos com um servidor que não existe."""
_MAXIMO_RESUMO: Final = 200


def abrir_cliente(cfg: Configuracao) -> MlflowClient:
    """Um cliente do MLflow de `cfg`."""
    definir_ambiente(_AMBIENTE_MLFLOW)
    from mlflow import MlflowClient  # noqa: PLC0415 — 1 s de importação que só quem registra paga

    return MlflowClient(cfg.mlflow_uri, cfg.mlflow_uri)


@contextlib.contextmanager
def traduzir(cfg: Configuracao) -> Iterator[None]:
    """Falhas do MLflow viram um erro do usuário, com a saída; a espera é curta e sem repetições demoradas.

    Levanta:
        ErroServico: MLflow fora do ar ou que recusa.
    """
    from mlflow.exceptions import MlflowException  # noqa: PLC0415
    from requests.exceptions import RequestException  # noqa: PLC0415

    try:
        yield
    except (MlflowException, RequestException, OSError) as erro:
        msg = f"o MLflow em {cfg.mlflow_uri} não atendeu ({_resumo(erro)}); inicie-o com ./pix subir"
        raise ErroServico(msg) from erro


def _resumo(erro: Exception) -> str:
    texto = " ".join(str(erro).split())
    return texto if len(texto) <= _MAXIMO_RESUMO else texto[:_MAXIMO_RESUMO] + "…"
