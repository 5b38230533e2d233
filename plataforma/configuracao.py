"""A configuração: lida uma vez do ambiente, congelada, e recusada por inteiro se um valor não serve."""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from plataforma.erros import ErroConfiguracao

RAIZ_PROJETO = Path(__file__).resolve().parent.parent
PREFIXO = "PIX_"
PERFIS = ("local", "cluster", "databricks")
MODOS = ("continuo", "disponivel")
EXECUTOR_JANELAS = "janelas"
EXECUTORES = ("estado", EXECUTOR_JANELAS)
"""Quem mede a história: o núcleo do fluxo ou as janelas do Spark (docs/adr/0005)."""
"""Uma consulta corre sem fim, ou processa o que já chegou e termina."""
TAMANHO_MINIMO_CHAVE = 32
PORTA_MAXIMA = 65_535
_ISPB = re.compile(r"[0-9A-Z]{8}")


@dataclass(frozen=True)
class Configuracao:
    """Tudo o que muda de um lugar para outro. Precedência: argumento > ambiente (`PIX_<CAMPO>`) > padrão.

    Portas em número TCP; `horizonte_*` em horas; `gatilho_*` em segundos. `particoes_estado` e `baldes` ficam
    fixos por toda a vida de um checkpoint (docs/adr/0002). `intervalo_decisao_ms`: o menor tempo entre o começo de dois
    micro-lotes da decisão; 0 onde ela tem núcleos só seus (docs/adr/0017).

    Levanta:
        ErroConfiguracao: campo, valor recebido e o que se esperava.
    """

    perfil: str = "local"
    modo: str = "continuo"
    dados: Path = RAIZ_PROJETO / ".pix" / "dados"
    kafka_servidores: str = "127.0.0.1:19092"
    topico_eventos: str = "pix.eventos"
    topico_rotulos: str = "pix.rotulos"
    topico_decisoes: str = "pix.decisoes"
    topico_controle: str = "pix.controle"
    particoes_topico: int = 2
    mlflow_uri: str = "http://127.0.0.1:15000"
    modelo: str = "detector-pix"
    spark_master: str = "local[6]"
    spark_master_lago: str = "local[3]"
    spark_memoria: str = "3g"
    spark_opcoes_jvm: str = (
        "-XX:+UseParallelGC -XX:+UseAdaptiveSizePolicyWithSystemGC -XX:MaxHeapFreeRatio=40 -Xms1200m "
        "-XX:NewSize=448m -XX:MaxNewSize=448m"
    )
    spark_opcoes_jvm_lago: str = "-XX:+UseParallelGC -Xms2g -XX:NewSize=1g -XX:MaxNewSize=1g"
    particoes_estado: int = 2
    baldes: int = 2
    max_eventos_lote: int = 60_000
    intervalo_decisao_ms: int = 800
    horizonte_duplicados_horas: int = 24
    executor_historia: str = "estado"
    gatilho_lago_segundos: int = 30
    porta_kafka: int = 19092
    porta_kafka_controle: int = 19093
    porta_mlflow: int = 15000
    porta_metricas: int = 18000
    porta_metricas_lago: int = 18001
    endereco_metricas: str = "127.0.0.1"
    porta_prometheus: int = 19090
    porta_spark_ui: int = 14040
    porta_spark_ui_lago: int = 14041
    nossos_ispb: tuple[str, ...] = ("99999010", "99999020")
    regras: Path = RAIZ_PROJETO / "machine_learning" / "regras.yaml"
    id_chave_tokens: str = "v1"
    catalogo_unity: str = ""
    chave_tokens: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        """Recusa o valor que não serve, citando-o."""
        if self.perfil not in PERFIS:
            _recusar("perfil", self.perfil, " | ".join(PERFIS))
        if self.modo not in MODOS:
            _recusar("modo", self.modo, " | ".join(MODOS))
        if self.executor_historia not in EXECUTORES:
            _recusar("executor_historia", self.executor_historia, " | ".join(EXECUTORES))
        for nome in ("particoes_topico", "particoes_estado", "baldes", "max_eventos_lote", "gatilho_lago_segundos",
                     "horizonte_duplicados_horas"):
            if getattr(self, nome) < 1:
                _recusar(nome, getattr(self, nome), "inteiro ≥ 1")
        if self.intervalo_decisao_ms < 0:
            _recusar("intervalo_decisao_ms", self.intervalo_decisao_ms, "inteiro ≥ 0, em ms")
        for campo in fields(self):
            if campo.name.startswith("porta_") and not 1 <= getattr(self, campo.name) <= PORTA_MAXIMA:
                _recusar(campo.name, getattr(self, campo.name), f"porta entre 1 e {PORTA_MAXIMA}")
        if self.baldes % self.particoes_estado:
            _recusar("baldes", self.baldes, f"múltiplo de particoes_estado ({self.particoes_estado})")
        for ispb in self.nossos_ispb:
            if not _ISPB.fullmatch(ispb):
                _recusar("nossos_ispb", ispb, "8 caracteres 0-9A-Z, separados por vírgula")
        if self.chave_tokens and len(self.chave_tokens) < TAMANHO_MINIMO_CHAVE:
            _recusar("chave_tokens", f"({len(self.chave_tokens)} bytes)", f"≥ {TAMANHO_MINIMO_CHAVE} bytes em base64")

    @classmethod
    def do_ambiente(cls, ambiente: Mapping[str, str] | None = None, **argumentos: Any) -> Configuracao:
        """Lê `PIX_*` do ambiente; `argumentos` que não sejam None vencem.

        A chave dos tokens vem de `PIX_CHAVE_TOKENS` (base64) ou, no perfil local, de um arquivo só do dono,
        gerado no primeiro uso.
        """
        origem = os.environ if ambiente is None else ambiente
        valores: dict[str, Any] = {}
        for campo in fields(cls):
            texto = origem.get(PREFIXO + campo.name.upper())
            if texto is not None and texto != "":
                valores[campo.name] = _converter(campo.name, str(campo.type), texto)
        valores.update({nome: valor for nome, valor in argumentos.items() if valor is not None})
        # Quem muda só a porta muda o endereço do serviço embutido junto com ela.
        valores.setdefault("kafka_servidores", f"127.0.0.1:{valores.get('porta_kafka', cls.porta_kafka)}")
        valores.setdefault("mlflow_uri", f"http://127.0.0.1:{valores.get('porta_mlflow', cls.porta_mlflow)}")
        if not valores.get("chave_tokens") and valores.get("perfil", "local") == "local":
            valores["chave_tokens"] = _chave_local(Path(valores.get("dados", cls.dados)))
        return cls(**valores)

    def caminho(self, *partes: str) -> Path:
        """Um lugar dentro da pasta de dados (tabelas, checkpoints, serviços)."""
        return self.dados.joinpath(*partes)

    def exigir_chave_tokens(self) -> bytes:
        """A chave dos tokens, ou um erro que diz como dá-la. Nunca é impressa.

        Levanta:
            ErroConfiguracao: quando não há chave (perfis cluster e databricks exigem `PIX_CHAVE_TOKENS`).
        """
        if not self.chave_tokens:
            msg = f"chave_tokens ausente: defina {PREFIXO}CHAVE_TOKENS com ≥ {TAMANHO_MINIMO_CHAVE} bytes em base64"
            raise ErroConfiguracao(msg)
        return self.chave_tokens

    def para_ambiente(self) -> dict[str, str]:
        """As variáveis que reproduzem esta configuração em um processo filho (inclui o segredo: não registrar)."""
        saida: dict[str, str] = {}
        for campo in fields(self):
            valor = getattr(self, campo.name)
            if isinstance(valor, bytes):
                texto = base64.b64encode(valor).decode()
            elif isinstance(valor, tuple):
                texto = ",".join(valor)
            else:
                texto = str(valor)
            if texto:
                saida[PREFIXO + campo.name.upper()] = texto
        return saida


