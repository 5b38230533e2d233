"""Os atributos que o modelo vê: float64 derivados das primitivas e do evento, por uma função comum aos dois executores.

Nulo é NaN. Divisão por zero ou por nulo dá NaN. Valores em centavos, durações em segundos, horário de Brasília
(UTC-3, sem horário de verão desde 2019).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processamento.calendario import Calendario
from processamento.catalogo import ESCALA_LOG, NULO, SEGUNDO_US, Catalogo
from processamento.contexto import CONTEXTO, DOMINIOS

Reais = NDArray[np.float64]
Inteiros = NDArray[np.int64]
_LUGAR: Final = {nome: i for i, nome in enumerate(CONTEXTO)}


class Entradas:
    """O que uma fórmula pode ler: primitivas por nome, contexto por nome, instante, valor e calendário."""

    def __init__(
        self, catalogo: Catalogo, primitivas: Inteiros, instante_us: Inteiros, valor_centavos: Inteiros, contexto: Reais
    ) -> None:
        self._coluna = {p.nome: i for i, p in enumerate(catalogo.primitivas)}
        # Uma coluna por linha, já em reais: cada fórmula lê memória corrida, e a conversão se faz uma vez.
        self._primitivas = np.array(primitivas.T, np.float64, order="C")
        np.putmask(self._primitivas, self._primitivas == NULO, np.nan)
        self._contexto = np.ascontiguousarray(contexto.T)
        self._instante = instante_us
        self.valor: Reais = valor_centavos.astype(np.float64)

    @cached_property
    def calendario(self) -> Calendario:
        """Hora, dia e feriados de Brasília."""
        return Calendario(self._instante)

    def p(self, nome: str) -> Reais:
        """Uma primitiva como float64; NULO vira NaN."""
        linha: Reais = self._primitivas[self._coluna[nome]]
        return linha

    def segundos(self, nome: str) -> Reais:
        """Uma primitiva de duração, em segundos."""
        return self.p(nome) / SEGUNDO_US

    def c(self, nome: str) -> Reais:
        """Uma coluna do contexto."""
        linha: Reais = self._contexto[_LUGAR[nome]]
        return linha


def razao(numerador: Reais, denominador: Reais) -> Reais:
    """Numerador / denominador, NaN onde o denominador é nulo ou zero."""
    seguro = np.where(denominador == 0, np.nan, denominador)
    return np.asarray(numerador / seguro, dtype=np.float64)


Formula = Callable[[Entradas], Reais]


@dataclass(frozen=True)
class Atributo:
    """Uma coluna que o modelo vê.

    Args:
        nome: nome da coluna.
        formula: função pura sobre `Entradas`.
        unidade: unidade física ou `razao`, `codigo`, `logico`, `contagem`.
        descricao: o que mede, em uma frase que também serve de motivo ao analista.
        nulo: o que NaN quer dizer.
    """

    nome: str
    formula: Formula
    unidade: str
    descricao: str
    nulo: str = "nunca nulo"


def _prim(nome: str, unidade: str, descricao: str, primitiva: str | None = None, nulo: str = "nunca nulo") -> Atributo:
    origem = primitiva or nome
    return Atributo(nome, lambda e: e.p(origem), unidade, descricao, nulo)


def _seg(nome: str, primitiva: str, descricao: str, nulo: str) -> Atributo:
    return Atributo(nome, lambda e: e.segundos(primitiva), "s", descricao, nulo)


def _div(nome: str, de: str, por: str, descricao: str, nulo: str, escala: float = 1.0) -> Atributo:
    return Atributo(nome, lambda e: razao(e.p(de), e.p(por) * escala), "razao", descricao, nulo)


def _ctx(nome: str, unidade: str, descricao: str) -> Atributo:
    return Atributo(nome, lambda e: e.c(nome), unidade, descricao, "não informado")


def _afastamento(prefixo: str) -> Formula:
    """Desvios-padrão entre o log do valor e a média dos logs de 30 dias; NaN com menos de 3 eventos ou sem variação."""

    def formula(e: Entradas) -> Reais:
        n = e.p(f"{prefixo}_qtd_30d")
        media = razao(e.p(f"{prefixo}_log_30d"), n)
        variancia = razao(e.p(f"{prefixo}_log2_30d"), n) - media * media
        desvio = np.sqrt(np.maximum(variancia, 0.0))
        atual = np.floor(ESCALA_LOG * np.log1p(e.valor / 100.0) + 0.5)
        minimo_de_eventos = 3
        return np.where(n >= minimo_de_eventos, razao(atual - media, desvio), np.nan)

    return formula


def _com_valor(numerador: str, denominador: str) -> Formula:
    """(soma da janela + este valor) / soma de outra janela."""
    return lambda e: razao(e.p(numerador) + e.valor, e.p(denominador))


_LADOS: Final = (("pag", "saida", "entrada", "pagador"), ("rec", "entrada", "saida", "recebedor"))
_SEM = "não houve no período"


def _do_lado(lado: str, proprio: str, oposto: str, quem: str) -> list[Atributo]:
    p, o = f"{lado}_{proprio}", f"{lado}_{oposto}"
    verbo, inverso = ("fez", "recebeu") if lado == "pag" else ("recebeu", "fez")
    pares = "recebedores" if lado == "pag" else "pagadores"
    fraude = f"{lado}_fraude_{proprio}"
    itens: list[Atributo] = []
    for w in ("5min", "1h", "24h", "7d", "30d"):
        itens.append(_prim(f"{p}_qtd_{w}", "contagem", f"quantos Pix o {quem} {verbo} em {w}"))
        itens.append(_prim(f"{p}_valor_{w}", "centavos", f"quanto o {quem} {verbo} em Pix em {w}"))
    itens += [_prim(f"{p}_distintos_{w}", "contagem", f"{pares} distintos do {quem} em {w} (últimos 256 Pix)")
              for w in ("1h", "24h", "7d", "30d")]
    itens += [
        Atributo(f"{p}_media_30d", lambda e: razao(e.p(f"{p}_valor_30d"), e.p(f"{p}_qtd_30d")), "centavos",
                 f"valor médio que o {quem} {verbo} em 30d", _SEM),
        Atributo(f"{p}_valor_sobre_media", lambda e: razao(e.valor, razao(e.p(f"{p}_valor_30d"), e.p(f"{p}_qtd_30d"))),
                 "razao", f"este valor sobre a média de 30d do {quem}", _SEM),
        Atributo(f"{p}_valor_sobre_maximo", lambda e: razao(e.valor, e.p(f"{p}_maximo_30d")),
                 "razao", f"este valor sobre o maior dos últimos 256 Pix do {quem} em 30d", _SEM),
        Atributo(f"{p}_afastamento_log", _afastamento(p), "desvios",
                 f"quão longe o valor está do costume do {quem} (log, 30d)", "menos de 3 Pix em 30d"),
        _div(f"{p}_surto_24h", f"{p}_qtd_24h", f"{p}_qtd_30d", f"Pix de 24h sobre a média diária de 30d do {quem}",
             _SEM, 1 / 30),
        _div(f"{p}_surto_1h", f"{p}_qtd_1h", f"{p}_qtd_24h", f"fração dos Pix de 24h do {quem} na última hora", _SEM),
        _div(f"{p}_novidade_24h", f"{p}_distintos_24h", f"{p}_qtd_24h",
             f"{pares} distintos por Pix do {quem} em 24h", _SEM),
        _seg(f"{p}_desde_ultimo", f"{p}_desde_ultimo_horizonte", f"tempo desde o último Pix que o {quem} {verbo}",
             "nenhum no horizonte"),
        _seg(f"{p}_desde_primeiro", f"{p}_desde_primeiro_horizonte",
             f"tempo desde o primeiro Pix que o {quem} {verbo} no horizonte", "nenhum no horizonte"),
        _seg(f"{o}_desde_ultimo", f"{o}_desde_ultimo_horizonte", f"tempo desde o último Pix que o {quem} {inverso}",
             "nenhum no horizonte"),
        _seg(f"{o}_desde_primeiro", f"{o}_desde_primeiro_horizonte",
             f"tempo desde o primeiro Pix que o {quem} {inverso} no horizonte", "nenhum no horizonte"),
    ]
    for w in ("1h", "24h", "7d"):
        itens.append(_prim(f"{o}_qtd_{w}", "contagem", f"quantos Pix o {quem} {inverso} em {w}"))
        itens.append(_prim(f"{o}_valor_{w}", "centavos", f"quanto o {quem} {inverso} em Pix em {w}"))
    itens.append(_prim(f"{o}_distintos_24h", "contagem", f"contrapartes distintas do que o {quem} {inverso} em 24h"))
    for w in ("24h", "7d", "30d"):
        itens.append(_prim(f"{fraude}_qtd_{w}", "contagem", f"fraudes do {quem} confirmadas nos últimos {w}"))
        itens.append(_div(f"{fraude}_risco_{w}", f"{fraude}_maduras_{w}", f"{p}_qtd_maduro_{w}",
                          f"fração de fraudes confirmadas entre os Pix já maduros do {quem} ({w})", _SEM))
    contraria = f"{lado}_fraude_{oposto}_qtd_30d"
    itens.append(_prim(contraria, "contagem", f"fraudes confirmadas em 30d em que o {quem} estava do outro lado"))
    itens.append(_seg(f"{fraude}_desde_ultimo", f"{fraude}_desde_ultimo_horizonte",
                      f"tempo desde a última fraude confirmada do {quem}", "nenhuma no horizonte"))
    return itens


def _do_par() -> list[Atributo]:
    par = "pag_saida_par"
    return [
        _prim("par_qtd_30d", "contagem", "Pix anteriores deste pagador a este recebedor em 30d", f"{par}_qtd_30d"),
        _prim("par_valor_30d", "centavos", "total já enviado a este recebedor em 30d", f"{par}_valor_30d"),
        _seg("par_desde_ultimo", f"{par}_desde_ultimo_30d", "tempo desde o último Pix a este recebedor", "par inédito"),
        _seg("par_desde_primeiro", f"{par}_desde_primeiro_30d", "tempo desde o primeiro Pix a este recebedor",
             "par inédito"),
        _prim("par_reverso_qtd_30d", "contagem", "Pix que este recebedor já enviou ao pagador em 30d",
              "pag_entrada_par_qtd_30d"),
        _div("par_fracao_30d", f"{par}_qtd_30d", "pag_saida_qtd_30d",
             "fração dos Pix do pagador que vão a este recebedor", _SEM),
        Atributo("par_valor_sobre_media",
                 lambda e: razao(e.valor, razao(e.p(f"{par}_valor_30d"), e.p(f"{par}_qtd_30d"))),
                 "razao", "este valor sobre a média já enviada a este recebedor", "par inédito"),
    ]


def _de_passagem() -> list[Atributo]:
    itens = []
    for w in ("1h", "24h", "7d"):
        itens.append(Atributo(f"pag_repasse_{w}", _com_valor(f"pag_saida_valor_{w}", f"pag_entrada_valor_{w}"), "razao",
                              f"fração do que o pagador recebeu em {w} que já sai, com este Pix", _SEM))
        itens.append(_div(f"rec_repasse_{w}", f"rec_saida_valor_{w}", f"rec_entrada_valor_{w}",
                          f"fração do que o recebedor recebeu em {w} que ele já repassou", _SEM))
    return itens


def _do_dispositivo() -> list[Atributo]:
    sem = "sem dispositivo informado"
    return [
        *[_prim(f"disp_qtd_{w}", "contagem", f"Pix feitos no aparelho em {w}", f"disp_uso_qtd_{w}", sem)
          for w in ("1h", "24h", "7d")],
        *[_prim(f"disp_contas_{w}", "contagem", f"contas distintas que usaram o aparelho em {w}",
                f"disp_uso_distintos_{w}", sem) for w in ("24h", "30d")],
        _prim("disp_desta_conta_30d", "contagem", "Pix desta conta neste aparelho em 30d", "disp_uso_par_qtd_30d", sem),
        _seg("disp_desde_primeiro_desta_conta", "disp_uso_par_desde_primeiro_30d",
             "tempo desde que esta conta usou este aparelho pela primeira vez", "aparelho novo para a conta"),
        _seg("disp_desde_ultimo", "disp_uso_desde_ultimo_horizonte", "tempo desde o último Pix do aparelho",
             "aparelho nunca visto"),
        _seg("disp_desde_primeiro", "disp_uso_desde_primeiro_horizonte", "tempo desde o primeiro Pix do aparelho",
             "aparelho nunca visto"),
        *[_prim(f"disp_fraudes_{w}", "contagem", f"fraudes do aparelho confirmadas em {w}",
                f"disp_fraude_uso_qtd_{w}", sem) for w in ("7d", "30d")],
        _div("disp_risco_30d", "disp_fraude_uso_maduras_30d", "disp_uso_qtd_maduro_30d",
             "fração de fraudes confirmadas entre os Pix já maduros do aparelho", _SEM),
        _div("disp_fracao_da_conta", "disp_uso_par_qtd_30d", "pag_saida_qtd_30d",
             "fração dos Pix da conta em 30d feitos neste aparelho", _SEM),
    ]


def _do_evento() -> list[Atributo]:
    centavos_por_real, dezena = 100.0, 1_000.0
    return [
        Atributo("valor_log", lambda e: np.log1p(e.valor / centavos_por_real), "ln(1+R$)", "o valor deste Pix"),
        Atributo("valor_redondo", lambda e: (e.valor % dezena == 0).astype(np.float64), "logico",
                 "valor múltiplo de R$ 10"),
        Atributo("hora", lambda e: e.calendario.hora, "h", "a hora do dia em Brasília"),
        Atributo("dia_da_semana", lambda e: e.calendario.dia_da_semana, "codigo", "o dia da semana (0 = segunda)"),
        Atributo("dia_do_mes", lambda e: e.calendario.dia_do_mes, "dia", "o dia do mês"),
        Atributo("dia_util_do_mes", lambda e: e.calendario.dia_util_do_mes, "contagem",
                 "quantos dias de semana do mês já começaram (5 = dia de salário)"),
        Atributo("noturno", lambda e: e.calendario.noturno, "logico",
                 "entre 20h e 6h de Brasília (Res. BCB 142/2021)"),
    ]


def _do_contexto() -> list[Atributo]:
    unidade = {"dias": "dias", "segundos": "s", "horas": "h"}
    itens = []
    for nome in CONTEXTO:
        tipo = "codigo" if nome in DOMINIOS else unidade.get(nome.rsplit("_", 1)[-1], "valor informado")
        itens.append(_ctx(nome, tipo, nome.replace("_", " ") + " informado na ordem"))
    return itens


ATRIBUTOS: Final[tuple[Atributo, ...]] = (
    *_do_lado(*_LADOS[0]), *_do_lado(*_LADOS[1]), *_do_par(), *_de_passagem(), *_do_dispositivo(), *_do_evento(),
    *_do_contexto(),
)
"""Na ordem das colunas do modelo, da assinatura do MLflow e de `atributos` em cada decisão."""
NOMES: Final[tuple[str, ...]] = tuple(a.nome for a in ATRIBUTOS)
LINHAS_POR_VEZ: Final = 2_000
"""Linhas derivadas de cada vez: as colunas de um bloco cabem no cache; as de um histórico inteiro, não."""


def derivar(
    catalogo: Catalogo, primitivas: Inteiros, instante_us: Inteiros, valor_centavos: Inteiros, contexto: Reais
) -> Reais:
    """Os atributos, float64 de forma (eventos, len(ATRIBUTOS)), cada coluna em memória corrida.

    Args:
        catalogo: dá a ordem das primitivas.
        primitivas: int64 (eventos, primitivas).
        instante_us: int64 (eventos,), µs UTC.
        valor_centavos: int64 (eventos,).
        contexto: float64 (eventos, len(CONTEXTO)), de `contexto.contexto`.
    """
    colunas = np.empty((len(ATRIBUTOS), instante_us.size))
    for inicio in range(0, instante_us.size, LINHAS_POR_VEZ):
        fatia = slice(inicio, inicio + LINHAS_POR_VEZ)
        entradas = Entradas(catalogo, primitivas[fatia], instante_us[fatia], valor_centavos[fatia], contexto[fatia])
        for i, atributo in enumerate(ATRIBUTOS):
            colunas[i, fatia] = atributo.formula(entradas)
    return colunas.T
