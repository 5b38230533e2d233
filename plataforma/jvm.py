"""O arquivo de classes já carregadas (AppCDS do próprio Java): a primeira execução o grava, as outras partem dele.

Em uma JVM fria, boa parte do primeiro minuto do Spark é achar, ler e verificar classes (docs/adr/0008). O arquivo só
vale para o mesmo Java e os mesmos jars, que estão no nome dele; sem ele tudo funciona igual, mais devagar.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from plataforma.configuracao import RAIZ_PROJETO
from plataforma.jars import ARQUIVO_SOMAS, PASTA_JARS
from plataforma.maquina import encontrar_java

PASTA: Final = RAIZ_PROJETO / ".pix" / "jvm"
_SEM_AVISOS: Final = ("-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off", "-Xlog:class+path=off")


def opcoes(conjunto: str, *, gravar: bool = False, pasta: Path = PASTA) -> list[str]:
    """As opções de classes da JVM de `conjunto` (`spark` ou `broker`).

    Usa o arquivo, se há; senão, com `gravar`, manda a JVM escrevê-lo quando terminar por si (ver `guardar`).
    """
    arquivo = arquivo_classes(conjunto, pasta)
    if arquivo.exists():
        return [f"-XX:SharedArchiveFile={arquivo}", *_SEM_AVISOS]
    if not gravar:
        return []
    pasta.mkdir(parents=True, exist_ok=True)
    return [f"-XX:ArchiveClassesAtExit={_provisorio(arquivo)}", *_SEM_AVISOS]


def guardar(conjunto: str, pasta: Path = PASTA) -> bool:
    """Põe em uso o arquivo que uma JVM acabou de gravar; devolve se havia um. Só depois que ela saiu por si."""
    arquivo = arquivo_classes(conjunto, pasta)
    if not _provisorio(arquivo).exists():
        return False
    _provisorio(arquivo).replace(arquivo)
    return True


def arquivo_classes(conjunto: str, pasta: Path = PASTA) -> Path:
    """Onde fica o arquivo que serve a este Java e a estes jars, exista ou não."""
    java = encontrar_java()
    marca = hashlib.sha256(f"{java.resolve() if java else ''}\n{PASTA_JARS}\n".encode())
    for arquivo in (ARQUIVO_SOMAS, RAIZ_PROJETO / "requisitos.lock"):
        marca.update(arquivo.read_bytes())
    return pasta / f"{conjunto}-{marca.hexdigest()[:16]}.jsa"


def _provisorio(arquivo: Path) -> Path:
    return arquivo.with_suffix(".gravando")
