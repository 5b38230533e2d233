"""Das tabelas ao conjunto: a prata com seus rótulos, e os atributos como foram servidos quando houve decisão."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ingestao.esquema import FINALIDADES_ISENTAS
from machine_learning.conjunto import NUNCA, Conjunto, Historico, Inteiros, Logicos
from machine_learning.esquema import OURO_DECISOES
from plataforma.erros import ErroDados
from processamento.atributos import NOMES
from processamento.catalogo import Catalogo
from processamento.contexto import CONTEXTO, contexto
from processamento.estado.lote import FATIA, Eventos
from processamento.tabelas import PRATA_PIX, PRATA_ROTULOS

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

    from plataforma.configuracao import Configuracao
    from plataforma.tabela import Tabela


def das_tabelas(cfg: Configuracao, spark: SparkSession | None = None) -> tuple[Historico, dict[str, int]]:
    """O histórico que está na prata, e a versão lida de cada tabela.

    Sem as devoluções (`FINALIDADES_ISENTAS`): o fluxo não as decide nem as põe no estado, e o treino vê o mesmo.

    Args:
        cfg: onde estão as tabelas.
        spark: sessão a usar; None lê sem JVM (perfis local e cluster).

    Levanta:
        ErroDados: tabela ausente ou vazia.
    """
    colunas = [
        "id_evento", "instante_us", "valor_centavos", "pagador_id", "recebedor_id", "dispositivo_id", *CONTEXTO,
    ]
    pix, versao_pix = _ler(cfg, spark, PRATA_PIX, colunas)
    pix = pix.filter(_mascara([f not in FINALIDADES_ISENTAS for f in pix.column("finalidade").to_pylist()]))
    rotulos, versao_rotulos = ler_rotulos(cfg, spark)
    if not pix.num_rows:
        msg = f"a tabela {PRATA_PIX.nome} está vazia: traga eventos com ./pix simular, importar ou demonstrar"
        raise ErroDados(msg)
    pix = pix.sort_by([("instante_us", "ascending"), ("id_evento", "ascending")])
    c = {nome: pix.column(nome).combine_chunks() for nome in colunas}
    inteiros = {nome: np.asarray(c[nome].to_numpy(zero_copy_only=False), np.int64) for nome in colunas[:6]}
    eventos = Eventos(
        inteiros["id_evento"], inteiros["instante_us"], inteiros["valor_centavos"], inteiros["pagador_id"],
        inteiros["recebedor_id"], inteiros["dispositivo_id"],
    )
    conhecido, tipologia = rotular(eventos.id_evento, rotulos)
    ctx = contexto(c)
    return Historico(eventos, ctx, conhecido, tipologia), {
        PRATA_PIX.nome: versao_pix, PRATA_ROTULOS.nome: versao_rotulos,
    }


def com_servidos(
    c: Conjunto, cfg: Configuracao, catalogo: Catalogo, spark: SparkSession | None = None
) -> tuple[Conjunto, int]:
    """Troca os atributos recalculados pelos que foram servidos, onde há decisão com o mesmo catálogo.

    Um evento que chegou atrasado não estava no estado quando outro foi decidido: o modelo tem de aprender com o que
    de fato se viu. Devolve também quantas linhas foram trocadas.
    """
    if not len(c):
        return c, 0
    de, ate = int(c.instante_us[0]), int(c.instante_us[-1])
    ordem = np.argsort(c.id_evento, kind="stable")
    x, trocadas = c.x.copy(), 0
    for ids, versoes, atributos in _decisoes(cfg, spark, de, ate):
        lugares = ordem[np.clip(np.searchsorted(c.id_evento[ordem], ids), 0, len(c) - 1)]
        serve = (c.id_evento[lugares] == ids) & (versoes == catalogo.versao)
        x[lugares[serve]] = atributos[serve]
        trocadas += int(serve.sum())
    return replace(c, x=x), trocadas


def _decisoes(
    cfg: Configuracao, spark: SparkSession | None, de_us: int, ate_us: int
) -> Iterator[tuple[Inteiros, NDArray[Any], NDArray[np.float64]]]:
    """(id_evento, versão do catálogo, atributos) das decisões com instante em [de, até], em lotes."""
    colunas = ["id_evento", "catalogo_versao", "atributos"]
    if spark is not None:
        if not OURO_DECISOES.existe(spark, cfg):
            return
        quadro = OURO_DECISOES.ler(spark, cfg).where(f"instante_us BETWEEN {de_us} AND {ate_us}").select(*colunas)
        lotes = quadro.toArrow().to_batches(max_chunksize=FATIA)
    else:
        from deltalake import DeltaTable  # noqa: PLC0415
        from pyarrow import dataset  # noqa: PLC0415

        caminho = str(OURO_DECISOES.caminho(cfg))
        if not DeltaTable.is_deltatable(caminho):
            return
        instante = dataset.field("instante_us")
        lotes = DeltaTable(caminho).to_pyarrow_dataset().to_batches(
            columns=colunas, filter=(instante >= de_us) & (instante <= ate_us), batch_size=FATIA
        )
    for lote in lotes:
        listas = lote.column("atributos")
        cheias = np.asarray(listas.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)) == len(NOMES)
        completo = lote.filter(_mascara(cheias))
        valores = completo.column("atributos").flatten().to_numpy(zero_copy_only=False)
        yield (
            np.asarray(completo.column("id_evento").to_numpy(), np.int64),
            completo.column("catalogo_versao").to_numpy(zero_copy_only=False),
            np.asarray(valores, np.float64).reshape(-1, len(NOMES)),
        )


def ler_rotulos(cfg: Configuracao, spark: SparkSession | None = None) -> tuple[pa.Table, int]:
    """Os rótulos, nas colunas que `rotular` usa, e a versão da tabela.

    Levanta:
        ErroDados: a tabela ainda não existe.
    """
    return _ler(cfg, spark, PRATA_ROTULOS, ["id_evento", "conhecido_em_us", "fraude", "tipologia", "classe"])


def _mascara(quais: Logicos | list[bool]) -> pa.BooleanArray:
    import pyarrow as pa  # noqa: PLC0415

    return pa.array(quais, pa.bool_())


def rotular(ids: Inteiros, rotulos: pa.Table) -> tuple[Inteiros, NDArray[Any]]:
    """Para cada id, quando se confirmou a fraude (a primeira vez) e sua tipologia."""
    conhecido = np.full(ids.size, NUNCA, np.int64)
    tipologia = np.full(ids.size, "", object)
    confirmados = rotulos.filter(rotulos.column("fraude")).sort_by([("conhecido_em_us", "descending")])
    ordem = np.argsort(ids, kind="stable")
    alvos = np.asarray(confirmados.column("id_evento").to_numpy(), np.int64)
    if not alvos.size or not ids.size:
        return conhecido, tipologia
    lugares = ordem[np.clip(np.searchsorted(ids[ordem], alvos), 0, ids.size - 1)]
    achou = ids[lugares] == alvos
    conhecido[lugares[achou]] = np.asarray(confirmados.column("conhecido_em_us").to_numpy(), np.int64)[achou]
    nomes = [t or c for t, c in zip(
        confirmados.column("tipologia").to_pylist(), confirmados.column("classe").to_pylist(), strict=True
    )]
    tipologia[lugares[achou]] = np.array(nomes, object)[achou]
    return conhecido, tipologia


def _ler(
    cfg: Configuracao, spark: SparkSession | None, tabela: Tabela, colunas: list[str]
) -> tuple[pa.Table, int]:
    if spark is not None:
        if not tabela.existe(spark, cfg):
            raise ErroDados(_ausente(tabela))
        versao = tabela.delta(spark, cfg).history(1).select("version").head()[0]
        return tabela.ler(spark, cfg).select(*colunas).toArrow(), int(versao)
    from deltalake import DeltaTable  # noqa: PLC0415 — leitura sem JVM

    caminho = str(tabela.caminho(cfg))
    if not DeltaTable.is_deltatable(caminho):
        raise ErroDados(_ausente(tabela))
    delta = DeltaTable(caminho)
    return delta.to_pyarrow_table(columns=colunas), int(delta.version())


def _ausente(tabela: Tabela) -> str:
    return f"a tabela {tabela.nome} ainda não existe: traga eventos com ./pix simular, importar ou demonstrar"
