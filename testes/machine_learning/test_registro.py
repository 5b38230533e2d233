"""O registro contra um servidor MLflow de verdade: versões, aliases, arquivo conferido, reversão."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from machine_learning import registro
from machine_learning.registro import CAMPEAO, DESAFIANTE, Corrida, VersaoModelo
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroModelo, ErroServico

pytestmark = pytest.mark.servico


@pytest.fixture
def onde(mlflow_vivo: Configuracao, tmp_path: Path, request: pytest.FixtureRequest) -> Configuracao:
    """O servidor partilhado, com um modelo só deste teste e pasta própria."""
    return replace(mlflow_vivo, modelo=request.node.name[:60], dados=tmp_path / "dados")


def corrida(nome: str = "treino", **medidas: float) -> Corrida:
    return Corrida(nome, {"candidato": "boosting"}, {"ap": 0.5, "vazia": float("nan"), **medidas},
                   {"tabela_prata_pix": "3"}, {}, {"limiares.json": {"REJEITAR": 0.9}})


def registrar(cfg: Configuracao, conteudo: bytes = b"um modelo") -> VersaoModelo:
    arquivo = cfg.dados / "entrada" / "modelo.skops"
    arquivo.parent.mkdir(parents=True, exist_ok=True)
    arquivo.write_bytes(conteudo)
    return registro.registrar(cfg, corrida(), [corrida("logistica", ap=0.4)], arquivo, ["a", "b"])


def test_registra_resolve_e_materializa(onde: Configuracao) -> None:
    assert registro.resolver(onde, CAMPEAO) is None
    versao = registrar(onde)
    assert (versao.nome, versao.versao) == (onde.modelo, "1")
    registro.apontar(onde, CAMPEAO, versao, "o primeiro")
    assert registro.resolver(onde, CAMPEAO) == versao
    assert registro.versao(onde, "1") == versao
    assert registro.medidas_de(onde, versao) == {"ap": 0.5}
    assert registro.marcas_de(onde, versao)["tabela_prata_pix"] == "3"
    caminho, sha256 = registro.materializar(onde, versao)
    assert caminho == onde.caminho("modelos", onde.modelo, "1") / "modelo.skops"
    assert caminho.read_bytes() == b"um modelo"
    assert sha256 == versao.sha256


def test_arquivo_local_estragado_e_baixado_de_novo(onde: Configuracao) -> None:
    versao = registrar(onde)
    caminho, _ = registro.materializar(onde, versao)
    caminho.write_bytes(b"estragado")
    assert registro.materializar(onde, versao)[0].read_bytes() == b"um modelo"
    assert list(caminho.parent.iterdir()) == [caminho]


def test_arquivo_remoto_trocado_e_recusado(onde: Configuracao) -> None:
    versao = replace(registrar(onde), sha256="0" * 64)
    with pytest.raises(ErroModelo, match="não é o registrado"):
        registro.materializar(onde, versao)
    assert not (onde.caminho("modelos", onde.modelo, "1") / "modelo.skops").exists()


def test_promove_reverte_e_guarda_os_motivos(onde: Configuracao) -> None:
    um, dois = registrar(onde), registrar(onde, b"outro modelo")
    registro.apontar(onde, CAMPEAO, um, "o primeiro")
    with pytest.raises(ErroModelo, match="não há para onde reverter"):
        registro.reverter(onde, "à toa")
    registro.apontar(onde, CAMPEAO, dois, "melhor")
    assert registro.resolver(onde, CAMPEAO) == dois
    assert registro.reverter(onde, "alarmes demais") == um
    assert registro.resolver(onde, CAMPEAO) == um
    assert registro.marcas_de(onde, dois)["revertido_motivo"] == "alarmes demais"
    assert registro.marcas_de(onde, um)["campeao_motivo"] == "reversão: alarmes demais"


def test_desafiante_aparece_e_some(onde: Configuracao) -> None:
    versao = registrar(onde)
    registro.apontar(onde, DESAFIANTE, versao, "em sombra")
    assert registro.resolver(onde, DESAFIANTE) == versao
    registro.soltar(onde, DESAFIANTE)
    registro.soltar(onde, DESAFIANTE)
    assert registro.resolver(onde, DESAFIANTE) is None


def test_sem_campeao_nada_a_reverter(onde: Configuracao) -> None:
    with pytest.raises(ErroModelo, match="não tem campeão"):
        registro.reverter(onde, "à toa")


def test_versao_desconhecida(onde: Configuracao) -> None:
    registrar(onde)
    with pytest.raises(ErroModelo, match="não tem a versão 42"):
        registro.versao(onde, "42")


def test_servidor_fora_do_ar(onde: Configuracao) -> None:
    fora = replace(onde, mlflow_uri="http://127.0.0.1:9")
    with pytest.raises(ErroServico, match=r"127\.0\.0\.1:9"):
        registro.resolver(fora, CAMPEAO)
