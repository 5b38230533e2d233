"""A porta de entrada: `./pix VERBO`. Um verbo por módulo; o que é pesado só é importado quando o verbo corre.

Para acrescentar um verbo: `comandos/<verbo>.py` com uma função `comando(...)` (docstring = ajuda; devolve None ou o
código de saída) e uma linha de registro em `criar_app`.
"""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any, Final

import typer
from typer._click.exceptions import ClickException, NoArgsIsHelpError

from comandos import (
    apresentacao,
    avaliar,
    bancada,
    compactar,
    comparar,
    conferir,
    demonstrar,
    deriva,
    diagnostico,
    estado,
    importar,
    limpar,
    parar,
    promover,
    reprocessar,
    reverter,
    simular,
    subir,
    testar,
    treinar,
)
from comandos.portugues import OPCOES_DE_AJUDA, Verbo, Verbos, mensagem_de_uso
from plataforma.erros import ErroPipeline

CODIGO_ERRO: Final = 2
CODIGO_INTERROMPIDO: Final = 130
AJUDA: Final = "Detector de fraudes Pix em tempo real. Comece por ./pix demonstrar."


def criar_app() -> typer.Typer:
    """O aplicativo com todos os verbos, na ordem em que se costuma usá-los."""
    app = typer.Typer(
        cls=Verbos, help=AJUDA, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False,
        context_settings={"help_option_names": OPCOES_DE_AJUDA}, rich_markup_mode="rich",
    )
    app.command("demonstrar", cls=Verbo)(demonstrar.comando)
    app.command("diagnostico", cls=Verbo)(diagnostico.comando)
    app.command("subir", cls=Verbo)(subir.comando)
    app.command("parar", cls=Verbo)(parar.comando)
    app.command("estado", cls=Verbo)(estado.comando)
    app.command("simular", cls=Verbo)(simular.comando)
    app.command("importar", cls=Verbo)(importar.comando)
    app.command("avaliar", cls=Verbo)(avaliar.comando)
    app.command("treinar", cls=Verbo)(treinar.comando)
    app.command("comparar", cls=Verbo)(comparar.comando)
    app.command("reprocessar", cls=Verbo)(reprocessar.comando)
    app.command("promover", cls=Verbo)(promover.comando)
    app.command("reverter", cls=Verbo)(reverter.comando)
    app.command("deriva", cls=Verbo)(deriva.comando)
    app.command("bancada", cls=Verbo)(bancada.comando)
    app.command("conferir", cls=Verbo)(conferir.comando)
    app.command("compactar", cls=Verbo)(compactar.comando)
    app.command("limpar", cls=Verbo)(limpar.comando)
    app.command("testar", cls=Verbo)(testar.comando)
    return app


def executar(argumentos: Sequence[str] | None = None) -> int:
    """Corre um verbo e devolve o código de saída: 0, o do verbo, 2 (erro do usuário) ou 130 (interrompido)."""
    # O cliente Kafka anuncia como erro cada tentativa recusada enquanto o broker nasce; a recusa final é exceção.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    anterior = signal.signal(signal.SIGTERM, _terminar)
    try:
        resultado: Any = criar_app()(args=argumentos, prog_name="./pix", standalone_mode=False)
    except ErroPipeline as erro:
        apresentacao.erro(str(erro))
        return CODIGO_ERRO
    except NoArgsIsHelpError:
        return CODIGO_ERRO  # a ajuda já foi mostrada
    except ClickException as erro:
        apresentacao.erro(mensagem_de_uso(erro))
        return CODIGO_ERRO
    except (KeyboardInterrupt, typer.Abort):
        apresentacao.console_erros.print("interrompido")
        return CODIGO_INTERROMPIDO
    finally:
        signal.signal(signal.SIGTERM, anterior)
    if resultado == CODIGO_INTERROMPIDO:
        apresentacao.console_erros.print("interrompido")
    return int(resultado or 0)


def _terminar(_sinal: int, _quadro: FrameType | None) -> None:
    """SIGTERM fecha o verbo pelo mesmo caminho limpo do Ctrl-C."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(executar())
