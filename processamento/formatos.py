r"""As formas dos textos de um Pix: identificadores, datas, valores, documentos e chaves (puro, sem relógio).

Sempre `fullmatch`: em Python o `$` aceita um `\n` no fim. Fonte: catálogo SPI 5.13.1 (pacs.008 spi.1.16),
API Pix 2.9.0, DICT 2.12.1, IN RFB 2.229/2024 (CNPJ alfanumérico).
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import Final

from ingestao import esquema as contrato

ID_FIM_A_FIM: Final = re.compile(contrato.PADRAO_ID_FIM_A_FIM)
INSTANTE: Final = re.compile(contrato.PADRAO_INSTANTE)
VALOR: Final = re.compile(contrato.PADRAO_VALOR)
ISPB: Final = re.compile(contrato.PADRAO_ISPB)
AGENCIA: Final = re.compile(contrato.PADRAO_AGENCIA)
CONTA: Final = re.compile(contrato.PADRAO_CONTA)
TXID: Final = re.compile(contrato.PADRAO_TXID)
VERSAO: Final = re.compile(contrato.PADRAO_VERSAO)
DISPOSITIVO: Final = re.compile(contrato.PADRAO_DISPOSITIVO)
NOME: Final = re.compile(contrato.PADRAO_NOME)
_DOCUMENTO: Final = re.compile(contrato.PADRAO_DOCUMENTO)
_TEXTOS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_MARCAS: Final = re.compile(rb"[^{}\[\]]+")
_CPF: Final = re.compile(r"[0-9]{11}")
_CNPJ: Final = re.compile(r"[0-9A-Z]{12}[0-9]{2}")
_PHONE: Final = re.compile(r"\+[1-9][0-9]{1,14}")
_EMAIL: Final = re.compile(
    r"[a-z0-9.!#$'*+/=?^_`{|}~-]+@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)
_EVP: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

MICROS_MILISSEGUNDO: Final = 1_000
MICROS_SEGUNDO: Final = 1_000 * MICROS_MILISSEGUNDO
MICROS_MINUTO: Final = 60 * MICROS_SEGUNDO
MICROS_DIA: Final = 86_400 * MICROS_SEGUNDO
HORAS_DIA: Final = 24
MINUTOS_HORA: Final = 60
ANO_MINIMO: Final = 2000
ANO_MAXIMO: Final = 2099
"""Fora destes anos a data não é de um pagamento; sem o limite, um id forjado abriria qualquer partição da prata."""

TAMANHO_CPF: Final = 11
_EPOCA: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MINUTOS_NA_MEMORIA: Final = 1 << 14
_MODULO_DV: Final = 11
_PESOS_CPF: Final = (tuple(range(10, 1, -1)), tuple(range(11, 1, -1)))
_PESOS_CNPJ: Final = ((5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2), (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2))


def dia_us(ano: str, mes: str, dia: str) -> int | None:
    """A meia-noite UTC de um dia em µs desde 1970; nulo quando o dia não existe (mês 13, 30 de fevereiro)."""
    if not ANO_MINIMO <= int(ano) <= ANO_MAXIMO:
        return None
    try:
        instante = dt.datetime(int(ano), int(mes), int(dia), tzinfo=dt.UTC)
    except ValueError:
        return None
    return (instante - _EPOCA) // dt.timedelta(microseconds=1)


def minuto_do_id_us(id_fim_a_fim: str) -> int | None:
    """O carimbo (UTC) de um `id_fim_a_fim` já casado com `ID_FIM_A_FIM`, em µs; nulo = data ou hora impossível."""
    return minuto_us(id_fim_a_fim[9:21])


def instante_us(texto: str) -> int | None:
    """Instante RFC 3339 UTC com três casas, em µs desde 1970; nulo quando não serve."""
    if not INSTANTE.fullmatch(texto):
        return None
    minuto = minuto_us(f"{texto[0:4]}{texto[5:7]}{texto[8:10]}{texto[11:13]}{texto[14:16]}")
    milissegundos = int(texto[17:19] + texto[20:23])
    return None if minuto is None else minuto + milissegundos * MICROS_MILISSEGUNDO


@lru_cache(maxsize=_MINUTOS_NA_MEMORIA)
def minuto_us(texto: str) -> int | None:
    """`yyyyMMddHHmm` em µs desde 1970; nulo = data ou hora impossível. Pix vizinhos são do mesmo minuto."""
    dia, hora, minuto = dia_us(texto[0:4], texto[4:6], texto[6:8]), int(texto[8:10]), int(texto[10:12])
    if dia is None or hora >= HORAS_DIA or minuto >= MINUTOS_HORA:
        return None
    return dia + (hora * MINUTOS_HORA + minuto) * MICROS_MINUTO


def centavos(texto: str) -> int | None:
    """R$ em texto com exatamente duas casas → centavos; nulo quando a forma não serve. Zero passa aqui."""
    if not VALOR.fullmatch(texto):
        return None
    return int(texto[:-3]) * 100 + int(texto[-2:])


def eh_cpf(texto: str) -> bool:
    """Onze dígitos com os dois verificadores certos; os onze iguais não valem."""
    return bool(_CPF.fullmatch(texto)) and len(set(texto)) > 1 and _digitos(texto[:9], _PESOS_CPF) == texto[9:]


def eh_cnpj(texto: str) -> bool:
    """Catorze caracteres, numérico ou alfanumérico, com verificadores certos (valor do caractere = ASCII − 48).

    Fonte: IN RFB 2.229/2024. Todos os caracteres iguais não valem.
    """
    return bool(_CNPJ.fullmatch(texto)) and len(set(texto)) > 1 and _digitos(texto[:12], _PESOS_CNPJ) == texto[12:]


def tem_forma_de_documento(texto: str) -> bool:
    """Tem a forma de CPF ou CNPJ, sem olhar os verificadores."""
    return _DOCUMENTO.fullmatch(texto) is not None


def eh_chave_pix(tipo: str, texto: str) -> bool:
    """A chave clara tem a forma do seu tipo (e os verificadores, quando é documento). Fonte: DICT 2.12.1."""
    if len(texto) > contrato.TAMANHO_MAXIMO_CHAVE:
        return False
    if tipo == "CPF":
        return eh_cpf(texto)
    if tipo == "CNPJ":
        return eh_cnpj(texto.upper()) and texto.isascii()
    return {"PHONE": _PHONE, "EMAIL": _EMAIL, "EVP": _EVP}[tipo].fullmatch(texto) is not None


def _digitos(base: str, pesos: tuple[tuple[int, ...], ...]) -> str:
    """Os dois verificadores módulo 11 de `base`; resto 0 ou 1 dá dígito 0."""
    inicio = len(base)
    for serie in pesos:
        resto = sum((ord(c) - 48) * p for c, p in zip(base, serie, strict=True)) % _MODULO_DV
        base += str(_MODULO_DV - resto) if resto > 1 else "0"
    return base[inicio:]


def niveis(texto: bytes) -> int:
    """Quantos objetos e listas há um dentro do outro, no ponto mais fundo; o que está entre aspas não conta."""
    fundo = nivel = 0
    for marca in _MARCAS.sub(b"", _TEXTOS.sub(b"", texto)):
        nivel += 1 if marca in b"{[" else -1
        fundo = max(fundo, nivel)
    return fundo
