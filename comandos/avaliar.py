"""`./pix avaliar`: o histórico de seis colunas de qualquer um pelo nosso catálogo e nosso treino, uma vez."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from comandos.apresentacao import aviso, console, duracao, erro, espera, numero, passo, tabela

CODIGO_CONTROLE: int = 1
"""Código de saída quando um controle de vazamento falha."""


class Formato(StrEnum):
    """O que se mede do teste."""

    COMPLETO = "completo"
    HANDBOOK = "handbook"


def comando(
    eventos: Annotated[Path, typer.Option("--eventos", help="event_id, ts, payer_id, payee_id, amount[, device_id]")],
    rotulos: Annotated[Path, typer.Option("--rotulos", help="event_id, is_fraud[, scenario][, known_at]")],
    corte: Annotated[Path, typer.Option("--corte", help="JSON com train, test e label_delay_days.")],
    saida: Annotated[Path, typer.Option("--saida", help="Pasta do relatório e das pontuações.")],
    dobras: Annotated[int, typer.Option("--dobras", min=1, max=52, help="Janelas prequenciais.")] = 1,
    formato: Annotated[
        Formato, typer.Option("--formato", help="handbook: sem pagadores já fraudados, como no livro.")
    ] = Formato.COMPLETO,
    controle: Annotated[bool, typer.Option("--controle", help="Roda também os controles de vazamento.")] = False,
    semente: Annotated[int, typer.Option("--semente", min=0, help="Do sorteio.")] = 0,
    cartao: Annotated[Path | None, typer.Option("--cartao", help="Grava também o cartão do modelo aqui.")] = None,
    leiame: Annotated[
        Path | None, typer.Option("--leiame", help="Troca também a seção de detecção deste README.")
    ] = None,
) -> int:
    """Refaz o treino na janela dada, pontua o teste e escreve relatório, figuras e pontuações em --saida."""
    inicio = time.monotonic()
    with espera("Avaliando…") as mostrar:
        from machine_learning import controles, historico_externo, protocolo, relatorio  # noqa: PLC0415 — sklearn

        lido = historico_externo.ler_corte(corte)
        historico, avisos = historico_externo.ler(eventos, rotulos, lido, mostrar)
        opcoes = protocolo.Opcoes(dobras, formato is Formato.HANDBOOK, semente)
        medidas = protocolo.avaliar(historico, lido, opcoes, passo=mostrar)
        provas = controles.correr(historico, medidas[0], semente, mostrar) if controle else []
        mostrar("escrevendo o relatório")
        execucao = relatorio.Execucao(
            str(eventos), str(rotulos), len(historico), time.monotonic() - inicio, avisos
        )
        conteudo = relatorio.escrever(saida, historico, medidas, opcoes, execucao, provas)
        if cartao is not None:
            relatorio.escrever_cartao(cartao, conteudo)
        if leiame is not None:
            relatorio.atualizar_leiame(leiame, conteudo, datetime.now(UTC).date())
    for texto in avisos:
        aviso(texto)
    apresentar(conteudo)
    passo(f"Relatório em {saida}/relatorio.md, em {duracao(time.monotonic() - inicio)}")
    falhas = [p for p in provas if not p.passou]
    for falha in falhas:
        erro(f"controle {falha.nome} falhou: {falha.texto}")
    return CODIGO_CONTROLE if falhas else 0


def apresentar(r: dict[str, Any]) -> None:
    """O resumo na tela."""
    linhas = [
        (nome + (" *" if nome == r["modelo"] else ""), numero(m["ap"], 3), numero(m["auc"], 3), numero(m["cp"], 3),
         numero(m["orcamento"]["0.005"]["vdr"], 3))
        for nome, m in {r["modelo"]: r, **r["candidatos"]}.items()
    ]
    titulo = f"Teste: {r['linhas']} Pix, {r['fraudes']} fraudes ({numero(100 * r['taxa_base'], 2)} %)"
    console.print(tabela(titulo, ("candidato", "AP", "AUC", f"CP@{r['k']}", "VDR a 0,5 %"), linhas))
    if len(r["dobras"]) > 1:
        passo(f"Média de {len(r['dobras'])} dobras: AP {numero(r['media_das_dobras']['ap'], 3)}")
    for nome, prova in r["controles"].items():
        passo(f"{nome}: {prova['texto']}")
