"""As colunas da arena: em memória comum, ou em arquivos mapeados que crescem no lugar e os processos partilham."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from processamento.estado import nucleo
from processamento.estado.nucleo import Memoria

_INICIAL: Final = {"tabela": 1 << 13, "diario": 1 << 12, "linha": 1 << 14, "id": 1 << 13}
_GRUPO: Final = {
    "tabela_chave": "tabela", "tabela_diario": "tabela", "diario_chave": "diario",
    "diario_inicio": "diario", "diario_tamanho": "diario", "diario_classe": "diario", "instante": "linha",
    "ordem": "linha", "valor": "linha", "contraparte": "linha", "acumulado": "linha", "acumulado_log": "linha",
    "acumulado_log2": "linha", "id_chave": "id", "id_versao": "id", "id_chegada": "id",
}
_INT32: Final = frozenset({"tabela_diario", "diario_tamanho", "diario_classe", "id_versao", "id_chegada"})
_CABECALHO: Final = "cabecalho"
_NOVA: Final = ".nova"
_DADOS: Final = tuple(nome for nome in Memoria._fields if nome != _CABECALHO)


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
        nomes = [nome for nome in _DADOS if _GRUPO[nome] == grupo]
        atual = int(getattr(self.memoria, nomes[0]).size)
        if minimo <= atual:
            return
        tamanho = 1 << (minimo - 1).bit_length()
        novas: dict[str, NDArray[Any]] = {}
        for nome in nomes:
            if self._pasta is None:
                novas[nome] = np.zeros(tamanho, _tipo(nome))
                novas[nome][:atual] = getattr(self.memoria, nome)
            else:
                novas[nome] = self._mapear(nome, tamanho)
        self.memoria = self.memoria._replace(**novas)

    def novas(self, grupo: str, minimo: int) -> Memoria:
        """A memória com colunas novas e vazias no grupo, de ao menos `minimo` lugares; só valem depois de `trocar`."""
        tamanho = 1 << max(minimo - 1, 1).bit_length()
        nomes = [nome for nome in _DADOS if _GRUPO[nome] == grupo]
        if self._pasta is None:
            return self.memoria._replace(**{nome: np.zeros(tamanho, _tipo(nome)) for nome in nomes})
        for nome in nomes:
            (self._pasta / f"{nome}{_NOVA}.bin").unlink(missing_ok=True)
        return self.memoria._replace(**{nome: self._mapear(nome, tamanho, _NOVA) for nome in nomes})

    def trocar(self, grupo: str, nova: Memoria) -> None:
        """Põe em uso o que `novas` criou; os outros processos veem o arquivo trocado e o mapeiam de novo."""
        for nome in (nome for nome in _DADOS if _GRUPO[nome] == grupo and self._pasta is not None):
            (self._pasta / f"{nome}{_NOVA}.bin").rename(self._pasta / f"{nome}.bin")  # type: ignore[operator]
        self.memoria = nova

    def _criar(self) -> Memoria:
        cabecalho = np.zeros(nucleo.TAMANHO_CABECALHO, _tipo(_CABECALHO))
        cabecalho[nucleo.LIVRES :] = -1
        if self._pasta is None:
            return Memoria(**{n: np.zeros(_INICIAL[_GRUPO[n]], _tipo(n)) for n in _DADOS}, cabecalho=cabecalho)
        for arquivo in self._pasta.glob("*.bin"):  # um resto de outra vida passaria por coluna vazia
            arquivo.unlink()
        colunas = {nome: self._mapear(nome, _INICIAL[_GRUPO[nome]]) for nome in _DADOS}
        # Por último e inteiro: quem morre antes deixa uma pasta que se refaz, nunca uma que parece pronta.
        provisorio = self._pasta / f"{_CABECALHO}.novo"
        provisorio.write_bytes(cabecalho.tobytes())
        provisorio.rename(self._pasta / f"{_CABECALHO}.bin")
        return Memoria(**colunas, cabecalho=self._mapear(_CABECALHO, 0))

    def _abrir_ou_criar(self) -> Memoria:
        pasta = self._pasta
        inteira = pasta is not None and all((pasta / f"{nome}.bin").exists() for nome in Memoria._fields)
        return self._abrir() if inteira and self._e_deste_codigo() else self._criar()

    def _e_deste_codigo(self) -> bool:
        """Uma arena de outro formato se refaz: é só cache."""
        if self._pasta is None:
            return True
        tamanho = (self._pasta / f"{_CABECALHO}.bin").stat().st_size
        return tamanho == nucleo.TAMANHO_CABECALHO * _tipo(_CABECALHO).itemsize

    def _retrato(self) -> tuple[tuple[int, int], ...] | None:
        """Identidade e tamanho de cada arquivo; None se falta algum, ou se não há arquivos."""
        if self._pasta is None:
            return None
        try:
            estados = [(self._pasta / f"{nome}.bin").stat() for nome in Memoria._fields]
        except FileNotFoundError:
            return None
        return tuple((estado.st_ino, estado.st_size) for estado in estados)

    def _abrir(self) -> Memoria:
        return Memoria(**{nome: self._mapear(nome, 0) for nome in Memoria._fields})

    def _mapear(self, nome: str, tamanho: int, sufixo: str = "") -> NDArray[Any]:
        if self._pasta is None:
            msg = "arena em memória não tem arquivos"
            raise RuntimeError(msg)
        arquivo, tipo = self._pasta / f"{nome}{sufixo}.bin", _tipo(nome)
        if tamanho:
            with arquivo.open("ab") as saida:
                saida.truncate(tamanho * tipo.itemsize)
        return np.asarray(np.memmap(arquivo, tipo, "r+"))


def _tipo(nome: str) -> np.dtype[np.generic]:
    return np.dtype(np.int32) if nome in _INT32 else np.dtype(np.int64)
