"""O arquivo de classes: gravado uma vez por uma JVM de verdade, usado pela seguinte, e sem ele nada muda."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from plataforma import jvm
from plataforma.maquina import exigir_java


def _java(opcoes: list[str]) -> str:
    feito = subprocess.run(
        [str(exigir_java()), *opcoes, "-Xlog:class+load:stdout", "-version"], capture_output=True, text=True, check=True
    )
    return feito.stdout


def test_sem_arquivo_e_sem_pedido_a_jvm_nasce_como_sempre(tmp_path: Path) -> None:
    assert jvm.opcoes("spark", pasta=tmp_path) == []
    assert not jvm.guardar("spark", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.servico
def test_a_primeira_grava_e_a_segunda_usa(tmp_path: Path) -> None:
    _java(jvm.opcoes("spark", gravar=True, pasta=tmp_path))
    assert jvm.guardar("spark", tmp_path)
    arquivo = jvm.arquivo_classes("spark", tmp_path)
    assert list(tmp_path.iterdir()) == [arquivo]
    assert f"-XX:SharedArchiveFile={arquivo}" in jvm.opcoes("spark", gravar=True, pasta=tmp_path)
    assert "shared objects file (top)" in _java(jvm.opcoes("spark", pasta=tmp_path))


@pytest.mark.servico
def test_arquivo_estragado_e_ignorado(tmp_path: Path) -> None:
    jvm.arquivo_classes("broker", tmp_path).write_bytes(b"isto nao e um arquivo de classes")
    assert _java(jvm.opcoes("broker", pasta=tmp_path))
