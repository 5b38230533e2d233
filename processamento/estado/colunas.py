"""As colunas da arena: em memória comum, ou em arquivos mapeados que crescem no lugar e os processos partilham.

As colunas de um grupo ficam juntas, registro a registro: achar um diário, ou ler uma linha, é um acesso espalhado só, e
não um por coluna.
"""

from __future__ import annotations

import fcntl
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from processamento.estado import marcos, nucleo
from processamento.estado.nucleo import Memoria

_CABECALHO: Final = "cabecalho"
_NOVA: Final = ".nova"
_INICIAL: Final = {"tabela": 1 << 13, "diario": 1 << 12, "linha": 1 << 14, "marco": 1 << 10, "id": 1 << 13}
_TIPOS: Final = {
    _CABECALHO: np.dtype(np.int64),
    "tabela": np.dtype([("tabela_chave", np.int64), ("tabela_diario", np.int32)], align=True),
    "diario": np.dtype([
        ("diario_chave", np.int64), ("diario_inicio", np.int64), ("diario_tamanho", np.int32),
        ("diario_classe", np.int32),
    ]),
    "linha": np.dtype([(nome, np.int64) for nome in ("instante", "ordem", "valor", "contraparte")]),
    "marco": np.dtype([(nome, np.int64) for nome in ("marco_valor", "marco_log", "marco_log2")]),
    "id": np.dtype([("id_chave", np.int64), ("id_versao", np.int32), ("id_chegada", np.int32)]),
}
"""Por grupo, o que há em cada registro; cada grupo é um arquivo."""


