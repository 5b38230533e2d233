"""Decidir de novo: o mesmo dá o mesmo, a regra mudada muda só o que devia, e o erro é uma linha."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest

from comandos.principal import executar
from machine_learning import ajuste, custos, modelo, registro, reprocessamento_lago
from machine_learning.conjunto import DIA_US, NUNCA
from machine_learning.registro import Corrida
from machine_learning.reprocessamento_lago import Pedido
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroDados
from processamento.atributos import NOMES
from processamento.catalogo import PADRAO
from processamento.tabelas import PRATA_PIX, PRATA_ROTULOS
from testes.machine_learning import fabrica_decisoes, fabrica_lago
from testes.machine_learning.fabrica_fraude import conjunto

ALTO = 100_000
REGRAS = """
versao: "1"
regras:
  - {id: valor_alto, condicao: valor > 100000, acao: RETER_ANALISE, motivo: valor alto}
  - {id: noite, condicao: noturno AND valor > 20000, acao: AUTENTICAR_REFORCADO, motivo: valor alto à noite}
"""
MAIS_SEVERAS = REGRAS.replace("RETER_ANALISE", "REJEITAR")
SEM_REGRAS, PRIMEIRO = 200, 400


class Lago(NamedTuple):
    cfg: Configuracao
    decisoes: list[dict[str, Any]]
    fraudes: set[int]
    de: str
    ate: str

    def pedido(self, **mudancas: Any) -> Pedido:
        return replace(Pedido(0, NUNCA, NUNCA - 1), **mudancas)


@pytest.fixture(scope="module")
def lago(tmp_path_factory: pytest.TempPathFactory) -> Lago:
    """1.500 Pix decididos pelo código do fluxo: 200 sem ativação, 400 pela versão 1, o resto pela 2."""
    dados = tmp_path_factory.mktemp("reprocessar")
    regras = dados / "regras.yaml"
    regras.write_text(REGRAS)
    cfg = Configuracao.do_ambiente({}, dados=dados, mlflow_uri=f"sqlite:///{dados}/mlflow.db", regras=regras)
    feito = ajuste.ajustar(
        conjunto(), agora_us=22 * DIA_US, atraso_us=2 * DIA_US, semente=0, politica=custos.ler(),
        quais=("boosting", "logistica"),
    )
    for detector in (feito.base, feito.detector):
        arquivo = dados / "entrada.skops"
        modelo.salvar(detector, arquivo, {"catalogo_versao": PADRAO.versao})
        registro.registrar(cfg, Corrida("treino", {}, {}, {}, {}, {}), [], arquivo, NOMES)
    trafego = fabrica_lago.simular(eventos=1_500, contas=120, dias=15)
    ultimo = int(trafego.eventos["instante_us"].max())  # type: ignore[arg-type]
    # Os rótulos chegam depois do último Pix: o estado vivo não os viu, e o recalculado também não os pode ver.
    trafego = replace(trafego, rotulos=trafego.rotulos.with_columns(pl.lit(ultimo + DIA_US).alias("conhecido_em_us")))
    fabrica_lago.gravar_prata(cfg, trafego)
    ativacoes = [fabrica_decisoes.ativacao(cfg, REGRAS, versao) for versao in ("1", "2")]
    decisoes = fabrica_decisoes.decidir(
        cfg, trafego, [(SEM_REGRAS, b""), (PRIMEIRO, ativacoes[0]), (0, ativacoes[1])]
    )
    fabrica_decisoes.gravar(cfg, decisoes)
    rotulos = pl.read_delta(str(PRATA_ROTULOS.caminho(cfg)))
    dias = [str(np.datetime64(int(us), "us").astype("datetime64[D]"))
            for us in (min(d["instante_us"] for d in decisoes), ultimo)]
    return Lago(cfg, decisoes, set(rotulos.filter("fraude")["id_evento"]), *dias)


@pytest.fixture
def ambiente(lago: Lago, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Lago:
    monkeypatch.chdir(tmp_path)
    for nome in ("dados", "mlflow_uri", "regras"):
        monkeypatch.setenv(f"PIX_{nome.upper()}", str(getattr(lago.cfg, nome)))
    return lago


def com_decisoes(lago: Lago, pasta: Path, decisoes: list[dict[str, Any]]) -> Configuracao:
    """O mesmo lago, em outra pasta, com outras decisões."""
    cfg = replace(lago.cfg, dados=pasta)
    for tabela in (PRATA_PIX, PRATA_ROTULOS):
        tabela.caminho(cfg).parent.mkdir(parents=True, exist_ok=True)
        tabela.caminho(cfg).symlink_to(tabela.caminho(lago.cfg))
    fabrica_decisoes.gravar(cfg, decisoes)
    return cfg


def test_o_mesmo_modelo_e_as_mesmas_regras_repetem_tudo(
    ambiente: Lago, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argumentos = ["reprocessar", "--de", ambiente.de, "--ate", ambiente.ate, "--saida", str(tmp_path / "r")]
    assert executar(argumentos) == 0
    r = json.loads((tmp_path / "r" / "reprocessamento.json").read_text())
    quantas = len(ambiente.decisoes)
    assert r["reproducao"] == {"conferidas": quantas, "so_pela_nota": 0, "divergentes": 0}
    assert (r["linhas"], r["acoes"]["mudaram"], r["pontuacao"]["maior_diferenca"]) == (quantas, 0, 0.0)
    assert r["pontuacao"]["comparadas"] == quantas - SEM_REGRAS
    assert r["antes"] == r["depois"]
    assert r["exemplos"] == []
    assert r["acoes"]["matriz"]["RETER_ANALISE"]["RETER_ANALISE"] > 0
    assert {d["modelo_versao"] for d in ambiente.decisoes} == {None, "1", "2"}
    assert f"As {quantas} decisões refeitas" in (tmp_path / "r" / "reprocessamento.md").read_text()
    assert "se repetem" in capsys.readouterr().out


def test_a_regra_mudada_muda_exatamente_os_pix_esperados(ambiente: Lago, tmp_path: Path) -> None:
    novas = tmp_path / "novas.yaml"
    novas.write_text(MAIS_SEVERAS)
    nossos = set(ambiente.cfg.nossos_ispb)
    esperados = {
        d["id_fim_a_fim"]: d for d in ambiente.decisoes
        if d["valor_centavos"] > ALTO and {d["pagador_ispb"], d["recebedor_ispb"]} & nossos and d["acao"] != "REJEITAR"
        and d["regras_versao"] != "nenhuma"
    }
    so_com_regras = [d for d in ambiente.decisoes if d["regras_versao"] != "nenhuma"]
    cfg = com_decisoes(ambiente, tmp_path / "dados", so_com_regras)
    r = reprocessamento_lago.reprocessar(cfg, ambiente.pedido(regras=novas))
    assert r["acoes"]["mudaram"] == len(esperados) > 20
    assert sum(linha["REJEITAR"] for de, linha in r["acoes"]["matriz"].items() if de != "REJEITAR") == len(esperados)
    assert r["regras"]["valor_alto"]["entraram"] == r["regras"]["valor_alto"]["sairam"] == 0
    assert r["reproducao"]["conferidas"] == 0
    assert len(r["exemplos"]) == 20
    assert {e["id_fim_a_fim"] for e in r["exemplos"]} <= esperados.keys()
    fraudes = [d for d in so_com_regras if d["id_evento"] in ambiente.fraudes]
    assert r["fraudes"] == {"conhecidas": len(fraudes), "centavos": sum(d["valor_centavos"] for d in fraudes)}
    barradas = [d for d in fraudes if d["id_fim_a_fim"] in esperados or d["acao"] in {"RETER_ANALISE", "REJEITAR"}]
    assert r["depois"]["fraudes_barradas"] == len(barradas)
    assert r["depois"]["centavos_barrados"] == sum(d["valor_centavos"] for d in barradas)
    honestos = [d for d in so_com_regras if d["id_evento"] not in ambiente.fraudes and d["acao"] != "APROVAR"]
    assert r["antes"]["legitimos_incomodados"] == len(honestos)
    assert r["antes"]["pagadores_incomodados"] == len({d["pagador_conta"] for d in honestos})


def test_decisao_que_nao_se_repete_sai_com_um(
    ambiente: Lago, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    torta = {**ambiente.decisoes[-1], "acao": "BLOQUEIO_CAUTELAR"}
    cfg = com_decisoes(ambiente, tmp_path / "dados", [*ambiente.decisoes[:-1], torta])
    monkeypatch.setenv("PIX_DADOS", str(cfg.dados))
    argumentos = ["reprocessar", "--de", ambiente.de, "--ate", ambiente.ate, "--saida", str(tmp_path / "r")]
    assert executar(argumentos) == 1
    assert "1 de " in capsys.readouterr().err
    exemplo, = json.loads((tmp_path / "r" / "reprocessamento.json").read_text())["exemplos"]
    assert (exemplo["id_fim_a_fim"], exemplo["diverge"]) == (torta["id_fim_a_fim"], True)
    assert "não devia mudar" in (tmp_path / "r" / "reprocessamento.md").read_text()


def test_outra_versao_do_modelo_compara_sem_exigir_igualdade(lago: Lago) -> None:
    r = reprocessamento_lago.reprocessar(lago.cfg, lago.pedido(modelo="2"))
    assert r["reproducao"]["conferidas"] == len(lago.decisoes) - SEM_REGRAS - PRIMEIRO
    assert r["reproducao"]["divergentes"] == 0
    assert r["pontuacao"]["diferentes"] == PRIMEIRO
    assert r["pontuacao"]["so_depois"] == SEM_REGRAS
    assert r["pontuacao"]["maior_diferenca"] > 0


def test_sem_o_texto_das_regras_de_entao_so_a_nota_se_compara(lago: Lago, tmp_path: Path) -> None:
    outras = tmp_path / "outras.yaml"
    outras.write_text(MAIS_SEVERAS)
    r = reprocessamento_lago.reprocessar(replace(lago.cfg, regras=outras), lago.pedido())
    sem_texto = len(lago.decisoes) - SEM_REGRAS
    assert r["so_nota"]["linhas"] == r["reproducao"]["so_pela_nota"] == sem_texto
    assert r["acoes"]["comparadas"] == SEM_REGRAS
    assert (r["acoes"]["mudaram"], r["reproducao"]["divergentes"]) == (0, 0)


def test_atributos_recalculados_da_prata_sao_os_servidos(lago: Lago) -> None:
    r = reprocessamento_lago.reprocessar(lago.cfg, lago.pedido(recalcular=True))
    quantas = len(lago.decisoes)
    assert r["atributos"] == {"origem": "recalculados", "comparados": quantas, "diferentes": 0, "piores": {}}
    assert r["reproducao"] == {"conferidas": quantas, "so_pela_nota": 0, "divergentes": 0}


def test_atributo_que_nao_se_refaz_e_dito_e_nao_acusa_a_decisao(lago: Lago, tmp_path: Path) -> None:
    torta = lago.decisoes[-1]
    trocados = [123.0, *torta["atributos"][1:]]
    cfg = com_decisoes(lago, tmp_path, [{**torta, "atributos": trocados, "acao": "BLOQUEIO_CAUTELAR"}])
    r = reprocessamento_lago.reprocessar(cfg, lago.pedido(recalcular=True))
    assert r["atributos"]["piores"] == {NOMES[0]: 1}
    assert r["reproducao"] == {"conferidas": 0, "so_pela_nota": 0, "divergentes": 0}


def test_outro_catalogo_fica_de_fora_e_se_diz(lago: Lago, tmp_path: Path) -> None:
    velhas = [{**d, "catalogo_versao": "velho"} for d in lago.decisoes[:5]]
    cfg = com_decisoes(lago, tmp_path / "a", [*velhas, *lago.decisoes[5:9]])
    r = reprocessamento_lago.reprocessar(cfg, lago.pedido())
    assert (r["fora"]["outro_catalogo"], r["linhas"]) == (5, 4)
    cfg = com_decisoes(lago, tmp_path / "b", velhas)
    with pytest.raises(ErroDados, match="5 de outro catálogo"):
        reprocessamento_lago.reprocessar(cfg, lago.pedido())


@pytest.mark.parametrize(("argumentos", "trecho"), [
    (["--de", "2020-01-01", "--ate", "2020-01-02"], "nenhuma decisão de Pix de 2020-01-01 a 2020-01-02"),
    (["--de", "2020-01-02", "--ate", "2020-01-01"], "vem depois de"),
    (["--de", "ontem", "--ate", "2020-01-01"], "não é um dia"),
    (["--de", "2020-01-02"], "falta --ate"),
    (["--de", "2020-01-01", "--ate", "2020-01-02", "--modelo", "77"], "não tem a versão 77"),
    (["--de", "2020-01-01", "--ate", "2020-01-02", "--regras", "nao_ha.yaml"], "nao_ha.yaml: não foi possível ler"),
    (["--de", "2020-01-01", "--ate", "2020-01-02", "--regras", "ruins.yaml"], "ruins.yaml: regras, linha 2"),
    (["--de", "2020-01-01", "--ate", "2020-01-02", "--saida", "ruins.yaml"], "--saida ruins.yaml"),
])
def test_erros_em_uma_linha(
    ambiente: Lago, argumentos: list[str], trecho: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("ruins.yaml").write_text('versao: "1"\nregras: nada\n')
    assert executar(["reprocessar", *argumentos]) == 2
    erro = capsys.readouterr().err
    assert trecho in erro
    assert erro.count("\n") == 1


@pytest.mark.parametrize("falta", ["ouro_decisoes", "prata_rotulos", "prata_pix"])
def test_tabela_que_falta(
    ambiente: Lago, tmp_path: Path, falta: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cfg = replace(ambiente.cfg, dados=tmp_path / "dados")
    if falta != "ouro_decisoes":
        cfg = com_decisoes(ambiente, cfg.dados, ambiente.decisoes[:3])
        {"prata_rotulos": PRATA_ROTULOS, "prata_pix": PRATA_PIX}[falta].caminho(cfg).unlink()
    monkeypatch.setenv("PIX_DADOS", str(cfg.dados))
    assert executar(["reprocessar", "--de", ambiente.de, "--ate", ambiente.ate, "--recalcular"]) == 2
    erro = capsys.readouterr().err
    assert f"a tabela {falta} ainda não existe" in erro
    assert erro.count("\n") == 1
