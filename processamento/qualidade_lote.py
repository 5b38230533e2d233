"""O validador de `qualidade` para muitos registros, em colunas Arrow; a resposta é a mesma, registro a registro.

O que está na forma comum (JSON em uma linha, tudo em token) é lido e conferido por código nativo, onde está; qualquer
outro registro passa inteiro pelo validador de um, que é quem sabe dizer o motivo: cada regra só tem uma definição.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ingestao.esquema import LIMITE_REGISTRO_BYTES, VERSAO_ESQUEMA, Evento
from plataforma.nativo import njit
from processamento import formas_lote, formatos, resumos, varredura
from processamento.formas_lote import Bytes, Forma, Inteiros, Mascara, exemplos
from processamento.motivos_quarentena import Recusa
from processamento.normalizado import Normalizado
from processamento.protecao import PADRAO_TOKEN, PREFIXO_TOKEN, TAMANHO_RESUMO, Tokenizador
from processamento.qualidade import TOLERANCIA_US, avaliar
from processamento.varredura import Campo, Plano, Varrido

Colunas = dict[str, pa.Array]
_AUSENTE: Final = -1
_LADOS: Final = ("pagador", "recebedor")
_ALFANUMERICO: Final = "0"
_EXEMPLOS_TOKEN: Final = exemplos(PREFIXO_TOKEN, ("a", 1, 8), ":" + "a" * TAMANHO_RESUMO)


@dataclass(frozen=True)
class LoteAvaliado:
    """Os válidos em colunas e os recusados.

    Args:
        quais: int64 (válidos,): o lugar de cada válido na entrada, em nenhuma ordem certa.
        colunas: as de `Normalizado`, na sua ordem, com uma entrada por válido; os textos de um domínio fechado vêm em
            dicionário, `data` em dias desde 1970.
        recusas: o lugar na entrada e a recusa de cada um dos demais.
    """

    quais: Inteiros
    colunas: Colunas
    recusas: list[tuple[int, Recusa]]


@dataclass(frozen=True)
class _Contrato:
    """O que se sabe antes de ver registros: como varrer, onde está cada campo e que forma tem cada texto."""

    plano: Plano
    textos: dict[str, int]
    inteiros: dict[str, int]
    formas: list[tuple[str, Forma]]
    campos: dict[str, Campo]


def avaliar_lote(valores: pa.BinaryArray, tokenizador: Tokenizador) -> LoteAvaliado:
    """`avaliar` de cada registro de `pix.eventos`, em colunas."""
    dados, limites = _bytes_de(valores)
    c = _contrato()
    v = _varrer(dados, limites, valores, c)
    certos, derivados = _conferir(dados, v, c)
    quais = np.flatnonzero(certos)
    colunas = _colunas(dados, _so(v, quais), {nome: coluna[quais] for nome, coluna in derivados.items()}, c)
    avulsos, recusas = [], []
    for i in np.flatnonzero(~certos).tolist():
        lido = avaliar(valores[i].as_py(), tokenizador)
        if isinstance(lido, Recusa):
            recusas.append((i, lido))
        else:
            avulsos.append((i, lido))
    if avulsos:
        quais = np.append(quais, [i for i, _ in avulsos])
        linhas = zip(*(pix for _, pix in avulsos), strict=True)
        colunas = {
            nome: pa.concat_arrays([coluna, _como(coluna, extra)])
            for (nome, coluna), extra in zip(colunas.items(), linhas, strict=True)
        }
    return LoteAvaliado(quais, colunas, recusas)


def aquecer() -> None:
    """Monta as tabelas e carrega o código compilado: quem nascer por `fork` os herda."""
    avaliar_lote(pa.array([b"{}"], pa.binary()), Tokenizador(b"ninguem", "v0"))


@cache
def _contrato() -> _Contrato:
    campos = varredura.campos_de(Evento)
    textos, inteiros = varredura.nomes_dos_textos(campos), varredura.nomes_dos_inteiros(campos)
    token = formas_lote.forma(PADRAO_TOKEN, _EXEMPLOS_TOKEN)
    formas = {
        "id_fim_a_fim": formas_lote.forma(formatos.ID_FIM_A_FIM, exemplos("E", ("0", 31, 31))),
        "instante": formas_lote.forma(formatos.INSTANTE, exemplos("2000-01-01T00:00:00.000Z")),
        "valor": formas_lote.forma(formatos.VALOR, exemplos(("0", 1, 10), ".00")),
        "txid": formas_lote.forma(formatos.TXID, exemplos((_ALFANUMERICO, 1, 35))),
        "versao_esquema": formas_lote.forma(formatos.VERSAO, exemplos(VERSAO_ESQUEMA)),
        "chave": token, "dispositivo.id": token,
    }
    for lado in _LADOS:
        formas |= {
            f"{lado}.ispb": formas_lote.forma(formatos.ISPB, exemplos((_ALFANUMERICO, 8, 8))),
            f"{lado}.agencia": formas_lote.forma(formatos.AGENCIA, exemplos(("0", 1, 4))),
            f"{lado}.conta": token, f"{lado}.documento": token,
        }
    return _Contrato(
        varredura.planejar(campos), {nome: i for i, nome in enumerate(textos)},
        {nome: i for i, nome in enumerate(inteiros)}, [(nome, formas[nome]) for nome in textos],
        {campo.caminho: campo for campo in campos},
    )


def _bytes_de(valores: pa.BinaryArray) -> tuple[Bytes, NDArray[np.int32]]:
    """Os bytes de todos e onde cada um começa e acaba, sem copiar.

    Sempre só de leitura: para o código nativo, um vetor que se pode escrever é outro tipo, e outra compilação.
    """
    _, limites, dados = valores.buffers()
    if limites is None or dados is None:
        return np.frombuffer(b"", np.uint8), np.frombuffer(bytes(4 * (len(valores) + 1)), np.int32)
    fim = valores.offset + len(valores) + 1
    bytes_, onde = np.frombuffer(dados, np.uint8), np.frombuffer(limites, np.int32)[valores.offset : fim]
    bytes_.flags.writeable = onde.flags.writeable = False
    return bytes_, onde


def _varrer(dados: Bytes, limites: NDArray[np.int32], valores: pa.BinaryArray, c: _Contrato) -> Varrido:
    n = len(valores)
    v = Varrido(
        np.zeros((len(c.textos), n), np.int64), np.full((len(c.textos), n), _AUSENTE, np.int64),
        np.full((len(c.inteiros), n), _AUSENTE, np.int64), np.zeros(n, np.bool_),
    )
    presentes = valores.is_valid().to_numpy(zero_copy_only=False)
    varredura.varrer(dados, limites, presentes, LIMITE_REGISTRO_BYTES, c.plano, v)
    return v


def _conferir(dados: Bytes, v: Varrido, c: _Contrato) -> tuple[Mascara, dict[str, Inteiros]]:
    """Quais registros estão certos, e neles as colunas que se tiram dos textos; os outros têm lixo."""
    certos = v.lidos.copy()
    for linha, (_, forma) in enumerate(c.formas):
        formas_lote.conferir(dados, v.inicio[linha], v.tamanho[linha], forma, certos)
    certos &= (v.tamanho[c.textos["chave"]] == _AUSENTE) == (v.inteiros[c.inteiros["tipo_chave"]] == _AUSENTE)
    minuto, existe = formas_lote.minutos_dos_ids(dados, v.inicio[c.textos["id_fim_a_fim"]], certos)
    certos &= existe
    instante, existe = formas_lote.instantes(dados, *_onde(v, c, "instante"), certos)
    centavos = formas_lote.centavos(dados, *_onde(v, c, "valor"), certos)
    certos &= existe & (centavos > 0) & (np.abs(instante - minuto) <= TOLERANCIA_US)
    return certos, {"instante_us": instante, "valor_centavos": centavos, "data": minuto // formatos.MICROS_DIA}


def _onde(v: Varrido, c: _Contrato, caminho: str) -> tuple[Inteiros, Inteiros]:
    linha = c.textos[caminho]
    return v.inicio[linha], v.tamanho[linha]


def _so(v: Varrido, quais: Inteiros) -> Varrido:
    if quais.size == v.lidos.size:
        return v
    # `take`, e não `[:, quais]`, que devolve as linhas espaçadas: para o código nativo, outro tipo e outra compilação.
    inicio, tamanho, inteiros = (parte.take(quais, axis=1) for parte in (v.inicio, v.tamanho, v.inteiros))
    return Varrido(inicio, tamanho, inteiros, v.lidos[quais])


def _colunas(dados: Bytes, v: Varrido, derivados: Mapping[str, Inteiros], c: _Contrato) -> Colunas:
    """As colunas de `Normalizado`; as que se chamam como no contrato vêm de `_do_contrato`."""
    prontas = {nome: pa.array(coluna) for nome, coluna in derivados.items()}
    prontas["data"] = prontas["data"].cast(pa.int32())
    prontas["txid_presente"] = pa.array(v.tamanho[c.textos["txid"]] != _AUSENTE)
    de_ids = {"id_evento": "id_fim_a_fim", "dispositivo_id": "dispositivo.id"}
    for nome, caminho in (*de_ids.items(), *((f"{lado}_id", f"{lado}.conta") for lado in _LADOS)):
        prontas[nome] = pa.array(resumos.inteiros(dados, *_onde(v, c, caminho)))
    prontas |= dict(_do_contrato(dados, v, c))
    return {nome: prontas[nome] for nome in Normalizado._fields}


def _do_contrato(dados: Bytes, v: Varrido, c: _Contrato) -> Iterator[tuple[str, pa.Array]]:
    for caminho, linha in c.textos.items():
        nome = _nome_na_prata(caminho)
        if nome in Normalizado._fields:
            yield nome, _textos(dados, v.inicio[linha], v.tamanho[linha])
    for caminho, linha in c.inteiros.items():
        inteiros, campo = v.inteiros[linha], c.campos[caminho]
        ausentes = inteiros == _AUSENTE
        nulos = ausentes if ausentes.any() else None
        if campo.tipo == varredura.OPCAO:
            codigos = pa.array(inteiros.astype(np.int8), mask=nulos)
            yield _nome_na_prata(caminho), pa.DictionaryArray.from_arrays(codigos, pa.array(campo.opcoes))
        elif campo.tipo == varredura.LOGICO:
            yield _nome_na_prata(caminho), pa.array(inteiros == 1, mask=nulos)
        else:
            yield _nome_na_prata(caminho), pa.array(inteiros.astype(np.int32), mask=nulos)


@cache
def _nome_na_prata(caminho: str) -> str:
    """`pagador.conta` → `pagador_conta`, `dispositivo.emulador` → `disp_emulador`, `dispositivo.id` → `dispositivo`."""
    if caminho == "dispositivo.id":
        return "dispositivo"
    return caminho.replace("dispositivo.", "disp_").replace(".", "_")


def _textos(dados: Bytes, inicio: Inteiros, tamanho: Inteiros) -> pa.StringArray:
    ausentes = tamanho == _AUSENTE
    limites = np.zeros(inicio.size + 1, np.int32)
    np.cumsum(np.maximum(tamanho, 0), out=limites[1:])
    presentes = pa.py_buffer(np.packbits(~ausentes, bitorder="little")) if ausentes.any() else None
    return pa.StringArray.from_buffers(
        inicio.size, pa.py_buffer(limites), pa.py_buffer(_copiar(dados, inicio, limites)), presentes
    )


@njit(cache=True, nogil=True)
def _copiar(dados: Bytes, inicio: Inteiros, limites: NDArray[np.int32]) -> Bytes:
    saida = np.empty(limites[-1], np.uint8)
    for i in range(inicio.size):
        for j in range(limites[i + 1] - limites[i]):
            saida[limites[i] + j] = dados[inicio[i] + j]
    return saida


def _como(coluna: pa.Array, valores: tuple[object, ...]) -> pa.Array:
    """Mais valores no tipo de uma coluna; a de dicionário mantém o seu."""
    if not pa.types.is_dictionary(coluna.type):
        return pa.array(valores, coluna.type)
    indices = pc.index_in(pa.array(valores, pa.string()), coluna.dictionary).cast(pa.int8())
    return pa.DictionaryArray.from_arrays(indices, coluna.dictionary)
