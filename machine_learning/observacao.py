"""O que a consulta de decisão observa de si mesma: contagens e baldes por micro-lote, com nomes estáveis.

A decisão só declara; quem ouve é o `monitoramento`. Cada bloco de respostas se resume onde é decidido (`resumir`), e
`df.observe(NOME_OBSERVACAO, *observacoes())` só soma resumos. Contar linha a linha na JVM custava um sétimo da sua CPU.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, LongType, StringType, StructField, StructType

from machine_learning.acoes import Acao, Codigos

if TYPE_CHECKING:
    from pyspark.sql import Column

Reais = NDArray[np.float64]
Inteiros = NDArray[np.int64]

NOME_OBSERVACAO: Final = "decisao"
ENSAIO: Final = "ensaio"
"""A consulta que só esquenta o caminho: não é produção, e nada dela conta."""

DESTINOS: Final = ("decidido", "quarentena", "duplicado", "historico", "isento")
"""O destino de cada registro, um só por (topico, particao, deslocamento). Os três últimos não têm resposta: o caminho
de decisão hoje os suprime antes da saída, e suas contagens aqui são zero (o lago é quem os conta)."""

DECIDIDO: Final = "decidido"
RECUSADO: Final = "quarentena"

ACOES: Final = tuple(acao.value for acao in Acao)
ACOES_QUE_BARRAM: Final = (Acao.RETER_ANALISE.value, Acao.BLOQUEIO_CAUTELAR.value, Acao.REJEITAR.value)
"""As que impedem, ainda que por um tempo, o dinheiro de chegar."""

LIMITES_LATENCIA_MS: Final = (100, 250, 500, 750, 1000, 1250, 1500, 2000, 2500, 3000, 5000, 10_000, 30_000)
"""Bordas superiores, inclusivas, em ms; mais finas em torno dos objetivos de 1,5 s e 2,5 s."""

LIMITES_PONTUACAO_DECIMOS: Final = tuple(range(1, 11))
"""Bordas superiores, inclusivas, em décimos: a probabilidade calibrada vai de 0 a 1."""


_CONTAGENS: Final = (
    "linhas", *(f"destino_{destino}" for destino in DESTINOS), *(f"acao_{acao}" for acao in ACOES), "barrado_centavos",
    *(f"latencia_ate_{limite}_ms" for limite in LIMITES_LATENCIA_MS), "latencia_linhas",
    *(f"pontuacao_ate_{decimos}_decimos" for decimos in LIMITES_PONTUACAO_DECIMOS), "pontuacao_linhas", "sem_modelo",
)
_SOMAS: Final = ("latencia_soma_ms", "pontuacao_soma")
_VERSOES: Final = ("modelo", "regras")
RESUMO: Final = StructType([
    *(StructField(nome, LongType()) for nome in _CONTAGENS), *(StructField(nome, DoubleType()) for nome in _SOMAS),
    *(StructField(nome, StringType()) for nome in _VERSOES),
])
"""O resumo de um bloco de respostas. Contagens são acumuladas por borda (`latencia_ate_1500_ms` = decididos em até
1,5 s); latência e pontuação só dos decididos que as têm; dinheiro em centavos."""


def resumir(
    acoes: Codigos, latencia_ms: Reais, probabilidade: Reais, valor_centavos: Inteiros, modelo: str | None,
    regras: str, recusas: int,
) -> dict[str, Any]:
    """O `RESUMO` de um bloco.

    Args:
        acoes: int8 (decididos,), o código de cada um.
        latencia_ms: float64 (decididos,); NaN = sem cabeçalho de envio.
        probabilidade: float64 (decididos,), calibrada; NaN = sem modelo.
        valor_centavos: int64 (decididos,).
        modelo: versão; None = decidido só por regras.
        regras: versão.
        recusas: respostas a registros que não são um Pix válido.
    """
    medidas, notas = latencia_ms[~np.isnan(latencia_ms)], probabilidade[~np.isnan(probabilidade)]
    decididos, quantas = acoes.size, np.bincount(acoes, minlength=len(ACOES)).tolist()
    barrou = np.isin(acoes, [ACOES.index(acao) for acao in ACOES_QUE_BARRAM])
    return {
        "linhas": decididos + recusas, **dict.fromkeys((f"destino_{destino}" for destino in DESTINOS), 0),
        f"destino_{DECIDIDO}": decididos, f"destino_{RECUSADO}": recusas,
        **{f"acao_{acao}": n for acao, n in zip(ACOES, quantas, strict=True)},
        "barrado_centavos": int(valor_centavos[barrou].sum()),
        **{f"latencia_ate_{limite}_ms": int((medidas <= limite).sum()) for limite in LIMITES_LATENCIA_MS},
        "latencia_linhas": medidas.size, "latencia_soma_ms": float(medidas.sum()),
        **{f"pontuacao_ate_{d}_decimos": int((notas <= d / 10).sum()) for d in LIMITES_PONTUACAO_DECIMOS},
        "pontuacao_linhas": notas.size, "pontuacao_soma": float(notas.sum()),
        "sem_modelo": 0 if modelo else decididos, "modelo": modelo if decididos else None,
        "regras": regras if decididos else None,
    }


def observacoes(coluna: str = "resumo") -> list[Column]:
    """Os agregados de um micro-lote, para `DataFrame.observe`; `coluna` é um `RESUMO`.

    Menor e maior versão do lote são iguais, porque um micro-lote tem uma só; o ouvinte acusa quando não são.
    """
    resumo = F.col(coluna)
    return [
        *(F.coalesce(F.sum(resumo[nome]), F.lit(0)).alias(nome) for nome in _CONTAGENS),
        *(F.coalesce(F.sum(resumo[nome]), F.lit(0.0)).alias(nome) for nome in _SOMAS),
        *(F.min(resumo[nome]).alias(f"{nome}_menor") for nome in _VERSOES),
        *(F.max(resumo[nome]).alias(f"{nome}_maior") for nome in _VERSOES),
    ]
