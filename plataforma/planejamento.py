"""O que o Spark refaz a cada micro-lote e um plano que nunca muda dispensa.

O Structured Streaming replaneja o mesmo plano a cada micro-lote. Em uma consulta de poucas linhas largas, que decide em
um terço de segundo, isso pesa tanto quanto o trabalho dela (medido em docs/adr/0014). O que aqui se desliga só muda
quanto custa planejar; o resultado é o mesmo.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

REGRAS_EXCLUIDAS: Final = "spark.sql.optimizer.excludedRules"
ECONOMIA: Final = {
    # Procurar estágios iguais entre três que são diferentes.
    "spark.sql.exchange.reuse": "false",
    "spark.sql.execution.reuseSubquery": "false",
}
_FICAM: Final = frozenset({
    "CollapseProject", "CollapseRepartition", "ColumnPruning", "ConstantFolding", "RemoveNoopOperators",
    "RemoveRedundantAliases",
})
"""As regras do otimizador que servem a um plano sem junção, filtro nem agregação."""


@contextmanager
def planejamento_economico(spark: SparkSession) -> Iterator[None]:
    """A consulta de fluxo iniciada no bloco planeja com `ECONOMIA` e só as regras que ficam; depois tudo volta.

    Uma consulta de fluxo copia as configurações da sessão ao nascer. Para sessões locais e de cluster: usa a JVM.
    """
    valores = {**ECONOMIA, REGRAS_EXCLUIDAS: ",".join(regras_dispensaveis(spark))}
    antes = {chave: spark.conf.get(chave, None) for chave in valores}
    for chave, valor in valores.items():
        spark.conf.set(chave, valor)
    try:
        yield
    finally:
        for chave, valor in antes.items():
            if valor is None:
                spark.conf.unset(chave)
            else:
                spark.conf.set(chave, valor)


def regras_dispensaveis(spark: SparkSession) -> list[str]:
    """As regras do otimizador desta sessão que o Spark deixa excluir e que não estão entre as que ficam."""
    otimizador = spark._jsparkSession.sessionState().optimizer()  # noqa: SLF001  não há outro caminho até ele
    regras = {
        regra.ruleName() for lote in _iterar(otimizador.defaultBatches()) for regra in _iterar(lote.rules())
    }
    obrigatorias = set(_iterar(otimizador.nonExcludableRules()))
    return sorted(nome for nome in regras - obrigatorias if nome.rpartition(".")[2] not in _FICAM)


def _iterar(sequencia: Any) -> Iterator[Any]:
    """Os elementos de uma sequência do Scala."""
    iterador = sequencia.iterator()
    while iterador.hasNext():
        yield iterador.next()
