"""O que um consumidor das decisões vê: latência, ações, fraudes barradas e perdidas, enquanto o tráfego corre."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np

from comandos.consumo import Consumo
from plataforma.configuracao import Configuracao

PERCENTIS: Final = (50.0, 95.0, 99.0)
JANELA_AO_VIVO: Final = 2_000
BARRAM: Final = frozenset({"RETER_ANALISE", "BLOQUEIO_CAUTELAR", "REJEITAR"})
"""Ações que impedem, ao menos por um tempo, que o dinheiro chegue."""
MS_US: Final = 1_000


class _Lida(msgspec.Struct):
    """Só o que se mede de uma decisão; o resto da mensagem é pulado na leitura."""

    tipo: str
    particao: int
    deslocamento: int
    acao: str
    enviado_em_us: int | None = None
    prazo_ms: int = 0
    modelo: str | None = None
    modelo_versao: str | None = None
    id_fim_a_fim: str | None = None


@dataclass
class Medidas:
    """O que se acumulou. Latências em ms, do envio (µs do produtor) à decisão legível (carimbo do broker)."""

    acoes: Counter[str] = field(default_factory=Counter)
    latencias_ms: list[float] = field(default_factory=list)
    recusas: int = 0
    repetidas: int = 0
    modelo: tuple[str | None, str | None] = (None, None)
    vistas: set[tuple[int, int]] = field(default_factory=set)
    fraudes_barradas: set[str] = field(default_factory=set)
    fraudes_no_prazo: set[str] = field(default_factory=set)
    fraudes_vistas: set[str] = field(default_factory=set)

    @property
    def decididas(self) -> int:
        """Pix com decisão, sem contar repetições."""
        return len(self.vistas) - self.recusas

    def latencia(self, ultimas: int = 0) -> dict[str, float]:
        """p50, p95, p99 e máximo, em ms, de todas ou das `ultimas`; vazio sem decisões."""
        amostra = self.latencias_ms[-ultimas:] if ultimas else self.latencias_ms
        if not amostra:
            return {}
        p50, p95, p99 = np.percentile(amostra, PERCENTIS)
        return {"p50": float(p50), "p95": float(p95), "p99": float(p99), "max": float(max(amostra))}


class Medidor:
    """Consome `pix.decisoes` em uma linha própria, do fim atual em diante.

    Args:
        cfg: broker e tópico.
        fraudes: valor em centavos de cada fraude de verdade, por id_fim_a_fim (para medir, nunca para decidir).
    """

    def __init__(self, cfg: Configuracao, fraudes: Mapping[str, int]) -> None:
        self.fraudes = fraudes
        self._leitor = msgspec.json.Decoder(_Lida)
        self.medidas = Medidas()
        self._consumo = Consumo(cfg, cfg.topico_decisoes, self._anotar)

    def iniciar(self) -> None:
        """Começa a consumir."""
        self._consumo.iniciar()

    def parar(self) -> Medidas:
        """Para e devolve o acumulado.

        Levanta:
            ErroServico: o consumo falhou no caminho.
        """
        self._consumo.parar()
        self._consumo.exigir_inteiro()
        return self.medidas

    def _anotar(self, mensagem: Any) -> None:
        lida, m = self._leitor.decode(mensagem.value()), self.medidas
        posicao = (lida.particao, lida.deslocamento)
        if posicao in m.vistas:
            m.repetidas += 1
            return
        m.vistas.add(posicao)
        if lida.tipo == "recusa":
            m.recusas += 1
            return
        m.acoes[lida.acao] += 1
        m.modelo = (lida.modelo, lida.modelo_versao)
        latencia = mensagem.timestamp()[1] - lida.enviado_em_us / MS_US if lida.enviado_em_us else None
        if latencia is not None:
            m.latencias_ms.append(latencia)
        if lida.id_fim_a_fim is not None and lida.id_fim_a_fim in self.fraudes:
            m.fraudes_vistas.add(lida.id_fim_a_fim)
            if lida.acao in BARRAM:
                m.fraudes_barradas.add(lida.id_fim_a_fim)
                if latencia is not None and latencia <= lida.prazo_ms:
                    m.fraudes_no_prazo.add(lida.id_fim_a_fim)
