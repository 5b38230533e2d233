"""O contrato do que sai em `pix.decisoes`: uma decisão por Pix, uma recusa por registro que não é um Pix."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

VERSAO_DECISAO: Final = "1"


class Decisao(msgspec.Struct, frozen=True):
    """O que sai em `pix.decisoes` para um Pix decidido, escrito por `escrita`; instantes em µs UTC, valor em centavos.

    `pontuacao` (ordena) e `probabilidade` (calibrada) nulas = sem modelo, `modo` "regras". `atributos`: o JSON dos
    atributos como servidos, na ordem de `processamento.atributos.NOMES` (nulo = NaN). `prazo_ms`: em quanto tempo,
    desde o envio, a decisão ainda protege; `duracao_ms`: quanto a ação pode durar (0 = sem duração).
    """

    tipo: str
    id_fim_a_fim: str
    id_evento: int
    topico: str
    particao: int
    deslocamento: int
    acao: str
    pontuacao: float | None
    probabilidade: float | None
    motivos: list[Any]
    regras: list[str]
    modelo: str | None
    modelo_versao: str | None
    desafiante_versao: str | None
    desafiante_pontuacao: float | None
    regras_versao: str
    modo: str
    catalogo_versao: str
    instante_us: int
    enviado_em_us: int | None
    kafka_em_us: int
    decidido_em_us: int
    prazo_ms: int
    duracao_ms: int
    lote: int
    pagador_conta: str
    recebedor_conta: str
    pagador_ispb: str
    recebedor_ispb: str
    forma_de_iniciacao: str
    dispositivo: str | None
    valor_centavos: int
    atributos: msgspec.Raw
    versao_esquema: str = VERSAO_DECISAO


class RecusaDeFormato(msgspec.Struct, frozen=True):
    """A resposta a um registro que não é um Pix válido; achada por (topico, particao, deslocamento)."""

    tipo: str
    topico: str
    particao: int
    deslocamento: int
    acao: str
    motivos: list[Any]
    kafka_em_us: int
    enviado_em_us: int | None
    decidido_em_us: int
    lote: int
    id_fim_a_fim: str | None = None
    versao_esquema: str = VERSAO_DECISAO


class Respostas(NamedTuple):
    """As linhas para o tópico de decisões, e o `observacao.RESUMO` delas."""

    chaves: list[bytes]
    valores: list[bytes]
    resumo: dict[str, Any]
