"""A função compilada e guardada acompanha tudo de que depende, e não só o arquivo em que está."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from plataforma import nativo
from plataforma.configuracao import RAIZ_PROJETO

NUCLEO = RAIZ_PROJETO / "processamento" / "estado" / "nucleo.py"
DE_FORA = """
from casa.dentro import dobro, PARCELA
from plataforma.nativo import njit

@njit(cache=True)
def conta(x):
    return dobro(x) + PARCELA
"""
DENTRO = """
from plataforma.nativo import njit

PARCELA = {parcela}

@njit(cache=True)
def dobro(x):
    return {vezes} * x
"""


def test_as_fontes_de_um_laco_sao_o_que_ele_importa_ate_o_fim() -> None:
    achadas = {str(fonte.relative_to(RAIZ_PROJETO)) for fonte in nativo.fontes(NUCLEO.with_name("consulta.py"))}
    assert {"processamento/estado/consulta.py", "processamento/estado/nucleo.py", "processamento/catalogo.py",
            "plataforma/erros.py", "plataforma/nativo.py"} <= achadas
    assert "processamento/estado/diarios.py" not in achadas


def _conta(raiz: Path) -> str:
    """`conta(10)` em um processo novo, como quem volta depois de atualizar o projeto; e se veio do disco."""
    programa = "from casa.fora import conta; print(conta(10), sum(conta.stats.cache_hits.values()))"
    return subprocess.run([sys.executable, "-c", programa], cwd=raiz, capture_output=True, text=True, check=True).stdout


def test_mudar_so_o_que_a_funcao_chama_ou_a_constante_que_usa_a_refaz(tmp_path: Path) -> None:
    shutil.copytree(RAIZ_PROJETO / "plataforma", tmp_path / "plataforma", ignore=shutil.ignore_patterns("__pycache__"))
    casa = tmp_path / "casa"
    casa.mkdir()
    (casa / "__init__.py").touch()
    (casa / "fora.py").write_text(DE_FORA)
    (casa / "dentro.py").write_text(DENTRO.format(vezes=2, parcela=1))
    assert _conta(tmp_path) == "21 0\n"
    assert _conta(tmp_path) == "21 1\n", "nada mudou: a função pronta serve"
    (casa / "dentro.py").write_text(DENTRO.format(vezes=3, parcela=1))
    assert _conta(tmp_path) == "31 0\n"
    (casa / "dentro.py").write_text(DENTRO.format(vezes=3, parcela=5))
    assert _conta(tmp_path) == "35 0\n"
