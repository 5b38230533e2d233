"""O importador de seis colunas: tradução exata, determinística, e cada recusa com arquivo, coluna e contagem."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from ingestao.importador import dividir, importar_arquivos, importar_seis_colunas
from ingestao.serializacao import serializar, serializar_rotulos
from ingestao.trafego import ENVIO, EVENTOS, ROTULOS, VERDADE
from plataforma.erros import ErroConfiguracao, ErroDados
from processamento.protecao import Tokenizador
from processamento.qualidade import Recusa, avaliar, avaliar_rotulo

NOSSOS = ("99999010", "99999020")
INICIO = datetime(2018, 4, 1)  # noqa: DTZ001 — a coluna vem sem fuso e vale UTC
HANDBOOK = Path(__file__).resolve().parents[3] / "shared" / "dados" / "handbook"


def tabela(n: int = 6, **colunas: list[object]) -> pl.DataFrame:
    base: dict[str, list[object]] = {
        "event_id": [f"e{i}" for i in range(n)], "ts": [INICIO + timedelta(hours=i) for i in range(n)],
        "payer_id": [f"p{i % 2}" for i in range(n)], "payee_id": [f"r{i % 3}" for i in range(n)],
        "amount": [10.0 + i / 100 for i in range(n)],
    }  # fmt: skip
    return pl.DataFrame({**base, **colunas}, strict=False)


def rotulos(**colunas: list[object]) -> pl.DataFrame:
    return pl.DataFrame({"event_id": ["e1", "e2", "e3"], "is_fraud": [1, 0, 1], **colunas}, strict=False)


def test_traduz_para_o_contrato_com_centavos_exatos() -> None:
    importado = importar_seis_colunas(tabela(device_id=["d1", "d1", None, "", "d2", "d2"]), rotulos(), NOSSOS)
    e = importado.eventos
    assert dict(e.schema) == EVENTOS
    assert dict(importado.rotulos.schema) == ROTULOS
    assert dict(importado.verdade.schema) == VERDADE
    assert e["valor_centavos"].to_list() == [1_000, 1_001, 1_002, 1_003, 1_004, 1_005]
    assert e["instante_us"][1] - e["instante_us"][0] == 3_600_000_000
    assert e["pagador_conta"].n_unique() == 2
    assert e["dispositivo"].to_list()[2:4] == [None, None]
    assert e["dispositivo"].n_unique() == 3
    assert importado.mapa["event_id"].to_list() == [f"e{i}" for i in range(6)]
    assert importado.mapa["id_fim_a_fim"].to_list() == e["id_fim_a_fim"].to_list()
    assert importado.verdade["fraude"].to_list() == [False, True, False, True, False, False]
    assert importado.avisos == ()


def test_tudo_passa_no_validador_e_nada_de_original_atravessa() -> None:
    importado = importar_seis_colunas(tabela(), rotulos(), NOSSOS)
    tokenizador = Tokenizador(b"x" * 32, "v1")
    for _, valor in serializar(importado.eventos):
        lido = avaliar(valor, tokenizador)
        assert not isinstance(lido, Recusa), lido
        assert re.fullmatch(r"tok:imp:[A-Za-z0-9_-]{22}", lido.pagador_conta)
        assert b'"p0"' not in valor
    assert all(not isinstance(avaliar_rotulo(v), Recusa) for _, v in serializar_rotulos(importado.rotulos))


def test_os_mesmos_dados_dao_os_mesmos_tokens_e_ids_em_qualquer_execucao() -> None:
    um, dois = (importar_seis_colunas(tabela(), None, NOSSOS).eventos for _ in range(2))
    assert um.equals(dois)
    outro = importar_seis_colunas(tabela(event_id=[f"x{i}" for i in range(6)]), None, NOSSOS).eventos
    assert not set(outro["id_fim_a_fim"]) & set(um["id_fim_a_fim"])
    assert outro["pagador_conta"].equals(um["pagador_conta"])
    juntos = set(um["pagador_conta"]) | set(um["pagador_documento"]) | set(um["recebedor_conta"])
    assert len(juntos) == 2 + 2 + 3


def test_quem_paga_e_recebe_e_a_mesma_conta() -> None:
    e = importar_seis_colunas(tabela(payer_id=["a"] * 6, payee_id=["b", "a", "b", "b", "b", "b"]), None, NOSSOS).eventos
    assert e["recebedor_conta"][1] == e["pagador_conta"][0]


def test_rotulo_sem_known_at_e_conhecido_depois_do_atraso_e_o_known_at_vence() -> None:
    atrasado = importar_seis_colunas(tabela(), rotulos(), NOSSOS, atraso_dias=2).rotulos
    assert ((atrasado["conhecido_em_us"] - atrasado["instante_us"]) == 2 * 86_400_000_000).all()
    quando = [INICIO + timedelta(days=9), None, None]
    com = importar_seis_colunas(tabela(), rotulos(known_at=quando, scenario=[3, 0, 1]), NOSSOS, atraso_dias=2).rotulos
    assert set(com["tipologia"]) == {"CENARIO_3", "CENARIO_1"}
    esperado = int((INICIO + timedelta(days=9)).replace(tzinfo=UTC).timestamp() * 1e6)
    assert com.filter(pl.col("tipologia") == "CENARIO_3")["conhecido_em_us"].to_list() == [esperado]


@pytest.mark.parametrize(
    ("estragada", "coluna", "trecho"),
    [
        (tabela().drop("payee_id"), "payee_id", "falta a coluna"),
        (tabela(event_id=["e0", "e0", "e0", "e3", "e4", "e5"]), "event_id", "2 linhas com id repetido"),
        (tabela(event_id=[None, "e1", "e2", "e3", "e4", "e5"]), "event_id", "1 linha com nulo"),
        (tabela(payer_id=["", "p", "p", "p", "p", "p"]), "payer_id", "1 linha com texto vazio"),
        (tabela(amount=[1.0, float("nan"), float("nan"), 1.0, 1.0, 1.0]), "amount", "2 linhas com NaN"),
        (tabela(amount=[1.0, float("inf"), 1.0, 1.0, 1.0, 1.0]), "amount", "infinito"),
        (tabela(amount=[1.0, -1.0, -2.0, 1.0, 1.0, 1.0]), "amount", "2 linhas com valor negativo"),
        (tabela(amount=[1.0, 1.005, 1.0, 1.0, 1.0, 1.0]), "amount", "1 linha com mais de duas casas"),
        (tabela(amount=[1.0, None, 1.0, 1.0, 1.0, 1.0]), "amount", "1 linha com nulo"),
        (tabela(amount=["1.00", "1,00", "x", "1", "1.1", "2"]), "amount", "2 linhas com valor que não é número"),
        (tabela(amount=["1.00", "1.001", "1", "1", "1.1", "2"]), "amount", "1 linha com mais de duas casas"),
        (tabela(amount=[True] * 6), "amount", "esperado número"),
        (tabela(amount=[2e11] * 6), "amount", "acima de"),
        (tabela(ts=["2018-04-01 00:00:00", "ontem", "2018", "2018-04-01T01:00:00Z"] + ["2018-04-02 00:00:00"] * 2),
         "ts", "2 linhas com instante"),
        (tabela(ts=[1, 2, 3, 4, 5, 6]), "ts", "esperado instante"),
        (tabela(0), "e", "nenhum evento"),
    ],
)  # fmt: skip
def test_recusa_dizendo_arquivo_coluna_e_contagem(estragada: pl.DataFrame, coluna: str, trecho: str) -> None:
    with pytest.raises(ErroDados) as erro:
        importar_seis_colunas(estragada, None, NOSSOS, arquivo="dados.parquet")
    texto = str(erro.value)
    assert texto.startswith("dados.parquet")
    assert coluna in texto
    assert trecho in texto
    assert "\n" not in texto


@pytest.mark.parametrize(
    ("estragados", "coluna", "trecho"),
    [
        (rotulos(event_id=["e1", "fantasma", "outro"]), "event_id", "2 linhas com evento desconhecido"),
        (rotulos(event_id=["e1", "e1", "e3"]), "event_id", "1 linha com id repetido"),
        (rotulos(is_fraud=[1, 2, None]), "is_fraud", "2 linhas com valor que não é 0 nem 1"),
        (rotulos().drop("is_fraud"), "is_fraud", "falta a coluna"),
        (rotulos(known_at=[INICIO - timedelta(days=1), None, None]), "known_at", "1 linha com instante anterior"),
    ],
)
def test_rotulos_que_nao_servem_sao_recusados(estragados: pl.DataFrame, coluna: str, trecho: str) -> None:
    with pytest.raises(ErroDados) as erro:
        importar_seis_colunas(tabela(), estragados, NOSSOS, arquivo_rotulos="r.csv")
    assert str(erro.value).startswith("r.csv")
    assert coluna in str(erro.value)
    assert trecho in str(erro.value)


def test_tempos_fora_de_ordem_sao_postos_em_ordem_com_aviso() -> None:
    importado = importar_seis_colunas(tabela().reverse(), rotulos(), NOSSOS, arquivo="d.csv")
    assert importado.eventos["instante_us"].is_sorted()
    assert importado.mapa["event_id"].to_list() == [f"e{i}" for i in range(6)]
    assert importado.avisos == ("d.csv: 5 linhas com ts anterior ao da linha de cima; postas em ordem",)


def test_zero_e_microssegundos_sao_avisados_e_nao_somem() -> None:
    ts = [INICIO + timedelta(hours=i, microseconds=1_234) for i in range(6)]
    importado = importar_seis_colunas(tabela(ts=ts, amount=[0.0, 1.0, 1.0, 1.0, 1.0, 1.0]), None, NOSSOS)
    assert importado.eventos.height == 6
    assert (importado.eventos["instante_us"] % 1_000_000 == 1_000).all()
    assert any("6 instantes cortados" in a for a in importado.avisos)
    assert any("1 valores zero" in a for a in importado.avisos)
    zerado = next(iter(serializar(importado.eventos)))[1]
    recusa = avaliar(zerado, Tokenizador(b"x" * 32, "v1"))
    assert isinstance(recusa, Recusa)
    assert recusa.motivo == "valor_nao_positivo"


@pytest.mark.parametrize(
    ("valores", "centavos"),
    [
        ([Decimal("0.07"), Decimal("1234.50")] * 3, [7, 123_450] * 3),
        ([7, 12] * 3, [700, 1_200] * 3),
        (["0.07", "12", "12.5", "9999999999.99", "1.10", "0.1"], [7, 1_200, 1_250, 999_999_999_999, 110, 10]),
        ([0.29, 1.1, 4.35, 1_234_567.89, 9_999_999_999.99, 0.57], [29, 110, 435, 123_456_789, 999_999_999_999, 57]),
    ],
)
def test_valor_em_qualquer_tipo_vira_centavo_exato(valores: list[object], centavos: list[int]) -> None:
    assert importar_seis_colunas(tabela(amount=valores), None, NOSSOS).eventos["valor_centavos"].to_list() == centavos


def test_csv_e_parquet_dao_o_mesmo(tmp_path: Path) -> None:
    dados = tabela(device_id=["d1"] * 6)
    dados.write_parquet(tmp_path / "d.parquet")
    dados.write_csv(tmp_path / "d.csv")
    rotulos(scenario=[1, 0, 2]).write_csv(tmp_path / "r.csv")
    um = importar_arquivos(tmp_path / "d.parquet", tmp_path / "r.csv", NOSSOS)
    dois = importar_arquivos(tmp_path / "d.csv", tmp_path / "r.csv", NOSSOS)
    assert um.eventos.equals(dois.eventos)
    assert um.rotulos.equals(dois.rotulos)


@pytest.mark.parametrize(
    ("nome", "trecho"), [("x.json", "não serve"), ("falta.csv", "não encontrado"), ("b.parquet", "ler")]
)
def test_arquivo_que_nao_serve_e_recusado(nome: str, trecho: str, tmp_path: Path) -> None:
    (tmp_path / "b.parquet").write_bytes(b"nada disto e parquet")
    with pytest.raises(ErroDados, match=trecho) as erro:
        importar_arquivos(tmp_path / nome, None, NOSSOS)
    assert "\n" not in str(erro.value)


def test_divide_o_mais_antigo_como_historia_e_o_fim_como_vivo() -> None:
    importado = importar_seis_colunas(tabela(100), rotulos(), NOSSOS, atraso_dias=1)
    trafego = dividir(importado, 10.0, eventos_vivos=40)
    assert (trafego.historico().height, trafego.vivo().height) == (60, 40)
    assert trafego.historico()["instante_us"].max() < trafego.vivo()["instante_us"].min()
    assert trafego.vivo()[ENVIO].to_list()[:2] == [0.0, 0.25]
    assert trafego.rotulos_historico().height == 2
    assert dividir(importado, 10.0, fracao_viva=0.25).vivo().height == 25
    with pytest.raises(ErroDados, match="não cabem"):
        dividir(importado, 10.0, eventos_vivos=100)
    with pytest.raises(ErroConfiguracao, match="só um"):
        dividir(importado, 10.0)


@pytest.mark.skipif(not HANDBOOK.is_dir(), reason=f"conjunto público ausente: {HANDBOOK}")
def test_o_conjunto_publico_entra_inteiro() -> None:
    importado = importar_arquivos(HANDBOOK / "events.parquet", HANDBOOK / "labels.parquet", NOSSOS)
    assert importado.eventos.height == importado.eventos["id_fim_a_fim"].n_unique() == 1_754_155
    assert importado.rotulos.height == 14_681
    original = pl.read_parquet(HANDBOOK / "events.parquet")["amount"]
    assert ((original * 100).round() == importado.eventos["valor_centavos"]).all()
