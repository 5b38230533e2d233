"""`./pix bancada`: quanto o produto decide por segundo nesta máquina, em quanto tempo, e ao lado de quê."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from comandos.apresentacao import console, espera, passo
from comandos.diagnostico import ESSENCIAIS, exigir
from plataforma.configuracao import Configuracao
from plataforma.maquina import exigir_gravavel


def comando(
    saida: Annotated[Path, typer.Option(help="Pasta de relatorio.json, relatorio.md e figuras.")],
    rapida: Annotated[bool, typer.Option("--rapida", help="30 s por ponto, em vez de 3 min.")] = False,
    com_lago: Annotated[
        bool, typer.Option("--com-lago", help="Mede também com bronze, prata, ouro e decisões em Delta ao lado.")
    ] = False,
    semente: Annotated[int, typer.Option(min=0, help="Semente do simulador.")] = 42,
) -> int:
    """Mede o caminho da decisão a 500, 3.626, 8.000 e 18.000 Pix/s, a drenagem e as bases de comparação.

    Em pasta própria (apagada no fim), com tudo parado: usa a máquina inteira por uns 30 min (--rapida: 12).
    """
    cfg = Configuracao.do_ambiente()
    exigir(cfg, *ESSENCIAIS)
    exigir_gravavel(saida)
    from comandos.desempenho.relatorio import como_tabela, gravar, montar  # noqa: PLC0415 — a ajuda não paga por isto
    from comandos.desempenho.roteiro import completo, correr, rapido  # noqa: PLC0415

    plano = (rapido if rapida else completo)(semente, com_lago=com_lago)
    with espera("Preparando a bancada…") as mostrar:
        resultado = correr(cfg, plano, mostrar)
    relatorio = montar(cfg, resultado)
    gravar(relatorio, resultado, saida)
    console.print(como_tabela(relatorio))
    passo(f"Relatório em {saida}")
    return 1 if any(p["perdidos"] or p["dobrados"] for p in relatorio["pontos"]) else 0
