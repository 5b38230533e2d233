"""Um balde do estado: aplica os toques de um micro-lote e devolve as primitivas de cada Pix. Sem Spark.

A ordem de tudo é a das posições no Kafka, e nada lê relógio: o mesmo lote aplicado de novo dá o mesmo resultado.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import msgspec
import numpy as np

from processamento.catalogo import PAPEL_DO_FLUXO, Catalogo
from processamento.estado import memoria, nucleo, pedacos
from processamento.estado.arena import Arena, Linhas
from processamento.estado.envelope import desempacotar, empacotar
from processamento.estado.estreito import estreitar
from processamento.estado.pedacos import Bloco, Indice

_ULTIMO: Final = "ultimo.lote"


class Deposito(Protocol):
    """Onde moram o índice e os pedaços (o estado do Spark; um dicionário nos testes)."""

    def ler_indice(self) -> bytes | None:
        """O índice, ou None se o balde é novo."""

    def gravar_indice(self, valor: bytes) -> None:
        """Troca o índice."""

    def ler(self, numero: int) -> bytes:
        """Um pedaço."""

    def gravar(self, numero: int, valor: bytes) -> None:
        """Um pedaço novo."""

    def apagar(self, numero: int) -> None:
        """Esquece um pedaço."""


class Entrada(NamedTuple):
    """Uma linha do plano que chegou ao balde."""

    destino: int
    toques: bytes
    eventos: bytes
    controle: bytes


class Saida(NamedTuple):
    """Uma linha do plano que sai do balde: primitivas por papel, eventos intactos e a ativação vigente."""

    destino: int
    medidas: bytes
    eventos: bytes
    ativacao: bytes


@dataclass
class Balde:
    """O estado de um balde, com a arena como cache.

    Args:
        catalogo: o que medir e por quanto tempo reter.
        pasta: arquivos da arena; None = memória deste processo.
        horizonte_ids_s: por quanto tempo um id repetido é reconhecido, em segundos de carimbo do Kafka.
    """

    catalogo: Catalogo
    pasta: Path | None
    horizonte_ids_s: int

    def __post_init__(self) -> None:
        """Abre a arena que houver."""
        self._arena = Arena(self.catalogo, self.pasta)
        self._ultimo: tuple[int, bytes] | None = None

    @property
    def arena(self) -> Arena:
        """A arena, para medir tamanho."""
        return self._arena

    def aplicar(self, entradas: list[Entrada], deposito: Deposito) -> list[Saida]:
        """Registra os toques de um micro-lote e mede os Pix que esperam decisão."""
        indice = pedacos.ler_indice(deposito.ler_indice())
        with self._arena.exclusiva():
            self._alinhar(indice, deposito)
            indice = _com_ativacao(indice, entradas)
            toques, origem = _juntar(entradas)
            self._arena.sujar()
            novo = self._registrar(toques, indice.versao + 1)
            bloco = Bloco(_linhas(toques).onde(novo), toques["chegada_s"][novo])
            self._arena.inserir(bloco.linhas)
            self._arena.varrer()
            medidas = self._medir(toques, novo, origem, len(entradas))
            indice = self._persistir(indice, bloco, deposito)
            self._arena.limpa(indice.versao)
        ativacao = empacotar({"em": indice.ativacao_em, "valor": indice.ativacao})
        return [
            Saida(e.destino, medida, e.eventos, ativacao)
            for e, medida in zip(entradas, medidas, strict=True) if medida or e.eventos or e.controle
        ]

    def _registrar(self, toques: dict[str, Any], versao: int) -> Any:
        ordem = np.lexsort((toques["fluxo"], toques["deslocamento"], toques["particao"]))
        chave = nucleo.chaves_de_diario(toques["ordem"], toques["fluxo"])
        novo = np.zeros(ordem.size, np.bool_)
        novo[ordem] = self._arena.registrar_ids(chave[ordem], versao, toques["chegada_s"][ordem], self.horizonte_ids_s)
        return novo

    def _medir(self, toques: dict[str, Any], novo: Any, origem: Any, entradas: int) -> list[bytes]:
        saida: list[dict[str, Any]] = [{} for _ in range(entradas)]
        for fluxo, papel in PAPEL_DO_FLUXO.items():
            quais = np.flatnonzero((toques["fluxo"] == fluxo) & (toques["consulta"] == 1))
            for i in range(entradas):
                onde = quais[origem[quais] == i]
                if not onde.size:
                    continue
                medidas = self._arena.consultar(
                    papel, toques["entidade"][onde], toques["contraparte"][onde], toques["instante"][onde]
                )
                saida[i][papel.name] = {
                    "particao": toques["particao"][onde], "deslocamento": toques["deslocamento"][onde],
                    "novo": novo[onde], "primitivas": estreitar(medidas),
                }
        return [empacotar(medida) if medida else b"" for medida in saida]

    def _persistir(self, indice: Indice, bloco: Bloco, deposito: Deposito) -> Indice:
        valor = pedacos.codificar(bloco)
        deposito.gravar(indice.proximo, valor)
        indice = pedacos.acrescentar(indice, bloco, len(valor))
        self._lembrar(indice.versao, valor)
        while cauda := pedacos.a_fundir(indice):
            unido = pedacos.codificar(pedacos.juntar([pedacos.decodificar(deposito.ler(p.numero)) for p in cauda]))
            deposito.gravar(indice.proximo, unido)
            indice = pedacos.fundir(indice, cauda, len(unido))
            for pedaco in cauda:
                deposito.apagar(pedaco.numero)
        velhos = pedacos.vencidos(indice, self._arena.relogio_us - self.catalogo.horizonte_us)
        for pedaco in velhos:
            deposito.apagar(pedaco.numero)
        indice = pedacos.sem(indice, velhos)
        deposito.gravar_indice(pedacos.gravar_indice(indice))
        return indice

    def _alinhar(self, indice: Indice, deposito: Deposito) -> None:
        """Leva a arena à versão do índice: nada, desfazer o último lote, aplicar os que faltam, ou refazer tudo."""
        versao = self._arena.versao
        if versao == indice.versao:
            return
        if versao == indice.versao + 1 and (ultimo := self._lembrado(versao)) is not None:
            self._arena.sujar()
            self._arena.remover(pedacos.decodificar(ultimo).linhas)
            self._arena.limpa(indice.versao)
            return
        faltam = [p for p in indice.pedacos if p.ate > versao]
        refazer = versao <= 0 or versao > indice.versao or any(p.de <= versao for p in faltam)
        if refazer:
            self._arena.esvaziar()
            faltam = list(indice.pedacos)
        self._arena.sujar()
        for pedaco in faltam:
            bloco = pedacos.decodificar(deposito.ler(pedaco.numero))
            self._arena.inserir(bloco.linhas)
            chave = nucleo.chaves_de_diario(bloco.linhas.ordem, bloco.linhas.fluxo)
            if chave.size:
                self._arena.registrar_ids(chave, max(pedaco.ate, 1), bloco.chegada_s, self.horizonte_ids_s)
        if refazer:
            self._arena.compactar()
            memoria.devolver()  # os pedaços lidos e o que a partida quente trouxe: quase o tamanho da arena
        self._arena.limpa(indice.versao)

    def _lembrar(self, versao: int, valor: bytes) -> None:
        if self.pasta is None:
            self._ultimo = (versao, valor)
        else:
            (self.pasta / _ULTIMO).write_bytes(empacotar({"versao": versao, "valor": valor}))

    def _lembrado(self, versao: int) -> bytes | None:
        if self.pasta is None:
            guardado = self._ultimo
        elif (self.pasta / _ULTIMO).exists():
            lido = desempacotar((self.pasta / _ULTIMO).read_bytes())
            guardado = (lido["versao"], lido["valor"])
        else:
            guardado = None
        return guardado[1] if guardado is not None and guardado[0] == versao else None


def iniciar(blocos: list[Bloco], indice: Indice, deposito: Deposito) -> Indice:
    """Partida quente: guarda blocos de histórico como pedaços prontos; a arena os lerá no primeiro lote."""
    for bloco in blocos:
        valor = pedacos.codificar(bloco)
        deposito.gravar(indice.proximo, valor)
        indice = pedacos.acrescentar(indice, bloco, len(valor))
    indice = msgspec.structs.replace(
        indice, pedacos=tuple(msgspec.structs.replace(p, nivel=pedacos.NIVEL_HISTORICO) for p in indice.pedacos)
    )
    deposito.gravar_indice(pedacos.gravar_indice(indice))
    return indice


def _com_ativacao(indice: Indice, entradas: list[Entrada]) -> Indice:
    """A ativação de maior deslocamento vale para o lote inteiro: todo balde a recebe no mesmo lote."""
    for entrada in entradas:
        if entrada.controle:
            controle = desempacotar(entrada.controle)
            if controle["deslocamento"] > indice.ativacao_em:
                indice = msgspec.structs.replace(
                    indice, ativacao_em=controle["deslocamento"], ativacao=controle["valor"]
                )
    return indice


def _juntar(entradas: list[Entrada]) -> tuple[dict[str, Any], Any]:
    """As colunas de todos os toques e, para cada um, de que entrada veio."""
    lidos = [desempacotar(e.toques) for e in entradas]
    colunas = {nome: np.concatenate([lido[nome] for lido in lidos]) for nome in lidos[0]}
    origem = np.repeat(np.arange(len(lidos)), [lido["fluxo"].size for lido in lidos])
    return colunas, origem


def _linhas(toques: dict[str, Any]) -> Linhas:
    return Linhas(*(toques[nome] for nome in Linhas.__dataclass_fields__))


