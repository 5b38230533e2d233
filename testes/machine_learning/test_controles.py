"""Os controles de vazamento: passam no que é honesto e acusam o que espia."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from machine_learning import conjunto, controles, historico_externo, protocolo
from machine_learning.conjunto import DIA_US, NUNCA, Historico
from machine_learning.protocolo import Dobra, Opcoes
from testes.machine_learning import fabrica_fraude as fabrica

Caso = tuple[Historico, Dobra]


@pytest.fixture(scope="module")
def caso(tmp_path_factory: pytest.TempPathFactory) -> Caso:
    eventos, rotulos, split = fabrica.gravar(tmp_path_factory.mktemp("caso"), *fabrica.historico(eventos=9_000))
    corte = historico_externo.ler_corte(split)
    historico = historico_externo.ler(eventos, rotulos, corte)[0]
    return historico, protocolo.avaliar(historico, corte, Opcoes())[0]


def test_o_honesto_passa(caso: Caso) -> None:
    historico, dobra = caso
    provas = controles.correr(historico, dobra, 0)
    assert [p.nome for p in provas] == ["embaralhados", "corte", "invertidos_meio", "invertidos_fim"]
    assert all(p.passou for p in provas), [p.texto for p in provas]


def test_atributo_que_ve_o_futuro_e_acusado(caso: Caso) -> None:
    historico, dobra = caso
    x = dobra.teste.x.copy()
    x[0, 3] += 1
    torta = replace(dobra, teste=replace(dobra.teste, x=x))
    assert not controles.cortado(historico, torta).passou


def test_nota_que_usou_o_rotulo_e_acusada(caso: Caso) -> None:
    historico, dobra = caso
    notas = {nome: nota + 1e-9 * dobra.teste.y() for nome, nota in dobra.notas.items()}
    assert not controles.invertidos(historico, replace(dobra, notas=notas))[1].passou


def test_treino_com_rotulo_do_futuro_e_acusado(caso: Caso) -> None:
    historico, dobra = caso
    x, y = dobra.feito.amostra
    torta = replace(dobra, feito=replace(dobra.feito, amostra=(x, 1 - y)))
    assert not controles.invertidos(historico, torta)[0].passou


def test_vazamento_por_embaralhamento_e_acusado(caso: Caso, monkeypatch: pytest.MonkeyPatch) -> None:
    _, dobra = caso
    monkeypatch.setattr(controles, "embaralhar", lambda y, *_: y)
    monkeypatch.setattr(controles, "EMBARALHADAS", 1)
    assert not controles.embaralhados(dobra, 0).passou


def test_inverter_so_mexe_no_que_nao_se_sabia(caso: Caso) -> None:
    historico, dobra = caso
    t = dobra.corte.teste[0]
    torto = controles.inverter(historico, t, dobra.corte.atraso_us)
    mudou = torto.conhecido_em_us != historico.conhecido_em_us
    sabido = np.minimum(historico.conhecido_em_us, torto.conhecido_em_us)
    assert mudou.any()
    assert (sabido[mudou] >= t).all()
    assert ((torto.conhecido_em_us == NUNCA) != (historico.conhecido_em_us == NUNCA))[mudou].all()


def test_sem_ja_fraudados(caso: Caso) -> None:
    historico, dobra = caso
    mantidos = protocolo.sem_ja_fraudados(historico, dobra.corte, dobra.teste)
    e = historico.eventos
    fraude = historico.conhecido_em_us != NUNCA
    no_treino = fraude & (e.instante_us >= dobra.corte.treino[0]) & (e.instante_us < dobra.corte.treino[1])
    assert 0 < mantidos.sum() < mantidos.size
    assert not np.isin(dobra.teste.pagador[mantidos], e.pagador[no_treino]).any()
    for i in np.flatnonzero(mantidos)[::97]:
        dia = dobra.corte.teste[0] + (dobra.teste.instante_us[i] - dobra.corte.teste[0]) // DIA_US * DIA_US
        sabidos = fraude & (historico.conhecido_em_us <= dia) & (e.instante_us >= dobra.corte.treino[0])
        assert dobra.teste.pagador[i] not in e.pagador[sabidos]


def test_dobras_andam_para_onde_ha_dados(caso: Caso) -> None:
    historico, dobra = caso
    cortes = protocolo.vizinhos(historico, dobra.corte, 4)
    inicios = [(c.treino[0] - dobra.corte.treino[0]) // DIA_US for c in cortes]
    assert inicios == [4, -4, -8]
    assert all(c.teste[1] - c.treino[0] == dobra.corte.teste[1] - dobra.corte.treino[0] for c in cortes)
    with pytest.raises(protocolo.ErroDados, match="cobrem"):
        protocolo.vizinhos(historico, dobra.corte, 40)


def test_janela_sem_eventos(caso: Caso) -> None:
    historico, dobra = caso
    longe = replace(dobra.corte, treino=(0, 1))
    with pytest.raises(protocolo.ErroDados, match="janela de treino"):
        protocolo.avaliar(historico, longe, Opcoes())


def test_catalogo_do_controle_e_o_do_treino(caso: Caso) -> None:
    assert conjunto.catalogo_de(caso[1].corte.atraso_dias).maturacao_dias == 4
