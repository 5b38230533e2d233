"""As razões: o caminho da decisão ao lado do que o Spark, o scikit-learn e o desenho comum custam nesta máquina."""

from __future__ import annotations

import hashlib
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from comandos.desempenho import bases
from comandos.desempenho.carga import Carga, Conta
from comandos.desempenho.leitor import atributos_servidos, copia
from comandos.desempenho.ponto import Medicao, medir
from comandos.fluxos import conversa
from ingestao.remessa import Remessa
from plataforma.configuracao import Configuracao
from plataforma.servicos import processo
from plataforma.servicos.topicos import criar_topico

PRAZO_BASE_S: Final = 180.0
LINHAS_POR_LOTE: Final = 1_000
DECISOES_LIDAS: Final = 20_000


@contextmanager
def de_pe(nome: str, cfg: Configuracao) -> Iterator[None]:
    """A base corre enquanto o bloco corre; cada uma começa do fim do tópico, sem estado anterior."""
    for pasta in (bases.pasta_tabela(cfg), bases.pasta_checkpoint(cfg)):
        shutil.rmtree(pasta, ignore_errors=True)
    conversa.arquivo_estado(cfg, bases.NOME).unlink(missing_ok=True)
    criar_topico(cfg, bases.topico_copia(cfg))
    comando = [sys.executable, "-m", "comandos.desempenho.bases", nome]
    base = processo.iniciar(bases.NOME, comando, cfg, cfg.para_ambiente())
    try:
        base.esperar(lambda: conversa.pronto(cfg, bases.NOME), PRAZO_BASE_S, f"deixar a base {nome} de pé")
        yield
    finally:
        processo.parar(bases.NOME, cfg, PRAZO_BASE_S)


def medir_base(
    nome: str, cfg: Configuracao, conta: Conta, taxa: float, aquecimento_s: float
) -> tuple[Medicao, dict[str, Any]]:
    """O ponto de uma base que escreve no Kafka e o resumo dos seus micro-lotes (`comandos.desempenho.bases.resumo`)."""
    with de_pe(nome, cfg):
        medicao = medir(
            cfg, conta, taxa, aquecimento_s, (bases.NOME,), bases.topico_copia(cfg), fases=dict, ler=copia
        )
    return medicao, bases.resumo(cfg)


def medir_delta(cfg: Configuracao, conta: Conta, taxa: float) -> dict[str, Any]:
    """O resumo dos micro-lotes de uma cópia Kafka → Delta, enquanto a carga é enviada na taxa."""
    with de_pe(bases.COPIA_DELTA, cfg), Remessa(cfg, partial(Carga, conta.arquivo, taxa)) as remessa:
        remessa.comecar()
        remessa.esperar()
    return bases.resumo(cfg)


def predict_por_segundo(cfg: Configuracao) -> float:
    """Linhas por segundo do `predict_proba` do scikit-learn, nu, um processo e um núcleo, nos atributos servidos."""
    from machine_learning.modelo import carregar  # noqa: PLC0415 — sklearn e skops só aqui

    arquivo = max(cfg.caminho("modelos", cfg.modelo).rglob("*.skops"), key=lambda a: a.stat().st_mtime)
    detector = carregar(arquivo, _sha256(arquivo))
    x = atributos_servidos(cfg, DECISOES_LIDAS)[:, detector.colunas_].astype(np.float32)
    lotes = [x[i:i + LINHAS_POR_LOTE] for i in range(0, x.shape[0], LINHAS_POR_LOTE)]
    estimadores = list(detector.estimadores_.values())
    for estimador in estimadores:  # a primeira chamada paga a abertura
        estimador.predict_proba(lotes[0])
    inicio = time.process_time()
    for lote in lotes:
        for estimador in estimadores:
            estimador.predict_proba(lote)
    return float(x.shape[0] / (time.process_time() - inicio))


def _sha256(arquivo: Path) -> str:
    return hashlib.sha256(arquivo.read_bytes()).hexdigest()
