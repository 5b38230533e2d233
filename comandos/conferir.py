"""`./pix conferir`: cada registro da bronze tem um destino? Tabelas por destino e motivo; sai 1 se não fecha."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from comandos.apresentacao import console, console_erros, espera, tabela
from comandos.drenagem import drenar
from comandos.fluxos import conversa
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroConfiguracao

PRAZO_SEGUNDOS: Final = 600.0
NAO_FECHA: Final = 1
NOMES: Final = {
    "faltante": "na bronze, sem destino na prata",
    "dobrado": "com mais de um destino, ou duas vezes na bronze",
    "sem_decisao": "Pix vivo, válido e único sem decisão",
    "sem_resposta": "em quarentena sem resposta no tópico de decisões",
    "decisao_sem_evento": "decisão de um registro que a bronze não tem",
    "decisao_indevida": "decisão de um registro que não devia tê-la",
}


def comando(
    arquivo: Annotated[Path | None, typer.Option("--json", help="Grava também o resultado neste arquivo.")] = None,
) -> int:
    """Confere se cada registro recebido tem exatamente um destino; sai 1 se algo não fecha."""
    if arquivo is not None and not arquivo.absolute().parent.is_dir():
        msg = f"--json {arquivo}: a pasta {arquivo.absolute().parent} não existe; crie-a ou escolha outra"
        raise ErroConfiguracao(msg)
    cfg = Configuracao.do_ambiente()
    with espera("Conferindo…") as mostrar:
        resultado, ao_vivo = conferir(cfg, mostrar)
    console.print(*quadros(resultado), sep="\n")
    if arquivo is not None:
        arquivo.write_text(json.dumps(resultado, ensure_ascii=False, indent=2) + "\n")
    certo = bool(resultado["conferido"] or (ao_vivo and resultado["fecha_no_corte"]))
    (console if certo else console_erros).print(veredito(resultado, certo=certo))
    return 0 if certo else NAO_FECHA


def conferir(cfg: Configuracao, mostrar: Callable[[str], None]) -> tuple[dict[str, Any], bool]:
    """A conciliação como dicionário, e se foi feita pelos fluxos em curso (que antes drenam o que chegou)."""
    if conversa.prontos(cfg):
        mostrar("Pedindo aos fluxos que drenem e conciliem…")
        return drenar(cfg, PRAZO_SEGUNDOS), True
    from machine_learning.conciliacao import conciliar  # noqa: PLC0415
    from plataforma.sessao import encerrar_sessao, obter_sessao  # noqa: PLC0415

    mostrar("Abrindo uma sessão Spark (os fluxos estão parados)…")
    spark = obter_sessao(cfg, "conferir", {"spark.ui.enabled": "false"})
    try:
        mostrar("Conciliando bronze, prata e decisões…")
        return asdict(conciliar(spark, cfg)), False
    finally:
        encerrar_sessao(spark)


def quadros(resultado: Mapping[str, Any]) -> list[Any]:
    """As tabelas: por destino, por motivo de quarentena e, se há, o que não fecha."""
    destinos = [*resultado["destinos"].items(), ("em trânsito", resultado["em_transito"])]
    saida = [tabela(f"Registros na bronze: {resultado['bronze']}", ["destino", "registros"], destinos)]
    if resultado["motivos"]:
        saida.append(tabela("Quarentena", ["motivo", "registros"], list(resultado["motivos"].items())))
    saida.append(tabela("Rótulos", ["situação", "registros"], list(resultado["rotulos"].items())))
    problemas = [(NOMES[nome], quantos) for nome, quantos in resultado["problemas"].items()]
    for nome, texto in (("decisoes_dobradas", "decisões dobradas na tabela"), ("lacunas", "lacunas na bronze")):
        if resultado[nome]:
            problemas.append((texto, resultado[nome]))
    if problemas:
        saida.append(tabela("Não fecha", ["o quê", "registros"], problemas))
    if resultado["exemplos"]:
        colunas = ["destino", "topico", "particao", "deslocamento"]
        linhas = [[exemplo[coluna] for coluna in colunas] for exemplo in resultado["exemplos"]]
        saida.append(tabela("Exemplos", colunas, linhas))
    return saida


def veredito(resultado: Mapping[str, Any], *, certo: bool) -> str:
    """Uma linha que diz se fechou."""
    if not certo and resultado["fecha_no_corte"]:
        return f"[yellow]incompleto:[/] {resultado['em_transito']} em trânsito; suba os fluxos (./pix subir) e repita"
    if not certo:
        return "[bold red]não fecha[/]: veja as tabelas acima"
    transito = f"; {resultado['em_transito']} em trânsito" if resultado["em_transito"] else ""
    return f"[bold green]confere[/]: cada registro tem exatamente um destino{transito}"
