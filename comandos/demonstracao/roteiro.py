"""A demonstração, passo a passo, do disco vazio ao relatório."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from comandos.apresentacao import espera, numero, passo
from comandos.demonstracao import relatorio
from comandos.demonstracao.painel import ao_vivo
from comandos.demonstracao.trafego import anotar_relogio, fraudes_vivas, importado, simulado
from comandos.drenagem import drenar
from comandos.limpar import apagar_dados
from comandos.medida import Medidas, Medidor
from comandos.parar import parar_tudo
from comandos.partida import partir
from ingestao.emissao import Emissao
from ingestao.esquema import Origem
from ingestao.remessa import Entrega, Remessa, gravar
from ingestao.trafego import Trafego
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroConfiguracao
from plataforma.jars import versoes as versoes_dos_jars

MARCA: Final = "demonstracao.marca"
PRAZO_DRENAGEM_S: Final = 1_800.0
PRAZO_LEITURA_S: Final = 30.0
BATIDA_S: Final = 0.2
TAXA_DUPLICADOS: Final = 0.002
TAXA_MALFORMADOS: Final = 0.001
_PECAS: Final = ("pyspark", "delta-spark", "mlflow", "scikit-learn", "polars", "numba")


@dataclass(frozen=True)
class Pedido:
    """O que o usuário pediu: taxa em eventos/s, duração em segundos, semente, arquivos de seis colunas se houver."""

    taxa: float
    segundos: float
    semente: int
    eventos: Path | None
    rotulos: Path | None
    manter: bool


def demonstrar(cfg: Configuracao, pedido: Pedido) -> dict[str, Any]:
    """Corre a demonstração e devolve o relatório; para tudo no fim, salvo `manter`.

    Levanta:
        ErroPipeline: falta algo na máquina, um serviço não sobe ou os arquivos dados não servem.
    """
    recomecar(cfg)
    try:
        trafego = _preparar(cfg, pedido)
        entrega, medidas, conciliacao = _ao_vivo(cfg, pedido, trafego)
        return _relatar(cfg, entrega, medidas, conciliacao, fraudes_vivas(trafego))
    finally:
        if not pedido.manter:
            parar_tudo(cfg, lambda _: None)


def recomecar(cfg: Configuracao) -> None:
    """Apaga a demonstração anterior; nunca o que não é de demonstração.

    Levanta:
        ErroConfiguracao: a pasta de dados tem tabelas que não nasceram de uma demonstração.
    """
    marca = cfg.caminho(MARCA)
    if cfg.caminho("tabelas").exists() and not marca.exists():
        msg = (f"há dados em {cfg.dados} que não são de uma demonstração: escolha outra pasta com PIX_DADOS, "
               "ou apague-os com ./pix limpar")
        raise ErroConfiguracao(msg)
    parar_tudo(cfg, lambda _: None)
    apagar_dados(cfg, manter=("segredos",))
    cfg.dados.mkdir(parents=True, exist_ok=True)
    marca.write_text("dados criados por ./pix demonstrar; apagados na próxima\n")


def _preparar(cfg: Configuracao, pedido: Pedido) -> Trafego:
    """Serviços, sessões Spark e tráfego ao mesmo tempo; depois história, modelo e consultas, nos fluxos."""
    def gerar() -> Trafego:
        trafego = _trafego(cfg, pedido)
        passo(f"História: {numero(trafego.primeiro_vivo)} Pix; ao vivo: {numero(trafego.vivo().height)}")
        return trafego

    with espera("Subindo os serviços e gerando a história…") as mostrar:
        return partir(cfg, gerar, mostrar)


def _trafego(cfg: Configuracao, pedido: Pedido) -> Trafego:
    if pedido.eventos is not None:
        return importado(cfg, pedido.eventos, pedido.rotulos, pedido.taxa, pedido.segundos)
    return simulado(cfg, pedido.taxa, pedido.segundos, pedido.semente)


def _ao_vivo(cfg: Configuracao, pedido: Pedido, trafego: Trafego) -> tuple[Entrega, Medidas, Mapping[str, Any]]:
    """Envia o vivo, mostra o que acontece, drena e concilia."""
    estragar = pedido.eventos is None
    emissao = Emissao(
        trafego.vivo(), trafego.rotulos_vivo(), pedido.semente,
        TAXA_DUPLICADOS if estragar else 0.0, TAXA_MALFORMADOS if estragar else 0.0,
    )
    origem: Origem = "simulado" if estragar else "importado"
    medidor = Medidor(cfg, fraudes_vivas(trafego))
    try:
        with Remessa(cfg, gravar(cfg.caminho("trafego"), emissao), origem) as remessa:
            medidor.iniciar()
            remessa.comecar()
            ao_vivo(remessa, medidor.medidas, pedido.segundos, medidor.fraudes)
            entrega = remessa.esperar(PRAZO_DRENAGEM_S)
        if pedido.eventos is None:
            anotar_relogio(cfg, pedido.taxa, pedido.segundos, pedido.semente)
        with espera("Drenando os fluxos e conferindo registro por registro…"):
            conciliacao = drenar(cfg, PRAZO_DRENAGEM_S, encerrar=not pedido.manter)
            esperadas = conciliacao["destinos"]["decidido"] + conciliacao["destinos"]["quarentena"]
            limite = time.monotonic() + PRAZO_LEITURA_S
            while len(medidor.medidas.vistas) < esperadas and time.monotonic() < limite:
                threading.Event().wait(BATIDA_S)
    finally:
        medidas = medidor.parar()
    return entrega, medidas, conciliacao


def _relatar(
    cfg: Configuracao, entrega: Entrega, medidas: Medidas, conciliacao: Mapping[str, Any], fraudes: Mapping[str, int]
) -> dict[str, Any]:
    nome, versao = medidas.modelo
    return relatorio.montar(
        enviados=entrega.resultado.confirmados.get(cfg.topico_eventos, 0), duracao_envio_s=entrega.resultado.duracao_s,
        conciliacao=conciliacao, medidas=medidas, fraudes=fraudes, modelo={"nome": nome, "versao": versao},
        versoes={**{peca: version(peca) for peca in _PECAS}, **asdict(versoes_dos_jars())},
    )
