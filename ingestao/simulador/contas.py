"""As contas em colunas: o que se sabe de cada uma, e o papel que tem na economia simulada."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from ingestao.simulador.lote import Inteiros, Logicos, Reais

APARELHOS: Final = 3
CONTATOS: Final = 10
RECORRENCIAS: Final = 2
TIPOS_CONTA: Final = ("CACC", "SVGS", "TRAN", "SLRY", "OTHR")
TIPOS_CHAVE: Final = ("CPF", "CNPJ", "PHONE", "EMAIL", "EVP")
CANAIS: Final = ("APP", "IB", "API", "WHATSAPP", "AGENCIA")


class Papel(IntEnum):
    """O que a conta é na economia simulada (interno: não viaja no evento)."""

    PESSOA = 0
    AUTONOMO = 1
    LOJA = 2
    EMPRESA = 3
    CONSUMO = 4
    INTERMEDIARIO = 5
    INSTITUICAO = 6


@dataclass
class Populacao:
    """Uma linha por conta, na ordem de abertura das coortes; posições de contas são índices destas colunas.

    `abertura`, `aparelho_desde` e `trocas` (n, 2) em µs UTC. `atividade`: peso como pagador; `procura`: como
    recebedor. `gasto` e `bilhete`: deslocamento do logaritmo do valor. `contatos` e `lojas` (n, 10), em ordem de
    preferência. `propria`, `empregador`, `recorrente` (n, 2): -1 = não há. `salario` e `recorrente_valor` em centavos.
    """

    conta: npt.NDArray[np.bytes_]
    documento: npt.NDArray[np.bytes_]
    chave: npt.NDArray[np.bytes_]
    aparelhos: npt.NDArray[np.bytes_]
    ispb: npt.NDArray[np.bytes_]
    nossa: Logicos
    papel: npt.NDArray[np.int8]
    pj: Logicos
    tipo_conta: npt.NDArray[np.int8]
    tipo_chave: npt.NDArray[np.int8]
    abertura: Inteiros
    chave_desde: Inteiros
    aparelho_desde: Inteiros
    trocas: Inteiros
    aparelho_de: npt.NDArray[np.int32]
    idade: npt.NDArray[np.int16]
    uf: npt.NDArray[np.int8]
    perfil: npt.NDArray[np.int8]
    canal: npt.NDArray[np.int8]
    atividade: Reais
    procura: Reais
    gasto: Reais
    bilhete: Reais
    contatos: npt.NDArray[np.int32]
    lojas: npt.NDArray[np.int32]
    propria: npt.NDArray[np.int32]
    empregador: npt.NDArray[np.int32]
    salario: Inteiros
    recorrente: npt.NDArray[np.int32]
    recorrente_dia: npt.NDArray[np.int8]
    recorrente_valor: Inteiros
    remoto_habitual: Logicos
    fala_ao_pagar: Reais
    cola: Reais
    limite_noturno_maior: Logicos
    marcas: npt.NDArray[np.int16]
    rejeitados: npt.NDArray[np.int16]
    contas_na_chave: npt.NDArray[np.int16]
    liquidacoes_dia: Reais

    def __len__(self) -> int:
        """Quantas contas."""
        return len(self.conta)
