"""Como qualquer serviço local nasce: reaproveita o que está de pé, confere a porta, inicia e espera responder."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from plataforma.configuracao import Configuracao
from plataforma.erros import ErroServico
from plataforma.maquina import porta_livre
from plataforma.servicos import processo

PRAZO_CHAMADA_SEGUNDOS: Final = 3
HTTP_OK: Final = 200


@dataclass(frozen=True)
class Servico:
    """O que é preciso saber para iniciar um serviço.

    `portas`: variável de configuração (`PIX_PORTA_…`) → número TCP. `pronto`: se ele já serve. `oque`: a prova de
    vida, em palavras, para mensagens. `preparar`: monta o comando, e só é chamado se for preciso iniciar.
    """

    nome: str
    portas: Mapping[str, int]
    pronto: Callable[[], bool]
    oque: str
    prazo_segundos: float
    preparar: Callable[[], Sequence[str]]
    ambiente: Mapping[str, str] = field(default_factory=dict)


def deixar_de_pe(servico: Servico, cfg: Configuracao) -> bool:
    """Deixa o serviço respondendo; devolve se precisou iniciá-lo. Chamar de novo não faz nada.

    Levanta:
        ErroServico: porta ocupada por outro programa, ou serviço que morre ou não responde no prazo.
    """
    anterior = processo.carregar(servico.nome, cfg)
    if anterior is not None:
        if _segue_de_pe(anterior, servico):
            return False
        anterior.parar()  # o principal morreu: leva consigo os órfãos
        _esperar_portas(servico)
    for variavel, porta in servico.portas.items():
        exigir_porta(servico.nome, porta, variavel)
    novo = processo.iniciar(servico.nome, servico.preparar(), cfg, servico.ambiente)
    try:
        novo.esperar(servico.pronto, servico.prazo_segundos, servico.oque)
    except BaseException:
        processo.parar(servico.nome, cfg)
        raise
    return True


def _segue_de_pe(anterior: processo.Processo, servico: Servico) -> bool:
    """Se o processo anotado responde. Um que acabou de receber SIGKILL ainda parece vivo por um instante."""
    if not anterior.vivo():
        return False
    try:
        anterior.esperar(servico.pronto, servico.prazo_segundos, servico.oque)
    except ErroServico:
        if anterior.vivo():
            raise
        return False
    return anterior.vivo()


def _esperar_portas(servico: Servico) -> None:
    """Espera o sistema soltar as portas de quem morreu: as outras linhas do processo fecham depois da principal."""
    limite = time.monotonic() + processo.PRAZO_MATAR_SEGUNDOS
    while time.monotonic() < limite and not all(porta_livre(porta) for porta in servico.portas.values()):
        time.sleep(processo.INTERVALO_SEGUNDOS)


def nosso(nome: str, cfg: Configuracao) -> bool:
    """Se o serviço foi iniciado por nós e está de pé (a porta que ele ocupa é nossa)."""
    anotado = processo.carregar(nome, cfg)
    return anotado is not None and anotado.vivo()


def exigir_porta(nome: str, porta: int, variavel: str) -> None:
    """Recusa uma porta em uso.

    Levanta:
        ErroServico: diz a porta, quem a ocupa e a variável que escolhe outra.
    """
    if not porta_livre(porta):
        msg = (
            f"a porta {porta} ({nome}) está ocupada por {processo.quem_escuta(porta)}: "
            f"libere-a ou escolha outra com {variavel}"
        )
        raise ErroServico(msg)


def responde(endereco: str) -> bool:
    """Se um GET em `endereco` (http) devolve 200."""
    try:
        with urllib.request.urlopen(endereco, timeout=PRAZO_CHAMADA_SEGUNDOS) as resposta:  # noqa: S310  http local
            return bool(resposta.status == HTTP_OK)
    except (urllib.error.URLError, OSError):
        return False
