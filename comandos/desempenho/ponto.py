"""Um ponto: tráfego em taxa fixa, que nunca espera pelo sistema, e o que se viu do outro lado."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import psutil

from comandos.desempenho.carga import Carga, Conta
from comandos.desempenho.leitor import Leitor, Leitura, Ler, decisao
from comandos.desempenho.recursos import Gasto, Recursos
from ingestao.fluxo import CONSULTA_EVENTOS
from ingestao.produtor import Resultado
from ingestao.remessa import Remessa
from machine_learning.decisoes_lago import CONSULTA as CONSULTA_DECISOES
from machine_learning.fluxo import CONSULTA
from monitoramento.exportador import ler_metricas
from plataforma.configuracao import Configuracao
from processamento.fluxo import CONSULTA_PRATA

CADA_S: Final = 1.0
LAGO_CADA: Final = 5
PRAZO_SEM_PROGRESSO_S: Final = 60.0
SEGUNDO_US: Final = 1_000_000
_LINHAS: Final = "pix_lote_linhas_sum"
CONSULTAS_DO_LAGO: Final = (CONSULTA_EVENTOS, CONSULTA_PRATA, CONSULTA_DECISOES)
_SOMAS: Final = {"pix_lote_duracao_seconds_sum": None, "pix_lote_linhas_count": "lotes", _LINHAS: "linhas"}
"""As métricas que se somam e com que nome; None = o da fase."""
PERCENTIS: Final = {"p50_ms": 50.0, "p95_ms": 95.0, "p99_ms": 99.0, "p999_ms": 99.9, "max_ms": 100.0}


@dataclass(frozen=True)
class Instante:
    """Uma amostra do andamento: segundos desde o começo do envio, decisões pedidas até ali e decisões lidas.

    `por_gravar`: com o lago ao lado, quantas das pedidas cada consulta dele ainda não gravou; uma a cada `LAGO_CADA`
    amostras.
    """

    segundo: float
    pedidas: int
    lidas: int
    por_gravar: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Medicao:
    """O que um ponto mostrou.

    Args:
        taxa: Pix por segundo oferecidos; 0 = tudo de uma vez.
        decididos, perdidos, dobrados: decisões distintas, Pix sem decisão e decisões a mais.
        latencia: percentis em ms, só do que foi enviado depois do aquecimento.
        gastos: por processo medido; `medicao` é a CPU de quem envia e de quem lê.
        fases: média em ms de cada fase do micro-lote (`durationMs` do Spark); `linhas` por micro-lote.
        andamento: uma amostra por segundo. `atraso_final`: decisões por sair quando o envio acabou.
    """

    taxa: float
    oferecidos: int
    decididos: int
    perdidos: int
    dobrados: int
    latencia: dict[str, float]
    duracao_s: float
    gastos: dict[str, Gasto]
    medicao_cpu_s: float
    fases: dict[str, float]
    lotes: int
    andamento: list[Instante]
    atraso_final: int
    envio: Resultado
    leitura: Leitura
    inicio_us: int


def medir(
    cfg: Configuracao, conta: Conta, taxa: float, aquecimento_s: float, papeis: Sequence[str], topico: str,
    *, fases: Callable[[], dict[str, float]] | None = None, ler: Ler = decisao,
    gravados: Callable[[], dict[str, float]] | None = None,
) -> Medicao:
    """Envia a carga e espera todas as decisões.

    Args:
        cfg: broker e tópicos.
        conta: a carga, já gravada.
        taxa: Pix por segundo; 0 = o mais depressa que der.
        aquecimento_s: o que se envia antes disto não entra nos percentis.
        papeis: serviços de que se mede CPU e memória.
        topico: onde as decisões (ou as cópias, nas bases de comparação) são lidas.
        fases: de onde ler a soma das fases dos micro-lotes; por padrão, as métricas da decisão.
        ler: como se lê cada mensagem do tópico.
        gravados: registros que cada consulta do lago gravou até agora (`gravados_no_lago`); None = sem lago.

    Levanta:
        ErroServico: o envio ou a leitura falharam.
    """
    ler_fases = fases or partial(fases_da_decisao, cfg)
    antes, cpu_antes = ler_fases(), _cpu_propria()
    with Leitor(cfg, topico, ler) as leitor, Recursos(cfg, papeis) as recursos:
        with Remessa(cfg, partial(Carga, conta.arquivo, taxa)) as remessa:
            inicio_us, inicio = time.time_ns() // 1_000, time.monotonic()
            andamento = _acompanhar(remessa, leitor, conta, gravados)
            entrega = remessa.esperar()
        atraso = max(conta.decisoes - leitor.lidas, 0)
        esperar_decisoes(leitor, conta.decisoes)
        duracao = time.monotonic() - inicio
        leitura = leitor.leitura()
    unicas = leitura.unicas()
    medias, lotes = _medias(antes, ler_fases())
    quentes = unicas.latencias_ms()[unicas.enviado_us >= inicio_us + round(aquecimento_s * SEGUNDO_US)]
    return Medicao(
        taxa, conta.eventos, unicas.posicao.size, max(conta.decisoes - unicas.posicao.size, 0),
        leitura.posicao.size - unicas.posicao.size, percentis(quentes), duracao, recursos.gastos(),
        _cpu_propria() - cpu_antes, medias, lotes, andamento, atraso, entrega.resultado, unicas, inicio_us,
    )


def _acompanhar(
    remessa: Remessa, leitor: Leitor, conta: Conta, gravados: Callable[[], dict[str, float]] | None
) -> list[Instante]:
    """Começa o envio e o olha a cada `CADA_S`, até que acabe."""
    gravados_antes, andamento = gravados() if gravados else {}, list[Instante]()
    inicio = time.monotonic()
    remessa.comecar()
    while not remessa.terminou():
        threading.Event().wait(CADA_S)
        enviada = remessa.enviados / max(conta.eventos + conta.rotulos, 1)
        pedidas = round(min(1.0, enviada) * conta.decisoes)
        olhar = gravados if len(andamento) % LAGO_CADA == LAGO_CADA - 1 else None
        por_gravar = faltam(pedidas, gravados_antes, olhar()) if olhar else None
        andamento.append(Instante(time.monotonic() - inicio, pedidas, leitor.lidas, por_gravar))
    return andamento


def percentis(latencias_ms: np.ndarray[tuple[int], np.dtype[np.float64]]) -> dict[str, float]:
    """Os percentis do relatório, em ms; vazio sem amostra."""
    if not latencias_ms.size:
        return {}
    return {nome: round(float(np.percentile(latencias_ms, p)), 1) for nome, p in PERCENTIS.items()}


def fases_da_decisao(cfg: Configuracao) -> dict[str, float]:
    """Segundos somados por fase dos micro-lotes da decisão até agora, e `lotes`, das métricas do processo."""
    somas: dict[str, float] = {}
    for nome, rotulos, valor in ler_metricas(cfg.endereco_metricas, cfg.porta_metricas):
        if rotulos.get("consulta") == CONSULTA and nome in _SOMAS:
            somas[_SOMAS[nome] or rotulos["fase"]] = valor
    return somas


def gravados_no_lago(cfg: Configuracao) -> dict[str, float]:
    """Registros que cada consulta do lago, do tópico à prata e às decisões, gravou desde que o processo nasceu."""
    amostras = ler_metricas(cfg.endereco_metricas, cfg.porta_metricas_lago)
    return dict.fromkeys(CONSULTAS_DO_LAGO, 0.0) | {  # quem ainda não fechou um lote não tem métrica
        rotulos["consulta"]: valor for nome, rotulos, valor in amostras
        if nome == _LINHAS and rotulos.get("consulta") in CONSULTAS_DO_LAGO
    }


def faltam(pedidas: int, antes: Mapping[str, float], agora: Mapping[str, float]) -> dict[str, int]:
    """De `pedidas`, quantas cada consulta ainda não gravou, pelo que já gravara antes do envio e gravou até agora.

    Rótulos, que têm consultas suas, e isentos, que não pedem decisão, não contam.
    """
    return {nome: max(round(pedidas - (ate - antes.get(nome, 0.0))), 0) for nome, ate in agora.items()}


def _medias(antes: dict[str, float], depois: dict[str, float]) -> tuple[dict[str, float], int]:
    lotes = int(depois.get("lotes", 0) - antes.get("lotes", 0))
    if not lotes:
        return {}, 0
    medias = {
        fase: round((valor - antes.get(fase, 0.0)) / lotes * (1 if fase == "linhas" else 1_000), 1)
        for fase, valor in depois.items() if fase != "lotes"
    }
    return medias, lotes


def esperar_decisoes(leitor: Leitor, esperadas: int) -> None:
    """Até chegarem todas, ou até nada chegar por um bom tempo: o que faltar conta como perdido."""
    vistas, desde = leitor.lidas, time.monotonic()
    while leitor.lidas < esperadas and time.monotonic() - desde < PRAZO_SEM_PROGRESSO_S:
        threading.Event().wait(CADA_S / 5)
        if leitor.lidas != vistas:
            vistas, desde = leitor.lidas, time.monotonic()


def _cpu_propria() -> float:
    """CPU deste processo (que lê) e dos filhos que já saíram (que enviaram), em segundos."""
    tempos = psutil.Process(os.getpid()).cpu_times()
    return float(tempos.user + tempos.system + tempos.children_user + tempos.children_system)
