"""O Typer em português: títulos da ajuda, `Uso:` e erros de uso em uma linha."""

from __future__ import annotations

import re
from typing import Any, Final

from typer._click.core import Context
from typer._click.exceptions import BadParameter, ClickException, MissingParameter, NoSuchOption
from typer._click.formatting import HelpFormatter
from typer.core import TyperCommand, TyperGroup, TyperOption

OPCOES_DE_AJUDA: Final = ["--ajuda", "--help", "-h"]
_TIPOS: Final = {"int": "INTEIRO", "float": "NÚMERO", "str": "TEXTO", "Path": "CAMINHO", "bool": "SIM|NÃO"}
_MENSAGENS: Final = (
    (re.compile(r"No such command '(.*)'\.(?: Did you mean (.*)\?)?"), "verbo desconhecido: {0}"),
    (re.compile(r"Missing command\."), "falta o verbo"),
    (re.compile(r"Got unexpected extra arguments? ?\(?s?\)? ?\(?(.*?)\)?"), "argumento a mais: {0}"),
    (re.compile(r"Option '(.*)' does not take a value\."), "a opção {0} não recebe valor"),
    (re.compile(r"Option '(.*)' requires (?:an|\d+) arguments?\."), "a opção {0} pede um valor"),
)
_MOTIVOS: Final = (
    (re.compile(r"valid integer"), "esperava um inteiro"),
    (re.compile(r"valid number"), "esperava um número"),
    (re.compile(r"valid boolean"), "esperava sim ou não"),
    (re.compile(r"greater than or equal to (\S+)"), "esperava ≥ {0}"),
    (re.compile(r"less than or equal to (\S+)"), "esperava ≤ {0}"),
    (re.compile(r"greater than (\S+)"), "esperava > {0}"),
    (re.compile(r"less than (\S+)"), "esperava < {0}"),
    (re.compile(r"is not one of (.*?)\.?$"), "esperava um de {0}"),
    (re.compile(r"'(.*)' does not exist"), "{0} não existe"),
    (re.compile(r"'(.*)' is a directory"), "{0} é uma pasta, esperava um arquivo"),
    (re.compile(r"'(.*)' is a file"), "{0} é um arquivo, esperava uma pasta"),
    (re.compile(r"'(.*)' is not (?:readable|writable)"), "sem direito de usar {0}"),
)


def traduzir_ajuda() -> None:
    """Troca os textos fixos da ajuda do Typer; chamada só quando uma ajuda vai ser mostrada."""
    from typer import rich_utils  # noqa: PLC0415  0,3 s que os verbos não devem pagar

    rich_utils.ARGUMENTS_PANEL_TITLE = "Argumentos"
    rich_utils.OPTIONS_PANEL_TITLE = "Opções"
    rich_utils.COMMANDS_PANEL_TITLE = "Verbos"
    rich_utils.DEFAULT_STRING = "[padrão: {}]"
    rich_utils.REQUIRED_LONG_STRING = "[obrigatório]"


def mensagem_de_uso(erro: ClickException) -> str:
    """O erro de uso em uma linha, em português, com o caminho da ajuda."""
    contexto: Context | None = getattr(erro, "ctx", None)
    comando = contexto.command_path if contexto else "./pix"
    return f"{_frase(erro)}. Veja {comando} --ajuda"


def _frase(erro: ClickException) -> str:
    if isinstance(erro, NoSuchOption):
        parecidas = f" (quis dizer {', '.join(sorted(erro.possibilities))}?)" if erro.possibilities else ""
        return f"opção desconhecida: {erro.option_name}{parecidas}"
    if isinstance(erro, MissingParameter):
        return f"falta {_nome(erro.param)}"
    if isinstance(erro, BadParameter):
        return f"{_nome(erro.param)}: {_motivo(erro)}"
    for padrao, modelo in _MENSAGENS:
        achado = padrao.fullmatch(erro.message)
        if achado:
            return modelo.format(*achado.groups())
    return erro.message.rstrip(".")


def _motivo(erro: BadParameter) -> str:
    """O que se esperava e o que veio; uma mensagem que já é nossa (em português) passa como está."""
    for padrao, modelo in _MOTIVOS:
        achado = padrao.search(erro.message)
        if achado:
            return modelo.format(*achado.groups()) + _recebido(erro)
    return erro.message.rstrip(".")


def _recebido(erro: BadParameter) -> str:
    detalhes = getattr(erro.__cause__, "errors", None)
    valor = detalhes()[0].get("input") if callable(detalhes) else None
    return "" if valor is None else f", recebeu {str(valor)!r}"


def _nome(parametro: Any) -> str:
    if isinstance(parametro, TyperOption):
        return max(parametro.opts, key=len)
    return str(getattr(parametro, "name", None) or "argumento")


def _uso(texto: str) -> str:
    return texto.replace("Usage: ", "Uso: ", 1).replace("[OPTIONS]", "[OPÇÕES]").replace(
        "COMMAND [ARGS]...", "VERBO [ARGUMENTOS]..."
    )


def _com_ajuda(opcao: TyperOption | None) -> TyperOption | None:
    if opcao is not None:
        opcao.help, opcao.metavar = "Mostra esta ajuda e sai.", ""
        opcao.opts = list(OPCOES_DE_AJUDA)  # o Typer os guarda em um conjunto, sem ordem
    return opcao


def _nomear_tipos(comando: TyperCommand) -> None:
    for parametro in comando.params:
        tipo = getattr(parametro, "type_descriptor", None)
        anotacao = getattr(getattr(tipo, "annotation", None), "__name__", "")
        if isinstance(parametro, TyperOption) and parametro.is_flag:
            parametro.metavar = ""
        elif getattr(parametro, "metavar", "") is None and anotacao in _TIPOS:
            parametro.metavar = _TIPOS[anotacao]


class Verbo(TyperCommand):
    """Um verbo com ajuda em português."""

    def __init__(self, *args: Any, **opcoes: Any) -> None:
        super().__init__(*args, **opcoes)
        _nomear_tipos(self)

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """A ajuda, com os títulos em português."""
        traduzir_ajuda()
        super().format_help(ctx, formatter)

    def get_usage(self, ctx: Context) -> str:
        """A linha `Uso:`."""
        return _uso(super().get_usage(ctx))

    def get_help_option(self, ctx: Context) -> TyperOption | None:
        """A opção de ajuda, descrita em português."""
        return _com_ajuda(super().get_help_option(ctx))


class Verbos(TyperGroup):
    """O conjunto dos verbos, na ordem em que foram registrados, com ajuda em português."""

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """A ajuda, com os títulos em português."""
        traduzir_ajuda()
        super().format_help(ctx, formatter)

    def get_usage(self, ctx: Context) -> str:
        """A linha `Uso:`."""
        return _uso(super().get_usage(ctx))

    def get_help_option(self, ctx: Context) -> TyperOption | None:
        """A opção de ajuda, descrita em português."""
        return _com_ajuda(super().get_help_option(ctx))