def _recusar(campo: str, valor: object, esperado: str) -> None:
    msg = f"{campo} = {valor!r} não serve; esperado: {esperado}. Corrija o argumento ou {PREFIXO}{campo.upper()}"
    raise ErroConfiguracao(msg)


def _converter(nome: str, tipo: str, texto: str) -> Any:
    if tipo == "int":
        try:
            return int(texto)
        except ValueError:
            _recusar(nome, texto, "um inteiro")
    if tipo == "Path":
        return Path(texto).expanduser().resolve()
    if tipo.startswith("tuple"):
        return tuple(parte.strip() for parte in texto.split(",") if parte.strip())
    if tipo == "bytes":
        try:
            return base64.b64decode(texto, validate=True)
        except (binascii.Error, ValueError):
            _recusar(nome, "(oculto)", "texto em base64")
    return texto


def _chave_local(dados: Path) -> bytes:
    arquivo = dados / "segredos" / "chave_tokens"
    try:
        if arquivo.exists():
            return base64.b64decode(arquivo.read_text())
        arquivo.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        chave = secrets.token_bytes(TAMANHO_MINIMO_CHAVE)
        descritor = os.open(arquivo, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return base64.b64decode(arquivo.read_text())
    except OSError as erro:
        msg = f"não foi possível escrever em {dados}: {erro.strerror}. Escolha outra pasta com {PREFIXO}DADOS"
        raise ErroConfiguracao(msg) from erro
    with os.fdopen(descritor, "w") as saida:
        saida.write(base64.b64encode(chave).decode())
    return chave
