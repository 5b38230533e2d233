"""O catálogo: nomes únicos, janelas cobertas pela retenção, versão que muda com a definição."""

from __future__ import annotations

import re

import pytest

from plataforma.erros import ErroConfiguracao
from processamento.catalogo import (
    DIA,
    FOLGA_DIAS,
    MES,
    PADRAO,
    POR_LISTA,
    SEGUNDO_US,
    Catalogo,
    Fluxo,
    Medida,
    Papel,
)

DA_CONTA = {Fluxo.SAIDA, Fluxo.ENTRADA, Fluxo.FRAUDE_SAIDA, Fluxo.FRAUDE_ENTRADA}
FRAUDES = {Fluxo.FRAUDE_SAIDA, Fluxo.FRAUDE_ENTRADA, Fluxo.FRAUDE_DISPOSITIVO}


def test_nomes_sao_unicos_e_sem_acento() -> None:
    nomes = [p.nome for p in PADRAO.primitivas]
    assert len(set(nomes)) == len(nomes)
    assert all(re.fullmatch(r"[a-z0-9_]+", nome) for nome in nomes)


def test_papeis_em_ordem_e_cada_um_so_com_os_seus_diarios() -> None:
    papeis = [p.papel for p in PADRAO.primitivas]
    assert papeis == sorted(papeis)
    assert PADRAO.primitivas == tuple(p for papel in Papel for p in PADRAO.do_papel(papel))
    for p in PADRAO.primitivas:
        assert (p.fluxo in DA_CONTA) == (p.papel is not Papel.DISPOSITIVO)


def test_o_que_cada_medida_exige() -> None:
    for p in PADRAO.primitivas:
        assert p.janela_s > 0
        if p.medida is Medida.FRAUDES_MADURAS:
            assert p.fluxo in FRAUDES
            assert p.atraso_s == PADRAO.maturacao_dias * DIA
        if p.medida in POR_LISTA:
            assert p.atraso_s == 0
        if p.fluxo in FRAUDES:  # o valor ali é um instante: não se soma
            assert p.medida in {Medida.CONTAGEM, Medida.DESDE_ULTIMO, Medida.FRAUDES_MADURAS}


def test_risco_tardio_tem_numerador_e_denominador_da_mesma_janela() -> None:
    maduras = {(p.papel, p.janela_s, p.atraso_s) for p in PADRAO.primitivas if p.medida is Medida.FRAUDES_MADURAS}
    recuadas = {(p.papel, p.janela_s, p.atraso_s) for p in PADRAO.primitivas
                if p.medida is Medida.CONTAGEM and p.atraso_s}
    assert maduras == recuadas


@pytest.mark.parametrize("catalogo", [PADRAO, Catalogo(maturacao_dias=1), Catalogo(10, 90)])
def test_a_retencao_cobre_toda_janela_com_folga(catalogo: Catalogo) -> None:
    mais_funda = max(p.janela_us + p.atraso_us for p in catalogo.primitivas)
    assert mais_funda + FOLGA_DIAS * DIA * SEGUNDO_US <= catalogo.horizonte_us
    assert {p.janela_s for p in catalogo.primitivas if p.nome.endswith("horizonte")} == {catalogo.alcance_s}


def test_versao_muda_com_qualquer_definicao() -> None:
    versoes = {Catalogo(m, h).versao for m, h in ((7, 0), (8, 0), (7, 41), (1, 60))}
    assert len(versoes) == 4
    assert Catalogo().versao == PADRAO.versao
    assert re.fullmatch("[0-9a-f]{12}", PADRAO.versao)


def test_horizonte_padrao() -> None:
    assert PADRAO.horizonte_us == (MES // DIA + 7 + FOLGA_DIAS) * DIA * SEGUNDO_US
    assert Catalogo(maturacao_dias=7, horizonte_dias=100).horizonte_dias == 100


@pytest.mark.parametrize(("maturacao", "horizonte", "campo"), [(0, 0, "maturacao_dias"), (7, 39, "horizonte_dias")])
def test_recusa_o_que_nao_serve(maturacao: int, horizonte: int, campo: str) -> None:
    with pytest.raises(ErroConfiguracao, match=rf"{campo} = \d+ não serve; esperado"):
        Catalogo(maturacao, horizonte)
