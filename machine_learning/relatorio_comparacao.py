"""O que `./pix comparar --saida` escreve: `comparacao.json`, `comparacao.md` e a curva dos dois."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from machine_learning import graficos
from machine_learning.comparacao import Duelo
from machine_learning.medidas import limpo
from machine_learning.relatorio_texto import numero, quadro
from plataforma.erros import ErroConfiguracao

FIGURA: Final = "precisao_recall.png"
VEREDITOS: Final = {
    "melhor": "o desafiante é melhor",
    "pior": "o desafiante é pior",
    "empate": "não há diferença que se possa afirmar",
}
_LIMITES: Final = """## Limites

- Só o modelo é comparado: as regras e o lado que é nosso ficam de fora dos R$.
- O que a campeã barrou pode não ter virado contestação: isso favorece quem discorda dela.
- Um Pix maduro sem rótulo conta como legítimo; a fraude que ninguém contestou conta contra quem a apontou."""


def escrever(pasta: Path, medidas: dict[str, Any], d: Duelo) -> None:
    """Grava os três arquivos.

    Levanta:
        ErroConfiguracao: a pasta não pode ser escrita.
    """
    try:
        pasta.mkdir(parents=True, exist_ok=True)
        conteudo = limpo(medidas)
        (pasta / "comparacao.json").write_text(json.dumps(conteudo, ensure_ascii=False, indent=1) + "\n")
        (pasta / "comparacao.md").write_text(texto(conteudo))
        curvas = {f"campeão {d.campeao.versao}": d.campeao.nota, f"desafiante {d.desafiante.versao}": d.desafiante.nota}
        graficos.precisao_recall(d.y, curvas).savefig(pasta / FIGURA)
    except OSError as erro:
        msg = f"--saida {pasta}: não foi possível escrever ({erro.strerror})"
        raise ErroConfiguracao(msg) from erro


def texto(r: dict[str, Any]) -> str:
    """O relatório legível."""
    a, b, delta, fora = r["campeao"], r["desafiante"], r["diferenca"], r["fora"]
    de, ate = delta["ap_intervalo_95"]
    return (
        f"# Campeão {a['versao']} e desafiante {b['versao']}\n\n"
        f"**{VEREDITOS[r['veredito']].capitalize()}**: diferença de AP {numero(delta['ap'])} (95 %: {numero(de)} a "
        f"{numero(ate)}), em {r['linhas']} Pix e {r['fraudes']} fraudes ({numero(100 * r['taxa_base'], 2)} %) que os "
        f"dois pontuaram. Fora: {fora['imaturos']} ainda imaturos (menos de {r['periodo']['maturacao_dias']} dias), "
        f"{fora['sem_um_dos_dois']} sem nota de um dos dois, {fora['de_outro_par']} de outro par de versões.\n\n"
        f"{quadro(('medida', 'campeão', 'desafiante', 'diferença'), linhas(r))}\n\n"
        f"![precisão e recall]({FIGURA})\n\n## Por tipologia (alertando {numero(100 * r['fracao_alertada'], 1)} %)\n\n"
        f"{quadro(('tipologia', 'fraudes', 'recall do campeão', 'recall do desafiante'), por_tipologia(r))}\n\n"
        f"{_LIMITES}\n"
    )


def linhas(r: dict[str, Any]) -> list[tuple[str, ...]]:
    """Medida, campeão, desafiante, diferença, como textos; R$ por dia com os limiares de cada um."""
    a, b, delta = r["campeao"], r["desafiante"], r["diferenca"]
    alertas = f"a {numero(100 * r['fracao_alertada'], 1)} %"
    medidas = (("AP", "ap"), (f"recall {alertas}", "recall"), (f"VDR {alertas}", "vdr"))
    saida: list[tuple[str, ...]] = [
        (nome, numero(a[chave]), numero(b[chave]), numero(delta[chave])) for nome, chave in medidas
    ]
    reais, incomodo = "centavos_poupados_por_dia", "incomodados_por_fraude"
    saida.append(("R$ poupados por dia", *(numero(v / 100, 2) for v in
                                           (a["reais"][reais], b["reais"][reais], delta[reais]))))
    saida.append(("incomodados por fraude alcançada", *(numero(m["reais"][incomodo], 2) for m in (a, b)), ""))
    return saida


def por_tipologia(r: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Tipologia, fraudes, recall dos dois."""
    a, b = r["campeao"]["por_tipologia"], r["desafiante"]["por_tipologia"]
    return [
        (nome or "(sem nome)", str(g["fraudes"]), numero(g["recall"]), numero(b[nome]["recall"]))
        for nome, g in a.items()
    ]