class Colunas:
    """As colunas de um balde, em `memoria`.

    Args:
        pasta: onde ficam os arquivos mapeados; None = memória deste processo.
    """

    def __init__(self, pasta: Path | None) -> None:
        self._pasta = pasta
        if pasta is not None:
            pasta.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.memoria = self._abrir_ou_criar()
        self._mapeado = self._retrato()

    @contextmanager
    def exclusiva(self) -> Iterator[None]:
        """Um escritor por vez, mesmo que uma tarefa dada por morta ainda corra; reabre o que outro fez crescer.

        Se alguém apagou os arquivos (são cache, em pasta que o sistema pode limpar), recomeça vazia, na versão 0.
        """
        if self._pasta is None:
            yield
            return
        self._pasta.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._pasta / "trava").open("w") as arquivo:
            fcntl.flock(arquivo, fcntl.LOCK_EX)
            # Mapear de novo esvazia as tabelas de páginas: só quando outro processo criou ou aumentou um arquivo.
            if self._mapeado is None or self._mapeado != self._retrato():
                self.memoria = self._abrir_ou_criar()
            try:
                yield
            finally:
                self._mapeado = self._retrato()

    def esvaziar(self) -> None:
        """Volta ao estado de nunca ter visto nada."""
        self.memoria = self._criar()

    def apagar(self) -> None:
        """Remove os arquivos."""
        if self._pasta is not None:
            shutil.rmtree(self._pasta, ignore_errors=True)

    def ampliar(self, grupo: str, minimo: int) -> None:
        """Garante `minimo` lugares no grupo, dobrando; arquivos crescem no lugar, sem cópia."""
        atuais = {nome: getattr(self.memoria, nome) for nome in _nomes(grupo)}
        atual = min(int(coluna.size) for coluna in atuais.values())
        if minimo <= atual:
            return
        tamanho = 1 << (minimo - 1).bit_length()
        novas = _campos(grupo, self._lugares(grupo, tamanho))
        if self._pasta is None:
            for nome, coluna in atuais.items():
                novas[nome][:atual] = coluna
        self.memoria = self.memoria._replace(**novas)

    def novas(self, grupo: str, minimo: int) -> Memoria:
        """A memória com um grupo novo e vazio, de ao menos `minimo` lugares; só vale depois de `trocar`."""
        tamanho = 1 << max(minimo - 1, 1).bit_length()
        if self._pasta is not None:
            (self._pasta / f"{grupo}{_NOVA}.bin").unlink(missing_ok=True)
        return self.memoria._replace(**_campos(grupo, self._lugares(grupo, tamanho, _NOVA)))

    def trocar(self, grupo: str, nova: Memoria) -> None:
        """Põe em uso o que `novas` criou; os outros processos veem o arquivo trocado e o mapeiam de novo."""
        if self._pasta is not None:
            (self._pasta / f"{grupo}{_NOVA}.bin").rename(self._pasta / f"{grupo}.bin")
        self.memoria = nova

    def _lugares(self, grupo: str, tamanho: int, sufixo: str = "") -> NDArray[Any]:
        """Lugares zerados em memória comum; em arquivo, os que já havia e o resto em zeros."""
        return np.zeros(tamanho, _TIPOS[grupo]) if self._pasta is None else self._mapear(grupo, tamanho, sufixo)

    def _criar(self) -> Memoria:
        cabecalho = np.zeros(nucleo.TAMANHO_CABECALHO, _TIPOS[_CABECALHO])
        cabecalho[nucleo.LIVRES :] = -1
        cabecalho[nucleo.FORMATO] = _formato()
        cabecalho[nucleo.RECUO] = nucleo.recuo_de(_INICIAL["tabela"])
        for arquivo in self._pasta.glob("*.bin") if self._pasta is not None else ():
            arquivo.unlink()  # um resto de outra vida passaria por coluna vazia
        colunas: dict[str, NDArray[Any]] = {}
        for grupo, lugares in _INICIAL.items():
            colunas |= _campos(grupo, self._lugares(grupo, lugares))
        if self._pasta is None:
            return Memoria(**colunas, cabecalho=cabecalho)
        # Por último e inteiro: quem morre antes deixa uma pasta que se refaz, nunca uma que parece pronta.
        provisorio = self._pasta / f"{_CABECALHO}.novo"
        provisorio.write_bytes(cabecalho.tobytes())
        provisorio.rename(self._pasta / f"{_CABECALHO}.bin")
        return Memoria(**colunas, cabecalho=self._mapear(_CABECALHO, 0))

    def _abrir_ou_criar(self) -> Memoria:
        pasta = self._pasta
        inteira = pasta is not None and all((pasta / f"{grupo}.bin").exists() for grupo in _TIPOS)
        return self._abrir() if inteira and self._e_deste_codigo() else self._criar()

    def _e_deste_codigo(self) -> bool:
        """Uma arena de outro formato se refaz: é só cache."""
        if self._pasta is None:
            return True
        cabecalho = np.fromfile(self._pasta / f"{_CABECALHO}.bin", _TIPOS[_CABECALHO])
        return cabecalho.size == nucleo.TAMANHO_CABECALHO and int(cabecalho[nucleo.FORMATO]) == _formato()

    def _retrato(self) -> tuple[tuple[int, int], ...] | None:
        """Identidade e tamanho de cada arquivo; None se falta algum, ou se não há arquivos."""
        if self._pasta is None:
            return None
        try:
            estados = [(self._pasta / f"{grupo}.bin").stat() for grupo in _TIPOS]
        except FileNotFoundError:
            return None
        return tuple((estado.st_ino, estado.st_size) for estado in estados)

    def _abrir(self) -> Memoria:
        colunas: dict[str, NDArray[Any]] = {}
        for grupo in _TIPOS:
            colunas |= _campos(grupo, self._mapear(grupo, 0))
        return Memoria(**colunas)

    def _mapear(self, grupo: str, tamanho: int, sufixo: str = "") -> NDArray[Any]:
        if self._pasta is None:
            msg = "arena em memória não tem arquivos"
            raise RuntimeError(msg)
        arquivo, tipo = self._pasta / f"{grupo}{sufixo}.bin", _TIPOS[grupo]
        if tamanho:
            with arquivo.open("ab") as saida:
                saida.truncate(tamanho * tipo.itemsize)
        return np.asarray(np.memmap(arquivo, tipo, "r+"))


@cache
def _formato() -> int:
    """Muda quando muda o que os arquivos querem dizer: os registros, os degraus de capacidade, os marcos."""
    degraus = [nucleo.capacidade(classe) for classe in range(1, nucleo.TAMANHO_CABECALHO - nucleo.LIVRES)]
    tipos = [(grupo, tipo.descr, tipo.itemsize) for grupo, tipo in _TIPOS.items()]
    return zlib.crc32(repr((tipos, degraus, marcos.PASSO)).encode())


def _nomes(grupo: str) -> tuple[str, ...]:
    return _TIPOS[grupo].names or (grupo,)


def _campos(grupo: str, lugares: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """As colunas de um grupo, cada uma uma vista dos mesmos registros."""
    return {nome: lugares[nome] if _TIPOS[grupo].names else lugares for nome in _nomes(grupo)}
