"""O núcleo compilado contra a força bruta, primitiva por primitiva."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processamento.catalogo import DIA, NULO, PADRAO, SEGUNDO_US, Catalogo, Fluxo, K, Papel
from processamento.estado.arena import Arena, Linhas
from processamento.estado.nucleo import chaves_de_diario, logaritmo_fixo
from testes.processamento.fabrica_historia import COMECO_US, DIA_US, em_tuplas, logaritmo, por_forca_bruta


def _linhas(g: np.random.Generator, quantas: int, entidades: int, dias: float, passo_us: int) -> Linhas:
    fluxo = g.choice(len(Fluxo), quantas, p=[0.4, 0.3, 0.2, 0.04, 0.03, 0.03]).astype(np.int64)
    instante = COMECO_US + g.integers(0, int(dias * DIA_US) // passo_us, quantas) * passo_us
    valor = np.where(fluxo >= Fluxo.FRAUDE_SAIDA, instante - g.integers(0, 9 * DIA_US, quantas),
                     g.integers(1, 10**6, quantas))
    return Linhas(g.integers(1, entidades, quantas), fluxo, instante, g.permutation(quantas).astype(np.int64), valor,
                  g.integers(1, entidades, quantas))


def _conferir(arena: Arena, catalogo: Catalogo, linhas: Linhas, consultas: np.ndarray, desvio_us: int = 0) -> None:
    todas = em_tuplas(linhas)
    for papel in Papel:
        entidade, contraparte = linhas.entidade[consultas], linhas.contraparte[consultas]
        instante = linhas.instante[consultas] + desvio_us
        medido = arena.consultar(papel, entidade, contraparte, instante)
        for i in range(consultas.size):
            esperado = por_forca_bruta(catalogo, todas, papel, entidade[i], contraparte[i], instante[i])
            nomes = [p.nome for p in catalogo.do_papel(papel)]
            assert dict(zip(nomes, medido[i].tolist(), strict=True)) == dict(zip(nomes, esperado, strict=True))


@pytest.mark.parametrize(("semente", "quantas", "entidades", "dias", "passo_us"), [
    (1, 3_000, 12, 25, 1_000),
    (2, 3_000, 3, 45, 3_600 * SEGUNDO_US),  # diários bem maiores que K, muitos empates
    (3, 400, 60, 60, 1),
    (4, 1_500, 2, 0.5, 60 * SEGUNDO_US),  # tudo dentro de um dia, além de K
])
def test_toda_primitiva_e_a_da_definicao(
    semente: int, quantas: int, entidades: int, dias: float, passo_us: int,
) -> None:
    g = np.random.default_rng(semente)
    linhas = _linhas(g, quantas, entidades, dias, passo_us)
    arena = Arena(PADRAO, reter_tudo=True)
    arena.inserir(linhas)
    _conferir(arena, PADRAO, linhas, g.integers(0, quantas, 60))
    _conferir(arena, PADRAO, linhas, g.integers(0, quantas, 20), desvio_us=1)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.sampled_from(list(Fluxo)), st.integers(0, 12), st.integers(1, 10**9),
                  st.integers(1, 3)),
        min_size=1, max_size=40,
    ),
    st.integers(0, 13),
    st.randoms(use_true_random=False),
)
def test_limites_de_janela_e_empates(itens: list[tuple[int, ...]], consulta: int, sorteio: object) -> None:
    """Instantes exatamente nos limites das janelas (0, 5 min, 1 h, 24 h, 7 d, 8 d, 30 d…) da consulta."""
    recuos = np.array([0, 300, 3_600, DIA, 7 * DIA, 8 * DIA, 14 * DIA, 30 * DIA, 37 * DIA, 40 * DIA, 1, 301, 86_401])
    t = COMECO_US + 41 * DIA_US
    colunas = np.array(itens, np.int64)
    instante = t - recuos[colunas[:, 2]] * SEGUNDO_US
    fluxo = colunas[:, 1]
    valor = np.where(fluxo >= Fluxo.FRAUDE_SAIDA, instante - colunas[:, 3] % (8 * DIA_US), colunas[:, 3])
    linhas = Linhas(colunas[:, 0], fluxo, instante, np.arange(len(itens)), valor, colunas[:, 4])
    ordem = list(range(len(itens)))
    sorteio.shuffle(ordem)  # type: ignore[attr-defined]
    arena = Arena(PADRAO, reter_tudo=True)
    for i in ordem:
        arena.inserir(linhas.onde(np.arange(len(itens)) == i))
    for papel in Papel:
        for quando in (t, t + 1, t - int(recuos[consulta % recuos.size]) * SEGUNDO_US):
            medido = arena.consultar(papel, np.array([1]), np.array([2]), np.array([quando]))
            assert medido[0].tolist() == por_forca_bruta(PADRAO, em_tuplas(linhas), papel, 1, 2, quando)


def test_quem_nunca_foi_visto_tem_zero_movimento_e_nenhum_instante() -> None:
    arena = Arena(PADRAO)
    for papel in Papel:
        medido = arena.consultar(papel, np.array([99]), np.array([1]), np.array([COMECO_US]))[0]
        assert medido.tolist() == por_forca_bruta(PADRAO, [], papel, 99, 1, COMECO_US)
        assert set(medido.tolist()) == {0, NULO}


def test_lista_para_nos_ultimos_k_e_contagem_nao() -> None:
    quantas = K + 50
    instante = COMECO_US + np.arange(quantas, dtype=np.int64)
    uns = np.ones(quantas, np.int64)
    arena = Arena(PADRAO)
    arena.inserir(Linhas(uns, 0 * uns, instante, np.arange(quantas), uns * 5, 100 + np.arange(quantas)))
    medido = arena.consultar(Papel.PAGADOR, np.array([1]), np.array([100]), np.array([COMECO_US + quantas]))[0]
    por_nome = dict(zip((p.nome for p in PADRAO.do_papel(Papel.PAGADOR)), medido.tolist(), strict=True))
    assert por_nome["pag_saida_qtd_30d"] == quantas
    assert por_nome["pag_saida_valor_30d"] == 5 * quantas
    assert por_nome["pag_saida_distintos_30d"] == K
    assert por_nome["pag_saida_par_qtd_30d"] == 0  # a contraparte 100 já saiu das últimas K


def test_logaritmo_fixo_em_toda_ordem_de_grandeza() -> None:
    for centavos in [0, 1, 99, 100, 101, *(10**i for i in range(3, 14)), *(10**i + 7 for i in range(3, 14))]:
        assert logaritmo_fixo(centavos) == logaritmo(centavos)
    assert logaritmo_fixo(0) == 0


def test_chaves_de_diario_separam_entidade_e_fluxo() -> None:
    entidade = np.repeat(np.arange(-500, 500, dtype=np.int64), len(Fluxo))
    fluxo = np.tile(np.arange(len(Fluxo), dtype=np.int64), 1_000)
    assert np.unique(chaves_de_diario(entidade, fluxo)).size == entidade.size
