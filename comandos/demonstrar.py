"""`./pix demonstrar`: o caminho inteiro em um comando, de um disco vazio a um relatório conferido."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from comandos.apresentacao import console, passo
from comandos.diagnostico import ESSENCIAIS, exigir
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroConfiguracao


def comando(
    taxa: Annotated[float, typer.Option(help="Eventos por segundo ao vivo.", min=1.0)] = 500.0,
    segundos: Annotated[float, typer.Option(help="Duração do tráfego vivo.", min=1.0)] = 60.0,
    semente: Annotated[int, typer.Option(help="Semente do simulador.")] = 42,
    eventos: Annotated[Path | None, typer.Option(help="História de seis colunas, no lugar da simulação.")] = None,
    rotulos: Annotated[Path | None, typer.Option(help="Rótulos dessa história.")] = None,
    relatorio: Annotated[Path | None, typer.Option(help="Onde gravar o relatório em JSON.")] = None,
    manter: Annotated[bool, typer.Option("--manter", help="Deixa tudo de pé no fim.")] = False,
) -> int:
    """Faz um Pix simulado entrar pelo Kafka e sair decidido: história, modelo, fluxos, tráfego vivo e conferência."""
    if rotulos is not None and eventos is None:
        msg = "--rotulos precisa de --eventos: diga de que história eles são"
        raise ErroConfiguracao(msg)
    for nome, arquivo in (("--eventos", eventos), ("--rotulos", rotulos)):
        if arquivo is not None and not arquivo.is_file():
            msg = f"{nome} = {arquivo} não existe; esperado: um arquivo Parquet ou CSV"
            raise ErroConfiguracao(msg)
    cfg = Configuracao.do_ambiente()
    exigir(cfg, *ESSENCIAIS)
    from comandos.demonstracao.relatorio import como_tabela, gravar  # noqa: PLC0415 — a ajuda não paga por isto
    from comandos.demonstracao.roteiro import Pedido, demonstrar  # noqa: PLC0415

    resultado = demonstrar(cfg, Pedido(taxa, segundos, semente, eventos, rotulos, manter))
    console.print(como_tabela(resultado))
    if relatorio is not None:
        gravar(resultado, relatorio)
        passo(f"Relatório em {relatorio}")
    _onde_olhar(cfg, manter=manter)
    return 0 if resultado["conferido"] else 1


def _onde_olhar(cfg: Configuracao, *, manter: bool) -> None:
    passo(f"Tabelas Delta: {cfg.caminho('tabelas')}")
    if manter:
        passo(f"MLflow: {cfg.mlflow_uri} · métricas: http://127.0.0.1:{cfg.porta_metricas}/metrics e "
              f":{cfg.porta_metricas_lago} · Spark: http://127.0.0.1:{cfg.porta_spark_ui} e :{cfg.porta_spark_ui_lago}")
        passo("Pare com ./pix parar; confira de novo com ./pix conferir")
    else:
        passo("Para ver MLflow, métricas e Spark vivos, repita com --manter")
