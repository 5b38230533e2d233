"""Tokens: o dado pessoal sai daqui como HMAC-SHA-256 com chave secreta e separação de domínio.

SHA-256 sem chave não protege um CPF (10⁹ valores se testam em segundos); o HMAC, com a chave em cofre, sim. O texto é
normalizado antes, senão o mesmo titular ganharia dois tokens. O que já chega como token passa como está: quem o
emitiu usou a mesma chave ou é um simulador. Nada aqui imprime a chave nem o texto claro.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from functools import lru_cache
from typing import Final

from ingestao import esquema as contrato
from plataforma.erros import ErroConfiguracao

PREFIXO_TOKEN: Final = "tok:"  # noqa: S105 — marca pública
PADRAO_TOKEN: Final = re.compile(contrato.PADRAO_TOKEN)
BYTES_TOKEN: Final = 16
TAMANHO_RESUMO: Final = 22
"""Caracteres base64url de `BYTES_TOKEN`, sem enchimento: o fim de todo token."""
SEM_ENTIDADE: Final = 0
"""Identificador de quem não existe (Pix sem dispositivo); nenhum token o recebe."""
_PADRAO_ID_CHAVE: Final = re.compile(r"[a-z0-9]{1,8}")
_TOKENS_NA_MEMORIA: Final = 1 << 16


class Tokenizador:
    """Troca dado claro por token `tok:<id_chave>:<22 caracteres base64url>` (HMAC-SHA-256 truncado a 16 bytes).

    Levanta:
        ErroConfiguracao: `id_chave` fora de `[a-z0-9]{1,8}` ou chave vazia.
    """

    __slots__ = ("_chave", "_prefixo", "id_chave")

    def __init__(self, chave: bytes, id_chave: str) -> None:
        if not chave:
            msg = "chave_tokens vazia: defina PIX_CHAVE_TOKENS"
            raise ErroConfiguracao(msg)
        if not _PADRAO_ID_CHAVE.fullmatch(id_chave):
            msg = f"id_chave_tokens = {id_chave!r} não serve; esperado: 1 a 8 caracteres 0-9a-z"
            raise ErroConfiguracao(msg)
        self._chave = chave
        self.id_chave = id_chave
        self._prefixo = f"{PREFIXO_TOKEN}{id_chave}:"

    def __repr__(self) -> str:
        return f"Tokenizador(id_chave={self.id_chave!r})"

    def __reduce__(self) -> tuple[type[Tokenizador], tuple[bytes, str]]:
        return Tokenizador, (self._chave, self.id_chave)

    def conta(self, ispb: str, agencia: str | None, conta: str) -> str:
        """Token do trio; agência sem zeros à esquerda vale o mesmo que com eles, ausente vale vazio."""
        if eh_token(conta):
            return conta
        return self._token(f"conta|{ispb}|{agencia.zfill(4) if agencia else ''}|{conta.upper()}")

    def documento(self, documento: str) -> str:
        """Token do CPF ou CNPJ (este, também alfanumérico, em maiúsculas)."""
        return documento if eh_token(documento) else self._token(f"doc|{documento.upper()}")

    def chave_pix(self, tipo: str, chave: str) -> str:
        """Token da chave Pix; o tipo entra no domínio, porque um CPF pode ser documento e chave."""
        if eh_token(chave):
            return chave
        normal = chave.upper() if tipo == "CNPJ" else chave.lower()
        return self._token(f"chave|{tipo}|{normal}")

    def dispositivo(self, dispositivo: str) -> str:
        """Token do identificador do aparelho, que é opaco e não se normaliza."""
        return dispositivo if eh_token(dispositivo) else self._token(f"disp|{dispositivo}")

    def _token(self, texto: str) -> str:
        return self._prefixo + _mac(self._chave, texto)


def eh_token(texto: str) -> bool:
    """Diz se o texto já é um token (de qualquer chave)."""
    return PADRAO_TOKEN.fullmatch(texto) is not None


@lru_cache(maxsize=_TOKENS_NA_MEMORIA)
def id_entidade(token: str) -> int:
    """Inteiro de 64 bits com sinal que representa o token nas colunas e no estado; nunca `SEM_ENTIDADE`."""
    return _inteiro(token)


def id_evento(id_fim_a_fim: str) -> int:
    """Inteiro de 64 bits com sinal de um `id_fim_a_fim`; nunca zero. Chave curta, não prova de igualdade."""
    return _inteiro(id_fim_a_fim)


def _inteiro(texto: str) -> int:
    resumo = hashlib.blake2b(texto.encode(), digest_size=8).digest()
    return int.from_bytes(resumo, "big", signed=True) or 1


@lru_cache(maxsize=_TOKENS_NA_MEMORIA)
def _mac(chave: bytes, texto: str) -> str:
    resumo = hmac.digest(chave, texto.encode(), "sha256")[:BYTES_TOKEN]
    return base64.urlsafe_b64encode(resumo).decode().rstrip("=")
