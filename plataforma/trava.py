"""Um só escritor por checkpoint: a segunda instância recusa, dizendo quem detém a trava."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import IO

from plataforma.erros import ErroEstado


class Trava:
    """Trava exclusiva em `<checkpoint>.trava`; o sistema a solta quando o processo morre, mesmo por SIGKILL.

    Vale entre processos de uma máquina (flock). Uso: `with Trava(checkpoint): ...` ou `.adquirir()`/`.soltar()`.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.checkpoint = checkpoint
        self.arquivo = checkpoint.with_name(f"{checkpoint.name}.trava")
        self._aberto: IO[str] | None = None

    def adquirir(self) -> Trava:
        """Toma a trava e escreve nela o PID deste processo.

        Levanta:
            ErroEstado: quando outra instância (de outro processo ou deste) já a detém.
        """
        self.arquivo.parent.mkdir(parents=True, exist_ok=True)
        aberto = self.arquivo.open("a+")
        try:
            fcntl.flock(aberto, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as erro:
            aberto.seek(0)
            dono = aberto.read().strip() or "desconhecido"
            aberto.close()
            msg = (
                f"o checkpoint {self.checkpoint} já está em uso pelo processo {dono}: "
                "um só escritor por checkpoint; pare o outro com ./pix parar"
            )
            raise ErroEstado(msg) from erro
        aberto.truncate(0)
        aberto.write(str(os.getpid()))
        aberto.flush()
        self._aberto = aberto
        return self

    def soltar(self) -> None:
        """Solta a trava; o arquivo fica (apagá-lo abriria uma corrida com quem o está abrindo)."""
        if self._aberto is not None:
            self._aberto.close()
            self._aberto = None

    def __enter__(self) -> Trava:
        return self.adquirir()

    def __exit__(
        self, tipo: type[BaseException] | None, valor: BaseException | None, rastro: TracebackType | None
    ) -> None:
        self.soltar()
