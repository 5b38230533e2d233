"""`./pix compactar`: junta os arquivos pequenos de cada tabela; com o lago de pé, é ele quem o faz sozinho."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from comandos.apresentacao import console, espera, numero, passo, tabela
from comandos.fluxos import conversa
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroConfiguracao, ErroServico
from plataforma.servicos import processo

COLUNAS: Final = ("tabela", "arquivos antes", "depois", "apagados")
RETENCAO_HORAS: Final = 168
"""O padrão do Delta: quem lê uma versão de até sete dias ainda acha os seus arquivos."""


@dataclass(frozen=True)
class Compactada:
    """Quantos arquivos uma tabela tinha, quantos tem, e quantos saíram do disco."""

    nome: str
    antes: int
    depois: int
    apagados: int


def comando(
    apagar: Annotated[
        bool, typer.Option("--apagar", help="Apaga também do disco os arquivos fora de uso há mais de sete dias.")
    ] = False,
) -> None:
    """Junta os arquivos pequenos das tabelas. O lago, de pé, já o faz ao gravar: aqui é para o que ficou antes."""
    cfg = Configuracao.do_ambiente()
    if cfg.perfil == "databricks":
        msg = "no Databricks as tabelas se compactam com OPTIMIZE e VACUUM, em SQL ou por otimização preditiva"
        raise ErroConfiguracao(msg)
    lago = processo.carregar(conversa.LAGO, cfg)
    if lago is not None and lago.vivo():
        msg = "o lago está de pé e compacta ao gravar: pare com ./pix parar para compactar o resto"
        raise ErroServico(msg)
    with espera("Compactando…") as mostrar:
        feitas = []
        for pasta in pastas(cfg):
            mostrar(f"{pasta.name}…")
            feitas.append(compactar(pasta, apagar=apagar))
    if not feitas:
        passo(f"Nenhuma tabela em {cfg.caminho('tabelas')}.")
        return
    linhas = [[f.nome, numero(f.antes), numero(f.depois), numero(f.apagados)] for f in feitas]
    console.print(tabela("Tabelas", COLUNAS, linhas))


def pastas(cfg: Configuracao) -> list[Path]:
    """As tabelas Delta que há, em ordem de nome."""
    return sorted(registro.parent for registro in cfg.caminho("tabelas").glob("*/_delta_log"))


def compactar(pasta: Path, *, apagar: bool) -> Compactada:
    """Reescreve os arquivos pequenos de cada partição em poucos grandes; nenhuma linha muda."""
    from deltalake import DeltaTable  # noqa: PLC0415 — a ajuda não paga por isto

    aberta = DeltaTable(str(pasta))
    antes = len(aberta.file_uris())
    aberta.optimize.compact()
    apagados = aberta.vacuum(RETENCAO_HORAS, dry_run=False) if apagar else []
    return Compactada(pasta.name, antes, len(aberta.file_uris()), len(apagados))
