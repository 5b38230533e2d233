"""Os verbos que cuidam da máquina: diagnostico, subir, parar, estado, limpar, testar."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from comandos import diagnostico, estado, limpar, parar, subir
from comandos.apresentacao import dinheiro, duracao, numero
from comandos.drenagem import drenar
from comandos.fluxos import conversa
from comandos.preparo import Preparo
from comandos.principal import executar
from plataforma.configuracao import RAIZ_PROJETO, Configuracao
from plataforma.erros import ErroAmbiente, ErroServico
from plataforma.servicos import processo
from plataforma.servicos.broker import pronto as broker_pronto
from plataforma.servicos.mlflow_servidor import pronto as mlflow_pronto

DRIVER_FALSO = """
import json, os, pathlib, subprocess, sys, time
jvm = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
pathlib.Path(sys.argv[1]).write_text(json.dumps({"fase": "pronto", "pid": os.getpid(), "jvm": jvm.pid}))
time.sleep(300)
"""


@pytest.fixture
def ambiente(cfg: Configuracao, monkeypatch: pytest.MonkeyPatch) -> Configuracao:
    """A configuração de teste, também no ambiente, para verbos que a leem dali."""
    for nome, valor in cfg.para_ambiente().items():
        monkeypatch.setenv(nome, valor)
    return cfg


def com_driver_falso(monkeypatch: pytest.MonkeyPatch, codigo: str = DRIVER_FALSO) -> None:
    def preparar(cfg: Configuracao, papel: str) -> list[str]:
        conversa.arquivo_estado(cfg, papel).unlink(missing_ok=True)
        return [sys.executable, "-c", codigo, str(conversa.arquivo_estado(cfg, papel))]

    monkeypatch.setattr(subir, "_preparar_fluxos", preparar)


def test_exigir_e_diagnostico_dizem_a_mesma_linha(cfg: Configuracao, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostico, "DISCO_MINIMO_GIB", 1e9)
    with pytest.raises(ErroAmbiente, match=r"disco livre .* GiB em .*PIX_DADOS") as erro:
        diagnostico.exigir(cfg, diagnostico.Item.JAVA, diagnostico.Item.DISCO)
    exames = {exame.item: exame for exame in diagnostico.examinar(cfg)}
    assert exames[diagnostico.Item.DISCO].texto == str(erro.value)
    assert exames[diagnostico.Item.DISCO].situacao == "falta"
    assert exames[diagnostico.Item.JAVA].serve
    assert exames[diagnostico.Item.JARS].serve


def test_falta_de_memoria_diz_o_conserto(cfg: Configuracao, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostico, "MEMORIA_MINIMA_GIB", 1e9)
    with pytest.raises(ErroAmbiente, match="PIX_SPARK_MEMORIA"):
        diagnostico.exigir(cfg, diagnostico.Item.MEMORIA)


def test_prometheus_ausente_e_opcional(cfg: Configuracao, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plataforma.servicos.prometheus.shutil.which", lambda nome: None)
    exame = next(e for e in diagnostico.examinar(cfg) if e.item is diagnostico.Item.PROMETHEUS)
    assert (exame.situacao, exame.serve) == ("opcional", False)
    assert "apt-get install prometheus" in exame.texto


def test_porta_ocupada_aparece_no_diagnostico(cfg: Configuracao) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "http.server", str(cfg.porta_mlflow), "--bind", "127.0.0.1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as alheio:
        try:
            while not psutil.Process(alheio.pid).net_connections():
                psutil.wait_procs([psutil.Process(alheio.pid)], timeout=0.05)
            with pytest.raises(ErroServico, match=rf"porta {cfg.porta_mlflow} .*PID {alheio.pid}.*PIX_PORTA_MLFLOW"):
                diagnostico.exigir(cfg, diagnostico.Item.PORTAS)
        finally:
            alheio.kill()


def test_fluxos_mortos_por_sigkill_voltam_e_a_jvm_orfa_morre(
    cfg: Configuracao, monkeypatch: pytest.MonkeyPatch
) -> None:
    com_driver_falso(monkeypatch)
    try:
        assert subir.subir_fluxos(cfg, lambda _: None)
        assert not subir.subir_fluxos(cfg, lambda _: None)
        primeiro = processo.carregar(conversa.DECISAO, cfg)
        do_lago = processo.carregar(conversa.LAGO, cfg)
        assert primeiro is not None
        orfa = next(membro for membro in primeiro.membros() if membro.pid != primeiro.pid)
        os.kill(primeiro.pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(primeiro.pid)], timeout=20)
        assert subir.subir_fluxos(cfg, lambda _: None)
        segundo = processo.carregar(conversa.DECISAO, cfg)
        assert segundo is not None
        assert segundo.pid != primeiro.pid
        assert processo.carregar(conversa.LAGO, cfg) == do_lago, "quem estava de pé segue"
        assert not orfa.is_running() or orfa.status() == psutil.STATUS_ZOMBIE
    finally:
        parar.parar_tudo(cfg, lambda _: None)
    assert segundo.membros() == []


def test_fluxos_que_morrem_mostram_o_fim_do_registro(cfg: Configuracao, monkeypatch: pytest.MonkeyPatch) -> None:
    com_driver_falso(monkeypatch, "raise SystemExit('checkpoint incompatível')")
    with pytest.raises(ErroServico, match=r"(decisao|lago) morreu.*checkpoint incompatível"):
        subir.subir_fluxos(cfg, lambda _: None)
    assert [processo.carregar(papel, cfg) for papel in conversa.PAPEIS] == [None, None]


def test_um_processo_que_nao_sobe_leva_o_outro(cfg: Configuracao, monkeypatch: pytest.MonkeyPatch) -> None:
    codigo = """
