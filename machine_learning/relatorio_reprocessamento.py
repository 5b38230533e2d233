"""O que `./pix reprocessar --saida` escreve: `reprocessamento.json` e `reprocessamento.md`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np

from machine_learning.medidas import limpo
from machine_learning.relatorio_texto import numero, quadro
from plataforma.erros import ErroConfiguracao

CENTAVOS_POR_REAL: Final = 100
BALANCO: Final = (
    ("fraudes alcançadas", "fraudes_alcancadas"), ("fraudes barradas", "fraudes_barradas"),
    ("R$ de fraude barrados", "centavos_barrados"), ("Pix legítimos incomodados", "legitimos_incomodados"),
    ("pagadores legítimos incomodados", "pagadores_incomodados"),
)
EM_CENTAVOS: Final = "centavos_barrados"
_LIMITES: Final = """## Limites

- Alcançada: a ação não foi APROVAR. Barrada: retida, bloqueada ou rejeitada. Incomodado: legítimo, ao que se sabe,
  e não aprovado.
- O que se barrou pode não ter virado contestação: isso favorece a política que já estava em vigor.
- A decisão de então supõe as instituições de então (`PIX_NOSSOS_ISPB`): mudá-las muda as ações.
- Um Pix que chegou atrasado não estava no estado quando outro foi decidido; recalculado, está."""


def preparar(pasta: Path) -> None:
    """Cria a pasta, antes do trabalho demorado.

    Levanta:
        ErroConfiguracao: não pode ser criada.
    """
    try:
        pasta.mkdir(parents=True, exist_ok=True)
    except OSError as erro:
        raise _sem_escrita(pasta, erro) from erro


def escrever(pasta: Path, medidas: dict[str, Any]) -> None:
    """Grava os dois arquivos.

    Levanta:
        ErroConfiguracao: a pasta não pode ser escrita.
    """
    conteudo = limpo(medidas)
    try:
        (pasta / "reprocessamento.json").write_text(json.dumps(conteudo, ensure_ascii=False, indent=1) + "\n")
        (pasta / "reprocessamento.md").write_text(texto(conteudo))
    except OSError as erro:
        raise _sem_escrita(pasta, erro) from erro


def texto(r: dict[str, Any]) -> str:
    """O relatório legível."""
    a, p = r["acoes"], r["periodo"]
    partes = [
        f"# Reprocessamento de {dia(p['de_us'])} a {dia(p['ate_us'] - 1)}",
        f"**{veredito(r)}.** {r['linhas']} Pix decididos de novo, {a['comparadas']} com ação comparada: {a['iguais']} "
        f"iguais, {a['mudaram']} mudaram. {com_o_que(r)}.",
        *(f"- {linha}" for linha in ressalvas(r)),
        "## Ações\n\n" + quadro(titulos_da_matriz(r), matriz(r)),
        "## Fraude e incômodo\n\n"
        f"{r['fraudes']['conhecidas']} fraudes conhecidas, R$ {reais(r['fraudes']['centavos'])}.\n\n"
        + quadro(("medida", "como foi", "refeito"), balanco(r)),
    ]
    if r["regras"]:
        partes.append("## Regras\n\n" + quadro(("regra", "então", "refeita", "entraram", "saíram"), regras(r)))
    n = r["pontuacao"]
    partes.append(
        f"## Pontuação\n\n{n['comparadas']} notas comparadas, {n['diferentes']} diferentes; a maior diferença é "
        f"{n['maior_diferenca']:.3g}. Com nota só então: {n['so_antes']}; só agora: {n['so_depois']}."
    )
    if r["exemplos"]:
        titulos = ("Pix", "R$", "fraude", "era", "seria", "nota de então", "refeita", "regras de então", "refeitas")
        partes.append("## Exemplos\n\n" + quadro(titulos, exemplos(r)))
    return "\n\n".join([*partes, _LIMITES]) + "\n"


def veredito(r: dict[str, Any]) -> str:
    """Uma linha: as mesmas versões repetiram as mesmas decisões?"""
    c = r["reproducao"]
    if not c["conferidas"]:
        return "Nada a conferir: nenhum Pix foi refeito com o modelo, as regras e os atributos de então"
    if c["divergentes"]:
        return (f"{c['divergentes']} de {c['conferidas']} decisões não se repetem com o mesmo modelo, as mesmas "
                "regras e os mesmos atributos")
    so_nota = f", {c['so_pela_nota']} delas só pela nota" if c["so_pela_nota"] else ""
    return f"As {c['conferidas']} decisões refeitas com o que se tinha então se repetem{so_nota}"


def com_o_que(r: dict[str, Any]) -> str:
    """Modelo, regras e atributos usados."""
    v = r["versoes"]
    modelo = f"Modelo versão {v['modelo']}" if v["modelo"] else "Modelo que decidiu cada Pix"
    return f"{modelo}; regras {v['regras']} ({v['regras_arquivo']}); atributos {r['atributos']['origem']}"


def ressalvas(r: dict[str, Any]) -> list[str]:
    """O que ficou fora, só pela nota, ou entrou diferente."""
    saida = []
    if r["so_nota"]["linhas"]:
        versoes = ", ".join(f"{nome} ({n} Pix)" for nome, n in r["so_nota"]["regras_versoes"].items())
        saida.append(
            f"Só a nota se comparou em {r['so_nota']['linhas']} Pix: o texto das regras {versoes} não está à mão; "
            "recupere-o (git) e dê-o com --regras"
        )
    if r["fora"]["outro_catalogo"]:
        saida.append(f"Fora: {r['fora']['outro_catalogo']} Pix decididos com outro catálogo de atributos (este é "
                     f"{r['versoes']['catalogo']}); --recalcular os mede de novo")
    if r["fora"]["sem_prata"]:
        saida.append(f"Fora: {r['fora']['sem_prata']} Pix decididos que a prata não tem")
    if r["atributos"].get("diferentes"):
        a = r["atributos"]
        piores = ", ".join(f"{nome} ({n})" for nome, n in a["piores"].items())
        saida.append(f"Recalculados, os atributos diferem dos servidos em {a['diferentes']} de {a['comparados']} Pix: "
                     f"{piores}")
    return saida


def titulos_da_matriz(r: dict[str, Any]) -> tuple[str, ...]:
    """O canto da tabela e as ações."""
    return ("era \\ seria", *r["acoes"]["matriz"])


def matriz(r: dict[str, Any]) -> list[tuple[str, ...]]:
    """De cada ação, para quais."""
    return [(de, *(str(n) for n in para.values())) for de, para in r["acoes"]["matriz"].items()]


def balanco(r: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Medida, como foi, refeito."""
    def mostrar(chave: str, valor: int) -> str:
        return reais(valor) if chave == EM_CENTAVOS else str(valor)

    return [(nome, mostrar(c, r["antes"][c]), mostrar(c, r["depois"][c])) for nome, c in BALANCO]


