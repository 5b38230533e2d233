"""Medidas em texto brasileiro: dinheiro, tempo, porcentagem, vezes e contagens."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

Formato = Callable[[float], str]
CENTAVOS_POR_REAL: Final = 100.0
FOLGA: Final = 1e-6
"""Para que 2,05 h, em ponto flutuante, sejam 2h03 e não 2h02."""
_BRASILEIRO: Final = str.maketrans(",.", ".,")
_UNIDADES_DE_TEMPO: Final = ((86_400.0, "dia", "dias"), (3_600.0, "hora", "horas"), (60.0, "minuto", "minutos"))


def numero(valor: float, casas: int = 0) -> str:
    """Com ponto de milhar e vírgula decimal: 1.234,5."""
    return f"{valor:,.{casas}f}".translate(_BRASILEIRO)


def reais(centavos: float) -> str:
    """De centavos a `R$ 1.234,56`."""
    return f"R$ {numero(centavos / CENTAVOS_POR_REAL, 2)}"


def duracao(segundos: float) -> str:
    """Na maior unidade que cabe: `45 segundos`, `12 minutos`, `3,5 horas`, `12 dias`."""
    for tamanho, um, varios in _UNIDADES_DE_TEMPO:
        if segundos >= tamanho:
            casas = 1 if segundos < 10 * tamanho and um != "minuto" else 0
            texto = numero(segundos / tamanho, casas).removesuffix(",0")
            return f"{texto} {um if texto == '1' else varios}"
    inteiros = math.floor(segundos)
    return "menos de 1 segundo" if inteiros < 1 else f"{inteiros} segundo{'s' if inteiros > 1 else ''}"


def dias(valor: float) -> str:
    """Dias inteiros: `menos de 1 dia`, `1 dia`, `12 dias`."""
    inteiros = math.floor(valor)
    return "menos de 1 dia" if inteiros < 1 else f"{numero(inteiros)} dia{'s' if inteiros > 1 else ''}"


def porcento(razao: float) -> str:
    """De razão a porcentagem: `80 %`, `0,4 %`."""
    minimo_sem_casas = 0.1
    return f"{numero(100 * razao, 0 if razao == 0 or razao >= minimo_sem_casas else 1)} %"


def vezes(razao: float) -> str:
    """Quantas vezes: `12 vezes`, `1,5 vez`."""
    dez, duas = 10, 2
    return f"{numero(razao, 0 if razao >= dez else 1)} {'vezes' if razao >= duas else 'vez'}"


def contagem(um: str, varios: str, genero: str = "m") -> Formato:
    """Inteiro com seu substantivo: `nenhum Pix`, `1 Pix`, `12 contas`."""
    nenhum = "nenhum" if genero == "m" else "nenhuma"

    def formato(valor: float) -> str:
        return f"{nenhum} {um}" if valor == 0 else f"{numero(valor)} {um if valor == 1 else varios}"

    return formato


def desvios(valor: float) -> str:
    """Desvios-padrão, para cima ou para baixo."""
    return f"{numero(abs(valor), 1)} desvios-padrão {'acima' if valor >= 0 else 'abaixo'}"


def relogio(hora: float) -> str:
    """Hora do dia: `2h05`."""
    minutos = math.floor(hora * 60 + FOLGA)
    return f"{minutos // 60}h{minutos % 60:02d}"


def escolha(*textos: str) -> Formato:
    """O texto de um código; fora da faixa, "outro"."""
    return lambda valor: textos[int(valor)] if 0 <= valor < len(textos) else "outro"
