"""O que a bancada conta: carga exata, perdas e dobras vistas, percentis do que é quente, razões e relatório."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from comandos.bancada import comando
from comandos.desempenho import ponto, relatorio, roteiro
from comandos.desempenho.bases import PorConta
from comandos.desempenho.carga import Carga, Conta, preparar
from comandos.desempenho.leitor import Leitura, copia, decisao
from comandos.desempenho.pasta import exigir_parado
from comandos.desempenho.recursos import Gasto
from comandos.desempenho.roteiro import TAXA_RECORDE, Plano, Resultado, com_mais_contas, por_segundo
from comandos.desempenho.troca import maior_silencio
from comandos.fluxos.conversa import DECISAO
from ingestao.esquema import FINALIDADES_ISENTAS
from ingestao.produtor import Registro
from ingestao.produtor import Resultado as Envio
from ingestao.simulador.parametros import Parametros
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroConfiguracao, ErroServico
from plataforma.servicos import processo
from plataforma.servicos.topicos import criar_topicos
from testes.machine_learning.fabrica_respostas import decisao as uma_decisao
from testes.machine_learning.fabrica_respostas import recusa as uma_recusa

PARAMETROS = Parametros(contas=300, dias=20, eventos=18_000)
ENVIO = Envio(10, {"pix.eventos": 10}, 1.0, 0.1, 0.2, 0.3, interrompido=False)


@pytest.fixture
def destino(broker: Configuracao) -> Configuracao:
    """O broker partilhado, com tópicos só deste arquivo."""
    nomes = {f"topico_{t}": f"bancada.{t}" for t in ("eventos", "rotulos", "decisoes", "controle")}
    cfg = replace(broker, **nomes)
    criar_topicos(cfg)
    return cfg


@pytest.fixture
def conta(cfg: Configuracao, tmp_path: Path) -> Conta:
    return preparar(cfg, PARAMETROS, 7, PARAMETROS.fim_us, 3_000, tmp_path / "carga.arrow")


def enviados(carga: Carga, cfg: Configuracao) -> Iterator[Registro]:
    return map(Registro._make, carga.registros(cfg))


def test_a_carga_sai_na_taxa_sem_repetidos_e_com_a_conta_das_decisoes(cfg: Configuracao, conta: Conta) -> None:
    registros = [r for r in enviados(Carga(conta.arquivo, 500.0), cfg) if r.topico == cfg.topico_eventos]
    lidos = pl.DataFrame([json.loads(r.valor or b"{}") for r in registros], infer_schema_length=None)
    assert conta.eventos == lidos.height == 3_000 == lidos["id_fim_a_fim"].n_unique()
    assert conta.rotulos == sum(r.topico == cfg.topico_rotulos for r in enviados(Carga(conta.arquivo, 0.0), cfg)) > 0
    assert conta.decisoes == lidos.filter(~pl.col("finalidade").is_in(sorted(FINALIDADES_ISENTAS))).height
    assert [r.quando_s for r in registros] == pytest.approx([i / 500.0 for i in range(3_000)])
    assert {r.quando_s for r in enviados(Carga(conta.arquivo, 0.0), cfg)} == {0.0}


def test_a_carga_seguinte_continua_o_relogio_sem_repetir_ids(cfg: Configuracao, conta: Conta, tmp_path: Path) -> None:
    seguinte = preparar(cfg, PARAMETROS, 7, conta.ate_us, 500, tmp_path / "outra.arrow")
    ids = [
        json.loads(r.valor or b"{}")["id_fim_a_fim"] for c in (conta, seguinte)
        for r in enviados(Carga(c.arquivo, 0.0), cfg) if r.topico == cfg.topico_eventos
    ]
    assert len(set(ids)) == len(ids) == 3_500


def test_com_o_lago_ha_mais_contas_e_cada_uma_faz_o_mesmo() -> None:
    muitas = com_mais_contas(PARAMETROS)
    assert muitas.contas > PARAMETROS.contas
    assert muitas.eventos / muitas.contas / muitas.dias == 1.0
    assert replace(muitas, contas=PARAMETROS.contas, eventos=PARAMETROS.eventos) == PARAMETROS


def test_espera_o_lago_gravar_e_diz_o_que_falta(monkeypatch: pytest.MonkeyPatch) -> None:
    respostas = iter([{"prata_pix": 3}, {"prata_pix": 0, "bronze_eventos": 0}])
    monkeypatch.setattr(roteiro, "CADA_S", 0.0)
    roteiro._esperar_lago(lambda: next(respostas))
    assert next(respostas, None) is None
    monkeypatch.setattr(roteiro, "PRAZO_LAGO_S", -1.0)
    with pytest.raises(ErroServico, match="'prata_pix': 7"):
        roteiro._esperar_lago(lambda: {"prata_pix": 7})


def leitura(*linhas: tuple[int, int, int]) -> Leitura:
    return Leitura(*(np.array(coluna, np.int64) for coluna in zip(*linhas, strict=True)))


def test_das_dobradas_vale_a_primeira() -> None:
    unicas = leitura((5, 1_000, 3), (4, 0, 9), (5, 1_000, 50)).unicas()
    assert sorted(zip(unicas.posicao.tolist(), unicas.latencias_ms().tolist(), strict=True)) == [(4, 9.0), (5, 2.0)]


def test_percentis_em_ms_e_vazio_sem_amostra() -> None:
    assert ponto.percentis(np.arange(1, 1_001, dtype=np.float64)) == {
        "p50_ms": 500.5, "p95_ms": 950.0, "p99_ms": 990.0, "p999_ms": 999.0, "max_ms": 1_000.0}
    assert ponto.percentis(np.zeros(0)) == {}


def medicao(taxa: float, **mudancas: object) -> ponto.Medicao:
    lida = leitura(*[(i, 0, 2_000 + i * 10) for i in range(100)])
    base = ponto.Medicao(
        taxa, 100, 100, 0, 0, {"p50_ms": 400.0, "p99_ms": 900.0, "max_ms": 1_000.0}, 1.0, {DECISAO: Gasto(2.0, 300.0)},
        0.5, {"triggerExecution": 300.0, "linhas": 50.0}, 2, [ponto.Instante(1.0, 50, 40)], 10, ENVIO, lida, 1_000_000,
    )
    return replace(base, **mudancas)  # type: ignore[arg-type]


def test_a_drenagem_so_conta_o_que_saiu_depois_do_envio() -> None:
    """Envio de 1 s a 2 s; 99 decisões entre 2,01 s e 2,99 s."""
    assert por_segundo(medicao(0.0)) == pytest.approx(99 / 0.99)


def test_o_maior_silencio_e_o_intervalo_sem_decisao_dentro_do_trecho() -> None:
    legivel = np.array([10_000, 100, 300, 340, 1_000, 5_000], np.int64)
    assert maior_silencio(legivel, 0, 2_000) == 660
    assert maior_silencio(legivel, 300, 350) == 40
    assert maior_silencio(legivel, 4_000, 6_000) == 0


def test_o_que_falta_gravar_no_lago_desconta_o_que_ja_estava_la() -> None:
    antes, agora = {"bronze_eventos": 1_000.0}, {"bronze_eventos": 1_600.0, "prata_pix": 0.0}
    assert ponto.faltam(700, antes, agora) == {"bronze_eventos": 100, "prata_pix": 700}
    assert ponto.faltam(500, antes, agora)["bronze_eventos"] == 0, "os isentos, gravados e nunca pedidos"


def test_o_relatorio_traz_pontos_razoes_e_figuras(cfg: Configuracao, tmp_path: Path) -> None:
    r = Resultado(Plano(30.0, 10.0, 100, semente=3, taxas=(TAXA_RECORDE,), taxas_lago=(500.0,)))
    por_gravar = [ponto.Instante(float(s), s, s, {"bronze_eventos": 50 + s, "prata_pix": 1_070}) for s in (5, 10, 15)]
    r.pontos = [(True, medicao(500.0, perdidos=2, andamento=por_gravar)), (False, medicao(TAXA_RECORDE))]
    r.troca = {"vigente_s": 3.4, "silencio_ms": 512, "silencio_antes_ms": 340, "p99_ms": 801.5, "max_ms": 900.0}
    r.drenagem, r.copia_kafka = medicao(0.0), medicao(TAXA_RECORDE, latencia={"p50_ms": 100.0})
    r.lote_delta_ms, r.por_conta_s, r.predict_s, r.fria_s, r.retomada_s = 600.0, 10.0, 1_000.0, 200.0, 25.0
    montado = relatorio.montar(cfg, r)
    assert montado["razoes"] == {
        "copia_kafka_p50": 4.0, "copia_delta_lote": 0.5, "predict_puro": 0.1, "por_conta": 10.0}
    assert [(p["taxa"], p["com_lago"], p["perdidos"], p["cpu_s"], p["memoria_mib"]) for p in montado["pontos"]] == [
        (500.0, True, 2, 2.0, 300), (TAXA_RECORDE, False, 0, 2.0, 300)]
    relatorio.gravar(montado, r, tmp_path / "saida")
    assert json.loads((tmp_path / "saida" / "relatorio.json").read_text())["semente"] == 3
    texto = (tmp_path / "saida" / "relatorio.md").read_text()
    assert "| 3.626 | não | 100 | 0 | 0 | 400 | 900 |" in texto
    assert "| 500 | 60 → 65 | 1.070 → 1.070 |" in texto
    assert "512 ms em volta da troca e de 340 ms antes dela" in texto
    for figura in ("latencia", "atraso", "fases"):
        assert (tmp_path / "saida" / f"{figura}.svg").stat().st_size > 1_000


def test_sem_bases_nao_ha_razao_inventada(cfg: Configuracao) -> None:
    montado = relatorio.montar(cfg, Resultado(Plano(30.0, 10.0, 100, semente=3, taxas=())))
    assert set(montado["razoes"].values()) == {None}
    assert montado["drenagem"] is None


def test_com_servicos_de_pe_a_bancada_recusa_em_uma_linha(cfg: Configuracao) -> None:
    processo.iniciar(DECISAO, ["sleep", "60"], cfg)
    try:
        with pytest.raises(ErroServico, match=r"decisao de pé.*\./pix parar"):
            exigir_parado(cfg)
    finally:
        processo.parar(DECISAO, cfg)
    exigir_parado(cfg)


def test_perda_ou_dobra_e_codigo_de_erro(
    cfg: Configuracao, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bancada mede, e quem a chama em uma esteira precisa saber se algo se perdeu."""
    monkeypatch.setattr(Configuracao, "do_ambiente", lambda *_: cfg)
    monkeypatch.setattr("comandos.bancada.exigir", lambda *_: None)
    for perdidos, codigo in ((0, 0), (1, 1)):
        r = Resultado(roteiro.rapido((500.0,), (), 1), [(False, medicao(500.0, perdidos=perdidos))])
        monkeypatch.setattr(roteiro, "correr", lambda *_, r=r: r)
        assert comando(tmp_path / "saida", rapida=True) == codigo
    assert "Bancada" in capsys.readouterr().out


