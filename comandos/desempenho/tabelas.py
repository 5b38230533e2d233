"""O lago em linhas por segundo: a história da bronze ao ouro, ao lado de uma leitura nua do Spark; Parquet e CSV."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pyspark.sql import functions as F
from rich.table import Table

from comandos.apresentacao import numero, tabela
from comandos.desempenho.pasta import pasta_propria
from comandos.desempenho.recursos import MIB
from comandos.fluxos.lago import Lago
from comandos.partida import gravar_historia
from comandos.preparo import preparar
from ingestao.bronze import BRONZE_EVENTOS
from ingestao.simulador.geracao import gerar
from ingestao.simulador.parametros import Parametros
from plataforma.configuracao import Configuracao
from plataforma.sessao import encerrar_sessao, obter_sessao
from processamento.tabelas import PRATA_PIX

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

NOME: Final = "bancada_tabelas"
AQUECIMENTO: Final = 30_000
AMOSTRA: Final = 1_000
_NUA: Final = "leitura nua: bronze → from_json → Parquet"
_CAMADAS: Final = {"bronze": "registros → bronze", "prata": "bronze → prata", "ouro": "prata → ouro (atributos)"}


def correr(cfg: Configuracao, eventos: int, semente: int, mostrar: Callable[[str], None]) -> dict[str, Any]:
    """Linhas por segundo de cada passo e da base, com a JVM já quente; tamanhos e consultas em Parquet e CSV.

    Levanta:
        ErroServico: há serviços do projeto de pé.
    """
    with pasta_propria(cfg, mostrar) as propria:
        spark = obter_sessao(propria, NOME, Lago(propria).configuracoes())
        try:
            mostrar("Aquecendo a JVM…")
            _passar(spark, replace(propria, dados=propria.caminho("armazem", "aquecimento")), AQUECIMENTO, semente)
            mostrar(f"{numero(eventos)} Pix: bronze, prata e ouro…")
            passos = _passar(spark, propria, eventos, semente)
            mostrar("Base: leitura nua do Spark…")
            passos[_NUA] = _nua(spark, propria)
            mostrar("Parquet e CSV…")
            formatos = _formatos(spark, propria)
        finally:
            encerrar_sessao(spark)
    linhas_s = {nome: round(eventos / segundos) for nome, segundos in passos.items()}
    ate_a_prata = sum(passos[nome] for nome in _CAMADAS.values() if "ouro" not in nome)
    return {"eventos": eventos, "semente": semente, "segundos": passos, "linhas_s": linhas_s,
            "prata_sobre_a_nua": round(ate_a_prata / passos[_NUA], 2), "formatos": formatos}


def _passar(spark: SparkSession, cfg: Configuracao, eventos: int, semente: int) -> dict[str, float]:
    """Segundos de cada camada, pelo mesmo código que prepara a história de verdade."""
    trafego = gerar(Parametros(nossos_ispb=cfg.nossos_ispb, eventos=eventos), semente)
    preparo = replace(gravar_historia(cfg, trafego), treinar=False)
    marcas: list[tuple[str, float]] = []
    preparar(spark, cfg, preparo, lambda nome: marcas.append((nome, time.monotonic())))
    marcas.append(("fim", time.monotonic()))
    return {_CAMADAS[nome]: ate - de for (nome, de), (_, ate) in pairwise(marcas)}


def _nua(spark: SparkSession, cfg: Configuracao) -> float:
    """Ler a bronze, abrir o JSON com o esquema inferido e gravar: sem conferir, sem token, sem repetidos."""
    textos = BRONZE_EVENTOS.ler(spark, cfg).select(F.col("valor").cast("string").alias("valor"))
    amostra = str(cfg.caminho("armazem", "amostra"))
    textos.limit(AMOSTRA).write.mode("overwrite").text(amostra)
    esquema = spark.read.json(amostra).schema
    inicio = time.monotonic()
    aberto = textos.select(F.from_json("valor", esquema).alias("pix")).select("pix.*")
    aberto.write.mode("overwrite").parquet(str(cfg.caminho("armazem", "nua")))
    return time.monotonic() - inicio


def _formatos(spark: SparkSession, cfg: Configuracao) -> dict[str, dict[str, float]]:
    """A prata em um arquivo de cada formato: MiB e segundos das consultas de auditoria mais comuns."""
    prata = PRATA_PIX.ler(spark, cfg).coalesce(1)
    saida = {}
    for formato in ("parquet", "csv"):
        pasta = cfg.caminho("armazem", formato)
        prata.write.mode("overwrite").option("header", "true").format(formato).save(str(pasta))
        tamanho = sum(arquivo.stat().st_size for arquivo in pasta.glob("*"))
        lido = spark.read.schema(prata.schema).option("header", "true").format(formato).load(str(pasta))
        saida[formato] = {"mib": round(tamanho / MIB, 1), **_consultas(lido)}
    return saida


def _consultas(pix: DataFrame) -> dict[str, float]:
    um = pix.select("pagador_conta").first()
    consultas = {
        "volume_por_dia_s": pix.groupBy("data").agg(F.count(F.lit(1)), F.sum("valor_centavos")),
        "maiores_recebedores_s": pix.groupBy("recebedor_conta").agg(
            F.countDistinct("pagador_conta").alias("pagadores")).orderBy(F.desc("pagadores")).limit(20),
        "extrato_de_uma_conta_s": pix.where(F.col("pagador_conta") == (um[0] if um else "")),
    }
    segundos = {}
    for nome, consulta in consultas.items():
        inicio = time.monotonic()
        consulta.collect()
        segundos[nome] = round(time.monotonic() - inicio, 2)
    return segundos


def _linhas(r: Mapping[str, Any]) -> list[list[str]]:
    return [[nome, numero(s, 1), numero(r["linhas_s"][nome])] for nome, s in r["segundos"].items()]


def como_tabela(r: Mapping[str, Any]) -> Table:
    """A tabela para o terminal."""
    return tabela(f"Lago, {numero(r['eventos'])} Pix", ("passo", "segundos", "linhas/s"), _linhas(r))


def gravar(r: Mapping[str, Any], saida: Path) -> None:
    """Escreve `tabelas.json` e `tabelas.md` em `saida`."""
    saida.mkdir(parents=True, exist_ok=True)
    (saida / "tabelas.json").write_text(json.dumps(r, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    nomes = list(r["formatos"]["parquet"])
    linhas = [
        ("passo", "segundos", "linhas/s"), ("---",) * 3, *_linhas(r), (),
        ("formato", *nomes), ("---",) * (len(nomes) + 1),
        *((formato, *(numero(medido[n], 2) for n in nomes)) for formato, medido in r["formatos"].items()),
    ]
    texto = "".join(f"| {' | '.join(linha)} |\n" if linha else "\n" for linha in linhas)
    (saida / "tabelas.md").write_text(texto, encoding="utf-8")

