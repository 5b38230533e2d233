"""De que aparelho veio cada ordem: o de sempre, o recém-trocado, o da família ou o de quem invadiu."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ingestao.simulador import identificadores, lote
from ingestao.simulador.calendario import acaso_estavel
from ingestao.simulador.economia import Economia
from ingestao.simulador.lote import Inteiros, Logicos, Tabela
from ingestao.simulador.parametros import DIA_US, HORA_US

_HORAS_ATE_CADASTRAR: Final = 40
_RECEM_TROCADO: Final = 3 * DIA_US
_REINSTALOU: Final = 0.012
"""Sessões de aparelho honesto que ainda não está (ou deixou de estar) cadastrado."""


@dataclass(frozen=True)
class Aparelhos:
    """Uma linha por pagamento: token, cadastro, dias (−1 = não cadastrado) e se a troca foi há menos de 3 dias."""

    token: npt.NDArray[np.bytes_]
    cadastrado: Logicos
    dias: Inteiros
    recem_trocado: Logicos


def observar(rng: np.random.Generator, economia: Economia, pagamentos: Tabela) -> Aparelhos:
    """O aparelho de cada ordem, exista ou não quem o veja."""
    p = economia.populacao
    quem = pagamentos["pagador"].astype(np.int64)
    quando = pagamentos["instante"]
    geracao = (p.trocas[quem] <= quando[:, None]).sum(axis=1)
    desde = np.where(geracao > 0, p.trocas[quem, np.maximum(geracao - 1, 0)], p.aparelho_desde[quem])
    desde = np.minimum(desde, quando)
    dono = p.aparelho_de[quem].astype(np.int64)
    espera = (acaso_estavel(economia.semente + 31, quem, geracao) * _HORAS_ATE_CADASTRAR * HORA_US).astype(np.int64)
    cadastrado = (quando >= desde + espera) & ~lote.chance(rng, len(quem), _REINSTALOU)
    token = p.aparelhos[dono, np.where(dono == quem, geracao, 0)]
    dias = (quando - desde) // DIA_US
    alheio = pagamentos["aparelho"] >= 0
    dias_alheio = pagamentos["aparelho_dias"].astype(np.int64)
    token = np.where(alheio, _tokens_alheios(economia.semente, pagamentos["aparelho"]), token)
    cadastrado = np.where(alheio, dias_alheio >= 0, cadastrado)
    recem_trocado = ~alheio & (quando - desde < _RECEM_TROCADO)
    return Aparelhos(token, cadastrado, np.where(alheio, dias_alheio, dias), recem_trocado)


def _tokens_alheios(semente: int, numero: Inteiros) -> npt.NDArray[np.bytes_]:
    """O token de cada aparelho alheio, o mesmo em qualquer bloco."""
    unicos, inverso = np.unique(np.maximum(numero, 0), return_inverse=True)
    resumos = np.stack([
        np.frombuffer(np.random.default_rng([semente, 3, int(n)]).bytes(16), np.uint8) for n in unicos
    ]) if len(unicos) else np.zeros((0, 16), np.uint8)  # fmt: skip
    return identificadores.tokens_de_resumos(resumos, identificadores.ID_CHAVE)[inverso]
