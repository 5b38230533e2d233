"""`./pix subir`: os serviços locais e os fluxos, de pé e destacados deste terminal."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Final

from comandos.apresentacao import aviso, espera, passo
from comandos.diagnostico import ESSENCIAIS, exigir
from comandos.fluxos import conversa
from comandos.fluxos.conversa import PAPEIS
from plataforma.configuracao import Configuracao
from plataforma.servicos.vida import Servico, deixar_de_pe

PRAZO_FLUXOS_SEGUNDOS: Final = 300
_FASES: Final = {
    (conversa.LAGO, "sessao"): "Abrindo as sessões Spark…",
    (conversa.LAGO, "bronze"): "Gravando a história na bronze…",
    (conversa.LAGO, "prata"): "Validando e tokenizando a história (prata)…",
    (conversa.LAGO, "ouro"): "Calculando os atributos da história (ouro) e treinando o modelo…",
    (conversa.DECISAO, "estado"): "Aquecendo o estado da decisão…",
    (conversa.LAGO, "treino"): "Calibrando e registrando o modelo…",
    (conversa.LAGO, conversa.CONSULTAS): "Iniciando as consultas do lago…",
    (conversa.DECISAO, conversa.CONSULTAS): "Iniciando a decisão, com o estado já quente…",
}
"""O que se diz de cada fase; as outras são passagens."""


def comando() -> None:
    """Sobe o broker, o MLflow, o Prometheus (se instalado) e os fluxos; o que já está de pé é aproveitado."""
    cfg = Configuracao.do_ambiente()
    exigir(cfg, *ESSENCIAIS)
    conversa.esquecer_anuncio(cfg)
    with espera("Subindo os serviços…") as mostrar:
        subir_servicos(cfg, mostrar)
        subir_fluxos(cfg, mostrar)
    passo("Tudo de pé. Veja ./pix estado; mande tráfego com ./pix simular; pare com ./pix parar")


def subir_servicos(cfg: Configuracao, mostrar: Callable[[str], None]) -> None:
    """Deixa de pé o broker (com os tópicos), o MLflow e, se instalado, o Prometheus. Repetir não faz nada.

    Serviços alheios (endereços dados na configuração) são usados como estão.
    """
    from plataforma.servicos import broker, mlflow_servidor, topicos  # noqa: PLC0415  `--ajuda` não os usa

    if broker.embutido(cfg):
        mostrar("Subindo o broker Kafka…")
        broker.iniciar_broker(cfg, mostrar, gravar_classes=True)
    broker.exigir_broker(cfg)
    topicos.criar_topicos(cfg)
    if mlflow_servidor.embutido(cfg):
        mostrar("Subindo o MLflow…")
        mlflow_servidor.iniciar_mlflow(cfg)
    _subir_prometheus(cfg, mostrar)


def subir_fluxos(
    cfg: Configuracao, mostrar: Callable[[str], None], prazo_segundos: float = PRAZO_FLUXOS_SEGUNDOS, *,
    so_preparar_lago: bool = False, cancelar: threading.Event | None = None, papeis: Sequence[str] = PAPEIS,
) -> bool:
    """Deixa de pé os processos dos fluxos e espera suas consultas. Devolve se precisou iniciar algum.

    `mostrar` recebe cada fase que anunciam. Um driver morto é reiniciado dos checkpoints; antes, a JVM que ele deixou
    órfã é morta. Se um não sobe, ou se armam `cancelar`, o que nasceu aqui é parado. `so_preparar_lago`: basta que o
    lago tenha terminado o preparo; suas consultas se iniciam enquanto já se decide. `papeis`: quais processos.

    Levanta:
        ErroServico: se um deles morre ou não fica pronto no prazo; cita o fim do registro.
    """
    mostrar("Subindo os fluxos (Spark)…")
    contar = _contador_de_fases(cfg, mostrar)
    cancelar = cancelar or threading.Event()
    servem = {papel: frozenset({conversa.PRONTO}) for papel in papeis}
    if so_preparar_lago:
        servem[conversa.LAGO] |= {conversa.CONSULTAS}
    with ThreadPoolExecutor(len(papeis)) as grupo:
        subidas = [
            grupo.submit(deixar_de_pe, _servico(papel, cfg, contar, prazo_segundos, servem[papel], cancelar), cfg)
            for papel in papeis
        ]
        try:
            wait(subidas, return_when=FIRST_EXCEPTION)
        finally:
            if not all(subida.done() and subida.exception() is None for subida in subidas):
                cancelar.set()
    return any([subida.result() for subida in sorted(subidas, key=_cancelada)])


def _servico(
    papel: str, cfg: Configuracao, contar: Callable[[], None], prazo_segundos: float, servem: frozenset[str],
    cancelar: threading.Event,
) -> Servico:
    portas = {
        conversa.DECISAO: {"PIX_PORTA_METRICAS": cfg.porta_metricas},
        conversa.LAGO: {"PIX_PORTA_METRICAS_LAGO": cfg.porta_metricas_lago},
    }

    def pronto() -> bool:
        if cancelar.is_set():
            raise _Cancelada
        contar()
        return conversa.estado(cfg, papel).get("fase") in servem

    return Servico(
        papel, portas[papel], pronto, "deixar as consultas ativas", prazo_segundos,
        lambda: _preparar_fluxos(cfg, papel), cfg.para_ambiente(),
    )


class _Cancelada(Exception):
    """O outro processo não subiu, ou o usuário desistiu."""


def _cancelada(subida: Future[bool]) -> bool:
    """Para levantar primeiro a falha que causou as outras."""
    return isinstance(subida.exception(), _Cancelada)


def _contador_de_fases(cfg: Configuracao, mostrar: Callable[[str], None]) -> Callable[[], None]:
    """Mostra cada fase nova de cada processo, uma vez."""
    contadas: set[tuple[str, str]] = set()

    def contar() -> None:
        for papel in PAPEIS:
            fase = str(conversa.estado(cfg, papel).get("fase", ""))
            if (papel, fase) in _FASES and (papel, fase) not in contadas:
                contadas.add((papel, fase))
                mostrar(_FASES[papel, fase])

    return contar


def _preparar_fluxos(cfg: Configuracao, papel: str) -> list[str]:
    conversa.arquivo_estado(cfg, papel).unlink(missing_ok=True)
    return [sys.executable, "-m", "comandos.fluxos", papel]


def _subir_prometheus(cfg: Configuracao, mostrar: Callable[[str], None]) -> None:
    from monitoramento.raspagem import preparar_raspagem  # noqa: PLC0415
    from plataforma.servicos import prometheus  # noqa: PLC0415

    if prometheus.encontrar_prometheus() is None:
        aviso(f"Prometheus não encontrado, as métricas não serão guardadas: {prometheus.CONSERTO}")
        return
    mostrar("Subindo o Prometheus…")
    prometheus.iniciar_prometheus(cfg, preparar_raspagem(cfg))
