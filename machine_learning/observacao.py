"""O que a consulta de decisão observa de si mesma: contagens e baldes por micro-lote, com nomes estáveis.

A decisão só declara; quem ouve é o `monitoramento`. `df.observe(NOME_OBSERVACAO, *observacoes(df.columns))`, logo
após o último `mapInArrow`, custa uma passagem de agregados sobre linhas que já estão na memória do executor.
Uma linha da saída é uma resposta: `tipo` diz o destino do registro e `acao` só conta quando ele foi decidido.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from pyspark.sql import functions as F

from machine_learning.acoes import Acao
from plataforma.erros import ErroConfiguracao

if TYPE_CHECKING:
    from pyspark.sql import Column

NOME_OBSERVACAO: Final = "decisao"
ENSAIO: Final = "ensaio"
"""A consulta que só esquenta o caminho: não é produção, e nada dela conta."""

DESTINOS: Final = ("decidido", "quarentena", "duplicado", "historico", "isento")
"""O destino de cada registro, um só por (topico, particao, deslocamento). Os três últimos não têm resposta: o caminho
de decisão hoje os suprime antes da saída, e suas contagens aqui são zero (o lago é quem os conta)."""

DECIDIDO: Final = "decidido"

ACOES: Final = tuple(acao.value for acao in Acao)
ACOES_QUE_BARRAM: Final = (Acao.RETER_ANALISE.value, Acao.BLOQUEIO_CAUTELAR.value, Acao.REJEITAR.value)
"""As que impedem, ainda que por um tempo, o dinheiro de chegar."""

COLUNAS: Final = ("tipo", "acao", "latencia_ms", "pontuacao", "valor_centavos", "modelo_versao", "regras_versao")
"""O que `observacoes` lê: textos; `latencia_ms` e `pontuacao` (probabilidade calibrada) double, nulos sem cabeçalho ou
sem modelo; centavos int64."""

LIMITES_LATENCIA_MS: Final = (100, 250, 500, 750, 1000, 1250, 1500, 2000, 2500, 3000, 5000, 10_000, 30_000)
"""Bordas superiores, inclusivas, em ms; mais finas em torno dos objetivos de 1,5 s e 2,5 s."""

LIMITES_PONTUACAO_DECIMOS: Final = tuple(range(1, 11))
"""Bordas superiores, inclusivas, em décimos: a probabilidade calibrada vai de 0 a 1."""


def observacoes(colunas: Collection[str] = COLUNAS) -> list[Column]:
    """Os agregados de um micro-lote, para `DataFrame.observe`; `colunas` são as do DataFrame observado.

    Contagens são acumuladas por borda (`latencia_ate_1500_ms` = decididos em até 1,5 s). Latência e pontuação só dos
    decididos. Dinheiro em centavos.

    Levanta:
        ErroConfiguracao: quando falta uma das `COLUNAS`.
    """
    faltam = sorted(set(COLUNAS) - set(colunas))
    if faltam:
        msg = f"a saída da decisão não tem {', '.join(faltam)}; esperado: {', '.join(COLUNAS)}"
        raise ErroConfiguracao(msg)
    return [F.count(F.lit(1)).alias("linhas"), *_destinos(), *_acoes(), *_latencias(), *_pontuacoes(), *_versoes()]


def _quantos(condicao: Column, nome: str) -> Column:
    return F.count_if(condicao).alias(nome)


def _decidido() -> Column:
    return F.col("tipo") == DECIDIDO


def _destinos() -> list[Column]:
    return [_quantos(F.col("tipo") == destino, f"destino_{destino}") for destino in DESTINOS]


def _acoes() -> list[Column]:
    barrado = F.when(_decidido() & F.col("acao").isin(*ACOES_QUE_BARRAM), F.col("valor_centavos"))
    return [
        *(_quantos(_decidido() & (F.col("acao") == acao), f"acao_{acao}") for acao in ACOES),
        F.coalesce(F.sum(barrado), F.lit(0)).alias("barrado_centavos"),
    ]


def _latencias() -> list[Column]:
    latencia = F.when(_decidido(), F.col("latencia_ms"))
    return [
        *(_quantos(latencia <= limite, f"latencia_ate_{limite}_ms") for limite in LIMITES_LATENCIA_MS),
        F.count(latencia).alias("latencia_linhas"),
        F.coalesce(F.sum(latencia), F.lit(0.0)).alias("latencia_soma_ms"),
    ]


def _pontuacoes() -> list[Column]:
    pontuacao = F.when(_decidido(), F.col("pontuacao"))
    return [
        *(_quantos(pontuacao <= decimos / 10, f"pontuacao_ate_{decimos}_decimos")
          for decimos in LIMITES_PONTUACAO_DECIMOS),
        F.count(pontuacao).alias("pontuacao_linhas"),
        F.coalesce(F.sum(pontuacao), F.lit(0.0)).alias("pontuacao_soma"),
    ]


def _versoes() -> list[Column]:
    """Menor e maior versão do lote: iguais, porque um micro-lote tem uma só; o ouvinte acusa quando não são."""
    modelo, regras = (F.when(_decidido(), F.col(nome)) for nome in ("modelo_versao", "regras_versao"))
    return [
        _quantos(_decidido() & F.col("modelo_versao").isNull(), "sem_modelo"),
        F.min(modelo).alias("modelo_menor"), F.max(modelo).alias("modelo_maior"),
        F.min(regras).alias("regras_menor"), F.max(regras).alias("regras_maior"),
    ]
