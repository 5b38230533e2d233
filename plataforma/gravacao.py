"""As únicas formas de escrever em uma tabela: anexar uma transação uma só vez, e fundir pela chave.

Um micro-lote pode ser repetido depois de uma queda; o par (aplicação, versão) gravado no log do Delta torna a
repetição nula. A aplicação deriva do id da consulta guardado no checkpoint: um checkpoint novo é outra aplicação,
e seus lotes não são confundidos com os antigos.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyspark.sql import Window
from pyspark.sql import functions as F

from plataforma.configuracao import Configuracao
from plataforma.erros import ErroEstado
from plataforma.tabela import Tabela

if TYPE_CHECKING:
    from delta.tables import DeltaMergeBuilder
    from pyspark.sql import DataFrame, SparkSession

_CONF_APLICACAO: Final = "spark.databricks.delta.write.txnAppId"
_CONF_VERSAO: Final = "spark.databricks.delta.write.txnVersion"
LIMITE_PARTICOES_NA_PODA: Final = 400
"""Acima disto a condição do MERGE ficaria maior que o ganho da poda."""


def anexar(df: DataFrame, tabela: Tabela, cfg: Configuracao, id_transacao: str, versao: int) -> None:
    """Acrescenta `df` em uma transação que o Delta ignora se (id_transacao, versao) já foi gravada.

    `versao` cresce a cada transação da mesma aplicação (o número do micro-lote).
    """
    escritor = (
        df.select(*tabela.esquema.names).write.format("delta").mode("append")
        .option("txnAppId", id_transacao).option("txnVersion", versao)
    )
    if tabela.particao:
        escritor = escritor.partitionBy(*tabela.particao)
    if cfg.perfil == "databricks":
        escritor.saveAsTable(tabela.identificador(cfg))
    else:
        escritor.save(str(tabela.caminho(cfg)))


def inserir_novos(
    df: DataFrame,
    tabela: Tabela,
    cfg: Configuracao,
    id_transacao: str,
    versao: int,
    *,
    ordem: Sequence[str] = (),
    particoes: Sequence[Mapping[str, object]] | None = None,
) -> int:
    """Insere só as linhas cuja chave ainda não existe; as existentes ficam como estão. Devolve quantas entraram.

    O MERGE olha apenas as partições presentes em `df`: `particoes`, se o chamador já as conhece, evita uma
    passagem a mais. Com `ordem`, entre linhas de `df` com a mesma chave fica a primeira por essas colunas; sem
    ela, as chaves de `df` têm de ser únicas.
    """
    novas = _primeira_por_chave(df, tabela.chave, ordem) if ordem else df
    fusao = _fusao(novas, tabela, cfg, particoes).whenNotMatchedInsert(values=_todas(tabela))
    return _executar(fusao, df.sparkSession, id_transacao, versao)


def atualizar(
    df: DataFrame,
    tabela: Tabela,
    cfg: Configuracao,
    id_transacao: str,
    versao: int,
    *,
    condicao: str | None = None,
    particoes: Sequence[Mapping[str, object]] | None = None,
) -> int:
    """Insere as chaves novas e substitui as existentes (indicadores em modo update). Devolve as linhas afetadas.

    `condicao`: expressão SQL sobre `novo` e `velho` que limita a substituição (nula = sempre). As chaves de `df`
    têm de ser únicas: o Delta recusa duas origens para a mesma linha.
    """
    fusao = _fusao(df, tabela, cfg, particoes)
    completa = fusao.whenMatchedUpdate(condition=condicao, set=_todas(tabela)).whenNotMatchedInsert(
        values=_todas(tabela)
    )
    return _executar(completa, df.sparkSession, id_transacao, versao)


@contextlib.contextmanager
def guardado(df: DataFrame) -> Iterator[DataFrame]:
    """`df`, calculado uma só vez por quem o lê várias no bloco; depois o que se guardou é solto."""
    presente = df.persist()
    try:
        yield presente
    finally:
        presente.unpersist()


def id_da_consulta(checkpoint: Path) -> str:
    """O id que o Spark deu à consulta e guardou no checkpoint; a aplicação (`id_transacao`) de suas escritas.

    Levanta:
        ErroEstado: quando o checkpoint não tem `metadata` legível.
    """
    try:
        return str(json.loads((checkpoint / "metadata").read_text())["id"])
    except (OSError, ValueError, KeyError) as erro:
        msg = f"o checkpoint {checkpoint} não tem o arquivo metadata legível: restaure-o ou recomece com ./pix limpar"
        raise ErroEstado(msg) from erro


def conferir_checkpoint(checkpoint: Path, tabelas: Sequence[Tabela], cfg: Configuracao) -> None:
    """Recusa começar quando uma tabela já recebeu lotes que o checkpoint não conhece (checkpoint antigo restaurado).

    Seguir em frente faria o Delta ignorar calado os próximos lotes. Um checkpoint que ainda não existe está em
    ordem: sua consulta terá outro id. No Databricks a tabela não é lida por caminho e a conferência não se faz.

    Levanta:
        ErroEstado: diz a tabela, as duas versões e a saída.
    """
    if cfg.perfil == "databricks" or not (checkpoint / "metadata").exists():
        return
    aplicacao = id_da_consulta(checkpoint)
    ultimo_lote = _ultimo_lote(checkpoint)
    for tabela in tabelas:
        gravada = versao_gravada(tabela, cfg, aplicacao)
        if gravada is not None and gravada > ultimo_lote:
            msg = (
                f"a tabela {tabela.nome} já tem o lote {gravada}, mas o checkpoint {checkpoint} parou no "
                f"{ultimo_lote}: restaure o checkpoint mais novo, ou apague-o para recomeçar com outra identidade"
            )
            raise ErroEstado(msg)


def versao_gravada(tabela: Tabela, cfg: Configuracao, aplicacao: str) -> int | None:
    """A última versão que `aplicacao` gravou na tabela; nulo = nenhuma (ou a tabela não existe). Sem JVM."""
    from deltalake import DeltaTable as TabelaDelta  # noqa: PLC0415

    caminho = str(tabela.caminho(cfg))
    if not TabelaDelta.is_deltatable(caminho):
        return None
    versao = TabelaDelta(caminho).transaction_version(aplicacao)
    return None if versao is None else int(versao)


def _ultimo_lote(checkpoint: Path) -> int:
    return max((int(arquivo.name) for arquivo in checkpoint.glob("offsets/*") if arquivo.name.isdigit()), default=-1)


def _todas(tabela: Tabela) -> dict[str, str]:
    return {coluna: f"novo.{coluna}" for coluna in tabela.esquema.names}


def _primeira_por_chave(df: DataFrame, chave: Sequence[str], ordem: Sequence[str]) -> DataFrame:
    janela = Window.partitionBy(*chave).orderBy(*ordem)
    return df.withColumn("_posicao", F.row_number().over(janela)).where("_posicao = 1").drop("_posicao")


def _fusao(
    df: DataFrame, tabela: Tabela, cfg: Configuracao, particoes: Sequence[Mapping[str, object]] | None
) -> DeltaMergeBuilder:
    condicoes = [f"velho.{coluna} = novo.{coluna}" for coluna in tabela.chave]
    condicoes += [f"velho.{coluna} = novo.{coluna}" for coluna in tabela.particao if coluna not in tabela.chave]
    if tabela.particao:
        presentes = _particoes_presentes(df, tabela.particao) if particoes is None else particoes
        condicoes += _poda(tabela.particao, presentes)
    destino = tabela.delta(df.sparkSession, cfg).alias("velho")
    return destino.merge(df.select(*tabela.esquema.names).alias("novo"), " AND ".join(condicoes))


def _particoes_presentes(df: DataFrame, particao: Sequence[str]) -> list[Mapping[str, object]]:
    return [linha.asDict() for linha in df.select(*particao).distinct().collect()]


def _poda(particao: Sequence[str], presentes: Sequence[Mapping[str, object]]) -> list[str]:
    """Uma lista literal por coluna de partição: o Delta só poda arquivos com literais, não com a igualdade do MERGE."""
    condicoes = []
    for coluna in particao:
        valores = sorted({str(linha[coluna]) for linha in presentes if linha[coluna] is not None})
        if 0 < len(valores) <= LIMITE_PARTICOES_NA_PODA:
            lista = ", ".join("'" + valor.replace("'", "''") + "'" for valor in valores)
            condicoes.append(f"velho.{coluna} IN ({lista})")
    return condicoes


def _executar(fusao: DeltaMergeBuilder, spark: SparkSession, id_transacao: str, versao: int) -> int:
    with _transacao(spark, id_transacao, versao):
        linha = fusao.execute().head()
    return int(linha["num_affected_rows"]) if linha else 0


@contextlib.contextmanager
def _transacao(spark: SparkSession, id_transacao: str, versao: int) -> Iterator[None]:
    """O MERGE só aceita a transação como configuração de sessão; a de um micro-lote é um clone só dele."""
    spark.conf.set(_CONF_APLICACAO, id_transacao)
    spark.conf.set(_CONF_VERSAO, str(versao))
    try:
        yield
    finally:
        spark.conf.unset(_CONF_APLICACAO)
        spark.conf.unset(_CONF_VERSAO)
