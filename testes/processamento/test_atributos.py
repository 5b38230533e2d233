"""Os atributos, fórmula por fórmula onde há regra: zeros, nulos, unidades, códigos."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from processamento import esquema
from processamento.atributos import ATRIBUTOS, NOMES, derivar, razao
from processamento.catalogo import NULO, PADRAO, SEGUNDO_US, Papel
from processamento.contexto import CONTEXTO, contexto
from processamento.documentar import lidas_por
from processamento.estado.lote import calcular
from testes.processamento.fabrica_historia import COMECO_US, historia, logaritmo

PRIMITIVAS = [p.nome for p in PADRAO.primitivas]
VAZIO: dict[str, Any] = dict.fromkeys(CONTEXTO)


def medir(nome: str, valor: int = 10_000, informado: dict[str, Any] | None = None, **primitivas: int) -> float:
    """Um atributo de um Pix de `valor` centavos; primitivas não ditas valem 0."""
    linha = np.zeros((1, len(PRIMITIVAS)), np.int64)
    for qual, quanto in primitivas.items():
        linha[0, PRIMITIVAS.index(qual)] = quanto
    colunas = {coluna: pa.array([valor_]) for coluna, valor_ in {**VAZIO, **(informado or {})}.items()}
    todos = derivar(PADRAO, linha, np.array([COMECO_US]), np.array([valor], np.int64), contexto(colunas))
    return float(todos[0, NOMES.index(nome)])


def test_nomes_unicos_e_descricoes_completas() -> None:
    assert len(set(NOMES)) == len(NOMES)
    for atributo in ATRIBUTOS:
        assert re.fullmatch("[a-z0-9_]+", atributo.nome)
        assert atributo.descricao
        assert atributo.unidade
        assert atributo.nulo


def test_contexto_sao_colunas_da_prata() -> None:
    assert set(CONTEXTO) <= set(esquema.PRATA.names)


def test_razao_de_zero_e_de_nulo_e_nula() -> None:
    um, zero, nulo = (np.array([x]) for x in (1.0, 0.0, np.nan))
    assert razao(um, np.array([4.0])).tolist() == [0.25]
    assert razao(zero, um).tolist() == [0.0]
    for numerador, denominador in ((um, zero), (zero, zero), (nulo, um), (um, nulo)):
        assert np.isnan(razao(numerador, denominador)).all()


def test_nulo_da_primitiva_vira_nan_e_zero_fica_zero() -> None:
    assert math.isnan(medir("disp_qtd_1h", disp_uso_qtd_1h=NULO))
    assert medir("disp_qtd_1h") == 0.0
    assert medir("pag_saida_qtd_1h", pag_saida_qtd_1h=7) == 7.0


def test_duracoes_em_segundos() -> None:
    assert medir("pag_saida_desde_ultimo", pag_saida_desde_ultimo_horizonte=90 * SEGUNDO_US) == 90.0
    assert medir("par_desde_primeiro", pag_saida_par_desde_primeiro_30d=SEGUNDO_US // 2) == 0.5
    assert math.isnan(medir("rec_saida_desde_ultimo", rec_saida_desde_ultimo_horizonte=NULO))


@pytest.mark.parametrize(("lado", "fluxo"), [("pag", "saida"), ("rec", "entrada")])
def test_valor_contra_o_costume(lado: str, fluxo: str) -> None:
    p = f"{lado}_{fluxo}"
    assert medir(f"{p}_media_30d", **{f"{p}_valor_30d": 900, f"{p}_qtd_30d": 3}) == 300.0
    assert medir(f"{p}_valor_sobre_media", 600, **{f"{p}_valor_30d": 900, f"{p}_qtd_30d": 3}) == 2.0
    assert medir(f"{p}_valor_sobre_maximo", 600, **{f"{p}_maximo_30d": 400}) == 1.5
    for nome in ("media_30d", "valor_sobre_media"):
        assert math.isnan(medir(f"{p}_{nome}"))
    assert math.isnan(medir(f"{p}_valor_sobre_maximo", **{f"{p}_maximo_30d": NULO}))


def _afastamento(valor: int, historico: list[int]) -> float:
    logs = [logaritmo(x) for x in historico]
    return medir("pag_saida_afastamento_log", valor, pag_saida_qtd_30d=len(logs), pag_saida_log_30d=sum(logs),
                 pag_saida_log2_30d=sum(x * x for x in logs))


def test_afastamento_em_desvios_do_logaritmo() -> None:
    historico = [10_000, 20_000, 40_000]
    logs = [logaritmo(x) for x in historico]
    media = sum(logs) / 3
    desvio = math.sqrt(sum((x - media) ** 2 for x in logs) / 3)
    assert _afastamento(1_000_000, historico) == pytest.approx((logaritmo(1_000_000) - media) / desvio)
    assert _afastamento(1, historico) < 0
    assert math.isnan(_afastamento(1_000, historico[:2]))  # menos de três
    assert math.isnan(_afastamento(1_000, [5_000] * 10))  # sem variação


def test_surtos_e_novidade() -> None:
    assert medir("pag_saida_surto_24h", pag_saida_qtd_24h=6, pag_saida_qtd_30d=60) == pytest.approx(3.0)
    assert medir("pag_saida_surto_1h", pag_saida_qtd_1h=3, pag_saida_qtd_24h=6) == 0.5
    assert medir("rec_entrada_novidade_24h", rec_entrada_distintos_24h=5, rec_entrada_qtd_24h=5) == 1.0
    for nome in ("pag_saida_surto_24h", "pag_saida_surto_1h", "rec_entrada_novidade_24h"):
        assert math.isnan(medir(nome))


@pytest.mark.parametrize("w", ["24h", "7d", "30d"])
def test_risco_so_entre_os_maduros(w: str) -> None:
    p = {f"rec_fraude_entrada_maduras_{w}": 2, f"rec_entrada_qtd_maduro_{w}": 8}
    assert medir(f"rec_fraude_entrada_risco_{w}", **p) == 0.25
    assert medir(f"rec_fraude_entrada_risco_{w}", **{f"rec_entrada_qtd_maduro_{w}": 8}) == 0.0
    assert math.isnan(medir(f"rec_fraude_entrada_risco_{w}", **{f"rec_entrada_qtd_{w}": 8}))


@pytest.mark.parametrize("w", ["1h", "24h", "7d"])
def test_repasse_do_pagador_inclui_este_pix_e_o_do_recebedor_nao(w: str) -> None:
    assert medir(f"pag_repasse_{w}", 300, **{f"pag_saida_valor_{w}": 600, f"pag_entrada_valor_{w}": 1_000}) == 0.9
    assert medir(f"rec_repasse_{w}", 300, **{f"rec_saida_valor_{w}": 600, f"rec_entrada_valor_{w}": 1_000}) == 0.6
    assert math.isnan(medir(f"pag_repasse_{w}", 300))


def test_par() -> None:
    par = {"pag_saida_par_qtd_30d": 2, "pag_saida_par_valor_30d": 400, "pag_saida_qtd_30d": 8}
    assert medir("par_fracao_30d", **par) == 0.25
    assert medir("par_valor_sobre_media", 500, **par) == 2.5
    assert medir("par_reverso_qtd_30d", pag_entrada_par_qtd_30d=3) == 3.0
    assert math.isnan(medir("par_valor_sobre_media", 500))


def test_aparelho() -> None:
    assert medir("disp_fracao_da_conta", disp_uso_par_qtd_30d=3, pag_saida_qtd_30d=12) == 0.25
    assert medir("disp_risco_30d", disp_fraude_uso_maduras_30d=1, disp_uso_qtd_maduro_30d=4) == 0.25
    assert math.isnan(medir("disp_fracao_da_conta", disp_uso_par_qtd_30d=NULO, pag_saida_qtd_30d=12))


def test_sem_aparelho_todo_atributo_de_aparelho_e_nulo() -> None:
    nulas = {p.nome: NULO for p in PADRAO.do_papel(Papel.DISPOSITIVO)}
    do_aparelho = [a.nome for a in ATRIBUTOS if set(lidas_por(a)) & set(nulas)]
    assert len(do_aparelho) >= 12
    assert all(math.isnan(medir(nome, pag_saida_qtd_30d=5, **nulas)) for nome in do_aparelho)


def test_valor() -> None:
    assert medir("valor_log", 10_000) == pytest.approx(math.log(101))
    assert [medir("valor_redondo", v) for v in (1_000, 50_000, 1_001, 990)] == [1, 1, 0, 0]


def test_textos_viram_codigos_e_desconhecidos_ou_ausentes_sao_nulos() -> None:
    assert medir("pagador_tipo_pessoa", informado={"pagador_tipo_pessoa": "PJ"}) == 1.0
    assert medir("forma_de_iniciacao", informado={"forma_de_iniciacao": "MANU"}) == 0.0
    assert medir("tipo_chave", informado={"tipo_chave": "EVP"}) == 4.0
    assert math.isnan(medir("tipo_chave", informado={"tipo_chave": "OUTRA"}))
    assert math.isnan(medir("tipo_chave"))


def test_logicos_e_numeros_informados() -> None:
    assert medir("disp_acesso_remoto", informado={"disp_acesso_remoto": True}) == 1.0
    assert medir("disp_acesso_remoto", informado={"disp_acesso_remoto": False}) == 0.0
    assert medir("dict_idade_chave_dias", informado={"dict_idade_chave_dias": 12}) == 12.0
    assert math.isnan(medir("sessao_duracao_segundos"))


def test_contexto_de_nenhum_evento() -> None:
    assert contexto({nome: pa.array([]) for nome in CONTEXTO}).shape == (0, len(CONTEXTO))


@pytest.mark.parametrize("tudo", [NULO, 0, 1, 2**53])
def test_derivar_nao_estoura_em_extremo_algum(tudo: int) -> None:
    primitivas = np.full((3, len(PRIMITIVAS)), tudo, np.int64)
    vazio = contexto({nome: pa.nulls(3) for nome in CONTEXTO})
    with np.errstate(all="raise"):
        x = derivar(PADRAO, primitivas, np.full(3, COMECO_US), np.array([1, 100, 10**12]), vazio)
    assert x.shape == (3, len(NOMES))
    assert not np.isinf(x).any()


def test_nunca_nulo_e_verdade_e_nulo_de_fato_acontece() -> None:
    eventos, fraudes = historia(41, 1_500, contas=40, dias=60, fraudes=0.1)
    primitivas = calcular(PADRAO, eventos, fraudes)
    vazio = contexto({nome: pa.nulls(eventos.id_evento.size) for nome in CONTEXTO})
    x = derivar(PADRAO, primitivas, eventos.instante_us, eventos.valor_centavos, vazio)
    nulos = np.isnan(x).any(axis=0)
    for j, atributo in enumerate(ATRIBUTOS):
        assert nulos[j] == (atributo.nulo != "nunca nulo"), atributo.nome
