"""O Prometheus do sistema (pacote Debian), com a configuração que lhe dão, só em 127.0.0.1."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from plataforma.configuracao import Configuracao
from plataforma.erros import ErroAmbiente
from plataforma.maquina import exigir_gravavel
from plataforma.servicos import processo
from plataforma.servicos.vida import Servico, deixar_de_pe, responde

NOME: Final = "prometheus"
CONSERTO: Final = "apt-get install prometheus (Debian/Ubuntu) ou brew install prometheus (macOS)"
PRAZO_PRONTO_SEGUNDOS: Final = 30
RETENCAO: Final = "15d"


def encontrar_prometheus() -> Path | None:
    """O programa `prometheus` do sistema; nulo = não instalado."""
    achado = shutil.which("prometheus")
    return Path(achado) if achado else None


def exigir_prometheus() -> Path:
    """O caminho do programa.

    Levanta:
        ErroAmbiente: quando não está instalado; diz como instalar.
    """
    achado = encontrar_prometheus()
    if achado is None:
        msg = f"Prometheus não encontrado: {CONSERTO}"
        raise ErroAmbiente(msg)
    return achado


def iniciar_prometheus(cfg: Configuracao, arquivo_config: Path) -> bool:
    """Deixa o Prometheus de pé com `arquivo_config` (e os arquivos que ele referencia). Devolve se o iniciou.

    Levanta:
        ErroAmbiente: quando não está instalado.
        ErroServico: porta ocupada, configuração recusada (o fim do registro diz a linha) ou prazo esgotado.
    """
    return deixar_de_pe(
        Servico(
            NOME, {"PIX_PORTA_PROMETHEUS": cfg.porta_prometheus}, lambda: pronto(cfg), "responder em /-/ready",
            PRAZO_PRONTO_SEGUNDOS, lambda: _preparar(cfg, arquivo_config),
        ),
        cfg,
    )


def _preparar(cfg: Configuracao, arquivo_config: Path) -> list[str]:
    programa = exigir_prometheus()
    dados = cfg.caminho("prometheus")
    exigir_gravavel(dados)
    return [
        str(programa), f"--config.file={arquivo_config}", f"--storage.tsdb.path={dados}",
        f"--storage.tsdb.retention.time={RETENCAO}", f"--web.listen-address=127.0.0.1:{cfg.porta_prometheus}",
        "--log.level=warn",
    ]


def parar_prometheus(cfg: Configuracao) -> bool:
    """Para o Prometheus; as séries ficam. Devolve se ele estava de pé."""
    return processo.parar(NOME, cfg)


def pronto(cfg: Configuracao) -> bool:
    """Se o Prometheus responde em /-/ready."""
    return responde(f"http://127.0.0.1:{cfg.porta_prometheus}/-/ready")
