"""Regras de decisão como dado: lê `regras.yaml`, recusa o que não serve dizendo a linha, e avalia em colunas.

Puro e sem relógio: o mesmo texto dá o mesmo conjunto no driver, no executor e em uma reavaliação do passado.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NoReturn

import numpy as np
import polars as pl
import yaml
from numpy.typing import NDArray

from machine_learning.acoes import Acao
from machine_learning.condicoes import COLUNAS, compilar, quadro, verdade
from plataforma.erros import ErroConfiguracao

__all__ = ["COLUNAS", "Conjunto", "Regra", "ler", "quadro"]

TAMANHO_MAXIMO_ARQUIVO: Final = 128 * 1024
"""Bytes: o texto inteiro viaja em uma mensagem de ativação."""
MAXIMO_REGRAS: Final = 200
TAMANHO_MAXIMO_MOTIVO: Final = 200
_ID: Final = re.compile(r"[a-z][a-z0-9_]{2,63}")
_VERSAO: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_CAMPOS_ARQUIVO: Final = ("versao", "regras")
_CAMPOS_REGRA: Final = ("id", "versao", "condicao", "acao", "motivo", "ativa")
_OBRIGATORIOS: Final = ("id", "condicao", "acao", "motivo")


@dataclass(frozen=True)
class Regra:
    """Uma regra conferida. `condicao` é o SQL canônico; `motivo`, uma frase em português; `linha` a do arquivo."""

    id: str
    versao: str
    condicao: str
    acao: Acao
    motivo: str
    ativa: bool
    linha: int
    expressao: pl.Expr
    colunas: frozenset[str]


@dataclass(frozen=True)
class Conjunto:
    """As regras de um arquivo. `todas` na ordem em que foram escritas; só as ativas se avaliam.

    Args:
        versao: versão declarada e 8 dígitos do SHA-256 do texto: dois arquivos diferentes nunca a partilham.
        todas: inclusive as inativas, que são conferidas mas não disparam.
    """

    versao: str
    todas: tuple[Regra, ...]

    @cached_property
    def regras(self) -> tuple[Regra, ...]:
        """As ativas: uma coluna de `avaliar` para cada."""
        return tuple(regra for regra in self.todas if regra.ativa)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Os ids das ativas."""
        return tuple(regra.id for regra in self.regras)

    @cached_property
    def acoes(self) -> tuple[Acao, ...]:
        """As ações das ativas."""
        return tuple(regra.acao for regra in self.regras)

    @cached_property
    def colunas(self) -> tuple[str, ...]:
        """As colunas que as ativas leem, em ordem alfabética (ao menos `valor`): o mínimo que o quadro precisa ter."""
        return tuple(sorted(frozenset[str]().union(*(regra.colunas for regra in self.regras)))) or ("valor",)

    @cached_property
    def _expressoes(self) -> list[pl.Expr]:
        return [regra.expressao.alias(regra.id) for regra in self.regras]

    def avaliar(self, quadro: pl.DataFrame) -> NDArray[np.bool_]:
        """Quais regras disparam, lógico (n, regras), em uma só passada. Condição nula = não dispara.

        Args:
            quadro: da função `quadro`, com ao menos `colunas`; sem NaN (o Polars o tem por maior que tudo).
        """
        if not self.regras:
            return np.zeros((quadro.height, 0), np.bool_)
        return quadro.with_columns(verdade(quadro.height)).select(self._expressoes).to_numpy()


def ler(texto: str, colunas: frozenset[str] = COLUNAS) -> Conjunto:
    """O conjunto de regras de um texto YAML, inteiro ou nada.

    Args:
        texto: conteúdo de `regras.yaml`.
        colunas: as que as condições podem ler.

    Levanta:
        ErroConfiguracao: linha do YAML e razão da primeira coisa que não serve.
    """
    conteudo = texto.encode(errors="replace")
    if len(conteudo) > TAMANHO_MAXIMO_ARQUIVO:
        _recusar(1, f"o arquivo passa de {TAMANHO_MAXIMO_ARQUIVO // 1024} KB")
    campos = _mapa(_compor(texto), _CAMPOS_ARQUIVO, _CAMPOS_ARQUIVO)
    lista = campos["regras"]
    if not isinstance(lista, yaml.SequenceNode) or not lista.value:
        _recusar(_linha(lista), "'regras' deve ser uma lista com ao menos uma regra")
    if len(lista.value) > MAXIMO_REGRAS:
        _recusar(_linha(lista), f"{len(lista.value)} regras; o limite é {MAXIMO_REGRAS}")
    declarada = _casado(campos["versao"], "versao", _VERSAO)
    vistas: dict[str, int] = {}
    todas = []
    for no in lista.value:
        regra = _regra(no, colunas)
        if regra.id in vistas:
            _recusar(regra.linha, f"o id '{regra.id}' repete o da linha {vistas[regra.id]}")
        vistas[regra.id] = regra.linha
        todas.append(regra)
    return Conjunto(f"{declarada}-{hashlib.sha256(conteudo).hexdigest()[:8]}", tuple(todas))


