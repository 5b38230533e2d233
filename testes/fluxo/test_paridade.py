"""Paridade: executor Spark, executor em lote e estado do fluxo dão as mesmas primitivas, inteiro por inteiro."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from processamento.catalogo import NULO, PADRAO, PAPEL_DO_FLUXO, SEGUNDO_US, Catalogo, Fluxo, Papel
from processamento.estado.arena import Linhas
from processamento.estado.balde import Balde, Entrada
from processamento.estado.envelope import empacotar
from processamento.estado.lote import Eventos, Fraudes, calcular
from testes.processamento.fabrica_historia import (
    COMECO_US,
    DIA_US,
    em_tuplas,
    fatia,
    fatia_de_fraudes,
    historia,
    por_forca_bruta,
)
from testes.processamento.fabrica_toques import medidas_abertas

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

CASOS = {
    "espalhado": {"quantos": 1_500, "contas": 60, "dias": 50},
    "empates": {"quantos": 1_500, "contas": 15, "dias": 50, "passo_us": 6 * 3_600 * SEGUNDO_US},
    "conta quente, além de K": {"quantos": 2_500, "contas": 12, "dias": 45, "movimentada": 0.4},
    "rajada": {"quantos": 1_500, "contas": 6, "dias": 0.2, "passo_us": 60 * SEGUNDO_US},
}


class Deposito:
    """O estado do Spark, em um dicionário."""

    def __init__(self) -> None:
        self.indice: bytes | None = None
        self.pedacos: dict[int, bytes] = {}

    def ler_indice(self) -> bytes | None:
        return self.indice

    def gravar_indice(self, valor: bytes) -> None:
        self.indice = valor

    def ler(self, numero: int) -> bytes:
        return self.pedacos[numero]

    def gravar(self, numero: int, valor: bytes) -> None:
        self.pedacos[numero] = valor

    def apagar(self, numero: int) -> None:
        del self.pedacos[numero]


def pelo_spark(spark: SparkSession, eventos: Eventos, fraudes: Fraudes, catalogo: Catalogo = PADRAO) -> np.ndarray:
    from processamento.janelas_spark import com_primitivas  # noqa: PLC0415

    def quadro(tabela: Any, nomes: dict[str, str]) -> DataFrame:
        return spark.createDataFrame(pa.table({n: getattr(tabela, nomes.get(n, n)) for n in (
            *(n for n in tabela.__dataclass_fields__ if n not in nomes.values()), *nomes,
        )}))

    nomes = {f"{lado}_id": lado for lado in ("pagador", "recebedor", "dispositivo")}
    medidos = com_primitivas(quadro(eventos, nomes), quadro(fraudes, nomes), catalogo)
    lido = medidos.select("id_evento", "primitivas").toArrow()
    assert lido.num_rows == eventos.id_evento.size
    medidas = lido["primitivas"].combine_chunks().flatten().to_numpy().reshape(-1, len(catalogo.primitivas))
    lugar = {int(x): i for i, x in enumerate(lido["id_evento"].to_pylist())}
    return medidas[[lugar[int(x)] for x in eventos.id_evento]]


def pelo_fluxo(
    eventos: Eventos, fraudes: Fraudes, cortes: np.ndarray, catalogo: Catalogo = PADRAO, *, baldes: int = 2,
    reiniciar_em: frozenset[int] = frozenset(), repetir_em: frozenset[int] = frozenset(), pasta: Path | None = None,
) -> np.ndarray:
    """Serve os eventos na ordem dada, em micro-lotes que terminam em `cortes`; cada fraude chega no primeiro lote
    que começa depois de conhecida.

    `reiniciar_em`: lotes antes dos quais o worker morre. `repetir_em`: lotes que o Spark refaz depois de uma queda.
    """
    saida = np.full((eventos.id_evento.size, len(catalogo.primitivas)), NULO, np.int64)
    depositos = [Deposito() for _ in range(baldes)]
    vivos = [_balde(catalogo, pasta, b) for b in range(baldes)]
    limites = [0, *cortes.tolist(), eventos.id_evento.size]
    chegou, posicao = np.zeros(fraudes.id_evento.size, np.bool_), 0
    for lote, (de, ate) in enumerate(itertools.pairwise(limites)):
        if de == ate:
            continue
        if lote in reiniciar_em:
            vivos = [_balde(catalogo, None if pasta is None else pasta / f"outra{lote}", b) for b in range(baldes)]
        deste = fatia(eventos, np.arange(de, ate))
        chegam = ~chegou & (fraudes.conhecido_em_us < int(deste.instante_us.max()))
        chegou |= chegam
        colunas = _toques(deste, fatia_de_fraudes(fraudes, chegam), de, posicao)
        posicao += int(chegam.sum())
        for b in range(baldes):
            do_balde = {nome: valor[colunas["entidade"] % baldes == b] for nome, valor in colunas.items()}
            if not do_balde["fluxo"].size:
                continue
            antes = (depositos[b].indice, dict(depositos[b].pedacos))
            entrada = [Entrada(0, empacotar(do_balde), b"", b"")]
            medidas = vivos[b].aplicar(entrada, depositos[b])
            if lote in repetir_em:  # o estado do Spark volta; a arena, não
                depositos[b].indice, depositos[b].pedacos = antes
                assert vivos[b].aplicar(entrada, depositos[b]) == medidas
            _anotar(saida, catalogo, medidas[0].medidas if medidas else b"")
    return saida


def _balde(catalogo: Catalogo, pasta: Path | None, b: int) -> Balde:
    return Balde(catalogo, None if pasta is None else pasta / f"balde{b}", 86_400)


def _toques(e: Eventos, f: Fraudes, de: int, posicao: int) -> dict[str, np.ndarray]:
    dos_eventos, das_fraudes = e.linhas(), f.linhas()
    com = np.flatnonzero(e.dispositivo != 0)
    deslocamento = np.concatenate([
        *(np.arange(e.id_evento.size) + de,) * 2, com + de,
        *(np.arange(f.id_evento.size) + posicao,) * 2, np.flatnonzero(f.dispositivo != 0) + posicao,
    ])
    juntas = Linhas.juntar([dos_eventos, das_fraudes])
    colunas = {nome: getattr(juntas, nome) for nome in Linhas.__dataclass_fields__}
    consulta = np.repeat(np.array([1, 0]), [len(dos_eventos), len(das_fraudes)])
    return {
        **colunas, "consulta": consulta, "deslocamento": deslocamento, "particao": 1 - consulta,
        "chegada_s": np.full(len(juntas), int(e.instante_us.max()) // SEGUNDO_US),
    }


def _anotar(saida: np.ndarray, catalogo: Catalogo, medidas: bytes) -> None:
    inicio = {papel: catalogo.primitivas.index(catalogo.do_papel(papel)[0]) for papel in Papel}
    for nome, lido in medidas_abertas(medidas).items():
        assert lido["novo"].all()
        de = inicio[Papel[nome]]
        saida[lido["deslocamento"], de : de + lido["primitivas"].shape[1]] = lido["primitivas"]


def iguais(a: np.ndarray, b: np.ndarray, catalogo: Catalogo = PADRAO) -> None:
    diferentes = {p.nome: int((a[:, i] != b[:, i]).sum()) for i, p in enumerate(catalogo.primitivas)
                  if (a[:, i] != b[:, i]).any()}
    assert diferentes == {}


@pytest.mark.spark
def test_spark_e_lote_sao_iguais(spark: SparkSession) -> None:
    """Todos os casos de uma vez, com entidades e ids de cada um em faixas próprias."""
    partes = [_deslocadas(*historia(len(caso), **opcoes), i * 10**8) for i, (caso, opcoes) in enumerate(CASOS.items())]
    eventos = Eventos(*(np.concatenate([getattr(e, n) for e, _ in partes]) for n in Eventos.__dataclass_fields__))
    fraudes = Fraudes(*(np.concatenate([getattr(f, n) for _, f in partes]) for n in Fraudes.__dataclass_fields__))
    iguais(pelo_spark(spark, eventos, fraudes), calcular(PADRAO, eventos, fraudes))


def _deslocadas(eventos: Eventos, fraudes: Fraudes, quanto: int) -> tuple[Eventos, Fraudes]:
    def mover(tabela: Any) -> dict[str, Any]:
        movidas = {n: getattr(tabela, n) + quanto for n in ("id_evento", "pagador", "recebedor")}
        return {**movidas, "dispositivo": np.where(tabela.dispositivo == 0, 0, tabela.dispositivo + quanto)}

    return dataclasses.replace(eventos, **mover(eventos)), dataclasses.replace(fraudes, **mover(fraudes))


@pytest.mark.parametrize("caso", CASOS)
@pytest.mark.parametrize("lotes", [1, 7, 60])
def test_fluxo_e_lote_sao_iguais_em_qualquer_corte(caso: str, lotes: int) -> None:
    eventos, fraudes = historia(len(caso), **CASOS[caso])
    cortes = np.sort(np.random.default_rng(lotes).integers(0, eventos.id_evento.size, lotes - 1))
    iguais(pelo_fluxo(eventos, fraudes, cortes), calcular(PADRAO, eventos, fraudes))


def test_reinicio_e_repeticao_de_lotes_nao_mudam_nada(tmp_path: Path) -> None:
    eventos, fraudes = historia(3, **CASOS["empates"])
    cortes = np.arange(40, 1_500, 40)
    esperado = calcular(PADRAO, eventos, fraudes)
    opcoes: dict[str, Any] = {"reiniciar_em": frozenset({5, 6, 20}), "repetir_em": frozenset({4, 6, 19, 30})}
    iguais(pelo_fluxo(eventos, fraudes, cortes, **opcoes), esperado)
    iguais(pelo_fluxo(eventos, fraudes, cortes, pasta=tmp_path, **opcoes), esperado)


def test_desordem_so_muda_quem_foi_decidido_antes() -> None:
    """Um evento que chega depois de uma decisão cuja janela o contém: o fluxo serviu o que tinha chegado."""
    eventos, fraudes = historia(11, 1_200, contas=25, dias=45)
    g = np.random.default_rng(11)
    atraso = np.where(g.random(1_200) < 0.05, g.integers(0, 2 * DIA_US, 1_200), 0)
    chegada = np.argsort(eventos.instante_us + atraso, kind="stable")
    servidos = fatia(eventos, chegada)
    cortes = np.arange(30, 1_200, 30)
    lote = np.searchsorted(cortes, np.arange(1_200), side="right")
    afetados = _afetados(servidos, lote)
    assert 0 < afetados.sum() < 900
    medido, esperado = pelo_fluxo(servidos, fraudes, cortes), calcular(PADRAO, servidos, fraudes)
    iguais(medido[~afetados], esperado[~afetados])
    assert (medido[afetados] != esperado[afetados]).any()


def _afetados(e: Eventos, lote: np.ndarray) -> np.ndarray:
    """As linhas com algum evento anterior, de uma das suas entidades e na janela, que chegou em lote posterior."""
    contas, aparelhos = np.column_stack([e.pagador, e.recebedor]), np.where(e.dispositivo == 0, -1, e.dispositivo)
    afetado = np.zeros(lote.size, np.bool_)
    for i in range(lote.size):
        na_janela = (e.instante_us < e.instante_us[i]) & (e.instante_us >= e.instante_us[i] - PADRAO.horizonte_us)
        depois = np.flatnonzero((lote > lote[i]) & na_janela)
        afetado[i] = np.isin(contas[depois], contas[i]).any() or (
            e.dispositivo[i] != 0 and np.isin(aparelhos[depois], aparelhos[i]).any()
        )
    return afetado


@pytest.mark.spark
def test_os_tres_executores_e_a_forca_bruta(spark: SparkSession) -> None:
    """Contas que pagam a si mesmas, sem dispositivo, e rótulos repetidos: a primeira confirmação é a que vale."""
    eventos, fraudes = historia(21, 350, contas=4, dias=44, passo_us=3_600 * SEGUNDO_US, fraudes=0.2)
    assert (eventos.pagador == eventos.recebedor).any()
    assert (eventos.dispositivo == 0).any()
    revistos = Fraudes(fraudes.id_evento, fraudes.instante_us, fraudes.conhecido_em_us + DIA_US, fraudes.pagador,
                       fraudes.recebedor, fraudes.dispositivo)
    repetidas = Fraudes(*(np.concatenate([getattr(fraudes, n), getattr(revistos, n)]) for n in
                          Fraudes.__dataclass_fields__))
    linhas = em_tuplas(Linhas.juntar([eventos.linhas(), fraudes.linhas()]))
    bruto = np.array([_bruto(eventos, linhas, i) for i in range(eventos.id_evento.size)])
    iguais(calcular(PADRAO, eventos, repetidas), bruto)
    iguais(pelo_fluxo(eventos, repetidas, np.arange(10, 350, 10)), bruto)
    iguais(pelo_spark(spark, eventos, repetidas), bruto)


def _bruto(e: Eventos, linhas: list[Any], i: int) -> list[int]:
    t, pagador, recebedor, aparelho = (int(c[i]) for c in (e.instante_us, e.pagador, e.recebedor, e.dispositivo))
    do_aparelho = [NULO] * len(PADRAO.do_papel(Papel.DISPOSITIVO))
    if aparelho:
        do_aparelho = por_forca_bruta(PADRAO, linhas, Papel.DISPOSITIVO, aparelho, pagador, t)
    return [*por_forca_bruta(PADRAO, linhas, Papel.PAGADOR, pagador, recebedor, t),
            *por_forca_bruta(PADRAO, linhas, Papel.RECEBEDOR, recebedor, pagador, t), *do_aparelho]


@pytest.mark.spark
def test_sem_eventos_e_sem_fraudes(spark: SparkSession) -> None:
    eventos, _ = historia(1, 3)
    vazio = fatia(eventos, np.zeros(3, np.bool_))
    assert pelo_spark(spark, vazio, Fraudes.nenhuma()).size == 0
    iguais(pelo_spark(spark, eventos, Fraudes.nenhuma()), calcular(PADRAO, eventos, Fraudes.nenhuma()))


def test_lotes_que_cobrem_dias_nao_despejam_o_que_o_horizonte_promete() -> None:
    """Um lote longo (partida atrasada, tempo acelerado) tem relógio bem adiante dos seus primeiros eventos."""
    instante = COMECO_US + np.arange(0, 60 * DIA_US, DIA_US // 4, dtype=np.int64)
    uns = np.ones(instante.size, np.int64)
    eventos = Eventos(np.arange(instante.size) + 1, instante, uns * 100, uns, uns * 2, uns * 0)
    esperado = calcular(PADRAO, eventos, Fraudes.nenhuma())
    for cada in (3, 8, 20):
        iguais(pelo_fluxo(eventos, Fraudes.nenhuma(), np.arange(cada, instante.size, cada)), esperado)


def test_todo_fluxo_consultado_tem_papel() -> None:
    assert set(PAPEL_DO_FLUXO) == {Fluxo.SAIDA, Fluxo.ENTRADA, Fluxo.DISPOSITIVO}
    assert set(PAPEL_DO_FLUXO.values()) == set(Papel)
