"""O relatório da bancada: JSON para máquinas, Markdown e figuras para gente."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import psutil
from matplotlib.figure import Figure
from rich.table import Table

from comandos.apresentacao import numero, tabela
from comandos.desempenho.ponto import Medicao
from comandos.desempenho.recursos import MIB
from comandos.desempenho.roteiro import TAXA_RECORDE, Resultado, por_segundo
from comandos.fluxos.conversa import DECISAO, LAGO
from plataforma.configuracao import Configuracao
from plataforma.jars import versoes as versoes_dos_jars

_PECAS: Final = ("pyspark", "delta-spark", "scikit-learn", "numpy", "numba", "polars", "msgspec", "orjson", "pyarrow")
_FASES: Final = ("latestOffset", "walCommit", "queryPlanning", "addBatch", "commitOffsets")
TAMANHO: Final = (7.0, 4.0)


def montar(cfg: Configuracao, r: Resultado) -> dict[str, Any]:
    """O conteúdo de `relatorio.json`. Latências em ms, CPU em s, memória em MiB, vazões em Pix/s.

    `pontos[].cpu_s` e `memoria_mib` somam driver e processos Python da decisão e, com o lago, os dele.
    """
    sem_lago = {m.taxa: m for com_lago, m in r.pontos if not com_lago}
    decisao = sem_lago.get(TAXA_RECORDE)
    drenagem = por_segundo(r.drenagem) if r.drenagem else 0.0
    return {
        "pontos": [_ponto(m, com_lago=com_lago) for com_lago, m in r.pontos],
        "drenagem_eventos_s": round(drenagem, 1),
        "drenagem": _ponto(r.drenagem, com_lago=False) if r.drenagem else None,
        "partida": {"fria_s": round(r.fria_s, 1), "retomada_apos_sigkill_s": round(r.retomada_s, 1)},
        "troca_de_modelo": r.troca or None,
        "razoes": {
            "copia_kafka_p50": _razao(_latencia(decisao).get("p50_ms"), _latencia(r.copia_kafka).get("p50_ms")),
            "copia_delta_lote": _razao(decisao.fases.get("triggerExecution") if decisao else None, r.lote_delta_ms),
            "predict_puro": _razao(drenagem, r.predict_s),
            "por_conta": _razao(drenagem, r.por_conta_s),
        },
        "bases": {
            "copia_kafka_ms": _latencia(r.copia_kafka),
            "copia_kafka_lote_ms": r.lote_copia_kafka_ms, "copia_delta_lote_ms": r.lote_delta_ms,
            "predict_linhas_s": round(r.predict_s, 1), "por_conta_eventos_s": round(r.por_conta_s, 1),
        },
        "versoes": {**{peca: version(peca) for peca in _PECAS}, **asdict(versoes_dos_jars())},
        "maquina": {
            "nucleos": os.cpu_count(), "memoria_mib": round(psutil.virtual_memory().total / MIB),
            "sistema": platform.system(), "arquitetura": platform.machine(), "python": platform.python_version(),
        },
        "medido_em": datetime.now(UTC).isoformat(timespec="seconds"),
        "segundos_por_ponto": r.plano.segundos, "aquecimento_s": r.plano.aquecimento_s,
        "semente": r.plano.semente,
        "configuracao": {"baldes": cfg.baldes, "particoes_estado": cfg.particoes_estado,
                         "max_eventos_lote": cfg.max_eventos_lote},
    }


def _ponto(m: Medicao, *, com_lago: bool) -> dict[str, Any]:
    medidos = [m.gastos[nome] for nome in (DECISAO, LAGO) if nome in m.gastos]
    return {
        "taxa": m.taxa, "com_lago": com_lago, "oferecidos": m.oferecidos, "decididos": m.decididos,
        "perdidos": m.perdidos, "dobrados": m.dobrados, **m.latencia,
        "cpu_s": round(sum(g.cpu_s for g in medidos), 1), "memoria_mib": round(sum(g.memoria_mib for g in medidos)),
        "atraso_final": m.atraso_final, "duracao_s": round(m.duracao_s, 1),
        "gastos": {nome: asdict(g) for nome, g in m.gastos.items()},
        "cpu_de_quem_envia_e_le_s": round(m.medicao_cpu_s, 1),
        "envio_atraso_p99_ms": round(m.envio.atraso_p99_ms, 1), "micro_lotes": m.lotes, "fases_ms": m.fases,
        "andamento": [[round(i.segundo, 1), i.pedidas, i.lidas] for i in m.andamento],
        "por_gravar_no_lago": [[round(i.segundo, 1), i.por_gravar] for i in m.andamento if i.por_gravar],
    }


def _latencia(m: Medicao | None) -> dict[str, float]:
    return m.latencia if m else {}


def _razao(nosso: float | None, base: float | None) -> float | None:
    return round(nosso / base, 2) if nosso and base else None


def como_tabela(relatorio: Mapping[str, Any]) -> Table:
    """A tabela dos pontos, para o terminal."""
    return tabela("Bancada", _COLUNAS, [_linha(p) for p in relatorio["pontos"]])


_COLUNAS: Final = ("Pix/s", "lago", "decididos", "perdidos", "dobrados", "p50 ms", "p99 ms", "p99,9 ms", "máx ms",
                   "atraso no fim", "CPU s", "MiB")


def _linha(p: Mapping[str, Any]) -> list[str]:
    return [
        numero(p["taxa"]), "sim" if p["com_lago"] else "não", numero(p["decididos"]), numero(p["perdidos"]),
        numero(p["dobrados"]), *(numero(p[n]) if n in p else "–" for n in ("p50_ms", "p99_ms", "p999_ms", "max_ms")),
        numero(p["atraso_final"]), numero(p["cpu_s"]), numero(p["memoria_mib"]),
    ]


def gravar(relatorio: Mapping[str, Any], r: Resultado, saida: Path) -> None:
    """Escreve `relatorio.json`, `relatorio.md` e as figuras em `saida`."""
    saida.mkdir(parents=True, exist_ok=True)
    (saida / "relatorio.json").write_text(json.dumps(relatorio, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    _latencias(relatorio).savefig(saida / "latencia.svg")
    _atraso(relatorio).savefig(saida / "atraso.svg")
    _fases(relatorio).savefig(saida / "fases.svg")
    (saida / "relatorio.md").write_text(_markdown(relatorio), encoding="utf-8")


def _markdown(r: Mapping[str, Any]) -> str:
    m, bases, razoes = r["maquina"], r["bases"], r["razoes"]
    linhas = [
        "# Bancada", "",
        f"{r['medido_em']}, {m['nucleos']} núcleos, {numero(m['memoria_mib'])} MiB, {m['sistema']} {m['arquitetura']}, "
        f"Python {m['python']}; semente {r['semente']}; {numero(r['segundos_por_ponto'])} s por ponto depois de "
        f"{numero(r['aquecimento_s'])} s de aquecimento à parte. Envio, broker e leitura na mesma máquina.", "",
        *_tabela_md(_COLUNAS, [_linha(p) for p in r["pontos"]]), "",
        f"Drenagem de {numero(r['drenagem']['oferecidos'])} Pix: **{numero(r['drenagem_eventos_s'])}/s** depois de "
        "tudo enviado." if r["drenagem"] else "", "",
        *_do_lago(r["pontos"]),
        *_da_troca(r["troca_de_modelo"]),
        f"Do disco vazio à decisão de pé, com modelo treinado: {numero(r['partida']['fria_s'], 1)} s. De um "
        f"SIGKILL à primeira decisão: {numero(r['partida']['retomada_apos_sigkill_s'], 1)} s.", "",
        "![Latência](latencia.svg)", "", "![Atraso](atraso.svg)", "", "![Fases](fases.svg)", "",
        "## Ao lado de quê", "",
        *_tabela_md(("base", "medida", "razão"), [
            [f"cópia Kafka → Kafka a {numero(TAXA_RECORDE)}/s", f"p50 {_ms(bases['copia_kafka_ms'].get('p50_ms'))}, "
             f"micro-lote {_ms(bases['copia_kafka_lote_ms'])}", f"{_vezes(razoes['copia_kafka_p50'])} o p50"],
            ["cópia Kafka → Delta", f"micro-lote {_ms(bases['copia_delta_lote_ms'])}",
             f"{_vezes(razoes['copia_delta_lote'])} o micro-lote"],
            ["`predict_proba` nu, um núcleo", f"{numero(bases['predict_linhas_s'])} linhas/s",
             f"a drenagem é {_vezes(razoes['predict_puro'])}"],
            ["`transformWithState` por conta, 4 medidas", f"{numero(bases['por_conta_eventos_s'])}/s",
             f"a drenagem é {_vezes(razoes['por_conta'])}"],
        ]), "",
        "## Micro-lote", "",
        *_tabela_md(("Pix/s", "lago", "Pix por lote", *_FASES, "CPU de quem envia e lê, s"), [
            [numero(p["taxa"]), "sim" if p["com_lago"] else "não", numero(p["fases_ms"].get("linhas", 0)),
             *(_ms(p["fases_ms"].get(fase)) for fase in _FASES), numero(p["cpu_de_quem_envia_e_le_s"], 1)]
            for p in r["pontos"]
        ]),
    ]
    return "\n".join(linhas) + "\n"


def _do_lago(pontos: Sequence[Mapping[str, Any]]) -> list[str]:
    """Por ponto com lago: quantos registros já enviados cada consulta ainda não gravara, no meio e no fim do envio."""
    com = [p for p in pontos if p["por_gravar_no_lago"]]
    if not com:
        return []
    consultas = sorted(com[0]["por_gravar_no_lago"][-1][1])
    linhas = []
    for p in com:
        amostras = [por_gravar for _, por_gravar in p["por_gravar_no_lago"]]
        meio, fim = amostras[len(amostras) // 2], amostras[-1]
        linhas.append([numero(p["taxa"]), *(f"{numero(meio[c])} → {numero(fim[c])}" for c in consultas)])
    return ["Por gravar no lago, no meio e no fim do envio:", "", *_tabela_md(("Pix/s", *consultas), linhas), ""]


def _da_troca(troca: Mapping[str, Any] | None) -> list[str]:
    if not troca:
        return []
    return [
        f"Troca de modelo a {numero(TAXA_RECORDE)}/s: a versão nova decide {numero(troca['vigente_s'], 1)} s depois de "
        f"promovida; o maior intervalo sem decisão foi de {_ms(troca['silencio_ms'])} em volta da troca e de "
        f"{_ms(troca['silencio_antes_ms'])} antes dela; p99 {_ms(troca['p99_ms'])}, máxima {_ms(troca['max_ms'])}.", "",
    ]


def _tabela_md(colunas: tuple[str, ...], linhas: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(linha)} |" if linha else f"|{'---|' * len(colunas)}" for linha in (colunas, (), *linhas)]


def _ms(valor: float | None) -> str:
    return f"{numero(valor)} ms" if valor else "–"


def _vezes(valor: float | None) -> str:
    return f"{numero(valor, 2)}×" if valor else "–"


def _latencias(r: Mapping[str, Any]) -> Figure:
    figura = Figure(figsize=TAMANHO, layout="constrained")
    eixos = figura.add_subplot()
    for com_lago, traco in ((False, "-"), (True, "--")):
        pontos = [p for p in r["pontos"] if p["com_lago"] == com_lago and "p50_ms" in p]
        for nome in ("p50_ms", "p99_ms", "max_ms") if pontos else ():
            rotulo = f"{nome.removesuffix('_ms')}{' com lago' if com_lago else ''}"
            eixos.plot([p["taxa"] for p in pontos], [p[nome] / 1_000 for p in pontos], traco, marker="o", label=rotulo)
    eixos.set(xscale="log", yscale="log", xlabel="Pix por segundo", ylabel="segundos",
              title="Do envio à decisão legível")
    eixos.grid(alpha=0.3)
    eixos.legend()
    return figura


def _atraso(r: Mapping[str, Any]) -> Figure:
    figura = Figure(figsize=TAMANHO, layout="constrained")
    eixos = figura.add_subplot()
    for p in r["pontos"]:
        segundos, pedidas, lidas = zip(*p["andamento"], strict=True)
        rotulo = f"{numero(p['taxa'])}/s{' com lago' if p['com_lago'] else ''}"
        eixos.plot(segundos, [max(a - b, 1) for a, b in zip(pedidas, lidas, strict=True)], label=rotulo)
    eixos.set(yscale="log", xlabel="segundos desde o começo do envio", ylabel="Pix à espera de decisão",
              title="Fila enquanto se envia")
    eixos.grid(alpha=0.3)
    eixos.legend()
    return figura


def _fases(r: Mapping[str, Any]) -> Figure:
    figura = Figure(figsize=TAMANHO, layout="constrained")
    eixos = figura.add_subplot()
    nomes = [f"{numero(p['taxa'])}{' +lago' if p['com_lago'] else ''}" for p in r["pontos"]]
    base = [0.0] * len(nomes)
    for fase in _FASES:
        alturas = [p["fases_ms"].get(fase, 0.0) for p in r["pontos"]]
        eixos.bar(nomes, alturas, bottom=base, label=fase)
        base = [a + b for a, b in zip(base, alturas, strict=True)]
    eixos.set(xlabel="Pix por segundo", ylabel="ms", title="Onde vai um micro-lote")
    eixos.legend()
    return figura
