"""O executor em lote: mesmas medidas em qualquer ordem, fatia ou número de tarefas."""

from __future__ import annotations

import numpy as np
import pytest

from processamento.catalogo import NULO, PADRAO, Fluxo, Papel
from processamento.estado import lote
from processamento.estado.lote import Eventos, Fraudes, calcular
from testes.processamento.fabrica_historia import fatia, fatia_de_fraudes, historia


def _coluna(medidas: np.ndarray, nome: str) -> np.ndarray:
    return medidas[:, [p.nome for p in PADRAO.primitivas].index(nome)]


def test_a_ordem_de_entrada_nao_importa() -> None:
    eventos, fraudes = historia(51, 800, contas=15)
    g = np.random.default_rng(51)
    ordem, das_fraudes = g.permutation(800), g.permutation(fraudes.id_evento.size)
    referencia = calcular(PADRAO, eventos, fraudes)
    embaralhado = calcular(PADRAO, fatia(eventos, ordem), fatia_de_fraudes(fraudes, das_fraudes))
    np.testing.assert_array_equal(embaralhado, referencia[ordem])


@pytest.mark.parametrize("tarefas", [1, 4])
def test_fatias_e_tarefas_nao_mudam_o_resultado(monkeypatch: pytest.MonkeyPatch, tarefas: int) -> None:
    eventos, fraudes = historia(52, 700, contas=15)
    referencia, vistos = calcular(PADRAO, eventos, fraudes), []
    monkeypatch.setattr(lote, "FATIA", 64)
    np.testing.assert_array_equal(
        calcular(PADRAO, eventos, fraudes, tarefas=tarefas, progresso=vistos.append), referencia
    )
    assert sum(vistos) == 700
    assert len(vistos) == 11


def test_o_futuro_nao_muda_o_passado() -> None:
    eventos, fraudes = historia(53, 600, contas=10, fraudes=0.2)
    corte = 400
    t = eventos.instante_us[corte]
    sabidas = fatia_de_fraudes(fraudes, fraudes.conhecido_em_us < t)
    antes = calcular(PADRAO, fatia(eventos, np.arange(corte)), sabidas)
    np.testing.assert_array_equal(calcular(PADRAO, eventos, fraudes)[:corte], antes)


def test_fraude_so_conta_depois_de_conhecida() -> None:
    eventos, _ = historia(54, 3, contas=4, dias=1)
    uns, t = np.ones(1, np.int64), int(eventos.instante_us[1])
    eventos = Eventos(eventos.id_evento, eventos.instante_us, eventos.valor_centavos, eventos.pagador * 0 + 1,
                      eventos.recebedor * 0 + 2, eventos.dispositivo * 0)
    fraude = Fraudes(eventos.id_evento[:1], eventos.instante_us[:1], uns * t, uns, uns * 2, uns * 0)
    medidas = calcular(PADRAO, eventos, fraude)
    assert _coluna(medidas, "pag_fraude_saida_qtd_30d").tolist() == [0, 0, 1]
    assert _coluna(medidas, "rec_fraude_entrada_desde_ultimo_horizonte").tolist() == [
        NULO, NULO, int(eventos.instante_us[2]) - t
    ]


def test_sem_dispositivo_tudo_do_dispositivo_e_nulo() -> None:
    eventos, fraudes = historia(55, 300)
    medidas = calcular(PADRAO, eventos, fraudes)
    do_aparelho = medidas[:, [p.papel is Papel.DISPOSITIVO for p in PADRAO.primitivas]]
    sem = eventos.dispositivo == 0
    assert sem.any()
    assert (do_aparelho[sem] == NULO).all()
    assert (_coluna(medidas, "disp_uso_qtd_7d")[~sem] >= 0).all()


def test_linhas_por_evento() -> None:
    eventos, fraudes = historia(56, 200, fraudes=0.5)
    for tabela, fluxos in ((eventos, (Fluxo.SAIDA, Fluxo.ENTRADA, Fluxo.DISPOSITIVO)),
                           (fraudes, (Fluxo.FRAUDE_SAIDA, Fluxo.FRAUDE_ENTRADA, Fluxo.FRAUDE_DISPOSITIVO))):
        quantos = np.bincount(tabela.linhas().fluxo, minlength=6)
        com = int((tabela.dispositivo != 0).sum())
        assert [quantos[f] for f in fluxos] == [tabela.id_evento.size] * 2 + [com]
        assert int(quantos.sum()) == 2 * tabela.id_evento.size + com


def test_historia_vazia() -> None:
    eventos, _ = historia(57, 1)
    vazia = fatia(eventos, np.zeros(1, np.bool_))
    assert calcular(PADRAO, vazia, Fraudes.nenhuma()).shape == (0, len(PADRAO.primitivas))
