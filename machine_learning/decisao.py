"""De uma linha de atributos a uma decisão explicada: pontuar, aplicar regras, escolher a ação, dizer por quê."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ingestao.esquema import Ativacao
from machine_learning import acoes, escrita, motivos
from machine_learning.acoes import Acao
from machine_learning.condicoes import quadro
from machine_learning.montagem import Montado
from machine_learning.observacao import resumir
from machine_learning.pontuacao import Pontuado, pontuar
from machine_learning.regras import Conjunto, ler
from machine_learning.respostas import VERSAO_DECISAO, RecusaDeFormato, Respostas
from processamento.atributos import NOMES
from processamento.catalogo import Catalogo

QUANTOS_MOTIVOS: Final = 4
MS_US: Final = 1_000
SEM_REGRAS: Final = "nenhuma"
_ACOES: Final = pa.array([acao.value for acao in Acao], pa.string())
"""Os textos, na posição do código de cada uma."""
_CODIFICADOR: Final = msgspec.json.Encoder()
_CONJUNTOS: dict[str, Conjunto] = {}


@dataclass(frozen=True)
class Decisor:
    """O que não muda durante uma consulta. `nossos_ispb`: de quem são as contas em que podemos agir."""

    catalogo: Catalogo
    nossos_ispb: frozenset[str]
    modelo: str

    def responder(self, montado: Montado, lote: int, agora_us: int) -> Respostas:
        """As respostas de um destino em um micro-lote: uma por Pix novo e uma por recusa de formato.

        Sem Pix há só a notícia de uma ativação: o modelo e as regras são abertos já, e não no prazo do próximo Pix.
        """
        ativa = msgspec.json.decode(montado.ativacao, type=Ativacao) if montado.ativacao else None
        recusas = [_recusar(r, lote, agora_us) for r in montado.recusas]
        if len(montado):
            return self._decidir(montado, ativa, recusas, lote, agora_us)
        if ativa is not None:
            _abrir(ativa)
        chaves, valores = [chave for chave, _ in recusas], [valor for _, valor in recusas]
        nada = np.empty(0)
        resumo = resumir(nada.astype(np.int8), nada, nada, nada.astype(np.int64), None, "", len(recusas))
        return Respostas(chaves, valores, resumo)

    def _decidir(
        self, m: Montado, ativa: Ativacao | None, recusas: list[tuple[bytes, bytes]], lote: int, agora_us: int
    ) -> Respostas:
        nota = _pontuar(m, ativa, desafiante=False)
        sombra = _pontuar(m, ativa, desafiante=True)
        conjunto = _conjunto(ativa)
        nossos = [self._sao_nossos(m.colunas[f"{lado}_ispb"]) for lado in ("pagador", "recebedor")]
        disparos = _avaliar(conjunto, m, nota, nossos)
        escolhidas = acoes.decidir(
            None if nota.detector is None else nota.probabilidade,
            {} if nota.detector is None else nota.detector.limiares,
            disparos, conjunto.acoes if conjunto else (), *nossos,
        )
        regras_versao = ativa.regras_versao if ativa else SEM_REGRAS
        porques = _motivar(m, nota, conjunto, disparos, escolhidas), _acionadas(conjunto, disparos)
        prazos = acoes.prazos_ms(escolhidas, m.colunas["instante_us"])
        decisoes = self._compor(m, nota, sombra, escolhidas, porques, prazos, regras_versao, lote, agora_us)
        resumo = resumir(
            escolhidas, (agora_us - _reais(m.colunas["enviado_us"])) / MS_US, nota.probabilidade,
            m.colunas["valor_centavos"], nota.versao, regras_versao, len(recusas),
        )
        return Respostas(
            [*(chave for chave, _ in recusas), *escrita.mensagens(m.colunas["pagador_conta"])],
            [*(valor for _, valor in recusas), *decisoes], resumo,
        )

    def _sao_nossos(self, ispb: pa.StringArray) -> NDArray[np.bool_]:
        nossos = pc.is_in(ispb, pa.array(sorted(self.nossos_ispb), pa.string()))
        return np.asarray(nossos.to_numpy(zero_copy_only=False), np.bool_)

    def _compor(
        self, m: Montado, nota: Pontuado, sombra: Pontuado, escolhidas: NDArray[np.int8],
        porques: tuple[list[list[motivos.Motivo]], list[list[str]]], prazos: NDArray[np.int64], regras_versao: str,
        lote: int, agora_us: int,
    ) -> list[bytes]:
        """Os campos de `Decisao`, cada um por inteiro: Pix a Pix custava mais que pontuar."""
        c, com_modelo = m.colunas, nota.detector is not None
        iguais = {
            "tipo": "decisao", "modelo": self.modelo if com_modelo else None, "modelo_versao": nota.versao,
            "desafiante_versao": sombra.versao, "regras_versao": regras_versao,
            "modo": "modelo" if com_modelo else "regras", "catalogo_versao": self.catalogo.versao,
            "decidido_em_us": agora_us, "prazo_ms": acoes.PRAZO_DECISAO_MS, "lote": lote,
            "versao_esquema": VERSAO_DECISAO,
        }
        como_chegaram = (
            "id_fim_a_fim", "topico", "pagador_conta", "recebedor_conta", "pagador_ispb", "recebedor_ispb",
            "forma_de_iniciacao", "dispositivo",
        )
        numeros = {
            **{nome: c[nome] for nome in ("id_evento", "particao", "deslocamento", "instante_us", "valor_centavos")},
            "enviado_em_us": c["enviado_us"], "kafka_em_us": c["kafka_us"], "duracao_ms": prazos,
        }
        return escrita.escrever({
            **{nome: escrita.constante(valor) for nome, valor in iguais.items()},
            **{nome: escrita.textos(c[nome]) for nome in como_chegaram},
            **{nome: escrita.inteiros(pa.array(valores)) for nome, valores in numeros.items()},
            "acao": escrita.textos(_ACOES.take(pa.array(escolhidas))),
            "pontuacao": escrita.reais(nota.pontuacao), "probabilidade": escrita.reais(nota.probabilidade),
            "desafiante_pontuacao": escrita.reais(sombra.pontuacao),
            "motivos": escrita.listas(porques[0]), "regras": escrita.listas(porques[1]),
            "atributos": escrita.matriz(m.atributos),
        })


def _abrir(ativa: Ativacao) -> None:
    """Carrega o que a ativação manda e corre uma vez o código frio, com uma linha que não é de ninguém."""
    _conjunto(ativa)
    ninguem = np.zeros((1, len(NOMES)))
    for versao, caminho, sha256 in (
        (ativa.modelo_versao, ativa.modelo_caminho, ativa.modelo_sha256),
        (ativa.desafiante_versao, ativa.desafiante_caminho, ativa.desafiante_sha256),
    ):
        detector = pontuar(ninguem, versao, caminho, sha256).detector
        if detector is not None:
            detector.contribuicoes(ninguem)


def _pontuar(m: Montado, ativa: Ativacao | None, *, desafiante: bool) -> Pontuado:
    if ativa is None:
        return pontuar(m.atributos, None, None, None)
    if desafiante:
        return pontuar(m.atributos, ativa.desafiante_versao, ativa.desafiante_caminho, ativa.desafiante_sha256)
    return pontuar(m.atributos, ativa.modelo_versao, ativa.modelo_caminho, ativa.modelo_sha256)


def _conjunto(ativa: Ativacao | None) -> Conjunto | None:
    if ativa is None:
        return None
    if ativa.regras_versao not in _CONJUNTOS:
        _CONJUNTOS[ativa.regras_versao] = ler(ativa.regras)
    return _CONJUNTOS[ativa.regras_versao]


def _avaliar(
    conjunto: Conjunto | None, m: Montado, nota: Pontuado, nossos: list[NDArray[np.bool_]]
) -> NDArray[np.bool_]:
    if conjunto is None:
        return np.zeros((len(m), 0), np.bool_)
    com = nota.detector is not None
    frame = quadro(
        m.atributos, m.colunas, nota.pontuacao if com else None, nota.probabilidade if com else None, nossos[0],
        nossos[1], so=conjunto.colunas,
    )
    return conjunto.avaliar(frame)


def _motivar(
    m: Montado, nota: Pontuado, conjunto: Conjunto | None, disparos: NDArray[np.bool_], escolhidas: NDArray[np.int8]
) -> list[list[motivos.Motivo]]:
    """Só quem não é aprovado paga o preço da explicação."""
    porques: list[list[motivos.Motivo]] = [[] for _ in range(len(m))]
    linhas = np.flatnonzero(escolhidas != acoes.CODIGO[Acao.APROVAR])
    if not linhas.size:
        return porques
    do_modelo: list[list[motivos.Motivo]] = [[] for _ in linhas]
    if nota.detector is not None:
        x = m.atributos[linhas]
        do_modelo = motivos.compor(nota.detector.contribuicoes(x), x, QUANTOS_MOTIVOS)
    das_regras = motivos.das_regras(conjunto.regras if conjunto else (), disparos[linhas])
    for lugar, i in enumerate(linhas):
        porques[i] = das_regras[lugar] + do_modelo[lugar]
    return porques


def _recusar(recusa: tuple[Any, ...], lote: int, agora_us: int) -> tuple[bytes, bytes]:
    topico, particao, deslocamento, kafka_us, enviado_us, motivo, campo, detalhe = recusa
    texto = f"{campo}: esperado {detalhe}" if campo else f"esperado {detalhe}"
    corpo = RecusaDeFormato(
        "recusa", topico, particao, deslocamento, Acao.REJEITAR.value,
        [{"codigo": f"formato:{motivo}", "texto": texto, "contribuicao": None}], kafka_us, enviado_us, agora_us, lote,
    )
    return f"{topico}/{particao}/{deslocamento}".encode(), _CODIFICADOR.encode(corpo)


def _acionadas(conjunto: Conjunto | None, disparos: NDArray[np.bool_]) -> list[list[str]]:
    """Os ids das regras que dispararam em cada Pix; quase sempre nenhuma."""
    acionadas: list[list[str]] = [[] for _ in range(disparos.shape[0])]
    if conjunto is not None:
        for i, j in np.argwhere(disparos).tolist():
            acionadas[i].append(conjunto.ids[j])
    return acionadas


def _reais(inteiros: pa.Int64Array) -> NDArray[np.float64]:
    """Float64 (n,), NaN onde é nulo."""
    return np.asarray(inteiros.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)
