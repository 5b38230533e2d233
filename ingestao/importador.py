"""Seis colunas de qualquer histórico → o contrato: `event_id, ts, payer_id, payee_id, amount[, device_id]`.

Funções puras sobre tabelas Polars; só `ler_eventos` e `ler_rotulos` tocam o disco. Nada do que identifica alguém
atravessa: contas e dispositivos viram tokens `tok:imp:…` por um resumo com domínio, e os textos originais ficam no
`mapa`, que é de quem importou.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from ingestao.importador_conferencia import (
    COLUNAS,
    COLUNAS_ROTULOS,
    MILI_US,
    conferir_eventos,
    conferir_rotulos,
    exigir_nomes,
)
from ingestao.simulador.calendario import acaso_estavel
from ingestao.simulador.identificadores import ids_fim_a_fim, tokens_de_resumos
from ingestao.trafego import EVENTOS, ROTULOS, VERDADE, Trafego
from plataforma.erros import ErroConfiguracao, ErroDados

ID_CHAVE: Final = "imp"
ISPB_ALHEIO: Final = "99999990"
"""Instituição fictícia dos recebedores importados: não há como saber se são clientes nossos."""

@dataclass(frozen=True)
class Importado:
    """O histórico no contrato: eventos por instante, rótulos por conhecimento, verdade e mapa de ids.

    `mapa`: `event_id` e `id_fim_a_fim`, na ordem de `eventos`. `avisos`: o que se arrumou no caminho, em frases.
    """

    eventos: pl.DataFrame
    rotulos: pl.DataFrame
    verdade: pl.DataFrame
    mapa: pl.DataFrame
    avisos: tuple[str, ...]


def ler_eventos(caminho: Path) -> pl.DataFrame:
    """Lê as seis colunas de um Parquet ou CSV (colunas a mais são ignoradas).

    Levanta:
        ErroDados: arquivo ausente, ilegível, de outro tipo ou sem uma coluna, dizendo qual.
    """
    return _ler(caminho, COLUNAS, ("device_id",))


def ler_rotulos(caminho: Path) -> pl.DataFrame:
    """Lê `event_id, is_fraud[, scenario][, known_at]` de um Parquet ou CSV.

    Levanta:
        ErroDados: arquivo ausente, ilegível, de outro tipo ou sem uma coluna, dizendo qual.
    """
    return _ler(caminho, COLUNAS_ROTULOS, ("scenario", "known_at"))


def importar_arquivos(
    eventos: Path, rotulos: Path | None, nossos_ispb: tuple[str, ...], atraso_dias: float = 7.0
) -> Importado:
    """Lê, confere e traduz os arquivos de um histórico e, se há, de seus rótulos.

    Levanta:
        ErroDados: arquivo, coluna e contagem do que não serve.
    """
    lidos = None if rotulos is None else ler_rotulos(rotulos)
    return importar_seis_colunas(
        ler_eventos(eventos), lidos, nossos_ispb, atraso_dias=atraso_dias, arquivo=str(eventos),
        arquivo_rotulos=str(rotulos),
    )


def importar_seis_colunas(
    eventos: pl.DataFrame, rotulos: pl.DataFrame | None, nossos_ispb: tuple[str, ...], *, atraso_dias: float = 7.0,
    arquivo: str = "eventos", arquivo_rotulos: str = "rótulos",
) -> Importado:
    """Confere e traduz um histórico inteiro; os mesmos dados dão sempre os mesmos bytes.

    `ts` em UTC (milissegundos; o que passa disso é cortado), `amount` em R$ com até duas casas; zero é aceito aqui,
    com aviso, e recusado adiante como qualquer ordem de zero. Sem `known_at`, o desfecho é conhecido `atraso_dias`
    depois do pagamento. Só as fraudes viram rótulos (`AGREED`): não ter sido fraude é o silêncio.

    Levanta:
        ErroDados: arquivo, coluna e contagem do que não serve (nulos, NaN, valores, ids repetidos, desconhecidos).
    """
    avisos: list[str] = []
    base = conferir_eventos(eventos, arquivo)
    base = _em_ordem(base, arquivo, avisos)
    if (cortados := int((base["ts_us"] % MILI_US != 0).sum())) > 0:
        avisos.append(f"{arquivo}: {cortados} instantes cortados ao milissegundo, a resolução do contrato")
        base = base.with_columns(pl.col("ts_us") // MILI_US * MILI_US)
    if (zeros := int((base["centavos"] == 0).sum())) > 0:
        avisos.append(f"{arquivo}: {zeros} valores zero, que o Pix não aceita; ficam e vão à quarentena (AM01)")
    mapa, traduzidos = _traduzir(base, nossos_ispb)
    if rotulos is None:
        return Importado(traduzidos, pl.DataFrame(schema=ROTULOS), _verdade(mapa, None), mapa, tuple(avisos))
    conferidos = conferir_rotulos(rotulos, base, arquivo_rotulos, atraso_dias)
    return Importado(
        traduzidos, _rotulos(traduzidos, mapa, conferidos), _verdade(mapa, conferidos), mapa, tuple(avisos)
    )


def dividir(
    importado: Importado, segundos_vivo: float, *, eventos_vivos: int | None = None, fracao_viva: float | None = None
) -> Trafego:
    """O mais antigo vira histórico e o último trecho, vivo, por número de eventos ou por fração.

    Levanta:
        ErroDados: quando não sobra histórico ou não há vivo.
    """
    total = importado.eventos.height
    if (eventos_vivos is None) == (fracao_viva is None):
        msg = "diga eventos_vivos ou fracao_viva, e só um deles"
        raise ErroConfiguracao(msg)
    vivos = eventos_vivos if eventos_vivos is not None else round(total * (fracao_viva or 0.0))
    if not 0 < vivos < total:
        msg = f"{vivos} eventos vivos não cabem em {total} importados: diminua a taxa ou os segundos"
        raise ErroDados(msg)
    return Trafego(importado.eventos, importado.rotulos, importado.verdade, total - vivos, segundos_vivo)


def _ler(caminho: Path, exigidas: tuple[str, ...], opcionais: tuple[str, ...]) -> pl.DataFrame:
    leitores: dict[str, Callable[[Path], pl.LazyFrame]] = {".parquet": pl.scan_parquet, ".csv": _scan_csv}
    leitor = leitores.get(caminho.suffix.lower())
    if leitor is None:
        msg = f"{caminho}: tipo {caminho.suffix or '(sem extensão)'} não serve; esperado .parquet ou .csv"
        raise ErroDados(msg)
    if not caminho.is_file():
        msg = f"{caminho}: arquivo não encontrado"
        raise ErroDados(msg)
    try:
        tabela = leitor(caminho)
        presentes = tabela.collect_schema().names()
        exigir_nomes(presentes, exigidas, str(caminho))
        return tabela.select([n for n in (*exigidas, *opcionais) if n in presentes]).collect()
    except (pl.exceptions.PolarsError, OSError) as erro:
        msg = f"{caminho}: não foi possível ler ({str(erro).splitlines()[0]})"
        raise ErroDados(msg) from erro


def _scan_csv(caminho: Path) -> pl.LazyFrame:
    """Ids como texto (não perdem zeros à esquerda); o valor como texto (as casas são contadas nele)."""
    return pl.scan_csv(caminho, infer_schema=False)


def _em_ordem(base: pl.DataFrame, arquivo: str, avisos: list[str]) -> pl.DataFrame:
    fora = int((base["ts_us"].diff() < 0).sum())
    if fora:
        avisos.append(f"{arquivo}: {fora} linhas com ts anterior ao da linha de cima; postas em ordem")
    return base.sort("ts_us", "event_id", maintain_order=True) if fora else base


def _traduzir(base: pl.DataFrame, nossos_ispb: tuple[str, ...]) -> tuple[pl.DataFrame, pl.DataFrame]:
    n = base.height
    instante = base["ts_us"].to_numpy()
    pagador = _tokens(base["payer_id"], "conta|")
    recebedor = _tokens(base["payee_id"], "conta|")
    ispb = np.full(n, nossos_ispb[0].encode(), "S8")
    textos = ids_fim_a_fim(ispb, instante, np.arange(n), _sorte(base))
    ids = pl.Series("id_fim_a_fim", textos, dtype=pl.Binary).cast(pl.String)
    fixos = {
        "pagador_ispb": nossos_ispb[0], "pagador_tipo_conta": "TRAN", "pagador_tipo_pessoa": "PF",
        "recebedor_ispb": ISPB_ALHEIO, "recebedor_tipo_conta": "TRAN", "recebedor_tipo_pessoa": "PF",
        "forma_de_iniciacao": "MANU", "finalidade": "IPAY",
    }  # fmt: skip
    eventos = pl.DataFrame([
        ids, base["ts_us"].alias("instante_us"), base["centavos"].alias("valor_centavos"),
        pagador.alias("pagador_conta"), _tokens(base["payer_id"], "doc|").alias("pagador_documento"),
        recebedor.alias("recebedor_conta"), _tokens(base["payee_id"], "doc|").alias("recebedor_documento"),
        _tokens(base["device_id"], "disp|").alias("dispositivo"),
    ]).with_columns([pl.lit(valor).alias(nome) for nome, valor in fixos.items()])  # fmt: skip
    vazias = [pl.lit(None, tipo).alias(nome) for nome, tipo in EVENTOS.items() if nome not in eventos.columns]
    mapa = pl.DataFrame([base["event_id"], ids])
    return mapa, eventos.with_columns(vazias).select(list(EVENTOS))


def _sorte(base: pl.DataFrame) -> npt.NDArray[np.int64]:
    """A parte do id que distingue um arquivo de outro: a mesma para os mesmos dados."""
    marca = _resumos(pl.Series([f"{base.height}|{base['event_id'][0]}|{base['event_id'][-1]}"]), "arquivo|")
    semente = int.from_bytes(marca.tobytes()[:8], "big")
    return (acaso_estavel(semente, np.arange(base.height)) * 62**5).astype(np.int64)


def _tokens(ids: pl.Series, dominio: str) -> pl.Series:
    """Um token por texto distinto; nulo e vazio continuam nulos."""
    unicos = ids.unique().drop_nulls()
    unicos = unicos.filter(unicos != "").sort()
    if not len(unicos):
        return pl.Series(ids.name, [None] * len(ids), dtype=pl.String)
    tokens = pl.Series(tokens_de_resumos(_resumos(unicos, dominio), ID_CHAVE), dtype=pl.Binary).cast(pl.String)
    return ids.replace_strict(unicos, tokens, default=None, return_dtype=pl.String)


def _resumos(textos: pl.Series, dominio: str) -> npt.NDArray[np.uint8]:
    """blake2b de 16 bytes de cada texto, com domínio, forma (n, 16)."""
    prefixo = hashlib.blake2b(dominio.encode(), digest_size=16)
    saida = bytearray()
    for texto in textos.to_list():
        resumo = prefixo.copy()
        resumo.update(texto.encode())
        saida += resumo.digest()
    return np.frombuffer(bytes(saida), np.uint8).reshape(-1, 16)


def _rotulos(eventos: pl.DataFrame, mapa: pl.DataFrame, conferidos: pl.DataFrame) -> pl.DataFrame:
    colunas = ["id_fim_a_fim", "instante_us", "pagador_conta", "recebedor_conta", "dispositivo"]
    com_id = eventos.select(colunas).with_columns(mapa["event_id"])
    fraudes = conferidos.filter("fraude").join(com_id, on="event_id", how="left", maintain_order="left")
    return fraudes.with_columns(
        pl.col("conhecido_us").alias("conhecido_em_us"), pl.lit("OTHER").alias("classe"),
        pl.lit("AGREED").alias("resultado"), _tipologia(fraudes).alias("tipologia"),
    ).select(list(ROTULOS)).sort("conhecido_em_us", maintain_order=True)  # fmt: skip


def _tipologia(rotulos: pl.DataFrame) -> pl.Series:
    """`CENARIO_<scenario>`, só letras, dígitos e `_`; nulo sem cenário."""
    if "scenario" not in rotulos.columns:
        return pl.Series([None] * rotulos.height, dtype=pl.String)
    nome = rotulos["scenario"].cast(pl.String).str.replace_all(r"[^A-Za-z0-9_]", "_").str.slice(0, 50)
    return "CENARIO_" + nome


def _verdade(mapa: pl.DataFrame, conferidos: pl.DataFrame | None) -> pl.DataFrame:
    if conferidos is None:
        return mapa.select("id_fim_a_fim", pl.lit(False).alias("fraude"), pl.lit(None, pl.String).alias("tipologia"))
    nomes = conferidos.select("event_id", "fraude", _tipologia(conferidos).alias("tipologia"))
    juntos = mapa.join(nomes, on="event_id", how="left", maintain_order="left")
    fraude = pl.col("fraude").fill_null(value=False)
    return juntos.with_columns(fraude, pl.when(fraude).then("tipologia").alias("tipologia")).select(list(VERDADE))
