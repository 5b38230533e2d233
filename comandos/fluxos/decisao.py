"""O processo que decide: a consulta Kafka → Kafka e o vigia que publica modelo e regras. Nada mais disputa sua JVM."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from comandos.fluxos import conversa
from comandos.fluxos.motor import Motor

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from monitoramento.metricas import Metricas

BYTES_POR_LOTE_ARROW: Final = 4 << 20
"""O que a JVM aloca de uma vez, fora do heap. Sem limite, a partida quente põe o estado inteiro de um balde em um lote:
com um milhão de contas, mais do que ela pode alocar."""
LOTES_POR_RETRATO: Final = 100


class Decisao(Motor):
    """Aquece o estado e ensaia enquanto o lago calcula o ouro e treina; decide quando há modelo."""

    papel: ClassVar[str] = conversa.DECISAO
    grava_classes: ClassVar[bool] = True
    """Dos dois, é quem para primeiro: gravar não alonga a parada."""

    def configuracoes(self) -> Mapping[str, str]:
        """Os envelopes do micro-lote vão ao Python aos poucos, por tamanho: são poucas linhas, e muito largas."""
        return {
            "spark.sql.execution.arrow.maxBytesPerBatch": str(BYTES_POR_LOTE_ARROW),
            # Cada estágio usa um processo por partição; os demais só guardariam, parados, 150 MiB cada um.
            "spark.python.factory.idleWorkerMaxPoolSize": str(self.cfg.particoes_estado),
            # De dez em dez lotes o estado inteiro era posto em arquivos novos, no meio da resposta. De cem em cem, uma
            # retomada relê no máximo cem diferenças, o que o envio de fundo, a cada minuto, já fazia acontecer.
            "spark.sql.streaming.stateStore.minDeltasForSnapshot": str(LOTES_POR_RETRATO),
        }

    def preparar(self, spark: SparkSession, metricas: Metricas) -> None:
        """Espera a história na prata, aquece o estado, espera o modelo e inicia a consulta."""
        from machine_learning.ativacao import Vigia  # noqa: PLC0415 — pyspark só neste processo
        from machine_learning.fluxo import aquecer_estado, iniciar_decisao  # noqa: PLC0415
        from plataforma.sessao import devolver_memoria  # noqa: PLC0415

        self.fase("historia")
        self.esperar(lambda: conversa.prata_completa(self.cfg))
        self.fase("estado")
        vigia = Vigia(self.cfg, lambda: datetime.now(UTC))
        vigia.conferir()
        aquecer_estado(spark, self.cfg)
        self._ensaiar(spark)
        vigia.conferir()
        vigia.iniciar()
        self.ao_fim.append(vigia.parar)
        self.fase(conversa.CONSULTAS)
        self.consultas.append(
            iniciar_decisao(spark, self.cfg, intervalo=f"{self.cfg.intervalo_decisao_ms} milliseconds"))
        # Abrir o estado, o modelo e os processos Python é o primeiro lote: que ele não leve nenhum Pix.
        vigia.republicar("partida da decisão")
        self.consultas[-1].processAllAvailable()
        devolver_memoria(spark)

    def _ensaiar(self, spark: SparkSession) -> None:
        """Usa a espera pelo modelo para esquentar o caminho; sem espera (uma retomada), não há ensaio."""
        from machine_learning.ensaio import Ensaio  # noqa: PLC0415

        ensaio = Ensaio(spark, self.cfg)
        if not conversa.preparo_pendente(self.cfg):
            ensaio.limpar_restos()
            return
        self.fase("ensaio")
        try:
            ensaio.iniciar()
            self.esperar(lambda: not conversa.preparo_pendente(self.cfg))
        finally:
            ensaio.encerrar()

    def drenar(self, spark: SparkSession, *, encerrar: bool) -> dict[str, Any]:
        """Decide o que já chegou. A consulta continua: `encerrar` só diz respeito ao lago."""
        self.consultas[-1].processAllAvailable()
        return {}
