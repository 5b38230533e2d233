"""O que a máquina oferece: Java, ambiente de processos e portas. Cada falta tem uma única mensagem, com o conserto.

Fora de `configuracao`, só este módulo toca `os.environ`: ambiente de processo não é configuração.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from plataforma.configuracao import RAIZ_PROJETO
from plataforma.erros import ErroAmbiente

JAVA_MINIMO: Final = 17
CONSERTO_JAVA: Final = (
    "instale o Java 17 (Debian/Ubuntu: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk@17) "
    "ou aponte JAVA_HOME para ele"
)
PRAZO_JAVA_SEGUNDOS: Final = 30
VARIAVEL_CHAVE: Final = "PIX_CHAVE_TOKENS"
PASSOS_DE_CORTESIA: Final = 15
"""Em disputa, uns 3 % do processador para quem cede; fonte: sched(7), cada passo de `nice` vale um fator 1,25."""
_REGISTRO: Final = logging.getLogger(__name__)
_VERSAO_JAVA: Final = re.compile(r'version "(?:1\.)?(\d+)')


def encontrar_java() -> Path | None:
    """O `java` que o Spark também usará: o de JAVA_HOME, senão o do PATH; nulo = nenhum."""
    casa = os.environ.get("JAVA_HOME")
    if casa:
        candidato = Path(casa) / "bin" / "java"
        return candidato if candidato.exists() else None
    achado = shutil.which("java")
    return Path(achado) if achado else None


def versao_java(java: Path) -> int | None:
    """O número maior da versão (17 em `17.0.15`); nulo = o programa não respondeu como um Java."""
    try:
        saida = subprocess.run(  # noqa: S603  só o java do PATH ou de JAVA_HOME
            [str(java), "-version"], capture_output=True, text=True, timeout=PRAZO_JAVA_SEGUNDOS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    achado = _VERSAO_JAVA.search(saida.stderr + saida.stdout)
    return int(achado.group(1)) if achado else None


def exigir_java() -> Path:
    """O caminho do `java`, conferida a versão.

    Levanta:
        ErroAmbiente: quando falta Java ou ele é mais velho que o 17; a mensagem é a mesma em todo comando.
    """
    java = encontrar_java()
    if java is None:
        msg = f"Java {JAVA_MINIMO} ou mais novo não encontrado: {CONSERTO_JAVA}"
        raise ErroAmbiente(msg)
    versao = versao_java(java)
    if versao is None or versao < JAVA_MINIMO:
        achado = "sem versão reconhecível" if versao is None else f"versão {versao}"
        msg = f"Java {JAVA_MINIMO} ou mais novo não encontrado ({java}: {achado}): {CONSERTO_JAVA}"
        raise ErroAmbiente(msg)
    return java


def ambiente_processo(**acrescimos: str) -> dict[str, str]:
    """Uma cópia do ambiente deste processo para um filho, com a raiz do projeto no PYTHONPATH.

    A chave dos tokens só passa adiante se estiver nos acréscimos: o broker e o MLflow não precisam dela.
    """
    ambiente = {**os.environ, **acrescimos}
    if VARIAVEL_CHAVE not in acrescimos:
        ambiente.pop(VARIAVEL_CHAVE, None)
    ambiente["PYTHONPATH"] = pythonpath_com_raiz(ambiente)
    return ambiente


def ceder_processador(passos: int = PASSOS_DE_CORTESIA) -> None:
    """Este processo e os que ele criar só usam o que os outros deixam livre de processador (`nice`).

    Onde o Linux agrupa por sessão (autogroup), o `nice` só vale dentro do grupo: o do grupo também é ajustado.
    """
    os.nice(passos)
    grupo = Path("/proc/self/autogroup")
    if grupo.exists():
        try:
            grupo.write_text(str(passos))
        except OSError as erro:
            _REGISTRO.warning("o sistema não deixou ajustar %s (%s): o lago pode atrasar o resto", grupo, erro.strerror)


def definir_ambiente(valores: Mapping[str, str]) -> None:
    """Escreve no ambiente deste processo o que a JVM do Spark e seus filhos herdarão."""
    os.environ.update(valores)


def pythonpath_com_raiz(ambiente: Mapping[str, str] | None = None) -> str:
    """O PYTHONPATH com que qualquer processo nosso importa os pacotes da raiz, sem repeti-la."""
    atual = (os.environ if ambiente is None else ambiente).get("PYTHONPATH", "")
    partes = [str(RAIZ_PROJETO), *(parte for parte in atual.split(os.pathsep) if parte)]
    return os.pathsep.join(dict.fromkeys(partes))


def porta_livre(porta: int, endereco: str = "127.0.0.1") -> bool:
    """Se ninguém escuta em `endereco:porta` (TCP). SO_REUSEADDR ignora conexões já fechadas em TIME_WAIT."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tomada:
        tomada.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tomada.bind((endereco, porta))
        except OSError:
            return False
    return True


def exigir_gravavel(pasta: Path) -> None:
    """Cria a pasta e prova, com um arquivo, que se pode escrever nela.

    Levanta:
        ErroAmbiente: quando não se pode; diz a pasta e a variável que escolhe outra.
    """
    try:
        pasta.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".escrita-", dir=pasta):
            pass
    except OSError as erro:
        msg = f"não foi possível escrever em {pasta}: {erro.strerror}. Escolha outra pasta com PIX_DADOS"
        raise ErroAmbiente(msg) from erro


def variavel(nome: str) -> str:
    """Uma variável de ambiente que não é configuração (quem cria o processo a define); vazia se ausente."""
    return os.environ.get(nome, "")
