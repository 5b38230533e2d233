"""`./pix subir`: os serviços locais e os fluxos, de pé e destacados deste terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from comandos.apresentacao import aviso, espera, passo
from comandos.diagnostico import ESSENCIAIS, exigir
from plataforma.configuracao import Configuracao
from plataforma.servicos import processo
from plataforma.servicos.vida import Servico, deixar_de_pe

FLUXOS: Final = "fluxos"
PRAZO_FLUXOS_SEGUNDOS: Final = 300


def comando() -> None:
    """Sobe o broker, o MLflow, o Prometheus (se instalado) e os fluxos; o que já está de pé é aproveitado."""
    cfg = Configuracao.do_ambiente()
    exigir(cfg, *ESSENCIAIS)
    with espera("Subindo os serviços…") as mostrar:
        subir_servicos(cfg, mostrar)
        subir_fluxos(cfg, mostrar)
    passo("Tudo de pé. Veja ./pix estado; mande tráfego com ./pix simular; pare com ./pix parar")


def subir_servicos(cfg: Configuracao, mostrar: Callable[[str], None]) -> None:
    """Deixa de pé o broker (com os tópicos), o MLflow e, se instalado, o Prometheus. Repetir não faz nada.

    Serviços alheios (endereços dados na configuração) são usados como estão.
    """
    from plataforma.servicos import broker, mlflow_servidor  # noqa: PLC0415  `--ajuda` não os usa

    if broker.embutido(cfg):
        mostrar("Subindo o broker Kafka…")
        broker.iniciar_broker(cfg, mostrar, gravar_classes=True)
    broker.exigir_broker(cfg)
    broker.criar_topicos(cfg)
    if mlflow_servidor.embutido(cfg):
        mostrar("Subindo o MLflow…")
        mlflow_servidor.iniciar_mlflow(cfg)
    _subir_prometheus(cfg, mostrar)


def subir_fluxos(
    cfg: Configuracao, mostrar: Callable[[str], None], prazo_segundos: float = PRAZO_FLUXOS_SEGUNDOS
) -> bool:
    """Deixa de pé o driver dos fluxos (`comandos.fluxos`) e espera suas consultas. Devolve se precisou iniciá-lo.

    `mostrar` recebe cada fase que o driver anuncia. Um driver morto é reiniciado dos checkpoints; antes, a JVM que
    ele deixou órfã é morta.

    Levanta:
        ErroServico: se ele morre ou não fica pronto no prazo; cita o fim do registro.
    """
    mostrar("Subindo os fluxos (Spark)…")
    return deixar_de_pe(
        Servico(
            FLUXOS, {"PIX_PORTA_METRICAS": cfg.porta_metricas}, _prontos_contando(cfg, mostrar),
            "deixar as consultas ativas", prazo_segundos, lambda: _preparar_fluxos(cfg), cfg.para_ambiente(),
        ),
        cfg,
    )


def arquivo_estado_fluxos(cfg: Configuracao) -> Path:
    """Onde `comandos.fluxos` diz a fase: `{"pid": …, "fase": "…", "pronto": …}`; pronto = consultas ativas."""
    return cfg.caminho("servicos", f"{FLUXOS}.estado.json")


def fluxos_prontos(cfg: Configuracao) -> bool:
    """Se o driver anotado escreveu que está pronto (um arquivo de um driver anterior não conta)."""
    return bool(estado_fluxos(cfg).get("pronto"))


def estado_fluxos(cfg: Configuracao) -> dict[str, Any]:
    """O que o driver anotado publicou; vazio se ainda nada, ou se o arquivo é de um driver anterior."""
    anotado = processo.carregar(FLUXOS, cfg)
    try:
        estado = json.loads(arquivo_estado_fluxos(cfg).read_text())
    except (OSError, ValueError):
        return {}
    return estado if anotado is not None and estado.get("pid") == anotado.pid else {}


def _prontos_contando(cfg: Configuracao, mostrar: Callable[[str], None]) -> Callable[[], bool]:
    contadas: list[str] = []

    def prontos() -> bool:
        estado = estado_fluxos(cfg)
        fase = str(estado.get("fase", ""))
        if fase and fase not in contadas:
            contadas.append(fase)
            mostrar(f"Subindo os fluxos: {fase}…")
        return bool(estado.get("pronto"))

    return prontos


def _preparar_fluxos(cfg: Configuracao) -> list[str]:
    arquivo_estado_fluxos(cfg).unlink(missing_ok=True)
    return [sys.executable, "-m", "comandos.fluxos"]


def _subir_prometheus(cfg: Configuracao, mostrar: Callable[[str], None]) -> None:
    from monitoramento.raspagem import preparar_raspagem  # noqa: PLC0415
    from plataforma.servicos import prometheus  # noqa: PLC0415

    if prometheus.encontrar_prometheus() is None:
        aviso(f"Prometheus não encontrado, as métricas não serão guardadas: {prometheus.CONSERTO}")
        return
    mostrar("Subindo o Prometheus…")
    prometheus.iniciar_prometheus(cfg, preparar_raspagem(cfg))
