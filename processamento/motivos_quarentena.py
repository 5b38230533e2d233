"""Por que um registro vai para a quarentena: a lista fechada, a recusa e a leitura dos erros do decodificador."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec


class MotivoQuarentena(StrEnum):
    """A lista fechada de motivos; o valor é rótulo de métrica e chave de contagem, e não muda de sentido."""

    NULO = "nulo"
    VAZIO = "vazio"
    TAMANHO_EXCEDIDO = "tamanho_excedido"
    CODIFICACAO_INVALIDA = "codificacao_invalida"
    PROFUNDIDADE_EXCEDIDA = "profundidade_excedida"
    JSON_TRUNCADO = "json_truncado"
    JSON_INVALIDO = "json_invalido"
    VERSAO_DESCONHECIDA = "versao_desconhecida"
    CAMPO_AUSENTE = "campo_ausente"
    TIPO_INVALIDO = "tipo_invalido"
    DOMINIO_INVALIDO = "dominio_invalido"
    FAIXA_INVALIDA = "faixa_invalida"
    ID_INVALIDO = "id_invalido"
    ID_DATA_IMPOSSIVEL = "id_data_impossivel"
    INSTANTE_INVALIDO = "instante_invalido"
    INSTANTE_FORA_DO_ID = "instante_fora_do_id"
    INSTANTE_DIVERGENTE = "instante_divergente"
    VALOR_INVALIDO = "valor_invalido"
    VALOR_NAO_POSITIVO = "valor_nao_positivo"
    ISPB_INVALIDO = "ispb_invalido"
    AGENCIA_INVALIDA = "agencia_invalida"
    CONTA_INVALIDA = "conta_invalida"
    DOCUMENTO_INVALIDO = "documento_invalido"
    DOCUMENTO_DIGITO = "documento_digito"
    DOCUMENTO_TIPO = "documento_tipo"
    CHAVE_INVALIDA = "chave_invalida"
    CHAVE_INCOERENTE = "chave_incoerente"
    TXID_INVALIDO = "txid_invalido"
    DISPOSITIVO_INVALIDO = "dispositivo_invalido"
    TIPOLOGIA_INVALIDA = "tipologia_invalida"


class Recusa(NamedTuple):
    """Um registro que não é um Pix válido. `campo` vazio = o registro inteiro.

    `detalhe` é só o que se esperava do campo; nunca traz o que foi recebido.
    """

    motivo: MotivoQuarentena
    campo: str
    detalhe: str


class Recusado(Exception):
    """Levantado por uma conferência do validador, que na borda o transforma em `Recusa`: é desfecho, não erro."""

    def __init__(self, motivo: MotivoQuarentena, campo: str, esperado: str) -> None:
        super().__init__(motivo)
        self.recusa = Recusa(motivo, campo, esperado)


_CAMINHO: Final = re.compile(r" - at `\$\.?([^`]*)`$")
_FALTA: Final = re.compile(r"missing required field `([a-z_0-9]+)`")
_ESPERADO: Final = re.compile(r"^Expected `([^`]+)`(?: ([<>]=) (-?\d+))?")
_TIPOS: Final = {"str": "texto", "int": "inteiro", "bool": "verdadeiro ou falso", "object": "objeto", "null": "nulo"}


def recusa_da_leitura(erro: Exception) -> Recusa:
    """Traduz um erro do decodificador; só o caminho (nosso) e o tipo esperado são aproveitados da mensagem."""
    if isinstance(erro, msgspec.ValidationError):
        return _recusa_do_tipo(str(erro))
    if isinstance(erro, RecursionError):
        return Recusa(MotivoQuarentena.PROFUNDIDADE_EXCEDIDA, "", "menos níveis de objetos e listas")
    if isinstance(erro, UnicodeDecodeError):
        return Recusa(MotivoQuarentena.CODIFICACAO_INVALIDA, "", "UTF-8")
    if "truncated" in str(erro):
        return Recusa(MotivoQuarentena.JSON_TRUNCADO, "", "JSON até o fim")
    return Recusa(MotivoQuarentena.JSON_INVALIDO, "", "JSON (RFC 8259)")


def _recusa_do_tipo(mensagem: str) -> Recusa:
    caminho = _CAMINHO.search(mensagem)
    campo = caminho.group(1) if caminho else ""
    falta = _FALTA.search(mensagem)
    if falta:
        nome = falta.group(1)
        return Recusa(MotivoQuarentena.CAMPO_AUSENTE, f"{campo}.{nome}" if campo else nome, "presente")
    if mensagem.startswith("Invalid enum value"):
        return Recusa(MotivoQuarentena.DOMINIO_INVALIDO, campo, "um dos valores do contrato")
    esperado = _ESPERADO.match(mensagem)
    tipos, sinal, limite = esperado.groups() if esperado else ("outro", None, None)
    if sinal:
        return Recusa(MotivoQuarentena.FAIXA_INVALIDA, campo, f"inteiro {sinal} {limite}")
    nomes = " ou ".join(_TIPOS.get(tipo, "outro tipo") for tipo in tipos.split(" | "))
    return Recusa(MotivoQuarentena.TIPO_INVALIDO, campo, f"{nomes}")
