"""De uma observação nomeada às métricas: a tabela que diz quem lê o quê.

Três formas, todas declaradas aqui: `decisao` (machine_learning.observacao); as de `CONTAGENS`, coluna a coluna; e
`<camada>:<algo>`, em que cada coluna é uma contagem com o nome de um desfecho da camada (`valido`) ou de um motivo da
lista fechada (`valor_invalido`). O que não está declarado é um erro de quem o escreveu, e é dito.

O que um `foreachBatch` só sabe depois de gravar (repetidos, motivos) vem pelo aviso de `processamento.lotes`:
`iniciar_prata(..., avisar=partial(registrar_resumo, metricas))`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from machine_learning.observacao import (
    ACOES,
    DESTINOS,
    LIMITES_LATENCIA_MS,
    LIMITES_PONTUACAO_DECIMOS,
    NOME_OBSERVACAO,
    do_lote,
)
from monitoramento.metricas import DESFECHOS, SEM_MODELO, Metricas, registrar_lote
from processamento.lotes import ResumoLote
from processamento.qualidade import MotivoQuarentena

Linha = Mapping[str, Any]
"""As colunas de uma observação, como saem do progresso; um agregado nulo simplesmente falta."""

CONTAGENS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "bronze_eventos": {"linhas": ("bronze", "recebido")},
    "ouro_decisoes": {"linhas": ("ouro", "gravado")},
}
"""Observação → coluna → (camada, desfecho)."""

CONTADAS_DE_OUTRA_FORMA: Final = frozenset({"bronze_rotulos", "prata_pix", "prata_rotulos"})
"""Suas linhas já chegam por `pix_lote_linhas` e, com o desfecho de cada uma, por `registrar_resumo`."""

_MOTIVOS: Final = frozenset(motivo.value for motivo in MotivoQuarentena)
APROVAR: Final = ACOES[0]


def aplicar(nome: str, linha: Linha, metricas: Metricas, nome_modelo: str) -> None:
    """Soma uma observação às métricas.

    Levanta:
        ValueError: observação ou coluna que ninguém sabe ler, ou duas versões de modelo no mesmo lote.
    """
    camada, dois_pontos, _ = nome.partition(":")
    if nome == NOME_OBSERVACAO:
        resumo = do_lote(linha)
        if resumo is not None:
            _ler_decisao(resumo, metricas, nome_modelo)
    elif nome in CONTAGENS:
        for coluna, (destino, desfecho) in CONTAGENS[nome].items():
            metricas.eventos.labels(destino, desfecho).inc(linha[coluna])
    elif dois_pontos and camada in DESFECHOS:
        _somar_contagens(camada, linha, metricas)
    elif nome not in CONTADAS_DE_OUTRA_FORMA:
        msg = f"observação {nome!r} sem leitor; esperado: {NOME_OBSERVACAO}, {', '.join(CONTAGENS)} ou <camada>:<algo>"
        raise ValueError(msg)


def registrar_resumo(metricas: Metricas, resumo: ResumoLote) -> None:
    """Soma o que um lote da prata ou dos rótulos virou, depois de gravado."""
    recusados = sum(resumo.quarentena.values())
    contagens = {"valido": resumo.validos, "duplicado": resumo.duplicados, "quarentena": recusados}
    registrar_lote(metricas, resumo.camada, contagens)
    for motivo, linhas in resumo.quarentena.items():
        metricas.quarentena.labels(MotivoQuarentena(motivo).value).inc(linhas)


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

