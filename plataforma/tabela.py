"""Uma tabela Delta: nome, esquema, chave, partição e lugar. O esquema é constante, nunca inferido."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql.types import StructType

from plataforma.configuracao import Configuracao
from plataforma.erros import ErroEstado

if TYPE_CHECKING:
    from delta.tables import DeltaTable
    from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True)
class Tabela:
    """O que uma tabela promete. `chave` identifica a linha; `particao` são as colunas de pasta (vazia = nenhuma)."""

    nome: str
    esquema: StructType
    chave: tuple[str, ...]
    particao: tuple[str, ...] = ()

    def caminho(self, cfg: Configuracao) -> Path:
        """A pasta da tabela nos perfis local e cluster."""
        return cfg.caminho("tabelas", self.nome)

    def identificador(self, cfg: Configuracao) -> str:
        """Como o SQL a chama: `catalogo.esquema.nome` no Databricks, ``delta.`pasta` `` nos demais."""
        if cfg.perfil == "databricks":
            return f"{cfg.catalogo_unity}.{self.nome}"
        return f"delta.`{self.caminho(cfg)}`"

    def existe(self, spark: SparkSession, cfg: Configuracao) -> bool:
        """Se a tabela já foi criada."""
        if cfg.perfil == "databricks":
            return bool(spark.catalog.tableExists(self.identificador(cfg)))
        return any(self.caminho(cfg).glob("_delta_log/*.json"))

    def garantir(self, spark: SparkSession, cfg: Configuracao) -> None:
        """Cria a tabela se falta; se existe, exige o mesmo esquema (nomes e tipos) e as mesmas partições.

        Levanta:
            ErroEstado: quando a tabela gravada é outra; diz a diferença e a saída.
        """
        if not self.existe(spark, cfg):
            self._criar(spark, cfg)
            return
        delta = self.delta(spark, cfg)
        diferenca = _diferenca(self.esquema, delta.toDF().schema)
        particao = tuple(delta.detail().select("partitionColumns").head()[0])
        if particao != self.particao:
            diferenca = diferenca or f"partição {particao} gravada, {self.particao} esperada"
        if diferenca:
            msg = (
                f"a tabela {self.nome} gravada não é a deste código ({diferenca}): migre-a, "
                "escolha outra pasta com PIX_DADOS, ou apague os dados com ./pix limpar"
            )
            raise ErroEstado(msg)

    def delta(self, spark: SparkSession, cfg: Configuracao) -> DeltaTable:
        """O objeto Delta da tabela, na sessão dada (a de um micro-lote é própria dele)."""
        from delta.tables import DeltaTable  # noqa: PLC0415  só quem tem sessão paga

        if cfg.perfil == "databricks":
            return DeltaTable.forName(spark, self.identificador(cfg))
        return DeltaTable.forPath(spark, str(self.caminho(cfg)))

    def ler(self, spark: SparkSession, cfg: Configuracao) -> DataFrame:
        """A tabela inteira, nas colunas do esquema."""
        leitor = spark.read.format("delta")
        quadro = (
            leitor.table(self.identificador(cfg)) if cfg.perfil == "databricks" else leitor.load(str(self.caminho(cfg)))
        )
        return quadro.select(*self.esquema.names)

    def ler_fluxo(self, spark: SparkSession, cfg: Configuracao, **opcoes: str) -> DataFrame:
        """As linhas novas da tabela, como fonte de fluxo; `opcoes` são as da fonte Delta (`maxFilesPerTrigger`…)."""
        leitor = spark.readStream.format("delta").options(**opcoes)
        quadro = (
            leitor.table(self.identificador(cfg)) if cfg.perfil == "databricks" else leitor.load(str(self.caminho(cfg)))
        )
        return quadro.select(*self.esquema.names)

    def _criar(self, spark: SparkSession, cfg: Configuracao) -> None:
        from delta.tables import DeltaTable  # noqa: PLC0415

        construtor = DeltaTable.createIfNotExists(spark).addColumns(self.esquema)
        if self.particao:
            construtor = construtor.partitionedBy(*self.particao)
        if cfg.perfil == "databricks":
            construtor.tableName(self.identificador(cfg)).execute()
        else:
            construtor.location(str(self.caminho(cfg))).execute()


def _diferenca(esperado: StructType, gravado: StructType) -> str:
    """A primeira divergência de nome, ordem ou tipo; vazia = iguais. Nulidade não conta: o Delta a relaxa ao ler."""
    a = [(campo.name, campo.dataType.simpleString()) for campo in esperado]
    b = [(campo.name, campo.dataType.simpleString()) for campo in gravado]
    faltam = [f"{nome} {tipo}" for nome, tipo in a if (nome, tipo) not in b]
    sobram = [f"{nome} {tipo}" for nome, tipo in b if (nome, tipo) not in a]
    if faltam or sobram:
        return f"falta {', '.join(faltam) or 'nada'}; sobra {', '.join(sobram) or 'nada'}"
    return "" if a == b else "mesmas colunas em outra ordem"
