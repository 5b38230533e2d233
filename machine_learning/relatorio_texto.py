"""O `relatorio.md` de uma avaliação, a partir do que está em `relatorio.json`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

FIGURAS: Final = "graficos"


def texto(r: dict[str, Any]) -> str:
    """O relatório legível."""
    partes = [_cabecalho(r), _candidatos(r), _orcamento(r)]
    if len(r["dobras"]) > 1:
        partes.append(_dobras(r))
    if "por_tipologia" in r:
        partes.append(_tipologias(r))
    partes += [_em_reais(r), _calibracao(r)]
    if r["controles"]:
        partes.append(_controles(r))
    partes.append(_rodape(r))
    return "\n\n".join(partes) + "\n"


def numero(valor: Any, casas: int = 3) -> str:
    """Um número em português; ausente vira travessão."""
    return "–" if valor is None else f"{valor:,.{casas}f}".replace(",", " ").replace(".", ",").replace(" ", ".")


def quadro(titulos: Sequence[str], linhas: Iterable[Sequence[str]]) -> str:
    """Uma tabela em Markdown."""
    cabecalho = f"| {' | '.join(titulos)} |\n|{'---|' * len(titulos)}"
    return "\n".join([cabecalho, *(f"| {' | '.join(linha)} |" for linha in linhas)])


def _figura(nome: str, arquivo: str) -> str:
    return f"![{nome}]({FIGURAS}/{arquivo})"


def _cabecalho(r: dict[str, Any]) -> str:
    p = r["protocolo"]
    de, ate = r.get("ap_intervalo_95") or [None, None]
    return (
        f"# Avaliação: {r['arquivos']['eventos']}\n\n"
        f"**AP {numero(r['ap'])}** (95 %: {numero(de)} a {numero(ate)}; taxa base "
        f"{numero(100 * (r['taxa_base'] or 0), 2)} %) · AUC {numero(r['auc'])} · CP@{r['k']} {numero(r['cp'])}\n\n"
        f"Modelo: {r['modelo']}, escolhido dentro do treino. Treino {p['treino'][0]} a {p['treino'][1]}, teste "
        f"{p['teste'][0]} a {p['teste'][1]} (exclusive), rótulos conhecidos {p['atraso_dias']} dias depois. Protocolo "
        f"{p['formato']}: {r['linhas']} Pix medidos, {r['fraudes']} fraudes, {p['retirados']} Pix retirados de "
        "pagadores já fraudados."
    )


def _candidatos(r: dict[str, Any]) -> str:
    todos = {r["modelo"]: r, **r["candidatos"]}
    linhas = [
        (nome + (" (escolhido)" if nome == r["modelo"] else ""), numero(r["validacao"].get(nome)), numero(m["ap"]),
         numero(m["auc"]), numero(m["cp"]))
        for nome, m in sorted(todos.items(), key=lambda item: -(item[1]["ap"] or 0))
    ]
    tabela = quadro(("candidato", "AP na validação", "AP", "AUC", "CP"), linhas)
    return f"## Candidatos\n\n{tabela}\n\n{_figura('precisão e recall', 'precisao_recall.png')}"


def _orcamento(r: dict[str, Any]) -> str:
    alertas = quadro(("alertas", "recall", "precisão", "VDR"), [
        (f"{numero(100 * float(f), 1)} % ({o['alertas']})", numero(o["recall"]), numero(o["precisao"]),
         numero(o["vdr"]))
        for f, o in r["orcamento"].items()
    ])
    falsos = quadro(("falsos positivos", "recall", "precisão com 4 por 100 mil", "com 7 por 100 mil"), [
        (f"{numero(100 * float(f), 1)} %", numero(recall),
         *(numero(p, 4) for p in r["precisao_na_prevalencia_pix"][f].values()))
        for f, recall in r["recall_a_fpr"].items()
    ])
    figura = _figura("VDR por orçamento", "vdr.png")
    return f"## O que se alcança a cada orçamento\n\n{alertas}\n\n{falsos}\n\n{figura}"


def _dobras(r: dict[str, Any]) -> str:
    linhas = [
        (d["treino"][0][:10], d["teste"][0][:10], numero(d["ap"]), numero(d["ap_logistica"]), numero(d["auc"]),
         numero(d["cp"]), str(d["fraudes"])) for d in r["dobras"]
    ]
    m = r["media_das_dobras"]
    linhas.append(
        ("média", "", f"**{numero(m['ap'])}**", numero(m["ap_logistica"]), numero(m["auc"]), numero(m["cp"]), "")
    )
    return "## Dobras\n\n" + quadro(("treino", "teste", "AP", "AP da logística", "AUC", "CP", "fraudes"), linhas)


def _tipologias(r: dict[str, Any]) -> str:
    tabela = quadro(("tipologia", "fraudes", "recall", "VDR", "AP contra legítimos"), [
        (nome, str(g["fraudes"]), numero(g["recall"]), numero(g["vdr"]), numero(g["ap_contra_legitimos"]))
        for nome, g in r["por_tipologia"].items()
    ])
    return f"## Por tipologia (alertando 1 %)\n\n{tabela}\n\n{_figura('tipologias', 'tipologias.png')}"


def _em_reais(r: dict[str, Any]) -> str:
    e = r["reais"]
    acoes = ", ".join(f"{nome} {n}" for nome, n in e["por_acao"].items())
    return (
        "## Em R$ (custos e orçamentos de `machine_learning/politica.yaml`)\n\n"
        f"R$ {numero(e['centavos_poupados_por_dia'] / 100, 2)} poupados por dia de "
        f"R$ {numero(e['centavos_fraudados_por_dia'] / 100, 2)} fraudados; {numero(e['incomodados_por_fraude'], 2)} "
        f"clientes honestos incomodados por fraude alcançada ({e['fraudes_alcancadas']} de {e['fraudes']}). "
        f"Ações: {acoes}."
    )


def _calibracao(r: dict[str, Any]) -> str:
    figura = _figura("calibração", "calibracao.png")
    return f"## Calibração\n\nForma {r['calibracao']['forma']}; Brier {numero(r['brier'], 5)}.\n\n{figura}"


def _controles(r: dict[str, Any]) -> str:
    linhas = [
        f"- {'passou' if c['passou'] else '**FALHOU**'} · {nome}: {c['texto']}" for nome, c in r["controles"].items()
    ]
    return "## Controles de vazamento\n\n" + "\n".join(linhas)


def _rodape(r: dict[str, Any]) -> str:
    versoes = ", ".join(f"{nome} {v}" for nome, v in r["versoes"].items())
    avisos = "".join(f"\n- aviso: {a}" for a in r["avisos"])
    return (
        f"## Como foi feito\n\n{r['eventos']} eventos, {len(r['atributos'])} atributos usados e "
        f"{len(r['descartados'])} descartados por não variarem no treino, semente {r['semente']}, "
        f"{numero(r['segundos'], 1)} s. {versoes}.{avisos}\n\nAtributos: {', '.join(r['atributos'])}."
    )
