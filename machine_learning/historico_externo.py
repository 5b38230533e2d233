"""O histórico de seis colunas de qualquer um, e o corte que diz o que é treino e o que é teste."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ingestao.importador import importar_seis_colunas, ler_eventos, ler_rotulos
from machine_learning.conjunto import DIA_US, NUNCA, Historico
from plataforma.erros import ErroDados
from processamento.estado.lote import Eventos

CP_K: Final = 100
_NOSSO_ISPB: Final = ("99999010",)
"""Não há instituições em seis colunas; o importador pede uma."""


@dataclass(frozen=True)
class Corte:
    """Janelas [de, até) em µs UTC, o atraso do rótulo em dias e o k da precisão por cartão."""

    treino: tuple[int, int]
    teste: tuple[int, int]
    atraso_dias: int
    cp_k: int = CP_K

    @property
    def atraso_us(self) -> int:
        """O atraso do rótulo em µs."""
        return self.atraso_dias * DIA_US

    def deslocado(self, passos: int) -> Corte:
        """O mesmo corte, `passos` janelas de teste depois (negativo = antes)."""
        d = passos * (self.teste[1] - self.teste[0])
        return replace(
            self, treino=(self.treino[0] + d, self.treino[1] + d), teste=(self.teste[0] + d, self.teste[1] + d)
        )


def ler_corte(arquivo: Path) -> Corte:
    """Lê `split.json`: `train` e `test` ([de, até) em ISO 8601 UTC), `label_delay_days` e, se há, `cp_k`.

    Levanta:
        ErroDados: arquivo ilegível, campo ausente ou janela vazia; diz qual.
    """
    try:
        dados = json.loads(arquivo.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError) as erro:
        msg = f"{arquivo}: não é um JSON legível ({erro})"
        raise ErroDados(msg) from erro
    if not isinstance(dados, dict):
        msg = f"{arquivo}: esperado um objeto com train, test e label_delay_days"
        raise ErroDados(msg)
    treino, teste = _janela(arquivo, dados, "train"), _janela(arquivo, dados, "test")
    atraso, k = _inteiro(arquivo, dados, "label_delay_days", 0), _inteiro(arquivo, dados, "cp_k", 1, CP_K)
    if teste[0] < treino[0]:
        msg = f"{arquivo}: test começa antes de train"
        raise ErroDados(msg)
    return Corte(treino, teste, atraso, k)


def ler(
    eventos: Path, rotulos: Path, corte: Corte, passo: Callable[[str], None] = lambda _: None
) -> tuple[Historico, tuple[str, ...]]:
    """Lê e confere as seis colunas e os rótulos; devolve o histórico em ordem de instante e os avisos.

    Sem `known_at`, a fraude é conhecida `atraso_dias` depois do Pix. Contas viram inteiros arbitrários e estáveis.

    Levanta:
        ErroDados: arquivo, coluna e contagem do que não serve.
    """
    passo(f"lendo {eventos.name} e {rotulos.name}")
    base, marcas = ler_eventos(eventos), ler_rotulos(rotulos)
    _exigir_ordem(base, eventos)
    passo(f"conferindo {base.height} eventos")
    importado = importar_seis_colunas(
        base, marcas, _NOSSO_ISPB, atraso_dias=corte.atraso_dias, arquivo=str(eventos), arquivo_rotulos=str(rotulos)
    )
    e = importado.eventos
    contas = pl.concat([e["pagador_conta"], e["recebedor_conta"]])
    codigos = _codigos(contas)
    n = e.height
    colunas = Eventos(
        np.arange(n, dtype=np.int64), e["instante_us"].to_numpy(), e["valor_centavos"].to_numpy(),
        codigos[:n], codigos[n:], _codigos(e["dispositivo"]),
    )
    confirmados = e.select("id_fim_a_fim").join(
        importado.rotulos.select("id_fim_a_fim", "conhecido_em_us", "tipologia"), on="id_fim_a_fim", how="left",
        maintain_order="left",
    )
    conhecido = confirmados["conhecido_em_us"].fill_null(int(NUNCA)).to_numpy()
    tipologia = confirmados["tipologia"].fill_null("").to_numpy().astype(object)
    nomes = importado.mapa["event_id"].to_numpy()
    return Historico(colunas, None, conhecido.astype(np.int64), tipologia, nomes), importado.avisos


def _codigos(textos: pl.Series) -> NDArray[np.int64]:
    """Um inteiro positivo por texto distinto, na ordem alfabética; nulo = 0."""
    unicos = textos.unique().drop_nulls().sort()
    if not len(unicos):
        return np.zeros(len(textos), np.int64)
    codigos = pl.Series(np.arange(1, len(unicos) + 1, dtype=np.int64))
    return np.ascontiguousarray(
        textos.replace_strict(unicos, codigos, default=0, return_dtype=pl.Int64).fill_null(0).to_numpy(), np.int64
    )


def _exigir_ordem(base: pl.DataFrame, arquivo: Path) -> None:
    fora = int((base["ts"] < base["ts"].shift(1)).sum())
    if fora:
        msg = f"{arquivo}: coluna ts, {fora} linhas com instante anterior ao da linha de cima; ordene por ts"
        raise ErroDados(msg)


def _janela(arquivo: Path, dados: dict[str, Any], campo: str) -> tuple[int, int]:
    try:
        de, ate = (_instante(str(texto)) for texto in dados[campo])
    except (KeyError, TypeError, ValueError) as erro:
        msg = f'{arquivo}: {campo} = {dados.get(campo)!r} não serve; esperado ["AAAA-MM-DD", "AAAA-MM-DD"]'
        raise ErroDados(msg) from erro
    if de >= ate:
        msg = f"{arquivo}: {campo} é uma janela vazia ({dados[campo][0]} a {dados[campo][1]})"
        raise ErroDados(msg)
    return de, ate


def _instante(texto: str) -> int:
    lido = datetime.fromisoformat(texto)
    lido = lido.replace(tzinfo=UTC) if lido.tzinfo is None else lido.astimezone(UTC)
    return round(lido.timestamp() * 1_000_000)


def _inteiro(arquivo: Path, dados: dict[str, Any], campo: str, minimo: int, padrao: int | None = None) -> int:
    valor = dados.get(campo, padrao)
    if isinstance(valor, float) and valor.is_integer():
        valor = int(valor)
    if not isinstance(valor, int) or isinstance(valor, bool) or valor < minimo:
        msg = f"{arquivo}: {campo} = {valor!r} não serve; esperado inteiro ≥ {minimo}"
        raise ErroDados(msg)
    return valor
