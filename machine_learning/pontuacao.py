"""O modelo em serviço: carregado uma vez por worker e versão; sem modelo utilizável, as regras decidem."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from plataforma.erros import ErroModelo

if TYPE_CHECKING:
    from machine_learning.modelo import Detector

Reais = NDArray[np.float64]
_REGISTRO: Final = logging.getLogger(__name__)
_CARREGADOS: dict[tuple[str, str], Detector | None] = {}
"""Por (caminho, sha256); None = tentou e não serve. A falha é registrada uma vez por worker."""


@dataclass(frozen=True)
class Pontuado:
    """Notas de um lote: `pontuacao` ordena, `probabilidade` é calibrada; ambas NaN onde não houve modelo."""

    pontuacao: Reais
    probabilidade: Reais
    detector: Detector | None
    versao: str | None


def pontuar(atributos: Reais, versao: str | None, caminho: str | None, sha256: str | None) -> Pontuado:
    """Pontua com o modelo pedido; se ele falta, não confere ou lança, devolve notas nulas (as regras decidem)."""
    vazio = np.full(atributos.shape[0], np.nan)
    detector = _carregar(caminho, sha256) if versao and caminho and sha256 else None
    if detector is None:
        return Pontuado(vazio, vazio, None, None)
    try:
        bruta = detector.pontuar(atributos)
        return Pontuado(bruta, detector.calibrar(bruta), detector, versao)
    except Exception:
        # Um modelo que lança não pode parar o fluxo nem deixar Pix sem resposta: a decisão dirá modo "regras".
        _REGISTRO.exception("modelo %s lançou ao pontuar %d Pix; as regras decidem", versao, atributos.shape[0])
        return Pontuado(vazio, vazio, None, None)


def _carregar(caminho: str, sha256: str) -> Detector | None:
    identidade = (caminho, sha256)
    if identidade not in _CARREGADOS:
        from machine_learning.modelo import carregar  # noqa: PLC0415 — sklearn só onde se pontua

        try:
            _CARREGADOS[identidade] = carregar(Path(caminho), sha256)
        except ErroModelo as erro:
            _REGISTRO.error("modelo recusado, as regras decidem: %s", erro)
            _CARREGADOS[identidade] = None
    return _CARREGADOS[identidade]
