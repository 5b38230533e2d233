"""Ouro: os atributos da história, gravados uma vez e iguais aos que o caminho de decisão serviria."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema

from plataforma.configuracao import EXECUTOR_JANELAS
from plataforma.gravacao import anexar
from processamento import atributos, esquema
from processamento.catalogo import DIA, PADRAO, SEGUNDO_US
from processamento.contexto import CONTEXTO, contexto
from processamento.estado.lote import Eventos, Fraudes, calcular
from processamento.ouro import OURO_ATRIBUTOS, preencher_ouro
from processamento.tabelas import PRATA_PIX, PRATA_ROTULOS
from testes.processamento.fabrica_historia import fatia, historia

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from plataforma.configuracao import Configuracao

pytestmark = pytest.mark.spark
_TEXTOS = {
    "pagador_tipo_pessoa": "PF", "recebedor_tipo_pessoa": "PJ", "pagador_tipo_conta": "CACC",
    "recebedor_tipo_conta": "TRAN", "forma_de_iniciacao": "QRES", "finalidade": "IPAY", "tipo_chave": None,
    "sessao_canal": "APP", "topico": "historico", "origem": "historico",
}


def _prata(spark: SparkSession, e: Eventos) -> DataFrame:
    proprias = {
        "id_fim_a_fim": [f"E{x}" for x in e.id_evento], "id_evento": e.id_evento, "instante_us": e.instante_us,
        "valor_centavos": e.valor_centavos, "pagador_id": e.pagador, "recebedor_id": e.recebedor,
        "dispositivo_id": e.dispositivo, "data": _dias(e.instante_us), "deslocamento": np.arange(e.id_evento.size),
    }
    return _quadro(spark, esquema.PRATA, proprias, e.id_evento.size)


def _rotulos(spark: SparkSession, f: Fraudes) -> DataFrame:
    proprias = {
        "id_fim_a_fim": [f"E{x}" for x in f.id_evento], "id_evento": f.id_evento, "instante_us": f.instante_us,
        "conhecido_em_us": f.conhecido_em_us, "pagador_id": f.pagador, "recebedor_id": f.recebedor,
        "dispositivo_id": f.dispositivo, "data": _dias(f.instante_us), "deslocamento": np.arange(f.id_evento.size),
    }
    return _quadro(spark, esquema.PRATA_ROTULOS, {**proprias, "fraude": [True] * f.id_evento.size}, f.id_evento.size)


def _dias(instante_us: np.ndarray) -> list[dt.date]:
    return [dt.date.fromordinal(719_163 + int(t) // (DIA * SEGUNDO_US)) for t in instante_us]


def _quadro(spark: SparkSession, forma: Any, colunas: dict[str, Any], quantas: int) -> DataFrame:
    zeros = {"string": "", "boolean": False, "int": 0, "bigint": 0, "binary": b"", "date": None}
    completas = {}
    for campo in forma:
        padrao = _TEXTOS.get(campo.name, None if campo.nullable else zeros[campo.dataType.simpleString()])
        valores = colunas.get(campo.name, [padrao] * quantas)
        completas[campo.name] = valores.tolist() if isinstance(valores, np.ndarray) else valores
    return spark.createDataFrame(pa.table(completas, schema=to_arrow_schema(forma)), forma)


def test_ouro_grava_uma_vez_os_atributos_de_quem_nao_e_isento(spark: SparkSession, cfg: Configuracao) -> None:
    """A primeira parte medida pelas janelas do Spark, a segunda pelo núcleo: ninguém nota a troca."""
    eventos, fraudes = historia(31, 300, contas=20, dias=20, fraudes=0.1)
    isento, _ = historia(32, 5, contas=3, dias=1)
    for tabela in (PRATA_PIX, PRATA_ROTULOS):
        tabela.garantir(spark, cfg)
    anexar(_prata(spark, fatia(eventos, np.arange(250))), PRATA_PIX, cfg, "teste", 0)
    anexar(_rotulos(spark, fraudes), PRATA_ROTULOS, cfg, "teste", 0)
    anexar(_prata(spark, isento).withColumn("finalidade", F.lit("REFU")), PRATA_PIX, cfg, "isento", 0)
    assert preencher_ouro(spark, replace(cfg, executor_historia=EXECUTOR_JANELAS)) == 250
    anexar(_prata(spark, fatia(eventos, np.arange(250, 300))), PRATA_PIX, cfg, "teste", 1)
    assert cfg.executor_historia != EXECUTOR_JANELAS
    assert preencher_ouro(spark, cfg) == 300

    lido = OURO_ATRIBUTOS.ler(spark, cfg).toArrow()
    assert set(lido["catalogo_versao"].to_pylist()) == {PADRAO.versao}
    lugar = {int(x): i for i, x in enumerate(lido["id_evento"].to_pylist())}
    ordem = [lugar[int(x)] for x in eventos.id_evento]
    esperadas = calcular(PADRAO, eventos, fraudes)
    assert [lido["primitivas"][i].as_py() for i in ordem] == esperadas.tolist()
    ctx = _contexto(300)
    esperados = atributos.derivar(PADRAO, esperadas, eventos.instante_us, eventos.valor_centavos, ctx)
    gravados = np.column_stack([lido[nome].to_numpy().astype(np.float64)[ordem] for nome in atributos.NOMES])
    np.testing.assert_array_equal(gravados, esperados)


def _contexto(quantas: int) -> np.ndarray:
    campos = {campo.name: campo for campo in esquema.PRATA}
    linha = {nome: _TEXTOS.get(nome, None if campos[nome].nullable else False) for nome in CONTEXTO}
    return contexto({nome: pa.array([valor] * quantas) for nome, valor in linha.items()})
