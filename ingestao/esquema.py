"""O contrato: um Pix, um rótulo e um comando de ativação como viajam no Kafka; e a tabela bronze.

Os nomes são os do Banco Central em português, com `_` (catálogo SPI 5.13.1, pacs.008 spi.1.16). Os `Struct` abaixo
são a única definição: `evento.schema.json` e `rotulo.schema.json` são gerados deles (`python -m ingestao.esquema`).
Campos desconhecidos são aceitos e ficam na bronze; a forma dos textos é conferida em `processamento.qualidade`.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from pyspark.sql.types import (
    BinaryType,
    DateType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

VERSAO_ESQUEMA: Final = "1"
LIMITE_REGISTRO_BYTES: Final = 65_536
"""Maior registro aceito pelo produtor; acima disso ele recusa antes de enviar."""

TipoConta = Literal["CACC", "SVGS", "TRAN", "SLRY", "OTHR"]
TipoPessoa = Literal["PF", "PJ"]
TipoChave = Literal["CPF", "CNPJ", "PHONE", "EMAIL", "EVP"]
FormaIniciacao = Literal["MANU", "DICT", "QRES", "QRDN", "APES", "APDN", "INIC", "AUTO"]
Finalidade = Literal["IPAY", "GSCB", "OTHR", "REFU", "IPRT"]
FINALIDADES_ISENTAS: Final = ("REFU", "IPRT")
"""Devoluções do MED: não são pagamento de cliente, não se pontuam nem contam nas janelas (pix.md 2.3)."""

Origem = Literal["vivo", "historico", "importado", "simulado"]
ORIGENS: Final[tuple[Origem, ...]] = ("vivo", "historico", "importado", "simulado")
CABECALHO_ENVIADO_EM: Final = "enviado_em"
"""Cabeçalho Kafka: instante do produtor, µs desde 1970 UTC, em decimal ASCII. Base da latência."""
CABECALHO_ORIGEM: Final = "origem"
"""Cabeçalho Kafka: uma de `ORIGENS`; ausente vale `vivo`. `historico` nunca é decidido."""


class Parte(msgspec.Struct, frozen=True, omit_defaults=True):
    """Um dos lados do Pix. `conta` e `documento` chegam claros ou como token `tok:<chave>:<22 caracteres>`.

    `idade_conta_dias`: dias desde a abertura; nulo quando o participante não é nosso.
    """

    ispb: str
    conta: str
    tipo_conta: TipoConta
    tipo_pessoa: TipoPessoa
    documento: str
    agencia: str | None = None
    idade_conta_dias: int | None = None


class Dispositivo(msgspec.Struct, frozen=True, omit_defaults=True):
    """O aparelho do pagador, só visto por sua instituição. `id` claro ou token; nulos = não informado."""

    id: str
    cadastrado: bool | None = None
    dias_cadastro: int | None = None
    acesso_remoto: bool | None = None
    emulador: bool | None = None
    chamada_ativa: bool | None = None


class Sessao(msgspec.Struct, frozen=True, omit_defaults=True):
    """A sessão em que a ordem nasceu; durações em segundos, `limite_aumentado_horas` desde o último aumento."""

    canal: Literal["APP", "IB", "API", "WHATSAPP", "AGENCIA"] | None = None
    duracao_segundos: int | None = None
    preenchimento_segundos: int | None = None
    colou_chave: bool | None = None
    falhas_autenticacao_24h: int | None = None
    troca_senha_24h: bool | None = None
    troca_chip_72h: bool | None = None
    limite_aumentado_horas: int | None = None


class Dict(msgspec.Struct, frozen=True, omit_defaults=True):
    """Estatísticas do DICT sobre a chave e o titular recebedor (API 2.12.1); nulo = sem dado (watermark de 1970).

    Contagens inteiras; `_d90` = hoje e os 89 dias anteriores. `idade_chave_dias` conta de `KeyOwnershipDate`.
    """

    idade_chave_dias: int | None = None
    idade_conta_dias: int | None = None
    marcas_fraude_d90: int | None = None
    relatos_abertos: int | None = None
    relatos_rejeitados_d90: int | None = None
    contas_distintas_d90: int | None = None
    liquidacoes_d90: int | None = None
    reivindicacao_aberta: bool | None = None


class Evento(msgspec.Struct, frozen=True, omit_defaults=True):
    """Uma ordem de Pix. `instante` RFC 3339 UTC com 3 casas; `valor` em R$, texto com 2 casas."""

    id_fim_a_fim: str
    instante: str
    valor: str
    pagador: Parte
    recebedor: Parte
    forma_de_iniciacao: FormaIniciacao
    finalidade: Finalidade
    versao_esquema: str = VERSAO_ESQUEMA
    chave: str | None = None
    tipo_chave: TipoChave | None = None
    txid: str | None = None
    dispositivo: Dispositivo | None = None
    sessao: Sessao | None = None
    dict: Dict | None = None


class Rotulo(msgspec.Struct, frozen=True, omit_defaults=True):
    """O desfecho de uma contestação, conhecido depois. Só `resultado == "AGREED"` é fraude confirmada.

    `instante` é o do pagamento; `conhecido_em`, o do desfecho (ambos RFC 3339 UTC). Contas e dispositivo são
    tokens. `tipologia`: nome livre para relatórios; `classe`: `SituationType` do MED.
    """

    id_fim_a_fim: str
    instante: str
    conhecido_em: str
    pagador_conta: str
    recebedor_conta: str
    classe: Literal["SCAM", "ACCOUNT_TAKEOVER", "COERCION", "FRAUDULENT_ACCESS", "OTHER"]
    resultado: Literal["AGREED", "DISAGREED"]
    dispositivo: str | None = None
    tipologia: str | None = None
    versao_esquema: str = VERSAO_ESQUEMA


class Ativacao(msgspec.Struct, frozen=True):
    """Comando em `pix.controle`: o modelo e as regras que valem a partir do micro-lote que o carrega (ADR 0004).

    `modelo_*` nulos = sem modelo (as regras decidem). `desafiante_*`: pontua em sombra, não decide.
    `regras` é o texto YAML inteiro, já conferido.
    """

    regras_versao: str
    regras: str
    modelo_versao: str | None
    modelo_caminho: str | None
    modelo_sha256: str | None
    desafiante_versao: str | None
    desafiante_caminho: str | None
    desafiante_sha256: str | None
    motivo: str
    ativado_em: str


BRONZE: Final = StructType([
    StructField("chave", BinaryType()),
    StructField("valor", BinaryType()),
    StructField("topico", StringType(), nullable=False),
    StructField("particao", IntegerType(), nullable=False),
    StructField("deslocamento", LongType(), nullable=False),
    StructField("kafka_em", TimestampType(), nullable=False),
    StructField("enviado_em", LongType()),
    StructField("origem", StringType(), nullable=False),
    StructField("data", DateType(), nullable=False),
])
"""Cada registro byte a byte. `enviado_em` em µs UTC (nulo = sem cabeçalho); `data` = dia UTC de `kafka_em`."""

ESQUEMAS_JSON: Final = {"evento.schema.json": Evento, "rotulo.schema.json": Rotulo}
