"""A simulação inteira: histórico e vivo em uma chamada, ou um fluxo de blocos sem fim, sempre pela semente."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from ingestao.simulador import agenda, contestacoes, laranjas, lote, observacao, ocasioes, populacao, rotina
from ingestao.simulador.consultas import apurar
from ingestao.simulador.economia import Economia
from ingestao.simulador.lote import Inteiros, Relacao, Tabela
from ingestao.simulador.parametros import DIA_US, NOMES_TIPOLOGIA, Parametros
from ingestao.simulador.tipologias.comum import Cenario
from ingestao.simulador.tipologias.mistura import gerar as gerar_golpes
from ingestao.trafego import EVENTOS, ROTULOS, VERDADE, Trafego

BLOCO_MAXIMO: Final = 400_000
_DEVOLVIDAS: Final = 0.10
"""Fraudes contra as quais a instituição do recebedor devolve com conta própria (finalidade IPRT, MED 2.0)."""
_HORIZONTE_DIAS: Final = 180
_REPOSICAO: Final = 1.03


@dataclass(frozen=True)
class Simulacao(Trafego):
    """O tráfego simulado, com o que basta para gerá-lo de novo."""

    parametros: Parametros
    semente: int


@dataclass(frozen=True)
class Bloco:
    """Um trecho contínuo: eventos por instante, rótulos nascidos deles por `conhecido_em_us`, e a verdade."""

    eventos: pl.DataFrame
    rotulos: pl.DataFrame
    verdade: pl.DataFrame


def gerar(parametros: Parametros, semente: int) -> Simulacao:
    """O histórico de `dias` com `eventos` pagamentos e, se pedido, o vivo que continua o mesmo relógio."""
    fim = parametros.fim_us + parametros.duracao_viva_us
    gerador = Gerador(parametros, semente, fim)
    blocos = gerador.trecho(parametros.inicio_us, parametros.fim_us, parametros.eventos)
    if parametros.eventos_vivo:
        blocos += gerador.trecho(parametros.fim_us, fim, parametros.eventos_vivo)
    return Simulacao(
        pl.concat([b.eventos for b in blocos]),
        pl.concat([b.rotulos for b in blocos]).sort("conhecido_em_us", maintain_order=True),
        pl.concat([b.verdade for b in blocos]),
        parametros.eventos, parametros.segundos_vivo, parametros, semente,
    )  # fmt: skip


def fluxo(parametros: Parametros, semente: int, de_us: int, eventos_por_bloco: int) -> Iterator[Bloco]:
    """Blocos contínuos a partir de `de_us`, sem fim, na densidade de `parametros`: a mesma população da semente."""
    gerador = Gerador(parametros, semente, de_us + _HORIZONTE_DIAS * DIA_US, serie=de_us)
    while True:
        ate_us = de_us + max(1, round(eventos_por_bloco / parametros.eventos_por_us))
        yield gerador.bloco(de_us, ate_us, eventos_por_bloco)
        de_us = ate_us


class Gerador:
    """Gera blocos em sequência; guarda só o que atravessa de um para o outro.

    `serie` distingue fluxos da mesma semente que começam em instantes diferentes.
    """

    def __init__(self, parametros: Parametros, semente: int, ate_us: int, serie: int = 0) -> None:
        self._parametros, self._semente, self._serie = parametros, semente, serie
        self._blocos = self._sequencia = self._fraudes = self._campanhas = 0
        self._pendentes, self._contestacoes = lote.vazio(), np.zeros(0, contestacoes.ROTULO)
        self._recebidos = np.zeros(0, np.int64)
        self._ate_us = 0
        self._preparar(ate_us)

    def trecho(self, de_us: int, ate_us: int, n: int) -> list[Bloco]:
        """O período em blocos de até `BLOCO_MAXIMO` eventos, `n` ao todo."""
        partes = -(-n // BLOCO_MAXIMO)
        cortes = [de_us + (ate_us - de_us) * i // partes for i in range(partes + 1)]
        contas = [n * (i + 1) // partes - n * i // partes for i in range(partes)]
        return [self.bloco(a, b, k) for a, b, k in zip(cortes, cortes[1:], contas, strict=False)]

    def bloco(self, de_us: int, ate_us: int, n: int) -> Bloco:
        """Exatamente `n` eventos em [de, ate), continuando o bloco anterior."""
        self._preparar(ate_us)
        rng = np.random.default_rng([self._semente, 10, self._serie, self._blocos])
        self._blocos += 1
        pagamentos = self._pagamentos(rng, de_us, ate_us, n)
        novas = contestacoes.gerar(rng, self._economia, pagamentos)
        self._contestacoes = np.concatenate([self._contestacoes, novas])
        consulta = apurar(pagamentos, self._contestacoes, self._recebidos, self._parametros.inicio_us - 10 * DIA_US)
        sequencia = self._sequencia + np.arange(n)
        self._sequencia += n
        eventos = observacao.observar(rng, self._economia, pagamentos, sequencia, consulta).select(list(EVENTOS))
        return Bloco(eventos, _rotulos(eventos, novas), _verdade(eventos, pagamentos))

    def _preparar(self, ate_us: int) -> None:
        if ate_us <= self._ate_us:
            return
        self._ate_us = ate_us if not self._ate_us else ate_us + _HORIZONTE_DIAS * DIA_US
        pessoas = populacao.criar(self._parametros, self._semente, self._ate_us)
        self._economia = Economia(self._parametros, self._semente, pessoas)
        self._laranjas = laranjas.criar(self._parametros, self._semente, pessoas, self._ate_us)
        self._recebidos = np.concatenate([self._recebidos, np.zeros(len(pessoas) - len(self._recebidos), np.int64)])

    def _pagamentos(self, rng: np.random.Generator, de_us: int, ate_us: int, n: int) -> Tabela:
        """Golpes, agenda e ocasiões do período; a rotina completa até `n`. O que passa do fim fica para depois."""
        golpes = self._golpes(rng, de_us, ate_us, n)
        especiais = [golpes, agenda.gerar(self._economia, de_us, ate_us),
                     ocasioes.gerar(rng, self._economia, n, de_us, ate_us)]  # fmt: skip
        novos = self._possiveis(lote.juntar(especiais), de_us)
        # Os pendentes já foram repassados no bloco em que nasceram: outra vez a cada bloco, cresceriam sem fim.
        ecos = ocasioes.repassar(rng, self._economia, novos[~novos["fraude"]])
        fixos = lote.juntar([self._pendentes, novos, self._possiveis(ecos, de_us)])
        comuns, falta = lote.vazio(), n - int((fixos["instante"] < ate_us).sum())
        while falta > 0:
            nova = rotina.gerar(rng, self._economia, round(falta * _REPOSICAO) + 8, de_us, ate_us)
            nova = self._possiveis(nova, de_us)
            ecos = self._possiveis(ocasioes.repassar(rng, self._economia, nova), de_us)
            fixos, comuns = lote.juntar([fixos, ecos]), lote.juntar([comuns, nova])
            falta = n - len(comuns) - int((fixos["instante"] < ate_us).sum())
        sobra = min(-falta, len(comuns))
        if sobra > 0:
            comuns = np.delete(comuns, rng.choice(len(comuns), sobra, replace=False))
        self._pendentes = fixos[fixos["instante"] >= ate_us]
        return lote.ordenar(lote.juntar([fixos[fixos["instante"] < ate_us], comuns]))[:n]

    def _golpes(self, rng: np.random.Generator, de_us: int, ate_us: int, n: int) -> Tabela:
        alvo = self._parametros.prevalencia * (self._sequencia + n) - self._fraudes
        cenario = Cenario(rng, self._economia, self._laranjas, de_us, ate_us, self._campanhas)
        golpes = gerar_golpes(cenario, self._parametros.mistura, max(alvo, 0.0))
        self._campanhas = cenario.campanhas
        self._fraudes += int(golpes["fraude"].sum())
        return lote.juntar([golpes, _devolucoes(rng, self._economia, golpes)])

    def _possiveis(self, pagamentos: Tabela, de_us: int) -> Tabela:
        ruim = self._economia.impossivel(pagamentos["pagador"], pagamentos["recebedor"], pagamentos["instante"])
        return pagamentos[~ruim & (pagamentos["instante"] >= de_us)]


def _devolucoes(rng: np.random.Generator, economia: Economia, golpes: Tabela) -> Tabela:
    """Devoluções do MED 2.0 pela instituição do recebedor: isentas de decisão, fora das janelas."""
    p = economia.populacao
    nossas = golpes[golpes["fraude"] & p.nossa[golpes["recebedor"]]]
    feitas = nossas[lote.chance(rng, len(nossas), _DEVOLVIDAS)]
    quando = feitas["instante"] + contestacoes.atrasos(rng, len(feitas))
    quem = rng.integers(0, len(economia.parametros.nossos_ispb), len(feitas))
    valor = feitas["valor"] * rng.uniform(0.05, 1.0, len(feitas))
    return lote.novo(quando, quem, feitas["pagador"], valor, Relacao.DEVOLUCAO_MED, forma=0)


def _rotulos(eventos: pl.DataFrame, feitas: Tabela) -> pl.DataFrame:
    linhas, classe = pl.Series(feitas["evento"].astype(np.uint32)), pl.Series(feitas["classe"].astype(np.uint32))
    dos_eventos = eventos.select("id_fim_a_fim", "instante_us", "pagador_conta", "recebedor_conta", "dispositivo")
    return dos_eventos.select(pl.all().gather(linhas)).with_columns(
        pl.Series("conhecido_em_us", feitas["conhecido"]),
        pl.Series("classe", contestacoes.CLASSES, dtype=pl.String).gather(classe),
        pl.Series("resultado", np.where(feitas["aceita"], "AGREED", "DISAGREED"), dtype=pl.String),
        _nome_tipologia(feitas["tipologia"]),
    ).select(list(ROTULOS))  # fmt: skip


def _verdade(eventos: pl.DataFrame, pagamentos: Tabela) -> pl.DataFrame:
    fraude = pagamentos["fraude"]
    tipologia = _nome_tipologia(np.where(fraude, pagamentos["tipologia"], 0))
    return eventos.select("id_fim_a_fim").with_columns(pl.Series("fraude", fraude), tipologia).select(list(VERDADE))


def _nome_tipologia(codigo: Inteiros) -> pl.Series:
    nomes = pl.Series("tipologia", (None, *NOMES_TIPOLOGIA[1:]), dtype=pl.String)
    return nomes.gather(pl.Series(codigo.astype(np.uint32)))
