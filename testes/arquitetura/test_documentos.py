"""Os documentos dizem a verdade sobre o que um programa pode conferir: arquivos, tabelas, colunas, motivos, verbos."""

from __future__ import annotations

import importlib
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer.main
import yaml

from comandos.principal import criar_app
from plataforma.configuracao import PREFIXO, RAIZ_PROJETO, Configuracao
from plataforma.tabela import Tabela
from processamento.atributos import NOMES
from processamento.motivos_quarentena import MotivoQuarentena

PASTA = RAIZ_PROJETO / "docs"
NA_RAIZ = (RAIZ_PROJETO / "README.md", RAIZ_PROJETO / "CONTRIBUINDO.md")
DOCUMENTOS = [*NA_RAIZ, *sorted(PASTA.rglob("*.md"))]
PACOTES = ("plataforma", "ingestao", "processamento", "machine_learning", "monitoramento", "comandos")
LINHAS_DO_README = 200
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CAMINHO = re.compile(rf"`((?:{'|'.join((*PACOTES, 'docs', 'testes'))})/[\w./-]*)`")
DECLARACAO = re.compile(r"^([A-Z_]+): Final = Tabela\(", re.MULTILINE)
BUNDLE = RAIZ_PROJETO / "databricks.yml"


def nome(documento: Path) -> str:
    return str(documento.relative_to(RAIZ_PROJETO))


@cache
def texto(documento: Path) -> str:
    return documento.read_text(encoding="utf-8")


