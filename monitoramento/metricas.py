"""As métricas do detector, cada uma declarada uma só vez, em um registro que vem por argumento.

Nomes em português com prefixo `pix_`, unidade base no nome, `_total` nos contadores. Rótulos são conjuntos fechados
e pequenos: nunca conta, chave, documento ou id. O que não tem rótulo aberto nasce em zero, para que zero seja zero e
não ausência. Contadores contam desde o início do processo; o Prometheus lida com o reinício (`rate`, `increase`).
Fonte: https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

import platform
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Summary

from machine_learning.observacao import ACOES, DESTINOS, LIMITES_LATENCIA_MS, LIMITES_PONTUACAO_DECIMOS
from monitoramento.distribuicao import HistogramaObservado
from plataforma.configuracao import RAIZ_PROJETO
from processamento.qualidade import MotivoQuarentena

DESFECHOS: Final[dict[str, tuple[str, ...]]] = {
    "bronze": ("recebido",),
    "prata": ("valido", "quarentena", "duplicado"),
    "decisao": DESTINOS,
    "ouro": ("gravado",),
    "rotulos": ("valido", "quarentena", "duplicado"),
}
"""Os pares (camada, desfecho) que existem; os de uma camada somam o que ela leu."""

ESTATISTICAS_ATRASO: Final = ("min", "avg", "max")
SEM_NOME: Final = "sem_nome"
"""Rótulo de uma consulta sem `queryName`: existe para ser visto e corrigido."""

SEM_MODELO: Final = "nenhum"
"""Versão no rótulo quando as regras decidem sozinhas."""

_Metrica = TypeVar("_Metrica", Counter, Gauge, Summary)


@dataclass(frozen=True)
class Declaracao:
    """Uma linha do catálogo: o que a documentação e os testes precisam saber de uma métrica."""

    nome: str
    tipo: str
    rotulos: tuple[str, ...]
    ajuda: str


class Metricas:
    """Todas as métricas, vivas no `registro` dado; `declaradas` é o catálogo, na ordem da declaração."""

    def __init__(self, registro: CollectorRegistry) -> None:
        self._registro = registro
        self.declaradas: list[Declaracao] = []
        self._fluxo()
        self._decisao()
        self._consultas()
        self._processo()

    def _fluxo(self) -> None:
        self.eventos = self._nova(
            Counter, "pix_eventos_total", "Registros por camada e desfecho.", "camada", "desfecho")
        for camada, desfechos in DESFECHOS.items():
            for desfecho in desfechos:
                self.eventos.labels(camada, desfecho)
        self.quarentena = self._nova(
            Counter, "pix_quarentena_total", "Registros em quarentena, pelo motivo da lista fechada.", "motivo")
        for motivo in MotivoQuarentena:
            self.quarentena.labels(motivo.value)

    def _decisao(self) -> None:
        self.decisoes = self._nova(Counter, "pix_decisoes_total", "Decisões por ação.", "acao")
        for acao in ACOES:
            self.decisoes.labels(acao)
        self.alertas = self._nova(Counter, "pix_alertas_total", "Decisões com ação diferente de APROVAR.")
        self.valor_barrado = self._nova(
            Counter, "pix_valor_barrado_centavos_total", "Centavos retidos, bloqueados ou rejeitados.")
        self.decisoes_sem_modelo = self._nova(
            Counter, "pix_decisoes_sem_modelo_total", "Decisões tomadas só pelas regras.")
        self.latencia = self._histograma(
            "pix_decisao_latencia_seconds", "Do envio pelo produtor à decisão calculada, em segundos.",
            [limite / 1000 for limite in LIMITES_LATENCIA_MS])
        self.pontuacao = self._histograma(
            "pix_pontuacao", "Probabilidade de fraude dada pelo modelo, de 0 a 1.",
            [decimos / 10 for decimos in LIMITES_PONTUACAO_DECIMOS], "modelo_versao")
        self.modelo = self._nova(
            Gauge, "pix_modelo_info", "Modelo e regras do último lote; vale 1.", "nome", "versao", "regras_versao")

    def _consultas(self) -> None:
        self.consultas_ativas = self._nova(Gauge, "pix_consultas_ativas", "Consultas de fluxo em execução.")
        self.lote_duracao = self._nova(
            Summary, "pix_lote_duracao_seconds", "Duração dos micro-lotes por fase do Spark (durationMs).",
            "consulta", "fase")
        self.lote_linhas = self._nova(Summary, "pix_lote_linhas", "Linhas lidas por micro-lote.", "consulta")
        self.lote_falhas = self._nova(
            Counter, "pix_lote_falhas_total", "Consultas que terminaram com erro.", "consulta")
        self.atraso = self._nova(
            Gauge, "pix_atraso_registros", "Registros por ler em uma partição do Kafka, no último lote (pior fonte).",
            "consulta", "estatistica")
        self.estado_linhas = self._nova(Gauge, "pix_estado_linhas", "Linhas no estado da consulta.", "consulta")
        self.estado_memoria = self._nova(
            Gauge, "pix_estado_memoria_bytes", "Memória do estado da consulta na JVM.", "consulta")
        self.descartadas = self._nova(
            Counter, "pix_marca_dagua_descartes_total", "Linhas que chegaram depois da marca d'água.", "consulta")
        self.ultimo_sucesso = self._nova(
            Gauge, "pix_ultimo_sucesso_timestamp_seconds",
            "Instante do último lote concluído, ou da última vez em que a consulta esperava por dados.", "consulta")

    def _processo(self) -> None:
        self.ouvinte_erros = self._nova(Counter, "pix_ouvinte_erros_total", "Eventos que o ouvinte não soube ler.")
        self.versoes = self._nova(
            Gauge, "pix_build_info", "Versões em uso; vale 1.", "versao", "spark", "delta", "python")

    def _nova(self, classe: type[_Metrica], nome: str, ajuda: str, *rotulos: str) -> _Metrica:
        self.declaradas.append(Declaracao(nome, classe.__name__.lower(), rotulos, ajuda))
        return classe(nome, ajuda, rotulos, registry=self._registro)

    def _histograma(self, nome: str, ajuda: str, limites: Sequence[float], *rotulos: str) -> HistogramaObservado:
        self.declaradas.append(Declaracao(nome, "histogram", rotulos, ajuda))
        return HistogramaObservado(self._registro, nome, ajuda, limites, rotulos)


def criar_metricas(registro: CollectorRegistry) -> Metricas:
    """Declara tudo em `registro` e anota as versões em uso."""
    metricas = Metricas(registro)
    metricas.versoes.labels(
        _versao_do_projeto(), version("pyspark"), version("delta-spark"), platform.python_version()
    ).set(1)
    return metricas


def _versao_do_projeto() -> str:
    """A do `pyproject.toml` ao lado; instalado como pacote, a de seus metadados."""
    arquivo = RAIZ_PROJETO / "pyproject.toml"
    if arquivo.exists():
        return str(tomllib.loads(arquivo.read_text())["project"]["version"])
    return version("detector-fraudes-pix")


def registrar_lote(metricas: Metricas, camada: str, contagens: dict[str, int]) -> None:
    """Soma ao contador o que um `foreachBatch` só sabe depois de gravar (`{"duplicado": 3}`).

    Levanta:
        ValueError: camada ou desfecho fora de `DESFECHOS`; nada é somado.
    """
    for desfecho, linhas in contagens.items():
        if desfecho not in DESFECHOS.get(camada, ()) or linhas < 0:
            msg = f"{camada}/{desfecho} = {linhas} não é um desfecho conhecido; esperado: {DESFECHOS}"
            raise ValueError(msg)
    for desfecho, linhas in contagens.items():
        metricas.eventos.labels(camada, desfecho).inc(linhas)

