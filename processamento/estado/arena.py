"""A arena: as colunas do estado em memória comum ou em arquivos mapeados, que os processos de uma máquina partilham.

Um worker Python do Spark atende qualquer balde e morre quando ocioso; se cada um guardasse o seu cache, a memória
seria a soma deles. Em arquivos mapeados há uma só cópia por balde, e ela sobrevive ao worker. A arena é só um cache:
a verdade está no estado do Spark (`processador`), e uma arena suja ou de outra versão é refeita dele.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processamento.catalogo import Catalogo, Fluxo, Papel
from processamento.estado import diarios, marcos, nucleo, repetidos
from processamento.estado.colunas import Colunas
from processamento.estado.consulta import consultar, planejar
from processamento.estado.nucleo import Inteiros, Memoria

PASSOS_VARREDURA: Final = 512
"""Diários ociosos examinados por lote: um milhão deles é revisto a cada ~2.000 lotes."""
CARGA_MAXIMA: Final = 0.6


@dataclass(frozen=True)
class Linhas:
    """Linhas de diário, todas int64 de forma (n,): instantes em µs, valores em centavos.

    Em fluxos de fraude `instante` é o do conhecimento e `valor` o instante do pagamento.
    """

    entidade: Inteiros
    fluxo: Inteiros
    instante: Inteiros
    ordem: Inteiros
    valor: Inteiros
    contraparte: Inteiros

    def __len__(self) -> int:
        """Quantas linhas."""
        return int(self.entidade.size)

    def onde(self, quais: NDArray[np.bool_]) -> Linhas:
        """Só as linhas marcadas."""
        return Linhas(*(getattr(self, nome)[quais] for nome in self.__dataclass_fields__))

    @staticmethod
    def juntar(partes: list[Linhas]) -> Linhas:
        """Uma atrás da outra, na ordem dada."""
        if not partes:
            return Linhas(*(np.empty(0, np.int64) for _ in Linhas.__dataclass_fields__))
        return Linhas(*(np.concatenate([getattr(p, n) for p in partes]) for n in Linhas.__dataclass_fields__))


class Arena:
    """O estado de um balde.

    Args:
        catalogo: define o horizonte de retenção e as primitivas.
        pasta: onde ficam os arquivos mapeados; None = memória deste processo.
        reter_tudo: nunca despeja (cálculo de histórico em lote).
    """

    def __init__(self, catalogo: Catalogo, pasta: Path | None = None, *, reter_tudo: bool = False) -> None:
        self._catalogo = catalogo
        self._reter_tudo = reter_tudo
        self._planos = {papel: planejar(catalogo.do_papel(papel)) for papel in Papel}
        self._colunas = Colunas(pasta)

    @property
    def versao(self) -> int:
        """Versão do estado a que a arena corresponde; -1 = suja, não serve."""
        cabecalho = self._memoria.cabecalho
        return -1 if cabecalho[nucleo.SUJO] else int(cabecalho[nucleo.VERSAO])

    @property
    def eventos(self) -> int:
        """Linhas vivas."""
        return int(self._memoria.cabecalho[nucleo.EVENTOS])

    @property
    def diarios(self) -> int:
        """Pares (entidade, fluxo) já vistos."""
        return int(self._memoria.cabecalho[nucleo.DIARIOS])

    @property
    def bytes_ocupados(self) -> int:
        """Tamanho das colunas, com folgas."""
        return sum(int(coluna.nbytes) for coluna in self._memoria)

    @property
    def relogio_us(self) -> int:
        """A mediana dos instantes de um lote, que só avança (um evento do futuro não a move)."""
        return int(self._memoria.cabecalho[nucleo.RELOGIO])

    def exclusiva(self) -> AbstractContextManager[None]:
        """Um escritor por vez (`Colunas.exclusiva`)."""
        return self._colunas.exclusiva()

    def esvaziar(self) -> None:
        """Volta ao estado de nunca ter visto nada, na versão 0."""
        self._colunas.esvaziar()

    def apagar(self) -> None:
        """Remove os arquivos."""
        self._colunas.apagar()

    @property
    def _memoria(self) -> Memoria:
        return self._colunas.memoria

    def sujar(self) -> None:
        """Declara que uma mudança começou; só `limpa` a torna de novo utilizável."""
        self._memoria.cabecalho[nucleo.SUJO] = 1

    def limpa(self, versao: int) -> None:
        """Declara que a arena corresponde à `versao` do estado."""
        self._memoria.cabecalho[nucleo.VERSAO] = versao
        self._memoria.cabecalho[nucleo.SUJO] = 0

    def registrar_ids(self, ids: Inteiros, versao: int, chegada_s: Inteiros, horizonte_s: int) -> NDArray[np.bool_]:
        """Quais `ids` (em ordem de deslocamento) são novos; registra-os. `chegada_s`: carimbo do Kafka, segundos."""
        self._crescer_ids(ids.size, int(chegada_s.max()) - horizonte_s if ids.size else 0)
        novo = np.zeros(ids.size, np.bool_)
        repetidos.registrar_ids(self._memoria, ids, versao, chegada_s.astype(np.int32), horizonte_s, novo)
        return novo

    def inserir(self, linhas: Linhas) -> None:
        """Insere as linhas, em qualquer ordem; rótulos de fraude que o diário já tem são ignorados."""
        if not len(linhas):
            return
        cabecalho = self._memoria.cabecalho
        cabecalho[nucleo.RELOGIO_ANTERIOR] = cabecalho[nucleo.RELOGIO]
        cabecalho[nucleo.RELOGIO] = max(int(cabecalho[nucleo.RELOGIO]), int(np.median(linhas.instante)))
        chaves = nucleo.chaves_de_diario(linhas.entidade, linhas.fluxo)
        if (linhas.fluxo >= Fluxo.FRAUDE_SAIDA).any():
            fica = ~diarios.ja_confirmadas(self._memoria, chaves, linhas.fluxo, linhas.ordem)
            fica &= ~_repete_rotulo(chaves, linhas)
            linhas, chaves = linhas.onde(fica), chaves[fica]
        ordem = _em_ordem(chaves, linhas)
        chaves = chaves[ordem]
        self._crescer(chaves)
        diarios.inserir(
            self._memoria, chaves, linhas.instante[ordem], linhas.ordem[ordem], linhas.valor[ordem],
            linhas.contraparte[ordem], self._corte(),
        )

    def remover(self, linhas: Linhas) -> int:
        """Desfaz `inserir`; devolve quantas linhas achou."""
        chaves = nucleo.chaves_de_diario(linhas.entidade, linhas.fluxo)
        return int(diarios.remover(self._memoria, chaves, linhas.instante, linhas.ordem))

    def compactar(self) -> None:
        """Devolve ao sistema o que crescer aos poucos deixou para trás: refeito o estado, é mais de metade."""
        nova = self._colunas.novas("linha", nucleo.lugares_justos(self._memoria) + 1)
        diarios.compactar(self._memoria, nova)
        self._colunas.trocar("linha", nova)

    def varrer(self) -> None:
        """Despeja um punhado de diários ociosos."""
        diarios.varrer(self._memoria, self._corte(), PASSOS_VARREDURA)

    def consultar(self, papel: Papel, entidade: Inteiros, contraparte: Inteiros, instante: Inteiros) -> Inteiros:
        """As primitivas de um papel: int64 de forma (consultas, primitivas do papel)."""
        plano = self._planos[papel]
        saida = np.empty((entidade.size, plano.ausente.size), np.int64)
        consultar(self._memoria, plano, entidade, contraparte, instante, saida)
        return saida

    def _corte(self) -> int:
        """O que é anterior sai. Pelo relógio do lote anterior: um lote longo ainda mede os seus primeiros eventos."""
        if self._reter_tudo:
            return int(np.iinfo(np.int64).min)
        return int(self._memoria.cabecalho[nucleo.RELOGIO_ANTERIOR]) - self._catalogo.horizonte_us

    def _crescer(self, chaves: Inteiros) -> None:
        novos, lugares = diarios.prever(self._memoria, chaves)
        cabecalho = self._memoria.cabecalho
        total = int(cabecalho[nucleo.DIARIOS]) + novos + 1
        self._colunas.ampliar("diario", total)
        topo = int(cabecalho[nucleo.TOPO]) + lugares
        self._colunas.ampliar("linha", topo)
        self._colunas.ampliar("marco", (topo >> marcos.BITS_DO_PASSO) + 1)
        if total > self._memoria.tabela_chave.size * CARGA_MAXIMA:
            self._colunas.ampliar("tabela", int(total / CARGA_MAXIMA) + 1)
            nucleo.repovoar_tabela(self._memoria)

    def _crescer_ids(self, novos: int, desde_s: int) -> None:
        usados = int(self._memoria.cabecalho[nucleo.IDS]) + novos
        if usados <= self._memoria.id_chave.size * CARGA_MAXIMA:
            return
        m = self._memoria
        chave, versao, chegada = np.array(m.id_chave), np.array(m.id_versao), np.array(m.id_chegada)
        vivos = int(((chave != 0) & (chegada >= desde_s)).sum())
        self._colunas.ampliar("id", int((vivos + novos) / CARGA_MAXIMA * 2) + 1)
        self._memoria.id_chave[:] = 0
        repetidos.repovoar_ids(self._memoria, chave, versao, chegada, desde_s)


def _em_ordem(chaves: Inteiros, linhas: Linhas) -> Inteiros:
    """A ordem por (chave, instante, ordem).

    Cada diário quase sempre já chega em ordem: uma ordenação estável pela chave basta e custa um terço das três.
    """
    por_chave = np.argsort(nucleo.como_lugar(chaves), kind="stable")
    chave, instante, ordem = chaves[por_chave], linhas.instante[por_chave], linhas.ordem[por_chave]
    mesmo = chave[1:] == chave[:-1]
    fora = (instante[1:] < instante[:-1]) | ((instante[1:] == instante[:-1]) & (ordem[1:] < ordem[:-1]))
    if not (mesmo & fora).any():
        return por_chave
    return np.lexsort((linhas.ordem, linhas.instante, nucleo.como_lugar(chaves)))


def _repete_rotulo(chaves: Inteiros, linhas: Linhas) -> NDArray[np.bool_]:
    """Quais linhas de fraude repetem a `ordem` de outra do mesmo diário conhecida antes, neste mesmo lote."""
    por_id = np.lexsort((linhas.instante, linhas.ordem, chaves))
    chave, ordem = chaves[por_id], linhas.ordem[por_id]
    repete = np.zeros(chaves.size, np.bool_)
    repete[por_id[1:]] = (chave[1:] == chave[:-1]) & (ordem[1:] == ordem[:-1])
    return repete & (linhas.fluxo >= Fluxo.FRAUDE_SAIDA)
