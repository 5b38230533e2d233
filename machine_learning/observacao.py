"""O que a consulta de decisão observa de si mesma: contagens e baldes por micro-lote, com nomes estáveis.

A decisão só declara; quem ouve é o `monitoramento`. Cada bloco de respostas se resume onde é decidido (`resumir`), cada
tarefa junta os seus (`juntar`), e `df.observe(NOME_OBSERVACAO, *observacoes(n))` leva ao ouvinte um texto por partição,
que `do_lote` junta. Contar linha a linha na JVM custava um sétimo da sua CPU; somar ali sessenta colunas de resumos, um
quinto da CPU das tarefas: o Spark escreve o código dessas somas outra vez em cada tarefa.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StringType, StructField, StructType

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
_MENOR, _MAIOR = "menor", "maior"
RESUMO: Final = (
    *_CONTAGENS, *_SOMAS, *(f"{nome}_{ponta}" for nome in _VERSOES for ponta in (_MENOR, _MAIOR)),
)
"""Os campos de um resumo. Contagens são acumuladas por borda (`latencia_ate_1500_ms` = decididos em até 1,5 s);
latência e pontuação só dos decididos que as têm; dinheiro em centavos; de cada versão a menor e a maior, nulas sem
decididos. Um micro-lote tem uma versão só: o ouvinte acusa quando as duas pontas diferem."""
ENTREGUE: Final = StructType([
    StructField("particao", IntegerType(), nullable=False), StructField("resumo", StringType(), nullable=False),
])
"""O que sai do plano: uma linha por tarefa, com o resumo (JSON) do que ela já entregou ao Kafka."""
_COLUNA: Final = "particao_{}"


def resumir(
    acoes: Codigos, latencia_ms: Reais, probabilidade: Reais, valor_centavos: Inteiros, modelo: str | None,
    regras: str, recusas: int,
) -> dict[str, Any]:
    """Os campos de `RESUMO` de um bloco.

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
        "sem_modelo": 0 if modelo else decididos,
        **{f"modelo_{ponta}": modelo if decididos else None for ponta in (_MENOR, _MAIOR)},
        **{f"regras_{ponta}": regras if decididos else None for ponta in (_MENOR, _MAIOR)},
    }


def juntar(resumos: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Um resumo de vários (ao menos um): o que se conta soma-se; das versões ficam as pontas."""
    partes = list(resumos)
    junto: dict[str, Any] = {nome: sum(parte[nome] for parte in partes) for nome in (*_CONTAGENS, *_SOMAS)}
    for nome in _VERSOES:
        for ponta, escolher in ((_MENOR, min), (_MAIOR, max)):
            campo = f"{nome}_{ponta}"
            junto[campo] = escolher((parte[campo] for parte in partes if parte[campo] is not None), default=None)
    return junto


def escrever(resumo: Mapping[str, Any]) -> str:
    """O texto que viaja em `ENTREGUE`."""
    return msgspec.json.encode(resumo).decode()


def observacoes(particoes: int) -> list[Column]:
    """Os agregados de um micro-lote, para `DataFrame.observe` sobre `ENTREGUE`: um por partição, nulo se vazia.

    `max` porque há uma só linha por partição, e o Spark pede um agregado.
    """
    return [
        F.max(F.when(F.col("particao") == F.lit(k), F.col("resumo"))).alias(_COLUNA.format(k))
        for k in range(particoes)
    ]


def do_lote(observado: Mapping[str, str | None]) -> dict[str, Any] | None:
    """O resumo do micro-lote, das colunas de `observacoes`; nulo se nenhuma partição teve o que responder."""
    partes = [msgspec.json.decode(texto) for texto in observado.values() if texto is not None]
    return juntar(partes) if partes else None
