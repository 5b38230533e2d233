"""O que o usuário vê: um console, números em português, tabelas, esperas e barras de progresso."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

CENTAVOS_POR_REAL = 100
SEGUNDOS_POR_MINUTO = 60

console = Console(highlight=False)
console_erros = Console(stderr=True, highlight=False, soft_wrap=True)


def erro(mensagem: str) -> None:
    """Uma linha, sem rastro, na saída de erros."""
    console_erros.print(f"[bold red]erro:[/] {escape(' '.join(mensagem.split()))}")


def aviso(mensagem: str) -> None:
    """Uma linha de atenção, na saída de erros, que não interrompe o comando."""
    console_erros.print(f"[yellow]aviso:[/] {escape(' '.join(mensagem.split()))}")


def passo(mensagem: str) -> None:
    """Uma linha que conta o que o comando está fazendo."""
    console.print(f"[cyan]•[/] {escape(mensagem)}")


@contextlib.contextmanager
def espera(mensagem: str) -> Iterator[Callable[[str], None]]:
    """Mostra que algo demorado corre; entrega uma função que troca o texto. Fora de um terminal, uma linha cada."""
    if not console.is_terminal:
        passo(mensagem)
        yield passo
        return
    with console.status(escape(mensagem)) as estado:
        yield lambda texto: estado.update(escape(texto))


@contextlib.contextmanager
def progresso(mensagem: str, total: float | None = None) -> Iterator[Callable[[float], None]]:
    """Barra de progresso padrão; entrega `avancar(quanto)`. `total` nulo = tamanho desconhecido."""
    barra = Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=console, transient=not console.is_terminal,
    )
    with barra:
        tarefa = barra.add_task(escape(mensagem), total=total)
        yield lambda quanto: barra.advance(tarefa, quanto)


def tabela(titulo: str, colunas: Sequence[str], linhas: Sequence[Sequence[object]]) -> Table:
    """Tabela padrão: primeira coluna à esquerda, números à direita."""
    quadro = Table(title=titulo or None, title_justify="left", header_style="bold")
    for indice, coluna in enumerate(colunas):
        numerica = indice > 0 and bool(linhas) and all(isinstance(linha[indice], int | float) for linha in linhas)
        quadro.add_column(coluna, justify="right" if numerica else "left", overflow="fold")
    for linha in linhas:
        quadro.add_row(*(_celula(valor) for valor in linha))
    return quadro


def numero(valor: float, casas: int = 0) -> str:
    """1234567.8 → `1.234.568` (ou com `casas` decimais, separadas por vírgula)."""
    texto = f"{valor:,}" if isinstance(valor, int) and not casas else f"{valor:,.{casas}f}"  # inteiros são exatos
    return texto.replace(",", " ").replace(".", ",").replace(" ", ".")


def dinheiro(centavos: int) -> str:
    """123456 → `R$ 1.234,56`; exato, sem passar por ponto flutuante."""
    reais, resto = divmod(abs(centavos), CENTAVOS_POR_REAL)
    return f"{'-' if centavos < 0 else ''}R$ {numero(reais)},{resto:02d}"


def duracao(segundos: float) -> str:
    """75.2 → `1 min 15 s`; abaixo de um minuto, com uma casa."""
    if segundos < SEGUNDOS_POR_MINUTO:
        return f"{numero(segundos, 1)} s"
    minutos, resto = divmod(round(segundos), SEGUNDOS_POR_MINUTO)
    return f"{minutos} min {resto} s"


def _celula(valor: object) -> str:
    if isinstance(valor, bool):
        return "sim" if valor else "não"
    if isinstance(valor, int):
        return numero(valor)
    if isinstance(valor, float):
        return numero(valor, 2)
    return str(valor)
