"""Recall e precisão do que se decidiu, por dia, conforme os rótulos chegam. Puro."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from machine_learning.conjunto import DIA_US, NUNCA

Inteiros = NDArray[np.int64]
Logicos = NDArray[np.bool_]


@dataclass(frozen=True)
class Decididos:
    """Decisões e o que se soube delas; vetores (n,).

    Args:
        instante_us: do Pix.
        conhecido_em_us: quando se confirmou a fraude; `NUNCA` se não foi.
        alerta: a ação não foi aprovar.
        no_prazo: a decisão saiu a tempo de proteger.
        valor: centavos.
    """

    instante_us: Inteiros
    conhecido_em_us: Inteiros
    alerta: Logicos
    no_prazo: Logicos
    valor: Inteiros

    def onde(self, quais: Logicos) -> Decididos:
        """Só as marcadas."""
        return Decididos(*(getattr(self, nome)[quais] for nome in self.__dataclass_fields__))


def medir(d: Decididos, agora_us: int) -> dict[str, Any]:
    """As medidas de um grupo de decisões, com as fraudes conhecidas até agora.

    `recall_no_prazo`: uma decisão atrasada conta como fraude perdida. `atraso_dias`: mediana do Pix à confirmação.
    """
    fraude = (d.conhecido_em_us != NUNCA) & (d.conhecido_em_us <= agora_us)
    pegas = fraude & d.alerta
    atraso = (d.conhecido_em_us[fraude] - d.instante_us[fraude]) / DIA_US
    return {
        "decisoes": int(fraude.size), "alertas": int(d.alerta.sum()), "fraudes": int(fraude.sum()),
        "recall": _fracao(pegas.sum(), fraude.sum()),
        "recall_no_prazo": _fracao((pegas & d.no_prazo).sum(), fraude.sum()),
        "precisao": _fracao(pegas.sum(), d.alerta.sum()),
        "vdr": _fracao(d.valor[pegas].sum(), d.valor[fraude].sum()),
        "atraso_dias": float(np.median(atraso)) if atraso.size else None,
    }


def por_dia(d: Decididos, agora_us: int, maturacao_dias: int) -> list[dict[str, Any]]:
    """Uma linha por dia UTC do Pix; `maduro` diz se o dia inteiro já passou do atraso do rótulo."""
    dia = d.instante_us // DIA_US
    return [
        {
            "dia": str(np.datetime64(int(n), "D")), **medir(d.onde(dia == n), agora_us),
            "maduro": bool((int(n) + 1 + maturacao_dias) * DIA_US <= agora_us),
        }
        for n in np.unique(dia)
    ]


def _fracao(numerador: Any, denominador: Any) -> float | None:
    return float(numerador) / float(denominador) if denominador else None
