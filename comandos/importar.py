"""`./pix importar`: o histórico de seis colunas de qualquer um, para a bronze (e adiante) ou para o tópico."""

from __future__ import annotations

import itertools
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from comandos.apresentacao import aviso, espera, numero, passo, progresso
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroConfiguracao, ErroEstado

if TYPE_CHECKING:
    from ingestao.importador import Importado

INTERROMPIDO = 130


class Destino(StrEnum):
    """Para onde vai o histórico."""

    BRONZE = "bronze"
    TOPICO = "topico"


def comando(
    eventos: Annotated[
        Path, typer.Argument(help="Parquet ou CSV: event_id, ts, payer_id, payee_id, amount[, device_id].")
    ],
    rotulos: Annotated[Path | None, typer.Option(help="event_id, is_fraud[, scenario][, known_at].")] = None,
    destino: Annotated[
        Destino, typer.Option(help="bronze: como história, nunca decidida. topico: ao vivo, decidida.")
    ] = Destino.BRONZE,
    taxa: Annotated[float, typer.Option(min=0.1, help="Eventos por segundo, no tópico.")] = 1_000.0,
    atraso_dias: Annotated[float, typer.Option(min=0.0, help="Até se conhecer um rótulo sem known_at.")] = 7.0,
    mapa: Annotated[Path | None, typer.Option(help="Grava event_id e id_fim_a_fim neste Parquet.")] = None,
) -> int:
    """Importa um histórico de seis colunas (ts em UTC, amount em R$) para a bronze ou para o tópico."""
    if mapa is not None and not mapa.absolute().parent.is_dir():
        msg = f"--mapa {mapa}: a pasta {mapa.absolute().parent} não existe; crie-a ou escolha outra"
        raise ErroConfiguracao(msg)
    cfg = Configuracao.do_ambiente()
    with espera(f"Lendo e conferindo {eventos}…"):
        from ingestao.importador import importar_arquivos  # noqa: PLC0415 — a ajuda não paga por isto

        importado = importar_arquivos(eventos, rotulos, cfg.nossos_ispb, atraso_dias)
    for texto in importado.avisos:
        aviso(texto)
    if mapa is not None:
        importado.mapa.write_parquet(mapa)
        passo(f"Mapa de ids em {mapa}")
    if destino is Destino.BRONZE:
        _para_bronze(cfg, importado)
        return 0
    return _para_topico(cfg, importado, taxa)


def _para_bronze(cfg: Configuracao, importado: Importado) -> None:
    """Bronze, prata e ouro pelo mesmo código do preparo; os fluxos têm de estar parados."""
    from comandos.fluxos import conversa  # noqa: PLC0415
    from comandos.preparo import Preparo, gravar_registros, preparar  # noqa: PLC0415
    from ingestao.serializacao import serializar, serializar_rotulos  # noqa: PLC0415
    from plataforma.sessao import encerrar_sessao, obter_sessao  # noqa: PLC0415

    if conversa.algum_pronto(cfg):
        msg = "os fluxos estão de pé e já escrevem nas tabelas: pare-os com ./pix parar e repita"
        raise ErroEstado(msg)
    pasta = cfg.caminho("importacao")
    historia, desfechos = pasta / "historia.arrow", pasta / "rotulos.arrow"
    with espera("Traduzindo para o contrato…") as mostrar:
        chaves, valores = zip(*serializar(importado.eventos), strict=True)
        gravar_registros(historia, {"chave": list(chaves), "valor": list(valores)})
        gravar_registros(desfechos, {"valor": [valor for _, valor in serializar_rotulos(importado.rotulos)]})
        mostrar("Abrindo uma sessão Spark…")
        spark = obter_sessao(cfg, "importar", {"spark.ui.enabled": "false"})
        try:
            carimbo = int(importado.eventos["instante_us"][-1])
            preparo = Preparo(str(historia), str(desfechos), carimbo, treinar=False)
            preparar(spark, cfg, preparo, lambda fase: mostrar(f"Gravando: {fase}…"))
        finally:
            encerrar_sessao(spark)
            for arquivo in (historia, desfechos):
                arquivo.unlink(missing_ok=True)
    passo(f"{numero(importado.eventos.height)} Pix e {numero(importado.rotulos.height)} rótulos na história. "
          "Agora: ./pix treinar, depois ./pix subir")


def _para_topico(cfg: Configuracao, importado: Importado, taxa: float) -> int:
    """Tudo ao tópico, em taxa constante; os rótulos no mesmo ritmo, quando se tornam conhecidos, e o resto no fim."""
    from comandos.simular import ate_ctrl_c  # noqa: PLC0415
    from ingestao.emissao import Emissao  # noqa: PLC0415
    from ingestao.produtor import Registro, enviar_no_ritmo  # noqa: PLC0415
    from ingestao.serializacao import serializar_rotulos  # noqa: PLC0415
    from ingestao.trafego import Trafego  # noqa: PLC0415
    from plataforma.servicos import broker, topicos  # noqa: PLC0415

    broker.exigir_broker(cfg)
    topicos.criar_topicos(cfg)
    segundos = importado.eventos.height / taxa
    trafego = Trafego(importado.eventos, importado.rotulos, importado.verdade, 0, segundos)
    durante = trafego.rotulos_vivo()
    depois = importado.rotulos.tail(importado.rotulos.height - durante.height)
    resto = (Registro(segundos, cfg.topico_rotulos, c, v) for c, v in serializar_rotulos(depois))
    registros = itertools.chain(Emissao(trafego.vivo(), durante).registros(cfg), resto)
    inicio = time.monotonic()
    with progresso("Enviando", importado.eventos.height + importado.rotulos.height) as avancar, ate_ctrl_c() as parar:
        feitos = 0

        def contar(enviados: int, _confirmados: int) -> None:
            nonlocal feitos
            avancar(enviados - feitos)
            feitos = enviados

        resultado = enviar_no_ritmo(cfg, registros, "importado", parar, ao_progresso=contar)
    passo(f"{numero(resultado.enviados)} registros em {numero(time.monotonic() - inicio, 1)} s, todos confirmados")
    return INTERROMPIDO if resultado.interrompido else 0
