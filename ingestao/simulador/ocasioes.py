"""O que acontece de vez em quando, é legítimo e parece golpe: os falsos positivos de que um detector apanha.

Rateio de festa (muitos pagando a um), repasse do que se recebeu, compra grande com teste de R$ 1 antes, pagamento
dividido por causa do limite, engano devolvido, resgate de corretora ou jogo. Fonte: pix.md 5 (falsos positivos).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ingestao.simulador import lote, valores
from ingestao.simulador.calendario import instantes_com_ritmo
from ingestao.simulador.economia import Economia
from ingestao.simulador.lote import Inteiros, Relacao, Tabela
from ingestao.simulador.parametros import DIA_US, HORA_US, MINUTO_US

_RATEIOS: Final = 0.0007
_BAZARES: Final = 0.0007
_GRANDES: Final = 0.0035
_DIVIDIDOS: Final = 0.0012
_ENGANOS: Final = 0.0006
_RESGATES: Final = 0.012
_REPASSES: Final = 0.07
"""Ocasiões por pagamento de rotina; a última, por recebimento de pessoa acima de R$ 80."""
_MINIMO_REPASSE: Final = 8_000
_LIMITE_NOTURNO: Final = 100_000


def gerar(rng: np.random.Generator, economia: Economia, n: int, de_us: int, ate_us: int) -> Tabela:
    """As ocasiões de um período com `n` pagamentos de rotina; as últimas podem terminar depois de `ate_us`."""
    partes = [
        fazer(rng, economia, rng.poisson(n * taxa), de_us, ate_us)
        for fazer, taxa in (
            (_rateios, _RATEIOS), (_grandes, _GRANDES), (_divididos, _DIVIDIDOS), (_enganos, _ENGANOS),
            (_resgates, _RESGATES), (_bazares, _BAZARES),
        )
    ]  # fmt: skip
    return lote.juntar(partes)


def repassar(rng: np.random.Generator, economia: Economia, recebidos: Tabela) -> Tabela:
    """Pessoas que levam adiante parte do que acabaram de receber (compra em nome de outro, autônomo, família)."""
    p = economia.populacao
    pessoas = recebidos[~p.pj[recebidos["recebedor"]] & (recebidos["valor"] > _MINIMO_REPASSE)]
    feitos = pessoas[lote.chance(rng, len(pessoas), _REPASSES)]
    n = len(feitos)
    quem = feitos["recebedor"].astype(np.int64)
    quando = feitos["instante"] + lote.lognormal(rng, 55 * MINUTO_US, 1.5, n).astype(np.int64)
    destino = np.where(lote.chance(rng, n, 0.55), economia.preferidos(rng, p.contatos, quem),
                       economia.recebedores(rng, "quaisquer", quem, quando))  # fmt: skip
    valor = valores.arredondar(rng, feitos["valor"] * rng.uniform(0.55, 1.02, n), 0.6)
    return lote.novo(quando, quem, destino, valor, Relacao.PESSOAL)


def _inicios(
    rng: np.random.Generator, economia: Economia, n: int, de_us: int, ate_us: int
) -> tuple[Inteiros, Inteiros]:
    quando, _ = instantes_com_ritmo(rng, n, de_us, ate_us)
    return quando, economia.gente(rng, n, quando)


def _rateios(rng: np.random.Generator, economia: Economia, n: int, de_us: int, ate_us: int) -> Tabela:
    quando, anfitriao = _inicios(rng, economia, n, de_us, ate_us)
    convidados = rng.integers(4, 20, n)
    cota = lote.lognormal(rng, 6_500, 0.7, n)
    festa = np.repeat(np.arange(n), convidados)
    hora = quando[festa] + (rng.beta(1.2, 3.0, len(festa)) * 44 * HORA_US).astype(np.int64)
    conhecidos = economia.populacao.contatos[anfitriao[festa], rng.integers(0, 10, len(festa))].astype(np.int64)
    quem = np.where(lote.chance(rng, len(festa), 0.35), conhecidos,
                    economia.pagadores(rng, len(festa), hora, economia.grupos["fisicas"]))  # fmt: skip
    cotas = valores.arredondar(rng, cota[festa] * rng.choice([1.0, 1.0, 1.0, 2.0, 0.5], len(festa)), 0.75)
    entradas = lote.novo(hora, quem, anfitriao[festa], cotas, Relacao.PESSOAL)
    paga = lote.chance(rng, n, 0.75)
    total = (cota * convidados * rng.uniform(0.7, 1.15, n))[paga]
    depois = (quando + rng.uniform(3, 50, n) * HORA_US).astype(np.int64)[paga]
    casa = economia.recebedores(rng, "lojas", anfitriao[paga], depois)
    return lote.juntar([entradas, lote.novo(depois, anfitriao[paga], casa, total, Relacao.GRANDE)])


def _bazares(rng: np.random.Generator, economia: Economia, n: int, de_us: int, ate_us: int) -> Tabela:
    """Alguém vende por uns dias a desconhecidos e leva o apurado a outra conta, às vezes logo a cada venda."""
    quando, quem = _inicios(rng, economia, n, de_us, ate_us)
    vendas = rng.integers(3, 14, n)
    banca = np.repeat(np.arange(n), vendas)
    hora = quando[banca] + (rng.beta(1.0, 1.6, len(banca)) * 72 * HORA_US).astype(np.int64)
    fregues = economia.pagadores(rng, len(banca), hora, economia.grupos["fisicas"])
    livre = lote.lognormal(rng, 14_000, 0.9, n)[banca] * np.exp(0.45 * rng.standard_normal(len(banca)))
    relacao = np.where(lote.chance(rng, n, 0.5)[banca], Relacao.COMPRA, Relacao.PESSOAL_INEDITA)
    preco = valores.arredondar(rng, livre, 0.4)
    leva = lote.chance(rng, n, 0.35)[banca]
    depois = hora[leva] + lote.lognormal(rng, 25 * MINUTO_US, 1.2, int(leva.sum())).astype(np.int64)
    conta = economia.populacao.contatos[quem, 0].astype(np.int64)[banca][leva]
    levado = np.floor(preco[leva] * rng.uniform(0.7, 1.0, int(leva.sum())))
    return lote.juntar([
        lote.novo(hora, fregues, quem[banca], preco, relacao),
        lote.novo(depois, quem[banca][leva], conta, levado, Relacao.PESSOAL),
    ])


def _grandes(rng: np.random.Generator, economia: Economia, n: int, de_us: int, ate_us: int) -> Tabela:
    quando, quem = _inicios(rng, economia, n, de_us, ate_us)
    destino = np.where(lote.chance(rng, n, 0.45), economia.recebedores(rng, "empresas", quem, quando),
                       economia.recebedores(rng, "fisicas", quem, quando))  # fmt: skip
    relacao = np.full(n, Relacao.GRANDE)
    valor = valores.sortear(rng, economia, quem, destino, relacao)
    fala = np.where(lote.chance(rng, n, 0.14), 1, lote.COMUM)
    limite = np.where(lote.chance(rng, n, 0.16), rng.integers(24, 96, n), lote.COMUM)
    compra = lote.novo(quando, quem, destino, valor, relacao, chamada=fala, limite=limite,
                       demora=rng.integers(90, 260, n))  # fmt: skip
    testa = compra[lote.chance(rng, n, 0.28)]
    antes = testa["instante"] - lote.lognormal(rng, 6 * MINUTO_US, 0.8, len(testa)).astype(np.int64)
    teste = lote.novo(antes, testa["pagador"], testa["recebedor"], valores.miudos(rng, len(testa)),
                      Relacao.PESSOAL_INEDITA)  # fmt: skip
    return lote.juntar([compra, teste[teste["instante"] >= de_us]])


def _divididos(rng: np.random.Generator, economia: Economia, n: int, de_us: int, ate_us: int) -> Tabela:
    quando, quem = _inicios(rng, economia, n, de_us, ate_us)
    p = economia.populacao
    destino = np.where(lote.chance(rng, n, 0.4), economia.preferidos(rng, p.contatos, quem),
                       economia.recebedores(rng, "quaisquer", quem, quando))  # fmt: skip
    vezes = rng.integers(2, 6, n)
    serie = np.repeat(np.arange(n), vezes)
    ordem = np.arange(len(serie)) - np.repeat(np.cumsum(vezes) - vezes, vezes)
    passo = lote.lognormal(rng, 7 * MINUTO_US, 1.2, n)
    hora = quando[serie] + (ordem * passo[serie] * rng.uniform(0.6, 1.4, len(serie))).astype(np.int64)
    tipo = rng.choice(3, n, p=[0.4, 0.35, 0.25])
    parte = np.choose(tipo, [
        _LIMITE_NOTURNO * rng.uniform(0.7, 1.0, n), lote.lognormal(rng, 16_000, 0.4, n),
        lote.lognormal(rng, 60_000, 0.9, n),
    ])  # fmt: skip
    valor = valores.arredondar(rng, parte[serie] * rng.choice([1.0, 1.0, 0.9, 0.5], len(serie)), 0.6)
    return lote.novo(hora, quem[serie], destino[serie], valor, Relacao.PESSOAL)


def _enganos(rng: np.random.Generator, economia: Economia, n: int, de_us: int, ate_us: int) -> Tabela:
    """Um desconhecido manda por engano e recebe de volta: o caso honesto que o golpe do Pix errado imita."""
    quando, quem = _inicios(rng, economia, n, de_us, ate_us)
    errou = economia.pagadores(rng, n, quando, economia.grupos["fisicas"])
    valor = valores.arredondar(rng, lote.lognormal(rng, 15_000, 1.1, n), 0.6)
    volta = quando + lote.lognormal(rng, 70 * MINUTO_US, 1.3, n).astype(np.int64)
    conta = np.where(economia.populacao.propria[errou] >= 0, economia.populacao.propria[errou], errou)
    destino = np.where(lote.chance(rng, n, 0.3), conta, errou)
    return lote.juntar([
        lote.novo(quando, errou, quem, valor, Relacao.PESSOAL),
        lote.novo(volta, quem, destino, valor, Relacao.PESSOAL_INEDITA),
    ])


def _resgates(rng: np.random.Generator, economia: Economia, n: int, de_us: int, ate_us: int) -> Tabela:
    """Corretoras e jogos pagam a muitos, em lotes e a qualquer hora."""
    quando = (de_us + rng.random(n) * (ate_us - de_us)).astype(np.int64) // DIA_US * DIA_US
    quando = np.clip(quando + (rng.beta(3, 2, n) * DIA_US).astype(np.int64), de_us, ate_us - 1)
    casa = economia.pagadores(rng, n, quando, economia.grupos["intermediarios"])
    quem = economia.recebedores(rng, "fisicas", casa, quando)
    return lote.novo(quando, casa, quem, lote.lognormal(rng, 11_000, 1.3, n), Relacao.INTERMEDIARIO)
