"""O conjunto: causalidade, rótulos como se sabiam, seis colunas, tabelas e atributos como servidos."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from machine_learning import conjunto, historico_externo, leitura
from machine_learning.conjunto import DIA_US, NUNCA, Historico
from machine_learning.historico_externo import Corte, ler_corte
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroDados
from processamento.atributos import NOMES
from processamento.catalogo import PADRAO
from processamento.estado.lote import Eventos
from testes.machine_learning import fabrica_fraude as fabrica
from testes.machine_learning import fabrica_lago

CORTE = Corte((0, 1), (2, 3), 4)


@pytest.fixture
def lido(tmp_path: Path) -> Historico:
    base, rotulos = fabrica.historico(eventos=3_000, dispositivo=True)
    eventos, marcas, _ = fabrica.gravar(tmp_path, base, rotulos)
    return historico_externo.ler(eventos, marcas, CORTE)[0]


def test_seis_colunas_viram_historico(lido: Historico) -> None:
    base, rotulos = fabrica.historico(eventos=3_000, dispositivo=True)
    e = lido.eventos
    assert lido.nomes is not None
    assert lido.nomes.tolist() == base["event_id"].to_list()
    assert e.valor_centavos.tolist() == [round(v * 100) for v in base["amount"]]
    assert len(np.unique(e.pagador)) == base["payer_id"].n_unique()
    assert (e.dispositivo > 0).all()
    fraude = rotulos["is_fraud"].to_numpy() == 1
    assert ((lido.conhecido_em_us != NUNCA) == fraude).all()
    assert (lido.conhecido_em_us[fraude] == e.instante_us[fraude] + 4 * DIA_US).all()
    assert set(lido.tipologia[fraude]) == {"CENARIO_1", "CENARIO_2"}


def test_quem_paga_e_recebe_e_a_mesma_conta(tmp_path: Path) -> None:
    base, rotulos = fabrica.historico(eventos=200)
    base = base.with_columns(pl.lit("p1").alias("payee_id"))
    eventos, marcas, _ = fabrica.gravar(tmp_path, base, rotulos)
    e = historico_externo.ler(eventos, marcas, CORTE)[0].eventos
    assert set(e.recebedor) == set(e.pagador[(base["payer_id"] == "p1").to_numpy()])


def test_known_at_vence_o_atraso(tmp_path: Path) -> None:
    base, rotulos = fabrica.historico(eventos=200)
    rotulos = rotulos.with_columns((base["ts"] + pl.duration(hours=5)).alias("known_at"))
    eventos, marcas, _ = fabrica.gravar(tmp_path, base, rotulos)
    h = historico_externo.ler(eventos, marcas, CORTE)[0]
    sabidos = h.conhecido_em_us != NUNCA
    assert sabidos.any()
    assert (h.conhecido_em_us[sabidos] - h.eventos.instante_us[sabidos] == 5 * 3_600_000_000).all()


def test_fraude_so_conta_a_partir_de_quando_se_soube(lido: Historico) -> None:
    todos = conjunto.medir(lido, conjunto.catalogo_de(4), np.ones(len(lido), np.bool_))
    coluna = NOMES.index("rec_fraude_entrada_qtd_30d")
    e = lido.eventos
    for i in np.linspace(500, len(lido) - 1, 25).astype(int):
        t = e.instante_us[i]
        sabidas = (lido.conhecido_em_us < t) & (lido.conhecido_em_us >= t - 30 * DIA_US)
        assert todos.x[i, coluna] == ((e.recebedor == e.recebedor[i]) & sabidas).sum()


def test_medir_so_alguns_da_o_mesmo_que_medir_todos(lido: Historico) -> None:
    catalogo = conjunto.catalogo_de(4)
    quais = np.arange(len(lido)) % 7 == 3
    todos, alguns = (conjunto.medir(lido, catalogo, q) for q in (np.ones(len(lido), np.bool_), quais))
    np.testing.assert_array_equal(alguns.x, todos.x[quais])
    assert alguns.id_evento.tolist() == np.flatnonzero(quais).tolist()


def test_rotulo_so_existe_depois_de_conhecido() -> None:
    c = fabrica.conjunto(500)
    meio = int(np.median(c.instante_us))
    assert c.y(meio).sum() == ((c.conhecido_em_us <= meio) & (c.conhecido_em_us != NUNCA)).sum()
    assert c.y().sum() == (c.conhecido_em_us != NUNCA).sum()
    assert not c.y(int(c.instante_us[0])).any()


def test_catalogo_segue_o_atraso() -> None:
    assert conjunto.catalogo_de(7) is PADRAO
    assert conjunto.catalogo_de(30).maturacao_dias == 30
    assert conjunto.catalogo_de(0).maturacao_dias == 1


@pytest.mark.parametrize(("campos", "trecho"), [
    ({"train": ["2026-01-20", "2026-01-10"]}, "train é uma janela vazia"),
    ({"test": ["ontem", "hoje"]}, "test = "),
    ({"label_delay_days": -1}, "label_delay_days = -1"),
    ({"cp_k": 0}, "cp_k = 0"),
    ({"test": ["2026-01-01", "2026-01-10"]}, "test começa antes"),
])
def test_corte_ruim(tmp_path: Path, campos: dict[str, object], trecho: str) -> None:
    *_, corte = fabrica.gravar(tmp_path, *fabrica.historico(eventos=50), **campos)
    with pytest.raises(ErroDados, match=trecho):
        ler_corte(corte)


def test_corte_que_nao_e_json(tmp_path: Path) -> None:
    for texto in ("{", "[1]"):
        (tmp_path / "split.json").write_text(texto)
        with pytest.raises(ErroDados, match=r"split\.json"):
            ler_corte(tmp_path / "split.json")
    (tmp_path / "split.json").write_text(json.dumps({"train": ["2026-01-01", "2026-01-02"]}))
    with pytest.raises(ErroDados, match="test"):
        ler_corte(tmp_path / "split.json")


def test_instante_fora_de_ordem_e_recusado(tmp_path: Path) -> None:
    base, rotulos = fabrica.historico(eventos=50)
    eventos, marcas, _ = fabrica.gravar(tmp_path, base.reverse(), rotulos)
    with pytest.raises(ErroDados, match=r"eventos\.parquet: coluna ts, 49 linhas"):
        historico_externo.ler(eventos, marcas, CORTE)


def test_das_tabelas_com_rotulos_e_contexto(cfg: Configuracao) -> None:
    trafego = fabrica_lago.simular(eventos=1_500, contas=120, dias=20)
    fabrica_lago.gravar_prata(cfg, trafego)
    h, versoes = leitura.das_tabelas(cfg)
    assert versoes == {"prata_pix": 0, "prata_rotulos": 0}
    assert (np.diff(h.eventos.instante_us) >= 0).all()
    confirmados = trafego.rotulos.filter(pl.col("resultado") == "AGREED")
    assert (h.conhecido_em_us != NUNCA).sum() == confirmados["id_fim_a_fim"].n_unique()
    assert sorted(h.conhecido_em_us[h.conhecido_em_us != NUNCA]) == sorted(confirmados["conhecido_em_us"])
    assert h.contexto is not None
    assert np.isfinite(h.contexto).any(axis=0).sum() > 20


def test_devolucoes_nao_sao_movimento_como_no_fluxo(cfg: Configuracao) -> None:
    trafego = fabrica_lago.simular(eventos=1_500, contas=120, dias=20)
    finalidades = ["IPRT" if i % 10 == 0 else "IPAY" for i in range(trafego.eventos.height)]
    trafego = replace(trafego, eventos=trafego.eventos.with_columns(pl.Series("finalidade", finalidades)))
    fabrica_lago.gravar_prata(cfg, trafego)
    h, _ = leitura.das_tabelas(cfg)
    assert len(h) == finalidades.count("IPAY")


def test_sem_tabelas_o_erro_diz_o_que_fazer(cfg: Configuracao) -> None:
    with pytest.raises(ErroDados, match=r"prata_pix ainda não existe.*\./pix"):
        leitura.das_tabelas(cfg)


def test_prefere_o_que_foi_servido(cfg: Configuracao) -> None:
    c = fabrica.conjunto(50)
    servido = [float(i) for i in range(len(NOMES))]
    fabrica_lago.gravar_decisoes(
        cfg, [3, 7, 11, 999, 15], [int(c.instante_us[i]) for i in (3, 7, 11, 12, 15)],
        [PADRAO.versao, "outra", PADRAO.versao, PADRAO.versao, PADRAO.versao],
        [servido, servido, [None, *servido[1:]], servido, None],
    )
    trocado, quantas = leitura.com_servidos(c, cfg, PADRAO)
    assert quantas == 2
    assert trocado.x[3].tolist() == servido
    assert np.isnan(trocado.x[11, 0])
    iguais = np.setdiff1d(np.arange(50), [3, 11])
    np.testing.assert_array_equal(trocado.x[iguais], c.x[iguais])


def test_sem_decisoes_nada_muda(cfg: Configuracao) -> None:
    c = fabrica.conjunto(20)
    trocado, quantas = leitura.com_servidos(c, cfg, PADRAO)
    assert quantas == 0
    np.testing.assert_array_equal(trocado.x, c.x)


def test_historico_guarda_a_ordem_das_colunas() -> None:
    assert list(Eventos.__dataclass_fields__)[:3] == ["id_evento", "instante_us", "valor_centavos"]
