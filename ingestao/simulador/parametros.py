"""O que se escolhe em uma simulação: tamanho, período, prevalência e mistura de tipologias."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from plataforma.erros import ErroConfiguracao

SEGUNDO_US: Final = 1_000_000
MINUTO_US: Final = 60 * SEGUNDO_US
HORA_US: Final = 3_600 * SEGUNDO_US
DIA_US: Final = 24 * HORA_US

TIPOLOGIAS: Final = (
    "TOMADA_CONTA", "FALSA_CENTRAL", "FALSO_PARENTE", "CONTA_LARANJA", "COACAO", "PIX_ERRADO",
    "QR_ADULTERADO", "TROCA_CHIP", "FRACIONAMENTO", "TESTE_CONTA",
)
"""As que geram pagamentos fraudulentos, na ordem dos códigos 1..10 (0 = sem tipologia)."""

GOLPE_MED: Final = len(TIPOLOGIAS) + 1
"""Autofraude: o pagamento é legítimo, a contestação é que mente. Nunca conta como fraude no pagamento."""

NOMES_TIPOLOGIA: Final = ("", *TIPOLOGIAS, "GOLPE_MED")

MISTURA: Final = (
    ("TOMADA_CONTA", 0.15), ("FALSA_CENTRAL", 0.13), ("FALSO_PARENTE", 0.12), ("CONTA_LARANJA", 0.22),
    ("COACAO", 0.06), ("PIX_ERRADO", 0.06), ("QR_ADULTERADO", 0.09), ("TROCA_CHIP", 0.06),
    ("FRACIONAMENTO", 0.07), ("TESTE_CONTA", 0.04),
)
"""Peso de cada tipologia em pagamentos fraudulentos. Não há estatística oficial: é parâmetro, não fato."""


@dataclass(frozen=True)
class Parametros:
    """Uma simulação inteira, sem relógio e sem ambiente.

    `contas`: abertas no início (a população cresce depois). `eventos` em `dias` dias = a densidade, que o trecho
    vivo conserva. `prevalencia`: fração de pagamentos fraudulentos (na vida real, 0,007 %). `fracao_nossas`:
    contas das nossas instituições. `rejeitadas_por_aceita`: contestações recusadas para cada aceita (no país, 9;
    aqui menos, porque a prevalência já é cem vezes a real). Taxas de avaria: fração dos registros do vivo.

    Levanta:
        ErroConfiguracao: campo fora da faixa, citado com o que se esperava.
    """

    contas: int = 5_000
    dias: int = 60
    eventos: int = 300_000
    inicio: datetime = datetime(2026, 9, 1, 3, tzinfo=UTC)
    eventos_vivo: int = 0
    segundos_vivo: float = 0.0
    prevalencia: float = 0.008
    mistura: tuple[tuple[str, float], ...] = MISTURA
    nossos_ispb: tuple[str, ...] = ("99999010", "99999020")
    fracao_nossas: float = 0.72
    rejeitadas_por_aceita: float = 3.0
    taxa_duplicados: float = 0.002
    taxa_malformados: float = 0.001

    def __post_init__(self) -> None:
        """Recusa o valor que não serve, citando-o."""
        _exigir(self.contas >= 100, "contas", self.contas, "inteiro ≥ 100")  # noqa: PLR2004
        _exigir(self.dias >= 1, "dias", self.dias, "inteiro ≥ 1")
        _exigir(self.eventos >= 1, "eventos", self.eventos, "inteiro ≥ 1")
        _exigir(self.eventos_vivo >= 0, "eventos_vivo", self.eventos_vivo, "inteiro ≥ 0")
        _exigir(self.inicio.tzinfo is not None, "inicio", self.inicio, "instante com fuso (UTC)")
        _exigir(0 <= self.prevalencia <= 0.2, "prevalencia", self.prevalencia, "entre 0 e 0,2")  # noqa: PLR2004
        _exigir(bool(self.nossos_ispb), "nossos_ispb", self.nossos_ispb, "ao menos um ISPB")
        _exigir(0 < self.fracao_nossas < 1, "fracao_nossas", self.fracao_nossas, "entre 0 e 1, sem os extremos")
        for nome in ("taxa_duplicados", "taxa_malformados"):
            _exigir(0 <= getattr(self, nome) < 1, nome, getattr(self, nome), "entre 0 e 1")
        for nome, peso in self.mistura:
            _exigir(nome in TIPOLOGIAS and peso >= 0, "mistura", (nome, peso), f"peso ≥ 0 de uma de {TIPOLOGIAS}")
        _exigir(sum(peso for _, peso in self.mistura) > 0, "mistura", self.mistura, "ao menos um peso positivo")

    @property
    def inicio_us(self) -> int:
        """O primeiro instante do histórico, µs UTC."""
        return int(self.inicio.timestamp()) * SEGUNDO_US

    @property
    def fim_us(self) -> int:
        """O primeiro instante depois do histórico (onde o vivo começa), µs UTC."""
        return self.inicio_us + self.dias * DIA_US

    @property
    def eventos_por_us(self) -> float:
        """A densidade do histórico: pagamentos por µs simulado."""
        return self.eventos / (self.dias * DIA_US)

    @property
    def duracao_viva_us(self) -> int:
        """O tempo simulado que o trecho vivo cobre, µs: o que conserva a densidade por conta."""
        return round(self.eventos_vivo / self.eventos_por_us)

    @property
    def aceleracao(self) -> float:
        """Segundos simulados por segundo real no vivo (0 sem vivo)."""
        return self.duracao_viva_us / SEGUNDO_US / self.segundos_vivo if self.segundos_vivo else 0.0

    def com_vivo(self, taxa: float, segundos: float) -> Parametros:
        """Esta simulação seguida de `taxa` eventos/s durante `segundos` reais, com a mesma densidade por conta."""
        _exigir(taxa > 0, "taxa", taxa, "eventos por segundo > 0")
        _exigir(segundos > 0, "segundos", segundos, "segundos > 0")
        return replace(self, eventos_vivo=max(1, round(taxa * segundos)), segundos_vivo=float(segundos))


def _exigir(condicao: bool, campo: str, valor: object, esperado: str) -> None:
    if not condicao:
        msg = f"{campo} = {valor!r} não serve na simulação; esperado: {esperado}"
        raise ErroConfiguracao(msg)
