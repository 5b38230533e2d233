"""O registro de modelos: as versões no MLflow.

Uma versão registrada guarda UM arquivo, `modelo.skops`, e seu SHA-256 em uma marca da própria versão: quem materializa
confere os dois. `campeao` decide, `desafiante` pontua em sombra; quem move os aliases é `registro_aliases`.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from machine_learning.registro_conexao import AUSENTE, abrir_cliente, traduzir
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroModelo

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENTO: Final = "detector-fraudes-pix"
CAMPEAO: Final = "campeao"
DESAFIANTE: Final = "desafiante"
ARQUIVO: Final = "modelo.skops"
PASTA: Final = "modelo"
MARCA_SHA256: Final = "sha256"


@dataclass(frozen=True)
class VersaoModelo:
    """Uma versão registrada. `uri` aponta a pasta do artefato; `sha256` é o do arquivo `modelo.skops`."""

    nome: str
    versao: str
    run_id: str
    uri: str
    sha256: str


@dataclass(frozen=True)
class Corrida:
    """O que se grava de um treino.

    Args:
        nome: nome do run no MLflow.
        parametros: textos ou números.
        medidas: nome → número; NaN é omitido.
        marcas: textos livres (versões das tabelas, commit).
        figuras: nome do arquivo → figura do matplotlib.
        documentos: nome do arquivo → texto, ou objeto que vira JSON.
    """

    nome: str
    parametros: Mapping[str, Any]
    medidas: Mapping[str, float]
    marcas: Mapping[str, str]
    figuras: Mapping[str, Any]
    documentos: Mapping[str, Any]


def registrar(
    cfg: Configuracao, corrida: Corrida, tentativas: Sequence[Corrida], modelo: Path, nomes: Sequence[str]
) -> VersaoModelo:
    """Grava o treino (tentativas como runs aninhados) e registra o arquivo como nova versão de `cfg.modelo`.

    Args:
        cfg: onde está o MLflow e o nome do modelo.
        corrida: o treino vencedor.
        tentativas: os candidatos.
        modelo: o arquivo `modelo.skops` já gravado.
        nomes: atributos da assinatura, na ordem.

    Levanta:
        ErroServico: MLflow fora do ar ou que recusa.
    """
    sha256 = hashlib.sha256(modelo.read_bytes()).hexdigest()
    with traduzir(cfg), tempfile.TemporaryDirectory() as pasta:
        cliente = abrir_cliente(cfg)
        experimento = _experimento(cliente)
        run = cliente.create_run(experimento, run_name=corrida.nome)
        id_run = run.info.run_id
        _gravar(cliente, id_run, corrida)
        for tentativa in tentativas:
            filho = cliente.create_run(experimento, run_name=tentativa.nome, tags={"mlflow.parentRunId": id_run})
            _gravar(cliente, filho.info.run_id, tentativa)
            cliente.set_terminated(filho.info.run_id)
        cliente.log_artifacts(id_run, str(_pasta_modelo(Path(pasta), modelo, nomes, id_run)), PASTA)
        uri = f"{run.info.artifact_uri}/{PASTA}"
        _garantir_modelo(cliente, cfg.modelo)
        versao = cliente.create_model_version(
            cfg.modelo, uri, id_run, tags={MARCA_SHA256: sha256, **{k: str(v) for k, v in corrida.marcas.items()}},
        )
        cliente.set_terminated(id_run)
    return VersaoModelo(cfg.modelo, str(versao.version), id_run, uri, sha256)


def repetir(cfg: Configuracao, modelo: VersaoModelo) -> VersaoModelo:
    """Registra outra vez o arquivo de uma versão, com outro número: o mesmo modelo, para ensaiar uma troca.

    Levanta:
        ErroServico: MLflow fora do ar ou que recusa.
    """
    with traduzir(cfg):
        marcas = {MARCA_SHA256: modelo.sha256, "repete": modelo.versao}
        # O arquivo já está lá: não há criação a esperar, nem aviso de espera a escrever na tela.
        nova = abrir_cliente(cfg).create_model_version(
            modelo.nome, modelo.uri, modelo.run_id, tags=marcas, await_creation_for=0)
    return VersaoModelo(modelo.nome, str(nova.version), modelo.run_id, modelo.uri, modelo.sha256)


def resolver(cfg: Configuracao, alias: str) -> VersaoModelo | None:
    """A versão para a qual o alias aponta agora; None se o modelo ou o alias não existe.

    Levanta:
        ErroServico: MLflow fora do ar.
        ErroModelo: versão sem SHA-256 (registrada por fora de `./pix treinar`).
    """
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    with traduzir(cfg):
        try:
            achada = abrir_cliente(cfg).get_model_version_by_alias(cfg.modelo, alias)
        except MlflowException as erro:
            if erro.error_code in {AUSENTE, "INVALID_PARAMETER_VALUE"}:
                return None
            raise
    return _versao(achada)


def versao(cfg: Configuracao, numero: str) -> VersaoModelo:
    """Uma versão pelo número.

    Levanta:
        ErroModelo: a versão não existe ou não tem SHA-256.
        ErroServico: MLflow fora do ar.
    """
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    with traduzir(cfg):
        try:
            achada = abrir_cliente(cfg).get_model_version(cfg.modelo, numero)
        except MlflowException as erro:
            if erro.error_code in {AUSENTE, "INVALID_PARAMETER_VALUE"}:
                msg = f"{cfg.modelo} não tem a versão {numero}; veja as que há em {cfg.mlflow_uri}"
                raise ErroModelo(msg) from erro
            raise
    return _versao(achada)


def materializar(cfg: Configuracao, modelo: VersaoModelo) -> tuple[Path, str]:
    """Deixa `modelo.skops` da versão em disco, conferido, e devolve (caminho, sha256). Já baixado e íntegro, não baixa.

    Levanta:
        ErroServico: MLflow fora do ar.
        ErroModelo: o arquivo baixado não tem o SHA-256 registrado.
    """
    destino = cfg.caminho("modelos", modelo.nome, modelo.versao) / ARQUIVO
    if destino.exists() and _sha256(destino) == modelo.sha256:
        return destino, modelo.sha256
    destino.parent.mkdir(parents=True, exist_ok=True)
    with traduzir(cfg), tempfile.TemporaryDirectory(dir=destino.parent) as pasta:
        baixado = Path(abrir_cliente(cfg).download_artifacts(modelo.run_id, f"{PASTA}/{ARQUIVO}", pasta))
        obtido = _sha256(baixado)
        if obtido != modelo.sha256:
            msg = (
                f"{modelo.nome} versão {modelo.versao}: SHA-256 {obtido[:12]}… não é o registrado "
                f"({modelo.sha256[:12]}…); não será usado"
            )
            raise ErroModelo(msg)
        os.replace(baixado, destino)
    return destino, modelo.sha256


def marcas_de(cfg: Configuracao, modelo: VersaoModelo) -> dict[str, str]:
    """As marcas de uma versão registrada.

    Levanta:
        ErroServico: MLflow fora do ar.
    """
    with traduzir(cfg):
        return dict(abrir_cliente(cfg).get_model_version(modelo.nome, modelo.versao).tags)


def medidas_de(cfg: Configuracao, modelo: VersaoModelo) -> dict[str, float]:
    """As medidas do run que produziu a versão.

    Levanta:
        ErroServico: MLflow fora do ar.
    """
    with traduzir(cfg):
        return dict(abrir_cliente(cfg).get_run(modelo.run_id).data.metrics)


def _versao(achada: Any) -> VersaoModelo:
    sha256 = achada.tags.get(MARCA_SHA256)
    if not sha256:
        msg = f"{achada.name} versão {achada.version} não tem a marca {MARCA_SHA256}: registre-a com ./pix treinar"
        raise ErroModelo(msg)
    return VersaoModelo(achada.name, str(achada.version), achada.run_id, achada.source, sha256)


def _experimento(cliente: MlflowClient) -> str:
    achado = cliente.get_experiment_by_name(EXPERIMENTO)
    return str(achado.experiment_id if achado is not None else cliente.create_experiment(EXPERIMENTO))


def _garantir_modelo(cliente: MlflowClient, nome: str) -> None:
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    try:
        cliente.create_registered_model(nome)
    except MlflowException as erro:
        if erro.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _gravar(cliente: MlflowClient, id_run: str, corrida: Corrida) -> None:
    from mlflow.entities import Metric, Param, RunTag  # noqa: PLC0415

    cliente.log_batch(
        id_run,
        metrics=[Metric(nome, float(v), 0, 0) for nome, v in corrida.medidas.items() if v == v],  # noqa: PLR0124 NaN
        params=[Param(nome, str(v)) for nome, v in corrida.parametros.items()],
        tags=[RunTag(nome, str(v)) for nome, v in corrida.marcas.items()],
    )
    for nome, figura in corrida.figuras.items():
        cliente.log_figure(id_run, figura, nome)
    for nome, documento in corrida.documentos.items():
        texto = documento if isinstance(documento, str) else json.dumps(documento, ensure_ascii=False, indent=1)
        cliente.log_text(id_run, texto, nome)


def _pasta_modelo(pasta: Path, modelo: Path, nomes: Sequence[str], id_run: str) -> Path:
    """A pasta que o MLflow entende: `MLmodel` com a assinatura e o nosso arquivo."""
    from mlflow.models import Model, ModelSignature  # noqa: PLC0415
    from mlflow.types import ColSpec, DataType, Schema  # noqa: PLC0415

    destino = pasta / PASTA
    destino.mkdir()
    (destino / ARQUIVO).write_bytes(modelo.read_bytes())
    assinatura = ModelSignature(
        inputs=Schema([ColSpec(DataType.double, nome, required=False) for nome in nomes]),
        outputs=Schema([ColSpec(DataType.double, "pontuacao"), ColSpec(DataType.double, "probabilidade")]),
    )
    ficha = Model(artifact_path=PASTA, run_id=id_run, signature=assinatura)
    ficha.add_flavor("detector_pix", dados=ARQUIVO, carregador="machine_learning.modelo.carregar")
    ficha.save(str(destino / "MLmodel"))
    return destino


def _sha256(arquivo: Path) -> str:
    return hashlib.sha256(arquivo.read_bytes()).hexdigest()
