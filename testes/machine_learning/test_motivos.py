"""Os motivos: uma frase boa para cada atributo, com valor e com nulo, e os maiores empurrões primeiro."""

from __future__ import annotations

import math
import re
import time

import numpy as np
import pytest

from machine_learning import motivos
from machine_learning.frases import FAMILIAS, FRASES, frase_de
from machine_learning.regras import ler
from machine_learning.unidades import contagem, desvios, dias, duracao, escolha, numero, porcento, reais, relogio, vezes
from processamento.atributos import ATRIBUTOS, NOMES, Atributo

NULO = float("nan")
EXEMPLOS = (0.0, 0.5, 1.0, 2.0, 7.0, 12.5, 1_234.0, 7_654_321.0)


@pytest.mark.parametrize("indice", range(len(ATRIBUTOS)), ids=NOMES)
def test_todo_atributo_tem_frase_boa_com_valor_e_com_nulo(indice: int) -> None:
    frase = FRASES[indice]
    textos = [frase(valor) for valor in (*EXEMPLOS, NULO)]
    for texto in textos:
        assert re.fullmatch(r"[A-ZÀ-Ú][^_{}\n]{9,119}", texto), texto
        assert not re.search(r"\bnan\b|\binf\b|  |\b\d+\.\d\b(?!\d)", texto), texto
    assert frase(NULO) != frase(2.0)
    assert frase(math.inf) == frase(NULO)
    assert sum(bool(re.fullmatch(familia.padrao, NOMES[indice])) for familia in FAMILIAS) == 1


def test_nenhuma_familia_sobra() -> None:
    assert not [f.padrao for f in FAMILIAS if not any(re.fullmatch(f.padrao, nome) for nome in NOMES)]


@pytest.mark.parametrize(("nome", "valor", "esperado"), [
    ("rec_entrada_distintos_24h", 23.0, "O recebedor recebeu Pix de 23 contas diferentes nas últimas 24 horas"),
    ("rec_entrada_distintos_24h", 1.0, "O recebedor recebeu Pix de 1 conta nas últimas 24 horas"),
    ("pag_saida_qtd_1h", 0.0, "O pagador não fez Pix na última hora"),
    ("pag_saida_valor_7d", 123_456.0, "O pagador enviou R$ 1.234,56 em Pix nos últimos 7 dias"),
    ("pag_saida_media_30d", 8_050.0, "O pagador enviou em média R$ 80,50 por Pix nos últimos 30 dias"),
    ("pag_saida_afastamento_log", 3.24, "Este valor está 3,2 desvios-padrão acima do costume de 30 dias do pagador"),
    ("par_qtd_30d", 0.0, "O pagador não pagou este recebedor nos últimos 30 dias"),
    ("par_desde_ultimo", NULO, "O pagador não pagou este recebedor nos últimos 30 dias"),
    ("rec_repasse_1h", 0.96, "O recebedor já repassou 96 % do que recebeu na última hora"),
    ("disp_desde_primeiro_desta_conta", 5_400.0, "A conta usa este aparelho há 1,5 horas"),
    ("disp_chamada_ativa", 1.0, "Sessão com ligação em curso"),
    ("rec_fraude_entrada_qtd_7d", 2.0,
     "Fraudes entre os Pix que o recebedor recebeu, confirmadas nos últimos 7 dias: 2"),
    ("valor_log", math.log1p(1_234.56), "O valor deste Pix é R$ 1.234,56"),
    ("forma_de_iniciacao", 2.0, "Iniciado por QR estático"),
    ("finalidade", 2.0, "Finalidade: Pix Saque"),
    ("hora", 2 + 3 / 60, "Feito às 2h03 de Brasília"),
    ("dict_idade_chave_dias", 0.0, "DICT: a chave é do recebedor há menos de 1 dia"),
])
def test_frases_por_extenso(nome: str, valor: float, esperado: str) -> None:
    assert FRASES[NOMES.index(nome)](valor) == esperado


def test_atributo_sem_familia_usa_sua_descricao_unidade_e_nulo() -> None:
    novo = Atributo("novidade", lambda e: e.valor, "centavos", "quanto sobrou", "não se sabe")
    assert frase_de(novo)(123_400.0) == "Quanto sobrou: R$ 1.234,00"
    assert frase_de(novo)(NULO) == "Quanto sobrou: não se sabe"


