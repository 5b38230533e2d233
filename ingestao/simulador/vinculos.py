"""Quem conhece, emprega, cobra e empresta o aparelho a quem: os laços que dão rotina à população."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ingestao.simulador import lote
from ingestao.simulador.contas import CONTATOS, RECORRENCIAS, Papel, Populacao
from ingestao.simulador.lote import Inteiros, Logicos, Reais

Posicoes = npt.NDArray[np.int32]
_TABELA: Final = 8_000_000


def vinculos(rng: np.random.Generator, todos: dict[str, Any], base: int, n: int) -> dict[str, Any]:
    """Conhecidos, lojas de costume, contas próprias, emprego e pagamentos mensais das `n` contas a partir de `base`."""
    total = base + n
    quem = np.arange(base, total)
    pessoas, lojas = todos["papel"] <= Papel.AUTONOMO, np.isin(todos["papel"], (Papel.LOJA, Papel.AUTONOMO))
    empresas = np.isin(todos["papel"], (Papel.EMPRESA, Papel.LOJA))
    fisicas = pessoas & ~todos["pj"]
    cobradoras = np.isin(todos["papel"], (Papel.CONSUMO, Papel.EMPRESA, Papel.PESSOA))
    sorteio = _Sorteio(rng, todos["nossa"], todos["procura"], quem)
    contatos = sorteio.para(pessoas, CONTATOS)
    outra = sorteio.para(pessoas, CONTATOS)
    mesma_uf = todos["uf"][outra] == todos["uf"][quem][:, None]
    contatos = np.where(mesma_uf, outra, contatos)
    negocio = todos["pj"][quem]
    fornecedores = sorteio.para(empresas, CONTATOS)
    contatos = np.where((negocio[:, None]) & lote.chance(rng, n * CONTATOS, 0.7).reshape(n, -1), fornecedores, contatos)
    sem = np.int32(-1)
    recorrente = sorteio.para(cobradoras, RECORRENCIAS)
    pessoa = ~negocio
    empregado = pessoa & lote.chance(rng, n, 0.34)
    return {
        "contatos": contatos.astype(np.int32),
        "lojas": sorteio.para(lojas, CONTATOS).astype(np.int32),
        "propria": np.where(pessoa & lote.chance(rng, n, 0.2), sorteio.para(fisicas, 1)[:, 0], sem).astype(np.int32),
        "empregador": np.where(empregado, sorteio.pagadoras(empresas), sem).astype(np.int32),
        "recorrente": np.where(lote.chance(rng, n * RECORRENCIAS, 0.4).reshape(n, -1), recorrente, sem)
        .astype(np.int32),
    }  # fmt: skip


def reunir_contas(colunas: dict[str, Any], antes: Populacao | None, base: int) -> None:
    """Quem tem conta própria em outro lugar passa a ter lá o mesmo documento; sem correntes de três."""
    propria, documento = colunas["propria"], colunas["documento"]
    todas = propria if antes is None else np.concatenate([antes.propria, propria])
    documentos = documento.copy() if antes is None else np.concatenate([antes.documento, documento])
    propria[(propria >= 0) & (todas[propria] >= 0)] = -1
    propria[propria == np.arange(base, base + len(propria))] = -1
    tem = propria >= 0
    documento[tem] = documentos[propria[tem]]


class _Sorteio:
    """Contrapartes ao acaso: quem é de fora só paga às nossas (o resto não passa por nós)."""

    def __init__(self, rng: np.random.Generator, nossa: Logicos, procura: Reais, quem: Inteiros) -> None:
        self.rng, self.nossa, self.procura, self.quem = rng, nossa, procura, quem

    def para(self, grupo: Logicos, quantos: int) -> Posicoes:
        """Recebedores do grupo para cada conta, forma (n, quantos), pela procura."""
        fora = np.flatnonzero(~self.nossa[self.quem])
        saida = self._pela_procura(grupo, len(self.quem) * quantos).reshape(-1, quantos)
        saida[fora] = self._pela_procura(grupo & self.nossa, len(fora) * quantos).reshape(-1, quantos)
        return saida

    def pagadoras(self, grupo: Logicos) -> Posicoes:
        """Uma conta do grupo que pode pagar a cada conta: quem é de fora só recebe das nossas."""
        return self.para(grupo, 1)[:, 0]

    def _pela_procura(self, grupo: Logicos, n: int) -> Posicoes:
        onde = np.flatnonzero(grupo).astype(np.int32)
        acumulado = np.cumsum(self.procura[onde])
        if n <= _TABELA:
            return onde[lote.sorteio_ponderado(self.rng, acumulado, n)]
        # Milhões de buscas ao acaso custam mais que uma tabela de quantis, exata até uma parte em oito milhões.
        quantis = (np.arange(_TABELA) + 0.5) * (acumulado[-1] / _TABELA)
        tabela = onde[np.minimum(np.searchsorted(acumulado, quantis), len(onde) - 1)]
        return np.asarray(tabela[self.rng.integers(0, _TABELA, n, dtype=np.int32)], dtype=np.int32)


def compartilhados(rng: np.random.Generator, base: int, n: int) -> npt.NDArray[np.int32]:
    """De quem é o aparelho que a conta usa: quase sempre o próprio, às vezes o de um parente ou do sócio."""
    proprio = np.arange(base, base + n)
    alheio = rng.integers(0, base + n, n)
    return np.where(lote.chance(rng, n, 0.05), alheio, proprio).astype(np.int32)
