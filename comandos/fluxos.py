"""O processo dos fluxos: uma sessão Spark com todas as consultas do perfil local, o vigia e o exportador.

É o que `./pix subir` e `./pix demonstrar` deixam correndo. Conversa por arquivos: escreve em que fase está, atende um
pedido de drenar e conciliar, e para com SIGTERM. As mesmas funções são chamadas, uma a uma, pelos notebooks.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from comandos.preparo import Preparo
from plataforma.configuracao import Configuracao
from plataforma.daemon_python import PREIMPORTAR
from plataforma.erros import ErroPipeline
from plataforma.trava import Trava

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming import StreamingQuery

    from machine_learning.ativacao import Vigia
    from monitoramento.metricas import Metricas

ESTADO: Final = "fluxos.estado.json"
PEDIDO: Final = "fluxos.pedido.json"
RESPOSTA: Final = "fluxos.resposta.json"
PREPARO: Final = "fluxos.preparo.json"
BATIDA_S: Final = 0.25
CODIGO_ERRO: Final = 2
CODIGO_CONSULTA_CAIU: Final = 1
_FORA_DA_CONCILIACAO: Final = frozenset({"ouro_indicadores", "ouro_indicadores_decisao"})
"""Derivados que não são destino de nenhum registro: esperar por eles só alongaria a drenagem."""
_DOS_WORKERS: Final = ("processamento.colunar", "processamento.atributos_spark", "processamento.estado.arena")
"""O que os processos Python do lago importam uma vez só, no daemon."""
_REGISTRO: Final = logging.getLogger("fluxos")


@dataclass
class Motor:
    """As consultas de um processo, da partida à parada. `parar` é armado pelo sinal."""

    cfg: Configuracao
    parar: threading.Event = field(default_factory=threading.Event)
    consultas: list[StreamingQuery] = field(default_factory=list)

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
        workers = {f"spark.executorEnv.{PREIMPORTAR}": ",".join(_DOS_WORKERS)}
        spark = obter_sessao(self.cfg, "fluxos", workers, gravar_classes=True)
        try:
            ouvir(spark, metricas, self.cfg.modelo)
            self._preparar(spark)
            vigia = self._iniciar(spark, metricas)
            self.fase("pronto", pronto=True)
            try:
                return self._atender(spark)
            finally:
                vigia.parar()
        finally:
            for consulta in self.consultas:
                consulta.stop()
            encerrar_sessao(spark)
            exportador.parar()

    def fase(self, nome: str, *, pronto: bool = False) -> None:
        """Publica em que fase o processo está."""
        _escrever(self.cfg, ESTADO, {"pid": os.getpid(), "fase": nome, "pronto": pronto})
        _REGISTRO.info("fase: %s", nome)

    def _preparar(self, spark: SparkSession) -> None:
        arquivo = self.cfg.caminho("servicos", PREPARO)
        if arquivo.exists():
            from comandos.preparo import preparar  # noqa: PLC0415 — pyspark só neste processo

            preparar(spark, self.cfg, Preparo(**json.loads(arquivo.read_text())), self.fase)
            arquivo.unlink()

    def _iniciar(self, spark: SparkSession, metricas: Metricas) -> Vigia:
        from ingestao.fluxo import iniciar_bronze, iniciar_bronze_rotulos  # noqa: PLC0415
        from machine_learning.ativacao import Vigia  # noqa: PLC0415
        from machine_learning.decisoes_lago import iniciar_decisoes_lago  # noqa: PLC0415
        from machine_learning.fluxo import CONSULTA, iniciar_decisao  # noqa: PLC0415
        from machine_learning.indicadores_decisao import iniciar_indicadores_decisao  # noqa: PLC0415
        from monitoramento.observado import registrar_resumo  # noqa: PLC0415
        from processamento.controle import Controle  # noqa: PLC0415
        from processamento.fluxo import iniciar_prata, iniciar_rotulos  # noqa: PLC0415
        from processamento.indicadores import iniciar_indicadores  # noqa: PLC0415

        self.fase("ativacao")
        vigia = Vigia(self.cfg, lambda: datetime.now(UTC))
        vigia.conferir()
        vigia.iniciar()
        controle = Controle(self.cfg)
        spark.streams.addListener(controle)
        self.fase("consultas")
        avisar = partial(registrar_resumo, metricas)
        partidas: list[Callable[[], StreamingQuery]] = [
            lambda: iniciar_decisao(spark, self.cfg), lambda: iniciar_bronze(spark, self.cfg),
            lambda: iniciar_bronze_rotulos(spark, self.cfg),
            lambda: iniciar_prata(spark, self.cfg, avisar=avisar, controle=controle),
            lambda: iniciar_rotulos(spark, self.cfg, avisar=avisar),
            lambda: iniciar_decisoes_lago(spark, self.cfg), lambda: iniciar_indicadores(spark, self.cfg),
            lambda: iniciar_indicadores_decisao(spark, self.cfg),
        ]
        for partida in partidas:
            self.consultas.append(partida())
            if self.consultas[-1].name == CONSULTA:
                # Abrir o estado, o modelo e os processos Python é o primeiro lote: que ele não leve nenhum Pix.
                vigia.republicar("partida da decisão")
                self.consultas[-1].processAllAvailable()
        return vigia

    def _atender(self, spark: SparkSession) -> int:
        pedido = self.cfg.caminho("servicos", PEDIDO)
        while not self.parar.wait(BATIDA_S):
            caida = next((c for c in self.consultas if not c.isActive), None)
            if caida is not None:
                _REGISTRO.error("a consulta %s parou: %s", caida.name, caida.exception())
                return CODIGO_CONSULTA_CAIU
            if pedido.exists():
                conteudo = json.loads(pedido.read_text())
                pedido.unlink()
                _escrever(self.cfg, RESPOSTA, {"id": conteudo["id"], **self._drenar(spark)})
        return 0

    def _drenar(self, spark: SparkSession) -> dict[str, Any]:
        """Espera cada consulta processar o que já chegou, na ordem do fluxo, e concilia."""
        from machine_learning.conciliacao import conciliar  # noqa: PLC0415

        inicio = time.monotonic()
        for consulta in self.consultas:
            if consulta.name not in _FORA_DA_CONCILIACAO:
                consulta.processAllAvailable()
        return {"conciliacao": asdict(conciliar(spark, self.cfg)), "drenagem_s": time.monotonic() - inicio}


def pedir_preparo(cfg: Configuracao, preparo: Preparo) -> None:
    """Deixa escrito o que o próximo processo dos fluxos deve preparar antes de iniciar as consultas."""
    _escrever(cfg, PREPARO, asdict(preparo))


def pedir_drenagem(cfg: Configuracao, identidade: str) -> None:
    """Pede ao processo dos fluxos que drene e concilie; a resposta sai em `RESPOSTA` com a mesma identidade."""
    _escrever(cfg, PEDIDO, {"id": identidade})


def resposta(cfg: Configuracao, identidade: str) -> dict[str, Any] | None:
    """A resposta ao pedido, ou None se ainda não há."""
    lida = ler(cfg, RESPOSTA)
    return lida if lida is not None and lida["id"] == identidade else None


def ler(cfg: Configuracao, nome: str) -> dict[str, Any] | None:
    """Um dos arquivos de conversa, ou None se ausente. A escrita é atômica: nunca se lê pela metade."""
    arquivo = cfg.caminho("servicos", nome)
    return json.loads(arquivo.read_text()) if arquivo.exists() else None


def _escrever(cfg: Configuracao, nome: str, conteudo: dict[str, Any]) -> None:
    arquivo = cfg.caminho("servicos", nome)
    arquivo.parent.mkdir(parents=True, exist_ok=True)
    provisorio = arquivo.with_suffix(".tmp")
    provisorio.write_text(json.dumps(conteudo, default=str))
    provisorio.replace(arquivo)


def principal() -> int:
    """O processo: configura o registro e os sinais e corre o motor sob a trava de escritor único."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    _REGISTRO.setLevel(logging.INFO)
    motor = Motor(Configuracao.do_ambiente())
    for sinal in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sinal, lambda *_: motor.parar.set())
    try:
        with Trava(_lugar_da_trava(motor.cfg)):
            return motor.correr()
    except ErroPipeline as erro:
        _REGISTRO.error("%s", erro)
        return CODIGO_ERRO


def _lugar_da_trava(cfg: Configuracao) -> Path:
    return cfg.caminho("checkpoints", "fluxos")


if __name__ == "__main__":
    sys.exit(principal())
