"""O relatório de uma avaliação: `pontuacoes.parquet`, `relatorio.json`, `relatorio.md` e as figuras."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from machine_learning import cartao, custos, graficos, leiame
from machine_learning.acoes import Acao
from machine_learning.conjunto import DIA_US, Historico, catalogo_de
from machine_learning.controles import Controle
from machine_learning.medidas import limpo
from machine_learning.protocolo import Dobra, Opcoes
from machine_learning.relatorio_texto import FIGURAS, texto
from plataforma.configuracao import RAIZ_PROJETO
from plataforma.erros import ErroConfiguracao
from processamento.atributos import NOMES

BIBLIOTECAS: Final = ("scikit-learn", "numpy", "numba", "polars", "skops")


@dataclass(frozen=True)
class Execucao:
    """O que cercou a avaliação: arquivos, tempo em segundos e avisos da leitura."""

    eventos: str
    rotulos: str
    linhas: int
    segundos: float
    avisos: tuple[str, ...]


def escrever(
    pasta: Path, historico: Historico, dobras: Sequence[Dobra], opcoes: Opcoes, execucao: Execucao,
    controles: Sequence[Controle] = (),
) -> dict[str, Any]:
    """Escreve tudo em `pasta` e devolve o conteúdo de `relatorio.json`.

    Levanta:
        ErroConfiguracao: quando não se pode escrever na pasta.
    """
    conteudo: dict[str, Any] = limpo(_conteudo(dobras, opcoes, execucao, controles))
    try:
        (pasta / FIGURAS).mkdir(parents=True, exist_ok=True)
        _pontuacoes(historico, dobras[0]).write_parquet(pasta / "pontuacoes.parquet")
        for nome, figura in _figuras(dobras[0]).items():
            figura.savefig(pasta / FIGURAS / nome, dpi=110, metadata={"Software": None})
        (pasta / "relatorio.json").write_text(json.dumps(conteudo, ensure_ascii=False, indent=1), encoding="utf-8")
        (pasta / "relatorio.md").write_text(texto(conteudo), encoding="utf-8")
    except OSError as erro:
        msg = f"{pasta}: não foi possível escrever ({erro.strerror}); escolha outra pasta com --saida"
        raise ErroConfiguracao(msg) from erro
    return conteudo


def escrever_cartao(arquivo: Path, relatorio: dict[str, Any]) -> None:
    """Grava o cartão do modelo de uma avaliação.

    Levanta:
        ErroConfiguracao: quando não se pode escrever no arquivo.
    """
    comando = f"{_comando(relatorio)} --cartao {_sem_a_maquina(arquivo)}"
    _gravar(arquivo, cartao.da_avaliacao(relatorio, comando), "--cartao")


def atualizar_leiame(arquivo: Path, relatorio: dict[str, Any], dia: date) -> None:
    """Troca a seção de detecção de um README pelo que esta avaliação mediu.

    Levanta:
        ErroConfiguracao: o arquivo não existe, não tem as marcas, ou não se pode escrever nele.
    """
    comando = f"{_comando(relatorio)} --leiame {_sem_a_maquina(arquivo)}"
    try:
        novo = leiame.trocar(
            arquivo.read_text(encoding="utf-8"), leiame.secao(relatorio, comando, f"{dia:%d/%m/%Y}")
        )
    except (OSError, ValueError) as erro:
        msg = f"--leiame {arquivo}: {erro}; dê um documento que tenha as duas marcas"
        raise ErroConfiguracao(msg) from erro
    _gravar(arquivo, novo, "--leiame")


def _comando(relatorio: dict[str, Any]) -> str:
    p = relatorio["protocolo"]
    return " ".join([
        "./pix avaliar --eventos E.parquet --rotulos R.parquet --corte split.json --saida DIR",
        *([f"--formato {p['formato']}"] if p["formato"] != "completo" else []),
        *([f"--dobras {len(relatorio['dobras'])}"] if len(relatorio["dobras"]) > 1 else []),
        *(["--controle"] if relatorio["controles"] else []),
    ])


def _gravar(arquivo: Path, conteudo: str, opcao: str) -> None:
    try:
        arquivo.write_text(conteudo, encoding="utf-8")
    except OSError as erro:
        msg = f"{arquivo}: não foi possível escrever ({erro.strerror}); escolha outro arquivo com {opcao}"
        raise ErroConfiguracao(msg) from erro


def _sem_a_maquina(arquivo: Path) -> Path:
    """O caminho como se escreve na raiz do projeto; fora dela, só o nome."""
    inteiro = arquivo.resolve()
    dentro = inteiro.is_relative_to(RAIZ_PROJETO)
    return inteiro.relative_to(RAIZ_PROJETO) if dentro else Path(arquivo.name)


def _pontuacoes(historico: Historico, dobra: Dobra) -> pl.DataFrame:
    nomes = dobra.teste.id_evento if historico.nomes is None else historico.nomes[dobra.teste.id_evento]
    return pl.DataFrame({"event_id": pl.Series(nomes.tolist()), "score": dobra.nota})


def _conteudo(
    dobras: Sequence[Dobra], opcoes: Opcoes, execucao: Execucao, controles: Sequence[Controle]
) -> dict[str, Any]:
    principal = dobras[0]
    detector = principal.feito.detector
    return {
        "modelo": principal.vencedor, **principal.medidas[principal.vencedor], "k": principal.corte.cp_k,
        "protocolo": {
            "formato": "handbook" if opcoes.handbook else "completo", "treino": _datas(principal.corte.treino),
            "teste": _datas(principal.corte.teste), "atraso_dias": principal.corte.atraso_dias,
            "retirados": int((~principal.mantidos).sum()),
        },
        "candidatos": {n: m for n, m in principal.medidas.items() if n != principal.vencedor},
        "validacao": {t.candidato: t.medidas["ap"] for t in principal.feito.tentativas},
        "calibracao": principal.feito.validacao["calibracao"],
        "reais": _reais(principal), "limiares": {a.value: p for a, p in detector.limiares.items()},
        "dobras": [_resumo_dobra(d) for d in dobras], "media_das_dobras": _medias(dobras),
        "controles": {c.nome: {"passou": c.passou, "texto": c.texto} for c in controles},
        "atributos": [NOMES[c] for c in detector.colunas_],
        "descartados": [nome for j, nome in enumerate(NOMES) if j not in set(detector.colunas_.tolist())],
        "semente": opcoes.semente, "eventos": execucao.linhas, "avisos": list(execucao.avisos),
        "arquivos": {"eventos": Path(execucao.eventos).name, "rotulos": Path(execucao.rotulos).name},
        "versoes": {
            "python": platform.python_version(), "catalogo": catalogo_de(principal.corte.atraso_dias).versao,
            **{nome: version(nome) for nome in BIBLIOTECAS},
        },
        "segundos": round(execucao.segundos, 1),
    }


def _resumo_dobra(d: Dobra) -> dict[str, Any]:
    m = d.medidas[d.vencedor]
    return {
        "treino": _datas(d.corte.treino), "teste": _datas(d.corte.teste), "modelo": d.vencedor, "ap": m["ap"],
        "ap_intervalo_95": m.get("ap_intervalo_95"), "auc": m["auc"], "cp": m["cp"], "fraudes": m["fraudes"],
        "linhas": m["linhas"], "ap_logistica": d.medidas["logistica"]["ap"], "segundos": round(d.segundos, 1),
    }


def _medias(dobras: Sequence[Dobra]) -> dict[str, float]:
    return {nome: float(np.mean([d.medidas[d.vencedor][nome] for d in dobras])) for nome in ("ap", "auc", "cp")} | {
        "ap_logistica": float(np.mean([d.medidas["logistica"]["ap"] for d in dobras]))
    }


def _reais(d: Dobra) -> dict[str, Any]:
    m = d.teste.onde(d.mantidos)
    dias = (d.corte.teste[1] - d.corte.teste[0]) / DIA_US
    politica = custos.ler()
    limiares: dict[Acao, float] = dict(d.feito.detector.limiares)
    return custos.apurar(politica, limiares, d.probabilidade[d.mantidos], m.y(), m.valor, dias) | {
        "politica_versao": politica.versao
    }


def _figuras(d: Dobra) -> dict[str, Any]:
    m = d.teste.onde(d.mantidos)
    y = m.y()
    curvas = {n: nota[d.mantidos] for n, nota in d.notas.items()}
    medidas = d.medidas[d.vencedor]
    figuras = {
        "precisao_recall.png": graficos.precisao_recall(y, curvas), "vdr.png": graficos.vdr(y, m.valor, curvas),
        "calibracao.png": graficos.calibracao(medidas["confiabilidade"]),
    }
    if "por_tipologia" in medidas:
        recalls = {n: g["recall"] for n, g in medidas["por_tipologia"].items()}
        figuras["tipologias.png"] = graficos.barras("Recall por tipologia, alertando 1 %", recalls, "recall")
    return figuras


def _datas(janela: tuple[int, int]) -> list[str]:
    return [str(np.datetime64(t, "us").astype("datetime64[s]")) for t in janela]
