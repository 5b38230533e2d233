"""Os jars: baixados uma vez pelo Ivy que vem no PySpark, cada um conferido contra `jars.sha256`.

As versões estão só em `ivy.xml`. Depois do primeiro uso nada é resolvido pela rede.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from plataforma.configuracao import RAIZ_PROJETO
from plataforma.erros import ErroAmbiente
from plataforma.maquina import exigir_java

PASTA_JARS: Final = RAIZ_PROJETO / ".pix" / "jars"
ARQUIVO_SOMAS: Final = RAIZ_PROJETO / "jars.sha256"
ARQUIVO_IVY: Final = RAIZ_PROJETO / "ivy.xml"
CONFERIDOS: Final = ".conferidos.json"
PRAZO_DOWNLOAD_SEGUNDOS: Final = 900
LINHAS_DE_ERRO: Final = 3
_BLOCO_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Versoes:
    """As versões dos componentes Java, lidas de `ivy.xml`."""

    broker: str
    conector_kafka: str
    delta: str


def versoes(ivy: Path = ARQUIVO_IVY) -> Versoes:
    """Lê as versões da única definição.

    Levanta:
        ErroAmbiente: quando `ivy.xml` não traz um dos componentes.
    """
    # Arquivo do próprio projeto, sob controle de versão: não é XML de terceiros.
    revisoes = {d.get("name", ""): d.get("rev", "") for d in ET.parse(ivy).iter("dependency")}  # noqa: S314

    def de(nome: str) -> str:
        if nome not in revisoes:
            msg = f"{ivy} não declara {nome}: restaure o arquivo com `git checkout -- ivy.xml`"
            raise ErroAmbiente(msg)
        return revisoes[nome]

    return Versoes(de("kafka_2.13"), de("spark-sql-kafka-0-10_2.13"), de("delta-spark_4.1_2.13"))


def ler_somas(arquivo: Path = ARQUIVO_SOMAS) -> dict[str, str]:
    """Caminho relativo (`spark/x.jar`, `broker/x.jar`) → SHA-256 em hexadecimal, do formato de `sha256sum`."""
    linhas = (linha.split(maxsplit=1) for linha in arquivo.read_text().splitlines() if linha.strip())
    return {caminho.strip().lstrip("*"): soma for soma, caminho in linhas}


def jars_de(conjunto: str, raiz: Path = PASTA_JARS) -> list[Path]:
    """Os jars de `spark` ou `broker`: só os que `jars.sha256` nomeia; um arquivo estranho nunca é carregado."""
    return [raiz / caminho for caminho in sorted(ler_somas()) if caminho.startswith(f"{conjunto}/")]


def garantir_jars(
    raiz: Path = PASTA_JARS, mostrar: Callable[[str], None] | None = None, somas: Path = ARQUIVO_SOMAS
) -> Path:
    """Baixa o que falta, confere o que há e devolve a pasta.

    A conferência fica anotada por tamanho e instante de modificação, para não reler 60 MB a cada início.

    Levanta:
        ErroAmbiente: sem Java, sem rede, ou com um jar cuja soma não confere; diz o que apagar ou repetir.
    """
    esperadas = ler_somas(somas)
    if conferidos(raiz, esperadas):
        return raiz
    raiz.mkdir(parents=True, exist_ok=True)
    with (raiz / ".trava").open("w") as trava:
        fcntl.flock(trava, fcntl.LOCK_EX)  # dois primeiros usos ao mesmo tempo: o segundo espera e aproveita
        if any(not (raiz / caminho).exists() for caminho in esperadas):
            if mostrar:
                mostrar("Baixando os jars do Spark, do Delta e do Kafka (uma vez só, cerca de 60 MB)…")
            _baixar(raiz, esperadas)
        conferir_jars(raiz, esperadas)
    return raiz


def conferidos(raiz: Path, esperadas: dict[str, str]) -> bool:
    """Se a anotação cobre exatamente os jars de agora (soma esperada, tamanho e modificação iguais)."""
    try:
        anotados = json.loads((raiz / CONFERIDOS).read_text())
        return bool(anotados == _retrato(raiz, esperadas))
    except (OSError, ValueError):
        return False


def conferir_jars(raiz: Path, esperadas: dict[str, str]) -> None:
    """Relê cada jar e compara a soma; anota o resultado.

    Levanta:
        ErroAmbiente: no primeiro jar ausente ou adulterado.
    """
    for caminho, esperada in esperadas.items():
        arquivo = raiz / caminho
        if not arquivo.exists():
            msg = f"jar ausente: {arquivo}. Rode ./pix diagnostico com acesso à rede para baixá-lo"
            raise ErroAmbiente(msg)
        obtida = _sha256(arquivo)
        if obtida != esperada:
            msg = (
                f"jar adulterado: {arquivo} (SHA-256 {obtida[:12]}…, jars.sha256 espera {esperada[:12]}…). "
                f"Apague-o (rm {arquivo}) e repita o comando para baixá-lo de novo"
            )
            raise ErroAmbiente(msg)
    provisorio = raiz / f"{CONFERIDOS}.{os.getpid()}"
    provisorio.write_text(json.dumps(_retrato(raiz, esperadas)))
    provisorio.replace(raiz / CONFERIDOS)


def caminho_ivy() -> Path:
    """O jar do Ivy que acompanha o PySpark instalado.

    Levanta:
        ErroAmbiente: quando o PySpark não está instalado ou veio sem o Ivy.
    """
    modulo = importlib.util.find_spec("pyspark")
    if modulo is None or modulo.origin is None:
        msg = "PySpark não está instalado neste Python: use ./pix, que prepara o ambiente"
        raise ErroAmbiente(msg)
    achados = sorted((Path(modulo.origin).parent / "jars").glob("ivy-*.jar"))
    if not achados:
        msg = "o PySpark instalado veio sem o Ivy: apague .pix/ambiente e repita o comando"
        raise ErroAmbiente(msg)
    return achados[-1]


def _baixar(raiz: Path, esperadas: dict[str, str]) -> None:
    java = exigir_java()
    with tempfile.TemporaryDirectory(dir=raiz, prefix=".baixando-") as temporaria:
        padrao = f"{temporaria}/[conf]/[artifact]-[revision].[ext]"
        comando = [str(java), "-jar", str(caminho_ivy()), "-ivy", str(ARQUIVO_IVY), "-confs", "spark", "broker",
                   "-retrieve", padrao]
        saida = _executar(comando)
        for caminho in esperadas:
            destino, baixado = raiz / caminho, Path(temporaria) / caminho
            if destino.exists():
                continue
            if not baixado.exists():
                msg = f"o Ivy não trouxe {caminho}: confira a rede e repita o comando. Última saída: {saida}"
                raise ErroAmbiente(msg)
            destino.parent.mkdir(parents=True, exist_ok=True)
            baixado.replace(destino)


def _executar(comando: list[str]) -> str:
    try:
        feito = subprocess.run(  # noqa: S603  comando fixo, sem entrada do usuário
            comando, capture_output=True, text=True, timeout=PRAZO_DOWNLOAD_SEGUNDOS, check=False
        )
    except subprocess.TimeoutExpired as erro:
        msg = f"o download dos jars passou de {PRAZO_DOWNLOAD_SEGUNDOS} s: confira a rede e repita o comando"
        raise ErroAmbiente(msg) from erro
    linhas = [linha.strip() for linha in (feito.stdout + feito.stderr).splitlines() if linha.strip()]
    resumo = " / ".join(linhas[-LINHAS_DE_ERRO:])
    if feito.returncode:
        msg = f"o download dos jars falhou (Maven Central inalcançável?): confira a rede e repita. Saída: {resumo}"
        raise ErroAmbiente(msg)
    return resumo


def _retrato(raiz: Path, esperadas: dict[str, str]) -> dict[str, list[str | int]]:
    retrato: dict[str, list[str | int]] = {}
    for caminho, soma in esperadas.items():
        estado = (raiz / caminho).stat()
        retrato[caminho] = [soma, estado.st_size, estado.st_mtime_ns]
    return retrato


def _sha256(arquivo: Path) -> str:
    soma = hashlib.sha256()
    with arquivo.open("rb") as entrada:
        while bloco := entrada.read(_BLOCO_BYTES):
            soma.update(bloco)
    return soma.hexdigest()
