"""O script ./pix: acha o Python, instala uma vez, e diz em uma linha o que falta."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from plataforma.configuracao import RAIZ_PROJETO

UTENSILIOS = ("bash", "dirname", "readlink", "cmp", "mkdir", "tee", "grep", "cp", "mv", "cat", "env", "chmod")
PYTHON_FALSO = """#!/usr/bin/env bash
case "$*" in
  *"-m venv"*) mkdir -p "${!#}/bin"; cp "$0" "${!#}/bin/python"; chmod +x "${!#}/bin/python" ;;
  *"-m pip"*) echo "Collecting x"; echo pip >>"$DIARIO"; [ ! -e "$FALHA" ] ;;
  *"-m comandos.principal"*) echo "verbo: $PYTHONPATH ${*: -1} ${PIX_DADOS:-}" ;;
esac
"""


def caminho_com(pasta: Path, *programas: str) -> str:
    """Um PATH que só tem os utensílios e os programas pedidos."""
    pasta.mkdir()
    for nome in (*UTENSILIOS, *programas):
        real = shutil.which(nome)
        assert real is not None, nome
        (pasta / nome).symlink_to(real)
    return str(pasta)


@pytest.fixture
def projeto(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """Uma cópia do script, com um Python de mentira que conta as instalações."""
    raiz = tmp_path / "projeto"
    raiz.mkdir()
    shutil.copy(RAIZ_PROJETO / "pix", raiz / "pix")
    (raiz / "requisitos.lock").write_text("x==1\n")
    ambiente = {"PATH": caminho_com(tmp_path / "bin"), "DIARIO": str(tmp_path / "diario"), "FALHA": str(tmp_path / "f")}
    python = tmp_path / "bin" / "python3"
    python.write_text(PYTHON_FALSO)
    python.chmod(0o755)
    return raiz, ambiente


def correr(raiz: Path, ambiente: dict[str, str], *argumentos: str, pasta: Path | None = None) -> tuple[int, str, str]:
    feito = subprocess.run(
        [str(raiz / "pix"), *argumentos], env=ambiente, cwd=pasta or raiz, capture_output=True, text=True, check=False
    )
    return feito.returncode, feito.stdout, feito.stderr


def instalacoes(ambiente: dict[str, str]) -> int:
    diario = Path(ambiente["DIARIO"])
    return len(diario.read_text().splitlines()) if diario.exists() else 0


def test_instala_uma_vez_e_de_novo_so_quando_o_lock_muda(projeto: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    raiz, ambiente = projeto
    codigo, saida, erros = correr(raiz, ambiente, "oi")
    assert (codigo, saida.strip()) == (0, f"verbo: {raiz} oi")
    assert "Instalando as dependências" in erros
    assert correr(raiz, ambiente, "oi", pasta=tmp_path) == (0, saida, "")
    assert instalacoes(ambiente) == 1
    (raiz / "requisitos.lock").write_text("x==2\n")
    correr(raiz, ambiente, "oi")
    assert instalacoes(ambiente) == 2


def test_instalacao_que_falha_nao_fica_marcada(projeto: tuple[Path, dict[str, str]]) -> None:
    raiz, ambiente = projeto
    Path(ambiente["FALHA"]).write_text("")
    codigo, saida, erros = correr(raiz, ambiente, "oi")
    assert (codigo, saida) == (2, "")
    assert "as dependências não foram instaladas" in erros.splitlines()[-1]
    Path(ambiente["FALHA"]).unlink()
    assert correr(raiz, ambiente, "oi")[0] == 0
    assert instalacoes(ambiente) == 2


def test_sem_python_adequado_e_uma_linha_e_codigo_2(projeto: tuple[Path, dict[str, str]]) -> None:
    raiz, ambiente = projeto
    python = Path(ambiente["PATH"]) / "python3"
    python.write_text("#!/usr/bin/env bash\nexit 1\n")  # antigo: recusa a condição de versão
    codigo, saida, erros = correr(raiz, ambiente, "oi")
    assert (codigo, saida) == (2, "")
    assert erros.splitlines() == [erros.strip()]
    assert "Python 3.11 ou mais novo não encontrado" in erros


def test_funciona_por_ligacao_simbolica(projeto: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    raiz, ambiente = projeto
    (tmp_path / "atalho").symlink_to(raiz / "pix")
    feito = subprocess.run(
        [str(tmp_path / "atalho"), "oi"], env=ambiente, capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert feito.stdout.strip() == f"verbo: {raiz} oi"


def test_env_e_lido_mas_o_ambiente_vence(projeto: tuple[Path, dict[str, str]]) -> None:
    raiz, ambiente = projeto
    (raiz / ".env").write_text("# nota\nPIX_DADOS=/do/arquivo $(rm -rf x)\nPATH=/nada\n")
    assert correr(raiz, ambiente, "oi")[1].strip().endswith("oi /do/arquivo $(rm -rf x)")
    assert correr(raiz, {**ambiente, "PIX_DADOS": "/exportado"}, "oi")[1].strip().endswith("oi /exportado")


def test_sem_java_cada_verbo_diz_a_mesma_linha(tmp_path: Path) -> None:
    """O ./pix de verdade, em um PATH sem Java."""
    ambiente = {
        "PATH": caminho_com(tmp_path / "bin"), "HOME": os.environ.get("HOME", "/"), "PIX_DADOS": str(tmp_path / "d"),
    }
    linhas = set()
    for verbo in ("subir", "diagnostico"):
        codigo, _, erros = correr(RAIZ_PROJETO, ambiente, verbo, pasta=tmp_path)
        assert codigo == 2
        assert len(erros.splitlines()) == 1, erros
        linhas.add(erros.split(" (e mais")[0].strip())
    assert len(linhas) == 1
    assert "Java 17 ou mais novo não encontrado: instale o Java 17" in linhas.pop()
