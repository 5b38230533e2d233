"""O executor Spark: só janelas que crescem, colunas preservadas, e medidas que o catálogo ainda não pede."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import functions as F

from processamento import janelas_medidas
from processamento.catalogo import (
    DIA,
    HORA,
    NULO,
    PADRAO,
    POR_LISTA,
    SEGUNDO_US,
    Catalogo,
    Fluxo,
    Medida,
    Papel,
    Primitiva,
)
from processamento.estado.arena import Linhas
from processamento.estado.lote import calcular
from processamento.estado.nucleo import logaritmo_fixo
from processamento.janelas_spark import com_primitivas
from processamento.janelas_toques import logaritmo_fixo as logaritmo_no_spark
from processamento.janelas_toques import sem_fraudes_repetidas
from testes.fluxo.test_paridade import iguais, pelo_spark
from testes.processamento.fabrica_historia import em_tuplas, historia, por_forca_bruta

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark
_LADOS = "pagador_id LONG, recebedor_id LONG, dispositivo_id LONG"
EVENTOS = f"id_evento LONG, instante_us LONG, valor_centavos LONG, {_LADOS}"
FRAUDES = f"id_evento LONG, instante_us LONG, conhecido_em_us LONG, {_LADOS}"


class CatalogoCheio(Catalogo):
    """Toda medida em todo diário de cada papel, com e sem recuo: o que um catálogo futuro pode pedir."""

    @cached_property
    def primitivas(self) -> tuple[Primitiva, ...]:
        """Na ordem dos papéis."""
        da_conta = (Fluxo.SAIDA, Fluxo.ENTRADA, Fluxo.FRAUDE_ENTRADA)
        fluxos = {Papel.PAGADOR: da_conta, Papel.RECEBEDOR: da_conta,
                  Papel.DISPOSITIVO: (Fluxo.DISPOSITIVO, Fluxo.FRAUDE_DISPOSITIVO)}
        return tuple(
            Primitiva(f"{papel.name}_{fluxo.name}_{medida.name}_{janela}", papel, fluxo, medida, janela, recuo)
            for papel, dos in fluxos.items() for fluxo in dos for medida in Medida
            for janela, recuo in ((3 * HORA, 0), (5 * DIA, 0 if medida in POR_LISTA else DIA))
            if medida is not Medida.FRAUDES_MADURAS or fluxo >= Fluxo.FRAUDE_SAIDA
        )


def test_nenhuma_janela_desliza(spark: SparkSession) -> None:
    """Uma janela deslizante é refeita a cada linha: quadrática em uma conta muito ativa."""
    medidos = com_primitivas(spark.createDataFrame([], EVENTOS), spark.createDataFrame([], FRAUDES), PADRAO)
    plano = medidos._jdf.queryExecution().optimizedPlan().toString()
    quadros = set(re.findall(r"specifiedwindowframe\((\w+), ([^,]+), ([^)]+\)?)", plano))
    por_instante = {quadro for quadro in quadros if quadro[0] == "RangeFrame"}
    assert len(por_instante) > 5
    assert {comeco for _, comeco, _ in por_instante} == {"unboundedpreceding$()"}
    por_linha = {(comeco, fim) for tipo, comeco, fim in quadros if tipo == "RowFrame"}
    assert all(comeco == "unboundedpreceding$()" or comeco == fim.rstrip(")") for comeco, fim in por_linha)


def test_colunas_e_linhas_sao_preservadas(spark: SparkSession) -> None:
    eventos = spark.createDataFrame(
        [(1, 10, 500, 7, 8, 0, "a"), (2, 10, 900, 7, 7, 3, "b"), (3, 11, 100, 8, 7, 3, None)], f"{EVENTOS}, nota STRING"
    )
    medidos = com_primitivas(eventos, spark.createDataFrame([], FRAUDES), PADRAO)
    assert medidos.columns == [*eventos.columns, "primitivas"]
    linhas = {linha.id_evento: linha for linha in medidos.collect()}
    assert {i: linha.nota for i, linha in linhas.items()} == {1: "a", 2: "b", 3: None}
    nomes = [p.nome for p in PADRAO.primitivas]
    terceiro = dict(zip(nomes, linhas[3].primitivas, strict=True))
    assert terceiro["rec_saida_qtd_1h"] == 2  # a conta 7 enviou os dois anteriores
    assert terceiro["pag_entrada_valor_1h"] == 500
    assert terceiro["pag_entrada_par_qtd_30d"] == 1
    assert terceiro["disp_uso_distintos_30d"] == 1
    assert linhas[1].primitivas[-1] == NULO


def test_toda_medida_em_todo_diario(spark: SparkSession) -> None:
    catalogo = CatalogoCheio()
    eventos, fraudes = historia(61, 900, contas=5, dias=12, passo_us=HORA * SEGUNDO_US, fraudes=0.1)
    do_lote = calcular(catalogo, eventos, fraudes)
    linhas = em_tuplas(Linhas.juntar([eventos.linhas(), fraudes.linhas()]))
    for i in range(0, 900, 45):
        t, pagador, recebedor = (int(c[i]) for c in (eventos.instante_us, eventos.pagador, eventos.recebedor))
        bruto = [*por_forca_bruta(catalogo, linhas, Papel.PAGADOR, pagador, recebedor, t),
                 *por_forca_bruta(catalogo, linhas, Papel.RECEBEDOR, recebedor, pagador, t)]
        assert do_lote[i, : len(bruto)].tolist() == bruto
    iguais(pelo_spark(spark, eventos, fraudes, catalogo), do_lote, catalogo)


def test_toda_medida_do_catalogo_tem_expressao() -> None:
    assert set(Medida) == {*janelas_medidas._PARCELAS, *janelas_medidas._MEDIDAS, Medida.FRAUDES_MADURAS}


def test_logaritmo_e_o_do_nucleo(spark: SparkSession) -> None:
    """O Java e a libm podem divergir no último bit; o ponto fixo não pode."""
    sorteados = np.random.default_rng(1).integers(1, 10**12, 200_000)
    valores = np.concatenate([np.arange(0, 300_000), sorteados]).astype(np.int64)
    quadro = spark.createDataFrame(pa.table({"valor": valores}))
    lido = quadro.select("valor", logaritmo_no_spark().alias("log")).toArrow()
    esperado = np.array([logaritmo_fixo(v) for v in lido["valor"].to_numpy()])
    np.testing.assert_array_equal(lido["log"].to_numpy(), esperado)


def test_vale_a_primeira_confirmacao(spark: SparkSession) -> None:
    fraudes = spark.createDataFrame([(1, 5, 30, 1, 2, 0), (1, 5, 20, 1, 2, 0), (2, 6, 9, 1, 2, 0)], FRAUDES)
    assert {(x.id_evento, x.conhecido_em_us) for x in sem_fraudes_repetidas(fraudes).collect()} == {(1, 20), (2, 9)}
    assert sem_fraudes_repetidas(fraudes).columns == fraudes.columns
    assert sem_fraudes_repetidas(fraudes.where(F.lit(False))).count() == 0
