"""Uma população sintética de qualquer tamanho: história direto na prata e tráfego em carga, sem simular tipologias.

Serve a medir tamanho e calor do estado: um milhão de contas por trinta dias são 15 milhões de Pix, que gerar e validar
um a um levaria mais que medir. O tráfego vivo passa inteiro pelo caminho de sempre.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import polars as pl
import pyarrow as pa
from deltalake import write_deltalake
from numpy.typing import NDArray
from pyspark.sql.pandas.types import to_arrow_schema

from comandos.desempenho.carga import Conta, gravar
from ingestao.esquema import Dispositivo, Evento, Parte
from plataforma.configuracao import Configuracao
from processamento.protecao import SEM_ENTIDADE, id_entidade
from processamento.tabelas import PRATA_PIX

Inteiros = NDArray[np.int64]
PIX_POR_CONTA_E_DIA: Final = 0.5
"""A densidade com que se compara o crescimento: só o número de contas e de dias muda."""
POR_ARQUIVO: Final = 1_000_000
FRACAO_COM_APARELHO: Final = 0.6
SEGUNDO_US: Final = 1_000_000
DIA_US: Final = 86_400 * SEGUNDO_US
_LETRAS: Final = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", np.uint8)
_ISPB: Final = "99999010"


@dataclass(frozen=True)
class Calor:
    """Fração de todo o tráfego que vai a um só recebedor e que sai de um só pagador; zeros = ninguém é quente."""

    recebedor: float = 0.0
    pagador: float = 0.0


@dataclass(frozen=True)
class Sorteio:
    """Quem paga a quem, por índice de conta; `com_aparelho` diz se o Pix leva o aparelho do pagador."""

    pagador: Inteiros
    recebedor: Inteiros
    com_aparelho: NDArray[np.bool_]
    centavos: Inteiros


class Populacao:
    """Contas e aparelhos (um por conta) com token e inteiro; o mesmo `semente` dá os mesmos."""

    def __init__(self, contas: int, semente: int) -> None:
        self.contas = contas
        self._rng = np.random.default_rng(semente)
        letras = _LETRAS[self._rng.integers(0, _LETRAS.size, (2 * contas, 22))]
        tokens = [f"tok:sim:{resumo}" for resumo in letras.view("S22").ravel().astype(str).tolist()]
        inteiros = np.array([id_entidade.__wrapped__(token) for token in tokens], np.int64)
        self.conta, self.aparelho = tokens[:contas], tokens[contas:]
        self.id_conta, self.id_aparelho = inteiros[:contas], inteiros[contas:]

    def sortear(self, quantos: int, calor: Calor) -> Sorteio:
        """`quantos` Pix entre contas quaisquer, com o calor dado."""
        rng = self._rng
        pagador = rng.integers(0, self.contas, quantos)
        pagador[rng.random(quantos) < calor.pagador] = 0
        recebedor = rng.integers(0, self.contas, quantos)
        recebedor[rng.random(quantos) < calor.recebedor] = 1
        recebedor = np.where(recebedor == pagador, (pagador + 1) % self.contas, recebedor)
        centavos = np.maximum(np.exp(rng.normal(9.0, 1.2, quantos)), 1).astype(np.int64)
        return Sorteio(pagador, recebedor, rng.random(quantos) < FRACAO_COM_APARELHO, centavos)


def povoar(cfg: Configuracao, populacao: Populacao, dias: int, ate_us: int, calor: Calor) -> int:
    """Troca o conteúdo de `prata_pix` pela história da população nos `dias` antes de `ate_us`; devolve quantos Pix."""
    total = round(populacao.contas * PIX_POR_CONTA_E_DIA * dias)
    esquema, destino = to_arrow_schema(PRATA_PIX.esquema), str(PRATA_PIX.caminho(cfg))
    for inicio in range(0, total, POR_ARQUIVO):
        lugar = np.arange(inicio, min(inicio + POR_ARQUIVO, total))
        instante = ate_us - dias * DIA_US + lugar * dias * DIA_US // total
        tabela = _prata(populacao, populacao.sortear(lugar.size, calor), lugar, instante, esquema)
        write_deltalake(destino, tabela, mode="append" if inicio else "overwrite")
    return total


def carregar(
    cfg: Configuracao, populacao: Populacao, quantos: int, de_us: int, calor: Calor, arquivo: Path
) -> tuple[Conta, int]:
    """Uma carga de `quantos` Pix a partir de `de_us`, na densidade da população; devolve-a e até quando ela anda."""
    intervalo_us = DIA_US / (populacao.contas * PIX_POR_CONTA_E_DIA)
    sorteio = populacao.sortear(quantos, calor)
    ate_us = de_us + round(quantos * intervalo_us)

    def registros() -> Iterator[tuple[float, bool, bytes, bytes]]:
        for i in range(quantos):
            evento = _evento(populacao, sorteio, i, de_us + round(i * intervalo_us))
            yield float(i), True, evento.pagador.conta.encode(), msgspec.json.encode(evento)

    gravar(arquivo, registros())
    return Conta(arquivo, quantos, quantos, ate_us), ate_us


def _evento(populacao: Populacao, sorteio: Sorteio, i: int, instante_us: int) -> Evento:
    quando = dt.datetime.fromtimestamp(instante_us / SEGUNDO_US, dt.UTC)
    centavos, pagador = int(sorteio.centavos[i]), int(sorteio.pagador[i])
    return Evento(
        id_fim_a_fim=f"E{_ISPB}{quando:%Y%m%d%H%M}{instante_us % 10**11:011d}",
        instante=f"{quando:%Y-%m-%dT%H:%M:%S}.{quando.microsecond // 1_000:03d}Z",
        valor=f"{centavos // 100}.{centavos % 100:02d}",
        pagador=_parte(populacao.conta[pagador]), recebedor=_parte(populacao.conta[int(sorteio.recebedor[i])]),
        forma_de_iniciacao="MANU", finalidade="IPAY",
        dispositivo=Dispositivo(populacao.aparelho[pagador]) if sorteio.com_aparelho[i] else None,
    )


def _parte(conta: str) -> Parte:
    return Parte(ispb=_ISPB, conta=conta, tipo_conta="CACC", tipo_pessoa="PF", documento=conta)


def _prata(
    populacao: Populacao, sorteio: Sorteio, lugar: Inteiros, instante: Inteiros, esquema: pa.Schema
) -> pa.Table:
    """As colunas que o estado lê, e nas outras o que a tabela aceita; o inteiro do evento é o lugar na história."""
    aparelho = np.where(sorteio.com_aparelho, populacao.id_aparelho[sorteio.pagador], SEM_ENTIDADE)
    dia = pl.from_epoch("instante_us", "us").dt
    quadro = pl.DataFrame({
        "id_evento": lugar + 1, "deslocamento": lugar, "instante_us": instante, "kafka_em_us": instante,
        "valor_centavos": sorteio.centavos, "pagador_id": populacao.id_conta[sorteio.pagador],
        "recebedor_id": populacao.id_conta[sorteio.recebedor], "dispositivo_id": aparelho,
    }).with_columns(
        minuto_id=dia.strftime("%Y%m%d%H%M").cast(pl.Int64), data=dia.date(),
        id_fim_a_fim=pl.format(f"E{_ISPB}{{}}{{}}", dia.strftime("%Y%m%d%H%M"),
                               pl.col("deslocamento").cast(pl.String).str.zfill(11)),
        forma_de_iniciacao=pl.lit("MANU"), finalidade=pl.lit("IPAY"), txid_presente=pl.lit(value=False),
        topico=pl.lit("historia"), particao=pl.lit(0), origem=pl.lit("historico"),
        **{f"{lado}_{nome}": pl.lit(texto) for lado in ("pagador", "recebedor")
           for nome, texto in (("conta", ""), ("ispb", _ISPB), ("tipo_conta", "CACC"), ("tipo_pessoa", "PF"),
                               ("documento", ""))},
    )
    nulos = [pl.lit(None).alias(nome) for nome in esquema.names if nome not in quadro.columns]
    return quadro.with_columns(nulos).select(esquema.names).to_arrow().cast(esquema)
