"""O cartão do modelo, gerado do que se mediu: para que serve, com que aprendeu, quanto acerta, o que não se deve fazer.

Fonte: Mitchell et al. (2019), Model Cards for Model Reporting.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from machine_learning import custos, equidade
from machine_learning.relatorio_texto import numero, quadro
from processamento.atributos import ATRIBUTOS

_AVISO_SIMULADO: Final = (
    "> Treinado com tráfego **simulado por nós**: estas medidas dizem que as peças se encaixam, não quanto de fraude "
    "real se barraria. Para desempenho comparável, veja a base pública em `docs/modelo.md`."
)
_USO: Final = """## Para que serve

Ordenar Pix por suspeita de fraude e dar uma probabilidade calibrada, com a qual limiares em R$ escolhem a ação
(`APROVAR`, `AUTENTICAR_REFORCADO`, `RETER_ANALISE`, `BLOQUEIO_CAUTELAR`, `REJEITAR`), sempre com motivos. Quem paga ou
recebe por nós pode pedir revisão humana (LGPD, art. 20). Não serve para crédito, preço, nem para encerrar contas."""
_LIMITES: Final = """## Limites conhecidos

- Aprende com fraudes **confirmadas**: a que ninguém contesta fica fora, e as dos últimos dias ainda não se conhecem.
- Enxerga até 40 dias de história e, nas medidas de lista, os últimos 256 Pix de cada conta.
- Golpe de um só Pix, a recebedor sem passado e com valor comum, é o mais difícil: não há o que medir antes.
- Nenhum atributo sensível entra. Valor, hora e novidade podem se associar a grupos; o cartão de cada versão traz recall
  e honestos incomodados por tipo de pessoa e idade da conta, onde a base os informa. Região ela não traz.
