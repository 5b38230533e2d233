"""`./pix treinar`: um candidato a partir da prata, registrado no MLflow e, se for o caso, promovido."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from comandos.apresentacao import console, duracao, espera, numero, passo, tabela
from plataforma.configuracao import Configuracao

if TYPE_CHECKING:
    from machine_learning.treino import Treinado


def comando(
    rapido: Annotated[bool, typer.Option("--rapido", help="Só boosting e logística, com Pix recentes.")] = False,
    promover: Annotated[
        bool, typer.Option("--promover", help="Torna campeão se passa no portão, mesmo já havendo um.")
    ] = False,
    motivo: Annotated[str, typer.Option("--motivo", help="Por que se treina; fica gravado na versão.")] = "",
    semente: Annotated[int, typer.Option("--semente", min=0, help="Do sorteio.")] = 0,
) -> None:
    """Treina um candidato com a história que está na prata e o registra no MLflow; o primeiro vira campeão."""
    cfg = Configuracao.do_ambiente()
    with espera("Treinando…") as mostrar:
        from machine_learning.treino import treinar  # noqa: PLC0415 — sklearn só quando o verbo corre

        feito = treinar(cfg, rapido=rapido, promover=promover, motivo=motivo, semente=semente, passo=mostrar)
    apresentar(feito)


def apresentar(feito: Treinado) -> None:
    """As tentativas, a escolha e o que fazer em seguida."""
    linhas = [
        (t.candidato + (" *" if t.candidato == feito.ajuste.detector.candidato else ""), numero(t.medidas["ap"], 3),
         numero(t.medidas["orcamento"]["0.005"]["vdr"], 3), duracao(t.segundos))
        for t in feito.ajuste.tentativas
    ]
    console.print(tabela("Validação (trecho final da janela)", ("candidato", "AP", "VDR a 0,5 %", "tempo"), linhas))
    for acao, p in feito.ajuste.detector.limiares.items():
        console.print(f"  {acao.value}: probabilidade ≥ {numero(p, 4)}" if p <= 1 else f"  {acao.value}: nunca")
    versao = feito.versao
    passo(f"{versao.nome} versão {versao.versao} registrada em {duracao(feito.segundos)} ({feito.portao['motivo']})")
    saida = f"Não é o campeão; promova com ./pix promover {versao.versao} --motivo TEXTO"
    passo("É o campeão" if feito.promovido else saida)