def regras(r: dict[str, Any]) -> list[tuple[str, ...]]:
    """Regra, disparos de então, refeitos, os que entraram e os que saíram."""
    return [(nome, *(str(n) for n in c.values())) for nome, c in r["regras"].items()]


def exemplos(r: dict[str, Any]) -> list[tuple[str, ...]]:
    """Os Pix que mudaram; só ids."""
    return [
        (e["id_fim_a_fim"], reais(e["valor_centavos"]), "sim" if e["fraude"] else "não", e["antes"]["acao"],
         e["depois"]["acao"] + (" (não devia mudar)" if e["diverge"] else ""), numero(e["antes"]["pontuacao"], 4),
         numero(e["depois"]["pontuacao"], 4), *(", ".join(e[lado]["regras"]) or "–" for lado in ("antes", "depois")))
        for e in r["exemplos"]
    ]


def reais(centavos: int) -> str:
    """Centavos como R$, sem passar por ponto flutuante."""
    inteiro, resto = divmod(centavos, CENTAVOS_POR_REAL)
    return f"{inteiro:,}".replace(",", ".") + f",{resto:02d}"


def dia(instante_us: int) -> str:
    """O dia UTC de um instante."""
    return str(np.datetime64(instante_us, "us").astype("datetime64[D]"))


def _sem_escrita(pasta: Path, erro: OSError) -> ErroConfiguracao:
    return ErroConfiguracao(f"--saida {pasta}: não foi possível escrever ({erro.strerror})")
