"""Cada golpe tem sua assinatura no tempo, vista nos pagamentos e não em uma coluna."""

from __future__ import annotations

import numpy as np
import pytest

from ingestao.simulador import laranjas, lote, populacao
from ingestao.simulador.calendario import hora_local
from ingestao.simulador.economia import Economia
from ingestao.simulador.lote import Tabela
from ingestao.simulador.parametros import HORA_US, MINUTO_US, NOMES_TIPOLOGIA, TIPOLOGIAS, Parametros
from ingestao.simulador.tipologias.comum import Cenario
from ingestao.simulador.tipologias.mistura import _POR_GOLPE, GERADORES

PARAMETROS = Parametros(contas=2_000)
QUANTOS = 150


@pytest.fixture(scope="module")
def economia() -> Economia:
    return Economia(PARAMETROS, 3, populacao.criar(PARAMETROS, 3, PARAMETROS.fim_us))


def golpes(economia: Economia, nome: str, n: int = QUANTOS) -> Tabela:
    pool = laranjas.criar(PARAMETROS, 3, economia.populacao, PARAMETROS.fim_us)
    cenario = Cenario(np.random.default_rng(8), economia, pool, PARAMETROS.inicio_us, PARAMETROS.fim_us)
    feitos = GERADORES[nome](cenario, n)
    ruim = economia.impossivel(feitos["pagador"], feitos["recebedor"], feitos["instante"])
    return lote.ordenar(feitos[~ruim])


def por_campanha(feitos: Tabela) -> list[Tabela]:
    return [feitos[feitos["campanha"] == c] for c in np.unique(feitos["campanha"])]


@pytest.mark.parametrize("nome", TIPOLOGIAS)
def test_cada_tipologia_rende_o_esperado_e_se_diz_fraude(economia: Economia, nome: str) -> None:
    feitos = golpes(economia, nome)
    fraudes = feitos[feitos["fraude"]]
    assert set(feitos["tipologia"]) == {NOMES_TIPOLOGIA.index(nome)}
    assert len(fraudes) / QUANTOS == pytest.approx(_POR_GOLPE[nome], rel=0.3)
    assert (fraudes["campanha"] >= 0).all()
    assert (feitos["valor"] > 0).all()


@pytest.mark.parametrize("nome", [n for n in TIPOLOGIAS if n != "CONTA_LARANJA"])
def test_os_valores_dos_golpes_se_misturam_aos_comuns(economia: Economia, nome: str) -> None:
    valor = golpes(economia, nome)["valor"]
    assert np.quantile(valor, 0.2) < 60_000
    assert len(np.unique(valor)) > 20


def test_a_laranja_junta_pagadores_e_repassa_logo_ao_menos_80_por_cento(economia: Economia) -> None:
    repassadas = []
    for campanha in por_campanha(golpes(economia, "CONTA_LARANJA")):
        conta = np.bincount(campanha["recebedor"]).argmax()
        entradas, saidas = campanha[campanha["recebedor"] == conta], campanha[campanha["pagador"] == conta]
        if len(entradas) > 2:
            assert len(np.unique(entradas["pagador"])) > 1
        if len(saidas):
            repassadas.append(saidas["valor"].sum() / entradas["valor"].sum())
            espera = saidas["instante"].min() - entradas["instante"].min()
            assert 0 < espera < 2 * HORA_US + 60 * HORA_US
    assert np.median(repassadas) >= 0.8
    assert (np.array(repassadas) <= 1.0).all()


@pytest.mark.parametrize(("nome", "mediana_maxima"), [("TOMADA_CONTA", 12), ("TROCA_CHIP", 12), ("COACAO", 25)])
def test_a_rajada_dura_minutos(economia: Economia, nome: str, mediana_maxima: float) -> None:
    passos = [np.diff(c["instante"]) for c in por_campanha(golpes(economia, nome)) if len(c) > 1]
    minutos = np.concatenate(passos) / MINUTO_US
    assert 1 < np.median(minutos) < mediana_maxima


