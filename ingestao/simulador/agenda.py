"""O que tem data: salários (5º dia útil, adiantamento, 13º), repasse do salário e pagamentos mensais.

Hora e presença vêm de um acaso estável por conta e mês: o mesmo pagamento cai no mesmo instante em qualquer bloco.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ingestao.simulador import calendario, lote
from ingestao.simulador.calendario import acaso_estavel
from ingestao.simulador.economia import Economia
from ingestao.simulador.lote import Inteiros, Relacao, Tabela
from ingestao.simulador.parametros import HORA_US, MINUTO_US

_DIA_ADIANTAMENTO: Final = 20
_NOVEMBRO, _DEZEMBRO = 11, 12
_FIM_DO_MES: Final = 28
_AUTOMATICO: Final = 7
"""Posição de AUTO em `observacao.FORMAS`."""


def gerar(economia: Economia, de_us: int, ate_us: int) -> Tabela:
    """Os pagamentos com data em [de, ate); o repasse do salário pode sair do período (quem chama o guarda)."""
    partes = []
    for mes in calendario.meses(de_us, ate_us):
        partes += [*_salarios(economia, mes), _mensais(economia, mes)]
    todos = lote.juntar(partes)
    todos = todos[~economia.impossivel(todos["pagador"], todos["recebedor"], todos["instante"])]
    return todos[(todos["instante"] >= de_us) & (todos["instante"] < ate_us)]


def _salarios(economia: Economia, mes: int) -> list[Tabela]:
    p = economia.populacao
    quem = np.flatnonzero(p.empregador >= 0)
    sorte = acaso_estavel(economia.semente + 11, quem)
    mes_do_ano = mes % 12 + 1
    pagamentos = [(calendario.dia_util(mes, 5), 1.0 - 0.4 * (sorte < 0.25), sorte < 2)]  # noqa: PLR2004
    pagamentos.append((_dia(mes, _DIA_ADIANTAMENTO), np.full(len(quem), 0.4), sorte < 0.25))  # noqa: PLR2004
    if mes_do_ano == _NOVEMBRO:
        pagamentos.append((_dia(mes, 30), np.full(len(quem), 0.5), sorte < 0.8))  # noqa: PLR2004
    if mes_do_ano == _DEZEMBRO:
        pagamentos.append((_dia(mes, _DIA_ADIANTAMENTO), np.full(len(quem), 0.45), sorte < 0.8))  # noqa: PLR2004
    saida = []
    for ordem, (dia, fracao, quais) in enumerate(pagamentos):
        conta = quem[quais]
        turno = acaso_estavel(economia.semente + 12, p.empregador[conta], np.full(len(conta), mes * 8 + ordem))
        hora = 6.0 + 6.0 * turno + 0.3 * acaso_estavel(economia.semente + 13, conta)
        quando = calendario.instante(np.full(len(conta), dia), hora)
        valor = p.salario[conta] * fracao[quais]
        saida.append(lote.novo(quando, p.empregador[conta], conta, valor, Relacao.SALARIO))
        saida.append(_repasses(economia, conta, quando, valor, mes * 8 + ordem))
    return saida


def _repasses(economia: Economia, conta: Inteiros, quando: Inteiros, valor: Inteiros, ocasiao: int) -> Tabela:
    """Quem recebe o salário e logo leva quase tudo a outra conta: entrada e saída rápidas, e legítimas."""
    p = economia.populacao
    destino = np.where(p.propria[conta] >= 0, p.propria[conta], p.contatos[conta, 0])
    faz = np.where(p.propria[conta] >= 0, 0.45, 0.10) > acaso_estavel(economia.semente + 14, conta)
    conta, quando, valor, destino = conta[faz], quando[faz], valor[faz], destino[faz]
    acaso = acaso_estavel(economia.semente + 15, conta, np.full(len(conta), ocasiao))
    espera = (2 * MINUTO_US * np.exp(5.0 * acaso)).astype(np.int64)
    fracao = 0.72 + 0.28 * acaso_estavel(economia.semente + 16, conta)
    redondo = np.maximum(np.floor(valor * fracao / 5_000) * 5_000, 100)
    return lote.novo(quando + espera, conta, destino, redondo, Relacao.PROPRIA)


def _mensais(economia: Economia, mes: int) -> Tabela:
    p = economia.populacao
    conta, vaga = np.nonzero(p.recorrente >= 0)
    dia = _dia(mes, 1) + np.minimum(p.recorrente_dia[conta, vaga].astype(np.int64), _FIM_DO_MES) - 1
    acaso = acaso_estavel(economia.semente + 17, conta, vaga + 4 * mes)
    automatico = p.pj[p.recorrente[conta, vaga]] & (acaso_estavel(economia.semente + 18, conta, vaga) < 0.3)  # noqa: PLR2004
    hora = np.where(automatico, 3.0 + 3.0 * acaso, 8.0 + 13.0 * acaso)
    varia = 1.0 + 0.04 * (acaso_estavel(economia.semente + 19, conta, vaga + 4 * mes) - 0.5)
    fixo = acaso_estavel(economia.semente + 20, conta, vaga) < 0.5  # noqa: PLR2004
    valor = p.recorrente_valor[conta, vaga] * np.where(fixo, 1.0, varia)
    quando = calendario.instante(dia, hora) + (acaso * HORA_US).astype(np.int64) // 7
    feito = lote.novo(quando, conta, p.recorrente[conta, vaga], valor, Relacao.RECORRENTE)
    feito["forma"] = np.where(automatico, _AUTOMATICO, lote.COMUM)
    return feito


def _dia(mes: int, do_mes: int) -> int:
    return int(np.datetime64(mes, "M").astype("datetime64[D]").astype(np.int64)) + do_mes - 1
