"""Um lago pequeno sem JVM: prata e rótulos do simulador, escritos pelo deltalake com as colunas que o treino lê."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from deltalake import write_deltalake

from ingestao.simulador.geracao import gerar
from ingestao.simulador.parametros import Parametros
from ingestao.trafego import Trafego
from machine_learning.esquema import OURO_DECISOES
from plataforma.configuracao import Configuracao
from processamento.contexto import CONTEXTO
from processamento.protecao import id_entidade, id_evento
from processamento.tabelas import PRATA_PIX, PRATA_ROTULOS


def simular(eventos: int = 8_000, contas: int = 250, dias: int = 30, semente: int = 1) -> Trafego:
    """Histórico simulado, com rótulos tardios."""
    return gerar(Parametros(contas=contas, dias=dias, eventos=eventos, eventos_vivo=0), semente)


def gravar_prata(cfg: Configuracao, trafego: Trafego) -> None:
    """Escreve `prata_pix` e `prata_rotulos` com as colunas de que o treino precisa."""
    e = trafego.eventos.with_columns(
        _ids(trafego.eventos["id_fim_a_fim"], id_evento).alias("id_evento"),
        _ids(trafego.eventos["pagador_conta"], id_entidade).alias("pagador_id"),
        _ids(trafego.eventos["recebedor_conta"], id_entidade).alias("recebedor_id"),
        _ids(trafego.eventos["dispositivo"], id_entidade).alias("dispositivo_id"),
        pl.col("txid").is_not_null().alias("txid_presente"),
    )
    colunas = ["id_evento", "instante_us", "valor_centavos", "pagador_id", "recebedor_id", "dispositivo_id", *CONTEXTO]
    write_deltalake(str(PRATA_PIX.caminho(cfg)), e.select(colunas).to_arrow(), mode="overwrite")
    r = trafego.rotulos.with_columns(
        _ids(trafego.rotulos["id_fim_a_fim"], id_evento).alias("id_evento"),
        (pl.col("resultado") == "AGREED").alias("fraude"),
    )
    colunas = ["id_evento", "conhecido_em_us", "fraude", "tipologia", "classe"]
    write_deltalake(str(PRATA_ROTULOS.caminho(cfg)), r.select(colunas).to_arrow(), mode="overwrite")


def gravar_decisoes(
    cfg: Configuracao, ids: Sequence[int], instantes: Sequence[int], versoes: Sequence[str],
    atributos: Sequence[list[float | None] | None],
) -> None:
    """Escreve as colunas de `ouro_decisoes` que o treino lê."""
    quadro = pl.DataFrame({
        "id_evento": pl.Series(ids, dtype=pl.Int64), "instante_us": pl.Series(instantes, dtype=pl.Int64),
        "catalogo_versao": list(versoes), "atributos": pl.Series(list(atributos), dtype=pl.List(pl.Float64)),
    })
    write_deltalake(str(OURO_DECISOES.caminho(cfg)), quadro.to_arrow(), mode="overwrite")


def _ids(textos: pl.Series, resumo: object) -> pl.Series:
    unicos = textos.drop_nulls().unique()
    mapa = {texto: resumo(texto) for texto in unicos}  # type: ignore[operator]
    return pl.Series(np.array([mapa.get(texto, 0) for texto in textos], np.int64))
