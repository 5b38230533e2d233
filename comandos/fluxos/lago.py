"""O processo do lago: bronze, prata, ouro, decisões na Delta, e o preparo da história. Cede os núcleos à decisão."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

from comandos.fluxos import conversa
from comandos.fluxos.motor import BATIDA_S, REGISTRO, Motor
from plataforma.daemon_python import PREIMPORTAR

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming import StreamingQuery

    from monitoramento.metricas import Metricas

_DOS_WORKERS: Final = (
    "pandas", "processamento.colunar", "processamento.atributos_spark", "processamento.estado.aquecimento:aquecer",
    "processamento.qualidade_lote:aquecer", "machine_learning.respostas_colunas",
)
"""O que os processos Python do lago importam uma vez só, no daemon."""
COMPACTA_AO_GRAVAR: Final = {
    "spark.databricks.delta.autoCompact.enabled": "true",
    "spark.databricks.delta.autoCompact.minNumFiles": "40",
    "spark.databricks.delta.autoCompact.minFileSize": str(4 << 20),
}
"""Quem grava junta os seus: com 40 arquivos pequenos em uma partição, o lote que a tocou os reescreve em um. Cada
tabela tem uma só consulta que a escreve, e assim nada disputa com ela. Arquivo de 4 MiB ou mais já não é pequeno: na
taxa do país cada lote os grava maiores, e nenhuma linha é regravada."""
CODIGOS_GUARDADOS: Final = 2_000
"""Quantos códigos gerados o Spark guarda. As consultas do lago usam uns 320, e o padrão são 100: cada micro-lote os
gerava e compilava outra vez, e o compilador da JVM ficava em 0,15 núcleo, sem fim (docs/adr/0017)."""
PRAZO_LOTE_S: Final = 120.0
Iniciar = Callable[..., "StreamingQuery"]
"""`(uma_vez=…)` → a consulta; com `uma_vez`, consome o que há e termina."""


@dataclass
class Lago(Motor):
    """As consultas que gravam tabelas.

    `ondas`: as que são destino de registros, na ordem em que drenar; `derivadas`: as que se refazem delas.
    """

    ondas: list[dict[str, Iniciar]] = field(default_factory=list)
    derivadas: dict[str, Iniciar] = field(default_factory=dict)

    papel: ClassVar[str] = conversa.LAGO
    grava_classes: ClassVar[bool] = False

    def configuracoes(self) -> Mapping[str, str]:
        """Os processos Python nascem com o que todas as consultas do lago usam; as tabelas se compactam ao gravar."""
        return {
            f"spark.executorEnv.{PREIMPORTAR}": ",".join(_DOS_WORKERS), **COMPACTA_AO_GRAVAR,
            "spark.sql.codegen.cache.maxEntries": str(CODIGOS_GUARDADOS),
        }

    def preparar(self, spark: SparkSession, metricas: Metricas) -> None:
        """Prepara a história, se há uma pedida, e inicia as consultas."""
        if conversa.preparo_pendente(self.cfg):
            self.fase("historia")
            self._preparar_historia(spark)
        self.fase(conversa.CONSULTAS)
        self.ondas, self.derivadas = self._partidas(spark, metricas)
        self._iniciar()

    def _preparar_historia(self, spark: SparkSession) -> None:
        from comandos.preparo import preparar  # noqa: PLC0415 — pyspark só neste processo

        self.esperar(lambda: conversa.preparo(self.cfg) is not None)
        preparo = conversa.preparo(self.cfg)
        if preparo is not None:
            preparar(spark, self.cfg, preparo, self.fase)
            conversa.preparo_feito(self.cfg)

    def drenar(self, spark: SparkSession, *, encerrar: bool) -> dict[str, Any]:
        """Grava o que já chegou e concilia. Os indicadores não são destino de registro: não se espera por eles."""
        from machine_learning.conciliacao import conciliar  # noqa: PLC0415

        # Parar e consumir o resto de uma vez dispensa esperar o próximo gatilho de cada camada.
        while self.consultas:
            self._parar_entre_lotes(self.consultas.pop())
        for onda in self.ondas:
            for resto in [iniciar(uma_vez=True) for iniciar in onda.values()]:
                resto.awaitTermination()
            REGISTRO.info("drenadas: %s", ", ".join(onda))
        conciliacao = asdict(conciliar(spark, self.cfg))
        REGISTRO.info("conciliado")
        if not encerrar:
            self._iniciar()
        return {"conciliacao": conciliacao}

    def _parar_entre_lotes(self, consulta: StreamingQuery) -> None:
        """Deixa o lote em curso terminar (interrompido, seria refeito), salvo se o que grava não é destino de nada."""
        limite = time.monotonic() + (0.0 if consulta.name in self.derivadas else PRAZO_LOTE_S)
        while consulta.status["isTriggerActive"] and time.monotonic() < limite:
            if self.parar.wait(BATIDA_S):
                break
        consulta.stop()

    def _iniciar(self) -> None:
        for iniciar in (i for onda in (*self.ondas, self.derivadas) for i in onda.values()):
            self.consultas.append(iniciar(uma_vez=False))

    def _partidas(self, spark: SparkSession, metricas: Metricas) -> tuple[list[dict[str, Iniciar]], dict[str, Iniciar]]:
        """As ondas de consultas que são destino de registros, e as derivadas."""
        from ingestao import fluxo as ingestao  # noqa: PLC0415
        from machine_learning import decisoes_lago, indicadores_decisao  # noqa: PLC0415
        from monitoramento.observado import registrar_resumo  # noqa: PLC0415
        from processamento import fluxo as processamento  # noqa: PLC0415
        from processamento import indicadores  # noqa: PLC0415
        from processamento.controle import Controle  # noqa: PLC0415

        controle = Controle(self.cfg)
        spark.streams.addListener(controle)
        avisar = partial(registrar_resumo, metricas)
        da_fonte: dict[str, Iniciar] = {
            ingestao.CONSULTA_EVENTOS: partial(ingestao.iniciar_bronze, spark, self.cfg),
            ingestao.CONSULTA_ROTULOS: partial(ingestao.iniciar_bronze_rotulos, spark, self.cfg),
            decisoes_lago.CONSULTA: partial(decisoes_lago.iniciar_decisoes_lago, spark, self.cfg),
        }
        da_bronze: dict[str, Iniciar] = {
            processamento.CONSULTA_PRATA: partial(
                processamento.iniciar_prata, spark, self.cfg, avisar=avisar, controle=controle),
            processamento.CONSULTA_ROTULOS: partial(processamento.iniciar_rotulos, spark, self.cfg, avisar=avisar),
        }
        derivadas: dict[str, Iniciar] = {
            indicadores.CONSULTA: partial(indicadores.iniciar_indicadores, spark, self.cfg),
            indicadores_decisao.CONSULTA: partial(indicadores_decisao.iniciar_indicadores_decisao, spark, self.cfg),
        }
        return [da_fonte, da_bronze], derivadas
