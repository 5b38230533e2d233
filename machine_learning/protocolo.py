"""O protocolo de avaliação: refaz o treino na janela dada e pontua o teste, uma vez, com a configuração de fábrica.

Os atributos enxergam todo o passado de cada Pix; os rótulos do treino são só os da janela, e só os sabidos quando o
teste começa. `handbook`: tira do teste os pagadores já sabidamente fraudados, como faz o livro. Dobras: a mesma coisa
em janelas consecutivas do tamanho do teste.

Fonte: Le Borgne, Siblini, Lebichot e Bontempi, Fraud Detection Handbook, cap. 4 e 5 (validação prequencial).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from machine_learning import ajuste, avaliacao, conjunto, custos
from machine_learning.conjunto import DIA_US, Conjunto, Historico
from machine_learning.historico_externo import Corte
from plataforma.erros import ErroDados
from processamento.catalogo import Catalogo

Logicos = NDArray[np.bool_]
Passo = Callable[[str], None]


@dataclass(frozen=True)
class Opcoes:
    """Como avaliar. `dobras` 1 = só o corte; `handbook` = sem pagadores já fraudados."""

    dobras: int = 1
    handbook: bool = False
    semente: int = 0
    tarefas: int = 2


@dataclass(frozen=True)
class Dobra:
    """Um corte avaliado.

    Args:
        corte: as janelas.
        feito: o treino.
        teste: todos os Pix da janela de teste.
        notas: por candidato, float64 (n,); a do vencedor está em `nota`.
        probabilidade: calibrada, do vencedor.
        mantidos: os Pix que o protocolo mede.
        medidas: por candidato.
        segundos: de treino e pontuação.
    """

    corte: Corte
    feito: ajuste.Ajuste
    teste: Conjunto
    notas: dict[str, NDArray[np.float64]]
    probabilidade: NDArray[np.float64]
    mantidos: Logicos
    medidas: dict[str, dict[str, Any]]
    segundos: float

    @property
    def vencedor(self) -> str:
        """O candidato escolhido na validação, dentro do treino."""
        return str(self.feito.detector.candidato)

    @property
    def nota(self) -> NDArray[np.float64]:
        """A nota bruta do vencedor para cada Pix do teste."""
        return self.notas[self.vencedor]


def avaliar(
    historico: Historico, corte: Corte, opcoes: Opcoes, *, passo: Passo = lambda _: None,
    avanco: Callable[[int], None] = lambda _: None,
) -> list[Dobra]:
    """Avalia o corte e, se pedido, as outras dobras; a primeira da lista é a do corte.

    Levanta:
        ErroDados: janela sem Pix ou com uma só classe.
    """
    cortes = [corte, *vizinhos(historico, corte, opcoes.dobras)]
    catalogo = conjunto.catalogo_de(corte.atraso_dias)
    quais = np.zeros(len(historico), np.bool_)
    for c in cortes:
        for nome, janela in (("treino", c.treino), ("teste", c.teste)):
            dentro = _dentro(historico.eventos.instante_us, janela)
            if not dentro.any():
                msg = f"a janela de {nome} não tem nenhum evento: confira o corte e os instantes dos eventos"
                raise ErroDados(msg)
            quais |= dentro
    passo(f"medindo {int(quais.sum())} Pix com {len(historico)} de história")
    medido = conjunto.medir(historico, catalogo, quais, avanco)
    politica = custos.ler()
    return [_dobra(historico, medido, c, opcoes, politica, catalogo, passo) for c in cortes]


def vizinhos(historico: Historico, corte: Corte, dobras: int) -> list[Corte]:
    """As outras `dobras - 1` janelas: as seguintes que os dados cobrem e, faltando, as anteriores.

    Levanta:
        ErroDados: quando os dados não cobrem tantas dobras.
    """
    instante = historico.eventos.instante_us
    inicio, fim = int(instante[0]), int(instante[-1])
    tamanho = corte.teste[1] - corte.teste[0]
    depois = [p for p in range(1, dobras) if corte.teste[1] + p * tamanho <= fim + DIA_US]
    antes = [-p for p in range(1, dobras - len(depois)) if corte.treino[0] - p * tamanho >= inicio - DIA_US]
    if len(depois) + len(antes) + 1 < dobras:
        msg = f"os dados cobrem {len(depois) + len(antes) + 1} dobras, e foram pedidas {dobras}"
        raise ErroDados(msg)
    return [corte.deslocado(p) for p in (*depois, *antes)]


def sem_ja_fraudados(historico: Historico, corte: Corte, teste: Conjunto) -> Logicos:
    """Os Pix do teste cujo pagador não tinha fraude no treino nem fraude conhecida até o começo do dia do Pix."""
    e, conhecido = historico.eventos, historico.conhecido_em_us
    fraudes = (conhecido != conjunto.NUNCA) & (e.instante_us >= corte.treino[0])
    no_treino = fraudes & (e.instante_us < corte.treino[1])
    dia = (teste.instante_us - corte.teste[0]) // DIA_US
    mantidos = ~np.isin(teste.pagador, e.pagador[no_treino])
    for d in np.unique(dia):
        sabidos = e.pagador[fraudes & (conhecido <= corte.teste[0] + int(d) * DIA_US)]
        mantidos &= ~((dia == d) & np.isin(teste.pagador, sabidos))
    return np.asarray(mantidos, np.bool_)


def _dentro(instante: NDArray[np.int64], janela: tuple[int, int]) -> Logicos:
    return np.asarray((instante >= janela[0]) & (instante < janela[1]), np.bool_)


def _dobra(
    historico: Historico, medido: Conjunto, corte: Corte, opcoes: Opcoes, politica: custos.Politica,
    catalogo: Catalogo, passo: Passo,
) -> Dobra:
    inicio = time.monotonic()
    feito = ajuste.ajustar(
        medido.entre(*corte.treino), agora_us=corte.teste[0], atraso_us=corte.atraso_us, semente=opcoes.semente,
        politica=politica, tarefas=opcoes.tarefas, progresso=lambda nome: passo(f"treinando {nome}"),
    )
    passo("pontuando o teste")
    teste = medido.entre(*corte.teste)
    notas = {nome: d.pontuar(teste.x) for nome, d in feito.todos().items()}
    probabilidade = feito.detector.calibrar(notas[feito.detector.candidato])
    mantidos = (
        sem_ja_fraudados(historico, corte, teste) if opcoes.handbook else np.ones(len(teste), np.bool_)
    )
    medidas = {
        nome: medir(teste, nota, mantidos, corte, opcoes.semente,
                    probabilidade if nome == feito.detector.candidato else None)
        for nome, nota in notas.items()
    }
    return Dobra(corte, feito, teste, notas, probabilidade, mantidos, medidas, time.monotonic() - inicio)


def medir(
    teste: Conjunto, nota: NDArray[np.float64], mantidos: Logicos, corte: Corte, semente: int,
    probabilidade: NDArray[np.float64] | None,
) -> dict[str, Any]:
    """As medidas de um candidato nos Pix mantidos, com os rótulos finais."""
    m = teste.onde(mantidos)
    y = m.y()
    saida = avaliacao.medir(
        y, nota[mantidos], m.valor, semente=semente,
        probabilidade=None if probabilidade is None else probabilidade[mantidos],
    )
    saida["cp"] = avaliacao.precisao_por_cartao(y, nota[mantidos], m.pagador, m.instante_us, corte.cp_k, corte.teste[0])
    if (m.tipologia[y == 1] != "").any():
        saida["por_tipologia"] = avaliacao.por_grupo(y, nota[mantidos], m.valor, m.tipologia)
    return saida


PADRAO: Final = Opcoes()
