"""`treinar`: tabelas → conjunto → ajuste → MLflow → portão → alias. O único lugar que junta as partes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from machine_learning import (
    ajuste,
    cartao,
    conjunto,
    controles,
    custos,
    graficos,
    leitura,
    modelo,
    portao,
    registro,
    registro_aliases,
)
from machine_learning.conjunto import DIA_US, Conjunto, Historico
from machine_learning.controles import Controle
from machine_learning.medidas import achatar, limpo
from machine_learning.registro import Corrida, VersaoModelo
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroDados
from processamento.atributos import NOMES
from processamento.catalogo import PADRAO, Catalogo

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JANELA_DIAS: Final = 45
"""Quanto de história entra no treino; os atributos enxergam tudo o que veio antes."""
LINHAS_RAPIDO: Final = 150_000
Passo = Callable[[str], None]


@dataclass(frozen=True)
class Treinado:
    """O que saiu de um treino registrado. `promovido` diz se o alias `campeao` passou a esta versão."""

    versao: VersaoModelo
    ajuste: ajuste.Ajuste
    promovido: bool
    portao: dict[str, Any]
    segundos: float


def treinar(
    cfg: Configuracao, spark: SparkSession | None = None, *, rapido: bool = False, promover: bool = False,
    motivo: str = "", semente: int = 0, agora_us: int | None = None, catalogo: Catalogo = PADRAO, tarefas: int = 2,
    passo: Passo = lambda _: None, relogio: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Treinado:
    """Treina com a prata e seus rótulos, registra a versão e a promove se passa no portão.

    Args:
        cfg: tabelas, MLflow e nome do modelo.
        spark: sessão com que ler; None lê sem JVM.
        rapido: só boosting e logística, com menos linhas e sem os controles de vazamento (a demonstração).
        promover: torna campeão mesmo havendo outro, se o portão deixa; sem campeão, promove sempre.
        motivo: por que se treinou; fica gravado.
        semente: de todo sorteio.
        agora_us: instante do treino; None = logo depois do último Pix (o relógio da história, não o da máquina).
        catalogo: o que medir.
        tarefas: processadores.
        passo: recebe cada passo, para a tela.
        relogio: dá o instante que se grava na promoção.

    Levanta:
        ErroDados: sem tabelas, sem Pix maduros ou com uma só classe.
        ErroServico: MLflow fora do ar.
    """
    inicio = time.monotonic()
    passo("lendo a prata")
    historico, versoes = leitura.das_tabelas(cfg, spark)
    agora = int(historico.eventos.instante_us[-1]) + 1 if agora_us is None else agora_us
    dados, servidos = leitura.com_servidos(
        preparar(historico, catalogo, agora, rapido=rapido, passo=passo), cfg, catalogo, spark
    )
    versoes["linhas_como_servidas"] = servidos
    politica = custos.ler()
    feito = ajuste.ajustar(
        dados, agora_us=agora, atraso_us=catalogo.maturacao_dias * DIA_US, semente=semente, politica=politica,
        quais=ajuste.RAPIDOS if rapido else ajuste.CANDIDATOS, tarefas=tarefas, progresso=passo,
    )
    provas = [] if rapido else controles.do_treino(historico, feito, agora, catalogo, semente, passo)
    passo("registrando no MLflow")
    atual = registro.resolver(cfg, registro.CAMPEAO)
    versao = _registrar(cfg, feito, politica, catalogo, versoes, motivo, semente, provas)
    portao_ = portao.sem_vazamento(provas) or portao.conferir(cfg, feito, atual, agora, catalogo)
    deve = portao_["aprovado"] and (atual is None or promover)
    if deve:
        texto = str(portao_["motivo"])
        registro_aliases.apontar(cfg, registro.CAMPEAO, versao, motivo or texto, relogio(), portao=texto)
    return Treinado(versao, feito, deve, portao_, time.monotonic() - inicio)


def preparar(
    historico: Historico, catalogo: Catalogo, agora_us: int, *, rapido: bool, passo: Passo = lambda _: None
) -> Conjunto:
    """Os atributos da janela de treino: os últimos `JANELA_DIAS` maduros; no modo rápido, só os mais recentes."""
    instante = historico.eventos.instante_us
    limite = agora_us - catalogo.maturacao_dias * DIA_US
    quais = (instante <= limite) & (instante > limite - JANELA_DIAS * DIA_US)
    if not quais.any():
        msg = (
            f"nenhum Pix da prata tem mais de {catalogo.maturacao_dias} dias (o atraso do rótulo): "
            "ainda não há o que ensinar"
        )
        raise ErroDados(msg)
    if rapido and int(quais.sum()) > LINHAS_RAPIDO:
        quais &= instante >= np.sort(instante[quais])[-LINHAS_RAPIDO]
    passo(f"medindo {int(quais.sum())} Pix")
    return conjunto.medir(historico, catalogo, quais)


def _registrar(
    cfg: Configuracao, feito: ajuste.Ajuste, politica: custos.Politica, catalogo: Catalogo,
    versoes: dict[str, int], motivo: str, semente: int, provas: Sequence[Controle],
) -> VersaoModelo:
    detector = feito.detector
    ficha = {
        "catalogo_versao": catalogo.versao, "referencia": detector.metadados["referencia"], "janela": feito.janela,
        "validacao": limpo(feito.validacao), "politica_versao": politica.versao,
        "controles": {prova.nome: {"passou": prova.passou, "texto": prova.texto} for prova in provas},
    }
    parametros = {
        "candidato": detector.candidato, "semente": semente, "catalogo_versao": catalogo.versao,
        "colunas": len(detector.colunas_), "maturacao_dias": catalogo.maturacao_dias,
        "calibracao": detector.calibrador_.forma, "politica_versao": politica.versao,
        **{f"limiar_{acao.value}": round(p, 6) for acao, p in detector.limiares.items()},
        **{f"{trecho}_{campo}": n for trecho, d in feito.janela.items() for campo, n in d.items()},
    }
    marcas = {f"tabela_{nome}": str(v) for nome, v in versoes.items()} | {"motivo_treino": motivo or "treino"}
    aps = {t.candidato: t.medidas["ap"] for t in feito.tentativas}
    corrida = Corrida(
        f"treino {detector.candidato}", parametros, achatar(feito.validacao), marcas,
        graficos.do_ajuste(feito.validacao),
        {
            "limiares.json": {a.value: p for a, p in detector.limiares.items()}, "validacao.json": ficha["validacao"],
            "cartao.md": cartao.do_treino(ficha, detector.candidato, aps),
        },
    )
    tentativas = [
        Corrida(t.candidato, {"candidato": t.candidato, "semente": semente},
                {**achatar(t.medidas), "segundos": t.segundos}, {}, {}, {})
        for t in feito.tentativas
    ]
    with tempfile.TemporaryDirectory() as pasta:
        arquivo = Path(pasta) / registro.ARQUIVO
        modelo.salvar(detector, arquivo, ficha)
        return registro.registrar(cfg, corrida, tentativas, arquivo, NOMES)
