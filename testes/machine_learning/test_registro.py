"""O registro contra um servidor MLflow de verdade: versões, aliases, arquivo conferido, reversão."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from machine_learning import registro, registro_aliases
from machine_learning.registro import CAMPEAO, DESAFIANTE, Corrida, VersaoModelo
from machine_learning.registro_aliases import ANTERIOR, Tipo, Troca, sucedida
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroModelo, ErroServico

pytestmark = pytest.mark.servico
QUANDO = datetime(2026, 5, 1, 12, tzinfo=UTC)


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
    registro_aliases.apontar(onde, CAMPEAO, versao, "o primeiro", QUANDO)
    assert registro.resolver(onde, CAMPEAO) == versao
    assert registro.versao(onde, "1") == versao
    assert registro.medidas_de(onde, versao) == {"ap": 0.5}
    assert registro.marcas_de(onde, versao)["tabela_prata_pix"] == "3"
    caminho, sha256 = registro.materializar(onde, versao)
    assert caminho == onde.caminho("modelos", onde.modelo, "1") / "modelo.skops"
    assert caminho.read_bytes() == b"um modelo"
    assert sha256 == versao.sha256


def test_repetir_da_outro_numero_ao_mesmo_arquivo(onde: Configuracao) -> None:
    versao = registrar(onde)
    outra = registro.repetir(onde, versao)
    assert (outra.versao, outra.sha256, outra.run_id) == ("2", versao.sha256, versao.run_id)
    assert registro.marcas_de(onde, outra)["repete"] == "1"
    caminho, _ = registro.materializar(onde, outra)
    assert caminho == onde.caminho("modelos", onde.modelo, "2") / "modelo.skops"
    assert caminho.read_bytes() == b"um modelo"


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
    registro_aliases.apontar(onde, CAMPEAO, um, "o primeiro", QUANDO)
    with pytest.raises(ErroModelo, match="não há para onde reverter"):
        registro_aliases.reverter(onde, "à toa", QUANDO)
    depois = QUANDO + timedelta(hours=1)
    registro_aliases.apontar(onde, CAMPEAO, dois, "melhor", depois, portao="reprovou", forcada=True)
    assert registro.resolver(onde, CAMPEAO) == dois
    assert registro.resolver(onde, ANTERIOR) == um
    assert registro_aliases.reverter(onde, "alarmes demais", depois + timedelta(hours=1)) == um
    assert registro.resolver(onde, CAMPEAO) == um
    assert registro.resolver(onde, ANTERIOR) is None
    assert registro.marcas_de(onde, dois)["revertido_motivo"] == "alarmes demais"
    assert registro.marcas_de(onde, um)["campeao_motivo"] == "alarmes demais"
    assert registro_aliases.historico(onde) == [
        Troca("2026-05-01T12:00:00.000000Z", CAMPEAO, Tipo.APONTAR, "1", "", "o primeiro"),
        Troca("2026-05-01T13:00:00.000000Z", CAMPEAO, Tipo.APONTAR, "2", "1", "melhor", "reprovou", forcada=True),
        Troca("2026-05-01T14:00:00.000000Z", CAMPEAO, Tipo.REVERTER, "1", "2", "alarmes demais"),
    ]
    with pytest.raises(ErroModelo, match="não há para onde reverter"):
        registro_aliases.reverter(onde, "a reprovada não volta", depois)


def trocas(*movimentos: str) -> list[Troca]:
    """`3` promove a versão 3; `<3` reverte a ela; `~3` é o desafiante."""
    return [
        Troca(f"{i:02d}", DESAFIANTE if m[0] == "~" else CAMPEAO, Tipo.REVERTER if m[0] == "<" else Tipo.APONTAR,
              m.lstrip("<~"), "", "m")
        for i, m in enumerate(movimentos)
    ]


@pytest.mark.parametrize(("movimentos", "atual", "esperado"), [
    ((), "1", None), (("1",), "1", None), (("1", "2", "3"), "3", "2"), (("1", "2", "3", "<2"), "2", "1"),
    (("1", "2", "<1", "3"), "3", "1"), (("1", "2", "1"), "1", "2"), (("1", "2", "1", "<2"), "2", "1"),
    (("1", "~2"), "1", None), (("1", "2"), "9", "2"),
])
def test_reverter_volta_a_quem_foi_sucedido(movimentos: tuple[str, ...], atual: str, esperado: str | None) -> None:
    assert sucedida(trocas(*movimentos), atual) == esperado


def test_desafiante_aparece_e_some(onde: Configuracao) -> None:
    versao = registrar(onde)
    registro_aliases.apontar(onde, DESAFIANTE, versao, "em sombra", QUANDO)
    assert registro.resolver(onde, DESAFIANTE) == versao
    assert registro_aliases.soltar(onde, DESAFIANTE, "já se viu", QUANDO + timedelta(hours=1)) is not None
    assert registro_aliases.soltar(onde, DESAFIANTE, "de novo", QUANDO + timedelta(hours=2)) is None
    assert registro.resolver(onde, DESAFIANTE) is None
    assert [(t.tipo, t.versao, t.anterior) for t in registro_aliases.historico(onde)] == [
        (Tipo.APONTAR, "1", ""), (Tipo.SOLTAR, "", "1"),
    ]
    assert registro.marcas_de(onde, versao)["desafiante_retirado_motivo"] == "já se viu"


def test_a_mais_nova(onde: Configuracao) -> None:
    assert registro_aliases.mais_nova(onde) is None
    registrar(onde)
    nova = registrar(onde, b"outro modelo")
    assert registro_aliases.mais_nova(onde) == nova


def test_sem_campeao_nada_a_reverter(onde: Configuracao) -> None:
    assert registro_aliases.historico(onde) == []
    with pytest.raises(ErroModelo, match="não tem campeão"):
        registro_aliases.reverter(onde, "à toa", QUANDO)


def test_versao_desconhecida(onde: Configuracao) -> None:
    registrar(onde)
    with pytest.raises(ErroModelo, match="não tem a versão 42"):
        registro.versao(onde, "42")


def test_servidor_fora_do_ar(onde: Configuracao) -> None:
    fora = replace(onde, mlflow_uri="http://127.0.0.1:9")
    with pytest.raises(ErroServico, match=r"127\.0\.0\.1:9"):
        registro.resolver(fora, CAMPEAO)
