"""Os aliases do modelo e o registro de cada troca: quem decide, quem pontua em sombra, por quê e desde quando.

Cada troca vira uma marca própria do modelo registrado (`troca.<instante>`), que nunca se reescreve; escreve-se antes de
mover o alias: não há troca sem registro. A ordem delas é a pilha de onde `reverter` sabe para onde voltar.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from machine_learning.registro import CAMPEAO, VersaoModelo, resolver, versao
from machine_learning.registro_conexao import AUSENTE, abrir_cliente, traduzir
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroModelo

if TYPE_CHECKING:
    from mlflow import MlflowClient

ANTERIOR: Final = "anterior"
"""Alias da versão a que `reverter` voltaria; some quando não há nenhuma."""
MARCA_TROCA: Final = "troca."


class Tipo(StrEnum):
    """O que uma troca fez ao alias."""

    APONTAR = "apontar"
    REVERTER = "reverter"
    SOLTAR = "soltar"


@dataclass(frozen=True)
class Troca:
    """Um movimento de alias. Não diz quem o fez: só quando e por quê.

    Args:
        quando: instante, ISO 8601 em UTC.
        alias: `campeao` ou `desafiante`.
        tipo: o que se fez.
        versao: a que o alias passou a apontar; "" = nenhuma.
        anterior: a que apontava; "" = nenhuma.
        motivo: o de quem mandou.
        portao: o que o portão disse; "" = não foi consultado.
        forcada: contra o portão.
    """

    quando: str
    alias: str
    tipo: Tipo
    versao: str
    anterior: str
    motivo: str
    portao: str = ""
    forcada: bool = False


def apontar(
    cfg: Configuracao, alias: str, modelo: VersaoModelo, motivo: str, quando: datetime, *, portao: str = "",
    forcada: bool = False,
) -> Troca:
    """Faz o alias apontar a versão, com motivo, instante e o que disse o portão.

    Levanta:
        ErroServico: MLflow fora do ar.
    """
    return _mover(cfg, alias, Tipo.APONTAR, modelo.versao, motivo, quando, portao=portao, forcada=forcada)


def soltar(cfg: Configuracao, alias: str, motivo: str, quando: datetime) -> Troca | None:
    """Remove o alias; None se ele já não existia.

    Levanta:
        ErroServico: MLflow fora do ar.
    """
    return None if resolver(cfg, alias) is None else _mover(cfg, alias, Tipo.SOLTAR, "", motivo, quando)


def reverter(cfg: Configuracao, motivo: str, quando: datetime) -> VersaoModelo:
    """Devolve `campeao` à versão a que ele sucedeu.

    Levanta:
        ErroModelo: não há campeão, ou ele é o primeiro.
        ErroServico: MLflow fora do ar.
    """
    atual = resolver(cfg, CAMPEAO)
    if atual is None:
        msg = f"{cfg.modelo} não tem campeão a reverter; treine com ./pix treinar"
        raise ErroModelo(msg)
    destino = sucedida(historico(cfg), atual.versao)
    if destino is None:
        msg = f"{cfg.modelo} versão {atual.versao} não sucedeu a nenhuma: não há para onde reverter"
        raise ErroModelo(msg)
    anterior = versao(cfg, destino)
    _mover(cfg, CAMPEAO, Tipo.REVERTER, anterior.versao, motivo, quando)
    return anterior


def historico(cfg: Configuracao) -> list[Troca]:
    """Todas as trocas, da mais antiga à mais nova; vazio se o modelo ainda não existe.

    Levanta:
        ErroServico: MLflow fora do ar.
    """
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    with traduzir(cfg):
        try:
            marcas = dict(abrir_cliente(cfg).get_registered_model(cfg.modelo).tags)
        except MlflowException as erro:
            if erro.error_code == AUSENTE:
                return []
            raise
    escritas = [json.loads(texto) for nome, texto in sorted(marcas.items()) if nome.startswith(MARCA_TROCA)]
    return [Troca(**{**campos, "tipo": Tipo(campos["tipo"])}) for campos in escritas]


def sucedida(trocas: Sequence[Troca], atual: str) -> str | None:
    """A versão a que o campeão `atual` sucedeu: promover empilha, reverter desempilha; None se não há.

    Um campeão posto por fora (na tela do MLflow) não está na pilha: volta-se ao último que nós pusemos.
    """
    pilha: list[str] = []
    for troca in trocas:
        if troca.alias != CAMPEAO:
            continue
        if troca.tipo is Tipo.REVERTER:
            while pilha and pilha[-1] != troca.versao:
                pilha.pop()
        if troca.versao and (not pilha or pilha[-1] != troca.versao):
            pilha.append(troca.versao)
    if pilha and pilha[-1] == atual:
        pilha.pop()
    return pilha[-1] if pilha else None


def mais_nova(cfg: Configuracao) -> VersaoModelo | None:
    """A última versão registrada; None se não há nenhuma.

    Levanta:
        ErroServico: MLflow fora do ar.
        ErroModelo: ela não tem SHA-256.
    """
    with traduzir(cfg):
        achadas = abrir_cliente(cfg).search_model_versions(f"name='{cfg.modelo}'")
    numeros = [int(achada.version) for achada in achadas]
    return versao(cfg, str(max(numeros))) if numeros else None


def _mover(
    cfg: Configuracao, alias: str, tipo: Tipo, destino: str, motivo: str, quando: datetime, *, portao: str = "",
    forcada: bool = False,
) -> Troca:
    atual = resolver(cfg, alias)
    antes = "" if atual is None else atual.versao
    instante = quando.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    troca = Troca(instante, alias, tipo, destino, antes, motivo, portao, forcada)
    anteriores = historico(cfg)
    with traduzir(cfg):
        cliente = abrir_cliente(cfg)
        texto = json.dumps(asdict(troca), ensure_ascii=False)
        cliente.set_registered_model_tag(cfg.modelo, f"{MARCA_TROCA}{instante}", texto)
        _marcar(cliente, cfg.modelo, troca)
        if destino:
            cliente.set_registered_model_alias(cfg.modelo, alias, destino)
        else:
            cliente.delete_registered_model_alias(cfg.modelo, alias)
        if alias == CAMPEAO:
            _lembrar(cliente, cfg.modelo, sucedida([*anteriores, troca], destino))
    return troca


def _marcar(cliente: MlflowClient, nome: str, troca: Troca) -> None:
    """O motivo também na versão que entra e na que sai, onde a tela do MLflow o mostra."""
    if troca.versao:
        cliente.set_model_version_tag(nome, troca.versao, f"{troca.alias}_motivo", troca.motivo)
        cliente.set_model_version_tag(nome, troca.versao, f"{troca.alias}_desde", troca.quando)
    if troca.anterior and troca.anterior != troca.versao and troca.tipo is not Tipo.APONTAR:
        saida = "revertido_motivo" if troca.tipo is Tipo.REVERTER else f"{troca.alias}_retirado_motivo"
        cliente.set_model_version_tag(nome, troca.anterior, saida, troca.motivo)


def _lembrar(cliente: MlflowClient, nome: str, anterior: str | None) -> None:
    if anterior is not None:
        cliente.set_registered_model_alias(nome, ANTERIOR, anterior)
    elif ANTERIOR in cliente.get_registered_model(nome).aliases:
        cliente.delete_registered_model_alias(nome, ANTERIOR)
