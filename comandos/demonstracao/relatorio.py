"""O relatório da demonstração: o que se enviou, onde cada registro foi parar, quanto demorou, o que se barrou."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from comandos.apresentacao import dinheiro, duracao, numero, tabela
from comandos.medida import Medidas
from plataforma.erros import ErroConfiguracao


def montar(
    *, enviados: int, duracao_envio_s: float, conciliacao: Mapping[str, Any], medidas: Medidas,
    fraudes: Mapping[str, int], versoes: Mapping[str, str], modelo: Mapping[str, str | None],
) -> dict[str, Any]:
    """O conteúdo de `--relatorio`: contagens, latência em ms, dinheiro em centavos.

    Args:
        enviados: registros confirmados pelo broker em `pix.eventos`.
        duracao_envio_s: quanto o envio durou.
        conciliacao: o resultado de `conciliar`, em dicionário.
        medidas: o que o consumidor das decisões viu.
        fraudes: valor em centavos de cada fraude de verdade enviada, por id.
        versoes: versões das peças.
        modelo: nome e versão do modelo que decidiu.
    """
    destinos, problemas = conciliacao["destinos"], conciliacao["problemas"]
    return {
        "eventos_enviados": enviados,
        "bronze": conciliacao["bronze"],
        "prata": conciliacao["prata"],
        "quarentena": destinos["quarentena"],
        "duplicados": destinos["duplicado"],
        "historico": destinos["historico"],
        "isentos": destinos["isento"],
        "decididos": destinos["decidido"],
        "sem_decisao": problemas.get("sem_decisao", 0),
        "decisoes_duplicadas": conciliacao["decisoes_dobradas"],
        "conferido": bool(conciliacao["conferido"]),
        "taxa_eventos_s": round(enviados / duracao_envio_s, 1) if duracao_envio_s else 0.0,
        "duracao_s": round(duracao_envio_s, 2),
        "latencia_ms": {nome: round(valor, 1) for nome, valor in medidas.latencia().items()},
        "acoes": dict(sorted(medidas.acoes.items())),
        "modelo": dict(modelo),
        "fraudes": {
            "total": len(fraudes), "barradas": len(medidas.fraudes_barradas), "no_prazo": len(medidas.fraudes_no_prazo),
        },
        "valor_centavos": {
            "fraude_total": sum(fraudes.values()),
            "fraude_barrada": sum(fraudes[i] for i in medidas.fraudes_barradas),
        },
        "versoes": dict(versoes),
    }


def como_tabela(r: Mapping[str, Any]) -> Table:
    """A tabela final, para quem acabou de assistir."""
    latencia, fraudes, valor = r["latencia_ms"], r["fraudes"], r["valor_centavos"]
    linhas = [
        ("eventos enviados", f"{numero(r['eventos_enviados'])} em {duracao(r['duracao_s'])} "
                             f"({numero(r['taxa_eventos_s'])}/s)"),
        ("destinos", f"{numero(r['decididos'])} decididos · {numero(r['quarentena'])} em quarentena · "
                     f"{numero(r['duplicados'])} duplicados · {numero(r['isentos'])} isentos"),
        ("história", f"{numero(r['historico'])} Pix na bronze, prata e ouro"),
        ("sem decisão / decididos duas vezes", f"{numero(r['sem_decisao'])} / {numero(r['decisoes_duplicadas'])}"),
        ("latência envio → decisão legível", _latencia(latencia)),
        ("ações", " · ".join(f"{nome} {numero(n)}" for nome, n in r["acoes"].items())),
        ("modelo", f"{r['modelo']['nome']} v{r['modelo']['versao']}" if r["modelo"]["versao"] else "nenhum: só regras"),
        ("fraudes barradas", f"{numero(fraudes['barradas'])} de {numero(fraudes['total'])} "
                             f"({numero(fraudes['no_prazo'])} no prazo)"),
        ("valor barrado", f"{dinheiro(valor['fraude_barrada'])} de {dinheiro(valor['fraude_total'])}"),
        ("conferido", "sim: cada registro tem exatamente um destino" if r["conferido"] else "NÃO FECHA"),
    ]
    return tabela("Resultado da demonstração (não é o desempenho de um banco)", ("", ""), linhas)


def gravar(r: Mapping[str, Any], arquivo: Path) -> None:
    """Escreve o relatório em JSON.

    Levanta:
        ErroConfiguracao: quando o arquivo não pode ser escrito.
    """
    try:
        arquivo.write_text(json.dumps(r, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as erro:
        msg = f"relatorio = {arquivo} não pode ser escrito ({erro.strerror}); escolha outro com --relatorio"
        raise ErroConfiguracao(msg) from erro


def _latencia(ms: Mapping[str, float]) -> str:
    if not ms:
        return "nenhuma decisão lida"
    return " · ".join(f"{nome} {numero(valor)} ms" for nome, valor in ms.items())
