"""A deriva como métrica: a última hora de `ouro_deriva`, lida da tabela quando ela muda.

Quem a mede é `./pix deriva`, em outro processo: aqui só se olha. Sem tabela, ou sem hora com Pix bastantes, a série não
existe: ausência não é zero.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from machine_learning.deriva import CALENDARIO, PONTUACAO
from machine_learning.esquema import OURO_DERIVA
from monitoramento.metricas import Declaracao
from plataforma.configuracao import Configuracao

DECLARADAS: Final = (
    Declaracao("pix_deriva_psi_pontuacao", "gauge", (), "PSI da probabilidade na última hora medida por ./pix deriva."),
    Declaracao("pix_deriva_psi_maior", "gauge", (), "Maior PSI dos atributos nessa hora, menos os de calendário."),
    Declaracao("pix_deriva_hora_timestamp_seconds", "gauge", (), "Começo dessa hora."),
)
_OLHAR_DE_NOVO: Final = timedelta(days=3)
"""Quantos dias de partições se leem à procura da última hora."""
_REGISTRO: Final = logging.getLogger(__name__)


class ColetorDeDeriva(Collector):
    """Dá as três medidas a cada raspagem; só relê a tabela quando o log dela cresce."""

    def __init__(self, registro: CollectorRegistry, cfg: Configuracao) -> None:
        self._pasta: Path = OURO_DERIVA.caminho(cfg)
        self._visto: str | None = None
        self._valores: tuple[float, ...] = ()
        registro.register(self)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """As famílias, vazias enquanto não há o que dizer. Uma tabela ilegível é registrada e não derruba as outras."""
        ultimo = max((arquivo.name for arquivo in self._pasta.glob("_delta_log/*.json")), default=None)
        if ultimo != self._visto:
            try:
                self._valores = _ultima_hora(self._pasta)
            except Exception:  # o que quer que falhe aqui não pode calar as métricas da decisão
                _REGISTRO.exception("%s: não foi possível ler a deriva", OURO_DERIVA.nome)
                self._valores = ()
            self._visto = ultimo
        for i, declarada in enumerate(DECLARADAS):
            familia = GaugeMetricFamily(declarada.nome, declarada.ajuda)
            if self._valores:
                familia.add_metric([], self._valores[i])
            yield familia

    def describe(self) -> list[GaugeMetricFamily]:
        """Os nomes, para que o registro recuse uma segunda métrica igual."""
        return [GaugeMetricFamily(declarada.nome, declarada.ajuda) for declarada in DECLARADAS]


def _ultima_hora(pasta: Path) -> tuple[float, ...]:
    """(PSI da probabilidade, maior PSI dos atributos, começo da hora em s); vazia se nenhuma hora tem PSI."""
    from deltalake import DeltaTable  # noqa: PLC0415 — leitura sem JVM
    from pyarrow import compute  # noqa: PLC0415

    delta = DeltaTable(str(pasta))
    dias = sorted({parte["data"] for parte in delta.partitions()})
    if not dias:
        return ()
    desde = datetime.fromisoformat(dias[-1]).replace(tzinfo=UTC) - _OLHAR_DE_NOVO
    lidas = delta.to_pyarrow_dataset().to_table(
        columns=["inicio", "variavel", "psi"],
        filter=(compute.field("inicio") >= desde) & compute.field("psi").is_valid(),
    ).to_pylist()
    if not lidas:
        return ()
    hora = max(linha["inicio"] for linha in lidas)
    desta = [linha for linha in lidas if linha["inicio"] == hora]
    maior = max((e["psi"] for e in desta if e["variavel"] not in {PONTUACAO, *CALENDARIO}), default=0.0)
    da_nota = max((e["psi"] for e in desta if e["variavel"] == PONTUACAO), default=0.0)
    return da_nota, maior, hora.timestamp()
