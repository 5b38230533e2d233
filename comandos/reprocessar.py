"""`./pix reprocessar`: decide a história outra vez, como se sabia então, e compara com o que se decidiu."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from comandos.apresentacao import aviso, console, erro, espera, passo, progresso, tabela
from comandos.periodo import em_us, instante, instante_us
from plataforma.configuracao import Configuracao

NAO_REPETE: Final = 1
"""Código de saída: as mesmas versões deram outra decisão."""


def comando(
    de: Annotated[str, typer.Option("--de", metavar="AAAA-MM-DD", help="Primeiro dia (UTC) dos Pix.")],
    ate: Annotated[str, typer.Option("--ate", metavar="AAAA-MM-DD", help="Último dia, inclusive.")],
    modelo: Annotated[
        str | None, typer.Option("--modelo", metavar="VERSAO", help="Versão registrada; padrão: a de cada decisão.")
    ] = None,
    regras: Annotated[
        Path | None, typer.Option("--regras", help="Arquivo YAML que decide todos; padrão: as regras em vigor.")
    ] = None,
    recalcular: Annotated[
        bool, typer.Option("--recalcular", help="Mede os atributos de novo, da prata, em vez dos que foram servidos.")
    ] = False,
    saida: Annotated[Path | None, typer.Option("--saida", help="Pasta do relatório.")] = None,
) -> int:
    """Decide de novo os Pix já decididos, com outro modelo ou outras regras, e diz o que mudaria; o lago não muda.

    Com as mesmas versões confere que as decisões se repetem: sai com 1 se alguma não se repete.
    """
    cfg = Configuracao.do_ambiente()
    with espera("Lendo decisões, rótulos, modelo e regras…"):
        from machine_learning import leitura_decisoes, relatorio_reprocessamento, reprocessamento_lago  # noqa: PLC0415

        if saida is not None:
            relatorio_reprocessamento.preparar(saida)
        agora_us = leitura_decisoes.ate_onde(cfg, instante_us(datetime.now(UTC)))
        de_us, ate_us = em_us(de, ate, instante(agora_us), 0)
        pedido = reprocessamento_lago.Pedido(de_us, ate_us, agora_us, modelo, regras, recalcular)
        total = leitura_decisoes.contar(cfg, de_us, ate_us)
    with progresso("Decidindo de novo", total or None) as avancar:
        medidas = reprocessamento_lago.reprocessar(cfg, pedido, avancar)
    if saida is not None:
        relatorio_reprocessamento.escrever(saida, medidas)
    apresentar(medidas)
    if saida is not None:
        passo(f"Relatório em {saida}/reprocessamento.md")
    return NAO_REPETE if medidas["reproducao"]["divergentes"] else 0


def apresentar(r: dict[str, Any]) -> None:
    """O resumo na tela."""
    from machine_learning import relatorio_reprocessamento as relatorio  # noqa: PLC0415
    from machine_learning.relatorio_texto import numero  # noqa: PLC0415

    a, notas = r["acoes"], r["pontuacao"]
    if a["mudaram"]:
        mudancas = [
            (de, para, n) for de, linha in a["matriz"].items() for para, n in linha.items() if n and de != para
        ]
        console.print(tabela("Ações que mudam", ("era", "seria", "Pix"), mudancas))
    console.print(tabela(
        f"{r['fraudes']['conhecidas']} fraudes conhecidas", ("medida", "como foi", "refeito"), relatorio.balanco(r)
    ))
    mudadas = [linha for linha in relatorio.regras(r) if linha[3:] != ("0", "0")]
    if mudadas:
        console.print(tabela("Regras que mudam", ("regra", "então", "refeitas", "entraram", "saíram"), mudadas))
    passo(f"{relatorio.com_o_que(r)}")
    passo(f"{r['linhas']} Pix refeitos: {a['iguais']} ações iguais, {a['mudaram']} mudam; maior diferença de nota "
          f"{numero(notas['maior_diferenca'], 6)}")
    for texto in relatorio.ressalvas(r):
        aviso(texto)
    (erro if r["reproducao"]["divergentes"] else passo)(relatorio.veredito(r))
