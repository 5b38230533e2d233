"""`./pix comparar`: campeão e desafiante sobre os mesmos Pix, com o intervalo da diferença."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from comandos.apresentacao import console, espera, passo, tabela
from comandos.periodo import em_us, instante, instante_us
from plataforma.configuracao import Configuracao

PADRAO_DIAS: Final = 30
MATURACAO_DIAS: Final = 7


def comando(
    de: Annotated[
        str | None, typer.Option("--de", metavar="AAAA-MM-DD", help="Primeiro dia (UTC) dos Pix; padrão: há 30.")
    ] = None,
    ate: Annotated[
        str | None,
        typer.Option("--ate", metavar="AAAA-MM-DD", help="Último dia, inclusive; padrão: hoje, ou o do Pix mais novo."),
    ] = None,
    saida: Annotated[Path | None, typer.Option("--saida", help="Pasta do relatório.")] = None,
    maturacao: Annotated[
        int, typer.Option("--maturacao", min=0, max=90, help="Dias até um Pix sem rótulo contar como legítimo.")
    ] = MATURACAO_DIAS,
    semente: Annotated[int, typer.Option("--semente", min=0, help="Do sorteio do intervalo.")] = 0,
) -> None:
    """Compara o campeão e o desafiante nos Pix que os dois pontuaram, com os rótulos já conhecidos."""
    cfg = Configuracao.do_ambiente()
    with espera("Lendo decisões e rótulos…"):
        from machine_learning import custos, duelo, leitura_decisoes, relatorio_comparacao  # noqa: PLC0415 — sklearn

        agora_us = leitura_decisoes.ate_onde(cfg, instante_us(datetime.now(UTC)))
        de_us, ate_us = em_us(de, ate, instante(agora_us), PADRAO_DIAS)
        periodo = duelo.Periodo(de_us, ate_us, agora_us, maturacao)
        medidas, pares = duelo.comparar(cfg, periodo, custos.ler(), semente)
        if saida is not None:
            relatorio_comparacao.escrever(saida, medidas, pares)
    apresentar(medidas)
    if saida is not None:
        passo(f"Relatório em {saida}/comparacao.md")


def apresentar(r: dict[str, Any]) -> None:
    """O resumo na tela."""
    from machine_learning.medidas import limpo  # noqa: PLC0415
    from machine_learning.relatorio_comparacao import VEREDITOS, linhas, por_tipologia  # noqa: PLC0415
    from machine_learning.relatorio_texto import numero  # noqa: PLC0415

    medidas = limpo(r)
    titulo = f"{medidas['linhas']} Pix, {medidas['fraudes']} fraudes"
    lados = (f"campeão {medidas['campeao']['versao']}", f"desafiante {medidas['desafiante']['versao']}")
    console.print(tabela(titulo, ("medida", *lados, "diferença"), linhas(medidas)))
    if len(golpes := por_tipologia(medidas)) > 1:
        console.print(tabela("Recall por tipologia", ("tipologia", "fraudes", *lados), golpes))
    fora = medidas["fora"]
    passo(f"Fora: {fora['imaturos']} imaturos, {fora['sem_um_dos_dois']} sem uma das notas, "
          f"{fora['de_outro_par']} de outro par")
    inicio, fim = medidas["diferenca"]["ap_intervalo_95"]
    veredito = VEREDITOS[medidas["veredito"]].capitalize()
    passo(f"{veredito}: diferença de AP entre {numero(inicio)} e {numero(fim)} (95 %)")
