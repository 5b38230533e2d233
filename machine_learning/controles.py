"""Controles de vazamento: três provas que um detector honesto passa e um que espia o futuro não.

1. **embaralhados**: com os rótulos do treino embaralhados, a AP no teste cai à taxa base.
2. **corte**: apagar tudo o que aconteceu depois de t não muda nenhum atributo até t.
3. **invertidos**: inverter os rótulos que ainda não eram conhecidos não muda nenhuma nota dada antes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from machine_learning import avaliacao, conjunto
from machine_learning.ajuste import Ajuste
from machine_learning.conjunto import NUNCA, Historico
from machine_learning.detector import Detector
from machine_learning.protocolo import Dobra
from machine_learning.relatorio_texto import numero
from processamento.catalogo import Catalogo
from processamento.estado.lote import Eventos

EMBARALHADAS: Final = 3
FOLGA_RELATIVA: Final = 3.0
FOLGA_ABSOLUTA: Final = 0.01
"""A AP embaralhada média pode chegar ao maior entre 3 taxas base e a taxa base mais 0,01: acaso não é vazamento."""
Passo = Callable[[str], None]


@dataclass(frozen=True)
class Controle:
    """Uma prova: se passou, o que se mediu e o que se exigia, em uma frase."""

    nome: str
    passou: bool
    texto: str


def correr(historico: Historico, dobra: Dobra, semente: int, passo: Passo = lambda _: None) -> list[Controle]:
    """As três provas sobre um corte já avaliado."""
    passo("controle: rótulos embaralhados")
    primeiro = embaralhados(dobra, semente)
    passo("controle: fluxo cortado")
    segundo = cortado(historico, dobra)
    passo("controle: rótulos invertidos")
    return [primeiro, segundo, *invertidos(historico, dobra)]


def do_treino(
    historico: Historico, feito: Ajuste, agora_us: int, catalogo: Catalogo, semente: int, passo: Passo = lambda _: None
) -> list[Controle]:
    """As provas que um treino pode fazer sozinho, sobre sua própria validação: rótulos embaralhados e fluxo cortado.

    Args:
        historico: de onde os atributos saíram.
        feito: o treino.
        agora_us: o que se sabia dos rótulos, µs UTC.
        catalogo: o que se mediu.
        semente: dos embaralhamentos.
        passo: recebe cada passo, para a tela.
    """
    passo("controle: rótulos embaralhados")
    primeiro = _embaralhados(feito, feito.fim.x, feito.fim.y(agora_us), semente)
    passo("controle: fluxo cortado")
    instante = feito.fim.instante_us
    inicio, meio = int(instante.min()), int(np.median(instante))
    do_trecho = (historico.eventos.instante_us >= inicio) & (historico.eventos.instante_us <= meio)
    return [primeiro, _cortado(historico, catalogo, inicio, meio, conjunto.medir(historico, catalogo, do_trecho).x)]


def embaralhados(dobra: Dobra, semente: int) -> Controle:
    """Boosting sobre rótulos embaralhados; a média de algumas sementes, porque uma só tem sorte."""
    teste = dobra.teste.onde(dobra.mantidos)
    return _embaralhados(dobra.feito, teste.x, teste.y(), semente)


def _embaralhados(feito: Ajuste, x_teste: NDArray[np.float32], y: NDArray[np.int8], semente: int) -> Controle:
    aps = []
    for i in range(EMBARALHADAS):
        x, rotulos = feito.amostra
        torto = embaralhar(rotulos, semente, i)
        aps.append(avaliacao.ap(y, Detector("boosting", semente).fit(x, torto).pontuar(x_teste)))
    media, base = float(np.mean(aps)), float(y.mean())
    teto = max(FOLGA_RELATIVA * base, base + FOLGA_ABSOLUTA)
    medido, esperado, limite = (numero(v, 4) for v in (media, base, teto))
    texto = f"AP {medido} com rótulos embaralhados; taxa base {esperado}, teto {limite}"
    return Controle("embaralhados", media <= teto, texto)


def embaralhar(y: NDArray[np.int8], semente: int, vez: int) -> NDArray[np.int8]:
    """Os mesmos rótulos em outra ordem."""
    return np.random.default_rng((semente, vez)).permutation(y)


def cortado(historico: Historico, dobra: Dobra) -> Controle:
    """Os atributos dos Pix do teste até o meio da janela, com e sem o que veio depois."""
    meio = sum(dobra.corte.teste) // 2
    antes = dobra.teste.instante_us <= meio
    catalogo = conjunto.catalogo_de(dobra.corte.atraso_dias)
    return _cortado(historico, catalogo, dobra.corte.teste[0], meio, dobra.teste.x[antes])


def _cortado(
    historico: Historico, catalogo: Catalogo, inicio_us: int, meio_us: int, inteiro: NDArray[np.float32]
) -> Controle:
    """`inteiro`: os atributos dos Pix de `inicio_us` a `meio_us`, medidos com tudo o que veio depois à vista."""
    vivos = historico.eventos.instante_us <= meio_us
    curto = Historico(
        Eventos(*(getattr(historico.eventos, nome)[vivos] for nome in Eventos.__dataclass_fields__)),
        None if historico.contexto is None else historico.contexto[vivos],
        np.where(historico.conhecido_em_us[vivos] <= meio_us, historico.conhecido_em_us[vivos], NUNCA),
        historico.tipologia[vivos],
    )
    medido = conjunto.medir(curto, catalogo, curto.eventos.instante_us >= inicio_us)
    diferentes = _linhas_diferentes(medido.x, inteiro)
    texto = f"{diferentes} de {len(inteiro)} Pix mudaram ao apagar os {int((~vivos).sum())} posteriores"
    return Controle("corte", diferentes == 0 and len(medido) == len(inteiro), texto)


def invertidos(historico: Historico, dobra: Dobra) -> list[Controle]:
    """Inverte o que só se saberia depois de t (o meio e o fim do teste) e refaz as notas dos Pix até t."""
    saida = []
    for nome, t in (("meio", sum(dobra.corte.teste) // 2), ("fim", dobra.corte.teste[1])):
        torto = inverter(historico, t, dobra.corte.atraso_us)
        catalogo = conjunto.catalogo_de(dobra.corte.atraso_dias)
        instante = historico.eventos.instante_us
        ate = min(t, dobra.corte.teste[1] - 1)
        no_treino = (instante >= dobra.corte.treino[0]) & (instante < dobra.corte.treino[1])
        no_teste = (instante >= dobra.corte.teste[0]) & (instante <= ate)
        medido = conjunto.medir(torto, catalogo, no_treino | no_teste)
        treino, teste = medido.entre(*dobra.corte.treino), medido.entre(dobra.corte.teste[0], ate + 1)
        x, y = dobra.feito.amostra
        agora = dobra.corte.teste[0]
        maduro = treino.onde(treino.instante_us <= agora - dobra.corte.atraso_us)
        mesmo_treino = np.array_equal(maduro.x, x, equal_nan=True) and np.array_equal(maduro.y(agora), y)
        mudaram = int((dobra.feito.detector.pontuar(teste.x) != dobra.nota[: len(teste)]).sum())
        trocados = int((torto.conhecido_em_us != historico.conhecido_em_us).sum())
        texto = (
            f"{mudaram} de {len(teste)} notas mudaram com {trocados} rótulos invertidos"
            f"{'' if mesmo_treino else '; o treino mudou'}"
        )
        saida.append(Controle(f"invertidos_{nome}", mudaram == 0 and mesmo_treino and trocados > 0, texto))
    return saida


def inverter(historico: Historico, t_us: int, atraso_us: int) -> Historico:
    """Troca fraude e não fraude em todo Pix cujo rótulo só se conheceria a partir de t."""
    conhecido, instante = historico.conhecido_em_us, historico.eventos.instante_us
    seria = np.where(conhecido == NUNCA, instante + atraso_us, conhecido)
    tarde = seria >= t_us
    return replace(historico, conhecido_em_us=np.where(tarde, np.where(conhecido == NUNCA, seria, NUNCA), conhecido))


def _linhas_diferentes(a: NDArray[np.float32], b: NDArray[np.float32]) -> int:
    if a.shape != b.shape:
        return int(max(a.shape[0], b.shape[0]))
    iguais = (a == b) | (np.isnan(a) & np.isnan(b))
    return int((~iguais.all(axis=1)).sum())