@pytest.mark.parametrize("texto", ["", "rápido", "0", "500;3626", "500,-1"])
def test_taxas_que_nao_servem_sao_uma_linha(texto: str, tmp_path: Path) -> None:
    with pytest.raises(ErroConfiguracao, match=r"--taxas = .*500,3626,8000,18000"):
        comando(tmp_path, taxas=texto)


def test_taxas_do_lago_que_nao_servem_dizem_qual_opcao(tmp_path: Path) -> None:
    with pytest.raises(ErroConfiguracao, match="--taxas-lago = '0'"):
        comando(tmp_path, com_lago=True, taxas_lago="0")


class _Lista:
    """O estado de uma conta, no lugar do que o Spark guarda."""

    def __init__(self) -> None:
        self.itens: list[tuple[int, int]] = []

    def get(self) -> Iterator[tuple[int, int]]:
        return iter(self.itens)

    def put(self, itens: list[tuple[int, int]]) -> None:
        self.itens = itens


def test_a_base_por_conta_mede_as_ultimas_24_horas() -> None:
    base, hora = PorConta(), 3_600_000_000
    base._vistos = _Lista()
    quadro = pd.DataFrame({
        "id": ["a", "b", "c"], "enviado_em": [b"1"] * 3, "instante_us": [0, hora, 25 * hora],
        "centavos": [100, 300, 500],
    })
    (saida,) = base.handleInputRows(("conta",), iter([quadro]), None)
    assert saida["quantos"].tolist() == [0, 1, 1]
    assert saida["soma"].tolist() == [0, 100, 300]
    assert saida["segundos_desde"].tolist()[1:] == [3_600.0, 86_400.0]


