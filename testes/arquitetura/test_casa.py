"""A casa em ordem: direção das importações, estilo, tipos, notebooks finos e cercas de terceiros."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from comandos.limpar import PASTAS
from plataforma.configuracao import PREFIXO, RAIZ_PROJETO, Configuracao

PACOTES = ("plataforma", "ingestao", "processamento", "machine_learning", "monitoramento", "comandos")
MODULOS = sorted(arquivo for pacote in PACOTES for arquivo in (RAIZ_PROJETO / pacote).rglob("*.py"))
NOTEBOOKS = [arquivo for arquivo in MODULOS if arquivo.name.startswith("notebook_")]
LINHAS_DE_NOTEBOOK = 120
BIBLIOTECAS = {"kafka", "delta", "mlflow", "pyspark", "prometheus", "sklearn", "pandas", "numpy", "polars"}


def nome(arquivo: Path) -> str:
    return str(arquivo.relative_to(RAIZ_PROJETO))


def correr(*comando: str) -> None:
    feito = subprocess.run(
        [sys.executable, *comando], cwd=RAIZ_PROJETO, capture_output=True, text=True, check=False
    )
    assert feito.returncode == 0, feito.stdout + feito.stderr


def test_importacoes_correm_contra_o_fluxo_dos_dados() -> None:
    correr("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")


def test_ruff_passa() -> None:
    correr("-m", "ruff", "check", ".")


def test_mypy_estrito_passa() -> None:
    correr("-m", "mypy")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=nome)
def test_notebook_conta_e_chama_mas_nao_define(notebook: Path) -> None:
    texto = notebook.read_text()
    definicoes = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    definidos = [no for no in ast.walk(ast.parse(texto)) if isinstance(no, definicoes)]
    assert definidos == []
    assert texto.count("\n") <= LINHAS_DE_NOTEBOOK
    assert texto.startswith("# Databricks notebook source\n")


def test_os_tres_notebooks_existem() -> None:
    assert [nome(notebook) for notebook in NOTEBOOKS] == [
        "ingestao/notebook_ingestao.py",
        "machine_learning/notebook_modelo.py",
        "processamento/notebook_processamento.py",
    ]


def test_nenhum_modulo_tem_nome_de_biblioteca() -> None:
    permitido = RAIZ_PROJETO / "plataforma" / "servicos" / "prometheus.py"
    assert [nome(m) for m in MODULOS if m.stem in BIBLIOTECAS and m != permitido] == []


def test_so_a_plataforma_le_o_ambiente_do_processo() -> None:
    permitidos = {"plataforma/configuracao.py", "plataforma/maquina.py"}
    leitores = {nome(m) for m in MODULOS if re.search(r"\bos\.(environ|getenv|putenv)\b", m.read_text())}
    assert leitores <= permitidos


CERCAS = {
    "delta": ("plataforma/",),
    "mlflow": ("machine_learning/registro",),
    "kafka": ("plataforma/servicos/", "ingestao/produtor.py"),
    "confluent_kafka": (
        "plataforma/servicos/", "ingestao/produtor.py", "ingestao/controle.py", "comandos/consumo.py",
        "comandos/desempenho/leitor.py", "machine_learning/entrega.py",
    ),
    "prometheus_client": ("monitoramento/",),
    "numba": ("plataforma/nativo.py",),
}


@pytest.mark.parametrize("biblioteca", CERCAS)
def test_cada_biblioteca_fica_atras_de_sua_cerca(biblioteca: str) -> None:
    fora = {
        nome(m) for m in MODULOS if m not in NOTEBOOKS and biblioteca in importadas(m)
        and not nome(m).startswith(CERCAS[biblioteca])
    }
    assert fora == set()


def importadas(modulo: Path) -> set[str]:
    """Os pacotes de topo que o módulo importa em execução (o que está sob TYPE_CHECKING não conta)."""
    arvore = ast.parse(modulo.read_text())
    so_tipos = {
        no for bloco in ast.walk(arvore) if isinstance(bloco, ast.If) and "TYPE_CHECKING" in ast.unparse(bloco.test)
        for no in ast.walk(bloco)
    }
    achadas: set[str] = set()
    for no in ast.walk(arvore):
        if no in so_tipos:
            continue
        if isinstance(no, ast.Import):
            achadas |= {apelido.name.split(".")[0] for apelido in no.names}
        elif isinstance(no, ast.ImportFrom) and no.module:
            achadas.add(no.module.split(".")[0])
    return achadas


def test_nada_e_impresso_fora_da_apresentacao() -> None:
    chamadas = {
        nome(m) for m in MODULOS if m not in NOTEBOOKS
        for no in ast.walk(ast.parse(m.read_text()))
        if isinstance(no, ast.Call) and isinstance(no.func, ast.Name) and no.func.id == "print"
    }
    assert chamadas == set()


def test_limpar_conhece_toda_pasta_que_o_codigo_cria() -> None:
    usadas = {
        achado for m in MODULOS for achado in re.findall(r"""\.caminho\(\s*["']([^"'/]+)["']""", m.read_text())
    }
    assert usadas <= set(PASTAS), "acrescente a comandos/limpar.py: PASTAS"


def test_env_exemplo_traz_toda_configuracao_com_o_padrao() -> None:
    linhas = re.findall(r"^#?(PIX_[A-Z_]+)=(.*)$", (RAIZ_PROJETO / ".env.exemplo").read_text(), re.MULTILINE)
    exemplos = dict(linhas)
    assert set(exemplos) == {PREFIXO + campo.name.upper() for campo in fields(Configuracao)}
    padrao = Configuracao().para_ambiente()
    for variavel, valor in exemplos.items():
        esperado = padrao.get(variavel, "").removeprefix(f"{RAIZ_PROJETO}/")
        assert valor == esperado or (not esperado and variavel in {"PIX_CATALOGO_UNITY", "PIX_CHAVE_TOKENS"}), variavel


def test_nenhum_caminho_desta_maquina_nem_indice_de_pacotes() -> None:
    arquivos = subprocess.run(
        ["git", "ls-files"], cwd=RAIZ_PROJETO, capture_output=True, text=True, check=True
    ).stdout.split()
    padrao = re.compile(
        r"(?<![\w.])/(work|root|home/\w+)/[\w.]+|https?://\S+/(simple|maven2)\b|extra-index-url\s", re.IGNORECASE
    )
    achados = {}
    for arquivo in arquivos:
        caminho = RAIZ_PROJETO / arquivo
        if caminho.is_file() and caminho.suffix not in {".png", ".jpg", ".parquet"}:
            achado = padrao.search(caminho.read_text(errors="replace"))
            if achado and caminho != Path(__file__):
                achados[arquivo] = achado.group(0)
    assert achados == {}