def test_unidades_em_portugues() -> None:
    assert numero(1_234_567.891, 2) == "1.234.567,89"
    assert reais(5) == "R$ 0,05"
    assert [duracao(s) for s in (0.4, 1, 59.9, 60, 3_600, 5_400, 86_400, 12.4 * 86_400)] == [
        "menos de 1 segundo", "1 segundo", "59 segundos", "1 minuto", "1 hora", "1,5 horas", "1 dia", "12 dias"]
    assert [dias(d) for d in (0, 1, 2, 1_500)] == ["menos de 1 dia", "1 dia", "2 dias", "1.500 dias"]
    assert [porcento(r) for r in (0, 0.004, 0.8, 1.05)] == ["0 %", "0,4 %", "80 %", "105 %"]
    assert [vezes(r) for r in (0.5, 1.5, 2, 12)] == ["0,5 vez", "1,5 vez", "2,0 vezes", "12 vezes"]
    assert [contagem("conta", "contas", "f")(n) for n in (0, 1, 1_000)] == ["nenhuma conta", "1 conta", "1.000 contas"]
    assert desvios(-1.25) == "1,2 desvios-padrão abaixo"
    assert relogio(23.999_999) == "23h59"
    assert escolha("não", "sim")(7.0) == "outro"


def test_so_o_que_empurrou_para_fraude_do_maior_ao_menor() -> None:
    contribuicoes, x = np.zeros((2, len(NOMES))), np.zeros((2, len(NOMES)))
    par, valor = NOMES.index("par_qtd_30d"), NOMES.index("valor_log")
    contribuicoes[0, par], contribuicoes[0, valor], contribuicoes[0, 5] = 0.5, 1.234_56, -3.0
    x[0, valor] = math.log1p(500)
    primeira, segunda = motivos.compor(contribuicoes, x)
    assert primeira == [
        {"codigo": "valor_log", "texto": "O valor deste Pix é R$ 500,00", "contribuicao": 1.2346},
        {"codigo": "par_qtd_30d", "texto": "O pagador não pagou este recebedor nos últimos 30 dias",
         "contribuicao": 0.5},
    ]
    assert segunda == []


def test_quantas_limita_e_a_ordem_e_a_das_contribuicoes() -> None:
    g = np.random.default_rng(7)
    contribuicoes, x = g.normal(size=(20, len(NOMES))), g.random((20, len(NOMES)))
    for linha, saida in enumerate(motivos.compor(contribuicoes, x, 3)):
        maiores = np.argsort(-contribuicoes[linha])[:3]
        assert [m["codigo"] for m in saida] == [NOMES[j] for j in maiores]


def test_lote_vazio() -> None:
    assert motivos.compor(np.zeros((0, len(NOMES))), np.zeros((0, len(NOMES)))) == []


def test_regras_disparadas_viram_motivos() -> None:
    conjunto = ler("versao: 1\nregras:\n"
                   "  - {id: alto, condicao: valor > 1, acao: RETER_ANALISE, motivo: Valor alto}\n"
                   "  - {id: noite, condicao: noturno, acao: RETER_ANALISE, motivo: À noite}\n")
    prontos = motivos.das_regras(conjunto.regras, np.array([[False, True], [False, False]]))
    assert prontos == [[{"codigo": "regra:noite", "texto": "À noite", "contribuicao": None}], []]


def test_compor_cabe_no_orcamento() -> None:
    """75 linhas não aprovadas (5 % de 1.500): o alvo é ≤ 5 ms com regras e ações; folga de 10x para máquina cheia."""
    g = np.random.default_rng(3)
    contribuicoes, x = g.normal(size=(75, len(NOMES))), g.random((75, len(NOMES)))
    motivos.compor(contribuicoes, x)
    tempos = []
    for _ in range(20):
        inicio = time.perf_counter()
        motivos.compor(contribuicoes, x)
        tempos.append(time.perf_counter() - inicio)
    assert sorted(tempos)[10] < 0.05
