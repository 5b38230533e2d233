"""Junta o que os baldes mediram: de envelopes soltos a uma matriz de atributos, uma linha por Pix a decidir."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from processamento.atributos import derivar
from processamento.catalogo import NULO, Catalogo, Papel
from processamento.contexto import CONTEXTO, em_reais
from processamento.estado.balde import Saida
from processamento.estado.envelope import desempacotar
from processamento.estado.estreito import alargar
from processamento.estado.toques import EVENTOS, TEXTOS, Lidos, ler_eventos

Inteiros = NDArray[np.int64]
_BITS_DESLOCAMENTO: Final = 44
"""Posição em um só inteiro: 19 bits de partição, 44 de deslocamento (17 trilhões de registros por partição)."""
_POSICAO: Final = ("particao", "deslocamento")
_NUMERICAS: Final = (
    *_POSICAO, "kafka_us", "id_evento", "instante_us", "valor_centavos", "dispositivo_id",
)
_EM_ARROW: Final = ("topico", "enviado_us", *TEXTOS)


@dataclass(frozen=True)
class Montado:
    """Pix prontos para decidir.

    Args:
        colunas: numéricas (ndarray), e em Arrow os textos e `enviado_us`, que pode ser nulo; por nome, todas com n
            linhas, na ordem em que se abriram.
        atributos: float64 (n, atributos).
        recusas: (topico, particao, deslocamento, kafka_us, enviado_us, motivo, campo, detalhe).
        ativacao: o registro de controle vigente (bytes; vazio = nenhum).
    """

    colunas: dict[str, Any]
    atributos: NDArray[np.float64]
    recusas: list[tuple[Any, ...]]
    ativacao: bytes

    def __len__(self) -> int:
        """Quantos Pix."""
        return int(self.atributos.shape[0])


@dataclass(frozen=True)
class Reunido:
    """Os Pix de um destino em um micro-lote, com o que se mediu de cada um: int64 (n, primitivas)."""

    catalogo: Catalogo
    colunas: dict[str, Any]
    primitivas: Inteiros
    recusas: list[tuple[Any, ...]]
    ativacao: bytes

    def em_blocos(self, tamanho: int) -> Iterator[Montado]:
        """Deriva os atributos em partes de até `tamanho` Pix, ao menos uma; as recusas vão na primeira."""
        for inicio in range(0, max(self.primitivas.shape[0], 1), tamanho):
            fatia = slice(inicio, inicio + tamanho)
            c = {nome: valor[fatia] for nome, valor in self.colunas.items()}
            atributos = derivar(
                self.catalogo, self.primitivas[fatia], c["instante_us"], c["valor_centavos"], c["contexto"]
            )
            yield Montado(c, atributos, [] if inicio else self.recusas, self.ativacao)

    def inteiro(self) -> Montado:
        """Tudo em um bloco só."""
        return next(self.em_blocos(max(self.primitivas.shape[0], 1)))


def reunir(catalogo: Catalogo, saidas: list[Saida]) -> Reunido:
    """Reencontra os toques de cada Pix; o repetido (já visto) fica de fora.

    Levanta:
        RuntimeError: falta ou sobra o toque de um Pix: erro nosso, o lote deve falhar e não decidir pela metade.
    """
    colunas, recusas = _eventos([ler_eventos(s.eventos) for s in saidas if s.eventos])
    medidas = [desempacotar(s.medidas) for s in saidas if s.medidas]
    chave = _posicao(colunas["particao"], colunas["deslocamento"])
    ordem, todos = np.argsort(chave, kind="stable"), np.ones(chave.size, np.bool_)
    esperados = {Papel.PAGADOR: todos, Papel.RECEBEDOR: todos, Papel.DISPOSITIVO: colunas["dispositivo_id"] != 0}
    primitivas = np.full((chave.size, len(catalogo.primitivas)), NULO, np.int64)
    novo, fim = todos.copy(), 0
    for papel, quais in esperados.items():
        inicio, fim = fim, fim + len(catalogo.do_papel(papel))
        vistos = np.zeros(chave.size, np.bool_)
        for parte in (m[papel.name] for m in medidas if papel.name in m):
            lugar = _lugares(papel, chave, ordem, _posicao(parte["particao"], parte["deslocamento"]))
            alargar(parte["primitivas"], lugar, primitivas[:, inicio:fim])
            vistos[lugar] = True
            if papel is Papel.PAGADOR:  # é o balde dele que reconhece o repetido
                novo[lugar] = parte["novo"]
        if (faltam := int((quais & ~vistos).sum())) > 0:
            msg = f"{faltam} Pix sem o toque de {papel.name} no micro-lote"
            raise RuntimeError(msg)
    if not novo.all():
        primitivas = primitivas[novo]
        colunas = {
            nome: valor[novo] if isinstance(valor, np.ndarray) else valor.filter(pa.array(novo))
            for nome, valor in colunas.items()
        }
    return Reunido(catalogo, colunas, primitivas, recusas, _ativacao(saidas))


def _eventos(lidos: list[Lidos]) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    # Pela posição do primeiro de cada envelope: os Pix de uma partição seguem na ordem em que chegaram.
    lidos = sorted(lidos, key=lambda lido: [lido.pix.column(nome)[:1].to_pylist() for nome in _POSICAO])
    pix = pa.concat_batches([lido.pix for lido in lidos] or [pa.RecordBatch.from_pylist([], EVENTOS)])
    colunas: dict[str, Any] = {nome: np.asarray(pix.column(nome).to_numpy(), np.int64) for nome in _NUMERICAS}
    colunas |= {nome: pix.column(nome) for nome in _EM_ARROW}
    nenhum = np.empty((0, len(CONTEXTO)), np.int32)
    colunas["contexto"] = em_reais(np.concatenate([nenhum, *(lido.contexto for lido in lidos)]))
    return colunas, [recusa for lido in lidos for recusa in lido.recusas]


def _lugares(papel: Papel, chave: Inteiros, ordem: Inteiros, posicoes: Inteiros) -> Inteiros:
    """A linha, em `chave` (que `ordem` põe em ordem), de cada toque medido."""
    onde = np.searchsorted(chave, posicoes, sorter=ordem)
    achados = onde < chave.size
    achados[achados] = chave[ordem[onde[achados]]] == posicoes[achados]
    if (sobram := int((~achados).sum())) > 0:
        msg = f"{sobram} toques de {papel.name} sem o seu Pix no micro-lote"
        raise RuntimeError(msg)
    return np.asarray(ordem[onde], np.int64)


def _posicao(particao: Inteiros, deslocamento: Inteiros) -> Inteiros:
    return (particao << _BITS_DESLOCAMENTO) | deslocamento


def _ativacao(saidas: list[Saida]) -> bytes:
    vigentes = [desempacotar(s.ativacao) for s in saidas if s.ativacao]
    if not vigentes:
        return b""
    mais_nova = max(vigentes, key=lambda a: int(a["em"]))
    return bytes(mais_nova["valor"])
