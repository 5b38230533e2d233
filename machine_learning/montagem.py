"""Junta o que os baldes mediram: de envelopes soltos a uma matriz de atributos, uma linha por Pix a decidir."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, compress
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from processamento.atributos import CONTEXTO, derivar
from processamento.catalogo import NULO, Catalogo, Papel
from processamento.estado.balde import Saida
from processamento.estado.envelope import desempacotar
from processamento.estado.toques import TEXTOS

Inteiros = NDArray[np.int64]
_BITS_DESLOCAMENTO: Final = 44
"""Posição em um só inteiro: 19 bits de partição, 44 de deslocamento (17 trilhões de registros por partição)."""
_NUMERICAS: Final = (
    "particao", "deslocamento", "kafka_us", "id_evento", "instante_us", "valor_centavos", "dispositivo_id", "contexto",
)
_LISTAS: Final = ("topico", "enviado_us", *TEXTOS)


@dataclass(frozen=True)
class Montado:
    """Os Pix de um destino em um micro-lote.

    Args:
        colunas: numéricas (ndarray) e textos (listas) por nome, todas com n linhas, na ordem de posição.
        primitivas: int64 (n, primitivas); atributos: float64 (n, atributos).
        recusas: (topico, particao, deslocamento, kafka_us, enviado_us, motivo, campo, detalhe).
        ativacao: o registro de controle vigente (bytes; vazio = nenhum).
    """

    colunas: dict[str, Any]
    primitivas: Inteiros
    atributos: NDArray[np.float64]
    recusas: list[tuple[Any, ...]]
    ativacao: bytes

    def __len__(self) -> int:
        """Quantos Pix."""
        return int(self.primitivas.shape[0])

    def em_blocos(self, tamanho: int) -> Iterator[Montado]:
        """O mesmo em partes de até `tamanho` Pix, ao menos uma; as recusas vão na primeira."""
        for inicio in range(0, max(len(self), 1), tamanho):
            fatia = slice(inicio, inicio + tamanho)
            colunas = {nome: valor[fatia] for nome, valor in self.colunas.items()}
            recusas = [] if inicio else self.recusas
            yield Montado(colunas, self.primitivas[fatia], self.atributos[fatia], recusas, self.ativacao)


def montar(catalogo: Catalogo, saidas: list[Saida]) -> Montado:
    """Reencontra os toques de cada Pix e deriva os atributos; o repetido (já visto) fica de fora.

    Levanta:
        RuntimeError: quando falta o toque de um Pix: erro nosso, o lote deve falhar e não decidir pela metade.
    """
    colunas, recusas = _eventos([desempacotar(s.eventos) for s in saidas if s.eventos])
    medidas = [desempacotar(s.medidas) for s in saidas if s.medidas]
    chave = _posicao(colunas["particao"], colunas["deslocamento"])
    pagador, novo = _do_papel(catalogo, Papel.PAGADOR, medidas, chave, np.ones(chave.size, np.bool_))
    recebedor, _ = _do_papel(catalogo, Papel.RECEBEDOR, medidas, chave, np.ones(chave.size, np.bool_))
    aparelho, _ = _do_papel(catalogo, Papel.DISPOSITIVO, medidas, chave, colunas["dispositivo_id"] != 0)
    primitivas = np.hstack([pagador, recebedor, aparelho])
    if not novo.all():
        primitivas = primitivas[novo]
        colunas = {
            nome: valor[novo] if isinstance(valor, np.ndarray) else list(compress(valor, novo))
            for nome, valor in colunas.items()
        }
    atributos = derivar(
        catalogo, primitivas, colunas["instante_us"], colunas["valor_centavos"], colunas["contexto"]
    )
    return Montado(colunas, primitivas, atributos, recusas, _ativacao(saidas))


def _eventos(lidos: list[dict[str, Any]]) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    if not lidos:
        vazio = {nome: np.empty(0, np.int64) for nome in _NUMERICAS}
        return {**vazio, "contexto": np.empty((0, len(CONTEXTO))), **{nome: [] for nome in _LISTAS}}, []
    colunas: dict[str, Any] = {nome: np.concatenate([lido[nome] for lido in lidos]) for nome in _NUMERICAS}
    ordem = np.lexsort((colunas["deslocamento"], colunas["particao"]))
    colunas, lugares = {nome: valor[ordem] for nome, valor in colunas.items()}, ordem.tolist()
    for nome in _LISTAS:
        corrido = list(chain.from_iterable(lido[nome] for lido in lidos))
        colunas[nome] = [corrido[i] for i in lugares]
    return colunas, [tuple(r) for lido in lidos for r in lido["recusas"]]


def _do_papel(
    catalogo: Catalogo, papel: Papel, medidas: list[dict[str, Any]], chave: Inteiros, esperados: NDArray[np.bool_]
) -> tuple[Inteiros, NDArray[np.bool_]]:
    """As primitivas do papel na ordem de `chave`; onde não se espera toque, NULO."""
    partes = [desempacotar(m[papel.name]) for m in medidas if papel.name in m]
    saida = np.full((chave.size, len(catalogo.do_papel(papel))), NULO, np.int64)
    novo = np.ones(chave.size, np.bool_)
    if not partes:
        lugar = np.zeros(chave.size, np.int64)
        achado = np.zeros(chave.size, np.bool_)
    else:
        posicoes = np.concatenate([_posicao(p["particao"], p["deslocamento"]) for p in partes])
        ordem = np.argsort(posicoes, kind="stable")
        lugar = np.minimum(np.searchsorted(posicoes[ordem], chave), posicoes.size - 1)
        achado = posicoes[ordem][lugar] == chave
        lugar = ordem[lugar]
        saida[achado] = np.concatenate([p["primitivas"] for p in partes])[lugar[achado]]
        novo[achado] = np.concatenate([p["novo"] for p in partes])[lugar[achado]]
    if (faltam := int((esperados & ~achado).sum())) > 0:
        msg = f"{faltam} Pix sem o toque de {papel.name} no micro-lote"
        raise RuntimeError(msg)
    return saida, novo


def _posicao(particao: Inteiros, deslocamento: Inteiros) -> Inteiros:
    return (particao << _BITS_DESLOCAMENTO) | deslocamento


def _ativacao(saidas: list[Saida]) -> bytes:
    vigentes = [desempacotar(s.ativacao) for s in saidas if s.ativacao]
    if not vigentes:
        return b""
    mais_nova = max(vigentes, key=lambda a: int(a["em"]))
    return bytes(mais_nova["valor"])
