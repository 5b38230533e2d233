"""Processos de verdade: nascem destacados, morrem inteiros, e só os nossos são tocados."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from plataforma.configuracao import Configuracao
from plataforma.erros import ErroServico
from plataforma.servicos import processo

DORMIR = [sys.executable, "-c", "import time; print('de pé', flush=True); time.sleep(300)"]
COM_FILHO = [
    sys.executable, "-c",
    "import subprocess, sys, time\n"
    "f = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'], start_new_session=True)\n"
    "print('filho', f.pid, flush=True)\ntime.sleep(300)",
]


def escreveu(p: processo.Processo, texto: str) -> bool:
    return texto in Path(p.registro).read_text()


def test_inicia_espera_e_para(cfg: Configuracao) -> None:
    p = processo.iniciar("x", DORMIR, cfg)
    p.esperar(lambda: escreveu(p, "de pé"), 20, "escrever")
    assert p.vivo()
    assert processo.carregar("x", cfg) == p
    assert processo.parar("x", cfg)
    assert not p.vivo()
    assert processo.carregar("x", cfg) is None
    assert not processo.parar("x", cfg)


def test_morte_durante_a_espera_mostra_o_fim_do_registro(cfg: Configuracao) -> None:
    p = processo.iniciar("x", [sys.executable, "-c", "print('porta 1 em uso'); raise SystemExit(3)"], cfg)
    inicio = time.monotonic()
    with pytest.raises(ErroServico, match=r"x morreu antes de servir.*porta 1 em uso") as erro:
        p.esperar(lambda: False, 60, "servir")
    assert time.monotonic() - inicio < 20
    assert "\n" not in str(erro.value)


def test_prazo_esgotado_diz_o_prazo(cfg: Configuracao) -> None:
    p = processo.iniciar("x", DORMIR, cfg)
    try:
        with pytest.raises(ErroServico, match="não conseguiu servir em 1 s"):
            p.esperar(lambda: False, 1, "servir")
    finally:
        p.parar()


def test_orfaos_de_um_pai_morto_com_sigkill_sao_mortos_antes_de_reiniciar(cfg: Configuracao) -> None:
    p = processo.iniciar("x", COM_FILHO, cfg)
    p.esperar(lambda: escreveu(p, "filho"), 20, "ter filho")
    filho = psutil.Process(int(Path(p.registro).read_text().split()[1]))
    os.kill(p.pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(p.pid)], timeout=10)
    assert not p.vivo()
    assert [membro.pid for membro in p.membros()] == [filho.pid]
    novo = processo.iniciar("x", DORMIR, cfg)
    try:
        assert not filho.is_running() or filho.status() == psutil.STATUS_ZOMBIE
        assert novo.vivo()
    finally:
        novo.parar()


def test_pid_reaproveitado_por_programa_alheio_nao_e_nosso(cfg: Configuracao) -> None:
    with subprocess.Popen(DORMIR, stdout=subprocess.DEVNULL) as alheio:
        falso = processo.Processo("x", alheio.pid, psutil.Process(alheio.pid).create_time() - 60, "outra", "/nada")
        assert not falso.vivo()
        assert not falso.parar()
        assert alheio.poll() is None
        mesma_hora = processo.Processo("x", alheio.pid, psutil.Process(alheio.pid).create_time(), "outra", "/nada")
        assert not mesma_hora.vivo() or processo._marca_de(psutil.Process(alheio.pid)) is None
        alheio.kill()


def test_sinal_de_parar_que_e_ignorado_vira_sigkill(cfg: Configuracao) -> None:
    teimoso = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ok', flush=True)\n"
    p = processo.iniciar("x", [sys.executable, "-c", teimoso + "time.sleep(300)"], cfg)
    p.esperar(lambda: escreveu(p, "ok"), 20, "escrever")
    assert p.parar(prazo_segundos=0.5)
    assert not p.vivo()


def test_programa_inexistente_e_erro_de_uma_linha(cfg: Configuracao) -> None:
    with pytest.raises(ErroServico, match="não foi possível executar /nao/existe"):
        processo.iniciar("x", ["/nao/existe"], cfg)


def test_a_chave_dos_tokens_nao_passa_a_servicos(cfg: Configuracao, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIX_CHAVE_TOKENS", "segredo")
    p = processo.iniciar("x", DORMIR, cfg)
    try:
        assert "PIX_CHAVE_TOKENS" not in psutil.Process(p.pid).environ()
    finally:
        p.parar()
