"""Deriva: o quanto a população de agora se afastou da que validou o modelo. Puro.

PSI = Σ (q - p)·ln(q / p) sobre casas fixadas no treino: os decis, cada um com uma casa só para o seu valor (os que se
repetem), e uma para os nulos. Fonte: Siddiqi (2006), Credit Risk Scorecards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from machine_learning.custos import Retreino
from machine_learning.relatorio_texto import numero
from processamento.atributos import NOMES

Inteiros = NDArray[np.int64]
DECIS: Final = np.linspace(0.1, 0.9, 9)
PISO: Final = 1e-4
"""Fração mínima de uma casa: uma casa vazia não pode dar PSI infinito."""
PONTUACAO: Final = "probabilidade"
VARIAVEIS: Final = (*NOMES, PONTUACAO)
CALENDARIO: Final = frozenset({"hora", "dia_da_semana", "dia_do_mes", "dia_util_do_mes", "noturno"})
"""Mudam com o relógio, não com a população: medem-se, mas não propõem treino."""
HORA_US: Final = 3_600_000_000
DIA_HORAS: Final = 24
_MAXIMO_CASAS: Final = 2 * DECIS.size + 2


@dataclass(frozen=True)
class Regua:
    """As casas de uma variável e a fração da referência em cada uma; a última casa é a dos nulos.

    Com k bordas há 2k + 2 casas: abaixo da primeira, igual a ela, entre ela e a segunda, …, acima da última, nulos.
    """

    bordas: NDArray[np.float32]
    fracoes: NDArray[np.float64]

    def casas(self, valores: NDArray[Any]) -> Inteiros:
        """A casa de cada valor, int64 (n,)."""
        v = valores.astype(np.float32)
        lugar = np.searchsorted(self.bordas, v, "left") + np.searchsorted(self.bordas, v, "right")
        return np.where(np.isnan(v), 2 * self.bordas.size + 1, lugar).astype(np.int64)

    def psi(self, contagem: Inteiros) -> float:
        """O PSI de uma contagem por casa contra a referência."""
        q = np.maximum(contagem[: self.fracoes.size] / max(int(contagem.sum()), 1), PISO)
        p = np.maximum(self.fracoes, PISO)
        return float(((q - p) * np.log(q / p)).sum())

    def para_dict(self) -> dict[str, Any]:
        """Como viaja na ficha do modelo."""
        return {"bordas": self.bordas.tolist(), "fracoes": [round(float(f), 6) for f in self.fracoes]}

    @staticmethod
    def de_dict(dados: Mapping[str, Any]) -> Regua:
        """O inverso de `para_dict`."""
        return Regua(np.array(dados["bordas"], np.float32), np.array(dados["fracoes"], np.float64))


def regua(valores: NDArray[Any]) -> Regua:
    """A régua de uma amostra (n,); NaN = nulo."""
    cheios = valores[~np.isnan(valores)].astype(np.float32)
    bordas = np.unique(np.quantile(cheios, DECIS, method="inverted_cdf")) if cheios.size else np.empty(0, np.float32)
    vazia = Regua(bordas.astype(np.float32), np.empty(0))
    contagem = np.bincount(vazia.casas(valores), minlength=2 * bordas.size + 2)
    return Regua(vazia.bordas, contagem / max(valores.size, 1))


def referencia(x: NDArray[np.float32], p: NDArray[np.float64]) -> dict[str, Any]:
    """As réguas dos atributos (colunas de `x`, na ordem de `NOMES`) e da probabilidade, para a ficha do modelo."""
    colunas: list[NDArray[Any]] = [*x.T, p]
    return {
        "variaveis": {nome: regua(c).para_dict() for nome, c in zip(VARIAVEIS, colunas, strict=True)},
        "linhas": int(p.size),
    }


class Contador:
    """Conta, por hora de chegada, em que casa da referência de uma versão caiu cada Pix.

    Attributes:
        horas: início da hora (µs UTC) → contagens int64 (len(VARIAVEIS), casas).
    """

    def __init__(self, da_ficha: Mapping[str, Any]) -> None:
        self.reguas = [Regua.de_dict(da_ficha["variaveis"][nome]) for nome in VARIAVEIS]
        self.horas: dict[int, Inteiros] = {}

    def somar(self, chegada_us: Inteiros, x: NDArray[np.float64], p: NDArray[np.float64]) -> None:
        """Acrescenta um lote: instantes (n,), atributos (n, len(NOMES)) e probabilidades (n,)."""
        horas, qual = np.unique(chegada_us // HORA_US * HORA_US, return_inverse=True)
        soma = np.zeros((horas.size, len(VARIAVEIS), _MAXIMO_CASAS), np.int64)
        for j, r in enumerate(self.reguas):
            casas = r.casas(p if j == len(NOMES) else x[:, j])
            total = np.bincount(qual * _MAXIMO_CASAS + casas, minlength=horas.size * _MAXIMO_CASAS)
            soma[:, j] = total.reshape(horas.size, _MAXIMO_CASAS)
        for hora, contagem in zip(horas.tolist(), soma, strict=True):
            self.horas[hora] = self.horas.get(hora, 0) + contagem

    def psi(self, contagem: Inteiros) -> dict[str, float]:
        """O PSI de cada variável em uma contagem (uma hora, ou a soma de várias)."""
        return {nome: r.psi(contagem[j]) for j, (nome, r) in enumerate(zip(VARIAVEIS, self.reguas, strict=True))}

    def nulos(self, contagem: Inteiros) -> dict[str, float]:
        """A fração de nulos de cada variável."""
        total = max(linhas(contagem), 1)
        return {
            nome: float(contagem[j, r.fracoes.size - 1] / total)
            for j, (nome, r) in enumerate(zip(VARIAVEIS, self.reguas, strict=True))
        }

    def ultimo_dia(self) -> tuple[Inteiros, int]:
        """A soma das 24 h que terminam na última hora vista, e em quantas delas houve Pix."""
        recentes = [c for hora, c in self.horas.items() if hora > max(self.horas) - DIA_HORAS * HORA_US]
        return np.sum(recentes, axis=0), len(recentes)


def linhas(contagem: Inteiros) -> int:
    """Quantos Pix há em uma contagem."""
    return int(contagem[0].sum())


def propor(
    limites: Retreino, usadas: Sequence[str], contador: Contador, recall: tuple[int, float], esperado: float
) -> list[str]:
    """Os motivos para treinar de novo; vazio = nenhum. O PSI julgado é o das últimas 24 h: a hora do dia não conta.

    Args:
        limites: de `politica.yaml`.
        usadas: os atributos que o modelo de fato usa.
        contador: da versão em vigor.
        recall: (fraudes maduras, fração delas que recebeu alguma ação) da versão em vigor.
        esperado: a mesma fração na validação do treino.
    """
    motivos = []
    contagem, horas = contador.ultimo_dia() if contador.horas else (np.zeros((1, 1), np.int64), 0)
    if linhas(contagem) >= limites.linhas_minimas and horas >= limites.horas_minimas:
        medidas = contador.psi(contagem)
        if medidas[PONTUACAO] > limites.psi_pontuacao:
            valor = numero(medidas[PONTUACAO], 2)
            motivos.append(f"PSI da probabilidade {valor} > {numero(limites.psi_pontuacao, 2)}")
        altos = {n: medidas[n] for n in usadas if n not in CALENDARIO and medidas[n] > limites.psi_atributo}
        if altos:
            pior = max(altos, key=lambda n: altos[n])
            limite, valor = numero(limites.psi_atributo, 2), numero(altos[pior], 2)
            motivos.append(f"{len(altos)} atributos com PSI > {limite} (o maior: {pior}, {valor})")
    fraudes, obtido = recall
    minimo = (1.0 - limites.queda_recall) * esperado
    if fraudes >= limites.fraudes_minimas and obtido < minimo:
        textos = [numero(v, 2) for v in (obtido, minimo, esperado)]
        motivos.append(f"recall maduro {textos[0]} < {textos[1]} ({textos[2]} na validação)")
    return motivos
