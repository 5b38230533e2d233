"""Um escritor por checkpoint."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from plataforma.configuracao import RAIZ_PROJETO
from plataforma.erros import ErroEstado
from plataforma.trava import Trava

SEGURAR = (
    "import sys, pathlib; from plataforma.trava import Trava\n"
    "Trava(pathlib.Path(sys.argv[1])).adquirir(); print('presa', flush=True); sys.stdin.read()"
)


def test_segunda_instancia_recusa_e_diz_quem_detem(tmp_path: Path) -> None:
    with Trava(tmp_path / "ponto"), pytest.raises(ErroEstado, match=f"em uso pelo processo {os.getpid()}"):
        Trava(tmp_path / "ponto").adquirir()
    with Trava(tmp_path / "ponto"):
        pass


def test_sigkill_do_dono_solta_a_trava(tmp_path: Path) -> None:
    comando = [sys.executable, "-c", SEGURAR, str(tmp_path / "ponto")]
    with subprocess.Popen(comando, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=RAIZ_PROJETO) as dono:
        assert dono.stdout is not None
        assert dono.stdout.readline() == b"presa\n"
        with pytest.raises(ErroEstado, match=f"processo {dono.pid}"):
            Trava(tmp_path / "ponto").adquirir()
        dono.send_signal(signal.SIGKILL)
        dono.wait()
    Trava(tmp_path / "ponto").adquirir().soltar()
