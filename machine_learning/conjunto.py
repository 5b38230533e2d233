"""O conjunto: atributos de cada Pix como eram no instante dele, e o rótulo como se sabia no instante do treino.

Duas origens: as tabelas (`leitura`) e um histórico de seis colunas (`historico_externo`). As duas passam pelo executor
de estado, o mesmo núcleo que serve as decisões. Um Pix só conta como legítimo depois do atraso do rótulo.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from processamento.atributos import NOMES, derivar
from processamento.catalogo import PADRAO, Catalogo
from processamento.contexto import CONTEXTO
from processamento.estado.arena import Arena
from processamento.estado.lote import FATIA, Eventos, Fraudes, medir_fatia

Inteiros = NDArray[np.int64]
Logicos = NDArray[np.bool_]
NUNCA: Final = np.iinfo(np.int64).max
"""`conhecido_em_us` de quem não tem fraude confirmada."""
DIA_US: Final = 86_400_000_000


@dataclass(frozen=True)
class Historico:
    """Pix e o que se sabe deles, em ordem de instante.

    Args:
        eventos: colunas do executor de estado.
        contexto: float64 (n, len(CONTEXTO)), NaN = não informado; None = nenhum (seis colunas).
        conhecido_em_us: quando a fraude foi confirmada; `NUNCA` se não foi.
        tipologia: nome por Pix ("" = sem); serve só a relatórios.
        nomes: identificação externa de cada Pix, para a saída; None = usar `eventos.id_evento`.
    """

    eventos: Eventos
    contexto: NDArray[np.float64] | None
    conhecido_em_us: Inteiros
    tipologia: NDArray[Any]
    nomes: NDArray[Any] | None = None
    segmento: NDArray[Any] | None = None

    def __len__(self) -> int:
        """Quantos Pix."""
        return int(self.eventos.instante_us.size)

    def fraudes(self) -> Fraudes:
        """As confirmadas, com o instante em que se souberam."""
        e, quais = self.eventos, self.conhecido_em_us != NUNCA
        return Fraudes(
            e.id_evento[quais], e.instante_us[quais], self.conhecido_em_us[quais], e.pagador[quais],
            e.recebedor[quais], e.dispositivo[quais],
        )


@dataclass(frozen=True)
class Conjunto:
    """Linhas de treino ou teste, em ordem de instante; todas as colunas de forma (n, ...).

    `x` float32 (n, len(NOMES)); `conhecido_em_us` NUNCA = sem fraude confirmada; valores em centavos.
    """

    x: NDArray[np.float32]
    instante_us: Inteiros
    conhecido_em_us: Inteiros
    valor: Inteiros
    pagador: Inteiros
    recebedor: Inteiros
    id_evento: Inteiros
    tipologia: NDArray[Any]

    def __len__(self) -> int:
        """Quantas linhas."""
        return int(self.instante_us.size)

    def y(self, sabido_ate_us: int = NUNCA - 1) -> NDArray[np.int8]:
        """1 onde a fraude era conhecida até `sabido_ate_us` (inclusive)."""
        return (self.conhecido_em_us <= sabido_ate_us).astype(np.int8)

    def onde(self, quais: Logicos) -> Self:
        """Só as linhas marcadas."""
        return type(self)(*(getattr(self, nome)[quais] for nome in self.__dataclass_fields__))

    def entre(self, de_us: int, ate_us: int) -> Self:
        """As linhas com instante em [de, até)."""
        return self.onde((self.instante_us >= de_us) & (self.instante_us < ate_us))


class Medidor:
    """Todo o histórico no estado, pronto a medir os Pix que se pedem.

    Args:
        historico: todos os Pix e as fraudes confirmadas.
        catalogo: o que medir.
    """

    def __init__(self, historico: Historico, catalogo: Catalogo) -> None:
        self._historico, self._catalogo = historico, catalogo
        self._arena = Arena(catalogo, reter_tudo=True)
        self._arena.inserir(historico.eventos.linhas())
        self._arena.inserir(historico.fraudes().linhas())

    def atributos(self, lugares: Inteiros) -> NDArray[np.float64]:
        """Os atributos dos Pix nessas posições do histórico, float64 (n, len(NOMES)); NaN = nulo."""
        h = self._historico
        e = Eventos(*(getattr(h.eventos, nome)[lugares] for nome in Eventos.__dataclass_fields__))
        ctx = np.full((lugares.size, len(CONTEXTO)), np.nan) if h.contexto is None else h.contexto[lugares]
        primitivas = medir_fatia(self._catalogo, self._arena, e, slice(None))
        return derivar(self._catalogo, primitivas, e.instante_us, e.valor_centavos, ctx)


def medir(
    historico: Historico, catalogo: Catalogo, quais: Logicos, progresso: Callable[[int], None] = lambda _: None
) -> Conjunto:
    """Calcula os atributos só dos Pix marcados, com todo o histórico no estado.

    Medir depois de inserir tudo dá o mesmo que servir em ordem: as janelas só olham para antes de cada Pix, e uma
    fraude só existe a partir de `conhecido_em_us`.

    Args:
        historico: todos os Pix.
        catalogo: o que medir.
        quais: lógico (n,), os Pix que se querem.
        progresso: recebe quantos Pix foram medidos a cada fatia.
    """
    medidor = Medidor(historico, catalogo)
    lugares = np.flatnonzero(quais)
    e = Eventos(*(getattr(historico.eventos, nome)[lugares] for nome in Eventos.__dataclass_fields__))
    x = np.empty((lugares.size, len(NOMES)), np.float32)
    for inicio in range(0, lugares.size, FATIA):
        fatia = slice(inicio, min(inicio + FATIA, lugares.size))
        x[fatia] = medidor.atributos(lugares[fatia])
        progresso(fatia.stop - fatia.start)
    return Conjunto(
        x, e.instante_us, historico.conhecido_em_us[lugares], e.valor_centavos, e.pagador, e.recebedor, e.id_evento,
        historico.tipologia[lugares],
    )


def catalogo_de(atraso_dias: int) -> Catalogo:
    """O catálogo cujo risco tardio respeita o atraso do rótulo; o padrão quando coincide."""
    return PADRAO if atraso_dias == PADRAO.maturacao_dias else Catalogo(maturacao_dias=max(1, atraso_dias))