- A precisão depende da prevalência: com 4 a 7 fraudes por 100 mil Pix, a mesma nota gera muito mais alarme falso que em
  uma base com 1 % de fraude. As tabelas dizem os dois."""


def da_avaliacao(r: dict[str, Any], comando: str) -> str:
    """O cartão a partir de um `relatorio.json`; `comando` é o que o reproduz."""
    partes = [
        f"# Cartão do modelo\n\nGerado por `{comando}`. Não edite à mão.", _USO, _procedimento(r), _resultados(r),
        _atributos(r["atributos"]), _custos(), _LIMITES, _origem(r),
    ]
    return "\n\n".join(partes) + "\n"


def do_treino(ficha: dict[str, Any], candidato: str, validacao: dict[str, float]) -> str:
    """O cartão de uma versão registrada, para o MLflow. `validacao`: AP de cada candidato."""
    v = ficha["validacao"]
    linhas = [(nome, numero(valor)) for nome, valor in validacao.items()]
    janela = [
        (trecho, *(_data(d[lado]) for lado in ("de_us", "ate_us")), str(d["linhas"]), str(d["fraudes"]))
        for trecho, d in ficha["janela"].items()
    ]
    partes = [
        f"# Cartão desta versão\n\n{_AVISO_SIMULADO}", _USO,
        f"## O que se mediu na validação\n\nModelo {candidato}: AP {numero(v['ap'])}, taxa base "
        f"{numero(100 * v['taxa_base'], 2)} %, Brier {numero(v['brier'], 5)}.\n\n"
        f"{quadro(('candidato', 'AP'), linhas)}\n\n"
        f"{quadro(('trecho', 'de', 'até', 'Pix', 'fraudes'), janela)}",
        *_equidade(v.get("equidade") or {}), _custos(), _LIMITES,
    ]
    return "\n\n".join(partes) + "\n"


def _equidade(medido: dict[str, Any]) -> list[str]:
    """Só com dados: a base pública de seis colunas não traz grupo nenhum."""
    if not medido:
        return []
    tabela = quadro(("pagador", "grupo", "Pix", "fraudes", "recall", "honestos com ação, por mil"), [
        (dimensao, grupo, numero(m["pix"], 0), numero(m["fraudes"], 0), numero(m["recall"]),
         numero(m["incomodados_por_mil"], 1))
        for dimensao, grupo, m in equidade.linhas(medido)
    ])
    return [f"## O que faz a cada grupo\n\nNa validação, contando qualquer ação que não seja aprovar.\n\n{tabela}"]


def _procedimento(r: dict[str, Any]) -> str:
    return (
        "## Como aprende\n\n"
        "Logística (linha de base), boosting, floresta e a mistura dos dois com árvores de cortes aleatórios (média "
        "dos logitos). O fim da janela de treino valida; a mistura só perde o lugar para quem a supere por mais de "
        "0,01 de AP. Calibração e limiares saem da mesma validação, e o vencedor é refeito com a janela inteira. Um "
        f"rótulo só existe depois de conhecido: aqui, {r['protocolo']['atraso_dias']} dias depois do Pix, tanto para "
        "ensinar quanto para os atributos de risco. Nenhum parâmetro foi buscado no conjunto de teste."
    )


def _resultados(r: dict[str, Any]) -> str:
    de, ate = r.get("ap_intervalo_95") or [None, None]
    p = r["protocolo"]
    linhas = [
        (nome, numero(m["auc"]), numero(m["ap"]), numero(m["cp"]))
        for nome, m in {r["modelo"]: r, **r["candidatos"]}.items()
    ]
    dobras = r["media_das_dobras"]
    media = "" if len(r["dobras"]) <= 1 else (
        f"\n\nMédia de {len(r['dobras'])} dobras prequenciais: AP **{numero(dobras['ap'])}**, "
        f"AUC {numero(dobras['auc'])}, CP {numero(dobras['cp'])} (logística: AP {numero(dobras['ap_logistica'])})."
    )
    alcance = quadro(("alertas", "recall", "precisão", "VDR"), [
        (f"{numero(100 * float(f), 1)} %", numero(o["recall"]), numero(o["precisao"]), numero(o["vdr"]))
        for f, o in r["orcamento"].items()
    ])
    tipologias = "" if "por_tipologia" not in r else "\n\n" + quadro(
        ("tipologia", "fraudes", "recall a 1 % de alertas"),
        [(n, str(g["fraudes"]), numero(g["recall"])) for n, g in r["por_tipologia"].items()],
    )
    return (
        f"## Quanto acerta\n\nBase `{r['arquivos']['eventos']}`, treino {p['treino'][0][:10]} a "
        f"{p['treino'][1][:10]}, teste {p['teste'][0][:10]} a {p['teste'][1][:10]}, protocolo {p['formato']}: "
        f"{r['linhas']} Pix, {r['fraudes']} fraudes ({numero(100 * r['taxa_base'], 2)} %). "
        f"AP **{numero(r['ap'])}** (95 %: {numero(de)} a {numero(ate)}), CP@{r['k']} {numero(r['cp'])}, "
        f"Brier {numero(r['brier'], 5)}.\n\n"
        f"{quadro(('candidato', 'AUC', 'AP', 'CP'), linhas)}{media}\n\n{alcance}{tipologias}"
    )


def _atributos(usados: list[str]) -> str:
    descricoes = {a.nome: a.descricao for a in ATRIBUTOS}
    linhas = "\n".join(f"- `{nome}`: {descricoes[nome]}" for nome in usados)
    return f"## O que vê ({len(usados)} atributos variaram neste treino)\n\n{linhas}"


def _custos() -> str:
    politica = custos.ler()
    tabela = quadro(("ação", "eficácia", "atrito (R$)", "revisão (R$)", "probabilidade mínima"), [
        (acao.value, numero(c.eficacia, 2), numero(c.atrito_centavos / 100, 2), numero(c.revisao_centavos / 100, 2),
         numero(c.probabilidade_minima, 3))
        for acao, c in politica.acoes.items()
    ])
    return (
        "## Com que custos se escolhem os limiares\n\n"
        f"`machine_learning/politica.yaml`, versão {politica.versao}, com a fonte de cada número. Volta pelo MED "
        f"{numero(100 * politica.recuperacao_med, 1)} % do valor; cabem {numero(politica.revisoes_por_100_mil, 0)} "
        f"revisões e {numero(politica.autenticacoes_por_100_mil, 0)} autenticações por 100 mil Pix.\n\n{tabela}"
    )


def _origem(r: dict[str, Any]) -> str:
    versoes = ", ".join(f"{nome} {v}" for nome, v in r["versoes"].items())
    return f"## Reprodução\n\nSemente {r['semente']}; {versoes}. Duas execuções dão as mesmas pontuações."


def _data(us: int) -> str:
    return str(np.datetime64(us, "us").astype("datetime64[D]"))
