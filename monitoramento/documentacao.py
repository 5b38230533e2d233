"""A tabela de métricas de docs/uso_operacional.md, tirada delas: `python -m monitoramento.documentacao` a refaz."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry

from monitoramento import deriva
from monitoramento.metricas import Metricas
from plataforma.configuracao import RAIZ_PROJETO

ARQUIVO: Final = RAIZ_PROJETO / "docs" / "uso_operacional.md"
INICIO: Final = "<!-- métricas: gerado por python -m monitoramento.documentacao -->\n"
FIM: Final = "<!-- fim das métricas -->\n"
_TIPOS: Final = {"counter": "contador", "gauge": "medida", "summary": "soma e contagem", "histogram": "histograma"}


def tabela() -> str:
    """Uma linha por métrica, na ordem da declaração."""
    linhas = ["| métrica | tipo | rótulos | o que conta |", "|---|---|---|---|"]
    for declarada in (*Metricas(CollectorRegistry()).declaradas, *deriva.DECLARADAS):
        rotulos = ", ".join(f"`{rotulo}`" for rotulo in declarada.rotulos)
        linhas.append(f"| `{declarada.nome}` | {_TIPOS[declarada.tipo]} | {rotulos} | {declarada.ajuda} |")
    return "\n".join(linhas) + "\n"


def com_tabela(texto: str) -> str:
    """O documento com a tabela refeita entre as marcas."""
    antes, _, resto = texto.partition(INICIO)
    _, _, depois = resto.partition(FIM)
    return antes + INICIO + tabela() + FIM + depois


if __name__ == "__main__":
    ARQUIVO.write_text(com_tabela(ARQUIVO.read_text(encoding="utf-8")), encoding="utf-8")
