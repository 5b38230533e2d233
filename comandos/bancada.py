"""`./pix bancada`: quanto o produto decide por segundo nesta máquina, em quanto tempo, e ao lado de quê."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from comandos.apresentacao import console, espera, passo
from comandos.diagnostico import ESSENCIAIS, exigir
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroConfiguracao
from plataforma.maquina import exigir_gravavel

TAXAS: Final = "500,3626,8000,18000"
"""3.626: a média por segundo do país no dia recorde; 8 a 18 mil: estimativas do pico."""


SEGUNDOS_DO_CRESCIMENTO: Final = 60.0
PIX_DAS_TABELAS: Final = 1_000_000


def comando(
    saida: Annotated[Path, typer.Option(help="Pasta de relatorio.json, relatorio.md e figuras.")],
    rapida: Annotated[bool, typer.Option("--rapida", help="30 s por ponto, em vez de 3 min.")] = False,
    com_lago: Annotated[
        bool, typer.Option("--com-lago", help="Mede também com bronze, prata, ouro e decisões em Delta ao lado.")
    ] = False,
    crescimento: Annotated[
        bool, typer.Option("--crescimento", help="Em vez dos pontos: mais contas, mais dias e contas muito quentes.")
    ] = False,
    tabelas: Annotated[
        bool, typer.Option("--tabelas", help="Em vez dos pontos: o lago em linhas/s, e Parquet ao lado de CSV.")
    ] = False,
    taxas: Annotated[str, typer.Option(help="Pix por segundo de cada ponto, separados por vírgula.")] = TAXAS,
    taxas_lago: Annotated[
        str | None, typer.Option(help="As dos pontos com o lago ao lado; sem esta opção, as mesmas.")
    ] = None,
    semente: Annotated[int, typer.Option(min=0, help="Semente do simulador.")] = 42,
) -> int:
    """Mede o caminho da decisão em cada taxa, a troca de modelo, a drenagem, a retomada e as bases de comparação.

    Em pasta própria (apagada no fim), com tudo parado: usa a máquina inteira (--rapida: uns 10 min).
    """
    pontos = _ler_taxas(taxas, "--taxas")
    do_lago = _ler_taxas(taxas_lago or taxas, "--taxas-lago") if com_lago else ()
    cfg = Configuracao.do_ambiente()
    exigir(cfg, *ESSENCIAIS)
    exigir_gravavel(saida)
    if crescimento:
        return _medir_crescimento(cfg, saida, semente, rapida=rapida)
    if tabelas:
        return _medir_tabelas(cfg, saida, semente, rapida=rapida)
    from comandos.desempenho.relatorio import como_tabela, gravar, montar  # noqa: PLC0415 — a ajuda não paga por isto
    from comandos.desempenho.roteiro import completo, correr, rapido  # noqa: PLC0415

    plano = (rapido if rapida else completo)(pontos, do_lago, semente)
    with espera("Preparando a bancada…") as mostrar:
        resultado = correr(cfg, plano, mostrar)
    relatorio = montar(cfg, resultado)
    gravar(relatorio, resultado, saida)
    console.print(como_tabela(relatorio))
    passo(f"Relatório em {saida}")
    medidos = [*relatorio["pontos"], relatorio["troca_de_modelo"] or {"perdidos": 0, "dobrados": 0}]
    return 1 if any(p["perdidos"] or p["dobrados"] for p in medidos) else 0


def _medir_crescimento(cfg: Configuracao, saida: Path, semente: int, *, rapida: bool) -> int:
    from comandos.desempenho import crescimento  # noqa: PLC0415 — a ajuda não paga por isto

    tamanhos = crescimento.TAMANHOS[:2] if rapida else crescimento.TAMANHOS
    with espera("Preparando a bancada…") as mostrar:
        linhas = crescimento.correr(cfg, tamanhos, SEGUNDOS_DO_CRESCIMENTO, semente, mostrar)
    crescimento.gravar(linhas, saida)
    console.print(crescimento.como_tabela(linhas))
    passo(f"Relatório em {saida}")
    return 1 if any(linha["perdidos"] or linha["dobrados"] for linha in linhas) else 0


def _medir_tabelas(cfg: Configuracao, saida: Path, semente: int, *, rapida: bool) -> int:
    from comandos.desempenho import tabelas  # noqa: PLC0415 — a ajuda não paga por isto

    with espera("Preparando a bancada…") as mostrar:
        medido = tabelas.correr(cfg, PIX_DAS_TABELAS // (10 if rapida else 1), semente, mostrar)
    tabelas.gravar(medido, saida)
    console.print(tabelas.como_tabela(medido))
    passo(f"Relatório em {saida}")
    return 0


def _ler_taxas(texto: str, opcao: str) -> tuple[float, ...]:
    try:
        taxas = tuple(float(parte) for parte in texto.split(","))
    except ValueError:
        taxas = ()
    if not taxas or min(taxas) < 1:
        msg = f"{opcao} = {texto!r}: esperado números de ao menos 1, separados por vírgula, como {TAXAS}"
        raise ErroConfiguracao(msg)
    return taxas
