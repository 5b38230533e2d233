"""Quem paga e quem recebe: contas de pessoas e empresas em colunas, por coortes de abertura.

A coorte 0 existe no início; as seguintes abrem a cada 30 dias, cada uma com seu próprio gerador: pedir um horizonte
maior acrescenta contas sem mudar as que já existiam.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ingestao.simulador import identificadores, lote, vinculos
from ingestao.simulador.calendario import PERFIL_COMERCIAL, PESO_PERFIL
from ingestao.simulador.contas import APARELHOS, RECORRENCIAS, TIPOS_CONTA, Papel, Populacao
from ingestao.simulador.lote import Reais
from ingestao.simulador.parametros import DIA_US, Parametros

COORTE_DIAS: Final = 30
CRESCIMENTO: Final = 0.035
"""Contas novas por coorte, como fração das iniciais."""
_DIAS_ENTRE_TROCAS: Final = 420.0
_MAIORIDADE: Final = 16


_PARTICIPACAO: Final = np.array([0.795, 0.075, 0.085, 0.036, 0.005, 0.004])
_ATIVIDADE: Final = np.array([1.0, 1.3, 1.1, 1.6, 0.3, 1.5, 0.0])
_PROCURA: Final = np.array([1.0, 7.0, 30.0, 6.0, 60.0, 25.0, 0.0])
_ISPB_ALHEIOS: Final = np.array([f"99999{n:03d}" for n in (30, 31, 40, 41, 50, 60, 70, 80, 90, 99)], "S8")


def criar(parametros: Parametros, semente: int, ate_us: int) -> Populacao:
    """As contas abertas até `ate_us` (ao menos), iguais para a mesma semente qualquer que seja o horizonte."""
    populacao = _coorte(np.random.default_rng([semente, 1, 0]), parametros, None, 0)
    coortes = max(0, -(-(ate_us - parametros.inicio_us) // (COORTE_DIAS * DIA_US)))
    for numero in range(1, coortes + 1):
        rng = np.random.default_rng([semente, 1, numero])
        nova = _coorte(rng, parametros, populacao, numero)
        for coluna in fields(nova):  # coluna a coluna: nunca duas populações inteiras na memória
            juntas = np.concatenate([getattr(populacao, coluna.name), getattr(nova, coluna.name)])
            setattr(populacao, coluna.name, juntas)
    return populacao


def _coorte(rng: np.random.Generator, parametros: Parametros, antes: Populacao | None, numero: int) -> Populacao:
    base = 0 if antes is None else len(antes)
    n = parametros.contas if antes is None else max(1, round(parametros.contas * CRESCIMENTO))
    papel = _papeis(rng, n, parametros, fundadora=antes is None)
    colunas: dict[str, Any] = {"papel": papel}
    colunas |= _identidade(rng, papel, parametros, fundadora=antes is None)
    colunas |= _idades(rng, n, parametros, numero)
    colunas |= _habitos(rng, papel)
    colunas |= _sinais_proprios(rng, papel)
    todos = {
        nome: colunas[nome] if antes is None else np.concatenate([getattr(antes, nome), colunas[nome]])
        for nome in ("papel", "nossa", "procura", "uf", "pj")
    }
    colunas |= vinculos.vinculos(rng, todos, base, n)
    vinculos.reunir_contas(colunas, antes, base)
    return Populacao(**colunas, aparelho_de=vinculos.compartilhados(rng, base, n))


def _papeis(rng: np.random.Generator, n: int, parametros: Parametros, *, fundadora: bool) -> npt.NDArray[np.int8]:
    papel = rng.choice(len(_PARTICIPACAO), n, p=_PARTICIPACAO).astype(np.int8)
    if fundadora:
        instituicoes = len(parametros.nossos_ispb)
        papel[:instituicoes] = Papel.INSTITUICAO
        reserva = instituicoes + np.arange(20)
        papel[reserva] = np.repeat([Papel.INTERMEDIARIO, Papel.CONSUMO, Papel.EMPRESA, Papel.LOJA, Papel.PESSOA], 4)
    return papel


def _identidade(
    rng: np.random.Generator, papel: npt.NDArray[np.int8], parametros: Parametros, *, fundadora: bool
) -> dict[str, Any]:
    """Tokens, instituição, natureza e chave."""
    n = len(papel)
    nossos = np.array(parametros.nossos_ispb, "S8")
    nossa = lote.chance(rng, n, parametros.fracao_nossas)
    ispb = np.where(nossa, rng.choice(nossos, n), rng.choice(_ISPB_ALHEIOS, n))
    if fundadora:
        nossa[: len(nossos)] = True
        ispb[: len(nossos)] = nossos
        nossa[len(nossos) : len(nossos) + 20 : 2] = True
        ispb[len(nossos) : len(nossos) + 20 : 2] = nossos[0]
    pj = (papel >= Papel.LOJA) | ((papel == Papel.AUTONOMO) & lote.chance(rng, n, 0.35))
    tipo_conta = np.where(pj, rng.choice([0, 2], n, p=[0.7, 0.3]), rng.choice([0, 1, 2], n, p=[0.45, 0.13, 0.42]))
    tipo_conta[papel == Papel.INSTITUICAO] = TIPOS_CONTA.index("OTHR")
    tipo_chave = np.where(pj, rng.choice([1, 2, 3, 4], n, p=[0.42, 0.12, 0.13, 0.33]),
                          rng.choice([0, 2, 3, 4], n, p=[0.30, 0.34, 0.12, 0.24]))  # fmt: skip
    return {
        "conta": identificadores.tokens(rng, n), "documento": identificadores.tokens(rng, n),
        "chave": identificadores.tokens(rng, n),
        "aparelhos": identificadores.tokens(rng, n * APARELHOS).reshape(n, APARELHOS),
        "ispb": ispb, "nossa": nossa, "pj": pj,
        "tipo_conta": tipo_conta.astype(np.int8), "tipo_chave": tipo_chave.astype(np.int8),
    }  # fmt: skip


def _idades(rng: np.random.Generator, n: int, parametros: Parametros, numero: int) -> dict[str, Any]:
    """Aberturas, chaves e aparelhos no tempo; a coorte 0 tem de dias a muitos anos."""
    if numero == 0:
        dias = np.where(lote.chance(rng, n, 0.12), rng.random(n) * 90, 30 + rng.exponential(1_100, n))
        abertura = parametros.inicio_us - (dias * DIA_US).astype(np.int64)
    else:
        dias = ((numero - 1) + rng.random(n)) * COORTE_DIAS
        abertura = parametros.inicio_us + (dias * DIA_US).astype(np.int64)
    idade_us = np.maximum(parametros.inicio_us - abertura, 0)
    espera = np.where(lote.chance(rng, n, 0.55), rng.random(n) * 2 * DIA_US, rng.random(n) * idade_us)
    aparelho_desde = np.maximum(abertura, parametros.inicio_us - (rng.exponential(300, n) * DIA_US).astype(np.int64))
    saltos = np.cumsum(rng.exponential(_DIAS_ENTRE_TROCAS, (n, APARELHOS - 1)), axis=1)
    desde = np.maximum(abertura, parametros.inicio_us)
    return {
        "abertura": abertura,
        "chave_desde": abertura + espera.astype(np.int64),
        "aparelho_desde": aparelho_desde,
        "trocas": desde[:, None] + (saltos * DIA_US).astype(np.int64),
    }


def _habitos(rng: np.random.Generator, papel: npt.NDArray[np.int8]) -> dict[str, Any]:
    n = len(papel)
    perfil = rng.choice(len(PESO_PERFIL), n, p=PESO_PERFIL)
    perfil[(papel >= Papel.EMPRESA) & lote.chance(rng, n, 0.85)] = PERFIL_COMERCIAL
    return {
        "perfil": perfil.astype(np.int8),
        "idade": np.maximum(_MAIORIDADE, rng.normal(39, 15, n)).astype(np.int16),
        "uf": rng.choice(27, n, p=_pesos_uf()).astype(np.int8),
        "atividade": _ATIVIDADE[papel] * np.exp(0.8 * rng.standard_normal(n)),
        "procura": _PROCURA[papel] * np.exp(1.35 * rng.standard_normal(n)),
        "gasto": 0.55 * rng.standard_normal(n),
        "bilhete": 0.75 * rng.standard_normal(n),
        "salario": np.rint(np.exp(np.log(2_300) + 0.55 * rng.standard_normal(n)) * 100).astype(np.int64),
        "recorrente_dia": rng.choice([1, 5, 7, 8, 10, 10, 10, 12, 15, 20, 25, 28], (n, RECORRENCIAS)).astype(np.int8),
        "recorrente_valor": np.rint(np.exp(np.log(160) + 0.9 * rng.standard_normal((n, RECORRENCIAS))) * 100)
        .astype(np.int64),
    }  # fmt: skip


def _sinais_proprios(rng: np.random.Generator, papel: npt.NDArray[np.int8]) -> dict[str, Any]:
    """O que a conta mostra sempre, fraude ou não: canal, acessibilidade, colar chaves, passado no DICT."""
    n = len(papel)
    empresa = papel >= Papel.LOJA
    canal = np.where(empresa, rng.choice(4, n, p=[0.42, 0.36, 0.17, 0.05]),
                     rng.choice(5, n, p=[0.87, 0.06, 0.0, 0.05, 0.02]))  # fmt: skip
    return {
        "canal": canal.astype(np.int8),
        "remoto_habitual": lote.chance(rng, n, 0.014),
        "fala_ao_pagar": rng.beta(1.2, 16, n),
        "cola": rng.beta(1.5, 4, n),
        "limite_noturno_maior": lote.chance(rng, n, 0.22),
        "marcas": rng.poisson(np.where(lote.chance(rng, n, 0.03), 1.6, 0.0)).astype(np.int16),
        "rejeitados": rng.poisson(np.where(empresa, 0.5, 0.05)).astype(np.int16),
        "contas_na_chave": (1 + rng.poisson(0.12, n)).astype(np.int16),
        "liquidacoes_dia": np.exp(0.7 * rng.standard_normal(n)) * (0.4 + _PROCURA[papel] * 0.35),
    }


def _pesos_uf() -> Reais:
    pesos = 1.0 / np.arange(1, 28)
    return np.asarray(pesos / pesos.sum())
