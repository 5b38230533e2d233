"""O procedimento de treino, o mesmo para as tabelas e para o histórico de qualquer um: sem disco, rede ou relógio.

1. Só entram Pix mais velhos que o atraso do rótulo, com os rótulos sabidos no instante do treino.
2. O fim da janela valida: os candidatos ajustam-se no começo, com os rótulos sabidos até ali, e competem no fim.
3. A mistura só perde o lugar para quem a supere por mais que `TOLERANCIA_AP`: a validação tem poucas fraudes.
4. Calibração e limiares em R$ saem do mesmo trecho de validação; depois o vencedor é refeito com a janela inteira.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from machine_learning import avaliacao, calibracao, custos, deriva, equidade
from machine_learning.candidatos import COMPONENTES, PREFERENCIA
from machine_learning.conjunto import DIA_US, Conjunto
from machine_learning.modelo import Detector
from plataforma.erros import ErroDados

FRACAO_VALIDACAO: Final = 0.3
JANELAS_PARA_ATRASO: Final = 4
"""A validação respeita o atraso inteiro quando a janela o comporta tantas vezes; senão usa o que se sabe ao treinar."""
TOLERANCIA_AP: Final = 0.01
MINIMO_FRAUDES: Final = 5
CANDIDATOS: Final = tuple(COMPONENTES)
RAPIDOS: Final = ("logistica", "boosting")
ORCAMENTO_DA_ESCOLHA: Final = "0.005"


@dataclass(frozen=True)
class Tentativa:
    """Um candidato e como se saiu na validação."""

    candidato: str
    medidas: dict[str, Any]
    segundos: float


@dataclass(frozen=True)
class Ajuste:
    """O que um treino produz.

    Args:
        detector: o vencedor, refeito com a janela inteira, calibrado e com limiares.
        base: a logística, refeita igual: a linha de base que se relata sempre.
        tentativas: todos os candidatos, na validação.
        validacao: medidas do vencedor calibrado na validação, com a apuração em R$.
        janela: instantes, linhas e fraudes de cada trecho.
        amostra: (x, y) com que o vencedor foi refeito.
        fim: as linhas de validação.
        nota_fim: a nota do vencedor nelas, quando só tinha visto o começo.
    """

    detector: Detector
    base: Detector
    tentativas: tuple[Tentativa, ...]
    validacao: dict[str, Any]
    janela: dict[str, Any]
    amostra: tuple[NDArray[np.float32], NDArray[np.int8]]
    fim: Conjunto
    nota_fim: NDArray[np.float64]

    def todos(self) -> dict[str, Detector]:
        """O vencedor, suas partes que são candidatos e a logística, todos refeitos com a janela inteira."""
        saida = {self.detector.candidato: self.detector, "logistica": self.base}
        for nome, exigidas in COMPONENTES.items():
            if nome not in saida and set(exigidas) <= set(self.detector.estimadores_):
                saida[nome] = self.detector.recorte(nome)
        return saida


def ajustar(
    c: Conjunto, *, agora_us: int, atraso_us: int, semente: int, politica: custos.Politica,
    quais: tuple[str, ...] = CANDIDATOS, tarefas: int = 2, progresso: Callable[[str], None] = lambda _: None,
) -> Ajuste:
    """Treina, escolhe, calibra e põe preço.

    Args:
        c: a janela de treino, em ordem de instante.
        agora_us: instante do treino; rótulo sabido depois dele não existe.
        atraso_us: idade a partir da qual um Pix sem rótulo é tido por legítimo.
        semente: de todo sorteio.
        politica: custos e orçamentos.
        quais: candidatos a comparar.
        tarefas: processadores das florestas.
        progresso: recebe o nome do que começa.

    Levanta:
        ErroDados: janela vazia ou com uma só classe.
    """
    maduro = c.onde(c.instante_us <= agora_us - atraso_us)
    y = maduro.y(agora_us)
    _exigir(maduro, y)
    comeco, fim, corte = _dividir(maduro, agora_us, atraso_us)
    y_fim = fim.y(agora_us)
    tentativas: list[Tentativa] = []
    candidatos = _ajustar_candidatos(comeco, comeco.y(corte), quais, semente, tarefas, progresso)
    notas = {}
    for nome, (detector, segundos) in candidatos.items():
        notas[nome] = detector.pontuar(fim.x)
        tentativas.append(Tentativa(nome, avaliacao.medir(y_fim, notas[nome], fim.valor), segundos))
    vencedor = _escolher(tentativas)
    progresso(f"{vencedor}: janela inteira")
    detector = Detector(vencedor, semente, tarefas).fit(maduro.x, y)
    validacao = _por_preco(detector, fim, y_fim, notas[vencedor], politica)
    base = detector if vencedor == "logistica" else Detector("logistica", semente, tarefas).fit(maduro.x, y)
    janela = {"treino": _resumo(comeco, corte), "validacao": _resumo(fim, agora_us), "final": _resumo(maduro, agora_us)}
    return Ajuste(detector, base, tuple(tentativas), validacao, janela, (maduro.x, y), fim, notas[vencedor])


def _por_preco(
    detector: Detector, fim: Conjunto, y: NDArray[np.int8], nota: NDArray[np.float64], politica: custos.Politica
) -> dict[str, Any]:
    """Dá ao detector a calibração, os limiares e a referência de deriva medidos em `fim`; devolve as medidas de lá."""
    calibrador, perdas = calibracao.escolher(nota, y)
    p = calibrador.aplicar(nota)
    limiares = custos.escolher_limiares(politica, p, y, fim.valor)
    detector.calibrador_, detector.limiares = calibrador, limiares
    detector.metadados = {"referencia": deriva.referencia(fim.x, p)}
    dias = max((int(fim.instante_us[-1]) - int(fim.instante_us[0])) / DIA_US, 1.0)
    return {
        **avaliacao.medir(y, nota, fim.valor, semente=detector.semente, probabilidade=p),
        "calibracao": {"forma": calibrador.forma, "perda_por_forma": perdas},
        "reais": custos.apurar(politica, limiares, p, y, fim.valor, dias),
        "equidade": equidade.medir(fim.x, y, p, min(limiares.values(), default=1.0)),
    }


def _exigir(maduro: Conjunto, y: NDArray[np.int8]) -> None:
    if not len(maduro):
        msg = "a janela de treino está vazia: nenhum Pix é mais velho que o atraso do rótulo"
        raise ErroDados(msg)
    if not 0 < y.sum() < y.size:
        msg = f"a janela de treino tem uma só classe: {int(y.sum())} fraudes conhecidas em {y.size} Pix"
        raise ErroDados(msg)


def _dividir(c: Conjunto, agora_us: int, atraso_us: int) -> tuple[Conjunto, Conjunto, int]:
    """(começo, fim, até quando se sabem os rótulos do começo). Em janelas longas há o atraso inteiro entre os dois."""
    inicio, final = int(c.instante_us[0]), int(c.instante_us[-1]) + 1
    corte = final - int((final - inicio) * FRACAO_VALIDACAO)
    if final - inicio >= JANELAS_PARA_ATRASO * max(atraso_us, 1):
        comeco, fim = c.entre(inicio, corte - atraso_us), c.entre(corte, final)
        if _servem(comeco, corte, fim, agora_us):
            return comeco, fim, corte
    comeco, fim = c.entre(inicio, corte), c.entre(corte, final)
    if _servem(comeco, agora_us, fim, agora_us):
        return comeco, fim, agora_us
    meio = np.arange(len(c)) % 2 == 0  # fraudes raras demais para dividir no tempo: metades intercaladas
    return c.onde(meio), c.onde(~meio), agora_us


def _servem(comeco: Conjunto, sabido: int, fim: Conjunto, agora: int) -> bool:
    return min(int(comeco.y(sabido).sum()), int(fim.y(agora).sum())) >= MINIMO_FRAUDES


def _ajustar_candidatos(
    c: Conjunto, y: NDArray[np.int8], quais: tuple[str, ...], semente: int, tarefas: int,
    progresso: Callable[[str], None],
) -> dict[str, tuple[Detector, float]]:
    """Ajusta cada parte uma só vez: boosting e floresta são recortes da mistura."""
    saida: dict[str, tuple[Detector, float]] = {}
    maiores = [nome for nome in quais if nome == "mistura"] or []
    cobertos = {parte for nome in maiores for parte in COMPONENTES[nome]}
    for nome in (*maiores, *(n for n in quais if n not in maiores)):
        inicio = time.monotonic()
        if nome not in maiores and set(COMPONENTES[nome]) <= cobertos:
            saida[nome] = (saida["mistura"][0].recorte(nome), saida["mistura"][1])
            continue
        progresso(nome)
        saida[nome] = (Detector(nome, semente, tarefas).fit(c.x, y), time.monotonic() - inicio)
    return saida


def _escolher(tentativas: list[Tentativa]) -> str:
    """O preferido entre os que ficam a menos de `TOLERANCIA_AP` do melhor."""
    aps = {t.candidato: t.medidas["ap"] for t in tentativas}
    melhor = max((v for v in aps.values() if np.isfinite(v)), default=0.0)
    return next(
        (nome for nome in PREFERENCIA if nome in aps and aps[nome] >= melhor - TOLERANCIA_AP), next(iter(aps))
    )


def _resumo(c: Conjunto, sabido_us: int) -> dict[str, int]:
    vazio = not len(c)
    return {
        "de_us": 0 if vazio else int(c.instante_us[0]), "ate_us": 0 if vazio else int(c.instante_us[-1]),
        "linhas": len(c), "fraudes": int(c.y(sabido_us).sum()),
    }
