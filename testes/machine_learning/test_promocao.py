"""A vida de um modelo no registro: promover passa pelo portão, desafiar não, reverter volta, tudo fica escrito."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from deltalake import write_deltalake

from comandos.principal import executar
from machine_learning import ajuste, custos, modelo, promocao, registro, registro_aliases
from machine_learning.conjunto import DIA_US, NUNCA
from machine_learning.esquema import OURO_DECISOES
from machine_learning.registro import CAMPEAO, DESAFIANTE, Corrida, VersaoModelo
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroConfiguracao, ErroEstado, ErroModelo
from processamento.atributos import NOMES
from processamento.catalogo import PADRAO
from testes.machine_learning import fabrica_lago
from testes.machine_learning.fabrica_fraude import conjunto

QUANDO = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def feito() -> ajuste.Ajuste:
    return ajuste.ajustar(
        conjunto(), agora_us=22 * DIA_US, atraso_us=2 * DIA_US, semente=0, politica=custos.ler(), quais=("logistica",)
    )


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Configuracao:
    dados = tmp_path_factory.mktemp("registro")
    return Configuracao.do_ambiente({}, dados=dados, mlflow_uri=f"sqlite:///{dados}/mlflow.db")


@pytest.fixture
def onde(base: Configuracao, request: pytest.FixtureRequest, tmp_path: Path,
         monkeypatch: pytest.MonkeyPatch) -> Configuracao:
    """Um modelo e uma pasta de dados só deste teste, também para o que vier pela linha de comando."""
    monkeypatch.chdir(tmp_path)
    cfg = replace(base, modelo=request.node.name[:60], dados=tmp_path / "dados")
    monkeypatch.setenv("PIX_DADOS", str(cfg.dados))
    monkeypatch.setenv("PIX_MLFLOW_URI", cfg.mlflow_uri)
    monkeypatch.setenv("PIX_MODELO", cfg.modelo)
    return cfg


def registrar(cfg: Configuracao, feito: ajuste.Ajuste, ap: float = 0.5, **ficha: Any) -> VersaoModelo:
    """Registra o detector ajustado, com a validação que o teste quer."""
    medidas = {"ap": ap, "brier": 0.01, "orcamento": {"0.005": {"vdr": 0.4}}}
    arquivo = cfg.dados / "entrada" / "modelo.skops"
    modelo.salvar(feito.detector, arquivo, {
        "catalogo_versao": PADRAO.versao, "validacao": medidas, "janela": feito.janela, **ficha,
    })
    return registro.registrar(cfg, Corrida("treino", {}, {"ap": ap}, {}, {}, {}), [], arquivo, NOMES)


def test_promover_sem_numero_escolhe_o_desafiante_e_o_tira_da_sombra(onde: Configuracao, feito: ajuste.Ajuste) -> None:
    um = registrar(onde, feito)
    primeira = promocao.promover(onde, None, " o   primeiro ", QUANDO)
    assert (primeira.versao, primeira.anterior, primeira.forcada) == (um, None, False)
    dois, _ = registrar(onde, feito, 0.6), registrar(onde, feito, 0.7)
    assert promocao.desafiar(onde, "2", "ver ao lado", QUANDO + timedelta(hours=1)) == dois
    segunda = promocao.promover(onde, None, "venceu em sombra", QUANDO + timedelta(hours=2))
    assert (segunda.versao, segunda.anterior) == (dois, um)
    assert "cada um em sua validação" in segunda.portao["motivo"]
    assert registro.resolver(onde, CAMPEAO) == dois
    assert registro.resolver(onde, DESAFIANTE) is None
    trocas = registro_aliases.historico(onde)
    assert next(t.motivo for t in trocas) == "o primeiro"
    assert promocao.reverter(onde, "alarmes demais", QUANDO + timedelta(hours=3)) == um


def test_so_uma_troca_por_vez(onde: Configuracao, feito: ajuste.Ajuste) -> None:
    primeira, segunda = registrar(onde, feito), registrar(onde, feito)
    promocao.promover(onde, primeira.versao, "a primeira", QUANDO)
    recusas = []

    def no_meio(_: str) -> None:
        for outra in (
            lambda: promocao.promover(onde, segunda.versao, "ao mesmo tempo", QUANDO),
            lambda: promocao.desafiar(onde, segunda.versao, "ao mesmo tempo", QUANDO),
            lambda: promocao.retirar_desafiante(onde, "ao mesmo tempo", QUANDO),
            lambda: promocao.reverter(onde, "ao mesmo tempo", QUANDO),
        ):
            with pytest.raises(ErroEstado, match=f"outra troca de {onde.modelo} está em curso") as recusa:
                outra()
            recusas.append(recusa)

    promocao.promover(onde, segunda.versao, "a segunda", QUANDO + timedelta(hours=1), passo=no_meio)
    assert recusas
    assert registro.resolver(onde, CAMPEAO) == segunda
    assert [t.motivo for t in registro_aliases.historico(onde)] == ["a primeira", "a segunda"]


def test_portao_recusa_o_pior_e_forcar_fica_gravado(onde: Configuracao, feito: ajuste.Ajuste) -> None:
    registrar(onde, feito, 0.5)
    promocao.promover(onde, "1", "o primeiro", QUANDO)
    registrar(onde, feito, 0.3)
    with pytest.raises(ErroModelo, match=r"portão recusou .* versão 2: pior que o campeão 1 em ap.*--forcar"):
        promocao.promover(onde, "2", "quero", QUANDO + timedelta(hours=1))
    assert len(registro_aliases.historico(onde)) == 1
    assert promocao.promover(onde, "2", "quero mesmo", QUANDO + timedelta(hours=1), forcar=True).forcada
    ultima = registro_aliases.historico(onde)[-1]
    assert (ultima.forcada, ultima.motivo) == (True, "quero mesmo")
    assert "pior que o campeão 1" in ultima.portao


def test_portao_recusa_quem_reprovou_em_um_controle(onde: Configuracao, feito: ajuste.Ajuste) -> None:
    registrar(onde, feito)
    controles = {
        "embaralhados": {"passou": True, "texto": "AP 0,01"}, "corte": {"passou": False, "texto": "3 de 9 Pix mudaram"},
    }
    torta = registrar(onde, feito, 0.9, controles=controles)
    with pytest.raises(ErroModelo, match=r"controle de vazamento falhou: 3 de 9 Pix mudaram; .*--forcar"):
        promocao.promover(onde, torta.versao, "parece melhor", QUANDO)


def test_portao_mede_onde_nenhum_dos_dois_aprendeu(onde: Configuracao, feito: ajuste.Ajuste) -> None:
    fabrica_lago.gravar_prata(onde, fabrica_lago.simular(eventos=3_000, contas=120, dias=20))
    cedo = {"janela": {"final": {"ate_us": 1}}}
    registrar(onde, feito, 0.5, **cedo)
    promocao.promover(onde, "1", "o primeiro", QUANDO)
    registrar(onde, feito, 0.1, **cedo)
    feita = promocao.promover(onde, "2", "o mesmo detector, outra ficha", QUANDO + timedelta(hours=1))
    assert "Pix que nenhum dos dois viu" in feita.portao["motivo"]
    assert feita.portao["candidato"] == feita.portao["campeao"]


def test_versao_que_nao_abre_nao_se_promove_nem_a_forca(onde: Configuracao, feito: ajuste.Ajuste) -> None:
    registrar(onde, feito, catalogo_versao="outro")
    for forcar in (False, True):
        with pytest.raises(ErroModelo, match="catálogo de outra versão"):
            promocao.promover(onde, "1", "quero", QUANDO, forcar=forcar)
    with pytest.raises(ErroModelo, match="catálogo de outra versão"):
        promocao.desafiar(onde, "1", "quero", QUANDO)


@pytest.mark.parametrize("desvio", [0.0, 0.01])
def test_nota_servida_em_sombra_tem_de_se_refazer(onde: Configuracao, feito: ajuste.Ajuste, desvio: float) -> None:
    versao = registrar(onde, feito)
    x = conjunto(300).x.astype(np.float64)
    servir(onde, x, feito.detector.pontuar(x) + desvio, versao.versao)
    assert promocao.paridade(onde, feito.detector, versao.versao, PADRAO)[0] == 300
    if desvio:
        with pytest.raises(ErroModelo, match=r"refeitas 300 notas servidas em sombra.*0\.01"):
            promocao.promover(onde, None, "quero", QUANDO)
    else:
        assert promocao.promover(onde, None, "repete o que serviu", QUANDO).portao["paridade"]["notas"] == 300


def servir(cfg: Configuracao, x: np.ndarray, nota: np.ndarray, versao: str) -> None:
    linhas = [[None if np.isnan(v) else float(v) for v in linha] for linha in x]
    quadro = pl.DataFrame({
        "id_evento": np.arange(len(x)), "instante_us": np.arange(len(x)), "catalogo_versao": [PADRAO.versao] * len(x),
        "atributos": pl.Series(linhas, dtype=pl.List(pl.Float64)), "desafiante_versao": [versao] * len(x),
        "desafiante_pontuacao": nota,
    })
    write_deltalake(str(OURO_DECISOES.caminho(cfg)), quadro.to_arrow())


def test_desafiante_nao_e_a_campea(onde: Configuracao, feito: ajuste.Ajuste) -> None:
    registrar(onde, feito)
    promocao.promover(onde, None, "o primeiro", QUANDO)
    with pytest.raises(ErroModelo, match="é a campeã"):
        promocao.desafiar(onde, None, "sem sentido", QUANDO)
    with pytest.raises(ErroModelo, match="já é a campeã"):
        promocao.promover(onde, None, "de novo", QUANDO)
    with pytest.raises(ErroModelo, match="não tem desafiante"):
        promocao.retirar_desafiante(onde, "nada", QUANDO)


@pytest.mark.parametrize("motivo", ["", "  \n ", "x" * 1_001])
def test_motivo_e_obrigatorio(onde: Configuracao, motivo: str) -> None:
    with pytest.raises(ErroConfiguracao, match="--motivo com"):
        promocao.reverter(onde, motivo, QUANDO)


def dito(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_os_verbos_contam_o_que_fizeram(
    onde: Configuracao, feito: ajuste.Ajuste, capsys: pytest.CaptureFixture[str]
) -> None:
    registrar(onde, feito)
    registrar(onde, feito, 0.2)
    assert executar(["promover", "1", "--motivo", "o primeiro"]) == 0
    assert "versão 1 é a campeã, a primeira (não havia campeão)" in dito(capsys)
    assert executar(["promover", "2", "--motivo", "quero"]) == 2
    erro = capsys.readouterr().err
    assert erro.startswith("erro: o portão recusou")
    assert erro.count("\n") == 1
    assert executar(["promover", "2", "--motivo", "ver", "--desafiante"]) == 0
    assert executar(["reverter", "--motivo", "visto", "--desafiante"]) == 0
    assert "versão 2 não pontua mais em sombra" in dito(capsys)
    assert executar(["promover", "2", "--motivo", "quero", "--forcar"]) == 0
    saida = capsys.readouterr()
    assert "promovida contra o portão" in saida.err
    assert "sucede à 1" in " ".join(saida.out.split())
    assert executar(["reverter", "--motivo", "errei"]) == 0
    assert "versão 1 voltou a ser a campeã" in dito(capsys)
    assert executar(["reverter", "--motivo", "mais"]) == 2
    assert executar(["promover", "42", "--motivo", "x"]) == 2
    assert "não tem a versão 42" in capsys.readouterr().err
    assert executar(["promover", "--motivo", " "]) == 2


def test_conjunto_vazio_tem_a_forma_de_um() -> None:
    assert len(promocao._vazio()) == 0
    assert promocao._vazio().y(NUNCA - 1).sum() == 0
