"""De uma observação nomeada às métricas: a tabela que diz quem lê o quê.

Os fluxos observam `decisao` (machine_learning.observacao) ou `<camada>:<algo>`, em que cada coluna é uma contagem: o
nome de um desfecho da camada (`valido`), ou o de um motivo da lista fechada (`valor_invalido`), com ou sem o prefixo
`desfecho_` ou `motivo_`. Uma coluna que não é nem um nem outro é um erro de quem a escreveu, e é dito.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from machine_learning.observacao import (
    ACOES,
    DESTINOS,
    LIMITES_LATENCIA_MS,
    LIMITES_PONTUACAO_DECIMOS,
    NOME_OBSERVACAO,
)
from monitoramento.metricas import DESFECHOS, SEM_MODELO, Metricas
from processamento.qualidade import MotivoQuarentena

Linha = Mapping[str, Any]
"""As colunas de uma observação, como saem do progresso; um agregado nulo simplesmente falta."""

_MOTIVOS: Final = frozenset(motivo.value for motivo in MotivoQuarentena)
APROVAR: Final = ACOES[0]


def aplicar(nome: str, linha: Linha, metricas: Metricas, nome_modelo: str) -> None:
    """Soma uma observação às métricas.

    Levanta:
        ValueError: observação ou coluna que ninguém sabe ler, ou duas versões de modelo no mesmo lote.
    """
    camada, dois_pontos, _ = nome.partition(":")
    if dois_pontos and camada in DESFECHOS:
        _somar_contagens(camada, linha, metricas)
        return
    ler = LEITORES.get(nome)
    if ler is None:
        msg = f"observação {nome!r} sem leitor; esperado: {', '.join(LEITORES)} ou <camada>:<algo> de {list(DESFECHOS)}"
        raise ValueError(msg)
    ler(linha, metricas, nome_modelo)


def _somar_contagens(camada: str, linha: Linha, metricas: Metricas) -> None:
    desconhecidas = []
    for coluna, contagem in linha.items():
        nome = coluna.removeprefix("desfecho_").removeprefix("motivo_")
        if nome in DESFECHOS[camada] and not coluna.startswith("motivo_"):
            metricas.eventos.labels(camada, nome).inc(contagem or 0)
        elif nome in _MOTIVOS:
            metricas.quarentena.labels(nome).inc(contagem or 0)
        else:
            desconhecidas.append(coluna)
    if desconhecidas:
        msg = f"camada {camada}: colunas {desconhecidas} não são desfecho nem motivo"
        raise ValueError(msg)


def _ler_decisao(linha: Linha, metricas: Metricas, nome_modelo: str) -> None:
    for destino in DESTINOS:
        metricas.eventos.labels("decisao", destino).inc(linha[f"destino_{destino}"])
    for acao in ACOES:
        contagem = linha[f"acao_{acao}"]
        metricas.decisoes.labels(acao).inc(contagem)
        if acao != APROVAR:
            metricas.alertas.inc(contagem)
    metricas.valor_barrado.inc(linha["barrado_centavos"])
    metricas.decisoes_sem_modelo.inc(linha["sem_modelo"])
    ate = [linha[f"latencia_ate_{limite}_ms"] for limite in LIMITES_LATENCIA_MS]
    metricas.latencia.somar(ate, linha["latencia_linhas"], linha["latencia_soma_ms"] / 1000)
    if linha["destino_decidido"]:
        _ler_versoes(linha, metricas, nome_modelo)
    _conferir_decisao(linha)


def _ler_versoes(linha: Linha, metricas: Metricas, nome_modelo: str) -> None:
    versao = linha.get("modelo_maior") or SEM_MODELO
    if linha["pontuacao_linhas"]:
        ate = [linha[f"pontuacao_ate_{decimos}_decimos"] for decimos in LIMITES_PONTUACAO_DECIMOS]
        metricas.pontuacao.somar(ate, linha["pontuacao_linhas"], linha["pontuacao_soma"], (versao,))
    metricas.modelo.clear()
    metricas.modelo.labels(nome_modelo, versao, linha.get("regras_maior") or SEM_MODELO).set(1)


def _conferir_decisao(linha: Linha) -> None:
    destinos = sum(linha[f"destino_{destino}"] for destino in DESTINOS)
    acoes = sum(linha[f"acao_{acao}"] for acao in ACOES)
    if destinos != linha["linhas"] or acoes != linha["destino_decidido"]:
        msg = f"decisão: {linha['linhas']} linhas, {destinos} com destino, {acoes} com ação: há valores fora da lista"
        raise ValueError(msg)
    for versao in ("modelo", "regras"):
        menor, maior = linha.get(f"{versao}_menor"), linha.get(f"{versao}_maior")
        if menor != maior:
            msg = f"decisão: duas versões de {versao} no mesmo lote ({menor} e {maior})"
            raise ValueError(msg)


LEITORES: Final[dict[str, Callable[[Linha, Metricas, str], None]]] = {NOME_OBSERVACAO: _ler_decisao}
"""Observações com leitor próprio; as demais seguem a convenção `<camada>:<algo>`."""
