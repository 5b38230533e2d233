"""Janelas, somas e fraude: as mesmas contas na história e no fluxo."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from plataforma.configuracao import Configuracao
from plataforma.gravacao import anexar
from processamento import esquema, prata, somas
from processamento.fluxo import garantir_tabelas
from processamento.indicadores import iniciar_indicadores, preencher_indicadores, recalcular_fraudes
from processamento.protecao import Tokenizador
from processamento.tabelas import OURO_INDICADORES, OURO_INDICADORES_FRAUDE, PRATA_PIX, PRATA_ROTULOS
from testes.processamento.fabrica_bronze import Registro, bronze, id_numero
from testes.processamento.fabrica_eventos import em_bytes, evento, rotulo

pytestmark = pytest.mark.spark
TOKENIZADOR = Tokenizador(b"k" * 32, "v1")


def instante(texto: str) -> dt.datetime:
    return dt.datetime.fromisoformat(texto).replace(tzinfo=dt.UTC)


def registro(numero: int, quando: str, valor: str, **mudancas: object) -> Registro:
    momento = instante(quando)
    bruto = evento(
        id_fim_a_fim=id_numero(numero, f"{momento:%Y%m%d%H%M}"),
        instante=f"{momento:%Y-%m-%dT%H:%M:%S}.000Z",
        valor=valor,
        forma_de_iniciacao=mudancas.pop("forma", "MANU"),
    )
    return Registro(em_bytes(bruto), numero, origem="simulado", **mudancas)  # type: ignore[arg-type]


def em_prata(spark: SparkSession, registros: Sequence[Registro]) -> DataFrame:
    return prata.sem_recusados(prata.com_avaliacao(bronze(spark, *registros), TOKENIZADOR))


def test_as_janelas_sao_minuto_hora_e_o_dia_de_brasilia(spark: SparkSession) -> None:
    casos = ["2026-11-20T02:59:59", "2026-11-20T03:00:00"]
    eventos = spark.createDataFrame([(int(instante(c).timestamp()) * 1_000_000,) for c in casos], "instante_us long")
    saida = {
        (linha["granularidade"], linha["instante_us"] // 1_000_000): (linha["inicio"], linha["fim"])
        for linha in somas.com_janelas(eventos).collect()
    }
    assert len(saida) == 6
    antes, depois = (int(instante(c).timestamp()) for c in casos)
    dia = dt.timedelta(days=1)
    for chave, inicio, duracao in (
        (("minuto", antes), "2026-11-20T02:59:00", dt.timedelta(minutes=1)),
        (("hora", antes), "2026-11-20T02:00:00", dt.timedelta(hours=1)),
        (("dia", antes), "2026-11-19T03:00:00", dia),
        (("dia", depois), "2026-11-20T03:00:00", dia),
    ):
        comeco = dt.datetime.fromisoformat(inicio)
        assert saida[chave] == (comeco, comeco + duracao)


def test_volume_soma_por_janela_instituicoes_e_forma(spark: SparkSession) -> None:
    eventos = em_prata(
        spark,
        [
            registro(1, "2026-11-20T14:30:00", "10.00"),
            registro(2, "2026-11-20T14:59:59", "0.05"),
            registro(3, "2026-11-20T15:00:00", "1.00"),
            registro(4, "2026-11-20T14:30:30", "7.00", forma="DICT"),
        ],
    )
    volume = somas.com_volume(somas.com_janelas(eventos, ["hora"]), somas.LOTE)
    esperado = [
        ("lote", "hora", instante(f"2026-11-20T{h}:00"), instante(f"2026-11-20T{h + 1}:00"), "99999010", "99999020",
         forma, dt.date(2026, 11, 20), quantos, centavos)
        for h, forma, quantos, centavos in ((14, "MANU", 2, 1005), (15, "MANU", 1, 100), (14, "DICT", 1, 700))
    ]  # fmt: skip
    assert_df_equality(
        volume, spark.createDataFrame(esperado, esquema.INDICADORES), ignore_nullable=True, ignore_row_order=True
    )


def test_o_fluxo_da_as_mesmas_somas_que_o_lote_mesmo_com_lotes_e_atraso(spark: SparkSession, cfg: Configuracao) -> None:
    garantir_tabelas(spark, cfg, [PRATA_PIX])
    historia = [registro(i, f"2026-11-18T10:0{i}:00", "2.00", topico="historico") for i in range(3)]
    primeiro = [registro(10 + i, f"2026-11-20T14:3{i % 10}:00", "1.00") for i in range(12)]
    atrasado = [registro(30, "2026-11-19T20:00:00", "5.00"), registro(31, "2026-11-20T14:30:59", "3.00")]
    anexar(em_prata(spark, historia), PRATA_PIX, cfg, "teste", 0)
    preencher_indicadores(spark, cfg)
    preencher_indicadores(spark, cfg)
    for lote, registros in enumerate((primeiro, atrasado), 1):
        anexar(em_prata(spark, registros), PRATA_PIX, cfg, "teste", lote)
        iniciar_indicadores(spark, cfg, uma_vez=True).awaitTermination()
    gravado = OURO_INDICADORES.ler(spark, cfg)
    tudo = em_prata(spark, [*primeiro, *atrasado])
    esperado = somas.com_volume(somas.com_janelas(tudo), somas.FLUXO)
    assert_df_equality(gravado.where("fonte = 'fluxo'"), esperado, ignore_nullable=True, ignore_row_order=True)
    da_historia = gravado.where("fonte = 'lote'").collect()
    assert {(linha["granularidade"], linha["quantidade"], linha["total_centavos"]) for linha in da_historia} == {
        ("hora", 3, 600),
        ("dia", 3, 600),
    }


def test_a_fraude_e_refeita_quando_os_rotulos_chegam_e_quando_mudam(spark: SparkSession, cfg: Configuracao) -> None:
    garantir_tabelas(spark, cfg, [PRATA_PIX, PRATA_ROTULOS])
    anexar(em_prata(spark, [registro(i, "2026-11-20T14:30:00", f"{i}.00") for i in (1, 2, 3)]), PRATA_PIX, cfg, "t", 0)

    def chegam(versao: int, *desfechos: tuple[int, str, str]) -> int:
        brutos = [
            em_bytes(
                rotulo(id_fim_a_fim=id_numero(n), resultado=resultado, conhecido_em=f"2026-11-{dia}T00:00:00.000Z")
            )
            for n, resultado, dia in desfechos
        ]
        lote = bronze(spark, *(Registro(b, versao * 10 + i, topico="pix.rotulos") for i, b in enumerate(brutos)))
        validos = prata.sem_recusados_rotulos(prata.com_avaliacao_rotulos(lote))
        anexar(validos, PRATA_ROTULOS, cfg, "r", versao)
        return recalcular_fraudes(spark, cfg, "fraudes", versao)

    def por_hora() -> list[tuple[int, int, int]]:
        linhas = OURO_INDICADORES_FRAUDE.ler(spark, cfg).where("granularidade = 'hora'")
        return [tuple(x) for x in linhas.select("rotulos", "fraudes", "fraude_centavos").collect()]

    assert chegam(0, (1, "AGREED", "25"), (2, "DISAGREED", "25"), (9, "AGREED", "25")) == 2
    assert por_hora() == [(2, 1, 100)]
    assert chegam(1) == 0
    chegam(2, (3, "AGREED", "26"), (1, "DISAGREED", "27"))
    assert por_hora() == [(3, 1, 300)]
