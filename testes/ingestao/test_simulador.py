"""O simulador: determinismo, contrato, densidade, rótulos tardios e ruidosos, avarias."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import msgspec
import numpy as np
import polars as pl
import pytest

from ingestao.avarias import ESTRAGOS, Razao, com_avarias
from ingestao.esquema import Evento, Rotulo
from ingestao.produtor import Registro
from ingestao.serializacao import serializar, serializar_rotulos
from ingestao.simulador.geracao import Gerador, Simulacao, fluxo, gerar
from ingestao.simulador.parametros import DIA_US, TIPOLOGIAS, Parametros
from ingestao.trafego import ENVIO, EVENTOS, ROTULOS, VERDADE
from plataforma.erros import ErroConfiguracao
from processamento.protecao import Tokenizador
from processamento.qualidade import Recusa, avaliar, avaliar_rotulo

PEQUENO = Parametros(contas=800, dias=30, eventos=24_000)
TOKEN = re.compile(r"tok:sim:[A-Za-z0-9_-]{22}")
TOKENIZADOR = Tokenizador(b"x" * 32, "v1")


@pytest.fixture(scope="module")
def simulacao() -> Simulacao:
    return gerar(PEQUENO.com_vivo(200, 30), 5)


def test_a_mesma_semente_da_os_mesmos_bytes_e_outra_semente_outros() -> None:
    parametros = replace(PEQUENO, contas=300, dias=5, eventos=1_500).com_vivo(50, 10)

    def bytes_de(semente: int) -> bytes:
        s = gerar(parametros, semente)
        registros = [v for _, v in serializar(s.eventos)] + [v for _, v in serializar_rotulos(s.rotulos)]
        return b"\n".join(registros)

    assert bytes_de(1) == bytes_de(1)
    assert bytes_de(1) != bytes_de(2)


def test_colunas_sao_as_do_trafego_e_os_eventos_estao_em_ordem(simulacao: Simulacao) -> None:
    assert dict(simulacao.eventos.schema) == EVENTOS
    assert dict(simulacao.rotulos.schema) == ROTULOS
    assert dict(simulacao.verdade.schema) == VERDADE
    assert simulacao.eventos["instante_us"].is_sorted()
    assert (simulacao.eventos["instante_us"] % 1_000 == 0).all()
    assert simulacao.eventos["id_fim_a_fim"].n_unique() == simulacao.eventos.height
    assert (simulacao.verdade["id_fim_a_fim"] == simulacao.eventos["id_fim_a_fim"]).all()


def test_o_historico_e_o_vivo_tem_os_tamanhos_e_o_relogio_pedidos(simulacao: Simulacao) -> None:
    historico, vivo = simulacao.historico(), simulacao.vivo()
    assert (historico.height, vivo.height) == (24_000, 6_000)
    assert int(historico["instante_us"][0]) >= PEQUENO.inicio_us
    assert int(historico["instante_us"][-1]) < PEQUENO.fim_us <= int(vivo["instante_us"][0])
    duracao = (int(vivo["instante_us"][-1]) - PEQUENO.fim_us) / DIA_US
    assert duracao == pytest.approx(7.5, abs=0.1)
    envio = vivo[ENVIO].to_numpy()
    assert envio[0] == 0
    assert envio[-1] < 30
    assert np.allclose(np.diff(envio), 1 / 200)


def test_a_densidade_por_conta_do_vivo_e_a_do_historico(simulacao: Simulacao) -> None:
    def por_conta_e_dia(eventos: pl.DataFrame, dias: float) -> float:
        return eventos.height / eventos["pagador_conta"].n_unique() / dias

    ultimos = simulacao.historico().filter(pl.col("instante_us") >= PEQUENO.fim_us - round(7.5 * DIA_US))
    antes, depois = por_conta_e_dia(ultimos, 7.5), por_conta_e_dia(simulacao.vivo(), 7.5)
    assert depois == pytest.approx(antes, rel=0.15)


def test_todos_passam_no_contrato_no_validador_e_sao_so_tokens(simulacao: Simulacao) -> None:
    leitor = msgspec.json.Decoder(Evento, strict=True)
    for chave, valor in serializar(simulacao.eventos):
        evento = leitor.decode(valor)
        assert chave.decode() == evento.pagador.conta
        normalizado = avaliar(valor, TOKENIZADOR)
        assert not isinstance(normalizado, Recusa), normalizado
        for token in (evento.pagador.conta, evento.pagador.documento, evento.recebedor.conta):
            assert TOKEN.fullmatch(token)
        assert evento.id_fim_a_fim[1:9] == evento.pagador.ispb
        assert re.fullmatch(r"99999[0-9A]\d\d", evento.recebedor.ispb)
        _conferir_chave_e_txid(evento)
    leitor_rotulo = msgspec.json.Decoder(Rotulo, strict=True)
    for _, valor in serializar_rotulos(simulacao.rotulos):
        leitor_rotulo.decode(valor)
        assert not isinstance(avaliar_rotulo(valor), Recusa)


def _conferir_chave_e_txid(evento: Evento) -> None:
    forma, txid = evento.forma_de_iniciacao, evento.txid
    assert (evento.chave is None) == (forma in {"MANU", "AUTO"})
    if forma in {"MANU", "DICT"}:
        assert txid is None
    if forma in {"QRES", "INIC"} and txid is not None:
        assert len(txid) <= 25
    if forma in {"QRDN", "APDN"}:
        assert txid is not None
        assert 26 <= len(txid) <= 35
    if evento.finalidade in {"REFU", "IPRT"}:
        assert forma == "MANU"


def test_ida_e_volta_conserva_cada_coluna(simulacao: Simulacao) -> None:
    amostra = simulacao.eventos.gather_every(97)
    for linha, (_, valor) in zip(amostra.iter_rows(named=True), serializar(amostra), strict=True):
        lido = avaliar(valor, TOKENIZADOR)
        assert not isinstance(lido, Recusa)
        campos = lido._asdict()
        comuns = linha.keys() & campos.keys()
        assert {nome: campos[nome] for nome in comuns} == {nome: linha[nome] for nome in comuns}
        assert campos["txid_presente"] == (linha["txid"] is not None)


def test_so_entra_o_que_passa_por_nos_e_por_contas_ja_abertas(simulacao: Simulacao) -> None:
    e = simulacao.eventos
    nossas = e["pagador_ispb"].is_in(PEQUENO.nossos_ispb) | e["recebedor_ispb"].is_in(PEQUENO.nossos_ispb)
    assert nossas.all()
    assert (e["pagador_conta"] != e["recebedor_conta"]).all()
    for coluna in ("pagador_idade_conta_dias", "recebedor_idade_conta_dias", "dict_idade_conta_dias"):
        assert e[coluna].drop_nulls().min() >= 0
    de_fora = e.filter(~pl.col("pagador_ispb").is_in(PEQUENO.nossos_ispb))
    assert de_fora["dispositivo"].null_count() == de_fora["sessao_canal"].null_count() == de_fora.height


def test_a_populacao_cresce_e_a_prevalencia_e_a_pedida(simulacao: Simulacao) -> None:
    metade = simulacao.eventos.height // 2
    antes, depois = simulacao.eventos.head(metade), simulacao.eventos.tail(metade)
    novas = set(depois["pagador_conta"]) - set(antes["pagador_conta"]) - set(antes["recebedor_conta"])
    assert novas
    assert simulacao.verdade["fraude"].mean() == pytest.approx(PEQUENO.prevalencia, rel=0.25)
    presentes = set(simulacao.verdade["tipologia"].drop_nulls())
    assert presentes == set(TIPOLOGIAS)


def test_rotulos_chegam_tarde_com_ruido_e_incompletos(simulacao: Simulacao) -> None:
    r = simulacao.rotulos.join(simulacao.verdade.select("id_fim_a_fim", "fraude"), on="id_fim_a_fim")
    atraso = ((r["conhecido_em_us"] - r["instante_us"]) / DIA_US).to_numpy()
    assert atraso.min() > 0
    assert atraso.max() <= 87
    assert (atraso < 0.5).mean() > 0.1
    assert (atraso > 7).mean() > 0.15
    aceitas = r.filter(pl.col("resultado") == "AGREED")
    recusadas = r.filter(pl.col("resultado") == "DISAGREED")
    assert 0 < aceitas.filter(~pl.col("fraude")).height < 0.06 * aceitas.height
    assert recusadas.filter("fraude").height > 0
    assert recusadas.height > 2 * aceitas.height
    assert "GOLPE_MED" in set(recusadas["tipologia"].drop_nulls())
    relatadas = set(aceitas.filter("fraude")["id_fim_a_fim"])
    fraudes = set(simulacao.verdade.filter("fraude")["id_fim_a_fim"])
    assert 0.5 < len(relatadas) / len(fraudes) < 0.95


def test_rotulos_do_vivo_saem_depois_do_seu_pagamento(simulacao: Simulacao) -> None:
    vivos, historicos = simulacao.rotulos_vivo(), simulacao.rotulos_historico()
    assert vivos.height > 0
    assert historicos.height > 0
    assert historicos["conhecido_em_us"].max() < simulacao.inicio_vivo_us
    envio = dict(simulacao.vivo().select("id_fim_a_fim", ENVIO).iter_rows())
    for identificador, quando in vivos.select("id_fim_a_fim", ENVIO).iter_rows():
        assert 0 < quando <= 30
        assert quando > envio.get(identificador, -1.0)


def test_finalidades_isentas_existem_e_nao_sao_fraude(simulacao: Simulacao) -> None:
    com = simulacao.eventos.with_columns(simulacao.verdade["fraude"])
    isentas = com.filter(pl.col("finalidade") == "IPRT")
    assert isentas.height > 0
    assert not isentas["fraude"].any()


def test_o_fluxo_continuo_usa_a_mesma_populacao_e_nao_repete_ids() -> None:
    base = gerar(PEQUENO, 5).eventos
    contas = set(base["pagador_conta"]) | set(base["recebedor_conta"])
    blocos = fluxo(PEQUENO, 5, PEQUENO.fim_us, 1_000)
    primeiros = [next(blocos) for _ in range(3)]
    juntos = pl.concat([b.eventos for b in primeiros])
    assert [b.eventos.height for b in primeiros] == [1_000] * 3
    assert juntos["instante_us"].is_sorted()
    assert pl.concat([base["id_fim_a_fim"], juntos["id_fim_a_fim"]]).n_unique() == base.height + 3_000
    conhecidas = juntos["pagador_conta"].is_in(list(contas)).mean()
    assert conhecidas is not None
    assert conhecidas > 0.95


def test_o_que_fica_para_depois_nao_depende_do_tamanho_dos_blocos() -> None:
    denso, quantos = Parametros(contas=5_000, dias=30, eventos=900_000), 20_000

    def pendentes(por_bloco: int) -> int:
        gerador, de_us = Gerador(denso, 7, denso.fim_us + DIA_US, serie=denso.fim_us), denso.fim_us
        for _ in range(quantos // por_bloco):
            ate_us = de_us + round(por_bloco / denso.eventos_por_us)
            gerador.bloco(de_us, ate_us, por_bloco)
            de_us = ate_us
        return len(gerador._pendentes)

    assert pendentes(250) < 1.5 * pendentes(quantos)


def test_pedir_mais_horizonte_nao_muda_quem_ja_existia() -> None:
    curto = set(gerar(PEQUENO, 9).eventos["pagador_conta"])
    longo = set(gerar(replace(PEQUENO, dias=60, eventos=48_000), 9).eventos["pagador_conta"])
    assert len(curto - longo) < 0.02 * len(curto)


@pytest.mark.parametrize("estrago", ESTRAGOS, ids=lambda e: e[0])
def test_cada_estrago_cai_no_motivo_anotado(estrago: tuple[str, object], simulacao: Simulacao) -> None:
    motivo, estragar = estrago
    for _, valor in serializar(simulacao.eventos.head(50)):
        recusa = avaliar(estragar(valor), TOKENIZADOR)  # type: ignore[operator]
        assert isinstance(recusa, Recusa)
        assert recusa.motivo == motivo


def test_o_razao_bate_com_o_que_saiu(simulacao: Simulacao) -> None:
    bons = [Registro(i / 100, "t", c, v) for i, (c, v) in enumerate(serializar(simulacao.eventos.head(20_000)))]
    alheios = [Registro(250.0, "outro", b"c", b"rotulo")]
    razao = Razao()
    saida = list(com_avarias(bons + alheios, 3, 0.01, 0.01, razao, topico="t"))
    assert razao.total == len(saida) - 1
    assert razao.eventos == 20_000
    conhecidos, contagem = {r.valor for r in bons}, Counter(r.valor for r in saida)
    assert sum(n - 1 for v, n in contagem.items() if v in conhecidos) == razao.duplicados
    assert 120 < razao.duplicados < 280
    assert 120 < razao.malformados.total() < 280
    horas = [r.quando_s for r in saida]
    assert horas == sorted(horas)


@pytest.mark.parametrize(("campo", "valor"), [("contas", 3), ("prevalencia", 0.9), ("mistura", (("GOLPE", 1.0),))])
def test_parametro_que_nao_serve_e_citado(campo: str, valor: object) -> None:
    with pytest.raises(ErroConfiguracao, match=campo):
        replace(PEQUENO, **{campo: valor})


def test_taxa_do_vivo_tem_de_ser_positiva() -> None:
    with pytest.raises(ErroConfiguracao, match="taxa"):
        PEQUENO.com_vivo(0, 10)
