"""`./pix limpar`: para tudo e apaga os dados que o projeto criou; ambiente e jars ficam."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from typing import Annotated, Final

import typer

from comandos.apresentacao import console, espera, passo
from comandos.parar import parar_tudo
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroConfiguracao

PASTAS: Final = (
    "tabelas", "checkpoints", "kafka", "mlflow", "prometheus", "servicos", "modelos", "armazem", "segredos", "estado",
    "cache", "trafego", "simulador", "importacao", "ensaio",
    "bancada",
)
"""Só o que o projeto cria: nunca a pasta inteira, que pode ser uma escolhida pelo usuário."""


def comando(
    sim: Annotated[bool, typer.Option("--sim", help="Não pergunta: apaga.")] = False,
) -> None:
    """Para tudo e apaga tabelas, tópicos, modelos, checkpoints e a chave local; ambiente e jars ficam."""
    cfg = Configuracao.do_ambiente()
    existentes = [cfg.caminho(nome) for nome in PASTAS if cfg.caminho(nome).exists()]
    if not existentes:
        passo(f"Nada a apagar em {cfg.dados}.")
        return
    if not sim:
        _confirmar(f"Apagar {', '.join(pasta.name for pasta in existentes)} de {cfg.dados}? [s/N] ")
    with espera("Parando e apagando…") as mostrar:
        parar_tudo(cfg, mostrar)
        apagar_dados(cfg)
    passo(f"Apagado. {cfg.dados} está como no primeiro uso.")


def apagar_dados(cfg: Configuracao, manter: Collection[str] = ()) -> None:
    """Apaga as pastas do projeto, menos as de `manter`, e o cache da decisão; tudo deve estar parado."""
    from machine_learning.ensaio import a_parte  # noqa: PLC0415 — pyspark: `--ajuda` não o usa
    from machine_learning.fluxo import apagar_cache  # noqa: PLC0415

    apagar_cache(cfg)
    apagar_cache(a_parte(cfg))
    for nome in PASTAS:
        if nome not in manter and cfg.caminho(nome).exists():
            shutil.rmtree(cfg.caminho(nome))


def _confirmar(pergunta: str) -> None:
    try:
        resposta = console.input(pergunta, markup=False)
    except EOFError:
        resposta = ""
    if resposta.strip().lower() not in {"s", "sim"}:
        msg = "nada foi apagado: responda s, ou use ./pix limpar --sim"
        raise ErroConfiguracao(msg)