@pytest.mark.servico
def test_medir_ve_o_que_se_perde_e_o_que_se_dobra(
    destino: Configuracao, conta: Conta, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Contra um broker real, com quem responda a tudo menos a um Pix, e a outro duas vezes."""
    monkeypatch.setattr(ponto, "PRAZO_SEM_PROGRESSO_S", 3.0)
    parar = threading.Event()
    quem = threading.Thread(target=responder, args=(destino, parar))
    quem.start()
    try:
        m = ponto.medir(destino, conta, 3_000.0, 0.2, (), destino.topico_decisoes, fases=dict)
    finally:
        parar.set()
        quem.join()
    assert (m.oferecidos, m.decididos, m.perdidos, m.dobrados) == (3_000, conta.decisoes - 1, 1, 1)
    assert 0 < m.latencia["p50_ms"] <= m.latencia["p99_ms"] <= m.latencia["max_ms"]
    assert m.andamento
    assert m.envio.confirmados[destino.topico_eventos] == 3_000


def responder(cfg: Configuracao, parar: threading.Event) -> None:
    """Responde pelo produto (aos isentos, nada): posição e envio de cada Pix, como na decisão."""
    consumidor = Consumer({"bootstrap.servers": cfg.kafka_servidores, "group.id": "r", "auto.offset.reset": "earliest"})
    consumidor.assign([TopicPartition(cfg.topico_eventos, p, 0) for p in range(cfg.particoes_topico)])
    produtor, vistos = Producer({"bootstrap.servers": cfg.kafka_servidores}), 0
    while not parar.is_set():
        for mensagem in consumidor.consume(500, 0.05):
            if json.loads(mensagem.value())["finalidade"] in FINALIDADES_ISENTAS:
                continue
            vistos += 1
            _, enviado = copia(mensagem)
            corpo = msgspec.json.encode({
                "particao": mensagem.partition(), "deslocamento": mensagem.offset(), "enviado_em_us": enviado})
            for _ in range({7: 0, 9: 2}.get(vistos, 1)):
                produtor.produce(cfg.topico_decisoes, corpo)
        produtor.poll(0)
    produtor.flush(10)
    consumidor.close()


def test_decisao_e_recusa_sao_lidas_pela_posicao_do_pix_sem_o_que_nao_se_mede() -> None:
    class Mensagem:
        def __init__(self, valor: bytes) -> None:
            self.value = lambda: valor

    ler: Callable[..., tuple[int, int]] = decisao
    mudancas: dict[str, Any] = {"particao": 1, "enviado_em_us": 77}
    motivo = [{"codigo": "x", "texto": ',"decidido_em_us":' * 20, "contribuicao": None}]
    respostas = [escrita(5, **mudancas) for escrita in (partial(uma_decisao, 1), uma_recusa)]
    respostas += [escrita(5, motivos=motivo, **mudancas) for escrita in (partial(uma_decisao, 1), uma_recusa)]
    for resposta in respostas:
        assert ler(Mensagem(resposta)) == ((1 << 44) | 5, 77)
    # O que vem depois do instante da decisão não se lê: nem se nota que está partido.
    fim = respostas[0].index(b"decidido_em_us") + 20
    assert ler(Mensagem(respostas[0][:fim])) == ((1 << 44) | 5, 77)
