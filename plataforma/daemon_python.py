"""O daemon que cria os processos Python do Spark, sem zips nem jars no `sys.path`.

O Spark põe `pyspark.zip`, o zip do py4j e o jar do núcleo no caminho de cada processo Python. Em Python < 3.12,
`importlib.invalidate_caches()`, chamado a cada tarefa, relê o diretório de cada um deles: cerca de 95 ms por tarefa.
O mesmo PySpark está instalado no ambiente, então os zips são dispensáveis; onde não está, ficam.

Ao fim de cada tarefa o PySpark chama `gc.collect()`, que percorre tudo o que o processo importou: cerca de 90 ms com
scikit-learn e numba. O que se importou aqui, e o que as tarefas abriram e guardaram (o modelo, o estado), é posto fora
do alcance do coletor (`gc.freeze`).

Módulos pesados nomeados em `PIX_PREIMPORTAR` são importados uma vez, aqui: cada processo nasce com eles por `fork`, em
vez de pagar segundos de importação no primeiro micro-lote que atende. `modulo:funcao` também chama a função.

Uso: `spark.python.daemon.module=plataforma.daemon_python` (perfis local e cluster).
"""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder

from plataforma.maquina import variavel

PREIMPORTAR = "PIX_PREIMPORTAR"
OBJETOS_ATE_COLETAR = 1_000_000
"""Um micro-lote de milhares de Pix cria dezenas de milhares de listas, quase nenhuma em ciclo: com o padrão do Python
(700), procurar lixo no meio da tarefa custava metade dela. Ao fim de cada tarefa coleta-se de todo modo."""
COMPRIMIDOS = (".zip", ".jar")


def caminho_sem_zips(caminho: list[str]) -> list[str]:
    """O `sys.path` sem zips e jars, se o PySpark e o py4j se acham sem eles; senão, o mesmo caminho."""
    limpo = [parte for parte in caminho if not parte.endswith(COMPRIMIDOS)]
    if all(PathFinder.find_spec(pacote, limpo) for pacote in ("pyspark", "py4j")):
        return limpo
    return list(caminho)


def principal() -> None:
    """Limpa o caminho, importa o que todos usam e entrega o processo ao daemon do PySpark."""
    limpo = caminho_sem_zips(sys.path)
    if limpo != sys.path:
        _esquecer_pacotes_de_zips()
    sys.path[:] = limpo
    sys.path_importer_cache.clear()
    for nome in filter(None, variavel(PREIMPORTAR).split(",")):
        modulo, _, funcao = nome.partition(":")
        importado = importlib.import_module(modulo)
        if funcao:
            getattr(importado, funcao)()
    from pyspark import daemon  # noqa: PLC0415  o PySpark só pode ser importado depois da limpeza

    gc.set_threshold(OBJETOS_ATE_COLETAR)
    gc.collect()
    gc.freeze()
    daemon.worker = congelando(daemon.worker)
    daemon.manager()


def congelando(atender: Callable[..., int]) -> Callable[..., int]:
    """`atender` uma tarefa, e depois da 1ª, 2ª, 4ª, 8ª… congelar o que elas deixaram: é o que fica para as seguintes.

    Cada vez mais raro, porque o que se congela e depois se solta em um ciclo não volta: em uma vida inteira são umas
    vinte vezes.
    """
    feitas = 0

    def atender_e_congelar(*argumentos: object) -> int:
        nonlocal feitas
        codigo = atender(*argumentos)
        feitas += 1
        if feitas.bit_count() == 1:
            gc.collect()
            gc.freeze()
        return codigo

    return atender_e_congelar


def _esquecer_pacotes_de_zips() -> None:
    """O jar do Spark tem uma pasta `org`, que o `copy` da biblioteca padrão importa à procura do Jython.

    Enquanto estiver em `sys.modules`, cada busca de módulo repõe o jar no cache que `invalidate_caches` percorre.
    """
    for nome, modulo in list(sys.modules.items()):
        partes = list(getattr(modulo, "__path__", ()))
        if partes and all(any(f"{fim}/" in parte for fim in COMPRIMIDOS) for parte in partes):
            del sys.modules[nome]


if __name__ == "__main__":
    principal()
