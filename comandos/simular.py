"""`./pix simular`: tráfego simulado para o tópico, em taxa constante, por um tempo, pela semente."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from comandos.apresentacao import console, espera, numero, passo, progresso, tabela
from plataforma.configuracao import Configuracao

if TYPE_CHECKING:
    from ingestao.emissao_continua import EmissaoContinua
    from ingestao.produtor import Registro, Resultado

INTERROMPIDO = 130


def comando(
    taxa: Annotated[float, typer.Option(min=0.1, help="Eventos por segundo.")] = 500.0,
    segundos: Annotated[float, typer.Option(min=0.1, help="Por quanto tempo.")] = 60.0,
    semente: Annotated[int, typer.Option(min=0, help="População e acasos; a mesma continua de onde parou.")] = 42,
    contas: Annotated[int, typer.Option(min=100, help="Contas da população.")] = 5_000,
    rotulos: Annotated[
        bool, typer.Option("--rotulos/--sem-rotulos", help="Envia também as contestações que se tornam conhecidas.")
    ] = True,
) -> int:
    """Envia Pix simulados ao tópico de eventos; o relógio deles continua, acelerado, o da última simulação."""
    cfg = Configuracao.do_ambiente()
    with espera("Procurando o broker…") as mostrar:
        from ingestao import continuacao  # noqa: PLC0415 — a ajuda não paga por isto
        from ingestao.emissao_continua import EmissaoContinua  # noqa: PLC0415
        from ingestao.simulador.parametros import Parametros  # noqa: PLC0415
        from plataforma.servicos import broker, topicos  # noqa: PLC0415

        broker.exigir_broker(cfg)
        topicos.criar_topicos(cfg)
        mostrar("Criando a população…")
        base = Parametros()
        parametros = Parametros(
            contas=contas, eventos=round(base.eventos * contas / base.contas), nossos_ispb=cfg.nossos_ispb
        )
        de_us = continuacao.proximo_us(cfg, parametros, semente)
        emissao = EmissaoContinua(
            parametros, semente, de_us, taxa, max(1, round(taxa * segundos)), com_rotulos=rotulos
        )
        registros = emissao.registros(cfg)
    try:
        resultado = _enviar(cfg, emissao, registros)
    finally:
        continuacao.gravar(cfg, parametros, semente, emissao.ate_us)
    _mostrar(emissao, resultado, cfg)
    return INTERROMPIDO if resultado.interrompido else 0


def _enviar(cfg: Configuracao, emissao: EmissaoContinua, registros: Iterator[Registro]) -> Resultado:
    from ingestao.produtor import enviar_no_ritmo  # noqa: PLC0415

    with progresso("Enviando", emissao.eventos) as avancar, ate_ctrl_c() as parar:
        feitos = 0

        def contar(_enviados: int, _confirmados: int) -> None:
            nonlocal feitos
            avancar(emissao.razao.eventos - feitos)
            feitos = emissao.razao.eventos

        return enviar_no_ritmo(cfg, registros, "simulado", parar, ao_progresso=contar)


@contextlib.contextmanager
def ate_ctrl_c() -> Iterator[threading.Event]:
    """O primeiro Ctrl-C (ou SIGTERM) para o envio e espera as confirmações; o segundo interrompe tudo."""
    parar = threading.Event()

    def tratar(_sinal: int, _quadro: object) -> None:
        if parar.is_set():
            raise KeyboardInterrupt
        parar.set()

    anteriores = {sinal: signal.signal(sinal, tratar) for sinal in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield parar
    finally:
        for sinal, anterior in anteriores.items():
            signal.signal(sinal, anterior)


def _mostrar(emissao: EmissaoContinua, resultado: Resultado, cfg: Configuracao) -> None:
    razao = emissao.razao
    linhas = [
        ("eventos", razao.eventos), ("repetidos de propósito", razao.duplicados),
        ("estragados de propósito", razao.malformados.total()),
        ("rótulos", resultado.confirmados.get(cfg.topico_rotulos, 0)),
    ]  # fmt: skip
    console.print(tabela("Confirmados pelo broker", ("registros", "quantos"), linhas))
    por_segundo = resultado.enviados / max(resultado.duracao_s, 1e-9)
    passo(f"{numero(por_segundo)} registros/s; atraso do envio p99 {numero(resultado.atraso_p99_ms, 1)} ms")
    passo(f"Relógio simulado: de {_dia(emissao.de_us)} a {_dia(emissao.ate_us)} (UTC)")


def _dia(instante_us: int) -> str:
    return datetime.fromtimestamp(instante_us / 1e6, UTC).strftime("%d/%m/%Y %H:%M")
