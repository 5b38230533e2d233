"""O catálogo de atributos: cada um declarado uma vez, como dado, e calculado por dois executores iguais.

Há dois andares. As **primitivas** são inteiros exatos (contagens, somas, instantes) sobre o diário de uma entidade;
só elas têm dois executores (`estado.nucleo` com numba e `janelas_spark` com `rangeBetween`). Os **atributos** são
float64 derivados das primitivas e do próprio evento por uma única função (`atributos.derivar`), comum aos dois.

Regras, iguais nos dois executores:
- uma janela de `janela_s` segundos contém os eventos com instante em `[t - w, t)`: estritamente anteriores;
- com `atraso_s` a janela recua: `[t - d - w, t - d)`;
- medidas de `POR_LISTA` olham só os últimos `K` eventos do diário (por instante e, no empate, por `id_evento`) e,
  entre eles, os da janela; contagens e somas são exatas e sem limite;
- nulo é `NULO` (-1): não há o que medir. Contagem e soma de janela vazia valem 0, salvo entidade ausente (`NULO`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Final

from plataforma.erros import ErroConfiguracao

NULO: Final = -1
K: Final = 256
"""Últimos eventos que as medidas de lista enxergam, por diário."""
SEGUNDO_US: Final = 1_000_000
MINUTO: Final = 60
HORA: Final = 3_600
DIA: Final = 86_400
MES: Final = 30 * DIA
FOLGA_DIAS: Final = 3
"""O estado retém isto além da janela mais funda: um evento atrasado até aqui ainda encontra a sua janela inteira."""
ESCALA_LOG: Final = 1_000
"""Logaritmos em ponto fixo: round(1000·ln(1 + R$)), para somar quadrados sem estouro nem deriva."""


class Papel(IntEnum):
    """De quem é o diário consultado por um evento."""

    PAGADOR = 0
    RECEBEDOR = 1
    DISPOSITIVO = 2


class Fluxo(IntEnum):
    """Qual diário da entidade: o que saiu, o que entrou, o aparelho, e as fraudes confirmadas de cada um.

    Nos diários de fraude o instante é o do conhecimento (`conhecido_em`) e o valor é o instante do pagamento.
    """

    SAIDA = 0
    ENTRADA = 1
    DISPOSITIVO = 2
    FRAUDE_SAIDA = 3
    FRAUDE_ENTRADA = 4
    FRAUDE_DISPOSITIVO = 5


PAPEL_DO_FLUXO: Final = {
    Fluxo.SAIDA: Papel.PAGADOR, Fluxo.ENTRADA: Papel.RECEBEDOR, Fluxo.DISPOSITIVO: Papel.DISPOSITIVO,
}
"""De que papel é a consulta de cada linha que um Pix põe nos diários; linhas de fraude não consultam."""


class Medida(IntEnum):
    """O que se mede no diário. Instantes e durações em µs, valores em centavos."""

    CONTAGEM = 0
    SOMA = 1
    SOMA_LOG = 2
    SOMA_LOG2 = 3
    DESDE_ULTIMO = 4
    DESDE_PRIMEIRO = 5
    MAXIMO = 6
    DISTINTOS = 7
    IGUAIS = 8
    SOMA_IGUAIS = 9
    DESDE_ULTIMO_IGUAL = 10
    DESDE_PRIMEIRO_IGUAL = 11
    FRAUDES_MADURAS = 12


POR_LISTA: Final = frozenset({
    Medida.MAXIMO, Medida.DISTINTOS, Medida.IGUAIS, Medida.SOMA_IGUAIS, Medida.DESDE_ULTIMO_IGUAL,
    Medida.DESDE_PRIMEIRO_IGUAL,
})
"""Medidas limitadas aos últimos K. `*_IGUAL*` comparam a contraparte do diário com a do evento."""


@dataclass(frozen=True)
class Primitiva:
    """Uma medida inteira sobre o diário `fluxo` da entidade no papel `papel`.

    `FRAUDES_MADURAS`: fraudes com pagamento em `[t - d - w, t - d)` e já conhecidas em t.
    """

    nome: str
    papel: Papel
    fluxo: Fluxo
    medida: Medida
    janela_s: int
    atraso_s: int = 0

    @property
    def janela_us(self) -> int:
        """A janela em µs."""
        return self.janela_s * SEGUNDO_US

    @property
    def atraso_us(self) -> int:
        """O recuo da janela em µs."""
        return self.atraso_s * SEGUNDO_US


_ROTULO_JANELA: Final = {5 * MINUTO: "5min", HORA: "1h", DIA: "24h", 7 * DIA: "7d", MES: "30d"}
_PREFIXO: Final = {Papel.PAGADOR: "pag", Papel.RECEBEDOR: "rec", Papel.DISPOSITIVO: "disp"}
_NOME_FLUXO: Final = {
    Fluxo.SAIDA: "saida", Fluxo.ENTRADA: "entrada", Fluxo.DISPOSITIVO: "uso",
    Fluxo.FRAUDE_SAIDA: "fraude_saida", Fluxo.FRAUDE_ENTRADA: "fraude_entrada", Fluxo.FRAUDE_DISPOSITIVO: "fraude_uso",
}
_NOME_MEDIDA: Final = {
    Medida.CONTAGEM: "qtd", Medida.SOMA: "valor", Medida.SOMA_LOG: "log", Medida.SOMA_LOG2: "log2",
    Medida.DESDE_ULTIMO: "desde_ultimo", Medida.DESDE_PRIMEIRO: "desde_primeiro", Medida.MAXIMO: "maximo",
    Medida.DISTINTOS: "distintos", Medida.IGUAIS: "par_qtd", Medida.SOMA_IGUAIS: "par_valor",
    Medida.DESDE_ULTIMO_IGUAL: "par_desde_ultimo", Medida.DESDE_PRIMEIRO_IGUAL: "par_desde_primeiro",
    Medida.FRAUDES_MADURAS: "maduras",
}


def _p(papel: Papel, fluxo: Fluxo, medida: Medida, janela_s: int, atraso_s: int = 0) -> Primitiva:
    janela = _ROTULO_JANELA.get(janela_s, "horizonte")
    atraso = "_maduro" if atraso_s and medida is not Medida.FRAUDES_MADURAS else ""
    nome = f"{_PREFIXO[papel]}_{_NOME_FLUXO[fluxo]}_{_NOME_MEDIDA[medida]}{atraso}_{janela}"
    return Primitiva(nome, papel, fluxo, medida, janela_s, atraso_s)


@dataclass(frozen=True)
class Catalogo:
    """As primitivas de todos os papéis.

    Args:
        maturacao_dias: idade a partir da qual um pagamento é tido por rotulado (denominador do risco tardio).
        horizonte_dias: retenção do estado. `desde_primeiro` e `desde_ultimo` enxergam até `FOLGA_DIAS` antes dele.
            Padrão: 30 + maturação + folga.

    Levanta:
        ErroConfiguracao: maturação menor que um dia, ou horizonte que não cobre a janela mais funda.
    """

    maturacao_dias: int = 7
    horizonte_dias: int = 0

    def __post_init__(self) -> None:
        """Fixa o horizonte quando não foi dado; recusa o que não serve."""
        minimo = MES // DIA + self.maturacao_dias + FOLGA_DIAS
        if not self.horizonte_dias:
            object.__setattr__(self, "horizonte_dias", minimo)
        if self.maturacao_dias < 1:
            msg = f"maturacao_dias = {self.maturacao_dias} não serve; esperado: inteiro ≥ 1"
            raise ErroConfiguracao(msg)
        if self.horizonte_dias < minimo:
            msg = f"horizonte_dias = {self.horizonte_dias} não serve; esperado: ≥ {minimo} (30 + maturação + folga)"
            raise ErroConfiguracao(msg)

    @property
    def alcance_s(self) -> int:
        """Até onde vão as medidas sem janela própria (`desde_*` de horizonte), em segundos."""
        return (self.horizonte_dias - FOLGA_DIAS) * DIA

    @property
    def horizonte_us(self) -> int:
        """A retenção do estado em µs."""
        return self.horizonte_dias * DIA * SEGUNDO_US

    @cached_property
    def primitivas(self) -> tuple[Primitiva, ...]:
        """Todas, na ordem em que viajam: pagador, recebedor, dispositivo."""
        return (*self._conta(Papel.PAGADOR), *self._conta(Papel.RECEBEDOR), *self._dispositivo())

    def do_papel(self, papel: Papel) -> tuple[Primitiva, ...]:
        """As primitivas de um papel, na ordem."""
        return tuple(p for p in self.primitivas if p.papel is papel)

    @cached_property
    def versao(self) -> str:
        """Identidade do catálogo: muda quando qualquer definição muda."""
        texto = repr((self.primitivas, self.horizonte_dias, K, ESCALA_LOG))
        return hashlib.sha256(texto.encode()).hexdigest()[:12]

    def _conta(self, papel: Papel) -> tuple[Primitiva, ...]:
        proprio, oposto = (
            (Fluxo.SAIDA, Fluxo.ENTRADA) if papel is Papel.PAGADOR else (Fluxo.ENTRADA, Fluxo.SAIDA)
        )
        fraude = Fluxo.FRAUDE_SAIDA if papel is Papel.PAGADOR else Fluxo.FRAUDE_ENTRADA
        outra_fraude = Fluxo.FRAUDE_ENTRADA if papel is Papel.PAGADOR else Fluxo.FRAUDE_SAIDA
        horizonte, d, mes = self.alcance_s, self.maturacao_dias * DIA, MES
        itens: list[Primitiva] = []
        for w in (5 * MINUTO, HORA, DIA, 7 * DIA, mes):
            itens += [_p(papel, proprio, Medida.CONTAGEM, w), _p(papel, proprio, Medida.SOMA, w)]
        itens += [_p(papel, proprio, m, mes) for m in (Medida.SOMA_LOG, Medida.SOMA_LOG2, Medida.MAXIMO)]
        itens += [_p(papel, proprio, Medida.DISTINTOS, w) for w in (HORA, DIA, 7 * DIA, mes)]
        if papel is Papel.PAGADOR:  # o par visto do pagador: o diário do recebedor diria o mesmo, com K menos fundo
            itens += [
                _p(papel, proprio, m, mes)
                for m in (Medida.IGUAIS, Medida.SOMA_IGUAIS, Medida.DESDE_ULTIMO_IGUAL, Medida.DESDE_PRIMEIRO_IGUAL)
            ]
            itens.append(_p(papel, oposto, Medida.IGUAIS, mes))
        itens += [_p(papel, f, Medida.DESDE_ULTIMO, horizonte) for f in (proprio, oposto)]
        itens += [_p(papel, f, Medida.DESDE_PRIMEIRO, horizonte) for f in (proprio, oposto)]
        for w in (HORA, DIA, 7 * DIA):
            itens += [_p(papel, oposto, Medida.CONTAGEM, w), _p(papel, oposto, Medida.SOMA, w)]
        itens.append(_p(papel, oposto, Medida.DISTINTOS, DIA))
        itens += [_p(papel, fraude, Medida.CONTAGEM, w) for w in (DIA, 7 * DIA, mes)]
        itens += [_p(papel, outra_fraude, Medida.CONTAGEM, mes), _p(papel, fraude, Medida.DESDE_ULTIMO, horizonte)]
        for w in (DIA, 7 * DIA, mes):
            itens += [_p(papel, proprio, Medida.CONTAGEM, w, d), _p(papel, fraude, Medida.FRAUDES_MADURAS, w, d)]
        return tuple(itens)

    def _dispositivo(self) -> tuple[Primitiva, ...]:
        papel, uso, horizonte, mes = Papel.DISPOSITIVO, Fluxo.DISPOSITIVO, self.alcance_s, MES
        d = self.maturacao_dias * DIA
        itens = [_p(papel, uso, Medida.CONTAGEM, w) for w in (HORA, DIA, 7 * DIA)]
        itens += [_p(papel, uso, Medida.DISTINTOS, w) for w in (DIA, mes)]
        itens += [_p(papel, uso, m, mes) for m in (Medida.IGUAIS, Medida.DESDE_PRIMEIRO_IGUAL)]
        itens += [_p(papel, uso, m, horizonte) for m in (Medida.DESDE_ULTIMO, Medida.DESDE_PRIMEIRO)]
        itens += [_p(papel, Fluxo.FRAUDE_DISPOSITIVO, Medida.CONTAGEM, w) for w in (7 * DIA, mes)]
        itens += [
            _p(papel, uso, Medida.CONTAGEM, mes, d),
            _p(papel, Fluxo.FRAUDE_DISPOSITIVO, Medida.FRAUDES_MADURAS, mes, d),
        ]
        return tuple(itens)


PADRAO: Final = Catalogo()
"""O catálogo servido: maturação de 7 dias (análise do recebedor no MED: até 7 dias; pix.md 3.5)."""
