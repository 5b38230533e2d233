"""O que o processamento promete: prata (válidos, quarentena, duplicados, rótulos), indicadores e controle.

Dinheiro em centavos (int64), instantes em µs UTC (int64), dado pessoal só como token. Nulo quer dizer "não informado",
salvo onde a coluna diz outra coisa.
"""

from __future__ import annotations

from typing import Final

from pyspark.sql.types import (
    BinaryType,
    BooleanType,
    DataType,
    DateType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

_TEXTO, _INTEIRO, _LONGO, _LOGICO = StringType(), IntegerType(), LongType(), BooleanType()


def _cheio(nome: str, tipo: DataType) -> StructField:
    return StructField(nome, tipo, nullable=False)


def _parte(lado: str) -> list[StructField]:
    """As colunas de um lado do Pix; `_id` é o inteiro do token da conta, `_idade_conta_dias` nulo = conta alheia."""
    return [
        _cheio(f"{lado}_conta", _TEXTO),
        _cheio(f"{lado}_id", _LONGO),
        _cheio(f"{lado}_ispb", _TEXTO),
        _cheio(f"{lado}_tipo_conta", _TEXTO),
        _cheio(f"{lado}_tipo_pessoa", _TEXTO),
        _cheio(f"{lado}_documento", _TEXTO),
        StructField(f"{lado}_idade_conta_dias", _INTEIRO),
    ]


CAMPOS_NORMALIZADOS: Final = [
    _cheio("id_fim_a_fim", _TEXTO),
    _cheio("id_evento", _LONGO),
    _cheio("instante_us", _LONGO),
    _cheio("valor_centavos", _LONGO),
    *_parte("pagador"),
    *_parte("recebedor"),
    _cheio("forma_de_iniciacao", _TEXTO),
    _cheio("finalidade", _TEXTO),
    StructField("chave", _TEXTO),
    StructField("tipo_chave", _TEXTO),
    _cheio("txid_presente", _LOGICO),
    StructField("dispositivo", _TEXTO),
    _cheio("dispositivo_id", _LONGO),
    StructField("disp_cadastrado", _LOGICO),
    StructField("disp_dias_cadastro", _INTEIRO),
    StructField("disp_acesso_remoto", _LOGICO),
    StructField("disp_emulador", _LOGICO),
    StructField("disp_chamada_ativa", _LOGICO),
    StructField("sessao_canal", _TEXTO),
    StructField("sessao_duracao_segundos", _INTEIRO),
    StructField("sessao_preenchimento_segundos", _INTEIRO),
    StructField("sessao_colou_chave", _LOGICO),
    StructField("sessao_falhas_autenticacao_24h", _INTEIRO),
    StructField("sessao_troca_senha_24h", _LOGICO),
    StructField("sessao_troca_chip_72h", _LOGICO),
    StructField("sessao_limite_aumentado_horas", _INTEIRO),
    StructField("dict_idade_chave_dias", _INTEIRO),
    StructField("dict_idade_conta_dias", _INTEIRO),
    StructField("dict_marcas_fraude_d90", _INTEIRO),
    StructField("dict_relatos_abertos", _INTEIRO),
    StructField("dict_relatos_rejeitados_d90", _INTEIRO),
    StructField("dict_contas_distintas_d90", _INTEIRO),
    StructField("dict_liquidacoes_d90", _INTEIRO),
    StructField("dict_reivindicacao_aberta", _LOGICO),
    _cheio("data", DateType()),
]
"""Um Pix válido, na ordem de `qualidade.Normalizado`. `dispositivo_id` 0 = sem; `data` = dia UTC do id_fim_a_fim."""

CAMPOS_ROTULO: Final = [
    _cheio("id_fim_a_fim", _TEXTO),
    _cheio("id_evento", _LONGO),
    _cheio("instante_us", _LONGO),
    _cheio("conhecido_em_us", _LONGO),
    _cheio("pagador_conta", _TEXTO),
    _cheio("pagador_id", _LONGO),
    _cheio("recebedor_conta", _TEXTO),
    _cheio("recebedor_id", _LONGO),
    StructField("dispositivo", _TEXTO),
    _cheio("dispositivo_id", _LONGO),
    _cheio("classe", _TEXTO),
    _cheio("resultado", _TEXTO),
    _cheio("fraude", _LOGICO),
    StructField("tipologia", _TEXTO),
    _cheio("data", DateType()),
]
"""Um rótulo válido, na ordem de `qualidade.RotuloNormalizado`. `fraude` só quando `resultado` é `AGREED`."""

CAMPOS_RECUSA: Final = [_cheio("motivo", _TEXTO), _cheio("campo", _TEXTO), _cheio("detalhe", _TEXTO)]
"""A recusa, na ordem de `qualidade.Recusa`: código da lista fechada, campo culpado e o que se esperava dele."""

CAMPOS_POSICAO: Final = [
    _cheio("topico", _TEXTO),
    _cheio("particao", _INTEIRO),
    _cheio("deslocamento", _LONGO),
    _cheio("kafka_em_us", _LONGO),
    StructField("enviado_em_us", _LONGO),
    _cheio("origem", _TEXTO),
]
"""De onde o registro veio; (topico, particao, deslocamento) é sua identidade na conciliação."""

PRATA: Final = StructType(
    [CAMPOS_NORMALIZADOS[0], _cheio("minuto_id", _LONGO), *CAMPOS_NORMALIZADOS[1:], *CAMPOS_POSICAO]
)
"""Um Pix por linha, único por `id_fim_a_fim`. `minuto_id` = `yyyyMMddHHmm` do id, como número: poda a busca de
repetidos (vem cedo porque o Delta só guarda mínimos e máximos das 32 primeiras colunas)."""
PRATA_ROTULOS: Final = StructType([*CAMPOS_ROTULO, *CAMPOS_POSICAO])
QUARENTENA: Final = StructType(
    [StructField("valor", BinaryType()), *CAMPOS_RECUSA, *CAMPOS_POSICAO, _cheio("data", DateType())]
)
"""O registro recusado, byte a byte (`valor` restrito como a bronze: pode trazer dado claro), e por que o foi.

`data` = dia UTC de `kafka_em_us`."""
DUPLICADOS: Final = StructType(
    [
        _cheio("id_fim_a_fim", _TEXTO),
        _cheio("data", DateType()),
        *CAMPOS_POSICAO,
        _cheio("primeiro_topico", _TEXTO),
        _cheio("primeiro_particao", _INTEIRO),
        _cheio("primeiro_deslocamento", _LONGO),
    ]
)
"""A repetição de um id já visto, com a posição do registro que vale (o primeiro)."""

CORTE_INDICADOR: Final = ("pagador_ispb", "recebedor_ispb", "forma_de_iniciacao")
CHAVE_INDICADOR: Final = ("fonte", "granularidade", "inicio", *CORTE_INDICADOR)
CAMPOS_JANELA: Final = [
    _cheio("fonte", _TEXTO),
    _cheio("granularidade", _TEXTO),
    _cheio("inicio", TimestampType()),
    _cheio("fim", TimestampType()),
    *(_cheio(nome, _TEXTO) for nome in CORTE_INDICADOR),
    _cheio("data", DateType()),
]
"""A janela `[inicio, fim)` em UTC e o corte. `granularidade` minuto | hora | dia; o dia é o de Brasília (UTC−3).

`fonte` diz quem contou, `lote` (a história) ou `fluxo`: as duas se somam. `data` = dia UTC de `inicio`.
"""

INDICADORES: Final = StructType([*CAMPOS_JANELA, _cheio("quantidade", _LONGO), _cheio("total_centavos", _LONGO)])
"""Volume e valor dos Pix válidos de cada janela."""
INDICADORES_FRAUDE: Final = StructType([
    *CAMPOS_JANELA,
    _cheio("rotulos", _LONGO),
    _cheio("fraudes", _LONGO),
    _cheio("fraude_centavos", _LONGO),
])
"""Desfechos conhecidos e fraudes confirmadas, na janela do pagamento; refeitos conforme os rótulos chegam."""

CONTROLE_LOTES: Final = StructType([
    _cheio("camada", _TEXTO),
    _cheio("consulta", _TEXTO),
    _cheio("execucao", _TEXTO),
    _cheio("lote", _LONGO),
    _cheio("linhas", _LONGO),
    _cheio("duracao_ms", _LONGO),
    _cheio("fim_us", _LONGO),
])
"""Linhas de entrada e duração de cada micro-lote; `execucao` é o runId da consulta, `fim_us` quando terminou."""
