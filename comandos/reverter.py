"""`./pix reverter`: a campeã cede o posto à versão a que sucedeu; ou o desafiante sai da sombra."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from comandos.apresentacao import espera, passo
from plataforma.configuracao import Configuracao


def comando(
    motivo: Annotated[str, typer.Option("--motivo", help="Por que se desfaz a troca; fica gravado.")],
    desafiante: Annotated[
        bool, typer.Option("--desafiante", help="Em vez disso, tira o desafiante da sombra.")
    ] = False,
) -> None:
    """Devolve o posto à versão anterior do modelo, sem portão; vale no micro-lote seguinte."""
    cfg = Configuracao.do_ambiente()
    agora = datetime.now(UTC)
    with espera("Revertendo…"):
        from machine_learning import promocao  # noqa: PLC0415 — sklearn só quando o verbo corre

        if desafiante:
            texto = f"{cfg.modelo} versão {promocao.retirar_desafiante(cfg, motivo, agora)} não pontua mais em sombra"
        else:
            versao = promocao.reverter(cfg, motivo, agora)
            texto = f"{versao.nome} versão {versao.versao} voltou a ser a campeã"
    passo(texto)
