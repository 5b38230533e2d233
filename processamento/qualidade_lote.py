"""O validador de `qualidade` para muitos registros de uma vez, em colunas; a resposta é a mesma, registro a registro.

O que está na forma comum (tudo em token, ou claro e certo) é conferido por colunas; qualquer outro registro passa
inteiro pelo validador de um, que é quem sabe dizer o motivo. Assim cada regra só tem uma definição.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, Final

import msgspec
import numpy as np

from ingestao.esquema import VERSAO_ESQUEMA, Dict, Dispositivo, Evento, Parte, Sessao
from processamento import formas_lote, formatos
from processamento.formas_lote import Inteiros, Mascara
from processamento.leitura import suspeito
from processamento.motivos_quarentena import Recusa, Recusado
from processamento.normalizado import Normalizado
from processamento.protecao import SEM_ENTIDADE, Tokenizador, id_entidade, id_evento
from processamento.qualidade import (
    LEITOR_EVENTO,
    TOLERANCIA_US,
    avaliar,
    normalizar_chave,
    normalizar_dispositivo,
    normalizar_parte,
)

Colunas = dict[str, Any]
"""Por nome: ndarray ou sequência, com uma entrada por linha."""
_DO_EVENTO: Final = attrgetter(*Evento.__struct_fields__)
_DA_PARTE: Final = attrgetter(*Parte.__struct_fields__)
_DO_DISPOSITIVO: Final = attrgetter(*Dispositivo.__struct_fields__)
_DA_SESSAO: Final = attrgetter(*Sessao.__struct_fields__)
_DO_DICT: Final = attrgetter(*Dict.__struct_fields__)


_AUSENTE: Final = SimpleNamespace(
    **dict.fromkeys(nome for tipo in (Dispositivo, Sessao, Dict) for nome in tipo.__struct_fields__) | {"id": ""}
)
"""No lugar de uma parte opcional que não veio."""


@dataclass(frozen=True)
class LoteAvaliado:
    """Os válidos em colunas e os recusados.

    Args:
        quais: int64 (válidos,): o lugar de cada válido na entrada, em nenhuma ordem certa.
        colunas: as de `Normalizado`, na sua ordem, com uma entrada por válido: ndarray int64 nas de inteiros sem nulo,
            sequências Python nas outras.
        recusas: o lugar na entrada e a recusa de cada um dos demais.
    """

    quais: Inteiros
    colunas: Colunas
    recusas: list[tuple[int, Recusa]]


def avaliar_lote(valores: Sequence[bytes | None], tokenizador: Tokenizador) -> LoteAvaliado:
    """`avaliar` de cada registro de `pix.eventos`, em colunas."""
    lidos = _ler(valores)
    lugares = np.flatnonzero(np.fromiter((lido is not None for lido in lidos), np.bool_, len(lidos)))
    colunas, certos = _em_colunas([lido for lido in lidos if lido is not None], tokenizador)
    quais = lugares[certos]
    if not certos.all():
        colunas = {nome: _so(coluna, certos) for nome, coluna in colunas.items()}
    avulsos, recusas = [], []
    for i in np.setdiff1d(np.arange(len(valores)), quais, assume_unique=True).tolist():
        lido = avaliar(valores[i], tokenizador)
        if isinstance(lido, Recusa):
            recusas.append((i, lido))
        else:
            avulsos.append((i, lido))
    if avulsos:
        quais = np.append(quais, [i for i, _ in avulsos])
        linhas = zip(*(pix for _, pix in avulsos), strict=True)
        colunas = {nome: _mais(coluna, extra) for (nome, coluna), extra in zip(colunas.items(), linhas, strict=True)}
    return LoteAvaliado(quais, colunas, recusas)


def _ler(valores: Sequence[bytes | None]) -> list[Evento | None]:
    """Cada registro nos tipos do contrato; nulo = que o decida o validador de um."""
    lidos: list[Evento | None] = []
    restantes, decodificar = iter(valores), LEITOR_EVENTO.decode
    while len(lidos) < len(valores):
        try:
            for valor in restantes:
                lidos.append(decodificar(valor))  # type: ignore[arg-type]
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, TypeError):
            lidos.append(None)
    for i in np.flatnonzero(formas_lote.talvez_suspeitos(valores)).tolist():
        lidos[i] = None if suspeito(valores[i]) else lidos[i]
    return lidos


def _em_colunas(eventos: list[Evento], tokenizador: Tokenizador) -> tuple[Colunas, Mascara]:
    """As colunas de `Normalizado` e quais linhas estão certas; as outras têm lixo."""
    e = _campos(Evento, _DO_EVENTO, eventos)
    ids, finalidades = e["id_fim_a_fim"], e["finalidade"]
    minutos, certos = formas_lote.minutos_dos_ids(ids)
    instantes, no_tempo = formas_lote.instantes(e["instante"])
    centavos, em_reais = formas_lote.centavos(e["valor"])
    certos &= no_tempo & em_reais & (centavos > 0) & (np.abs(instantes - minutos) <= TOLERANCIA_US)
    certos &= _aceitos(e["txid"], formatos.TXID)
    certos &= np.array([v == VERSAO_ESQUEMA for v in e["versao_esquema"]], np.bool_)
    pagador, pagador_certo = _lado("pagador", e["pagador"], tokenizador)
    recebedor, recebedor_certo = _lado("recebedor", e["recebedor"], tokenizador)
    chaves, chave_certa = _chaves(eventos, e, tokenizador)
    aparelho, aparelho_certo = _dispositivos(e["dispositivo"], tokenizador)
    certos &= pagador_certo & recebedor_certo & chave_certa & aparelho_certo
    sessao = _campos(Sessao, _DA_SESSAO, _presentes(e["sessao"]))
    consulta = _campos(Dict, _DO_DICT, _presentes(e["dict"]))
    colunas = (
        ids, np.array(list(map(id_evento, ids)), np.int64), instantes, centavos, *pagador, *recebedor,
        e["forma_de_iniciacao"], finalidades, chaves, e["tipo_chave"], [t is not None for t in e["txid"]], *aparelho,
        *sessao.values(), *consulta.values(), minutos // formatos.MICROS_DIA,
    )
    return dict(zip(Normalizado._fields, colunas, strict=True)), certos


def _lado(lado: str, partes: Sequence[Parte], tokenizador: Tokenizador) -> tuple[tuple[Any, ...], Mascara]:
    """As colunas de um lado. O que vem claro é conferido e trocado por token um a um."""
    p = _campos(Parte, _DA_PARTE, partes)
    contas, documentos = list(p["conta"]), list(p["documento"])
    certos = formas_lote.tokens(contas) & formas_lote.tokens(documentos)
    certos &= _aceitos(p["ispb"], formatos.ISPB) & _aceitos(p["agencia"], formatos.AGENCIA)
    entidades = _entidades(contas, certos)
    for i in np.flatnonzero(~certos).tolist():
        try:
            contas[i], entidades[i], _, _, _, documentos[i], _ = normalizar_parte(lado, partes[i], tokenizador)
        except Recusado:
            continue  # fica marcado: o validador de um dirá o motivo
        certos[i] = True
    return (
        contas, entidades, p["ispb"], p["tipo_conta"], p["tipo_pessoa"], documentos, p["idade_conta_dias"]
    ), certos


def _chaves(eventos: Sequence[Evento], e: Colunas, tokenizador: Tokenizador) -> tuple[Sequence[str | None], Mascara]:
    chaves = list(e["chave"])
    sem_chave = np.array([chave is None for chave in chaves], np.bool_)
    sem_tipo = np.array([tipo is None for tipo in e["tipo_chave"]], np.bool_)
    certos = formas_lote.tokens([chave or "" for chave in chaves]) & ~sem_tipo | sem_chave & sem_tipo
    for i in np.flatnonzero(~certos).tolist():
        try:
            chaves[i] = normalizar_chave(eventos[i], tokenizador)
        except Recusado:
            continue  # idem
        certos[i] = True
    return chaves, certos


def _dispositivos(
    aparelhos: Sequence[Dispositivo | None], tokenizador: Tokenizador
) -> tuple[tuple[Any, ...], Mascara]:
    d = _campos(Dispositivo, _DO_DISPOSITIVO, _presentes(aparelhos))
    ausentes = np.array([aparelho is None for aparelho in aparelhos], np.bool_)
    certos = formas_lote.tokens(d["id"])
    tokens: list[str | None] = [nome or None for nome in d["id"]]
    entidades = _entidades(d["id"], certos)
    certos |= ausentes
    for i in np.flatnonzero(~certos).tolist():
        try:
            tokens[i], entidades[i], *_ = normalizar_dispositivo(aparelhos[i], tokenizador)  # type: ignore[arg-type]
        except Recusado:
            continue  # idem
        certos[i] = True
    return (tokens, entidades, *list(d.values())[1:]), certos


def _campos(tipo: type[msgspec.Struct], ler: attrgetter[tuple[Any, ...]], objetos: Iterable[Any]) -> Colunas:
    """Os campos de `tipo` por nome, uma entrada por objeto."""
    colunas: Any = list(zip(*map(ler, objetos), strict=True)) or [()] * len(tipo.__struct_fields__)
    return dict(zip(tipo.__struct_fields__, colunas, strict=True))


def _presentes(partes: Sequence[Any]) -> list[Any]:
    return [_AUSENTE if parte is None else parte for parte in partes]


def _entidades(tokens: Sequence[str], certos: Mascara) -> Inteiros:
    """O inteiro de cada token certo; dado claro não passa por aqui."""
    if certos.all():
        return np.array(list(map(id_entidade, tokens)), np.int64)
    entidades = np.full(len(tokens), SEM_ENTIDADE, np.int64)
    entidades[certos] = [id_entidade(token) for token in compress(tokens, certos.tolist())]
    return entidades


def _aceitos(textos: Sequence[str | None], padrao: Any) -> Mascara:
    """Quais são nulos ou da forma: cada texto distinto é conferido uma vez."""
    ruins = {texto for texto in set(textos) if texto is not None and not padrao.fullmatch(texto)}
    if not ruins:
        return np.ones(len(textos), np.bool_)
    return np.array([texto not in ruins for texto in textos], np.bool_)


def _so(coluna: Any, certos: Mascara) -> Any:
    return coluna[certos] if isinstance(coluna, np.ndarray) else list(compress(coluna, certos.tolist()))


def _mais(coluna: Any, extra: Sequence[Any]) -> Any:
    return np.append(coluna, extra) if isinstance(coluna, np.ndarray) else [*coluna, *extra]
