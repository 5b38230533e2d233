"""A condição de uma regra: o subconjunto de SQL aceito, o quadro que ela lê e sua compilação para o Polars.

O texto é lido pelo sqlglot, cada nó é conferido e tipado contra uma lista fechada, e o SQL canônico gerado da própria
árvore é o que o Polars compila: o conferido é o executado. O subconjunto está em docs/regras.md.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, NoReturn

import numpy as np
import polars as pl
import sqlglot
from numpy.typing import NDArray
from sqlglot import exp

from plataforma.erros import ErroConfiguracao
from processamento.atributos import NOMES
from processamento.contexto import DOMINIOS

LOGICAS: Final[frozenset[str]] = frozenset({
    "valor_redondo", "noturno", "txid_presente", "disp_cadastrado", "disp_acesso_remoto", "disp_emulador",
    "disp_chamada_ativa", "sessao_colou_chave", "sessao_troca_senha_24h", "sessao_troca_chip_72h",
    "dict_reivindicacao_aberta", "pagador_nosso", "recebedor_nosso",
})
"""Colunas verdadeiro/falso (no modelo são 0 e 1)."""
DA_DECISAO: Final = ("valor", "pontuacao", "probabilidade", "pagador_nosso", "recebedor_nosso")
"""O que o quadro tem além dos atributos: centavos, saída do modelo (nula sem ele) e de quem são os lados."""
COLUNAS: Final[frozenset[str]] = frozenset((*NOMES, *DA_DECISAO))
TAMANHO_MAXIMO: Final = 2_000
"""Caracteres de uma condição; acima disso a regra pede divisão."""
DIALETO: Final = "postgres"
VERDADE: Final = "_verdade"
"""Coluna sempre verdadeira: o Polars reduz a uma linha só o COALESCE de uma coluna toda nula, e ela devolve as n."""
_POSICAO: Final = {nome: i for i, nome in enumerate(NOMES)}


class Tipo(StrEnum):
    """Tipo de uma expressão no subconjunto."""

    NUMERO = "número"
    TEXTO = "texto"
    LOGICO = "lógico"


def tipo_da_coluna(nome: str) -> Tipo:
    """Texto para os códigos do catálogo, lógico para `LOGICAS`, número (float64) para o resto."""
    if nome in DOMINIOS:
        return Tipo.TEXTO
    return Tipo.LOGICO if nome in LOGICAS else Tipo.NUMERO


def verdade(linhas: int) -> pl.Series:
    """A coluna `VERDADE`, que o quadro precisa ter para avaliar expressões de `compilar`."""
    return pl.Series(VERDADE, np.ones(linhas, np.bool_))


def _serie(nome: str, valores: NDArray[Any] | None, linhas: int) -> pl.Series:
    """Uma coluna do quadro no seu tipo; NaN vira nulo, None vira coluna nula."""
    tipo = tipo_da_coluna(nome)
    destino = pl.Enum(DOMINIOS[nome]) if tipo is Tipo.TEXTO else pl.Boolean() if tipo is Tipo.LOGICO else pl.Float64()
    if valores is None:
        return pl.Series(nome, [None], dtype=destino).new_from_index(0, linhas)
    serie = pl.Series(nome, np.ascontiguousarray(valores), nan_to_null=True)
    if tipo is Tipo.TEXTO:
        return serie.cast(pl.UInt8).cat.to(pl.Enum(DOMINIOS[nome]))
    return serie if serie.dtype == destino else serie.cast(destino)


def quadro(
    atributos: NDArray[np.float64],
    colunas: Mapping[str, Any],
    pontuacao: NDArray[np.float64] | None,
    probabilidade: NDArray[np.float64] | None,
    pagador_nosso: NDArray[np.bool_],
    recebedor_nosso: NDArray[np.bool_],
    so: Iterable[str] = COLUNAS,
) -> pl.DataFrame:
    """O quadro que as condições leem, uma linha por Pix.

    Os códigos numéricos do catálogo (`forma_de_iniciacao`, `tipo_chave`...) aparecem como o texto que codificam e as
    colunas de `LOGICAS` como verdadeiro/falso, com o mesmo nome. Todo número é float64: centavos são exatos até 2^53.

    Args:
        atributos: float64 (n, len(NOMES)); NaN = nulo.
        colunas: dá `valor_centavos`, int64 (n,).
        pontuacao: float64 (n,); None ou NaN = sem modelo.
        probabilidade: float64 (n,), idem.
        pagador_nosso: lógico (n,).
        recebedor_nosso: lógico (n,).
        so: as colunas que o quadro terá; `Conjunto.colunas` é o bastante e o mais barato.
    """
    da_decisao = {
        "valor": colunas["valor_centavos"], "pontuacao": pontuacao, "probabilidade": probabilidade,
        "pagador_nosso": pagador_nosso, "recebedor_nosso": recebedor_nosso,
    }
    return pl.DataFrame([
        _serie(nome, atributos[:, _POSICAO[nome]] if nome in _POSICAO else da_decisao[nome], atributos.shape[0])
        for nome in so
    ])


_Assinatura = tuple[Tipo | None, Tipo | None]
_ASSINATURAS: Final[dict[type[Any], _Assinatura]] = {
    **dict.fromkeys((exp.And, exp.Or, exp.Not), (Tipo.LOGICO, Tipo.LOGICO)),
    **dict.fromkeys((exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between), (Tipo.NUMERO, Tipo.LOGICO)),
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg, exp.Abs), (Tipo.NUMERO, Tipo.NUMERO)),
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.In), (None, Tipo.LOGICO)),
    exp.Coalesce: (None, None),
    exp.Paren: (None, None),
}
"""Nó aceito → (tipo exigido dos operandos, tipo do resultado); None = qualquer um, igual entre todos."""


def _recusar(razao: str) -> NoReturn:
    raise ErroConfiguracao(razao)


class _Conferencia:
    """Percorre a árvore uma vez: recusa nó fora da lista, coluna desconhecida e tipo trocado; junta as colunas."""

    def __init__(self, colunas: Collection[str]) -> None:
        self._permitidas = colunas
        self.lidas: set[str] = set()
        self._folhas: dict[type[Any], Callable[[Any], Tipo]] = {
            exp.Column: self._coluna,
            exp.Literal: lambda no: Tipo.TEXTO if no.is_string else Tipo.NUMERO,
            exp.Boolean: lambda no: Tipo.LOGICO,
            exp.Is: self._is,
        }

    def tipo(self, no: Any) -> Tipo:
        """O tipo de um nó; `ErroConfiguracao` quando ele não cabe no subconjunto."""
        if folha := self._folhas.get(type(no)):
            return folha(no)
        if type(no) not in _ASSINATURAS or no.args.get("symmetric"):
            _recusar(f"'{_texto(no)}' não faz parte do subconjunto de SQL das regras (docs/regras.md)")
        exigido, resultado = _ASSINATURAS[type(no)]
        operandos = list(no.iter_expressions())
        tipos = [self.tipo(operando) for operando in operandos]
        esperado = exigido or tipos[0]
        for operando, achado in zip(operandos, tipos, strict=True):
            if achado is not esperado:
                _recusar(f"'{_texto(operando)}' é {achado}, mas '{_texto(no)}' pede {esperado}")
        self._particularidades(no, operandos)
        return resultado or esperado

    def _coluna(self, no: Any) -> Tipo:
        nome = str(no.name)
        if no.table or nome not in self._permitidas:
            perto = difflib.get_close_matches(nome, self._permitidas, 1)
            _recusar(f"a coluna '{_texto(no)}' não existe" + (f"; seria '{perto[0]}'?" if perto else ""))
        self.lidas.add(nome)
        return tipo_da_coluna(nome)

    def _is(self, no: Any) -> Tipo:
        # O Polars dá nulo a `nulo IS TRUE`, onde o SQL dá falso: fica de fora para ninguém contar com um nem outro.
        if not isinstance(no.expression, exp.Null):
            _recusar(f"'{_texto(no)}': IS só com NULL; para um lógico talvez nulo, COALESCE(coluna, FALSE)")
        self.tipo(no.this)
        return Tipo.LOGICO

    def _particularidades(self, no: Any, operandos: list[Any]) -> None:
        if isinstance(no, exp.Div) and not (_eh_literal(operandos[1]) and float(_texto(operandos[1])) != 0):
            _recusar(f"'{_texto(no)}': só se divide por um número escrito, diferente de zero")
        if isinstance(no, exp.In) and not all(map(_eh_literal, operandos[1:])):
            _recusar(f"'{_texto(no)}': a lista de IN só aceita valores escritos")
        if isinstance(no, exp.Coalesce) and any(operando.find(exp.Column) is None for operando in operandos[:-1]):
            _recusar(f"'{_texto(no)}': em COALESCE, só o último pode ser um valor escrito")
        if isinstance(no, exp.EQ | exp.NEQ | exp.In) and (coluna := no.find(exp.Column)) is not None:
            dominio = DOMINIOS.get(str(coluna.name), ())
            for literal in (o for o in operandos if isinstance(o, exp.Literal) and o.is_string):
                if dominio and literal.name not in dominio:
                    _recusar(f"'{literal.name}' não é um valor de {coluna.name}: {', '.join(dominio)}")


def _eh_literal(no: Any) -> bool:
    return isinstance(no.this if isinstance(no, exp.Neg) else no, exp.Literal)


def _onde(erro: Any) -> str:
    """Posição e vizinhança de um erro de sintaxe, quando o sqlglot as diz; a mensagem dele é em inglês."""
    for item in getattr(erro, "errors", None) or ():
        perto = f"{item['start_context']}{item['highlight']}".split()
        return f" na posição {item['col']}, perto de '{' '.join(perto[-4:])}'"
    return ": texto ou aspas sem fim, ou caractere inesperado"


def _texto(no: Any) -> str:
    return str(no.sql(dialect=DIALETO, comments=False))


def compilar(condicao: str, colunas: Collection[str] = COLUNAS) -> tuple[str, pl.Expr, frozenset[str]]:
    """Confere e compila uma condição: (SQL canônico, expressão que dá verdadeiro ou falso, colunas lidas).

    Nulo na condição inteira = não dispara; dentro dela vale a lógica de três valores do SQL.

    Levanta:
        ErroConfiguracao: a razão, sem dizer onde (quem lê o arquivo sabe a linha).
    """
    if len(condicao) > TAMANHO_MAXIMO:
        _recusar(f"condição com {len(condicao)} caracteres; o limite é {TAMANHO_MAXIMO}")
    try:
        arvores = [arvore for arvore in sqlglot.parse(condicao, dialect=DIALETO) if arvore is not None]
        if len(arvores) != 1:
            _recusar("esperava uma única expressão" if arvores else "condição vazia")
        conferencia = _Conferencia(colunas)
        if conferencia.tipo(arvores[0]) is not Tipo.LOGICO:
            _recusar(f"a condição '{_texto(arvores[0])}' não dá verdadeiro ou falso")
    except sqlglot.errors.SqlglotError as erro:
        _recusar(f"o SQL não compila{_onde(erro)}")
    except RecursionError:
        _recusar("condição aninhada demais")
    if not conferencia.lidas:
        _recusar("a condição não lê nenhuma coluna: seria sempre igual")
    sql, lidas = _texto(arvores[0]), frozenset(conferencia.lidas)
    try:
        expressao = pl.sql_expr(sql).fill_null(value=False) & pl.col(VERDADE)
        amostra = pl.DataFrame([verdade(2), *(_serie(nome, None, 2) for nome in sorted(lidas))]).select(expressao)
    except pl.exceptions.PolarsError as erro:
        _recusar(f"o SQL não compila: {str(erro).splitlines()[0]}")
    if amostra.dtypes != [pl.Boolean()]:
        _recusar(f"a condição '{sql}' não dá verdadeiro ou falso")
    return sql, expressao, lidas
