"""`./pix deriva`: o quanto os Pix de agora se afastaram do treino, e se o modelo ainda acerta."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from comandos.apresentacao import aviso, console, espera, passo, tabela
from comandos.periodo import em_us, instante_us
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroConfiguracao

PADRAO_DIAS: Final = 6
MATURACAO_DIAS: Final = 7
NA_TELA: Final = 24
PIORES: Final = 8


def comando(
    de: Annotated[
        str | None, typer.Option("--de", metavar="AAAA-MM-DD", help="Primeiro dia (UTC) de chegada; padrão: há 6.")
    ] = None,
    ate: Annotated[
        str | None, typer.Option("--ate", metavar="AAAA-MM-DD", help="Último dia, inclusive; padrão: hoje.")
    ] = None,
    saida: Annotated[Path | None, typer.Option("--saida", help="Grava também o resumo neste arquivo JSON.")] = None,
    maturacao: Annotated[
        int, typer.Option("--maturacao", min=0, max=90, help="Dias até um dia de Pix contar como maduro.")
    ] = MATURACAO_DIAS,
) -> None:
    """Mede a deriva por hora (tabela ouro_deriva), o recall por dia, e diz se é hora de treinar de novo."""
    if saida is not None and not saida.absolute().parent.is_dir():
        msg = f"--saida {saida}: a pasta {saida.absolute().parent} não existe; crie-a ou escolha outra"
        raise ErroConfiguracao(msg)
    cfg = Configuracao.do_ambiente()
    agora = datetime.now(UTC)
    de_us, ate_us = em_us(de, ate, agora, PADRAO_DIAS)
    with espera("Lendo as decisões…"):
        from machine_learning import custos, deriva_lago, duelo, leitura_decisoes  # noqa: PLC0415 — sklearn
        from machine_learning.medidas import limpo  # noqa: PLC0415

        agora_us = leitura_decisoes.ate_onde(cfg, instante_us(agora))
        periodo = duelo.Periodo(de_us, ate_us, agora_us, maturacao)
        medidas = limpo(deriva_lago.medir(cfg, periodo, custos.ler().retreino))
    if saida is not None:
        saida.write_text(json.dumps(medidas, ensure_ascii=False, indent=1) + "\n")
    apresentar(medidas)


def apresentar(r: dict[str, Any]) -> None:
    """O resumo na tela."""
    from machine_learning.relatorio_texto import numero  # noqa: PLC0415

    horas = [
        (h["inicio"], h["modelo_versao"], h["linhas"], numero(h["psi_probabilidade"]), h["pior_atributo"] or "–",
         numero(h["psi_pior_atributo"])) for h in r["horas"][-NA_TELA:]
    ]
    colunas = ("chegada", "modelo", "Pix", "PSI da probabilidade", "pior atributo", "PSI")
    console.print(tabela(f"Deriva por hora (últimas {len(horas)})", colunas, horas))
    recentes = r["ultimas_24h"]
    piores = sorted(recentes["psi"].items(), key=lambda item: -item[1])[:PIORES]
    titulo = f"Últimas 24 h do modelo {r['modelo_versao']}: {recentes['linhas']} Pix em {recentes['horas']} h"
    console.print(tabela(titulo, ("variável", "PSI"), [(nome, numero(psi)) for nome, psi in piores]))
    dias = [
        (d["dia"] + ("" if d["maduro"] else " (imaturo)"), d["decisoes"], d["alertas"], d["fraudes"],
         *(numero(d[nome]) for nome in ("recall", "recall_no_prazo", "precisao")), numero(d["atraso_dias"], 1))
        for d in r["dias"]
    ]
    titulos = ("dia", "decisões", "alertas", "fraudes", "recall", "recall no prazo", "precisão", "atraso (dias)")
    console.print(tabela("Conforme os rótulos chegam", titulos, dias))
    for texto in r["avisos"]:
        aviso(texto)
    if r["proposta"]:
        aviso(f"treine de novo (./pix treinar): {'; '.join(r['proposta'])}")
    else:
        passo("Nada pede um novo treino, nos limites de machine_learning/politica.yaml")
