import numpy as np

from machine_learning import cartao, equidade
from processamento.atributos import NOMES

PF, PJ = 0.0, 1.0


def _x(tipo: list[float], idade: list[float]) -> np.ndarray:
    x = np.full((len(tipo), len(NOMES)), np.nan, np.float32)
    x[:, NOMES.index("pagador_tipo_pessoa")] = tipo
    x[:, NOMES.index("pagador_idade_conta_dias")] = idade
    return x


def test_recall_e_incomodo_de_cada_grupo() -> None:
    x = _x([PF, PF, PF, PF, PJ, PJ], [0, 30, 31, 10_000, np.nan, 180])
    y = np.array([1, 1, 0, 0, 0, 0], np.int8)
    p = np.array([0.9, 0.1, 0.5, 0.1, 0.1, 0.5])
    medido = equidade.medir(x, y, p, 0.5)
    assert medido["pagador_tipo_pessoa"] == {
        "PF": {"pix": 4.0, "fraudes": 2.0, "recall": 0.5, "incomodados_por_mil": 500.0},
        "PJ": {"pix": 2.0, "fraudes": 0.0, "recall": None, "incomodados_por_mil": 500.0},
    }
    idades = medido["pagador_idade_conta_dias"]
    assert {nome: m["pix"] for nome, m in idades.items()} == {
        "0_a_30_dias": 2.0, "31_a_180_dias": 2.0, "mais_de_730_dias": 1.0, "nao_informado": 1.0,
    }
    assert idades["0_a_30_dias"]["incomodados_por_mil"] is None


def test_dimensao_que_a_base_nao_informa_fica_de_fora() -> None:
    x = _x([np.nan] * 3, [1.0, 2.0, 3.0])
    medido = equidade.medir(x, np.array([0, 1, 0], np.int8), np.zeros(3), 0.5)
    assert set(medido) == {"pagador_idade_conta_dias"}
    assert equidade.medir(_x([np.nan], [np.nan]), np.array([0], np.int8), np.zeros(1), 0.5) == {}


def test_o_cartao_da_versao_traz_os_grupos() -> None:
    medido = equidade.medir(_x([PF, PJ], [1.0, 1.0]), np.array([1, 0], np.int8), np.array([0.9, 0.1]), 0.5)
    validacao = {"ap": 0.5, "taxa_base": 0.01, "brier": 0.1, "equidade": medido}
    texto = cartao.do_treino({"validacao": validacao, "janela": {}}, "boosting", {"boosting": 0.5})
    assert "| tipo de pessoa | PF | 1 | 1 | 1,000 | – |" in texto
    assert "O que faz a cada grupo" not in cartao.do_treino(
        {"validacao": {**validacao, "equidade": {}}, "janela": {}}, "boosting", {"boosting": 0.5}
    )
