"""O ensaio da decisão: Pix já passados atravessam o mesmo plano, em tópicos e checkpoint à parte, antes dos de verdade.

Uma JVM recém-nascida interpreta o que depois compila: os primeiros micro-lotes levam segundos. Enquanto o lago ainda
treina não há o que decidir, e esse tempo serve para que o primeiro Pix já encontre o caminho quente.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pyspark.sql import functions as F

from ingestao.bronze import BRONZE_EVENTOS
from ingestao.esquema import CABECALHO_ORIGEM, TOPICO_HISTORICO, Origem
from machine_learning.fluxo import apagar_cache, iniciar_decisao
from machine_learning.observacao import ENSAIO
from plataforma.configuracao import Configuracao
from plataforma.servicos.topicos import apagar_topicos, criar_topicos

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming import StreamingQuery

PIX_POR_LOTE: Final = 600
"""Um micro-lote de 500/s, com folga."""
LOTES: Final = 24
_ORIGEM: Final[Origem] = "simulado"
INTERVALO: Final = "1500 milliseconds"
"""Entre lotes: o resto dos núcleos fica para quem treina."""


@dataclass
class Ensaio:
    """Um ensaio em curso. `iniciar` não espera; `encerrar` apaga tudo o que ele deixou."""

    spark: SparkSession
    cfg: Configuracao
    _consulta: StreamingQuery | None = None

    def iniciar(self) -> bool:
        """Começa a passar os últimos Pix da história; devolve se havia história.

        Só no perfil local: em um broker alheio não se criam tópicos.

        Levanta:
            ErroServico: o broker não criou os tópicos.
        """
        if self.cfg.perfil != "local" or not BRONZE_EVENTOS.existe(self.spark, self.cfg):
            return False
        historia = BRONZE_EVENTOS.ler(self.spark, self.cfg).where(F.col("topico") == TOPICO_HISTORICO)
        ultimo = historia.agg(F.max("deslocamento")).head()[0]
        if ultimo is None:
            return False
        self.limpar_restos()
        parte = a_parte(self.cfg)
        parte.dados.mkdir(parents=True)  # o sinal de que há o que limpar nasce antes do resto
        criar_topicos(parte)
        recentes = historia.where(F.col("deslocamento") > ultimo - PIX_POR_LOTE * LOTES)
        # Vivos, seriam recusados (são de dias atrás) antes do estado e do modelo; históricos, não seriam decididos.
        origem = F.struct(F.lit(CABECALHO_ORIGEM).alias("key"), F.lit(_ORIGEM).cast("binary").alias("value"))
        recentes.select(
            F.col("chave").alias("key"), F.col("valor").alias("value"), F.array(origem).alias("headers")
        ).write.format("kafka").option("kafka.bootstrap.servers", parte.kafka_servidores).option(
            "topic", parte.topico_eventos
        ).save()
        self._consulta = iniciar_decisao(self.spark, parte, nome=ENSAIO, intervalo=INTERVALO)
        return True

    def encerrar(self) -> None:
        """Para o ensaio, se corre, e apaga o que ele deixou."""
        if self._consulta is not None:
            self._consulta.stop()
            self._consulta = None
        self.limpar_restos()

    def limpar_restos(self) -> None:
        """Apaga tópicos, checkpoint e cache de um ensaio, também os de um morto com SIGKILL; sem restos, nada faz."""
        parte = a_parte(self.cfg)
        if parte.dados.exists():
            apagar_cache(parte)
            apagar_topicos(parte, [parte.topico_eventos, parte.topico_decisoes])
            shutil.rmtree(parte.dados)


def a_parte(cfg: Configuracao) -> Configuracao:
    """A mesma configuração em outra pasta e com outros tópicos de entrada e saída de Pix: a do ensaio."""
    return replace(
        cfg, dados=cfg.caminho("ensaio"), max_eventos_lote=PIX_POR_LOTE,
        topico_eventos=f"{cfg.topico_eventos}.ensaio", topico_decisoes=f"{cfg.topico_decisoes}.ensaio",
    )
