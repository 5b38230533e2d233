"""O que muda quando o estado cresce ou esquenta: a mesma taxa com mais contas, mais dias e contas muito quentes."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from comandos.apresentacao import numero, passo, tabela
from comandos.desempenho.pasta import PRAZO_PARADA_S, pasta_propria, sozinha
from comandos.desempenho.ponto import Medicao, medir
from comandos.desempenho.populacao import Calor, Populacao, carregar, povoar
from comandos.desempenho.recursos import MIB
from comandos.desempenho.retomada import CARGA_DA_RETOMADA, retomar
from comandos.desempenho.roteiro import TAXA_RECORDE
from comandos.fluxos import conversa
from comandos.partida import partir
from comandos.subir import subir_fluxos
from ingestao.simulador.geracao import gerar
from ingestao.simulador.parametros import Parametros
from machine_learning.esquema import OURO_DECISOES
from machine_learning.fluxo import CONSULTA, apagar_cache, pasta_cache
from machine_learning.partida import identidade_gravada
from plataforma.configuracao import Configuracao
from plataforma.servicos import processo
from plataforma.servicos.topicos import apagar_topicos, criar_topicos

MORNO: Final = Calor()
QUENTE: Final = Calor(recebedor=0.30, pagador=0.10)
COLUNAS: Final = ("contas", "dias", "quente", "Pix no estado", "decididos", "p50 ms", "p99 ms", "CPU µs/Pix", "MiB",
                  "arena MiB", "arena B/Pix", "checkpoint MiB", "aquecer s", "retomada s", "sem arena s")


@dataclass(frozen=True)
class Tamanho:
    """Um estado a medir."""

    contas: int
    dias: int
    calor: Calor = MORNO


TAMANHOS: Final = (
    Tamanho(10_000, 30), Tamanho(100_000, 30), Tamanho(100_000, 30, QUENTE), Tamanho(1_000_000, 1),
    Tamanho(1_000_000, 7), Tamanho(1_000_000, 30),
)


def correr(
    cfg: Configuracao, tamanhos: Sequence[Tamanho], segundos: float, semente: int, mostrar: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Uma linha por tamanho, na ordem dada, no mesmo broker e com o mesmo modelo.

    Levanta:
        ErroServico: há serviços do projeto de pé, ou um não sobe.
    """
    parametros = Parametros(nossos_ispb=cfg.nossos_ispb)
    with pasta_propria(sozinha(cfg), mostrar) as propria:
        partir(propria, lambda: gerar(parametros, semente), mostrar)
        processo.parar(conversa.LAGO, propria, PRAZO_PARADA_S)
        linhas = []
        for tamanho in tamanhos:
            linhas.append(_medir(propria, tamanho, segundos, semente, parametros.fim_us, mostrar))
            passo(" · ".join(f"{nome} {texto}" for nome, texto in zip(COLUNAS, _linha(linhas[-1]), strict=True)))
        return linhas


def _medir(
    cfg: Configuracao, t: Tamanho, segundos: float, semente: int, ate_us: int, mostrar: Callable[[str], None]
) -> dict[str, Any]:
    processo.parar(conversa.DECISAO, cfg, PRAZO_PARADA_S)
    mostrar(f"{numero(t.contas)} contas por {t.dias} dias: gerando a história…")
    populacao = Populacao(t.contas, semente)
    pix = povoar(cfg, populacao, t.dias, ate_us, t.calor)
    _esquecer_decisao(cfg)
    arquivo, instante = cfg.caminho("trafego", "carga.arrow"), ate_us
    inicio = time.monotonic()
    subir_fluxos(cfg, mostrar, papeis=(conversa.DECISAO,))
    aquecer_s = time.monotonic() - inicio
    conta, instante = carregar(cfg, populacao, round(TAXA_RECORDE * segundos), instante, t.calor, arquivo)
    mostrar(f"{numero(TAXA_RECORDE)} Pix/s…")
    m = medir(cfg, conta, TAXA_RECORDE, segundos / 3, (conversa.DECISAO,), cfg.topico_decisoes)
    retomadas = []
    for sem_arena in (False, True):
        conta, instante = carregar(cfg, populacao, CARGA_DA_RETOMADA, instante, t.calor, arquivo)
        if sem_arena:
            processo.parar(conversa.DECISAO, cfg, PRAZO_PARADA_S)
            apagar_cache(cfg)
        retomadas.append(retomar(cfg, conta, mostrar))
    return _como_linha(cfg, t, pix, m, aquecer_s, retomadas)


