"""Regras como dado: o que se aceita, o que se recusa e em que linha, e que a avaliação é a do SQL."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import machine_learning
from ingestao.esquema import FormaIniciacao, TipoChave, TipoConta, TipoPessoa
from machine_learning.acoes import Acao
from machine_learning.condicoes import LOGICAS, TAMANHO_MAXIMO, compilar
from machine_learning.regras import COLUNAS, Conjunto, ler, quadro
from plataforma.erros import ErroConfiguracao
from processamento.atributos import NOMES
from processamento.contexto import DOMINIOS
from processamento.esquema import PRATA

INICIAIS = (Path(machine_learning.__file__).parent / "regras.yaml").read_text(encoding="utf-8")
VALIDO = """\
versao: "7"
regras:
  - id: valor_alto
    versao: 2
    condicao: valor > 20000
    acao: RETER_ANALISE
    motivo: Valor alto
  - id: noite
    condicao: noturno
    acao: AUTENTICAR_REFORCADO
    motivo: À noite
    ativa: false
"""


def _quadro(linhas: Sequence[dict[str, Any]], so: Sequence[str] = tuple(COLUNAS)) -> pl.DataFrame:
    """Um Pix sem dado algum, salvo o que cada linha diz; textos por extenso, None = nulo."""
    n = len(linhas)
    atributos = np.full((n, len(NOMES)), np.nan)
    decisao: dict[str, NDArray[Any]] = {
        "valor": np.ones(n, np.int64), "pontuacao": np.full(n, np.nan), "probabilidade": np.full(n, np.nan),
        "pagador_nosso": np.ones(n, np.bool_), "recebedor_nosso": np.ones(n, np.bool_),
    }
    for i, linha in enumerate(linhas):
        for nome, valor in linha.items():
            if nome in decisao:
                decisao[nome][i] = valor
            elif valor is not None:
                atributos[i, NOMES.index(nome)] = DOMINIOS[nome].index(valor) if isinstance(valor, str) else valor
    return quadro(atributos, {"valor_centavos": decisao["valor"]}, decisao["pontuacao"], decisao["probabilidade"],
                  decisao["pagador_nosso"], decisao["recebedor_nosso"], so)


def _de_uma(condicao: str) -> Conjunto:
    return ler(f"versao: 1\nregras:\n  - id: teste\n    condicao: |\n      {condicao}\n"
               "    acao: RETER_ANALISE\n    motivo: Teste\n")


def _dispara(condicao: str, **linha: Any) -> bool:
    conjunto = _de_uma(condicao)
    return bool(conjunto.avaliar(_quadro([linha], conjunto.colunas))[0, 0])


def test_le_um_arquivo_bom() -> None:
    conjunto = ler(VALIDO)
    assert [(r.id, r.versao, r.acao, r.linha, r.ativa) for r in conjunto.todas] == [
        ("valor_alto", "2", Acao.RETER_ANALISE, 3, True), ("noite", "1", Acao.AUTENTICAR_REFORCADO, 8, False)]
    assert conjunto.ids == ("valor_alto",)
    assert conjunto.acoes == (Acao.RETER_ANALISE,)
    assert conjunto.colunas == ("valor",)
    assert conjunto.avaliar(_quadro([{"valor": 20_000}, {"valor": 20_001}])).tolist() == [[False], [True]]


def test_a_versao_e_a_declarada_mais_o_conteudo() -> None:
    a, b = ler(VALIDO).versao, ler(VALIDO.replace("20000", "20001")).versao
    assert a.startswith("7-")
    assert len(a) == len("7-") + 8
    assert a != b
    assert a == ler(VALIDO).versao


def test_conjunto_todo_inativo_nao_dispara() -> None:
    conjunto = ler(VALIDO.replace("motivo: Valor alto", "motivo: Valor alto\n    ativa: false"))
    assert conjunto.avaliar(_quadro([{}, {}], conjunto.colunas)).shape == (2, 0)


@pytest.mark.parametrize(("de", "para", "linha", "razao"), [
    ("condicao: valor > 20000", "condicao: [valor", 6, "YAML inválido"),
    ("versao: \"7\"", "versao: \"7\"\nversao: \"8\"", 2, "campo 'versao' repetido"),
    ("versao: \"7\"\n", "", 1, "falta o campo 'versao'"),
    ("    motivo: Valor alto\n", "", 3, "falta o campo 'motivo'"),
    ("motivo: Valor alto", "motivo: '  '", 7, "motivo vazio"),
    ("motivo: Valor alto", "motivo: null", 7, "motivo vazio"),
    ("motivo: Valor alto", "motivo: [a, b]", 7, "motivo vazio ou não é texto"),
    ("motivo: Valor alto", "motivo: " + "x" * 201, 7, "o limite é 200"),
    ("motivo: Valor alto", "motivo: Valor alto\n    prioridade: 1", 8, "campo 'prioridade' desconhecido"),
    ("id: noite", "id: valor_alto", 8, "o id 'valor_alto' repete o da linha 3"),
    ("id: valor_alto", "id: Valor-Alto", 3, "id = 'Valor-Alto' não serve"),
    ("acao: RETER_ANALISE", "acao: RETER", 6, "a ação 'RETER' não existe: APROVAR, AUTENTICAR"),
    ("ativa: false", "ativa: talvez", 12, "ativa = 'talvez'; use true ou false"),
    ("condicao: noturno", "condicao: noturn", 9, "a coluna 'noturn' não existe; seria 'noturno'?"),
    ("condicao: valor > 20000", "condicao: valor >", 5, "o SQL não compila"),
    ("condicao: valor > 20000", "condicao: valor + 1", 5, "não dá verdadeiro ou falso"),
    ("condicao: valor > 20000", "condicao: ''", 5, "condicao vazio"),
    ("condicao: valor > 20000", "condicao: 1 = 1", 5, "não lê nenhuma coluna"),
    ("condicao: valor > 20000", "condicao: valor > 1; DROP TABLE x", 5, "esperava uma única expressão"),
])
def test_recusa_dizendo_a_linha_e_a_razao(de: str, para: str, linha: int, razao: str) -> None:
    assert de in VALIDO
    with pytest.raises(ErroConfiguracao) as erro:
        ler(VALIDO.replace(de, para, 1))
    assert str(erro.value).startswith(f"regras, linha {linha}: "), erro.value
    assert razao in str(erro.value)
    assert "\n" not in str(erro.value)


@pytest.mark.parametrize("texto", [
    "", "[]", "texto", "versao: 1", "versao: 1\nregras: []", "versao: 1\nregras: {}", "versao: 1\nregras: [1]",
    "\x00", "a: b: c", "- &a [*a]", "[" * 5_000, "versao: 1\nregras: !!python/object/apply:os.system ['x']",
    "# " + "x" * 200_000,
])
def test_qualquer_lixo_vira_uma_linha_clara(texto: str) -> None:
    with pytest.raises(ErroConfiguracao, match=r"^regras, linha \d+: [^\n]+$"):
        ler(texto)


@pytest.mark.parametrize("condicao", [
    "valor > (SELECT MAX(valor) FROM self)", "valor IN (SELECT 1)", "SUM(valor) > 1", "COUNT(*) > 1",
    "SUM(valor) OVER () > 1", "CAST(valor AS INT) > 1", "valor::int > 1", "self.valor > 1", "foo(valor) > 1",
    "valor > $1", "valor > ?", "valor > 1 AS x", "tipo_chave LIKE 'E%'", "valor > CURRENT_DATE", "*", "valor > ALL(1)",
    "CASE WHEN noturno THEN TRUE ELSE FALSE END", "GREATEST(valor, 1) > 1", "(valor, hora) IN ((1, 2))",
    "valor BETWEEN SYMMETRIC 1 AND 2", "VALOR > 1", "valor = NULL", "valor IN (hora)",
    "valor / 0 > 1", "valor / hora > 1", "valor / (1 - 1) > 1", "valor > '1'", "noturno = 1", "noturno > FALSE",
    "noturno + 1 > 1", "NOT valor", "valor AND noturno", "valor IS TRUE", "tipo_chave > 'CPF'",
    "COALESCE(valor, 'x') > 1", "noturno IS TRUE", "noturno IS NOT FALSE", "tipo_chave = 'CPFX'",
    "COALESCE(1, valor) > 0", "COALESCE(valor) > 0.5 AND",
    "tipo_chave IN ('CPF', 'XXX')", "forma_de_iniciacao <> 'pix'", "tipo_chave = tipo_chave || 'a'", "1 < valor < 3",
    "(" * 900 + "noturno" + ")" * 900, "noturno AND " * 200 + "noturno",
    "pg_sleep(1) IS NULL", "read_csv('x') IS NULL", "valor > 1 COLLATE x", "recebedor_tipo_conta = pagador_tipo_pessoa",
])
def test_fora_do_subconjunto_e_recusado(condicao: str) -> None:
    with pytest.raises(ErroConfiguracao):
        compilar(condicao)


def test_limite_de_tamanho_da_condicao() -> None:
    parte = "noturno AND "
    compilar(parte * (TAMANHO_MAXIMO // len(parte) - 1) + "noturno")
    with pytest.raises(ErroConfiguracao, match="o limite é"):
        compilar("noturno " + " " * TAMANHO_MAXIMO)


@pytest.mark.parametrize(("condicao", "linha", "esperado"), [
    ("valor BETWEEN 1 AND 2", {"valor": 2}, True),
    ("forma_de_iniciacao IN ('MANU', 'DICT') -- comentário", {"forma_de_iniciacao": "DICT"}, True),
    ("forma_de_iniciacao = 'QRES'", {"forma_de_iniciacao": "DICT"}, False),
    ("recebedor_tipo_conta <> pagador_tipo_conta", {"recebedor_tipo_conta": "TRAN", "pagador_tipo_conta": "CACC"},
     True),
    ("disp_chamada_ativa", {"disp_chamada_ativa": 1}, True),
    ("NOT disp_chamada_ativa", {"disp_chamada_ativa": 0}, True),
    ("disp_cadastrado = FALSE", {"disp_cadastrado": 0}, True),
    ("NOT COALESCE(disp_cadastrado, FALSE)", {"disp_cadastrado": None}, True),
    ("pagador_nosso AND NOT recebedor_nosso", {"recebedor_nosso": False}, True),
    ("valor > 5 / 2", {"valor": 2}, False),
    ("hora > 5 / 2", {"hora": 2.4}, False),
    ("hora > 5 / 2", {"hora": 2.6}, True),
    ("probabilidade >= 0.5 OR probabilidade IS NULL", {}, True),
    ("ABS(pag_saida_afastamento_log) > 2", {"pag_saida_afastamento_log": -3.0}, True),
    ("valor * 2 - 1 > -par_qtd_30d", {"par_qtd_30d": 5}, True),
])
def test_o_que_o_subconjunto_diz(condicao: str, linha: dict[str, Any], esperado: bool) -> None:
    assert _dispara(condicao, **linha) is esperado


@pytest.mark.parametrize("condicao", [
    "par_desde_ultimo > 1", "NOT par_desde_ultimo > 1", "par_desde_ultimo BETWEEN 0 AND 9e15", "par_desde_ultimo <> 1",
    "NOT disp_emulador", "tipo_chave <> 'CPF'", "tipo_chave NOT IN ('CPF')", "probabilidade > 0.5", "pontuacao < 2",
    "par_desde_ultimo > 1 AND valor > 0", "ABS(par_desde_ultimo) >= 0",
])
def test_nulo_nao_dispara_nem_como_nan(condicao: str) -> None:
    assert not _dispara(condicao)


@pytest.mark.parametrize("condicao", [
    "1.0 IN (1.0) OR noturno", "0.0 = COALESCE(hora, 0.0)", "COALESCE(disp_desde_primeiro_desta_conta, 0) < 86400",
])
def test_condicao_que_o_motor_reduz_a_uma_linha_vale_para_todas(condicao: str) -> None:
    conjunto = _de_uma(condicao)
    assert conjunto.avaliar(_quadro([{}, {}, {}], conjunto.colunas)).tolist() == [[True]] * 3


def test_lote_vazio_da_lote_vazio(iniciais: Conjunto) -> None:
    assert iniciais.avaliar(_quadro([], iniciais.colunas)).shape == (0, len(iniciais.ids))


def test_nulo_num_ramo_de_or_nao_apaga_o_outro() -> None:
    assert _dispara("par_desde_ultimo > 1 OR valor = 1")


_NUMERICAS = ("valor", "hora", "par_qtd_30d")
_BOOLEANAS = ("noturno", "disp_emulador")
_LITERAL = st.sampled_from(("0.0", "1.0", "2.5", "-1.0", "10.0"))
_NUMERO = st.recursive(
    st.sampled_from(_NUMERICAS) | _LITERAL,
    lambda n: st.tuples(n, st.sampled_from("+-*"), n).map(lambda t: f"({t[0]} {t[1]} {t[2]})")
    | n.map(lambda x: f"ABS({x})") | n.map(lambda x: f"({x}) / 2.0")
    | st.tuples(n, n).map(lambda t: f"COALESCE({t[0]}, {t[1]})"), max_leaves=3)
_FOLHA = (
    st.tuples(_NUMERO, st.sampled_from(("=", "<>", "<", "<=", ">", ">=")), _NUMERO).map(" ".join)
    | st.tuples(_NUMERO, st.sampled_from(("BETWEEN", "NOT BETWEEN")), _LITERAL, _LITERAL)
    .map(lambda t: f"{t[0]} {t[1]} {t[2]} AND {t[3]}")
    | st.tuples(_NUMERO, st.sampled_from(("IN", "NOT IN"))).map(lambda t: f"{t[0]} {t[1]} (0.0, -1.0)")
    | st.sampled_from((*_NUMERICAS, *_BOOLEANAS, "tipo_chave")).map(lambda c: f"{c} IS NULL")
    | st.sampled_from(_BOOLEANAS) | st.sampled_from(_BOOLEANAS).map(lambda c: f"{c} = TRUE")
    | st.sampled_from(("tipo_chave = 'CPF'", "tipo_chave <> 'EVP'", "tipo_chave IN ('CPF', 'PHONE')")))
_CONDICAO = st.recursive(
    _FOLHA,
    lambda c: st.tuples(c, st.sampled_from(("AND", "OR")), c).map(" ".join) | c.map(lambda x: f"NOT {x}")
    | c.map(lambda x: f"({x})") | c.map(lambda x: f"({x}) IS NULL") | c.map(lambda x: f"COALESCE({x}, FALSE)"),
    max_leaves=6)
_VALORES = st.fixed_dictionaries({
    "valor": st.sampled_from((0, 1, 10)), "hora": st.sampled_from((None, 0.0, 1.0, 2.5)),
    "par_qtd_30d": st.sampled_from((None, 0.0, 1.0, 10.0)), "noturno": st.sampled_from((None, 0, 1)),
    "disp_emulador": st.sampled_from((None, 0, 1)), "tipo_chave": st.sampled_from((None, "CPF", "EVP", "PHONE")),
})


@settings(max_examples=150, deadline=None)
@given(_CONDICAO, st.lists(_VALORES, min_size=1, max_size=8))
def test_a_avaliacao_e_a_do_sql_como_o_sqlite_a_entende(condicao: str, linhas: list[dict[str, Any]]) -> None:
    with sqlite3.connect(":memory:") as banco:
        banco.execute("CREATE TABLE q (valor REAL, hora REAL, par_qtd_30d REAL, noturno, disp_emulador, tipo_chave)")
        banco.executemany(
            "INSERT INTO q VALUES (:valor, :hora, :par_qtd_30d, :noturno, :disp_emulador, :tipo_chave)", linhas)
        esperado = [bool(v) for (v,) in banco.execute(f"SELECT {condicao} FROM q ORDER BY rowid")]  # noqa: S608
    try:
        conjunto = _de_uma(condicao)
    except ErroConfiguracao as erro:
        assert any(razao in str(erro) for razao in ("nenhuma coluna", "em COALESCE"))
        return
    assert conjunto.avaliar(_quadro(linhas, conjunto.colunas))[:, 0].tolist() == esperado


def test_as_colunas_logicas_e_de_texto_sao_as_do_contrato() -> None:
    da_prata = {campo.name for campo in PRATA if campo.dataType.typeName() == "boolean"}
    assert da_prata <= LOGICAS
    assert LOGICAS - da_prata == {"valor_redondo", "noturno", "pagador_nosso", "recebedor_nosso"}
    assert LOGICAS <= COLUNAS
    for nome, tipo in (("tipo_chave", TipoChave), ("forma_de_iniciacao", FormaIniciacao),
                       ("pagador_tipo_conta", TipoConta), ("recebedor_tipo_pessoa", TipoPessoa)):
        assert DOMINIOS[nome] == tipo.__args__
    assert set(DOMINIOS) <= COLUNAS


def test_o_quadro_tem_texto_logico_e_nulo_no_lugar_certo() -> None:
    frame = _quadro([{"tipo_chave": "EVP", "noturno": 1, "hora": 2.5, "valor": 10_000_000_001}, {}])
    assert set(frame.columns) == COLUNAS
    assert frame.select("tipo_chave", "noturno", "hora", "valor", "probabilidade").rows() == [
        ("EVP", True, 2.5, 10_000_000_001.0, None), (None, None, None, 1.0, None)]
    sem_modelo = quadro(np.full((1, len(NOMES)), np.nan), {"valor_centavos": np.ones(1, np.int64)}, None, None,
                        np.ones(1, np.bool_), np.ones(1, np.bool_), ["probabilidade", "valor"])
    assert sem_modelo.rows() == [(None, 1.0)]


@pytest.fixture(scope="module")
def iniciais() -> Conjunto:
    return ler(INICIAIS)


def _regras(conjunto: Conjunto, **linha: Any) -> set[str]:
    disparos = conjunto.avaliar(_quadro([linha], conjunto.colunas))[0]
    return {identidade for identidade, disparou in zip(conjunto.ids, disparos, strict=True) if disparou}


def test_as_regras_iniciais_nao_disparam_sem_dado(iniciais: Conjunto) -> None:
    assert iniciais.ids
    assert len(iniciais.ids) == len(iniciais.todas)
    assert _regras(iniciais) == set()
    assert _regras(iniciais, valor=100_000_000) == set()


NOITE_PF = {"noturno": 1, "recebedor_tipo_pessoa": "PF", "pagador_tipo_pessoa": "PF", "par_qtd_30d": 0}
APARELHO = {"disp_cadastrado": 0, "disp_desta_conta_30d": 0}
LARANJA = {"recebedor_tipo_pessoa": "PF", "recebedor_idade_conta_dias": 20, "rec_entrada_distintos_24h": 8,
           "rec_entrada_valor_24h": 500_000, "rec_repasse_24h": 0.95, "rec_saida_desde_ultimo": 600}


@pytest.mark.parametrize(("regra", "linha", "dispara"), [
    ("aparelho_novo_acima_do_limite", {**APARELHO, "valor": 20_000}, False),
    ("aparelho_novo_acima_do_limite", {**APARELHO, "valor": 20_001}, True),
    ("aparelho_novo_acima_do_limite", {**APARELHO, "valor": 20_001, "disp_cadastrado": 1}, False),
    ("aparelho_novo_acima_do_limite", {**APARELHO, "valor": 20_001, "disp_desde_primeiro_desta_conta": 90_000}, False),
    ("aparelho_novo_acima_do_limite",
     {**APARELHO, "valor": 10_001, "disp_desta_conta_30d": 5, "pag_saida_valor_24h": 90_000}, True),
    ("aparelho_novo_acima_do_limite",
     {**APARELHO, "valor": 10_000, "disp_desta_conta_30d": 5, "pag_saida_valor_24h": 90_000}, False),
    ("noturno_acima_do_limite", {**NOITE_PF, "valor": 100_000, "pag_saida_valor_1h": 0}, False),
    ("noturno_acima_do_limite", {**NOITE_PF, "valor": 100_001, "pag_saida_valor_1h": 0}, True),
    ("noturno_acima_do_limite", {**NOITE_PF, "valor": 50_001, "pag_saida_valor_1h": 50_000}, True),
    ("noturno_acima_do_limite", {**NOITE_PF, "valor": 100_001, "pag_saida_valor_1h": 0, "noturno": 0}, False),
    ("noturno_acima_do_limite", {**NOITE_PF, "valor": 100_001, "pag_saida_valor_1h": 0, "par_qtd_30d": 1}, False),
    ("conta_laranja", LARANJA, True),
    ("conta_laranja", {**LARANJA, "rec_repasse_24h": 0.5}, False),
    ("conta_laranja", {**LARANJA, "recebedor_idade_conta_dias": 800}, False),
    ("conta_laranja", {**LARANJA, "recebedor_idade_conta_dias": None}, True),
    ("chamada_ativa_e_valor_fora_do_costume",
     {"disp_chamada_ativa": 1, "par_qtd_30d": 0, "valor": 50_000, "pag_saida_afastamento_log": 2.1}, True),
    ("chamada_ativa_e_valor_fora_do_costume",
     {"disp_chamada_ativa": 1, "par_qtd_30d": 0, "valor": 50_000, "pag_saida_afastamento_log": 0.1}, False),
    ("troca_de_chip", {"sessao_troca_chip_72h": 1, "par_qtd_30d": 0, "valor": 20_001,
                       "sessao_troca_senha_24h": 0, "disp_desde_primeiro_desta_conta": 3_600}, True),
    ("troca_de_chip", {"sessao_troca_chip_72h": 1, "par_qtd_30d": 0, "valor": 20_001,
                       "sessao_troca_senha_24h": 0, "disp_desde_primeiro_desta_conta": 900_000}, False),
    ("fracionamento_abaixo_de_limite",
     {"noturno": 1, "valor": 99_900, "pag_saida_qtd_1h": 2, "pag_saida_valor_1h": 199_000}, True),
    ("fracionamento_abaixo_de_limite",
     {"noturno": 1, "valor": 99_900, "pag_saida_qtd_1h": 2, "pag_saida_valor_1h": 5_000}, False),
    ("teste_de_conta_e_valor_alto",
     {"par_qtd_30d": 2, "par_valor_30d": 101, "par_desde_primeiro": 900, "valor": 80_000}, True),
    ("teste_de_conta_e_valor_alto",
     {"par_qtd_30d": 2, "par_valor_30d": 201, "par_desde_primeiro": 900, "valor": 80_000}, False),
    ("aparelho_com_muitas_contas", {"disp_contas_24h": 4, "par_qtd_30d": 0}, True),
    ("recebedor_com_fraude_em_7_dias", {"rec_fraude_entrada_qtd_7d": 1, "rec_entrada_qtd_30d": 20}, True),
    ("recebedor_com_fraude_em_7_dias", {"rec_fraude_entrada_qtd_7d": 1, "rec_entrada_qtd_30d": 21}, False),
    ("recebedor_reincidente", {"rec_fraude_entrada_qtd_7d": 2, "rec_fraude_entrada_qtd_30d": 3,
                               "rec_entrada_qtd_30d": 10, "par_qtd_30d": 0}, True),
    ("recebedor_reincidente", {"rec_fraude_entrada_qtd_7d": 2, "rec_fraude_entrada_qtd_30d": 3,
                               "rec_entrada_qtd_30d": 10, "par_qtd_30d": 1}, False),
    ("recebedor_marcado_no_dict", {"dict_marcas_fraude_d90": 1}, False),
    ("recebedor_marcado_no_dict", {"dict_marcas_fraude_d90": 2}, True),
    ("recebedor_marcado_no_dict", {"dict_marcas_fraude_d90": 2, "dict_liquidacoes_d90": 101}, False),
    ("sem_modelo_valor_atipico", {"par_qtd_30d": 0, "valor": 100_000, "pag_saida_afastamento_log": 3.0}, True),
    ("sem_modelo_valor_atipico",
     {"par_qtd_30d": 0, "valor": 100_000, "pag_saida_afastamento_log": 3.0, "probabilidade": 0.01}, False),
])
def test_as_regras_iniciais_nos_seus_limites(
    iniciais: Conjunto, regra: str, linha: dict[str, Any], dispara: bool
) -> None:
    assert (regra in _regras(iniciais, **linha)) is dispara


def test_cada_regra_inicial_tem_fonte_em_comentario() -> None:
    blocos = [bloco.removeprefix("regras:\n").strip() for bloco in INICIAIS.split("\n\n") if "- id:" in bloco]
    assert len(blocos) == INICIAIS.count("- id:")
    assert all(bloco.startswith("#") for bloco in blocos)


def test_avaliar_cabe_no_orcamento(iniciais: Conjunto) -> None:
    """1.500 linhas: alvo ≤ 5 ms para regras, ações e motivos; a folga de 10x é para máquinas cheias."""
    g = np.random.default_rng(5)
    atributos = g.integers(0, 2, (1_500, len(NOMES))).astype(np.float64)
    valor, nosso, p = g.integers(1, 10**6, 1_500), np.ones(1_500, np.bool_), g.random(1_500)
    tempos = []
    for _ in range(15):
        inicio = time.perf_counter()
        frame = quadro(atributos, {"valor_centavos": valor}, p, p, nosso, nosso, iniciais.colunas)
        assert iniciais.avaliar(frame).shape == (1_500, len(iniciais.ids))
        tempos.append(time.perf_counter() - inicio)
    assert sorted(tempos)[5] < 0.05
