"""A troca de modelo com tráfego correndo: quanto demora a valer e quanto tempo se fica sem decisão nenhuma."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from comandos.desempenho.carga import Carga, Conta
from comandos.desempenho.leitor import Leitor, decisao
from comandos.desempenho.ponto import SEGUNDO_US, esperar_decisoes
from ingestao.remessa import Remessa
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroServico

if TYPE_CHECKING:
    from confluent_kafka import Message

MOTIVO: Final = "bancada: o mesmo modelo com outro número, para medir a troca"
ESPERA_S: Final = 0.1
EM_VOLTA_MS: Final = 10_000.0
"""O que se olha de cada lado da primeira decisão da versão nova."""


class _Servida(msgspec.Struct):
    modelo_versao: str | None = None


class _Versoes:
    """Lê decisões e anota quando a primeira de cada versão ficou legível (ms do broker) e quantas houve de cada."""

    def __init__(self) -> None:
        self._decodificador = msgspec.json.Decoder(_Servida)
        self.primeira_ms: dict[str | None, int] = {}
        self.quantas: dict[str | None, int] = {}

    def __call__(self, mensagem: Message) -> tuple[int, int]:
        versao = self._decodificador.decode(mensagem.value() or b"{}").modelo_versao
        self.primeira_ms.setdefault(versao, mensagem.timestamp()[1])
        self.quantas[versao] = self.quantas.get(versao, 0) + 1
        return decisao(mensagem)


def medir_troca(cfg: Configuracao, conta: Conta, taxa: float) -> dict[str, Any]:
    """Com um terço da carga decidido, a campeã passa a ser outra versão do mesmo modelo; ms e s do que se viu.

    `vigente_s`: do pedido à primeira decisão da versão nova. `silencio_ms`: o maior intervalo sem decisão legível em
    torno dela; `silencio_antes_ms`: o maior antes do pedido, em tempo igual. `p99_ms` e `max_ms`: da latência ali.

    Levanta:
        ErroServico: o envio ou a leitura falharam, ou a versão nova não decidiu nenhum Pix.
    """
    from machine_learning import registro, registro_aliases  # noqa: PLC0415 — mlflow só aqui

    versoes = _Versoes()
    with Leitor(cfg, cfg.topico_decisoes, versoes) as leitor:
        with Remessa(cfg, partial(Carga, conta.arquivo, taxa)) as remessa:
            remessa.comecar()
            while leitor.lidas < conta.decisoes / 3 and not remessa.terminou():
                threading.Event().wait(ESPERA_S)
            atual = registro.resolver(cfg, registro.CAMPEAO)
            if atual is None:
                msg = f"{cfg.modelo} não tem campeã: a bancada deveria ter treinado uma"
                raise ErroServico(msg)
            nova = registro.repetir(cfg, atual)
            pedido = datetime.now(UTC)
            registro_aliases.apontar(cfg, registro.CAMPEAO, nova, MOTIVO, pedido)
            remessa.esperar()
        esperar_decisoes(leitor, conta.decisoes)
        leitura = leitor.leitura().unicas()
    if nova.versao not in versoes.primeira_ms:
        msg = f"a versão {nova.versao} não decidiu nenhum dos {conta.decisoes} Pix: veja o registro da decisão"
        raise ErroServico(msg)
    pedido_ms, vigente_ms = pedido.timestamp() * 1_000, float(versoes.primeira_ms[nova.versao])
    legivel, latencia = leitura.legivel_ms, leitura.latencias_ms()
    perto = np.abs(leitura.enviado_us * 1_000 / SEGUNDO_US - vigente_ms) <= EM_VOLTA_MS
    return {
        "vigente_s": round((vigente_ms - pedido_ms) / 1_000, 2),
        "silencio_ms": maior_silencio(legivel, vigente_ms - EM_VOLTA_MS, vigente_ms + EM_VOLTA_MS),
        "silencio_antes_ms": maior_silencio(legivel, pedido_ms - 2 * EM_VOLTA_MS, pedido_ms),
        "p99_ms": round(float(np.percentile(latencia[perto], 99)), 1), "max_ms": round(float(latencia[perto].max()), 1),
        "decididos_por_versao": {str(versao): quantas for versao, quantas in versoes.quantas.items()},
        "perdidos": max(conta.decisoes - leitura.posicao.size, 0), "dobrados": leitor.lidas - leitura.posicao.size,
    }


def maior_silencio(legivel_ms: np.ndarray[Any, np.dtype[np.int64]], de_ms: float, ate_ms: float) -> int:
    """O maior intervalo, em ms, entre decisões legíveis vizinhas dentro de `[de, ate]`; 0 com menos de duas."""
    dentro = np.sort(legivel_ms[(legivel_ms >= de_ms) & (legivel_ms <= ate_ms)])
    return int(np.diff(dentro).max()) if dentro.size > 1 else 0