def _regra(no: yaml.Node, colunas: frozenset[str]) -> Regra:
    campos = _mapa(no, _CAMPOS_REGRA, _OBRIGATORIOS)
    acao, motivo = _texto(campos["acao"], "acao"), " ".join(_texto(campos["motivo"], "motivo").split())
    if acao not in list(Acao):
        _recusar(_linha(campos["acao"]), f"a ação '{acao}' não existe: {', '.join(Acao)}")
    if len(motivo) > TAMANHO_MAXIMO_MOTIVO:
        _recusar(_linha(campos["motivo"]), f"motivo com {len(motivo)} caracteres; o limite é {TAMANHO_MAXIMO_MOTIVO}")
    ativa = _texto(campos["ativa"], "ativa") if "ativa" in campos else "true"
    if ativa not in ("true", "false"):
        _recusar(_linha(campos["ativa"]), f"ativa = '{ativa}'; use true ou false")
    try:
        condicao, expressao, lidas = compilar(_texto(campos["condicao"], "condicao"), colunas)
    except ErroConfiguracao as erro:
        _recusar(_linha(campos["condicao"]), str(erro))
    return Regra(
        id=_casado(campos["id"], "id", _ID),
        versao=_casado(campos["versao"], "versao", _VERSAO) if "versao" in campos else "1",
        condicao=condicao, acao=Acao(acao), motivo=motivo, ativa=ativa == "true", linha=_linha(no),
        expressao=expressao, colunas=lidas,
    )


def _compor(texto: str) -> yaml.Node:
    """A árvore do YAML com as linhas, sem construir objeto algum."""
    try:
        raiz = yaml.compose(texto, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as erro:
        marca = erro.problem_mark or erro.context_mark
        _recusar(marca.line + 1 if marca else 1, f"YAML inválido: {erro.problem or erro}")
    except yaml.reader.ReaderError as erro:
        _recusar(texto.count("\n", 0, int(erro.position)) + 1, f"YAML inválido: caractere U+{int(erro.character):04X}")
    except RecursionError:
        _recusar(1, "YAML inválido: aninhado demais")
    if raiz is None:
        _recusar(1, "o arquivo está vazio")
    return raiz


def _mapa(no: yaml.Node, aceitos: Sequence[str], obrigatorios: Sequence[str]) -> dict[str, yaml.Node]:
    if not isinstance(no, yaml.MappingNode):
        _recusar(_linha(no), f"esperava os campos {', '.join(aceitos)}")
    campos: dict[str, yaml.Node] = {}
    for chave, valor in no.value:
        nome = _texto(chave, "nome de campo")
        if nome not in aceitos or nome in campos:
            _recusar(_linha(chave), f"campo '{nome}' {'repetido' if nome in campos else 'desconhecido'}"
                                    f"; aceitos: {', '.join(aceitos)}")
        campos[nome] = valor
    for nome in obrigatorios:
        if nome not in campos:
            _recusar(_linha(no), f"falta o campo '{nome}'")
    return campos


def _texto(no: yaml.Node, campo: str) -> str:
    if not isinstance(no, yaml.ScalarNode) or no.tag == "tag:yaml.org,2002:null" or not no.value.strip():
        _recusar(_linha(no), f"{campo} vazio ou não é texto")
    return str(no.value).strip()


def _casado(no: yaml.Node, campo: str, padrao: re.Pattern[str]) -> str:
    texto = _texto(no, campo)
    if not padrao.fullmatch(texto):
        _recusar(_linha(no), f"{campo} = '{texto}' não serve; esperado: {padrao.pattern}")
    return texto


def _linha(no: yaml.Node) -> int:
    return int(no.start_mark.line) + 1


def _recusar(linha: int, razao: str) -> NoReturn:
    msg = f"regras, linha {linha}: {razao}"
    raise ErroConfiguracao(msg)
