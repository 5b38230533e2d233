"""A seção de detecção do README, gerada do que se mediu: o que há entre as suas marcas é trocado inteiro."""

from __future__ import annotations

import textwrap
from typing import Any, Final

from machine_learning.relatorio_texto import numero, quadro

INICIO: Final = "<!-- resultados:avaliar -->"
FIM: Final = "<!-- /resultados:avaliar -->"
LARGURA: Final = 120
_BASE_DO_LIVRO: Final = "Fraud Detection Handbook"
_LIVRO: Final = (
    "livro: logística / floresta / XGBoost", "0,606 / 0,658 / 0,639", "0,871 / 0,867 / 0,862", "0,291 / 0,287 / 0,273",
)
"""AP, AUC e CP@100 do corte único. Fonte: Le Borgne et al. (2022), Fraud Detection Handbook, cap. 3.4."""


def trocar(documento: str, secao: str) -> str:
    """O documento com `secao` entre as marcas.

    Levanta:
        ValueError: falta uma das marcas, ou estão fora de ordem.
    """
    antes, inicio, resto = documento.partition(INICIO)
    _, fim, depois = resto.partition(FIM)
    if not (inicio and fim):
        msg = f"esperava {INICIO} e, depois, {FIM}"
        raise ValueError(msg)
    return f"{antes}{INICIO}\n{secao}\n{FIM}{depois}"


def secao(r: dict[str, Any], comando: str, dia: str) -> str:
    """A seção a partir de um `relatorio.json`; `comando` é o que a reproduz e `dia`, quando correu."""
    p = r["protocolo"]
    base = f"{_BASE_DO_LIVRO} (`{r['arquivos']['eventos']}`)" if _do_livro(r) else f"`{r['arquivos']['eventos']}`"
    abertura = (
        f"{base}: treino {p['treino'][0][:10]} a {p['treino'][1][:10]}, teste {p['teste'][0][:10]} a "
        f"{p['teste'][1][:10]} (exclusive), rótulos conhecidos {p['atraso_dias']} dias depois, "
        f"{numero(r['linhas'], 0)} Pix e {r['fraudes']} fraudes no teste. Uma tentativa, configuração padrão, semente "
        f"{r['semente']}, em {dia}, {numero(r['eventos'], 0)} Pix de história em {numero(r['segundos'], 0)} s: "
        f"`{comando}`."
    )
    provas = [("" if p["passou"] else "**REPROVADO**: ") + p["texto"] for p in r["controles"].values()]
    fim = "O cartão do modelo está em [docs/modelo.md](docs/modelo.md)."
    return "\n\n".join([
        _corrido(abertura), quadro(("modelo", "AP", "AUC", f"CP@{r['k']}"), _linhas(r)),
        _corrido(f"Controles de vazamento: {'; '.join(provas)}. {fim}" if provas else fim),
    ])


def _corrido(texto: str) -> str:
    return textwrap.fill(texto, LARGURA, break_long_words=False, break_on_hyphens=False)


def _do_livro(r: dict[str, Any]) -> bool:
    return bool(r["protocolo"]["formato"] == "handbook")


def _linhas(r: dict[str, Any]) -> list[tuple[str, ...]]:
    de, ate = r.get("ap_intervalo_95") or [None, None]
    escolhido = (
        f"**nosso, escolhido na validação ({r['modelo']})**", f"**{numero(r['ap'])}** ({numero(de)} a {numero(ate)})",
        numero(r["auc"]), f"**{numero(r['cp'])}**",
    )
    outros = [(f"nosso, {nome}", numero(m["ap"]), numero(m["auc"]), numero(m["cp"]))
              for nome, m in r["candidatos"].items()]
    m, dobras = r["media_das_dobras"], len(r["dobras"])
    medias = [(f"**nosso, média de {dobras} dobras**", f"**{numero(m['ap'])}**", numero(m["auc"]), numero(m["cp"]))]
    livro = [_LIVRO] if _do_livro(r) else []
    return [*livro, escolhido, *outros, *(medias if dobras > 1 else [])]
