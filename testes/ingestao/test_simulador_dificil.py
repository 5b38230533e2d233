"""A fraude é difícil: nenhum atributo sozinho a entrega, nenhum nulo a denuncia; e não é ruído: o histórico a vê."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from ingestao.simulador.geracao import Simulacao, gerar
from ingestao.simulador.parametros import Parametros

LIMITE_ISOLADO = 0.08
"""AP que nenhum atributo do evento, sozinho, pode alcançar (taxa base 0,008)."""
LIMITE_TRIVIAL = 0.10
"""AP que nenhuma árvore de profundidade 2 sobre todos os atributos do evento pode alcançar."""
PISO_HISTORICO = 0.15
"""AP que um modelo comum com umas poucas colunas de histórico tem de alcançar (dezoito vezes a taxa base).

O catálogo inteiro alcança perto de 0,6; aqui basta provar que há sinal e que ele está no histórico.
"""
IDENTIFICADORES = {
    "id_fim_a_fim", "instante_us", "pagador_conta", "recebedor_conta", "pagador_documento", "recebedor_documento",
}
TOKENS = {"chave", "dispositivo", "txid"}
HORA_US = 3_600_000_000
Matriz = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@pytest.fixture(scope="module")
def simulacao() -> Simulacao:
    return gerar(Parametros(contas=2_500, dias=60, eventos=150_000), 11)


@pytest.fixture(scope="module")
def atributos(simulacao: Simulacao) -> dict[str, Matriz]:
    """Tudo o que se vê em um evento isolado; nulo é -1 e também tem coluna própria."""
    e = simulacao.eventos
    hora = e["instante_us"].to_numpy() // HORA_US - 3
    colunas: dict[str, Matriz] = {
        "hora": (hora % 24).astype(float), "dia_da_semana": ((hora // 24 + 3) % 7).astype(float),
        "centavos": (e["valor_centavos"] % 100).cast(pl.Float64).to_numpy(),
        "redondo": (e["valor_centavos"] % 1_000 == 0).cast(pl.Float64).to_numpy(),
        "mesmo_documento": (e["pagador_documento"] == e["recebedor_documento"]).cast(pl.Float64).to_numpy(),
    }  # fmt: skip
    for nome in e.columns:
        if nome in IDENTIFICADORES:
            continue
        serie = e[nome]
        if serie.null_count():
            colunas[f"{nome} nulo"] = serie.is_null().cast(pl.Float64).to_numpy()
        if nome not in TOKENS:
            numeros = serie.rank("dense") if serie.dtype == pl.String else serie
            colunas[nome] = numeros.cast(pl.Float64).fill_null(-1).to_numpy()
    return colunas


def ap(modelo: object, x: Matriz, y: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
    """Treina nos 60 % mais antigos e mede no resto."""
    corte = int(0.6 * len(y))
    modelo.fit(x[:corte], y[:corte])  # type: ignore[attr-defined]
    return float(average_precision_score(y[corte:], modelo.predict_proba(x[corte:])[:, 1]))  # type: ignore[attr-defined]


def test_nenhum_atributo_isolado_entrega_a_fraude(simulacao: Simulacao, atributos: dict[str, Matriz]) -> None:
    y = simulacao.verdade["fraude"].to_numpy().astype(np.int64)
    assert len(atributos) > 40
    medidas = {
        nome: ap(DecisionTreeClassifier(max_leaf_nodes=32, min_samples_leaf=30, random_state=0), x.reshape(-1, 1), y)
        for nome, x in atributos.items()
    }
    pior = max(medidas, key=lambda nome: medidas[nome])
    assert medidas[pior] < LIMITE_ISOLADO, f"{pior} alcança AP {medidas[pior]:.3f}"


def test_nenhuma_combinacao_trivial_entrega_a_fraude(simulacao: Simulacao, atributos: dict[str, Matriz]) -> None:
    y = simulacao.verdade["fraude"].to_numpy().astype(np.int64)
    x = np.column_stack(list(atributos.values()))
    for folha in (5, 50):
        arvore = DecisionTreeClassifier(max_depth=2, min_samples_leaf=folha, random_state=0)
        assert ap(arvore, x, y) < LIMITE_TRIVIAL


def test_nenhuma_faixa_fina_e_so_de_fraude(simulacao: Simulacao, atributos: dict[str, Matriz]) -> None:
    """Nenhum valor ou faixa de um atributo com 300 ou mais eventos tem mais de um quarto de fraude.

    Faixas menores, de idade em dias, acabam por nomear uma conta em um dia: isso não se generaliza.
    """
    y = simulacao.verdade["fraude"].to_numpy().astype(np.int64)
    for nome, x in atributos.items():
        arvore = DecisionTreeClassifier(max_leaf_nodes=200, min_samples_leaf=300, random_state=0)
        pureza = arvore.fit(x.reshape(-1, 1), y).predict_proba(x.reshape(-1, 1))[:, 1].max()
        assert pureza < 1 / 4, f"{nome}: uma faixa com {pureza:.0%} de fraude"


def test_nulos_nao_denunciam(simulacao: Simulacao, atributos: dict[str, Matriz]) -> None:
    fraude = simulacao.verdade["fraude"].to_numpy()
    for nome, x in atributos.items():
        if nome.endswith(" nulo") and nome != "txid nulo" and x.mean() > 0.02:
            nulos = fraude[x == 1].mean()
            assert nulos < 2.0 * fraude.mean(), f"{nome}: fraude {nulos:.4f}"


@pytest.fixture(scope="module")
def colunas_de_historico(simulacao: Simulacao) -> Matriz:
    return historico(simulacao)


def test_o_historico_ve_o_que_o_evento_nao_ve(simulacao: Simulacao, colunas_de_historico: Matriz) -> None:
    y = simulacao.verdade["fraude"].to_numpy().astype(np.int64)
    x = colunas_de_historico
    modelo = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=15, min_samples_leaf=40, random_state=0)
    with threadpool_limits(1):
        assert ap(modelo, x, y) > PISO_HISTORICO
        assert ap(modelo, x, np.random.default_rng(0).permutation(y)) < 0.03


def test_o_risco_conhecido_tarde_ajuda(simulacao: Simulacao, colunas_de_historico: Matriz) -> None:
    """Um recebedor com fraude conhecida é mais arriscado, sem ser certeza: as laranjas são reaproveitadas.

    Fora as contas movimentadas, em que uma contestação aceita por engano pesa sobre milhares de pagamentos.
    """
    pouco_movimento = colunas_de_historico[:, 4] < 10
    y = simulacao.verdade["fraude"].to_numpy()[pouco_movimento]
    conhecidas = colunas_de_historico[pouco_movimento, 0]
    assert y[conhecidas > 0].mean() > 5 * y.mean()
    assert y[conhecidas > 0].mean() < 0.6
    assert 0.1 < (conhecidas[y] > 0).mean() < 0.7


def historico(s: Simulacao) -> Matriz:
    """Umas poucas colunas causais, na ordem dos eventos: o que qualquer um faria primeiro."""
    fila = sorted(s.rotulos.filter(pl.col("resultado") == "AGREED").select("conhecido_em_us", "recebedor_conta").rows())
    fraudes: dict[str, list[int]] = defaultdict(list)
    pares: set[tuple[str, str]] = set()
    gasto: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    entradas: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    saida, visto = [], 0
    e = s.eventos
    colunas = (e["instante_us"], e["pagador_conta"], e["recebedor_conta"], e["valor_centavos"])
    for t, p, r, v in zip(*(c.to_list() for c in colunas), strict=True):
        while visto < len(fila) and fila[visto][0] < t:
            fraudes[fila[visto][1]].append(fila[visto][0])
            visto += 1
        novo = (p, r) not in pares
        recentes = [(q, n) for q, n in entradas[r] if q > t - 48 * HORA_US]
        soma, quantos = gasto[p]
        log = float(np.log1p(v))
        media = soma / quantos if quantos else np.nan
        risco = sum(k > t - 30 * 24 * HORA_US for k in fraudes[r])
        saida.append((risco, novo, log, log - media, len(recentes), sum(n for _, n in recentes), quantos))
        entradas[r] = [*recentes[-50:], (t, novo)]
        gasto[p] = [soma + log, quantos + 1]
        pares.add((p, r))
    cadastro = ("disp_cadastrado", "sessao_troca_senha_24h", "recebedor_idade_conta_dias", "dict_idade_conta_dias")
    extras = e.select(cadastro).select(pl.all().cast(pl.Float64).fill_null(-1)).to_numpy()
    return np.column_stack([np.array(saida, dtype=np.float64), extras])
