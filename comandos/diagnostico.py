"""`./pix diagnostico`: o que a máquina tem, o que falta e como consertar; e `exigir`, que todo verbo usa."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import psutil

from comandos.apresentacao import console, espera, passo, tabela
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroAmbiente, ErroPipeline
from plataforma.jars import PASTA_JARS, garantir_jars
from plataforma.maquina import exigir_gravavel, exigir_java, versao_java

PYTHON_MINIMO: Final = (3, 11)
MEMORIA_MINIMA_GIB: Final = 4.0
"""Driver do Spark (3 GiB por padrão), broker (0,5) e MLflow, com pouca folga."""
DISCO_MINIMO_GIB: Final = 3.0
GIB: Final = 1 << 30


class Item(StrEnum):
    """O que se examina."""

    PYTHON = "Python"
    JAVA = "Java"
    MEMORIA = "memória"
    ESCRITA = "escrita"
    DISCO = "disco"
    PORTAS = "portas"
    JARS = "jars"
    PROMETHEUS = "Prometheus"


OPCIONAIS: Final = frozenset({Item.PROMETHEUS})


@dataclass(frozen=True)
class Exame:
    """Um resultado: `texto` diz o que há ou, quando não serve, o que falta e o conserto."""

    item: Item
    serve: bool
    texto: str

    @property
    def situacao(self) -> str:
        """`ok`, `falta` ou `opcional` (falta, mas nada depende disso)."""
        if self.serve:
            return "ok"
        return "opcional" if self.item in OPCIONAIS else "falta"


def exigir(cfg: Configuracao, *itens: Item) -> None:
    """Recusa seguir quando um dos itens falta, com a mesma linha que o diagnóstico mostra.

    Levanta:
        ErroPipeline: a linha do primeiro item que falta.
    """
    for item in itens:
        _EXAMES[item](cfg)


def examinar(cfg: Configuracao) -> list[Exame]:
    """Examina todos os itens, na ordem em que convém consertá-los."""
    return [_examinar(item, cfg) for item in Item]


def comando() -> None:
    """Examina a máquina e diz, item por item, o que falta e como consertar."""
    with espera("Examinando a máquina…"):
        try:
            exames = examinar(Configuracao.do_ambiente())
        except ErroPipeline as erro:  # a própria configuração não serve: é o primeiro conserto
            exames = [Exame(Item.ESCRITA, serve=False, texto=str(erro))]
    cores = {"ok": "[green]ok[/]", "falta": "[bold red]falta[/]", "opcional": "[yellow]opcional[/]"}
    console.print(tabela("", ["item", "situação", "detalhe"], [(e.item, cores[e.situacao], e.texto) for e in exames]))
    faltas = [exame for exame in exames if exame.situacao == "falta"]
    if faltas:
        msg = f"{faltas[0].texto}" + (f" (e mais {len(faltas) - 1} na tabela)" if len(faltas) > 1 else "")
        raise ErroAmbiente(msg)
    passo("Tudo o que é preciso está aqui. Próximo passo: ./pix demonstrar")


def _examinar(item: Item, cfg: Configuracao) -> Exame:
    try:
        return Exame(item, serve=True, texto=_EXAMES[item](cfg))
    except ErroPipeline as erro:
        return Exame(item, serve=False, texto=str(erro))


def _python(_: Configuracao) -> str:
    atual = sys.version_info[:3]
    texto = ".".join(map(str, atual))
    if atual < PYTHON_MINIMO:
        msg = f"Python {texto} é antigo: instale o Python 3.11 ou mais novo e apague .pix/ambiente"
        raise ErroAmbiente(msg)
    return texto


def _java(_: Configuracao) -> str:
    java = exigir_java()
    return f"{versao_java(java)} ({java})"


def _memoria(_: Configuracao) -> str:
    livre = psutil.virtual_memory().available / GIB
    if livre < MEMORIA_MINIMA_GIB:
        msg = (
            f"memória livre {livre:.1f} GiB, menos que {MEMORIA_MINIMA_GIB:.0f} GiB: "
            "feche programas ou diminua PIX_SPARK_MEMORIA (padrão 3g)"
        )
        raise ErroAmbiente(msg)
    return f"{livre:.1f} GiB livres"


def _disco(cfg: Configuracao) -> str:
    livre = psutil.disk_usage(str(_existente(cfg.dados))).free / GIB
    if livre < DISCO_MINIMO_GIB:
        msg = (
            f"disco livre {livre:.1f} GiB em {cfg.dados}, menos que {DISCO_MINIMO_GIB:.0f} GiB: "
            "libere espaço ou escolha outra pasta com PIX_DADOS"
        )
        raise ErroAmbiente(msg)
    return f"{livre:.0f} GiB livres em {cfg.dados}"


def _existente(pasta: Path) -> Path:
    return next(candidata for candidata in (pasta, *pasta.parents) if candidata.exists())


def _escrita(cfg: Configuracao) -> str:
    exigir_gravavel(cfg.dados)
    return f"{cfg.dados} aceita escrita"


def _portas(cfg: Configuracao) -> str:
    from plataforma.servicos import broker, mlflow_servidor, prometheus  # noqa: PLC0415  `--ajuda` não os usa
    from plataforma.servicos.vida import exigir_porta, nosso  # noqa: PLC0415

    portas: list[tuple[str, str, int]] = [
        ("decisao", "PIX_PORTA_METRICAS", cfg.porta_metricas),
        ("lago", "PIX_PORTA_METRICAS_LAGO", cfg.porta_metricas_lago),
        (prometheus.NOME, "PIX_PORTA_PROMETHEUS", cfg.porta_prometheus),
    ]
    if broker.embutido(cfg):
        portas.append((broker.NOME, "PIX_PORTA_KAFKA", cfg.porta_kafka))
        portas.append((broker.NOME, "PIX_PORTA_KAFKA_CONTROLE", cfg.porta_kafka_controle))
    if mlflow_servidor.embutido(cfg):
        portas.append((mlflow_servidor.NOME, "PIX_PORTA_MLFLOW", cfg.porta_mlflow))
    for nome, variavel, porta in portas:
        if not nosso(nome, cfg):
            exigir_porta(nome, porta, variavel)
    return ", ".join(str(porta) for _, _, porta in portas) + " livres ou já nossas"


def _jars(_: Configuracao) -> str:
    garantir_jars(mostrar=passo)
    return f"conferidos em {PASTA_JARS}"


def _prometheus(_: Configuracao) -> str:
    from plataforma.servicos.prometheus import exigir_prometheus  # noqa: PLC0415

    return str(exigir_prometheus())


_EXAMES: Final[dict[Item, Callable[[Configuracao], str]]] = {
    Item.PYTHON: _python,
    Item.JAVA: _java,
    Item.MEMORIA: _memoria,
    Item.ESCRITA: _escrita,
    Item.DISCO: _disco,
    Item.PORTAS: _portas,
    Item.JARS: _jars,
    Item.PROMETHEUS: _prometheus,
}
ESSENCIAIS: Final = tuple(item for item in Item if item not in OPCIONAIS)
"""Os itens que `subir` e `demonstrar` exigem."""

