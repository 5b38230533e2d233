"""Gera `docs/atributos.md` do catálogo: `python -m processamento.documentar`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from plataforma.configuracao import RAIZ_PROJETO
from processamento.atributos import ATRIBUTOS
from processamento.catalogo import PADRAO, POR_LISTA, Catalogo, K, Papel

ARQUIVO: Final = RAIZ_PROJETO / "docs" / "atributos.md"


def texto(catalogo: Catalogo = PADRAO) -> str:
    """O documento inteiro: regras, atributos que o modelo vê e primitivas de que saem."""
    linhas = [
        "# Atributos",
        "",
        "Gerado por `python -m processamento.documentar`; não edite. Definições: `processamento/catalogo.py`",
        "(primitivas) e `processamento/atributos.py` (derivados). Por quê: [ADR 0003](adr/0003-atributos-em-dois-andares.md).",
        "",
        f"Catálogo `{catalogo.versao}` · maturação {catalogo.maturacao_dias} dias "
        f"· horizonte {catalogo.horizonte_dias} dias · K = {K}.",
        "",
        "Uma janela contém só eventos estritamente anteriores. Primitivas de lista olham os últimos K eventos do diário.",
        "",
        f"## Os {len(ATRIBUTOS)} atributos que o modelo vê",
        "",
        "| # | atributo | unidade | o que mede | nulo |",
        "|---|---|---|---|---|",
        *(f"| {i} | `{a.nome}` | {a.unidade} | {a.descricao} | {a.nulo} |" for i, a in enumerate(ATRIBUTOS)),
        "",
    ]
    for papel in Papel:
        linhas += [
            f"## Primitivas do {papel.name.lower()}", "",
            "| primitiva | diário | medida | janela (s) | recuo (s) | K |", "|---|---|---|---|---|---|",
        ]
        linhas += [
            f"| `{p.nome}` | {p.fluxo.name.lower()} | {p.medida.name.lower()} | {p.janela_s} | {p.atraso_s} "
            f"| {K if p.medida in POR_LISTA else '—'} |"
            for p in catalogo.do_papel(papel)
        ]
        linhas.append("")
    return "\n".join(linhas)


def gerar(arquivo: Path = ARQUIVO) -> None:
    """Escreve o documento."""
    arquivo.write_text(texto(), encoding="utf-8")


if __name__ == "__main__":
    gerar()
