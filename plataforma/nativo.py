"""Funções compiladas (numba) guardadas em disco com tudo de que dependem.

O numba guarda a função pronta e a refaz quando muda o arquivo dela; mas o que ela chama, ou a constante que usa, pode
vir de outro: mudado só esse, a função guardada continua com o código velho dentro, sem aviso nenhum. Aqui a marca de
uma função é a do seu arquivo e a dos arquivos do projeto que ele importa, direta ou indiretamente.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import numba
from numba import config
from numba.core import caching

from plataforma.configuracao import RAIZ_PROJETO

Funcao = TypeVar("Funcao", bound=Callable[..., Any])
_IMPORTA: Final = re.compile(r"^(?:from|import) ([\w.]+)", re.MULTILINE)
_EM_ARQUIVO: Final = ("UserProvidedCacheLocator", "InTreeCacheLocator", "UserWideCacheLocator")
_DO_NUMBA: Final = (*_EM_ARQUIVO, "IPythonCacheLocator", "ZipCacheLocator")


def njit(**opcoes: Any) -> Callable[[Funcao], Funcao]:
    """`numba.njit` com as mesmas opções; com `cache=True`, a função guardada vale enquanto valem as suas fontes."""
    # O numba procura nesta lista, na ordem, quem saiba guardar cada função: as de outros projetos são dele.
    config.CACHE_LOCATOR_CLASSES = ",".join((f"{__name__}.{Localizador.__name__}", *_DO_NUMBA))
    decorar: Callable[[Funcao], Funcao] = numba.njit(**opcoes)
    return decorar


class Localizador:
    """Onde o numba guarda uma função do projeto: nos lugares de sempre, com a marca de todas as suas fontes."""

    def __init__(self, original: Any, arquivo: Path) -> None:
        self._original, self._arquivo = original, arquivo

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> Localizador | None:
        """O localizador de uma função; None se ela não é do projeto ou não há onde gravar."""
        arquivo = Path(py_file).resolve()
        if not arquivo.is_relative_to(RAIZ_PROJETO):
            return None
        for nome in _EM_ARQUIVO:
            original = getattr(caching, nome).from_function(py_func, py_file)
            if original is not None:
                return cls(original, arquivo)
        return None

    def get_source_stamp(self) -> str:
        """Muda quando muda qualquer uma das fontes."""
        return marca(self._arquivo)

    def __getattr__(self, nome: str) -> Any:
        """O resto é com o numba."""
        return getattr(self._original, nome)


def marca(arquivo: Path) -> str:
    """O SHA-256 das fontes de um arquivo, em ordem de caminho."""
    resumo = hashlib.sha256()
    for fonte in sorted(fontes(arquivo)):
        resumo.update(_conteudo(fonte))
    return resumo.hexdigest()


def fontes(arquivo: Path) -> set[Path]:
    """O arquivo e os do projeto que ele importa no alto, direta ou indiretamente."""
    achadas, por_ver = set[Path](), [arquivo]
    while por_ver:
        atual = por_ver.pop()
        if atual not in achadas:
            achadas.add(atual)
            por_ver += _importados(atual)
    return achadas


@cache
def _conteudo(arquivo: Path) -> bytes:
    return arquivo.read_bytes()


@cache
def _importados(arquivo: Path) -> list[Path]:
    """Os módulos e pacotes do projeto nomeados em linhas de importação sem recuo."""
    nomes = _IMPORTA.findall(_conteudo(arquivo).decode())
    candidatos = [RAIZ_PROJETO.joinpath(*nome.split(".")) for nome in nomes]
    return [lugar for c in candidatos for lugar in (c.with_suffix(".py"), c / "__init__.py") if lugar.is_file()]
