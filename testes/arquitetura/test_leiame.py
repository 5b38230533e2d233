"""O que o README manda digitar existe: cada `./pix verbo --opção` está no aplicativo."""

from __future__ import annotations

import re

import pytest
import typer.main

from comandos.principal import criar_app
from plataforma.configuracao import RAIZ_PROJETO

DOCUMENTOS = ["README.md", *sorted(str(doc.relative_to(RAIZ_PROJETO)) for doc in (RAIZ_PROJETO / "docs").rglob("*.md"))]
COMANDO = re.compile(r"\./pix +([a-z][a-z-]*)([^`\n|#)]*)")


@pytest.mark.parametrize("documento", DOCUMENTOS)
def test_comandos_citados_existem(documento: str) -> None:
    arquivo = RAIZ_PROJETO / documento
    assert arquivo.exists(), f"falta {documento}: escreva-o"
    verbos = typer.main.get_command(criar_app()).commands
    citados = COMANDO.findall(arquivo.read_text())
    assert citados or documento != "README.md", "o README não cita nenhum comando ./pix"
    for verbo, resto in citados:
        assert verbo in verbos, f"{documento}: ./pix {verbo} não existe"
        opcoes = {opcao for parametro in verbos[verbo].params for opcao in (*parametro.opts, *parametro.secondary_opts)}
        usadas = re.findall(r"(?<![\w-])(--?[a-zA-Z][\w-]*)", resto)
        desconhecidas = set(usadas) - opcoes - {"--ajuda", "--help", "-h"}
        assert not desconhecidas, f"{documento}: ./pix {verbo} não tem {', '.join(sorted(desconhecidas))}"