def ancoras(documento: Path) -> set[str]:
    """Como o GitHub as faz: minúsculas, sem pontuação, espaços viram hífens."""
    titulos = re.findall(r"^#+ +(.+)$", re.sub(r"```.*?```", "", texto(documento), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", titulo.strip().lower()).replace(" ", "-") for titulo in titulos}


@pytest.mark.parametrize("documento", DOCUMENTOS, ids=nome)
def test_todo_link_relativo_leva_a_algum_lugar(documento: Path) -> None:
    quebrados = []
    for alvo in LINK.findall(re.sub(r"```.*?```", "", texto(documento), flags=re.DOTALL)):
        if re.match(r"[a-z]+:", alvo):
            continue
        arquivo, _, ancora = unquote(alvo).partition("#")
        destino = (documento.parent / arquivo).resolve() if arquivo else documento
        sem_ancora = ancora and destino.suffix == ".md" and destino.exists() and ancora not in ancoras(destino)
        if not destino.exists() or sem_ancora:
            quebrados.append(alvo)
    assert quebrados == []


@pytest.mark.parametrize("documento", DOCUMENTOS, ids=nome)
def test_todo_arquivo_citado_existe(documento: Path) -> None:
    citados = set(CAMINHO.findall(texto(documento)))
    assert sorted(caminho for caminho in citados if not (RAIZ_PROJETO / caminho).exists()) == []


def test_readme_cabe_em_duzentas_linhas_e_guarda_lugar_para_os_resultados() -> None:
    leiame = texto(NA_RAIZ[0])
    assert leiame.count("\n") <= LINHAS_DO_README
    for secao in ("demonstrar", "avaliar", "bancada"):
        abre, fecha = f"<!-- resultados:{secao} -->", f"<!-- /resultados:{secao} -->"
        assert leiame.count(abre) == leiame.count(fecha) == 1
        assert leiame.index(abre) < leiame.index(fecha)


def test_os_dois_primeiros_comandos_do_readme_sao_os_dois_que_importam() -> None:
    assert re.findall(r"^\./pix ([a-z]+)", texto(NA_RAIZ[0]), re.MULTILINE)[:2] == ["demonstrar", "testar"]


def test_todo_verbo_esta_no_readme_ou_no_uso_operacional() -> None:
    onde = texto(NA_RAIZ[0]) + texto(PASTA / "uso_operacional.md")
    verbos = typer.main.get_command(criar_app()).commands
    assert [verbo for verbo in verbos if not re.search(rf"\./pix {verbo}\b", onde)] == []


@cache
def tabelas() -> dict[str, Tabela]:
    """Toda `Tabela(...)` declarada como constante nos pacotes, pelo nome."""
    achadas = {}
    for pacote in PACOTES:
        for modulo in (RAIZ_PROJETO / pacote).rglob("*.py"):
            constantes = DECLARACAO.findall(modulo.read_text())
            if constantes:
                importado = importlib.import_module(nome(modulo).removesuffix(".py").replace("/", "."))
                achadas |= {t.nome: t for t in (getattr(importado, constante) for constante in constantes)}
    return achadas


@cache
def secoes() -> dict[str, str]:
    """As seções `### \\`tabela\\`` de docs/dados.md."""
    partes = re.split(r"^#{2,3} +", texto(PASTA / "dados.md"), flags=re.MULTILINE)
    return {achado.group(1): parte for parte in partes if (achado := re.match(r"`([a-z_]+)`\n", parte))}


def test_toda_tabela_do_codigo_tem_sua_secao_e_nenhuma_secao_sobra() -> None:
    assert tabelas(), "nenhuma Tabela(...) achada: a forma da declaração mudou?"
    assert set(secoes()) == set(tabelas())


@pytest.mark.parametrize("tabela", sorted(secoes()))
def test_a_secao_da_tabela_traz_colunas_chave_e_particao(tabela: str) -> None:
    declarada, secao = tabelas()[tabela], secoes()[tabela]
    for como in ("escreve", "lê", "retenção", "dado pessoal"):
        assert f"| {como} |" in secao
    for coluna in (*declarada.chave, *declarada.particao):
        linhas = [linha for linha in secao.splitlines() if linha.startswith(("| chave |", "| partição |"))]
        assert f"`{coluna}`" in " ".join(linhas) or "a de `" in linhas[0]
    referidas = "".join(secoes()[outra] for outra in re.findall(r"(?:de|em) `([a-z_]+)`", secao) if outra in secoes())
    atributos = set(NOMES) if "uma coluna por atributo" in secao else set()
    ditas = secao + referidas + secoes()["ouro_indicadores"] * ("as da janela e do corte" in secao)
    faltam = [
        coluna for coluna in declarada.esquema.names
        if coluna not in atributos and f"`{_do_pagador(coluna, secao)}`" not in ditas
    ]
    assert faltam == []


def _do_pagador(coluna: str, secao: str) -> str:
    """Onde a seção diz «as mesmas, com `recebedor_`», a coluna é documentada pela do pagador."""
    return coluna.replace("recebedor_", "pagador_", 1) if "as mesmas, com `recebedor_`" in secao else coluna


def test_todo_motivo_de_quarentena_esta_documentado_e_nenhum_sobra() -> None:
    secao = texto(PASTA / "dados.md").split("## Motivos de quarentena")[1].split("\n## ")[0]
    documentados = re.findall(r"^\| `([a-z_]+)` \|", secao, re.MULTILINE)
    assert documentados == [motivo.value for motivo in MotivoQuarentena]


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    lido: dict[str, Any] = yaml.safe_load(texto(BUNDLE))["resources"]["jobs"]
    return lido


def test_bundle_roda_os_tres_notebooks_em_sequencia_e_em_jobs_continuos(jobs: dict[str, Any]) -> None:
    esperados = [
        "./ingestao/notebook_ingestao.py", "./processamento/notebook_processamento.py",
        "./machine_learning/notebook_modelo.py",
    ]
    em_sequencia = [tarefa["notebook_task"]["notebook_path"] for tarefa in jobs["preparo"]["tasks"]]
    continuos = [job["tasks"][0]["notebook_task"]["notebook_path"] for job in jobs.values() if "continuous" in job]
    assert em_sequencia == continuos == esperados
    assert all((RAIZ_PROJETO / caminho).exists() for caminho in esperados)


def test_bundle_so_usa_variaveis_que_a_configuracao_conhece_e_nenhum_segredo(jobs: dict[str, Any]) -> None:
    conhecidas = {PREFIXO + campo.upper() for campo in Configuracao.__dataclass_fields__}
    for job in jobs.values():
        ambiente = job["job_clusters"][0]["new_cluster"]["spark_env_vars"]
        assert {variavel for variavel in ambiente if variavel.startswith(PREFIXO)} <= conhecidas
        assert ambiente["PIX_CHAVE_TOKENS"].startswith("{{secrets/")
        assert ambiente["PIX_MODO"] == ("continuo" if "continuous" in job else "disponivel")


def test_bundle_instala_as_versoes_da_trava(jobs: dict[str, Any]) -> None:
    trava = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", texto(RAIZ_PROJETO / "requisitos.lock"), re.MULTILINE))
    bibliotecas = [item for tarefa in jobs["preparo"]["tasks"] for item in tarefa["libraries"]]
    pedidos = dict(item["pypi"]["package"].split("==") for item in bibliotecas if "pypi" in item)
    assert pedidos
    assert {pacote: trava.get(pacote) for pacote in pedidos} == pedidos


def test_a_roda_leva_os_arquivos_que_os_pacotes_leem() -> None:
    """Sem isto o pacote instalado no Databricks não acharia regras nem custos."""
    inclusoes = re.findall(r"^recursive-include (\S+) (.+)$", texto(RAIZ_PROJETO / "MANIFEST.in"), re.MULTILINE)
    padroes = [(pasta, extensao) for pasta, extensoes in inclusoes for extensao in extensoes.split()]
    levados = {nome(arquivo) for pasta, extensao in padroes for arquivo in (RAIZ_PROJETO / pasta).rglob(extensao)}
    dos_pacotes = {
        nome(arquivo) for pacote in PACOTES for arquivo in (RAIZ_PROJETO / pacote).rglob("*")
        if arquivo.is_file() and arquivo.suffix != ".py" and "__pycache__" not in arquivo.parts
    }
    assert dos_pacotes <= levados
