"""O contrato: um Pix, um rótulo e um comando de ativação como viajam no Kafka; e a tabela bronze.

Os nomes são os do Banco Central em português, com `_` (catálogo SPI 5.13.1, pacs.008 spi.1.16). Os `Struct` abaixo
são a única definição: `evento.schema.json` e `rotulo.schema.json` são gerados deles (`python -m ingestao.esquema`).
Campos desconhecidos são aceitos e ficam na bronze. Tipos e faixas são conferidos na leitura; a forma dos textos
(`PADRAO_*`, que também saem no JSON Schema), em `processamento.qualidade`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta
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
COMPRESSAO: Final = "lz4"
"""Como Pix e decisões viajam e ficam nos tópicos: um terço dos bytes em disco, rede e memória (ADR 0016)."""

PADRAO_TOKEN: Final = r"tok:[a-z0-9]{1,8}:[A-Za-z0-9_-]{22}"  # noqa: S105 — a forma do token, não um segredo
PADRAO_ID_FIM_A_FIM: Final = "E[0-9A-Z]{8}[0-9]{12}[a-zA-Z0-9]{11}"
PADRAO_INSTANTE: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z"
PADRAO_VALOR: Final = r"[0-9]{1,10}\.[0-9]{2}"
PADRAO_ISPB: Final = "[0-9A-Z]{8}"
PADRAO_AGENCIA: Final = "[0-9]{1,4}"
PADRAO_CONTA: Final = "[0-9A-Z]{1,20}"
PADRAO_DOCUMENTO: Final = "[0-9]{11}|[0-9A-Z]{12}[0-9]{2}"
PADRAO_TXID: Final = "[a-zA-Z0-9]{1,35}"
PADRAO_VERSAO: Final = r"1(\.[0-9]{1,4})?"
PADRAO_DISPOSITIVO: Final = "[!-~]{1,128}"
PADRAO_NOME: Final = "[A-Za-z0-9_]{1,64}"
TAMANHO_MAXIMO_CHAVE: Final = 77
INTEIRO_MAXIMO: Final = 2_147_483_647


def _padrao(*alternativas: str) -> Meta:
    """O padrão só documenta (JSON Schema); quem recusa, com motivo, é o validador."""
    return Meta(extra_json_schema={"pattern": f"^(?:{'|'.join(alternativas)})$"})


Contagem = Annotated[int, Meta(ge=0, le=INTEIRO_MAXIMO)]
IdFimAFim = Annotated[str, _padrao(PADRAO_ID_FIM_A_FIM)]
Instante = Annotated[str, _padrao(PADRAO_INSTANTE)]
Token = Annotated[str, _padrao(PADRAO_TOKEN)]
Versao = Annotated[str, _padrao(PADRAO_VERSAO)]
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

    ispb: Annotated[str, _padrao(PADRAO_ISPB)]
    conta: Annotated[str, _padrao(PADRAO_CONTA, PADRAO_TOKEN)]
    tipo_conta: TipoConta
    tipo_pessoa: TipoPessoa
    documento: Annotated[str, _padrao(PADRAO_DOCUMENTO, PADRAO_TOKEN)]
    agencia: Annotated[str, _padrao(PADRAO_AGENCIA)] | None = None
    idade_conta_dias: Contagem | None = None


class Dispositivo(msgspec.Struct, frozen=True, omit_defaults=True):
    """O aparelho do pagador, só visto por sua instituição. `id` claro ou token; nulos = não informado."""

    id: Annotated[str, _padrao(PADRAO_DISPOSITIVO)]
    cadastrado: bool | None = None
    dias_cadastro: Contagem | None = None
    acesso_remoto: bool | None = None
    emulador: bool | None = None
    chamada_ativa: bool | None = None


class Sessao(msgspec.Struct, frozen=True, omit_defaults=True):
    """A sessão em que a ordem nasceu; durações em segundos, `limite_aumentado_horas` desde o último aumento."""

    canal: Literal["APP", "IB", "API", "WHATSAPP", "AGENCIA"] | None = None
    duracao_segundos: Contagem | None = None
    preenchimento_segundos: Contagem | None = None
    colou_chave: bool | None = None
    falhas_autenticacao_24h: Contagem | None = None
    troca_senha_24h: bool | None = None
    troca_chip_72h: bool | None = None
    limite_aumentado_horas: Contagem | None = None


class Dict(msgspec.Struct, frozen=True, omit_defaults=True):
    """Estatísticas do DICT sobre a chave e o titular recebedor (API 2.12.1); nulo = sem dado (watermark de 1970).

    Contagens inteiras; `_d90` = hoje e os 89 dias anteriores. `idade_chave_dias` conta de `KeyOwnershipDate`.
    """

    idade_chave_dias: Contagem | None = None
    idade_conta_dias: Contagem | None = None
    marcas_fraude_d90: Contagem | None = None
    relatos_abertos: Contagem | None = None
    relatos_rejeitados_d90: Contagem | None = None
    contas_distintas_d90: Contagem | None = None
    liquidacoes_d90: Contagem | None = None
    reivindicacao_aberta: bool | None = None


class Evento(msgspec.Struct, frozen=True, omit_defaults=True):
    """Uma ordem de Pix. `instante` RFC 3339 UTC com 3 casas; `valor` em R$, texto com 2 casas."""

    id_fim_a_fim: IdFimAFim
    instante: Instante
    valor: Annotated[str, _padrao(PADRAO_VALOR)]
    pagador: Parte
    recebedor: Parte
    forma_de_iniciacao: FormaIniciacao
    finalidade: Finalidade
    versao_esquema: Versao = VERSAO_ESQUEMA
    chave: Annotated[str, Meta(extra_json_schema={"maxLength": TAMANHO_MAXIMO_CHAVE})] | None = None
    tipo_chave: TipoChave | None = None
    txid: Annotated[str, _padrao(PADRAO_TXID)] | None = None
    dispositivo: Dispositivo | None = None
    sessao: Sessao | None = None
    dict: Dict | None = None


class Rotulo(msgspec.Struct, frozen=True, omit_defaults=True):
    """O desfecho de uma contestação, conhecido depois. Só `resultado == "AGREED"` é fraude confirmada.

    `instante` é o do pagamento; `conhecido_em`, o do desfecho (ambos RFC 3339 UTC). Contas e dispositivo são
    tokens. `tipologia`: nome livre para relatórios; `classe`: `SituationType` do MED.
    """

    id_fim_a_fim: IdFimAFim
    instante: Instante
    conhecido_em: Instante
    pagador_conta: Token
    recebedor_conta: Token
    classe: Literal["SCAM", "ACCOUNT_TAKEOVER", "COERCION", "FRAUDULENT_ACCESS", "OTHER"]
    resultado: Literal["AGREED", "DISAGREED"]
    dispositivo: Token | None = None
    tipologia: Annotated[str, _padrao(PADRAO_NOME)] | None = None
    versao_esquema: Versao = VERSAO_ESQUEMA


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


CHAVE_POSICAO: Final = ("topico", "particao", "deslocamento")
"""A identidade de um registro, da bronze à conciliação."""
TOPICO_HISTORICO: Final = "historico"
TOPICO_HISTORICO_ROTULOS: Final = "historico_rotulos"
"""Tópicos que não existem no Kafka: a história entra direto na bronze, numerada em sequência."""

BRONZE: Final = StructType(
    [
        StructField("chave", BinaryType()),
        StructField("valor", BinaryType()),
        StructField("topico", StringType(), nullable=False),
        StructField("particao", IntegerType(), nullable=False),
        StructField("deslocamento", LongType(), nullable=False),
        StructField("kafka_em", TimestampType(), nullable=False),
        StructField("enviado_em", LongType()),
        StructField("origem", StringType(), nullable=False),
        StructField("data", DateType(), nullable=False),
    ]
)
"""Cada registro byte a byte. `enviado_em` em µs UTC (nulo = sem cabeçalho); `data` = dia UTC de `kafka_em`."""

ESQUEMAS_JSON: Final[dict[str, type[msgspec.Struct]]] = {"evento.schema.json": Evento, "rotulo.schema.json": Rotulo}


def json_schema(tipo: type[msgspec.Struct]) -> bytes:
    """O JSON Schema (2020-12) de um contrato, com as chaves em ordem: gerar de novo dá os mesmos bytes."""
    esquema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(tipo)}
    return msgspec.json.format(msgspec.json.encode(esquema, order="deterministic"), indent=2) + b"\n"


def gerar(pasta: Path) -> list[Path]:
    """Escreve os JSON Schema em `pasta` e devolve seus caminhos."""
    destinos = []
    for nome, tipo in ESQUEMAS_JSON.items():
        destino = pasta / nome
        destino.write_bytes(json_schema(tipo))
        destinos.append(destino)
    return destinos


if __name__ == "__main__":
    gerar(Path(__file__).parent)
