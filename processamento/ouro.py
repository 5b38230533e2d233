"""Ouro: os atributos de cada Pix da história, medidos por um dos dois executores e gravados como o modelo os vê."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DateType, DoubleType, LongType, StringType, StructField, StructType

from ingestao.esquema import FINALIDADES_ISENTAS
from plataforma.configuracao import EXECUTOR_JANELAS
from plataforma.gravacao import anexar, inserir_novos
from plataforma.tabela import Tabela
from processamento import estado_spark
from processamento.atributos import NOMES
from processamento.atributos_spark import IDENTIDADE, com_atributos
from processamento.catalogo import PADRAO, Catalogo
from processamento.janelas_spark import com_primitivas
from processamento.tabelas import PRATA_PIX, PRATA_ROTULOS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from plataforma.configuracao import Configuracao

PARTICOES: Final = 8
"""Partições dos embaralhamentos da história, no mínimo."""
PIX_POR_PARTICAO: Final = 150_000
"""Uns 400 MB por tarefa, no pico, com primitivas e atributos."""
BYTECODE_COMPILAVEL: Final = 8_000
"""A JVM nunca compila um método maior que isto (HugeMethodLimit): melhor que o Spark não o gere."""

_TIPO_IDENTIDADE: Final = {
    "id_fim_a_fim": StringType(), "id_evento": LongType(), "instante_us": LongType(), "data": DateType(),
}
ESQUEMA: Final = StructType([
    *(StructField(nome, _TIPO_IDENTIDADE[nome], nullable=False) for nome in IDENTIDADE),
    StructField("catalogo_versao", StringType(), nullable=False),
    StructField("primitivas", ArrayType(LongType()), nullable=False),
    *(StructField(nome, DoubleType()) for nome in NOMES),
])
"""`primitivas` na ordem de `Catalogo.primitivas` (-1 = nulo); uma coluna por atributo, nula onde não há o que medir."""
OURO_ATRIBUTOS: Final = Tabela("ouro_atributos", ESQUEMA, ("id_fim_a_fim", "catalogo_versao"), ("data",))


def atributos_da_historia(
    prata: DataFrame, rotulos: DataFrame, catalogo: Catalogo = PADRAO, *, por_janelas: bool = False
) -> DataFrame:
    """As linhas de `ouro_atributos` de toda a prata. Devoluções e transferências isentas não são movimento.

    Uma fraude conta a partir de quando se soube dela, não de quando aconteceu. `por_janelas`: mede com as janelas do
    Spark em vez do núcleo do fluxo; os números são os mesmos (testes/fluxo/test_paridade.py).
    """
    eventos, fraudes = prata.where(~F.col("finalidade").isin(*FINALIDADES_ISENTAS)), rotulos.where("fraude")
    if por_janelas:
        linhas = com_atributos(com_primitivas(eventos, fraudes, catalogo).repartition("data"), catalogo)
    else:
        particoes = max(PARTICOES, eventos.count() // PIX_POR_PARTICAO)
        linhas = estado_spark.com_atributos(eventos, fraudes, catalogo, particoes)
    return linhas.withColumn("catalogo_versao", F.lit(catalogo.versao)).select(*ESQUEMA.names)


def preencher_ouro(spark: SparkSession, cfg: Configuracao, catalogo: Catalogo = PADRAO) -> int:
    """Calcula e grava os atributos dos Pix da prata que ainda não os têm; devolve quantas linhas a tabela passou a ter.

    Repetir é seguro: o que já está na tabela fica como está. Linhas de outra versão do catálogo convivem com as novas.

    Levanta:
        ErroEstado: quando a tabela gravada tem outras colunas (o catálogo mudou de atributos).
    """
    sessao = _sessao_de_historia(spark, cfg)
    OURO_ATRIBUTOS.garantir(sessao, cfg)
    prata, rotulos = PRATA_PIX.ler(sessao, cfg), PRATA_ROTULOS.ler(sessao, cfg)
    linhas = atributos_da_historia(prata, rotulos, catalogo, por_janelas=cfg.executor_historia == EXECUTOR_JANELAS)
    vazia = OURO_ATRIBUTOS.ler(sessao, cfg).isEmpty()
    if vazia:
        anexar(linhas, OURO_ATRIBUTOS, cfg, f"ouro-{catalogo.versao}", 0)
    else:
        dias = [{"data": dia["data"]} for dia in prata.select("data").distinct().collect()]
        versao = OURO_ATRIBUTOS.delta(sessao, cfg).history(1).select("version").head()[0] + 1
        inserir_novos(linhas, OURO_ATRIBUTOS, cfg, f"ouro-{catalogo.versao}", versao, particoes=dias)
    return int(OURO_ATRIBUTOS.ler(sessao, cfg).count())


def _sessao_de_historia(spark: SparkSession, cfg: Configuracao) -> SparkSession:
    """Uma sessão irmã, para que os ajustes de lote não alcancem os fluxos; no Databricks, a própria."""
    if cfg.perfil == "databricks":
        return spark
    sessao = spark.newSession()
    sessao.conf.set("spark.sql.shuffle.partitions", str(PARTICOES))
    sessao.conf.set("spark.sql.codegen.hugeMethodLimit", str(BYTECODE_COMPILAVEL))
    # Números quase todos distintos: o dicionário do Parquet só custa, e acaba descartado.
    sessao.conf.set("parquet.enable.dictionary", "false")
    return sessao