def test_a_coacao_e_mais_noturna_e_no_aparelho_da_vitima(economia: Economia) -> None:
    feitos = golpes(economia, "COACAO")
    hora = hora_local(feitos["instante"])
    assert ((hora >= 20) | (hora < 4)).mean() > 0.4
    assert (feitos["aparelho"] == lote.COMUM).all()


def test_a_falsa_central_usa_o_aparelho_de_sempre_e_so_as_vezes_a_chamada(economia: Economia) -> None:
    feitos = golpes(economia, "FALSA_CENTRAL")
    assert (feitos["aparelho"] == lote.COMUM).all()
    assert 0.15 < (feitos["chamada"] == 1).mean() < 0.6


def test_o_falso_parente_pede_cada_vez_mais(economia: Economia) -> None:
    series = [c for c in por_campanha(golpes(economia, "FALSO_PARENTE")) if len(c) > 1]
    assert np.mean([c["valor"][-1] > c["valor"][0] for c in series]) > 0.7
    assert all(len(np.unique(c["recebedor"])) == 1 for c in series)


def test_o_pix_errado_volta_no_mesmo_valor_a_outra_conta(economia: Economia) -> None:
    completas = [c for c in por_campanha(golpes(economia, "PIX_ERRADO")) if len(c) == 2]
    assert len(completas) > QUANTOS / 2
    for isca, volta in completas:
        assert isca["recebedor"] == volta["pagador"]
        assert isca["pagador"] != volta["recebedor"]
        assert isca["valor"] == volta["valor"]
        assert not isca["fraude"]
        assert volta["fraude"]


def test_o_teste_de_conta_vem_ate_meia_hora_antes_do_que_importa(economia: Economia) -> None:
    for campanha in por_campanha(golpes(economia, "TESTE_CONTA")):
        if len(campanha) == 2:
            espera = campanha["instante"][1] - campanha["instante"][0]
            assert 0 < espera <= 30 * MINUTO_US
            assert campanha["valor"][0] <= 500
            assert campanha["recebedor"][0] == campanha["recebedor"][1]


def test_o_fracionamento_repete_valores_em_intervalo_regular(economia: Economia) -> None:
    for campanha in por_campanha(golpes(economia, "FRACIONAMENTO")):
        if len(campanha) < 3:
            continue
        assert len(np.unique(campanha["recebedor"])) <= 2
        passos = np.diff(campanha["instante"])
        assert passos.std() < passos.mean()
        assert campanha["valor"].max() < 2 * campanha["valor"].min() + 20_000


def test_o_qr_adulterado_junta_fregueses_em_valores_de_compra(economia: Economia) -> None:
    campanhas = por_campanha(golpes(economia, "QR_ADULTERADO"))
    assert np.median([len(np.unique(c["pagador"])) for c in campanhas]) >= 4
    assert all(len(np.unique(c["recebedor"])) == 1 for c in campanhas)
    duracao = [c["instante"].max() - c["instante"].min() for c in campanhas if len(c) > 2]
    assert np.median(duracao) > 6 * HORA_US
    assert max(duracao) <= 72 * HORA_US


def test_troca_de_chip_mostra_chip_ou_aparelho_mas_nem_sempre(economia: Economia) -> None:
    feitos = golpes(economia, "TROCA_CHIP")
    com_sinal = (feitos["chip"] == 1) | (feitos["aparelho"] >= 0)
    assert 0.5 < com_sinal.mean() < 0.95


def test_as_laranjas_sao_gente_comum_e_algumas_trabalham_muito(economia: Economia) -> None:
    p = economia.populacao
    pool = laranjas.criar(PARAMETROS, 3, p, PARAMETROS.fim_us)
    idade = (pool.inicio - p.abertura[pool.conta]) / (24 * HORA_US)
    assert (idade > 180).mean() > 0.3
    assert (idade < 90).mean() > 0.2
    assert p.pj[pool.conta].any()
    recebedores = golpes(economia, "FALSO_PARENTE", 600)["recebedor"]
    vezes = np.bincount(recebedores)
    assert vezes.max() >= 4
    assert (vezes == 1).sum() > 30
