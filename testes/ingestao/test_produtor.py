"""O produtor: ritmo que não espera, recusas claras e, contra o broker real, cada registro confirmado uma vez."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from confluent_kafka import KafkaError, KafkaException

from ingestao.emissao import Emissao
from ingestao.emissao_continua import EmissaoContinua
from ingestao.esquema import LIMITE_REGISTRO_BYTES
from ingestao.produtor import Registro, Relogio, Resultado, enviar_no_ritmo, no_ritmo
from ingestao.remessa import Remessa, gravar
from ingestao.simulador.geracao import gerar
from ingestao.simulador.parametros import Parametros
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroDados, ErroServico
from plataforma.servicos.topicos import criar_topicos
from testes.topico import mensagens

_SERIE = count()


@pytest.fixture
def destino(broker: Configuracao) -> Configuracao:
    """O broker partilhado, com tópicos só deste teste."""
    n = next(_SERIE)
    cfg = replace(broker, **{f"topico_{t}": f"produtor{n}.{t}" for t in ("eventos", "rotulos", "decisoes", "controle")})
    criar_topicos(cfg)
    return cfg


class Produtor:
    """Faz as vezes do cliente Kafka: anota o que recebe, só devolve falhas.

    `cheias` recusas de fila antes de aceitar; `presos`: quantos nunca saem do cliente.
    """

    def __init__(self, relogio: RelogioFalso, cheias: int = 0, erro: object = None, presos: int = 0) -> None:
        self.relogio, self.cheias, self.erro, self.presos = relogio, cheias, erro, presos
        self.carimbos: list[int] = []
        self.enviados: list[tuple[float, bytes | None]] = []

    def __call__(self, _opcoes: object) -> Produtor:
        return self

    def produce(self, topico: str, valor: bytes | None, chave: bytes, *, on_delivery: Any, headers: Any) -> None:
        if self.cheias:
            self.cheias -= 1
            self.relogio.agora += 0.5
            raise BufferError
        assert dict(headers)["origem"] == b"simulado"
        self.enviados.append((self.relogio.agora, valor))
        self.carimbos.append(int(dict(headers)["enviado_em"]))
        self.relogio.agora += 0.001
        if self.erro is not None:
            on_delivery(self.erro, None)

    def __len__(self) -> int:
        return self.presos

    def poll(self, _prazo: float) -> int:
        return 0

    def flush(self, _prazo: float) -> int:
        return 0


class RelogioFalso:
    """Um relógio que só anda quando se espera nele; serve também de sinal de parada."""

    def __init__(self) -> None:
        self.agora = 100.0
        self.parado = False

    def is_set(self) -> bool:
        return self.parado

    def wait(self, prazo: float) -> bool:
        self.agora += max(prazo, 1e-6)  # como o de verdade, sempre anda
        return self.parado


def enviar(cfg: Configuracao, relogio: RelogioFalso, registros: Any) -> Resultado:
    marcador = Relogio(lambda: relogio.agora, lambda: round(relogio.agora * 1e6))
    return enviar_no_ritmo(cfg, registros, "simulado", relogio, marcador)  # type: ignore[arg-type]


def test_o_ritmo_e_o_marcado_e_o_atraso_nao_se_propaga(cfg: Configuracao, monkeypatch: pytest.MonkeyPatch) -> None:
    relogio = RelogioFalso()
    falso = Produtor(relogio, cheias=2)  # um segundo de broker parado, logo no começo
    monkeypatch.setattr("ingestao.produtor.Producer", falso)
    resultado = enviar(cfg, relogio, no_ritmo([(b"c", b"%d" % i) for i in range(40)], "t", 10.0))
    quando = np.array([t - 100.0 for t, _ in falso.enviados])
    atraso = quando - np.arange(40) / 10.0
    assert resultado.enviados == resultado.confirmados["t"] == 40
    assert (atraso > -1e-6).all()
    assert atraso[1:9].min() > 0  # quem ficou para trás sai já, sem esperar a vez de novo
    assert atraso[15:].max() < 0.06
    assert resultado.atraso_max_ms > 500


def test_parar_interrompe_e_conta_so_o_que_saiu(cfg: Configuracao, monkeypatch: pytest.MonkeyPatch) -> None:
    relogio = RelogioFalso()
    monkeypatch.setattr("ingestao.produtor.Producer", Produtor(relogio))

    def registros() -> Any:
        for i in range(100):
            relogio.parado = i == 7
            yield Registro(i / 10, "t", b"c", b"v")

    resultado = enviar(cfg, relogio, registros())
    assert resultado.interrompido
    assert resultado.enviados == 7


def test_registro_grande_demais_e_recusado_antes_de_sair(cfg: Configuracao, monkeypatch: pytest.MonkeyPatch) -> None:
    relogio = RelogioFalso()
    falso = Produtor(relogio)
    monkeypatch.setattr("ingestao.produtor.Producer", falso)
    cabe, passa = b"x" * LIMITE_REGISTRO_BYTES, b"x" * (LIMITE_REGISTRO_BYTES + 1)
    with pytest.raises(ErroDados, match="65537 bytes"):
        enviar(cfg, relogio, no_ritmo([(b"c", cabe), (b"c", passa)], "t", 100.0))
    assert [v for _, v in falso.enviados] == [cabe]


def test_recusa_do_broker_vira_erro_com_contagem(cfg: Configuracao, monkeypatch: pytest.MonkeyPatch) -> None:
    class Erro:
        def str(self) -> str:
            return "tópico desconhecido"

    relogio = RelogioFalso()
    monkeypatch.setattr("ingestao.produtor.Producer", Produtor(relogio, erro=Erro()))
    with pytest.raises(ErroServico, match=r"não confirmou 3 de 3 .*tópico desconhecido"):
        enviar(cfg, relogio, no_ritmo([(b"c", b"v")] * 3, "t", 100.0))


def test_recusa_logo_depois_de_a_fila_encher_tambem_e_um_erro_claro(
    cfg: Configuracao, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Recusado(Produtor):
        def produce(self, *args: Any, **opcoes: Any) -> None:
            if not self.cheias:
                raise KafkaException(KafkaError(KafkaError._FATAL))
            super().produce(*args, **opcoes)

    relogio = RelogioFalso()
    monkeypatch.setattr("ingestao.produtor.Producer", Recusado(relogio, cheias=1))
    with pytest.raises(ErroServico, match="não confirmou 1 de 0"):
        enviar(cfg, relogio, no_ritmo([(b"c", b"v")], "t", 100.0))


def test_o_que_fica_com_o_cliente_conta_como_nao_confirmado(
    cfg: Configuracao, monkeypatch: pytest.MonkeyPatch
) -> None:
    relogio = RelogioFalso()
    monkeypatch.setattr("ingestao.produtor.Producer", Produtor(relogio, presos=2))
    with pytest.raises(ErroServico, match=r"não confirmou 2 de 5 .*sem confirmação em 60 s"):
        enviar(cfg, relogio, no_ritmo([(b"c", b"v")] * 5, "t", 100.0))


def test_quem_ja_venceu_sai_em_levas_e_o_carimbo_nunca_e_posterior_ao_envio(
    cfg: Configuracao, monkeypatch: pytest.MonkeyPatch
) -> None:
    relogio = RelogioFalso()
    falso = Produtor(relogio)
    monkeypatch.setattr("ingestao.produtor.Producer", falso)
    enviar(cfg, relogio, [Registro(0.0, "t", b"c", b"v")] * 200)
    quando_us = np.array([round(t * 1e6) for t, _ in falso.enviados])
    carimbos = np.array(falso.carimbos)
    assert (carimbos <= quando_us).all()
    assert np.unique(carimbos, return_counts=True)[1].tolist() == [64, 64, 64, 8]


@pytest.mark.servico
def test_contra_o_broker_tudo_chega_uma_vez_com_chave_e_cabecalhos(destino: Configuracao) -> None:
    trafego = gerar(Parametros(contas=200, dias=3, eventos=800).com_vivo(400, 2), 1)
    emissao = Emissao(trafego.vivo(), trafego.rotulos_vivo(), 1, 0.02, 0.02)
    antes = time.time_ns() // 1_000
    resultado = enviar_no_ritmo(destino, emissao.registros(destino), "simulado", threading.Event())
    assert resultado.duracao_s == pytest.approx(2.0, abs=0.6)
    lidos = mensagens(destino, destino.topico_eventos)
    assert len(lidos) == emissao.razao.total == resultado.confirmados[destino.topico_eventos]
    assert emissao.razao.duplicados > 0
    assert emissao.razao.malformados.total() > 0
    assert sum(r.value() is None for r in lidos) == emissao.razao.malformados["nulo"]
    contas = set(trafego.vivo()["pagador_conta"])
    particao: dict[bytes, set[int]] = {}
    for registro in lidos:
        cabecalhos = dict(registro.headers() or [])
        assert cabecalhos["origem"] == b"simulado"
        assert antes <= int(cabecalhos["enviado_em"]) <= time.time_ns() // 1_000
        assert registro.key().decode() in contas
        particao.setdefault(registro.key(), set()).add(registro.partition())
    assert all(len(p) == 1 for p in particao.values())
    assert len(mensagens(destino, destino.topico_rotulos)) == trafego.rotulos_vivo().height


@pytest.mark.servico
def test_o_limite_do_contrato_passa_pelo_broker(destino: Configuracao) -> None:
    grande = b"x" * LIMITE_REGISTRO_BYTES
    resultado = enviar_no_ritmo(
        destino, no_ritmo([(b"c", grande)] * 5, destino.topico_eventos, 1_000.0), "vivo", threading.Event()
    )
    assert resultado.enviados == 5
    assert all(r.value() == grande for r in mensagens(destino, destino.topico_eventos))


@pytest.mark.servico
def test_topico_que_nao_existe_e_uma_recusa_clara(destino: Configuracao) -> None:
    with pytest.raises(ErroServico, match="não confirmou 2 de 2"):
        enviar_no_ritmo(destino, no_ritmo([(b"c", b"v")] * 2, "nao.existe", 1_000.0), "vivo", threading.Event())


@pytest.mark.servico
def test_a_remessa_envia_em_outro_processo_e_devolve_o_razao(destino: Configuracao, tmp_path: Path) -> None:
    trafego = gerar(Parametros(contas=200, dias=3, eventos=800).com_vivo(500, 2), 1)
    emissao = Emissao(trafego.vivo(), trafego.rotulos_vivo(), 1, 0.02, 0.02)
    with Remessa(destino, gravar(tmp_path / "remessa", emissao)) as remessa:
        assert remessa.enviados == 0
        remessa.comecar()
        entrega = remessa.esperar(60)
    assert entrega.razao.eventos == 1_000
    assert entrega.razao.total == entrega.resultado.confirmados[destino.topico_eventos]
    assert remessa.confirmados == entrega.resultado.enviados


@pytest.mark.servico
def test_parar_a_remessa_no_meio_confirma_o_que_saiu(destino: Configuracao, tmp_path: Path) -> None:
    trafego = gerar(Parametros(contas=200, dias=3, eventos=800).com_vivo(50, 60), 1)
    with Remessa(destino, gravar(tmp_path / "remessa", Emissao(trafego.vivo(), trafego.rotulos_vivo()))) as remessa:
        remessa.comecar()
        prazo = threading.Event()
        while remessa.confirmados < 20:
            assert not prazo.wait(0.05)
        remessa.parar()
        entrega = remessa.esperar(30)
    assert entrega.resultado.interrompido
    assert 20 <= entrega.razao.eventos < 3_000
    assert entrega.razao.eventos == entrega.resultado.confirmados[destino.topico_eventos]
    assert len(mensagens(destino, destino.topico_eventos)) == entrega.razao.total


@pytest.mark.servico
def test_a_emissao_continua_respeita_o_numero_pedido(destino: Configuracao) -> None:
    parametros = Parametros(contas=300, eventos=18_000)
    emissao = EmissaoContinua(parametros, 4, parametros.fim_us, 1_500.0, 4_000)
    resultado = enviar_no_ritmo(destino, emissao.registros(destino), "simulado", threading.Event())
    assert emissao.razao.eventos == 4_000
    assert resultado.confirmados[destino.topico_eventos] == emissao.razao.total
    assert emissao.ate_us > parametros.fim_us
    unicos = Counter(r.value() for r in mensagens(destino, destino.topico_eventos) if r.value())
    assert max(unicos.values()) <= 2


def test_a_emissao_continua_marca_a_taxa_e_intercala_os_rotulos(cfg: Configuracao) -> None:
    parametros = Parametros(contas=300, eventos=18_000, taxa_duplicados=0.0, taxa_malformados=0.0)
    emissao = EmissaoContinua(parametros, 4, parametros.fim_us, 500.0, 6_000)
    registros = list(emissao.registros(cfg))
    eventos = [r.quando_s for r in registros if r.topico == cfg.topico_eventos]
    assert np.allclose(np.diff(eventos), 1 / 500)
    assert len(eventos) == 6_000
    assert any(r.topico == cfg.topico_rotulos for r in registros)
    assert [r.quando_s for r in registros] == sorted(r.quando_s for r in registros)
    assert isinstance(registros[0].valor, bytes)
