"""`./pix simular` e `./pix importar`: do terminal ao broker real, e recusas em uma linha."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import polars as pl
import pytest

from plataforma.configuracao import RAIZ_PROJETO, Configuracao
from testes.topico import quantas

_SERIE = count()


@pytest.fixture
def destino(broker: Configuracao, tmp_path: Path) -> Configuracao:
    n = next(_SERIE)
    topicos = {f"topico_{t}": f"verbos{n}.{t}" for t in ("eventos", "rotulos", "decisoes", "controle")}
    return replace(broker, dados=tmp_path / "dados", **topicos)


def pix(cfg: Configuracao, *argumentos: str) -> subprocess.CompletedProcess[str]:
    comando = [sys.executable, "-m", "comandos.principal", *argumentos]
    ambiente = {**os.environ, **cfg.para_ambiente()}
    return subprocess.run(
        comando, cwd=RAIZ_PROJETO, env=ambiente, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.servico
def test_simular_envia_e_a_segunda_vez_continua_o_relogio(destino: Configuracao) -> None:
    saidas = [pix(destino, "simular", "--taxa", "400", "--segundos", "2", "--contas", "300") for _ in range(2)]
    assert [s.returncode for s in saidas] == [0, 0], saidas[0].stderr + saidas[1].stderr
    relogios = [next(x for x in s.stdout.splitlines() if "Relógio simulado" in x) for s in saidas]
    assert relogios[0].split(" a ")[1].removesuffix(" (UTC)") == relogios[1].split("de ")[1].split(" a ")[0]
    assert quantas(destino, destino.topico_eventos) >= 1_600


@pytest.mark.servico
def test_ctrl_c_no_simular_confirma_o_que_saiu_e_sai_130(destino: Configuracao) -> None:
    opcoes = ["--taxa", "100", "--segundos", "120", "--contas", "300"]
    comando = [sys.executable, "-m", "comandos.principal", "simular", *opcoes]
    ambiente = {**os.environ, **destino.para_ambiente()}
    with subprocess.Popen(comando, cwd=RAIZ_PROJETO, env=ambiente, stdout=subprocess.PIPE, text=True) as processo:
        esperar_mensagens(destino)
        processo.send_signal(signal.SIGINT)
        saida, _ = processo.communicate(timeout=60)
    assert processo.returncode == 130
    assert "Confirmados pelo broker" in saida
    assert list((destino.dados / "simulador").glob("semente-42-*.json"))


def esperar_mensagens(cfg: Configuracao) -> None:
    fim = time.monotonic() + 60
    while not quantas(cfg, cfg.topico_eventos):
        assert time.monotonic() < fim, "nada chegou ao tópico em 60 s"


@pytest.mark.servico
def test_importar_para_o_topico_envia_tudo_e_grava_o_mapa(destino: Configuracao, tmp_path: Path) -> None:
    dados = pl.DataFrame({
        "event_id": [f"e{i}" for i in range(300)],
        "ts": [f"2024-01-01 00:{i // 60:02d}:{i % 60:02d}" for i in range(300)],
        "payer_id": [f"p{i % 7}" for i in range(300)], "payee_id": [f"r{i % 5}" for i in range(300)],
        "amount": ["12.34"] * 300,
    })  # fmt: skip
    dados.write_csv(tmp_path / "e.csv")
    pl.DataFrame({"event_id": ["e3", "e9"], "is_fraud": [1, 1]}).write_csv(tmp_path / "r.csv")
    saida = pix(
        destino, "importar", str(tmp_path / "e.csv"), "--rotulos", str(tmp_path / "r.csv"), "--destino", "topico",
        "--mapa", str(tmp_path / "mapa.parquet"),
    )
    assert saida.returncode == 0, saida.stderr
    assert quantas(destino, destino.topico_eventos) == 300
    assert quantas(destino, destino.topico_rotulos) == 2
    assert pl.read_parquet(tmp_path / "mapa.parquet")["event_id"].to_list() == dados["event_id"].to_list()


def test_importar_sem_coluna_e_uma_linha_e_codigo_2(cfg: Configuracao, tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("event_id,ts,payer_id,amount\na,2024-01-01,b,1.00\n")
    saida = pix(cfg, "importar", str(tmp_path / "e.csv"))
    assert saida.returncode == 2
    assert saida.stderr.count("\n") == 1
    assert "falta a coluna payee_id" in saida.stderr
    assert "Traceback" not in saida.stderr


def test_simular_sem_broker_diz_como_subir(cfg: Configuracao, porta_livre: Callable[[], int]) -> None:
    saida = pix(replace(cfg, kafka_servidores=f"127.0.0.1:{porta_livre()}"), "simular", "--segundos", "1")
    assert saida.returncode == 2
    assert "./pix subir" in saida.stderr
