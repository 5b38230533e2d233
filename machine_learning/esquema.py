"""O que machine_learning promete: as decisões como foram servidas, as recusas de formato e os indicadores delas."""

from __future__ import annotations

from typing import Final

from pyspark.sql.types import (
    ArrayType,
    DataType,
    DateType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from ingestao.esquema import CHAVE_POSICAO
from plataforma.tabela import Tabela
from processamento.esquema import CAMPOS_JANELA, CHAVE_INDICADOR

_TEXTO, _INTEIRO, _LONGO, _REAL = StringType(), IntegerType(), LongType(), DoubleType()


def _campos(**tipos: DataType) -> list[StructField]:
    return [StructField(nome, tipo) for nome, tipo in tipos.items()]


MOTIVOS: Final = ArrayType(StructType(_campos(codigo=_TEXTO, texto=_TEXTO, contribuicao=_REAL)))

_COMUNS: Final = _campos(topico=_TEXTO, particao=_INTEIRO, deslocamento=_LONGO)
_INSTANTES: Final = _campos(kafka_em_us=_LONGO, enviado_em_us=_LONGO, decidido_em_us=_LONGO)
_CAMPOS_DECISAO: Final = [
    *_campos(id_fim_a_fim=_TEXTO, id_evento=_LONGO),
    *_COMUNS,
    *_campos(acao=_TEXTO, pontuacao=_REAL, probabilidade=_REAL, instante_us=_LONGO, valor_centavos=_LONGO),
    *_campos(pagador_conta=_TEXTO, recebedor_conta=_TEXTO, dispositivo=_TEXTO),
    *_campos(pagador_ispb=_TEXTO, recebedor_ispb=_TEXTO, forma_de_iniciacao=_TEXTO),
    *_INSTANTES,
    *_campos(prazo_ms=_LONGO, duracao_ms=_LONGO, lote=_LONGO, modo=_TEXTO, modelo=_TEXTO, modelo_versao=_TEXTO),
    *_campos(desafiante_versao=_TEXTO, desafiante_pontuacao=_REAL, regras_versao=_TEXTO, catalogo_versao=_TEXTO),
    *_campos(motivos=MOTIVOS, regras=ArrayType(_TEXTO), atributos=ArrayType(_REAL), versao_esquema=_TEXTO),
]
POSICAO_DA_RESPOSTA: Final = StructType([
    StructField("resposta_particao", _INTEIRO, nullable=False),
    StructField("resposta_deslocamento", _LONGO, nullable=False),
])
"""Onde a resposta está no tópico de decisões."""
_DIA: Final = StructField("data", DateType(), nullable=False)

DECISAO: Final = StructType([StructField("tipo", _TEXTO), *_CAMPOS_DECISAO])
"""O JSON de `pix.decisoes` (`respostas.Decisao` e `respostas.RecusaDeFormato`); o que falta na mensagem fica nulo."""
OURO_DECISOES: Final = Tabela(
    "ouro_decisoes", StructType([*_CAMPOS_DECISAO, *POSICAO_DA_RESPOSTA, _DIA]), ("id_fim_a_fim",), ("data",)
)
"""Uma decisão por Pix, a primeira publicada. `data` = dia UTC do `id_fim_a_fim`; `resposta_*`: onde está no tópico.

`atributos` na ordem do catálogo, como servidos (nulo = sem medida)."""
OURO_RECUSAS: Final = Tabela(
    "ouro_recusas",
    StructType([*_COMUNS, *_campos(acao=_TEXTO, motivos=MOTIVOS), *_INSTANTES, *_campos(lote=_LONGO),
                *POSICAO_DA_RESPOSTA, _DIA]),
    CHAVE_POSICAO, ("data",),
)  # fmt: skip
"""A resposta a cada registro que não é um Pix válido, a primeira publicada. `data` = dia UTC de `kafka_em_us`."""

INDICADORES_DECISAO: Final = StructType([
    *CAMPOS_JANELA,
    StructField("acao", _TEXTO, nullable=False),
    StructField("decisoes", _LONGO, nullable=False),
    StructField("decidido_centavos", _LONGO, nullable=False),
])
OURO_INDICADORES_DECISAO: Final = Tabela(
    "ouro_indicadores_decisao", INDICADORES_DECISAO, (*CHAVE_INDICADOR, "acao"), ("data",)
)
"""Decisões e valor por janela, corte e ação."""

DERIVA: Final = StructType([
    StructField("inicio", TimestampType(), nullable=False),
    StructField("modelo_versao", _TEXTO, nullable=False),
    StructField("variavel", _TEXTO, nullable=False),
    StructField("psi", _REAL),
    StructField("linhas", _LONGO, nullable=False),
    StructField("nulos", _REAL, nullable=False),
    StructField("data", DateType(), nullable=False),
])
OURO_DERIVA: Final = Tabela("ouro_deriva", DERIVA, ("inicio", "modelo_versao", "variavel"), ("data",))
"""PSI de cada variável por hora de chegada, contra a validação da versão que decidiu; `psi` nulo = Pix de menos."""
