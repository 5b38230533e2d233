"""Um processo de fluxos, da partida à parada: sessão Spark, métricas, consultas, pedidos e sinais."""

from __future__ import annotations

import logging
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

from comandos.fluxos import conversa
from plataforma.configuracao import Configuracao

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming import StreamingQuery

    from monitoramento.metricas import Metricas

BATIDA_S: Final = 0.25
CODIGO_CONSULTA_CAIU: Final = 1
REGISTRO: Final = logging.getLogger("fluxos")


class Interrompido(Exception):
    """O processo recebeu o sinal de parar durante a preparação."""


@dataclass
class Motor(ABC):
    """O que os dois papéis têm em comum. `parar` é armado pelo sinal."""

    cfg: Configuracao
    parar: threading.Event = field(default_factory=threading.Event)
    consultas: list[StreamingQuery] = field(default_factory=list)
    ao_fim: list[Callable[[], None]] = field(default_factory=list)

    papel: ClassVar[str]
    grava_classes: ClassVar[bool]
    """Se esta JVM guarda, ao parar, as classes que a próxima abrirá prontas (ADR 0008)."""

    @abstractmethod
    def preparar(self, spark: SparkSession, metricas: Metricas) -> None:
        """Faz o que precede as consultas e as põe em `consultas`."""

    @abstractmethod
    def drenar(self, spark: SparkSession, *, encerrar: bool) -> dict[str, Any]:
        """Processa o que já chegou; devolve o conteúdo da resposta."""

    def configuracoes(self) -> Mapping[str, str]:
        """Configurações do Spark só deste papel."""
        return {}

    def correr(self) -> int:
        """Prepara, inicia, atende pedidos e espera o fim; devolve o código de saída."""
        from monitoramento.exportador import iniciar_exportador, registro_novo  # noqa: PLC0415 — o erro de uso não deve pagá-los
        from monitoramento.metricas import criar_metricas  # noqa: PLC0415
        from monitoramento.ouvinte import ouvir  # noqa: PLC0415
        from plataforma.sessao import encerrar_sessao, obter_sessao  # noqa: PLC0415

        self.fase("sessao")
        coletor = registro_novo()
        metricas = criar_metricas(coletor)
        exportador = iniciar_exportador(self.cfg, coletor)
        self.ao_fim.append(exportador.parar)
        try:
            spark = obter_sessao(self.cfg, self.papel, self.configuracoes(), gravar_classes=self.grava_classes)
            try:
                ouvir(spark, metricas, self.cfg.modelo)
                self.preparar(spark, metricas)
                self.fase(conversa.PRONTO)
                return self._atender(spark)
            except Interrompido:
                return 0
            finally:
                for consulta in self.consultas:
                    consulta.stop()
                encerrar_sessao(spark)
        finally:
            for encerrar in reversed(self.ao_fim):
                encerrar()

    def fase(self, nome: str) -> None:
        """Publica em que fase o processo está."""
        conversa.publicar_estado(self.cfg, self.papel, os.getpid(), nome)
        REGISTRO.info("fase: %s", nome)

    def esperar(self, condicao: Callable[[], bool]) -> None:
        """Espera por algo que outro processo faz.

        Levanta:
            Interrompido: se pedem para parar antes.
        """
        while not condicao():
            if self.parar.wait(BATIDA_S):
                raise Interrompido

    def _atender(self, spark: SparkSession) -> int:
        while not self.parar.wait(BATIDA_S):
            caida = next((c for c in self.consultas if not c.isActive), None)
            if caida is not None:
                REGISTRO.error("a consulta %s parou: %s", caida.name, caida.exception())
                return CODIGO_CONSULTA_CAIU
            pedido = conversa.tomar_pedido(self.cfg, self.papel)
            if pedido is not None:
                inicio = time.monotonic()
                conteudo = self.drenar(spark, encerrar=pedido["encerrar"])
                conteudo["drenagem_s"] = time.monotonic() - inicio
                conversa.responder(self.cfg, self.papel, pedido["id"], conteudo)
        return 0
