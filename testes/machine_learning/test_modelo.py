"""O detector: forma, determinismo, explicação, arquivo conferido."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skops import io as skops_io

from machine_learning.acoes import Acao
from machine_learning.calibracao import FORMAS, Calibrador, ajustar, escolher, logito
from machine_learning.candidatos import COMPONENTES
from machine_learning.modelo import TIPOS_CONFIAVEIS, Detector, carregar, salvar
from plataforma.erros import ErroDados, ErroModelo
from processamento.atributos import NOMES
from processamento.catalogo import PADRAO
from testes.machine_learning.fabrica_fraude import conjunto

FICHA = {"catalogo_versao": PADRAO.versao}


@pytest.fixture(scope="module", params=list(COMPONENTES))
def detector(request: pytest.FixtureRequest) -> Detector:
    c = conjunto()
    d = Detector(request.param, semente=3).fit(c.x, c.y())
    d.calibrador_ = ajustar("sigmoide", d.pontuar(c.x), c.y())
    d.limiares = {Acao.AUTENTICAR_REFORCADO: 0.1, Acao.REJEITAR: 0.9}
    return d


def test_pontua_em_ordem_e_com_nulos(detector: Detector) -> None:
    c = conjunto(semente=9)
    nota = detector.pontuar(c.x)
    assert nota.dtype == np.float64
    assert nota.shape == (len(c),)
    assert ((nota > 0) & (nota < 1)).all()
    assert nota[c.y() == 1].mean() > nota[c.y() == 0].mean()
    assert np.isfinite(detector.pontuar(np.full((3, len(NOMES)), np.nan))).all()


def test_descarta_o_que_nao_varia(detector: Detector) -> None:
    assert detector.colunas_.tolist() == [1, 2, 3, 4, 5]


def test_mesma_semente_mesmas_notas(detector: Detector) -> None:
    c = conjunto()
    outro = Detector(detector.candidato, semente=3, tarefas=2).fit(c.x, c.y())
    np.testing.assert_array_equal(outro.pontuar(c.x), detector.pontuar(c.x))


def test_contribuicoes_somam_o_logito_menos_uma_base(detector: Detector) -> None:
    c = conjunto(60, semente=5)
    phi = detector.contribuicoes(c.x)
    assert phi.shape == (60, len(NOMES))
    assert not phi[:, 6:].any()
    base = logito(detector.pontuar(c.x)) - phi.sum(axis=1)
    np.testing.assert_allclose(base, base[0], atol=1e-8)


def test_probabilidade_preserva_a_ordem(detector: Detector) -> None:
    nota = detector.pontuar(conjunto(500, semente=6).x)
    ordem = np.argsort(nota)
    assert (np.diff(detector.calibrar(nota)[ordem]) >= 0).all()
    assert np.isnan(detector.calibrar(np.array([np.nan]))).all()


def test_ida_e_volta_ao_arquivo(detector: Detector, tmp_path: Path) -> None:
    c = conjunto(200, semente=7)
    sha256 = salvar(detector, tmp_path / "m" / "modelo.skops", FICHA)
    lido = carregar(tmp_path / "m" / "modelo.skops", sha256)
    np.testing.assert_array_equal(lido.pontuar(c.x), detector.pontuar(c.x))
    np.testing.assert_array_equal(lido.probabilidade(c.x), detector.probabilidade(c.x))
    np.testing.assert_array_equal(lido.contribuicoes(c.x[:5]), detector.contribuicoes(c.x[:5]))
    assert lido.limiares == detector.limiares
    assert lido.metadados["catalogo_versao"] == PADRAO.versao


def test_arquivo_trocado_e_recusado_antes_de_abrir(tmp_path: Path) -> None:
    arquivo = tmp_path / "modelo.skops"
    arquivo.write_bytes(b"nada disto se abre")
    with pytest.raises(ErroModelo, match="SHA-256"):
        carregar(arquivo, "0" * 64)
    with pytest.raises(ErroModelo, match="não foi possível ler"):
        carregar(tmp_path / "ausente.skops", "0" * 64)


class Intruso:
    """Um tipo que não é nosso."""


@pytest.mark.parametrize(("objeto", "trecho"), [
    ({"metadados": "{}", "estimadores": {"x": Intruso()}}, "fora da lista"),
    ({"outra": 1}, "forma de um detector"),
    ({"metadados": "{", "estimadores": {}}, "ilegíveis"),
    ({"metadados": json.dumps({"formato": 1}), "estimadores": {}}, "ilegíveis"),
])
def test_conteudo_estranho_e_recusado(tmp_path: Path, objeto: Any, trecho: str) -> None:
    arquivo = tmp_path / "modelo.skops"
    conteudo = skops_io.dumps(objeto)
    arquivo.write_bytes(conteudo)
    with pytest.raises(ErroModelo, match=trecho):
        carregar(arquivo, hashlib.sha256(conteudo).hexdigest())


def test_pickle_nunca_e_aberto(tmp_path: Path) -> None:
    arquivo = tmp_path / "modelo.skops"
    conteudo = pickle.dumps({"metadados": "{}"})
    arquivo.write_bytes(conteudo)
    with pytest.raises(ErroModelo, match="skops legível"):
        carregar(arquivo, hashlib.sha256(conteudo).hexdigest())


def test_outro_catalogo_e_recusado(detector: Detector, tmp_path: Path) -> None:
    sha256 = salvar(detector, tmp_path / "modelo.skops", {"catalogo_versao": "outro"})
    with pytest.raises(ErroModelo, match="catálogo de outra versão"):
        carregar(tmp_path / "modelo.skops", sha256)
    assert carregar(tmp_path / "modelo.skops", sha256, "outro").candidato == detector.candidato


def test_tipos_confiaveis_sao_so_do_sklearn_e_do_numpy() -> None:
    assert all(tipo.split(".")[0] in {"sklearn", "numpy"} for tipo in TIPOS_CONFIAVEIS)


@pytest.mark.parametrize(("y", "trecho"), [(np.zeros(50), "duas classes"), (np.ones(20), "50 linhas")])
def test_rotulos_ruins(y: np.ndarray, trecho: str) -> None:
    with pytest.raises(ErroDados, match=trecho):
        Detector("logistica").fit(conjunto(50).x, y)


def test_largura_errada_e_recusada(detector: Detector) -> None:
    with pytest.raises(ErroModelo, match="atributos"):
        detector.pontuar(np.zeros((2, 3)))


def test_candidato_desconhecido() -> None:
    with pytest.raises(ErroDados, match="não existe"):
        Detector("oraculo").fit(conjunto(50).x, conjunto(50).y())


@pytest.mark.parametrize("forma", FORMAS)
def test_calibracao_acerta_a_media_e_nao_inverte(forma: str) -> None:
    g = np.random.default_rng(0)
    verdade = g.beta(0.3, 5, 20_000)
    y = (g.random(20_000) < verdade).astype(np.int8)
    c = ajustar(forma, verdade**1.5, y)
    p = c.aplicar(verdade**1.5)
    assert abs(p.mean() - y.mean()) < 0.005
    assert (np.diff(c.aplicar(np.linspace(0, 1, 200))) >= -1e-12).all()
    assert Calibrador.de_dict(json.loads(json.dumps(c.para_dict()))) == c


def test_nota_sem_sinal_nao_inverte_a_ordem() -> None:
    g = np.random.default_rng(1)
    nota = g.random(2_000)
    y = (g.random(2_000) < 0.3 * (1 - nota)).astype(np.int8)
    assert (np.diff(ajustar("sigmoide", nota, y).aplicar(np.linspace(0, 1, 50))) >= 0).all()
    assert escolher(nota, y)[0].forma in FORMAS
