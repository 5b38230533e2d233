"""O detector: uma pontuação que ordena, uma probabilidade calibrada e a explicação exata das duas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from machine_learning import candidatos, partes
from machine_learning.acoes import Acao
from machine_learning.calibracao import Calibrador, logistica
from plataforma.erros import ErroDados, ErroModelo

Reais = NDArray[np.float64]


class Detector(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Pontua Pix. Entrada float64 (n, atributos), na ordem de `processamento.atributos.NOMES`; NaN = nulo.

    As colunas constantes no treino (sem dispositivo, sem contexto) são descartadas no próprio `fit`. Tudo se calcula em
    precisão simples, no treino e no serviço: os dois veem os mesmos números.

    Args:
        candidato: um de `candidatos.COMPONENTES`.
        semente: do sorteio; a mesma semente dá as mesmas notas.
        tarefas: processadores no ajuste.

    Attributes:
        colunas_: índices das colunas usadas.
        estimadores_: estimador do sklearn por componente.
        calibrador_: mapa da nota à probabilidade.
        limiares: probabilidade mínima por ação.
        metadados: o que mais viaja com o modelo (janela, versões, referência de deriva).
    """

    def __init__(self, candidato: str = "mistura", semente: int = 0, tarefas: int = 1) -> None:
        self.candidato = candidato
        self.semente = semente
        self.tarefas = tarefas

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Ajusta todas as partes do candidato.

        Levanta:
            ErroDados: forma errada, uma só classe ou nenhuma coluna que varie.
        """
        if self.candidato not in candidatos.COMPONENTES:
            msg = f"candidato = {self.candidato!r} não existe; esperado: {' | '.join(candidatos.COMPONENTES)}"
            raise ErroDados(msg)
        x = _matriz(X)
        rotulos, peso = _rotulos(y, sample_weight, x.shape[0])
        colunas = _que_variam(x)
        estimadores = {
            nome: candidatos.ajustar(nome, x[:, colunas], rotulos, peso, self.semente, self.tarefas)
            for nome in candidatos.COMPONENTES[self.candidato]
        }
        return self.receber(colunas, x.shape[1], estimadores)

    def recorte(self, candidato: str) -> Detector:
        """Outro candidato que usa só partes já ajustadas deste."""
        outro = Detector(candidato, self.semente, self.tarefas)
        quais = {nome: self.estimadores_[nome] for nome in candidatos.COMPONENTES[candidato]}
        return outro.receber(self.colunas_, self.n_features_in_, quais)

    def pontuar(self, X: Any) -> Reais:
        """A nota bruta, float64 (n,) em (0, 1): serve para ordenar. É a média dos logitos das partes, como chance."""
        x = self._entrada(X)
        soma = np.zeros(x.shape[0])
        for parte in self._partes:
            soma += parte.margem(x)
        return logistica(soma / len(self._partes))

    def calibrar(self, bruta: Reais) -> Reais:
        """A probabilidade de fraude de cada nota bruta, float64 (n,)."""
        return self.calibrador_.aplicar(bruta)

    def probabilidade(self, X: Any) -> Reais:
        """A probabilidade calibrada de cada linha, float64 (n,)."""
        return self.calibrar(self.pontuar(X))

    def predict_proba(self, X: Any) -> Reais:
        """Como o sklearn espera: float64 (n, 2)."""
        p = self.probabilidade(X)
        return np.column_stack([1.0 - p, p])

    def predict(self, X: Any) -> NDArray[np.int64]:
        """1 onde a probabilidade passa de meio; para decidir use os limiares em R$."""
        return np.asarray(self.probabilidade(X) > 0.5, np.int64)  # noqa: PLR2004

    def contribuicoes(self, X: Any) -> Reais:
        """Quanto cada atributo moveu o logito da nota, float64 (n, atributos); soma = logito - logito de base.

        Shapley exato, dependente do caminho, em cada parte; nas florestas, reescalado da probabilidade ao logito.
        """
        x = self._entrada(X)
        saida = np.zeros((x.shape[0], self.n_features_in_))
        for parte in self._partes:
            saida[:, self.colunas_] += parte.contribuicoes(x)
        return saida / len(self._partes)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimadores_")

    def receber(self, colunas: NDArray[np.int64], largura: int, estimadores: dict[str, Any]) -> Detector:
        """Assume estimadores já ajustados (de um arquivo ou de outro detector), sem calibração nem limiares."""
        self.colunas_ = colunas
        self.n_features_in_ = largura
        self.classes_ = np.array([0, 1])
        self.estimadores_ = estimadores
        self.calibrador_ = Calibrador()
        self.limiares: Mapping[Acao, float] = {}
        self.metadados: dict[str, Any] = {}
        self._partes = [partes.montar(nome, estimador) for nome, estimador in estimadores.items()]
        return self

    def _entrada(self, X: Any) -> Reais:
        check_is_fitted(self)
        x = _matriz(X)
        if x.shape[1] != self.n_features_in_:
            msg = f"o modelo espera {self.n_features_in_} atributos e recebeu {x.shape[1]}"
            raise ErroModelo(msg)
        todas = self.colunas_.size == x.shape[1]  # o caso comum: escolher colunas custava mais que converter
        return np.asarray(x if todas else x[:, self.colunas_], np.float64)


def _matriz(x: Any) -> NDArray[np.float32]:
    matriz = np.asarray(x, np.float32)
    if matriz.ndim != 2:  # noqa: PLR2004
        msg = f"a matriz de atributos tem {matriz.ndim} dimensões; esperado 2 (linhas, atributos)"
        raise ErroDados(msg)
    return matriz


def _rotulos(y: Any, peso: Any, linhas: int) -> tuple[NDArray[np.int8], Reais]:
    rotulos = np.asarray(y, np.int8)
    pesos = np.ones(linhas) if peso is None else np.asarray(peso, np.float64)
    if rotulos.shape != (linhas,) or pesos.shape != (linhas,):
        msg = f"{linhas} linhas, mas {rotulos.size} rótulos e {pesos.size} pesos"
        raise ErroDados(msg)
    if set(np.unique(rotulos)) != {0, 1}:
        msg = f"o treino precisa das duas classes; há {int((rotulos == 1).sum())} fraudes em {linhas} Pix"
        raise ErroDados(msg)
    return rotulos, pesos


def _que_variam(x: NDArray[np.float32]) -> NDArray[np.int64]:
    """As colunas com mais de um valor; nulo conta como um valor."""
    menor, maior = np.fmin.reduce(x, axis=0), np.fmax.reduce(x, axis=0)
    nulos = np.isnan(x)
    variam = (menor < maior) | (nulos.any(axis=0) & ~nulos.all(axis=0))
    if not variam.any():
        msg = "nenhum atributo varia no treino"
        raise ErroDados(msg)
    return np.flatnonzero(variam)
