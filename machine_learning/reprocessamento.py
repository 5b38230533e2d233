"""Decidir de novo o que já foi decidido, pelo código da decisão, e contar o que muda. Sem tabelas nem registro."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from machine_learning.acoes import ACOES, Acao
from machine_learning.decisao import Decisor
from machine_learning.montagem import Montado
from machine_learning.observacao import ACOES_QUE_BARRAM

if TYPE_CHECKING:
    import pyarrow as pa

TOLERANCIA: Final = 1e-6
"""Quanto uma nota refeita pode diferir da servida: só o arredondamento."""
MAXIMO_EXEMPLOS: Final = 20
DO_MONTADO: Final[Mapping[str, str]] = {"enviado_us": "enviado_em_us", "kafka_us": "kafka_em_us"} | {
    nome: nome for nome in (
        "id_fim_a_fim", "topico", "pagador_conta", "recebedor_conta", "pagador_ispb", "recebedor_ispb",
        "forma_de_iniciacao", "dispositivo", "id_evento", "particao", "deslocamento", "instante_us", "valor_centavos",
    )
}
"""Coluna de `montagem.Montado` que a decisão lê → coluna de ouro_decisoes."""
_INTEIRAS: Final = frozenset({"kafka_us", "id_evento", "particao", "deslocamento", "instante_us", "valor_centavos"})


class Desfecho(msgspec.Struct, frozen=True):
    """O que se decidiu de um Pix; `motivos` só pelos códigos se comparam."""

    acao: str
    pontuacao: float | None
    probabilidade: float | None
    motivos: list[dict[str, Any]]
    regras: list[str]
    modelo_versao: str | None
    regras_versao: str
    duracao_ms: int


DO_DESFECHO: Final = tuple(Desfecho.__struct_fields__)
COLUNAS: Final = tuple(sorted({*DO_MONTADO.values(), *DO_DESFECHO, "catalogo_versao", "atributos"}))
"""O que se lê de ouro_decisoes."""


class Caso(NamedTuple):
    """Um Pix e suas duas decisões.

    Args:
        pix: linha de ouro_decisoes, por nome de coluna.
        antes: como foi decidido.
        depois: como se decide agora.
        com_regras: False = o texto das regras de então não está à mão; só a nota se compara.
        mesma_entrada: os atributos são os que foram servidos.
        fraude: confirmada, ao que se sabe agora.
    """

    pix: Mapping[str, Any]
    antes: Desfecho
    depois: Desfecho
    com_regras: bool
    mesma_entrada: bool
    fraude: bool

    @property
    def conferivel(self) -> bool:
        """Mesmo modelo, mesmas regras (ou só a nota) e mesmos atributos: tem de dar o mesmo."""
        mesmas_regras = not self.com_regras or self.antes.regras_versao == self.depois.regras_versao
        return self.mesma_entrada and mesmas_regras and self.antes.modelo_versao == self.depois.modelo_versao

    @property
    def diverge(self) -> bool:
        """Tinha de dar o mesmo e não deu."""
        return self.conferivel and not _repete(self.antes, self.depois, inteiro=self.com_regras)


def redecidir(
    decisor: Decisor, lote: pa.RecordBatch, atributos: NDArray[np.float64], ativacao: bytes
) -> list[Desfecho]:
    """As decisões de um lote de ouro_decisoes, na mesma ordem, pelo mesmo `Decisor` do fluxo.

    Args:
        decisor: o da consulta.
        lote: com as colunas de `DO_MONTADO`.
        atributos: float64 (n, len(NOMES)).
        ativacao: o registro de controle que teria valido; vazio = sem modelo nem regras.
    """
    colunas: dict[str, Any] = {nome: lote.column(origem) for nome, origem in DO_MONTADO.items()}
    colunas |= {nome: np.array(colunas[nome], np.int64) for nome in _INTEIRAS}
    montado = Montado(colunas, atributos, [], ativacao)
    respostas = decisor.responder(montado, 0, 0)
    return [msgspec.json.decode(valor, type=Desfecho) for valor in respostas.valores]


@dataclass
class Balanco:
    """O que uma das duas políticas fez: fraudes alcançadas e barradas, honestos incomodados. Valores em centavos."""

    alcancadas: int = 0
    barradas: int = 0
    centavos_barrados: int = 0
    pix_incomodados: int = 0
    pagadores: set[str] = field(default_factory=set)

    def somar(self, acao: str, pix: Mapping[str, Any], *, fraude: bool) -> None:
        """Conta um Pix."""
        if acao == Acao.APROVAR.value:
            return
        if not fraude:
            self.pix_incomodados += 1
            self.pagadores.add(pix["pagador_conta"])
            return
        self.alcancadas += 1
        if acao in ACOES_QUE_BARRAM:
            self.barradas += 1
            self.centavos_barrados += pix["valor_centavos"]

    def medidas(self) -> dict[str, int]:
        """Os números."""
        return {
            "fraudes_alcancadas": self.alcancadas, "fraudes_barradas": self.barradas,
            "centavos_barrados": self.centavos_barrados, "legitimos_incomodados": self.pix_incomodados,
            "pagadores_incomodados": len(self.pagadores),
        }


@dataclass
class Apuracao:
    """A soma dos casos, um a um."""

    matriz: Counter[tuple[str, str]] = field(default_factory=Counter)
    regras: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    antes: Balanco = field(default_factory=Balanco)
    depois: Balanco = field(default_factory=Balanco)
    notas: Counter[str] = field(default_factory=Counter)
    maior_diferenca: float = 0.0
    fraudes: Counter[str] = field(default_factory=Counter)
    conferencia: Counter[str] = field(default_factory=Counter)
    sem_texto: Counter[str] = field(default_factory=Counter)
    _exemplos: list[Caso] = field(default_factory=list)

    def somar(self, casos: Sequence[Caso]) -> None:
        """Soma um lote de casos."""
        for caso in casos:
            self._nota(caso)
            self._conferir(caso)
            if caso.com_regras:
                self._acao(caso)
            else:
                self.sem_texto[caso.antes.regras_versao] += 1
        mudados = [c for c in casos if c.diverge or (c.com_regras and c.antes.acao != c.depois.acao)]
        todos = [*self._exemplos, *mudados]
        # Primeiro o que não devia mudar; depois, os de maior valor.
        todos.sort(key=lambda c: (not c.diverge, -c.pix["valor_centavos"], c.pix["id_fim_a_fim"]))
        self._exemplos = todos[:MAXIMO_EXEMPLOS]

    def medidas(self) -> dict[str, Any]:
        """Tudo o que se contou, pronto para o JSON."""
        total, iguais = self.matriz.total(), sum(n for (de, para), n in self.matriz.items() if de == para)
        nomes = [a.value for a in ACOES]
        return {
            "linhas": total + self.sem_texto.total(),
            "acoes": {
                "comparadas": total, "iguais": iguais, "mudaram": total - iguais,
                "matriz": {de: {para: self.matriz[de, para] for para in nomes} for de in nomes},
            },
            "so_nota": {"linhas": self.sem_texto.total(), "regras_versoes": dict(sorted(self.sem_texto.items()))},
            "regras": {
                regra: {nome: c[nome] for nome in ("antes", "depois", "entraram", "sairam")}
                for regra, c in sorted(self.regras.items())
            },
            "pontuacao": {
                **{nome: self.notas[nome] for nome in ("comparadas", "diferentes", "so_antes", "so_depois")},
                "maior_diferenca": self.maior_diferenca,
            },
            "fraudes": {"conhecidas": self.fraudes["quantas"], "centavos": self.fraudes["centavos"]},
            "antes": self.antes.medidas(), "depois": self.depois.medidas(),
            "reproducao": {nome: self.conferencia[nome] for nome in ("conferidas", "so_pela_nota", "divergentes")},
            "exemplos": [_exemplo(caso) for caso in self._exemplos],
        }

    def _nota(self, caso: Caso) -> None:
        a, b = caso.antes.pontuacao, caso.depois.pontuacao
        if a is None or b is None:
            self.notas["so_antes"] += b is None and a is not None
            self.notas["so_depois"] += a is None and b is not None
            return
        diferenca = abs(a - b)
        self.notas["comparadas"] += 1
        self.notas["diferentes"] += diferenca > TOLERANCIA
        self.maior_diferenca = max(self.maior_diferenca, diferenca)

    def _conferir(self, caso: Caso) -> None:
        if caso.conferivel:
            self.conferencia["conferidas"] += 1
            self.conferencia["so_pela_nota"] += not caso.com_regras
            self.conferencia["divergentes"] += caso.diverge

    def _acao(self, caso: Caso) -> None:
        antes, depois = set(caso.antes.regras), set(caso.depois.regras)
        self.matriz[caso.antes.acao, caso.depois.acao] += 1
        for nome, quais in (
            ("antes", antes), ("depois", depois), ("entraram", depois - antes), ("sairam", antes - depois)
        ):
            for regra in quais:
                self.regras[regra][nome] += 1
        self.fraudes["quantas"] += caso.fraude
        self.fraudes["centavos"] += caso.pix["valor_centavos"] if caso.fraude else 0
        self.antes.somar(caso.antes.acao, caso.pix, fraude=caso.fraude)
        self.depois.somar(caso.depois.acao, caso.pix, fraude=caso.fraude)


def _repete(a: Desfecho, b: Desfecho, *, inteiro: bool) -> bool:
    notas = _perto(a.pontuacao, b.pontuacao) and _perto(a.probabilidade, b.probabilidade)
    return notas and (not inteiro or _sem_notas(a) == _sem_notas(b))


def _sem_notas(d: Desfecho) -> tuple[Any, ...]:
    return d.acao, d.duracao_ms, d.regras, sorted(motivo["codigo"] for motivo in d.motivos)


def _perto(a: float | None, b: float | None) -> bool:
    return a is b if a is None or b is None else abs(a - b) <= TOLERANCIA


def _exemplo(caso: Caso) -> dict[str, Any]:
    """Só ids, tokens e o que se decidiu: nenhum dado pessoal claro."""
    do_pix = ("id_fim_a_fim", "id_evento", "instante_us", "valor_centavos", "pagador_conta", "recebedor_conta")
    das_duas = ("acao", "pontuacao", "regras", "modelo_versao", "regras_versao")
    return {
        **{nome: caso.pix[nome] for nome in do_pix}, "fraude": caso.fraude, "diverge": caso.diverge,
        "antes": {nome: getattr(caso.antes, nome) for nome in das_duas},
        "depois": {nome: getattr(caso.depois, nome) for nome in das_duas},
    }