def _esquecer_decisao(cfg: Configuracao) -> None:
    """Estado, tópicos e decisões vazios: a decisão parte da prata, e só do que se medir."""
    apagar_cache(cfg)
    shutil.rmtree(cfg.caminho("checkpoints", CONSULTA), ignore_errors=True)
    shutil.rmtree(OURO_DECISOES.caminho(cfg), ignore_errors=True)
    apagar_topicos(cfg, [cfg.topico_eventos, cfg.topico_rotulos, cfg.topico_decisoes, cfg.topico_controle])
    criar_topicos(cfg)


def _como_linha(
    cfg: Configuracao, t: Tamanho, pix: int, m: Medicao, aquecer_s: float, retomadas: Sequence[float]
) -> dict[str, Any]:
    """Uma linha de `crescimento.json`: ms, s, µs de CPU (driver e processos Python) por Pix e MiB."""
    gasto, identidade = m.gastos[conversa.DECISAO], identidade_gravada(cfg.caminho("checkpoints", CONSULTA))
    arena_mib = _mib(pasta_cache(cfg, str(identidade)))
    return {
        "contas": t.contas, "dias": t.dias, "recebedor_quente": t.calor.recebedor, "pagador_quente": t.calor.pagador,
        "pix_no_estado": pix, "taxa": m.taxa, "decididos": m.decididos, "perdidos": m.perdidos, "dobrados": m.dobrados,
        **m.latencia, "cpu_us_por_pix": round(gasto.cpu_s / max(m.decididos, 1) * 1_000_000, 1),
        "memoria_mib": round(gasto.memoria_mib), "arena_mib": arena_mib,
        "arena_bytes_por_pix": round(arena_mib * MIB / pix), "arena_bytes_por_conta": round(arena_mib * MIB / t.contas),
        "checkpoint_mib": _mib(cfg.caminho("checkpoints", CONSULTA)), "aquecer_s": round(aquecer_s, 1),
        "retomada_s": round(retomadas[0], 1), "retomada_sem_arena_s": round(retomadas[1], 1),
    }


def _mib(pasta: Path) -> int:
    """O que os arquivos da pasta ocupam de fato (os da arena são esparsos)."""
    return round(sum(arquivo.stat().st_blocks * 512 for arquivo in pasta.rglob("*") if arquivo.is_file()) / MIB)


def _linha(p: Mapping[str, Any]) -> list[str]:
    return [
        numero(p["contas"]), numero(p["dias"]), "sim" if p["recebedor_quente"] else "não", numero(p["pix_no_estado"]),
        numero(p["decididos"]), *(numero(p[n]) if n in p else "–" for n in ("p50_ms", "p99_ms")),
        *(numero(p[n]) for n in ("cpu_us_por_pix", "memoria_mib", "arena_mib")),
        *(numero(p[n]) for n in ("arena_bytes_por_pix", "checkpoint_mib")),
        *(numero(p[n], 1) for n in ("aquecer_s", "retomada_s", "retomada_sem_arena_s")),
    ]


def como_tabela(linhas: Sequence[Mapping[str, Any]]) -> Table:
    """A tabela para o terminal."""
    return tabela("Crescimento", COLUNAS, [_linha(linha) for linha in linhas])


def gravar(linhas: Sequence[Mapping[str, Any]], saida: Path) -> None:
    """Escreve `crescimento.json` e `crescimento.md` em `saida`."""
    saida.mkdir(parents=True, exist_ok=True)
    texto = json.dumps(linhas, ensure_ascii=False, indent=1) + "\n"
    (saida / "crescimento.json").write_text(texto, encoding="utf-8")
    colunas = [COLUNAS, ["---"] * len(COLUNAS), *(_linha(linha) for linha in linhas)]
    (saida / "crescimento.md").write_text("".join(f"| {' | '.join(c)} |\n" for c in colunas), encoding="utf-8")
