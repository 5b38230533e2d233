"""O que os testes precisam saber de PromQL: quais nomes uma expressão usa, e como dar valor às variáveis do Grafana."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import promql_parser
import yaml

from plataforma.configuracao import RAIZ_PROJETO

PASTA = RAIZ_PROJETO / "monitoramento"
VARIAVEIS = {"$__rate_interval": "30s", "$__range": "5m", "$consulta": "decisao"}


def com_valores(expressao: str) -> str:
    """A expressão com as variáveis do Grafana trocadas por valores."""
    for variavel, valor in VARIAVEIS.items():
        expressao = expressao.replace(variavel, valor)
    return expressao


def seletores(expressao: str) -> list[tuple[str, dict[str, str]]]:
    """(métrica, rótulo → valor) de cada seletor, achados pelo analisador, que recusa a sintaxe errada."""
    achados: list[tuple[str, dict[str, str]]] = []
    pilha: list[Any] = [promql_parser.parse(com_valores(expressao))]
    while pilha:
        no = pilha.pop()
        if isinstance(no, promql_parser.VectorSelector):
            achados.append((no.name, {iguala.name: iguala.value for iguala in no.matchers.matchers}))
        for filho in ("lhs", "rhs", "expr", "args", "param", "vector_selector"):
            valor = getattr(no, filho, None)
            pilha += valor if isinstance(valor, list) else [] if valor is None else [valor]
    return achados


def nomes(expressao: str) -> set[str]:
    """As métricas que uma expressão usa."""
    return {nome for nome, _ in seletores(expressao)}


def paineis() -> dict[Path, dict[str, Any]]:
    """Os painéis versionados."""
    return {arquivo: json.loads(arquivo.read_text()) for arquivo in sorted((PASTA / "grafana/paineis").glob("*.json"))}


def alvos() -> list[tuple[str, str]]:
    """(título do quadro, expressão) de cada consulta de cada painel."""
    return [(quadro["title"], alvo["expr"]) for painel in paineis().values() for quadro in painel["panels"]
            for alvo in quadro["targets"]]


def regras() -> list[dict[str, Any]]:
    """As regras de gravação e de alerta."""
    grupos = yaml.safe_load((PASTA / "alertas.yml").read_text())["groups"]
    return [regra for grupo in grupos for regra in grupo["rules"]]
