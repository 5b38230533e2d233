"""A bancada, passo a passo: prepara, mede cada ponto, drena, reinicia, compara, relata."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from comandos.apresentacao import numero, passo
from comandos.desempenho import bases, comparacao
from comandos.desempenho.carga import Conta, preparar
from comandos.desempenho.pasta import PRAZO_PARADA_S, pasta_propria, sozinha
from comandos.desempenho.ponto import CADA_S, Medicao, faltam, gravados_no_lago, medir
from comandos.desempenho.retomada import CARGA_DA_RETOMADA, retomar
from comandos.desempenho.troca import medir_troca
from comandos.fluxos import conversa
from comandos.fluxos.conversa import PAPEIS
from comandos.partida import partir
from comandos.subir import subir_fluxos
from ingestao.simulador.geracao import gerar
from ingestao.simulador.parametros import Parametros
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroServico
from plataforma.servicos import broker, processo

TAXA_RECORDE: Final = 3_626.0
"""Média de Pix por segundo do país no dia recorde: 313,3 milhões em 05/12/2025 (Banco Central)."""
CONTAS_COM_LAGO: Final = 100_000
AQUECIMENTOS_COM_LAGO: Final = 3
"""Quantas vezes mais se aquece com o lago ao lado: são duas JVMs a compilar nos mesmos núcleos."""
POR_CONTA_EVENTOS: Final = 20_000
SEGUNDOS_DA_TROCA: Final = 60.0
EMBALO_S: Final = 10.0
"""Os primeiros segundos de um ponto, em que clientes se ligam e o ritmo dos lotes se ajusta, não contam."""
PRAZO_LAGO_S: Final = 900.0


@dataclass(frozen=True)
class Plano:
    """O que medir: segundos por ponto, os do aquecimento, os Pix da drenagem, a semente e as taxas.

    O aquecimento de um ponto é um envio à parte, na mesma taxa, e a fila dele se esvazia antes que o ponto comece: uma
    JVM com minutos de vida ainda compila. `taxas_lago`: as dos pontos com o lago ao lado; vazia = sem lago.
    """

    segundos: float
    aquecimento_s: float
    drenagem: int
    semente: int
    taxas: tuple[float, ...]
    taxas_lago: tuple[float, ...] = ()


def completo(taxas: tuple[float, ...], taxas_lago: tuple[float, ...], semente: int) -> Plano:
    """Três minutos por ponto e mais de um milhão de Pix na fila da drenagem."""
    return Plano(180.0, 60.0, 1_500_000, semente, taxas, taxas_lago)


def rapido(taxas: tuple[float, ...], taxas_lago: tuple[float, ...], semente: int) -> Plano:
    """Meio minuto por ponto: para ver se uma mudança ajudou, não para citar."""
    return Plano(30.0, 10.0, 150_000, semente, taxas, taxas_lago)


@dataclass
class Resultado:
    """O que se mediu; `pontos` com (com_lago, medição)."""

    plano: Plano
    pontos: list[tuple[bool, Medicao]] = field(default_factory=list)
    drenagem: Medicao | None = None
    fria_s: float = 0.0
    retomada_s: float = 0.0
    troca: dict[str, Any] = field(default_factory=dict)
    copia_kafka: Medicao | None = None
    lote_copia_kafka_ms: float = 0.0
    lote_delta_ms: float = 0.0
    por_conta_s: float = 0.0
    predict_s: float = 0.0


def correr(cfg: Configuracao, plano: Plano, mostrar: Callable[[str], None]) -> Resultado:
    """Mede em pasta e broker próprios, que apaga no fim.

    Levanta:
        ErroServico: há serviços do projeto de pé, ou um não sobe.
    """
    with pasta_propria(cfg, mostrar) as propria:
        return _Bancada(propria, plano, mostrar).correr()


@dataclass
class _Bancada:
    cfg: Configuracao
    plano: Plano
    mostrar: Callable[[str], None]
    ate_us: int = 0
    ao_lago: int = 0
    """Decisões pedidas desde que o lago está de pé: o que um ponto deixa por gravar atrasaria o seguinte."""

    def __post_init__(self) -> None:
        """População e densidade são as da demonstração."""
        self.parametros = Parametros(nossos_ispb=self.cfg.nossos_ispb)
        self.ate_us = self.parametros.fim_us

    def correr(self) -> Resultado:
        """Na ordem em que um passo não estraga o seguinte: o lago primeiro, o que derruba processos por último."""
        plano, r = self.plano, Resultado(self.plano)
        inicio = time.monotonic()
        partir(self.cfg, lambda: gerar(self.parametros, plano.semente), self.mostrar)
        r.fria_s = time.monotonic() - inicio
        if plano.taxas_lago:
            subir_fluxos(self.cfg, self.mostrar)
            r.pontos += [(True, self._ponto(taxa, com_lago=True)) for taxa in plano.taxas_lago]
        for papel in (conversa.LAGO, conversa.DECISAO):
            processo.parar(papel, self.cfg, PRAZO_PARADA_S)
        self.cfg = sozinha(self.cfg)
        subir_fluxos(self.cfg, self.mostrar, papeis=(conversa.DECISAO,))
        r.pontos += [(False, self._ponto(taxa, com_lago=False)) for taxa in plano.taxas]
        r.troca = self._trocar()
        r.drenagem = self._drenar()
        r.retomada_s = self._retomar()
        processo.parar(conversa.DECISAO, self.cfg, PRAZO_PARADA_S)
        self._comparar(r)
        return r

    def _ponto(self, taxa: float, *, com_lago: bool) -> Medicao:
        plano, cfg, marca = self.plano, self.cfg, f"{numero(taxa)} Pix/s{' com o lago' if com_lago else ''}"
        parametros = com_mais_contas(self.parametros) if com_lago else self.parametros
        gravados = partial(gravados_no_lago, cfg) if com_lago else None
        aquecer_s = plano.aquecimento_s * (AQUECIMENTOS_COM_LAGO if com_lago else 1)
        with self._carga(round(taxa * aquecer_s), parametros) as aquecimento:
            self.mostrar(f"{marca}, aquecimento…")
            medir(cfg, aquecimento, taxa, 0.0, (), cfg.topico_decisoes)
        with self._carga(round(taxa * (plano.segundos + EMBALO_S)), parametros) as conta:
            if gravados is not None:
                self.ao_lago += aquecimento.decisoes
                self.mostrar(f"{marca}: esperando o lago gravar o que já veio…")
                _esperar_lago(lambda: faltam(self.ao_lago, {}, gravados()))
                self.ao_lago += conta.decisoes
            self.mostrar(f"{marca}…")
            medicao = medir(
                cfg, conta, taxa, EMBALO_S, (*PAPEIS, broker.NOME), cfg.topico_decisoes, gravados=gravados,
            )
        passo(_resumo(medicao, com_lago=com_lago))
        return medicao

    def _trocar(self) -> dict[str, Any]:
        """Outra versão do modelo entra em vigor enquanto se decide na taxa do dia recorde."""
        with self._carga(round(TAXA_RECORDE * SEGUNDOS_DA_TROCA)) as conta:
            self.mostrar(f"Troca de modelo a {numero(TAXA_RECORDE)}/s…")
            troca = medir_troca(self.cfg, conta, TAXA_RECORDE)
        passo(f"troca de modelo: vale em {numero(troca['vigente_s'], 1)} s; maior silêncio {troca['silencio_ms']} ms "
              f"(antes, {troca['silencio_antes_ms']} ms)")
        return troca

    def _drenar(self) -> Medicao:
        with self._carga(self.plano.drenagem) as conta:
            self.mostrar(f"Drenagem de {numero(conta.eventos)} Pix…")
            medicao = medir(self.cfg, conta, 0.0, 0.0, (*PAPEIS, broker.NOME), self.cfg.topico_decisoes)
        passo(f"drenagem: {numero(por_segundo(medicao))}/s")
        return medicao

    def _retomar(self) -> float:
        """SIGKILL na decisão e na sua JVM; segundos até a primeira decisão nova."""
        with self._carga(CARGA_DA_RETOMADA) as conta:
            segundos = retomar(self.cfg, conta, self.mostrar)
        passo(f"retomada depois de SIGKILL: {numero(segundos, 1)} s até a primeira decisão")
        return segundos

    def _comparar(self, r: Resultado) -> None:
        plano, cfg = self.plano, self.cfg
        eventos = round(TAXA_RECORDE * (plano.segundos + plano.aquecimento_s) / 3)
        with self._carga(eventos) as conta:
            self.mostrar("Base: cópia Kafka → Kafka…")
            r.copia_kafka, resumo = comparacao.medir_base(
                bases.COPIA_KAFKA, cfg, conta, TAXA_RECORDE, plano.aquecimento_s / 3)
            r.lote_copia_kafka_ms = resumo["fases_ms"]["triggerExecution"]
            self.mostrar("Base: cópia Kafka → Delta…")
            delta = comparacao.medir_delta(cfg, conta, TAXA_RECORDE)
            r.lote_delta_ms = delta["fases_ms"]["triggerExecution"]
        with self._carga(POR_CONTA_EVENTOS) as conta:
            self.mostrar("Base: uma chave de estado por conta…")
            por_conta, _ = comparacao.medir_base(bases.POR_CONTA, cfg, conta, 0.0, 0.0)
        r.por_conta_s = por_segundo(por_conta)
        self.mostrar("Base: predict_proba do scikit-learn…")
        r.predict_s = comparacao.predict_por_segundo(cfg)

    @contextmanager
    def _carga(self, eventos: int, parametros: Parametros | None = None) -> Iterator[Conta]:
        """Os próximos Pix, em um arquivo que some no fim; `parametros`: outros que não os da demonstração."""
        self.mostrar(f"Gerando {numero(eventos)} Pix…")
        arquivo = self.cfg.caminho("trafego", "carga.arrow")
        conta = preparar(
            self.cfg, parametros or self.parametros, self.plano.semente, self.ate_us, eventos, arquivo)
        self.ate_us = conta.ate_us
        try:
            yield conta
        finally:
            arquivo.unlink(missing_ok=True)


def _esperar_lago(por_gravar: Callable[[], Mapping[str, int]]) -> None:
    """Até não faltar nada. Levanta `ErroServico` se o lago não grava no prazo."""
    limite = time.monotonic() + PRAZO_LAGO_S
    while any((restam := por_gravar()).values()):
        if time.monotonic() > limite:
            msg = f"o lago não gravou o que recebeu em {PRAZO_LAGO_S:.0f} s: faltam {restam}; veja ./pix estado"
            raise ErroServico(msg)
        threading.Event().wait(CADA_S)


def com_mais_contas(parametros: Parametros) -> Parametros:
    """A mesma população, `CONTAS_COM_LAGO` vezes um Pix por dia: o que cada conta faz não muda.

    O lago reparte por dia. Com as cinco mil contas da demonstração, a taxa do país anda mês e meio por minuto: um
    micro-lote dele tocaria uma dezena de partições e juntaria os arquivos de todas, trabalho que não existe.
    """
    return replace(parametros, contas=CONTAS_COM_LAGO, eventos=CONTAS_COM_LAGO * parametros.dias)


def por_segundo(medicao: Medicao) -> float:
    """Decisões por segundo depois que o envio acabou: só o sistema, com a fila cheia, sem quem a enche."""
    legivel = medicao.leitura.legivel_ms
    fim_do_envio_ms = medicao.inicio_us / 1_000 + medicao.envio.duracao_s * 1_000
    depois = legivel[legivel > fim_do_envio_ms]
    segundos = (float(depois.max()) - fim_do_envio_ms) / 1_000 if depois.size else 0.0
    return float(depois.size / segundos) if segundos else 0.0


def _resumo(m: Medicao, *, com_lago: bool) -> str:
    latencia = " · ".join(f"{nome.removesuffix('_ms')} {numero(ms)} ms" for nome, ms in m.latencia.items())
    return (f"{numero(m.taxa)}/s{' com lago' if com_lago else ''}: {numero(m.decididos)} decididos, {m.perdidos} "
            f"perdidos, {m.dobrados} dobrados · {latencia} · atraso no fim {numero(m.atraso_final)}")
