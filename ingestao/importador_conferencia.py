"""A conferência das seis colunas: cada recusa diz o arquivo, a coluna, quantas linhas e o que há nelas."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from plataforma.erros import ErroDados

COLUNAS: Final = ("event_id", "ts", "payer_id", "payee_id", "amount")
COLUNAS_ROTULOS: Final = ("event_id", "is_fraud")
DIA_US: Final = 86_400_000_000
MILI_US: Final = 1_000
_VALOR_MAXIMO: Final = 999_999_999_999
"""R$ 9.999.999.999,99: dez dígitos e duas casas (API Pix 2.9.0)."""
_TOLERANCIA_CENTAVO: Final = 1e-4
"""Quanto `amount × 100` pode se afastar de um inteiro por ser binário; mais que isso é uma terceira casa."""
_MAIOR_FLOAT_EXATO: Final = 1e13


def exigir_nomes(presentes: list[str], exigidas: tuple[str, ...], arquivo: str) -> None:
    """Recusa quando falta coluna.

    Levanta:
        ErroDados: as que faltam e as que há.
    """
    faltam = [nome for nome in exigidas if nome not in presentes]
    if faltam:
        msg = f"{arquivo}: falta a coluna {', '.join(faltam)}; presentes: {', '.join(presentes)}"
        raise ErroDados(msg)


def _recusar(arquivo: str, coluna: str, ruins: int, problema: str) -> None:
    if ruins:
        msg = f"{arquivo}: coluna {coluna}, {ruins} linha{'s' if ruins > 1 else ''} com {problema}"
        raise ErroDados(msg)


def conferir_eventos(eventos: pl.DataFrame, arquivo: str) -> pl.DataFrame:
    """As colunas conferidas: textos, `ts_us` e `centavos` (int64).

    Levanta:
        ErroDados: vazio, nulo, id repetido, instante ou valor que não serve.
    """
    exigir_nomes(eventos.columns, COLUNAS, arquivo)
    if not eventos.height:
        msg = f"{arquivo}: nenhum evento"
        raise ErroDados(msg)
    textos = ["event_id", "payer_id", "payee_id"] + (["device_id"] if "device_id" in eventos.columns else [])
    base = eventos.with_columns(pl.col(textos).cast(pl.String))
    for coluna in COLUNAS:
        _recusar(arquivo, coluna, base[coluna].null_count(), "nulo")
    for coluna in ("event_id", "payer_id", "payee_id"):
        _recusar(arquivo, coluna, int((base[coluna] == "").sum()), "texto vazio")
    _recusar(arquivo, "event_id", base.height - base["event_id"].n_unique(), "id repetido")
    base = base.with_columns(_instante(base["ts"], arquivo, "ts"), _centavos(base["amount"], arquivo))
    if "device_id" not in base.columns:
        base = base.with_columns(pl.lit(None, pl.String).alias("device_id"))
    return base.select("event_id", "ts_us", "payer_id", "payee_id", "centavos", "device_id")


def _instante(coluna: pl.Series, arquivo: str, nome: str) -> pl.Series:
    """µs UTC de instantes com ou sem fuso (sem fuso = UTC) ou de textos ISO 8601."""
    if coluna.dtype == pl.String:
        lido = _do_texto(coluna)
        if (falhas := int((lido.is_null() & coluna.is_not_null()).sum())) > 0:
            _recusar(arquivo, nome, falhas, "instante que não é ISO 8601 em UTC")
        coluna = lido
    elif not isinstance(coluna.dtype, pl.Datetime):
        msg = f"{arquivo}: coluna {nome} é {coluna.dtype}; esperado instante (datetime) em UTC"
        raise ErroDados(msg)
    return coluna.cast(pl.Datetime("us", coluna.dtype.time_zone)).cast(pl.Int64).alias("ts_us")  # type: ignore[attr-defined]


def _do_texto(coluna: pl.Series) -> pl.Series:
    """ISO 8601 com ou sem hora, fração e fuso (sem fuso = UTC), formatos misturados; o resto vira nulo."""
    dia, fuso = r"^(\d{4}-\d\d-\d\d)$", r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)Z?$"
    junto = coluna.str.strip_chars().str.replace(" ", "T")
    inteiro = junto.str.replace(dia, "${1}T00:00:00").str.replace(fuso, "$1+00:00")
    lido = inteiro.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%#z", time_unit="us", strict=False)
    return lido.dt.convert_time_zone("UTC")


def _centavos(coluna: pl.Series, arquivo: str) -> pl.Series:
    """R$ → centavos exatos. Recusa NaN, infinito, negativo, grande demais e terceira casa."""
    nome = coluna.name
    if coluna.dtype == pl.String:
        _recusar(arquivo, nome, int((~coluna.str.contains(r"^-?\d+(\.\d+)?$")).sum()), "valor que não é número")
        _recusar(arquivo, nome, int(coluna.str.contains(r"\.\d\d0*[1-9]").sum()), "mais de duas casas decimais")
        partes = coluna.str.replace_all(r"^(-?\d+)$", "$1.00").str.extract_groups(r"^(-?)(\d{1,15})\.(\d{1,2})")
        quadro = partes.struct.unnest()
        quadro.columns = ["sinal", "reais", "casas"]
        inteiro = quadro["reais"].cast(pl.Int64) * 100 + quadro["casas"].str.pad_end(2, "0").cast(pl.Int64)
        centavos = inteiro * pl.Series(np.where(quadro["sinal"] == "-", -1, 1))
    elif coluna.dtype.is_decimal() or coluna.dtype.is_integer():
        vezes = coluna.cast(pl.Decimal(38, 6)) * 100
        _recusar(arquivo, nome, int((vezes != vezes.floor()).sum()), "mais de duas casas decimais")
        centavos = vezes.cast(pl.Int64)
    elif coluna.dtype.is_float():
        centavos = _centavos_de_float(coluna.cast(pl.Float64).to_numpy(), arquivo, nome)
    else:
        msg = f"{arquivo}: coluna {nome} é {coluna.dtype}; esperado número em R$"
        raise ErroDados(msg)
    _recusar(arquivo, nome, int((centavos < 0).sum()), "valor negativo")
    _recusar(arquivo, nome, int((centavos > _VALOR_MAXIMO).sum()), "valor acima de R$ 9.999.999.999,99")
    return centavos.alias("centavos")


def _centavos_de_float(reais: npt.NDArray[np.float64], arquivo: str, nome: str) -> pl.Series:
    _recusar(arquivo, nome, int(np.isnan(reais).sum()), "NaN")
    _recusar(arquivo, nome, int((np.abs(reais) > _MAIOR_FLOAT_EXATO).sum()), "valor infinito ou fora de faixa")
    centavos = np.rint(reais * 100)
    folga = np.maximum(np.abs(reais) * 1e-9, _TOLERANCIA_CENTAVO)
    _recusar(arquivo, nome, int((np.abs(reais * 100 - centavos) > folga).sum()), "mais de duas casas decimais")
    return pl.Series(centavos.astype(np.int64))


def conferir_rotulos(rotulos: pl.DataFrame, base: pl.DataFrame, arquivo: str, atraso_dias: float) -> pl.DataFrame:
    """Rótulos com `fraude` e `conhecido_us`, só de eventos que existem.

    Levanta:
        ErroDados: coluna ausente, id nulo, repetido ou desconhecido, `is_fraud` ou `known_at` que não servem.
    """
    exigir_nomes(rotulos.columns, COLUNAS_ROTULOS, arquivo)
    lidos = rotulos.with_columns(pl.col("event_id").cast(pl.String), _eh_fraude(rotulos["is_fraud"], arquivo))
    _recusar(arquivo, "event_id", lidos["event_id"].null_count(), "nulo")
    _recusar(arquivo, "event_id", lidos.height - lidos["event_id"].n_unique(), "id repetido")
    juntos = lidos.join(base.select("event_id", "ts_us"), on="event_id", how="left", maintain_order="left")
    _recusar(arquivo, "event_id", juntos["ts_us"].null_count(), "evento desconhecido")
    if "known_at" in juntos.columns:
        conhecido = _instante(juntos["known_at"], arquivo, "known_at").alias("conhecido_us")
        _recusar(arquivo, "known_at", int((conhecido < juntos["ts_us"]).sum()), "instante anterior ao pagamento")
        atraso = juntos["ts_us"] + round(atraso_dias * DIA_US)
        conhecido = conhecido.zip_with(conhecido.is_not_null(), atraso)
    else:
        conhecido = (juntos["ts_us"] + round(atraso_dias * DIA_US)).alias("conhecido_us")
    return juntos.with_columns(conhecido // MILI_US * MILI_US)


def _eh_fraude(coluna: pl.Series, arquivo: str) -> pl.Series:
    valores = {"0": False, "1": True, "false": False, "true": True, "0.0": False, "1.0": True}
    fraude = coluna.cast(pl.String).str.to_lowercase().replace_strict(valores, default=None, return_dtype=pl.Boolean)
    _recusar(arquivo, "is_fraud", fraude.null_count(), "valor que não é 0 nem 1")
    return fraude.alias("fraude")
