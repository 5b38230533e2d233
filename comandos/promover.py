"""`./pix promover`: uma versão registrada vira a campeã, se passa no portão; ou pontua em sombra."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comandos.apresentacao import aviso, console, espera, numero, passo, tabela
from plataforma.configuracao import Configuracao

if TYPE_CHECKING:
    from machine_learning.promocao import Promocao


def comando(
    motivo: Annotated[str, typer.Option("--motivo", help="Por que se troca; fica gravado na versão e no registro.")],
    versao: Annotated[
        str | None, typer.Argument(help="Número da versão; sem ele, o desafiante ou a mais nova.", metavar="VERSAO")
    ] = None,
    desafiante: Annotated[
        bool, typer.Option("--desafiante", help="Só pontua em sombra, ao lado da campeã; não passa pelo portão.")
    ] = False,
    forcar: Annotated[bool, typer.Option("--forcar", help="Promove ainda que o portão recuse; fica gravado.")] = False,
) -> None:
    """Torna campeã uma versão do modelo que passa no portão; vale no micro-lote seguinte, sem reinício."""
    cfg = Configuracao.do_ambiente()
    agora = datetime.now(UTC)
    with espera("Conferindo a versão…") as mostrar:
        from machine_learning import promocao  # noqa: PLC0415 — sklearn só quando o verbo corre

        if desafiante:
            alvo = promocao.desafiar(cfg, versao, motivo, agora)
        else:
            feita = promocao.promover(cfg, versao, motivo, agora, forcar=forcar, passo=mostrar)
    if desafiante:
        passo(f"{alvo.nome} versão {alvo.versao} pontua em sombra; veja como se sai com ./pix comparar")
        return
    apresentar(feita)


def apresentar(feita: Promocao) -> None:
    """O que o portão mediu e o que mudou."""
    if "candidato" in feita.portao:
        console.print(tabela("Portão", ("medida", "candidata", "campeã"), _linhas(feita.portao)))
    if feita.forcada:
        aviso(f"promovida contra o portão: {feita.portao['motivo']}")
    antes = "a primeira" if feita.anterior is None else f"sucede à {feita.anterior.versao}"
    passo(f"{feita.versao.nome} versão {feita.versao.versao} é a campeã, {antes} ({feita.portao['motivo']})")


def _linhas(portao: dict[str, Any]) -> list[tuple[str, ...]]:
    nomes = {"ap": "AP", "vdr": "VDR a 0,5 %", "brier": "Brier"}
    return [
        (nome, *("–" if portao[lado][chave] is None else numero(portao[lado][chave], 4 if chave == "brier" else 3)
                 for lado in ("candidato", "campeao")))
        for chave, nome in nomes.items()
    ]
