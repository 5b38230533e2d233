"""O que os golpes compartilham: o cenário, o sorteio de vítimas e a moldura de uma campanha."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ingestao.simulador import lote
from ingestao.simulador.calendario import hora_local, instantes_com_ritmo
from ingestao.simulador.economia import Economia
from ingestao.simulador.laranjas import Laranjas
from ingestao.simulador.lote import Inteiros, Reais, Relacao, Tabela
from ingestao.simulador.parametros import NOMES_TIPOLOGIA

_DISCRETOS: Final = 0.2
"""Golpes de valor igual ao de um pagamento de todo dia."""
APARELHOS_FRAUDE: Final = 48
"""Aparelhos que fraudadores reaproveitam; os demais golpes usam um novo a cada vez."""


@dataclass
class Cenario:
    """Onde e quando os golpes acontecem. `campanhas` conta as já criadas, para numerá-las sem repetir."""

    rng: np.random.Generator
    economia: Economia
    laranjas: Laranjas
    de_us: int
    ate_us: int
    campanhas: int = 0

    def numerar(self, n: int) -> Inteiros:
        """`n` números novos de campanha."""
        inicio = self.campanhas
        self.campanhas += n
        return np.arange(inicio, self.campanhas)

    def momentos(self, n: int) -> Inteiros:
        """`n` instantes no ritmo comum do país."""
        return instantes_com_ritmo(self.rng, n, self.de_us, self.ate_us)[0]

    def momentos_noturnos(self, n: int, fracao: float) -> Inteiros:
        """Como `momentos`, com a fração dada empurrada para entre 20h e 3h."""
        quando = self.momentos(n)
        alvo = 20.0 + 7.0 * self.rng.random(n)
        anda = ((alvo - hora_local(quando)) * 3.6e9).astype(np.int64)
        quando = np.where(lote.chance(self.rng, n, fracao), quando + anda, quando)
        return np.asarray(np.clip(quando, self.de_us, self.ate_us - 1), dtype=np.int64)

    def vitimas(self, quando: Inteiros, *, idosas: float = 0.0) -> Inteiros:
        """Uma vítima por golpe, cliente nossa ou de fora; com probabilidade `idosas`, a mais velha de três."""
        n = len(quando)
        tres = np.stack([self.economia.gente(self.rng, n, quando) for _ in range(3)])
        idade = self.economia.populacao.idade[tres]
        velha = tres[idade.argmax(axis=0), np.arange(n)]
        return np.asarray(np.where(lote.chance(self.rng, n, idosas), velha, tres[0]), dtype=np.int64)

    def chance(self, n: int, probabilidade: float) -> npt.NDArray[np.bool_]:
        """`n` lógicos com a probabilidade dada."""
        return lote.chance(self.rng, n, probabilidade)

    def sinal(self, n: int, probabilidade: float, valor: npt.ArrayLike = 1) -> Inteiros:
        """O sinal aparece com a probabilidade dada; no resto, fica como em um pagamento comum."""
        return np.where(self.chance(n, probabilidade), valor, lote.COMUM)

    def aparelhos(self, n: int, probabilidade: float) -> tuple[Inteiros, Inteiros]:
        """Aparelho alheio (ou `COMUM`) e dias de cadastro dele: muitos já cadastrados com a senha roubada."""
        antigo = self.rng.integers(0, APARELHOS_FRAUDE, n)
        numero = np.where(self.chance(n, 0.45), antigo, APARELHOS_FRAUDE + self.numerar(n))
        dias = np.where(self.chance(n, 0.55), self.rng.integers(0, 12, n), -1)
        usa = self.chance(n, probabilidade)
        return np.where(usa, numero, lote.COMUM), np.where(usa, dias, -1)


def serie(vezes: Inteiros) -> tuple[Inteiros, Inteiros]:
    """De quem é cada passo e qual é sua ordem, para grupos com `vezes` passos cada."""
    grupo = np.repeat(np.arange(len(vezes)), vezes)
    return grupo, np.arange(len(grupo)) - np.repeat(np.cumsum(vezes) - vezes, vezes)


def bolso(cenario: Cenario, quem: Inteiros, mediana_reais: npt.ArrayLike, sigma: float) -> Reais:
    """Valores em centavos em torno da mediana, maiores para quem gasta mais; alguns, discretos."""
    nivel = lote.lognormal(cenario.rng, np.asarray(mediana_reais, np.float64) * 100, sigma, len(quem))
    nivel *= np.where(cenario.chance(len(quem), _DISCRETOS), 0.18, 1.0)
    return np.asarray(nivel * np.exp(0.8 * cenario.economia.populacao.gasto[quem]))


def golpe(
    tipologia: str, instante: Inteiros, pagador: Inteiros, recebedor: Inteiros, valor: npt.ArrayLike, **campos: Any
) -> Tabela:
    """Pagamentos fraudulentos de uma tipologia; a relação é a de uma transferência a alguém novo."""
    campos = {"relacao": Relacao.PESSOAL_INEDITA, "fraude": True} | campos
    relacao = campos.pop("relacao")
    codigo = NOMES_TIPOLOGIA.index(tipologia)
    return lote.novo(instante, pagador, recebedor, valor, relacao, tipologia=codigo, **campos)
