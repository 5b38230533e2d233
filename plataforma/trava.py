"""Um só de cada vez (escritor por checkpoint, troca de modelo): o segundo recusa, dizendo quem detém a trava."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Final

from plataforma.erros import ErroEstado

_UM_ESCRITOR: Final = (
    "o checkpoint {alvo} já está em uso pelo processo {dono}: um só escritor por checkpoint; "
    "pare o outro com ./pix parar"
)


class Trava:
    """Trava exclusiva em `<alvo>.trava`; o sistema a solta quando o processo morre, mesmo por SIGKILL.

    Vale entre processos de uma máquina (flock). Uso: `with Trava(alvo): ...` ou `.adquirir()`/`.soltar()`.

    Args:
        alvo: o que só um pode usar.
        ocupado: o que dizer ao segundo, com `{alvo}` e `{dono}`.
    """

    def __init__(self, alvo: Path, ocupado: str = _UM_ESCRITOR) -> None:
        self.alvo, self._ocupado = alvo, ocupado
        self.arquivo = alvo.with_name(f"{alvo.name}.trava")
        self._descritor: int | None = None  # descritor cru: esquecer o objeto não solta a trava

    def adquirir(self) -> Trava:
        """Toma a trava e escreve nela o PID deste processo.

        Levanta:
            ErroEstado: quando outra instância (de outro processo ou deste) já a detém.
        """
        self.arquivo.parent.mkdir(parents=True, exist_ok=True)
        descritor = os.open(self.arquivo, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descritor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as erro:
            os.close(descritor)
            dono = self.arquivo.read_text().strip() or "desconhecido"
            raise ErroEstado(self._ocupado.format(alvo=self.alvo, dono=dono)) from erro
        os.ftruncate(descritor, 0)
        os.write(descritor, str(os.getpid()).encode())
        self._descritor = descritor
        return self

    def soltar(self) -> None:
        """Solta a trava; o arquivo fica (apagá-lo abriria uma corrida com quem o está abrindo)."""
        if self._descritor is not None:
            os.close(self._descritor)
            self._descritor = None

    def __enter__(self) -> Trava:
        return self.adquirir()

    def __exit__(
        self, tipo: type[BaseException] | None, valor: BaseException | None, rastro: TracebackType | None
    ) -> None:
        self.soltar()
