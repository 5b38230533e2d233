"""`./pix estado`: o que está de pé, onde, e quanto consome."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import psutil

from comandos.apresentacao import console, numero, tabela
from comandos.fluxos import conversa
from plataforma.configuracao import Configuracao
from plataforma.servicos import processo

MIB = 1 << 20


def comando() -> None:
    """Mostra os serviços e os fluxos: se respondem, o endereço, o processo e a memória."""
    linhas = situacoes(Configuracao.do_ambiente())
    console.print(tabela("", ["serviço", "situação", "endereço", "PID", "memória"], linhas))


def situacoes(cfg: Configuracao) -> list[tuple[str, str, str, str, str]]:
    """Uma linha por serviço: nome, situação, endereço, PID e memória do grupo inteiro."""
    from plataforma.servicos import broker, mlflow_servidor, prometheus  # noqa: PLC0415  `--ajuda` não os usa

    return [
        _situacao(broker.NOME, cfg.kafka_servidores, broker.pronto, cfg, alheio=not broker.embutido(cfg)),
        _situacao(
            mlflow_servidor.NOME, cfg.mlflow_uri, mlflow_servidor.pronto, cfg, alheio=not mlflow_servidor.embutido(cfg)
        ),
        _situacao(prometheus.NOME, f"http://127.0.0.1:{cfg.porta_prometheus}", prometheus.pronto, cfg),
        *(_situacao(papel, f"http://127.0.0.1:{porta}/metrics", partial(conversa.pronto, papel=papel), cfg)
          for papel, porta in ((conversa.DECISAO, cfg.porta_metricas), (conversa.LAGO, cfg.porta_metricas_lago))),
    ]


def _situacao(
    nome: str, endereco: str, pronto: Callable[[Configuracao], bool], cfg: Configuracao, *, alheio: bool = False
) -> tuple[str, str, str, str, str]:
    anotado = processo.carregar(nome, cfg)
    if alheio:
        return nome, "alheio, responde" if pronto(cfg) else "alheio, não responde", endereco, "", ""
    if anotado is None:
        return nome, "parado", endereco, "", ""
    if not anotado.vivo():
        return nome, "[red]morto[/] (./pix subir o reinicia)", endereco, "", ""
    situacao = "[green]de pé[/]" if pronto(cfg) else "[yellow]iniciando ou sem resposta[/]"
    return nome, situacao, endereco, str(anotado.pid), f"{numero(_memoria_bytes(anotado) / MIB)} MiB"


def _memoria_bytes(anotado: processo.Processo) -> int:
    total = 0
    for membro in anotado.membros():
        try:
            total += membro.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total
