"""O que vem depois: contestações, com atraso de minutos a semanas, e ruído nos dois sentidos.

Parte das fraudes nunca é relatada; parte das relatadas é recusada; e muitos pagamentos honestos são contestados
(desacordo, arrependimento, autofraude), quase todos recusados. Só `AGREED` é fraude confirmada.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ingestao.simulador import lote
from ingestao.simulador.economia import Economia
from ingestao.simulador.lote import Inteiros, Logicos, Relacao, Tabela
from ingestao.simulador.parametros import DIA_US, GOLPE_MED, HORA_US, MINUTO_US, NOMES_TIPOLOGIA

ROTULO: Final = np.dtype([
    ("evento", np.int64), ("recebedor", np.int32), ("instante", np.int64), ("conhecido", np.int64),
    ("aceita", np.bool_), ("tipologia", np.int8), ("classe", np.int8),
])
"""`evento`: a linha do lote; instantes em µs UTC; `aceita` = AGREED; `classe`: posição em `CLASSES`."""

CLASSES: Final = ("SCAM", "ACCOUNT_TAKEOVER", "COERCION", "FRAUDULENT_ACCESS", "OTHER")
_CLASSE: Final = {
    "TOMADA_CONTA": 1, "TROCA_CHIP": 1, "TESTE_CONTA": 1, "COACAO": 2, "FRACIONAMENTO": 3, "FALSA_CENTRAL": 0,
    "FALSO_PARENTE": 0, "CONTA_LARANJA": 0, "PIX_ERRADO": 0, "QR_ADULTERADO": 0,
}
_RELATA: Final = {
    "TOMADA_CONTA": 0.92, "TROCA_CHIP": 0.94, "TESTE_CONTA": 0.90, "COACAO": 0.86, "FRACIONAMENTO": 0.82,
    "FALSA_CENTRAL": 0.88, "FALSO_PARENTE": 0.90, "CONTA_LARANJA": 0.70, "PIX_ERRADO": 0.62, "QR_ADULTERADO": 0.66,
}
"""Chance de o golpe ser relatado um dia; parâmetro sem fonte oficial."""
_ACEITA: Final = 0.93
_ENGANO_ACEITO: Final = 0.012
"""Contestações falsas aceitas, por fraude aceita."""
_PRAZO_MAXIMO: Final = 87 * DIA_US
"""80 dias para contestar e 7 para analisar. Fonte: pix.md 3.5."""
_AUTOFRAUDE: Final = 0.15


def gerar(rng: np.random.Generator, economia: Economia, pagamentos: Tabela) -> Tabela:
    """As contestações dos pagamentos dados, por `conhecido`; `evento` é a posição neles."""
    reais = _das_fraudes(rng, pagamentos)
    honestas = _das_honestas(rng, economia, pagamentos, int(reais["aceita"].sum()))
    todas = np.concatenate([reais, honestas])
    return todas[np.argsort(todas["conhecido"], kind="stable")]


def _das_fraudes(rng: np.random.Generator, pagamentos: Tabela) -> Tabela:
    """Uma vítima relata de uma vez tudo o que sofreu no mesmo golpe, contando do último pagamento."""
    evento = np.flatnonzero(pagamentos["fraude"])
    if not len(evento):
        return np.zeros(0, ROTULO)
    f = pagamentos[evento]
    caso = f["campanha"].astype(np.int64) << 32 | f["pagador"]
    _, inverso = np.unique(caso, return_inverse=True)
    casos = int(inverso.max()) + 1
    ultimo = np.zeros(casos, np.int64)
    np.maximum.at(ultimo, inverso, f["instante"])
    tipo = np.zeros(casos, np.int64)
    tipo[inverso] = f["tipologia"]
    chance = np.array([_RELATA.get(nome, 0.0) for nome in NOMES_TIPOLOGIA])[tipo]
    relata, aceita = lote.chance(rng, casos, chance), lote.chance(rng, casos, _ACEITA)
    conhecido = ultimo + atrasos(rng, casos)
    classe = np.array([_CLASSE.get(nome, 4) for nome in NOMES_TIPOLOGIA], np.int64)
    saida = _rotulos(evento, pagamentos, conhecido[inverso], aceita[inverso], classe[f["tipologia"]])
    saida["tipologia"] = f["tipologia"]
    return saida[relata[inverso]]


def _das_honestas(rng: np.random.Generator, economia: Economia, pagamentos: Tabela, aceitas: int) -> Tabela:
    """Pagamentos honestos contestados: iscas do Pix errado, autofraude de clientes insistentes e desacordos."""
    isca = (pagamentos["tipologia"] > 0) & ~pagamentos["fraude"]
    comuns = np.flatnonzero((pagamentos["tipologia"] == 0) & (pagamentos["relacao"] != Relacao.DEVOLUCAO_MED))
    n = min(round(aceitas * economia.parametros.rejeitadas_por_aceita), len(comuns))
    insistentes = economia.populacao.cola > np.quantile(economia.populacao.cola, 0.99)
    peso = 1.0 + np.minimum(pagamentos["valor"][comuns], 200_000) / 20_000
    peso += 25.0 * insistentes[pagamentos["pagador"][comuns]]
    sorteados = np.unique(lote.sorteio_ponderado(rng, np.cumsum(peso), n)) if n else np.zeros(0, np.int64)
    evento = np.concatenate([np.flatnonzero(isca), comuns[sorteados]])
    conhecido = pagamentos["instante"][evento] + atrasos(rng, len(evento))
    aceita = np.zeros(len(evento), np.bool_)
    enganos = min(round(aceitas * _ENGANO_ACEITO), len(evento))
    aceita[rng.permutation(len(evento))[:enganos]] = True
    saida = _rotulos(evento, pagamentos, conhecido, aceita, np.zeros(len(evento), np.int64))
    eh_isca = isca[evento]
    autofraude = insistentes[pagamentos["pagador"][evento]] | lote.chance(rng, len(evento), _AUTOFRAUDE)
    saida["tipologia"] = np.where(eh_isca, pagamentos["tipologia"][evento], np.where(autofraude, GOLPE_MED, 0))
    return saida


def atrasos(rng: np.random.Generator, n: int) -> Inteiros:
    """Do pagamento ao desfecho, µs: horas (autoatendimento), dias (análise) ou semanas (quem demora a perceber)."""
    ritmo = rng.choice(3, n, p=[0.32, 0.45, 0.23])
    espera = np.choose(ritmo, [
        lote.lognormal(rng, 5 * HORA_US, 1.1, n), lote.lognormal(rng, 3.5 * DIA_US, 0.6, n),
        lote.lognormal(rng, 16 * DIA_US, 0.7, n),
    ])  # fmt: skip
    return np.asarray(np.clip(espera, 6 * MINUTO_US, _PRAZO_MAXIMO), dtype=np.int64)


def _rotulos(evento: Inteiros, pagamentos: Tabela, conhecido: Inteiros, aceita: Logicos, classe: Inteiros) -> Tabela:
    saida = np.zeros(len(evento), ROTULO)
    saida["evento"] = evento
    saida["recebedor"] = pagamentos["recebedor"][evento]
    saida["instante"] = pagamentos["instante"][evento]
    saida["conhecido"] = conhecido // 1_000 * 1_000
    saida["aceita"] = aceita
    saida["classe"] = classe
    return saida
