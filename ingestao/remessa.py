"""O envio em um processo próprio: quem mede o sistema não divide o interpretador com quem o alimenta.

O tráfego viaja por arquivos Arrow em uma pasta; o processo avisa quando está pronto, começa quando mandado e devolve
o resultado e o razão.
"""

from __future__ import annotations

import gc
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol

import polars as pl

from ingestao.avarias import Razao
from ingestao.emissao import Emissao
from ingestao.esquema import Origem
from ingestao.produtor import Envio, Resultado, enviar_no_ritmo
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroPipeline, ErroServico

PRAZO_PRONTO_S: Final = 120.0
_EVENTOS, _ROTULOS = "vivo.arrow", "rotulos_vivos.arrow"
_CADA_VIGIA_S: Final = 0.5


class Carga(Protocol):
    """O que uma remessa envia."""

    razao: Razao

    def registros(self, cfg: Configuracao) -> Iterator[Envio]:
        """Os registros por horário."""


@dataclass(frozen=True)
class Entrega:
    """O que a remessa devolve: o resultado do envio e o razão do que foi emitido."""

    resultado: Resultado
    razao: Razao


def gravar(pasta: Path, emissao: Emissao) -> Callable[[], Carga]:
    """Deixa a emissão em `pasta`; devolve como o processo a abre."""
    pasta.mkdir(parents=True, exist_ok=True)
    emissao.eventos.write_ipc(pasta / _EVENTOS)
    emissao.rotulos.write_ipc(pasta / _ROTULOS)
    return partial(_abrir, pasta, (emissao.semente, emissao.taxa_duplicados, emissao.taxa_malformados))


def _abrir(pasta: Path, taxas: tuple[int, float, float]) -> Carga:
    return Emissao(pl.read_ipc(pasta / _EVENTOS), pl.read_ipc(pasta / _ROTULOS), *taxas)


class Remessa:
    """Um processo que envia uma carga gravada. Uso: `with Remessa(...) as r: r.comecar(); r.esperar()`.

    `enviados` e `confirmados` são lidos a qualquer momento. Sair do bloco para o envio.

    Args:
        cfg: broker e tópicos; o processo não recebe a chave de tokens.
        abrir: chamada no processo, que a recebe por pickle; lê a carga do disco.
        origem: o cabeçalho de todos os registros.
    """

    def __init__(self, cfg: Configuracao, abrir: Callable[[], Carga], origem: Origem = "simulado") -> None:
        contexto = multiprocessing.get_context("spawn")
        self._contadores = contexto.Array("q", 2)
        self._pronto, self._comeca, self._parar = (contexto.Event() for _ in range(3))
        self._saida, filho = contexto.Pipe(duplex=False)
        sem_segredo = replace(cfg, chave_tokens=b"")
        sinais = (self._pronto, self._comeca, self._parar)
        self._processo: BaseProcess = contexto.Process(
            target=_correr, args=(sem_segredo, abrir, origem, sinais, self._contadores, filho),
            name="remessa", daemon=True,
        )
        self._filho = filho
        self._entrega: Entrega | None = None

    def __enter__(self) -> Remessa:
        """Inicia o processo e espera que tenha lido tudo."""
        self._processo.start()
        self._filho.close()
        if not self._pronto.wait(PRAZO_PRONTO_S):
            self.__exit__(None, None, None)
            msg = f"o processo de envio não ficou pronto em {PRAZO_PRONTO_S:.0f} s: confira memória e carga da máquina"
            raise ErroServico(msg)
        return self

    def __exit__(
        self, tipo: type[BaseException] | None, erro: BaseException | None, rastro: TracebackType | None
    ) -> None:
        """Para o envio; o que já saiu é confirmado antes. De quem já entregou só se espera a saída."""
        if self._entrega is None and self._processo.is_alive():
            self.parar()
        self._processo.join(PRAZO_PRONTO_S)
        if self._processo.is_alive():
            self._processo.terminate()

    @property
    def enviados(self) -> int:
        """Registros entregues ao cliente Kafka até agora."""
        return int(self._contadores[0])

    @property
    def confirmados(self) -> int:
        """Registros que o broker confirmou até agora."""
        return int(self._contadores[1])

    def comecar(self) -> None:
        """Dá a largada: o relógio do envio começa aqui."""
        self._comeca.set()

    def parar(self) -> None:
        """Pede o fim antes da hora."""
        self._parar.set()
        self._comeca.set()

    def terminou(self) -> bool:
        """Se a entrega já pode ser lida sem esperar."""
        return self._entrega is not None or self._saida.poll(0) or not self._processo.is_alive()

    def esperar(self, prazo_s: float | None = None) -> Entrega:
        """Espera o fim do envio e devolve a entrega.

        Levanta:
            ErroPipeline: o que o envio levantou, ou `ErroServico` se ele morreu ou passou do prazo.
        """
        if self._entrega is None:
            self._entrega = self._receber(prazo_s)
        return self._entrega

    def _receber(self, prazo_s: float | None) -> Entrega:
        try:
            recebido = self._saida.recv() if self._saida.poll(prazo_s) else None
        except EOFError:
            recebido = None
        if isinstance(recebido, ErroPipeline):
            raise recebido
        if not isinstance(recebido, Entrega):
            msg = f"o processo de envio não respondeu (saída {self._processo.exitcode}): rode de novo"
            raise ErroServico(msg)
        return recebido


def _correr(
    cfg: Configuracao, abrir: Callable[[], Carga], origem: Origem, sinais: tuple[Any, Any, Any], contadores: Any,
    saida: Connection,
) -> None:
    """O processo filho. O Ctrl-C é do pai, que decide quando parar."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pronto, comeca, parar = sinais
    gc.disable()  # nada aqui se refere a si mesmo, e a fila do cliente daria muito que percorrer
    carga = abrir()
    local = threading.Event()
    acabou = threading.Event()
    vigia = _parar_tambem_sem_pai(parar, local, acabou)
    registros = carga.registros(cfg)
    pronto.set()
    comeca.wait()

    def contar(enviados: int, confirmados: int) -> None:
        contadores[0], contadores[1] = enviados, confirmados

    try:
        resultado = enviar_no_ritmo(cfg, registros, origem, local, ao_progresso=contar)
        saida.send(Entrega(resultado, carga.razao))
    except ErroPipeline as erro:
        saida.send(erro)
    finally:
        acabou.set()
        vigia.join()  # quem morre à espera de um sinal entre processos trava quem depois o ergue
        saida.close()


def _parar_tambem_sem_pai(parar: Any, local: threading.Event, acabou: threading.Event) -> threading.Thread:
    """Ergue `local` quando o pai pede para parar, ou quando o pai deixa de existir; cessa com `acabou`."""
    pai = multiprocessing.parent_process()

    def vigiar() -> None:
        while not acabou.is_set() and not parar.wait(_CADA_VIGIA_S) and (pai is None or pai.is_alive()):
            continue
        local.set()

    linha = threading.Thread(target=vigiar, name="vigia", daemon=True)
    linha.start()
    return linha
