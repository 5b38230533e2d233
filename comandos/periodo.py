"""Um período dado em dias, na linha de comando, como instantes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

from plataforma.erros import ErroConfiguracao

DIA: Final = timedelta(days=1)
_ORIGEM: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSSEGUNDO: Final = timedelta(microseconds=1)


def em_us(de: str | None, ate: str | None, agora: datetime, dias: int) -> tuple[int, int]:
    """Dias UTC inteiros, os dois inclusive → [de, até) em µs.

    Args:
        de: `AAAA-MM-DD`; None = `dias` antes do último.
        ate: `AAAA-MM-DD`; None = o dia de `agora`.
        agora: instante com fuso.
        dias: quanto se olha para trás.

    Levanta:
        ErroConfiguracao: data que não se lê, ou primeiro dia depois do último.
    """
    ultimo = agora.astimezone(UTC).date() if ate is None else _dia("--ate", ate)
    primeiro = ultimo - dias * DIA if de is None else _dia("--de", de)
    if primeiro > ultimo:
        msg = f"--de {primeiro} vem depois de --ate {ultimo}"
        raise ErroConfiguracao(msg)
    return instante_us(_meia_noite(primeiro)), instante_us(_meia_noite(ultimo + DIA))


def instante_us(quando: datetime) -> int:
    """µs UTC, exatos."""
    return (quando - _ORIGEM) // _MICROSSEGUNDO


def instante(us: int) -> datetime:
    """De µs UTC a um instante com fuso."""
    return _ORIGEM + us * _MICROSSEGUNDO


def _dia(opcao: str, texto: str) -> date:
    try:
        return date.fromisoformat(texto)
    except ValueError as erro:
        msg = f"{opcao} {texto!r} não é um dia; esperado AAAA-MM-DD"
        raise ErroConfiguracao(msg) from erro


def _meia_noite(dia: date) -> datetime:
    return datetime(dia.year, dia.month, dia.day, tzinfo=UTC)
