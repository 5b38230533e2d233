"""`./pix testar`: a suíte inteira (ruff, mypy e import-linter são testes dela), ou uma parte."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from comandos.apresentacao import aviso
from plataforma.configuracao import RAIZ_PROJETO
from plataforma.maquina import ambiente_processo


def comando(
    arquivos: Annotated[
        list[Path] | None, typer.Argument(help="Arquivos ou pastas de teste.", metavar="ARQUIVO", show_default=False)
    ] = None,
    marcador: Annotated[
        str, typer.Option("--marcador", "-m", help="Só estes marcadores: spark, servico, fluxo (ou 'not spark'…).")
    ] = "",
    filtro: Annotated[str, typer.Option("-k", "--filtro", help="Só os testes cujo nome casa com a expressão.")] = "",
    parar_no_primeiro: Annotated[bool, typer.Option("-x", "--primeiro", help="Para na primeira falha.")] = False,
) -> int:
    """Roda os testes (ruff, mypy e import-linter entre eles) e diz os que foram pulados e como obter o que falta."""
    from plataforma.servicos.prometheus import CONSERTO, encontrar_prometheus  # noqa: PLC0415

    if encontrar_prometheus() is None:
        aviso(f"sem Prometheus, os testes que o usam serão pulados: {CONSERTO}")
    comando_pytest = [sys.executable, "-m", "pytest", *(str(arquivo.resolve()) for arquivo in arquivos or [])]
    comando_pytest += ["-m", marcador] if marcador else []
    comando_pytest += ["-k", filtro] if filtro else []
    comando_pytest += ["-x"] if parar_no_primeiro else []
    # O pytest recebe o mesmo Ctrl-C do terminal e fecha seus serviços: aqui só se espera por ele.
    filho = subprocess.Popen(comando_pytest, cwd=RAIZ_PROJETO, env=ambiente_processo())  # noqa: S603  comando nosso
    try:
        return filho.wait()
    except KeyboardInterrupt:
        filho.wait()
        raise
