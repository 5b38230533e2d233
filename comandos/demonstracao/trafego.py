"""De onde vem o tráfego da demonstração: o simulador, ou a história de seis colunas de alguém."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from ingestao.trafego import Trafego

if TYPE_CHECKING:
    from plataforma.configuracao import Configuracao

ATRASO_ROTULO_DIAS: Final = 7
"""Sem `known_at`, um rótulo importado é conhecido tantos dias depois do pagamento (prazo de análise do MED)."""


def simulado(cfg: Configuracao, taxa: float, segundos: float, semente: int) -> Trafego:
    """60 dias de 5.000 contas e 300.000 Pix, e o vivo que os continua na mesma densidade."""
    from ingestao.simulador.geracao import gerar  # noqa: PLC0415 — só quando se simula
    from ingestao.simulador.parametros import Parametros  # noqa: PLC0415

    return gerar(Parametros(nossos_ispb=cfg.nossos_ispb).com_vivo(taxa, segundos), semente)


def anotar_relogio(cfg: Configuracao, taxa: float, segundos: float, semente: int) -> None:
    """Depois da demonstração, `./pix simular` com a mesma semente continua esta população, sem repetir ids."""
    from ingestao import continuacao  # noqa: PLC0415
    from ingestao.simulador.parametros import Parametros  # noqa: PLC0415

    parametros = Parametros(nossos_ispb=cfg.nossos_ispb).com_vivo(taxa, segundos)
    continuacao.gravar(cfg, parametros, semente, parametros.fim_us + parametros.duracao_viva_us)


def importado(cfg: Configuracao, eventos: Path, rotulos: Path | None, taxa: float, segundos: float) -> Trafego:
    """A história do arquivo: a parte mais antiga como histórico, a última, com `taxa` x `segundos` Pix, como vivo."""
    from ingestao.importador import dividir, importar_arquivos  # noqa: PLC0415

    importacao = importar_arquivos(eventos, rotulos, cfg.nossos_ispb, ATRASO_ROTULO_DIAS)
    return dividir(importacao, eventos_vivos=round(taxa * segundos), segundos_vivo=segundos)


def fraudes_vivas(trafego: Trafego) -> dict[str, int]:
    """Valor em centavos de cada fraude de verdade do trecho vivo, por id: só para medir."""
    fraudes = trafego.verdade.filter(pl.col("fraude")).select("id_fim_a_fim")
    vivas = trafego.vivo().join(fraudes, on="id_fim_a_fim", how="semi")
    return dict(zip(vivas["id_fim_a_fim"].to_list(), vivas["valor_centavos"].to_list(), strict=True))
