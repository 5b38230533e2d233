"""A população sintética da bancada: válida para o produto, na densidade e no calor pedidos, sempre a mesma."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from comandos.desempenho import populacao
from comandos.desempenho.populacao import DIA_US, Calor, Populacao, carregar, povoar
from plataforma.configuracao import Configuracao
from processamento.normalizado import Normalizado
from processamento.protecao import SEM_ENTIDADE, Tokenizador
from processamento.qualidade import avaliar
from processamento.tabelas import PRATA_PIX

FIM_US = 1_795_185_000_000_000
TOKENIZADOR = Tokenizador(b"k" * 32, "v1")


@pytest.fixture
def cfg(cfg_sessao: Configuracao, tmp_path: Path) -> Configuracao:
    return replace(cfg_sessao, dados=tmp_path)


def test_a_carga_e_aceita_pelo_validador_com_os_inteiros_da_historia(cfg: Configuracao, tmp_path: Path) -> None:
    pop = Populacao(50, 3)
    conta, ate_us = carregar(cfg, pop, 400, FIM_US, Calor(), tmp_path / "c.arrow")
    with pa.memory_map(str(conta.arquivo)) as mapa:
        valores = pa.ipc.open_file(mapa).read_all().column("valor").to_pylist()
    lidos = [avaliar(valor, TOKENIZADOR) for valor in valores]
    assert len(lidos) == conta.decisoes == 400
    assert all(isinstance(pix, Normalizado) for pix in lidos)
    assert {pix.pagador_id for pix in lidos} | {pix.recebedor_id for pix in lidos} == set(pop.id_conta.tolist())
    assert {pix.dispositivo_id for pix in lidos} <= {SEM_ENTIDADE, *pop.id_aparelho.tolist()}
    assert len({pix.id_fim_a_fim for pix in lidos}) == 400
    assert lidos[0].instante_us == FIM_US
    assert ate_us - FIM_US == pytest.approx(400 * DIA_US / 25, rel=0.01)


def test_o_calor_e_a_fracao_pedida() -> None:
    sorteio = Populacao(10_000, 1).sortear(50_000, Calor(recebedor=0.3, pagador=0.1))
    assert np.mean(sorteio.recebedor == 1) == pytest.approx(0.3, abs=0.01)
    assert np.mean(sorteio.pagador == 0) == pytest.approx(0.1, abs=0.01)
    assert (sorteio.recebedor != sorteio.pagador).all()
    morno = Populacao(10_000, 1).sortear(50_000, Calor())
    assert np.bincount(morno.recebedor).max() < 50


def test_a_historia_troca_a_prata_pela_populacao_pedida(cfg: Configuracao, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(populacao, "POR_ARQUIVO", 700)
    assert povoar(cfg, Populacao(10, 1), 2, FIM_US, Calor()) == 10
    assert povoar(cfg, Populacao(100, 1), 30, FIM_US, Calor()) == 1_500
    lida = DeltaTable(str(PRATA_PIX.caminho(cfg))).to_pyarrow_table()
    assert lida.column_names == PRATA_PIX.esquema.names
    assert lida.num_rows == len(set(lida.column("id_evento").to_pylist())) == 1_500
    instantes = lida.column("instante_us").to_numpy()
    assert FIM_US - 30 * DIA_US == instantes.min() < instantes.max() < FIM_US


def test_a_mesma_semente_da_a_mesma_populacao() -> None:
    a, b, outra = Populacao(20, 5), Populacao(20, 5), Populacao(20, 6)
    assert a.conta == b.conta != outra.conta
    assert (a.sortear(100, Calor()).pagador == b.sortear(100, Calor()).pagador).all()