import sys, time
if "lago" in sys.argv[1]:
    raise SystemExit("sem disco")
time.sleep(300)
"""
    com_driver_falso(monkeypatch, codigo)
    with pytest.raises(ErroServico, match=r"lago morreu.*sem disco"):
        subir.subir_fluxos(cfg, lambda _: None, prazo_segundos=60)
    assert [processo.carregar(papel, cfg) for papel in conversa.PAPEIS] == [None, None]


def test_estado_de_um_driver_anterior_nao_conta_como_pronto(cfg: Configuracao) -> None:
    arquivo = conversa.arquivo_estado(cfg, conversa.LAGO)
    arquivo.parent.mkdir(parents=True)
    arquivo.write_text('{"fase": "pronto", "pid": 1}')
    assert not conversa.algum_pronto(cfg)


def test_um_anuncio_que_ninguem_completou_nao_prende_o_proximo_subir(cfg: Configuracao) -> None:
    conversa.anunciar_preparo(cfg)
    conversa.esquecer_anuncio(cfg)
    assert not conversa.preparo_pendente(cfg)
    conversa.pedir_preparo(cfg, Preparo("eventos.arrow", "rotulos.arrow", 1))
    conversa.esquecer_anuncio(cfg)
    assert conversa.preparo(cfg) == Preparo("eventos.arrow", "rotulos.arrow", 1), "o pedido inteiro se completa"


def test_sem_processo_nao_fica_pedido_de_drenagem_para_o_proximo(cfg: Configuracao) -> None:
    with pytest.raises(ErroServico, match=r"decisao não está de pé.*\./pix estado"):
        drenar(cfg, 1.0)
    assert conversa.tomar_pedido(cfg, conversa.DECISAO) is None


@pytest.mark.servico
def test_subir_estado_parar_e_limpar_com_servicos_reais(
    ambiente: Configuracao, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    com_driver_falso(monkeypatch)
    monkeypatch.setattr(diagnostico, "MEMORIA_MINIMA_GIB", 0.1)
    try:
        assert executar(["subir"]) == 0
        assert executar(["subir"]) == 0
        situacoes = {linha[0]: linha[1] for linha in estado.situacoes(ambiente)}
        assert {nome for nome, situacao in situacoes.items() if "de pé" in situacao} >= {
            "broker", "mlflow", "decisao", "lago"
        }
        assert executar(["parar"]) == 0
        assert "broker" in capsys.readouterr().out
        assert not broker_pronto(ambiente)
        assert not mlflow_pronto(ambiente)
        assert executar(["parar"]) == 0
        assert "Nada estava de pé" in capsys.readouterr().out
        meu = ambiente.caminho("minhas-notas")
        meu.mkdir()
        assert executar(["limpar", "--sim"]) == 0
        assert [pasta.name for pasta in ambiente.dados.iterdir()] == ["minhas-notas"]
    finally:
        parar.parar_tudo(ambiente, lambda _: None)


def test_estado_diz_quando_um_servico_morreu(cfg: Configuracao) -> None:
    p = processo.iniciar("broker", [sys.executable, "-c", "pass"], cfg)
    psutil.wait_procs([psutil.Process(p.pid)], timeout=20)
    assert "morto" in dict((linha[0], linha[1]) for linha in estado.situacoes(cfg))["broker"]


def test_servico_alheio_nao_e_iniciado_por_nos(fazer_cfg: Callable[..., Configuracao]) -> None:
    cfg = fazer_cfg(kafka_servidores="127.0.0.1:1")
    with pytest.raises(ErroServico, match=r"nenhum broker Kafka responde em 127\.0\.0\.1:1"):
        subir.subir_servicos(cfg, lambda _: None)
    assert "alheio" in dict((linha[0], linha[1]) for linha in estado.situacoes(cfg))["broker"]


@pytest.mark.parametrize(("resposta", "apaga"), [("s\n", True), ("n\n", False), ("", False)])
def test_limpar_so_apaga_com_confirmacao(
    resposta: str, apaga: bool, ambiente: Configuracao, monkeypatch: pytest.MonkeyPatch
) -> None:
    tabela = ambiente.caminho("tabelas", "x")
    tabela.mkdir(parents=True)
    monkeypatch.setattr("sys.stdin", io.StringIO(resposta))
    assert executar(["limpar"]) == (0 if apaga else 2)
    assert tabela.exists() is not apaga


def test_testar_repassa_o_codigo_do_pytest(tmp_path: Path) -> None:
    (tmp_path / "test_um.py").write_text("def test_bom(): pass\ndef test_ruim(): assert False\n")
    base = [sys.executable, "-m", "comandos.principal", "testar", str(tmp_path)]
    for extra, codigo in ((["-k", "bom"], 0), (["-k", "ruim"], 1), (["-k", "nenhum"], 5)):
        feito = subprocess.run([*base, *extra], cwd=RAIZ_PROJETO, capture_output=True, text=True, check=False)
        assert feito.returncode == codigo, feito.stdout + feito.stderr


@pytest.mark.parametrize(("sem_pular", "codigo"), [("1", 1), ("", 0)])
def test_pulado_e_dito_e_sob_ci_e_falha(sem_pular: str, codigo: int, tmp_path: Path) -> None:
    (tmp_path / "test_um.py").write_text("import pytest\ndef test_a(): pytest.skip('falta o programa z')\n")
    limpo = {nome: valor for nome, valor in os.environ.items() if nome not in {"CI", "PIX_CI"}}
    feito = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "testes.conftest", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=RAIZ_PROJETO, env={**limpo, "PIX_SEM_PULAR": sem_pular}, capture_output=True, text=True, check=False,
    )
    assert feito.returncode == codigo, feito.stdout + feito.stderr
    assert "falta o programa z" in feito.stdout


def test_constantes_de_limpeza_sao_nomes_simples() -> None:
    assert all("/" not in nome and nome not in {"", ".", ".."} for nome in limpar.PASTAS)


def test_numeros_em_portugues() -> None:
    assert [numero(1234567), numero(1234.5, 2), numero(0)] == ["1.234.567", "1.234,50", "0"]
    assert [dinheiro(123456), dinheiro(-5), dinheiro(0)] == ["R$ 1.234,56", "-R$ 0,05", "R$ 0,00"]
    assert dinheiro(2**62 + 1) == "R$ 46.116.860.184.273.879,05"
    assert [duracao(3.21), duracao(75.2)] == ["3,2 s", "1 min 15 s"]
