"""Monta a pasta de configuração do Prometheus local: os arquivos do projeto e o alvo na porta desta configuração."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Final

from plataforma.configuracao import Configuracao
from plataforma.erros import ErroAmbiente

PASTA: Final = Path(__file__).resolve().parent
ARQUIVOS: Final = ("prometheus.yml", "alertas.yml")
"""Os mesmos que o docker-compose.yml monta."""


def preparar_raspagem(cfg: Configuracao) -> Path:
    """Copia os `ARQUIVOS` e escreve o alvo em `cfg.dados/servicos/prometheus`; devolve o arquivo a dar ao Prometheus.

    Levanta:
        ErroAmbiente: quando a pasta de dados não aceita escrita.
    """
    destino = cfg.caminho("servicos", "prometheus-config")
    alvos = [
        {"targets": [f"127.0.0.1:{porta}"], "labels": {"instancia": cfg.perfil, "processo": processo}}
        for processo, porta in (("decisao", cfg.porta_metricas), ("lago", cfg.porta_metricas_lago))
    ]
    try:
        (destino / "alvos").mkdir(parents=True, exist_ok=True)
        for arquivo in ARQUIVOS:
            shutil.copyfile(PASTA / arquivo, destino / arquivo)
        (destino / "alvos" / "pix.json").write_text(json.dumps(alvos))
    except OSError as erro:
        msg = f"não foi possível escrever em {destino}: {erro.strerror}. Escolha outra pasta com PIX_DADOS"
        raise ErroAmbiente(msg) from erro
    return destino / ARQUIVOS[0]
