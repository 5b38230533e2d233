"""Dos bytes aos tipos do contrato: o que se confere antes e durante a leitura do JSON (puro)."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from ingestao.esquema import LIMITE_REGISTRO_BYTES, VERSAO_ESQUEMA, Evento, Rotulo
from processamento import formatos
from processamento.motivos_quarentena import MotivoQuarentena, Recusa, Recusado, recusa_da_leitura

M = MotivoQuarentena
_T = TypeVar("_T", Evento, Rotulo)
NIVEIS_MAXIMOS: Final = 32
"""Objetos e listas um dentro do outro. Contado por nós: o limite do decodificador depende da pilha de quem chama."""


class _SoVersao(msgspec.Struct):
    versao_esquema: str = VERSAO_ESQUEMA


_LEITOR_VERSAO: Final = msgspec.json.Decoder(_SoVersao)


def ler(valor: bytes | None, leitor: msgspec.json.Decoder[_T]) -> _T:
    """O registro nos tipos do contrato, de uma versão que conhecemos.

    Levanta:
        Recusado: com o motivo, o campo e o que se esperava.
    """
    conteudo = _conferir_bytes(valor)
    try:
        lido = leitor.decode(conteudo)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as erro:
        recusado = Recusado(M.JSON_INVALIDO, "", "")
        recusado.recusa = _recusa_da_versao(conteudo) or recusa_da_leitura(erro)
        raise recusado from None
    if lido.versao_esquema != VERSAO_ESQUEMA and not formatos.VERSAO.fullmatch(lido.versao_esquema):
        raise _versao_desconhecida()
    return lido


def suspeito(valor: bytes | None) -> bool:
    """Diz, a baixo custo, se um registro pode não passar pelo que se vê antes de ler; não perde nenhum."""
    return (
        not valor or len(valor) > LIMITE_REGISTRO_BYTES or not (valor.isascii() or _eh_utf8(valor))
        or valor.count(b"{") + valor.count(b"[") > NIVEIS_MAXIMOS
    )


def _conferir_bytes(valor: bytes | None) -> bytes:
    """Nulo, vazio, tamanho, UTF-8 e níveis: o que se vê antes de ler."""
    if valor is None:
        raise Recusado(M.NULO, "", "um registro com valor")
    if not valor:
        raise Recusado(M.VAZIO, "", "um registro com conteúdo")
    if len(valor) > LIMITE_REGISTRO_BYTES:
        raise Recusado(M.TAMANHO_EXCEDIDO, "", f"até {LIMITE_REGISTRO_BYTES} bytes")
    if not suspeito(valor):
        return valor
    if not _eh_utf8(valor):
        raise Recusado(M.CODIFICACAO_INVALIDA, "", "UTF-8")
    if formatos.niveis(valor) > NIVEIS_MAXIMOS:
        raise Recusado(M.PROFUNDIDADE_EXCEDIDA, "", f"até {NIVEIS_MAXIMOS} níveis")
    return valor


def _eh_utf8(valor: bytes) -> bool:
    try:
        valor.decode()
    except UnicodeDecodeError:
        return False
    return True


def _recusa_da_versao(conteudo: bytes) -> Recusa | None:
    """Um contrato futuro pode não caber nos nossos tipos: nesse caso a versão explica melhor que o campo."""
    try:
        versao = _LEITOR_VERSAO.decode(conteudo).versao_esquema
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    return None if formatos.VERSAO.fullmatch(versao) else _versao_desconhecida().recusa


def _versao_desconhecida() -> Recusado:
    return Recusado(M.VERSAO_DESCONHECIDA, "versao_esquema", "1 ou 1.x")
