"""Os jars: versões de um só lugar, somas conferidas, adulteração recusada."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from plataforma import jars
from plataforma.erros import ErroAmbiente


@pytest.fixture
def pasta(tmp_path: Path) -> tuple[Path, Path]:
    """Uma pasta com um jar de brinquedo e o arquivo de somas que o descreve."""
    raiz = tmp_path / "jars"
    (raiz / "spark").mkdir(parents=True)
    (raiz / "spark" / "x.jar").write_bytes(b"conteudo")
    somas = tmp_path / "jars.sha256"
    somas.write_text(f"{hashlib.sha256(b'conteudo').hexdigest()}  spark/x.jar\n")
    return raiz, somas


def test_jar_intacto_e_aceito_e_anotado(pasta: tuple[Path, Path]) -> None:
    raiz, somas = pasta
    assert jars.garantir_jars(raiz, somas=somas) == raiz
    assert jars.conferidos(raiz, jars.ler_somas(somas))


def test_jar_adulterado_e_recusado_com_a_saida(pasta: tuple[Path, Path]) -> None:
    raiz, somas = pasta
    jars.garantir_jars(raiz, somas=somas)
    jar = raiz / "spark" / "x.jar"
    jar.write_bytes(b"CONTEUDO")  # mesmo tamanho
    os.utime(jar, ns=(1, 1))
    with pytest.raises(ErroAmbiente, match=r"jar adulterado: .*spark/x\.jar.*rm ") as erro:
        jars.garantir_jars(raiz, somas=somas)
    assert "\n" not in str(erro.value)


def test_jar_ausente_e_download_impossivel_dizem_a_rede(
    pasta: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    raiz, somas = pasta
    (raiz / "spark" / "x.jar").unlink()
    monkeypatch.setattr(jars, "_executar", lambda comando: "sem rede")
    with pytest.raises(ErroAmbiente, match=r"o Ivy não trouxe spark/x\.jar: confira a rede"):
        jars.garantir_jars(raiz, somas=somas)
    assert not list(raiz.glob(".baixando-*"))


def test_jar_baixado_com_conteudo_errado_e_recusado(
    pasta: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    raiz, somas = pasta
    (raiz / "spark" / "x.jar").unlink()

    def ivy_falso(comando: list[str]) -> str:
        destino = Path(comando[-1].replace("[conf]/[artifact]-[revision].[ext]", "spark/x.jar"))
        destino.parent.mkdir()
        destino.write_bytes(b"outra coisa")
        return "ok"

    monkeypatch.setattr(jars, "_executar", ivy_falso)
    with pytest.raises(ErroAmbiente, match="adulterado"):
        jars.garantir_jars(raiz, somas=somas)


def test_somas_do_projeto_cobrem_as_versoes_do_ivy() -> None:
    versoes, somas = jars.versoes(), jars.ler_somas()
    assert f"broker/kafka_2.13-{versoes.broker}.jar" in somas
    assert f"spark/spark-sql-kafka-0-10_2.13-{versoes.conector_kafka}.jar" in somas
    assert f"spark/delta-spark_4.1_2.13-{versoes.delta}.jar" in somas


def test_jars_de_um_conjunto_sao_so_os_nomeados(tmp_path: Path) -> None:
    assert {jar.parent.name for jar in jars.jars_de("broker", tmp_path)} == {"broker"}
    assert len(jars.jars_de("spark", tmp_path)) == 7
