"""O detector em arquivo: gravar e, só depois de conferir, abrir.

Viaja em UM arquivo `modelo.skops`: estimadores do sklearn, cujos tipos têm de estar na nossa lista, e os metadados em
JSON (nomes dos atributos, catálogo, calibração, limiares). Nunca pickle. As árvores são abertas em colunas ao carregar
(`arvores`), de modo que pontuar um micro-lote não paga a partida do sklearn.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import sklearn

from machine_learning import candidatos
from machine_learning.acoes import Acao
from machine_learning.calibracao import Calibrador
from machine_learning.detector import Detector
from plataforma.erros import ErroModelo
from processamento.atributos import NOMES
from processamento.catalogo import PADRAO

FORMATO: Final = 1
TAMANHO_MAXIMO_BYTES: Final = 300 << 20
TIPOS_CONFIAVEIS: Final = (
    "numpy.dtype",
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss._loss.CyHalfBinomialLoss",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
)
"""Os únicos tipos, além dos que o skops já conhece, de que um modelo nosso precisa. A lista é do código."""


def salvar(detector: Detector, caminho: Path, metadados: Mapping[str, Any]) -> str:
    """Grava o detector em `caminho` e devolve o SHA-256 do arquivo.

    `metadados` acrescenta o que o treino sabe (janela, versões das tabelas); o essencial sai do próprio detector.
    """
    from skops import io as skops_io  # noqa: PLC0415 — só quem grava ou lê paga a importação

    ficha = {
        **metadados, "formato": FORMATO, "nomes": list(NOMES), "candidato": detector.candidato,
        "semente": detector.semente, "colunas": [int(c) for c in detector.colunas_], "sklearn": sklearn.__version__,
        "calibrador": detector.calibrador_.para_dict(), "catalogo_versao": metadados["catalogo_versao"],
        "limiares": {str(acao): float(p) for acao, p in detector.limiares.items()},
    }
    conteudo = skops_io.dumps({"metadados": json.dumps(ficha, sort_keys=True), "estimadores": detector.estimadores_})
    caminho.parent.mkdir(parents=True, exist_ok=True)
    caminho.write_bytes(conteudo)
    return hashlib.sha256(conteudo).hexdigest()


def carregar(caminho: Path, sha256: str, catalogo_versao: str = PADRAO.versao) -> Detector:
    """Abre um modelo só depois de conferir o hash e os tipos; exige os atributos e o catálogo deste código.

    Levanta:
        ErroModelo: arquivo ausente, hash diferente, tipo fora de `TIPOS_CONFIAVEIS`, formato, atributos ou catálogo
            de outra versão, ou modelo que não pontua.
    """
    conteudo = _conferido(caminho, sha256)
    pacote = _abrir(conteudo, caminho)
    ficha = _ficha(pacote, caminho, catalogo_versao)
    detector = Detector(str(ficha["candidato"]), int(ficha["semente"]))
    detector.receber(np.array(ficha["colunas"], np.int64), len(NOMES), dict(pacote["estimadores"]))
    detector.calibrador_ = Calibrador.de_dict(ficha["calibrador"])
    detector.limiares = {Acao(nome): float(p) for nome, p in ficha["limiares"].items()}
    detector.metadados = ficha
    prova = detector.probabilidade(np.full((2, len(NOMES)), np.nan))
    if not np.isfinite(prova).all():
        msg = f"{caminho}: o modelo devolve nota que não é número"
        raise ErroModelo(msg)
    return detector


def _conferido(caminho: Path, sha256: str) -> bytes:
    try:
        if caminho.stat().st_size > TAMANHO_MAXIMO_BYTES:
            msg = f"{caminho}: {caminho.stat().st_size} bytes; um modelo tem no máximo {TAMANHO_MAXIMO_BYTES}"
            raise ErroModelo(msg)
        conteudo = caminho.read_bytes()
    except OSError as erro:
        msg = f"{caminho}: não foi possível ler o modelo ({erro.strerror})"
        raise ErroModelo(msg) from erro
    obtido = hashlib.sha256(conteudo).hexdigest()
    if obtido != sha256:
        msg = f"{caminho}: SHA-256 {obtido[:12]}… não é o registrado ({sha256[:12]}…); baixe de novo ou reverta"
        raise ErroModelo(msg)
    return conteudo


def _abrir(conteudo: bytes, caminho: Path) -> dict[str, Any]:
    from skops import io as skops_io  # noqa: PLC0415

    try:
        estranhos = set(skops_io.get_untrusted_types(data=conteudo)) - set(TIPOS_CONFIAVEIS)
        if estranhos:
            msg = f"{caminho}: tipos fora da lista confiável: {', '.join(sorted(estranhos))}"
            raise ErroModelo(msg)
        pacote = skops_io.loads(conteudo, trusted=list(TIPOS_CONFIAVEIS))
    except ErroModelo:
        raise
    except Exception as erro:  # o skops lança de tudo (zip, JSON, chaves): para quem serve, é um só erro
        msg = f"{caminho}: não é um modelo skops legível ({type(erro).__name__}: {erro})"
        raise ErroModelo(msg) from erro
    if not isinstance(pacote, dict) or set(pacote) != {"metadados", "estimadores"}:
        msg = f"{caminho}: o arquivo skops não tem a forma de um detector"
        raise ErroModelo(msg)
    return pacote


def _ficha(pacote: dict[str, Any], caminho: Path, catalogo_versao: str) -> dict[str, Any]:
    try:
        ficha: dict[str, Any] = json.loads(pacote["metadados"])
        achados = (ficha["formato"], tuple(ficha["nomes"]), ficha["catalogo_versao"], _linha(ficha["sklearn"]))
        partes_esperadas = set(candidatos.COMPONENTES[ficha["candidato"]])
    except (ValueError, KeyError, TypeError) as erro:
        msg = f"{caminho}: metadados ilegíveis ({type(erro).__name__}: {erro})"
        raise ErroModelo(msg) from erro
    esperados = (FORMATO, NOMES, catalogo_versao, _linha(sklearn.__version__))
    for nome, achado, esperado in zip(("formato", "atributos", "catálogo", "sklearn"), achados, esperados, strict=True):
        if achado != esperado:
            texto = "" if nome == "atributos" else f" ({achado}; esperado {esperado})"
            msg = f"{caminho}: {nome} de outra versão{texto}; treine de novo com ./pix treinar"
            raise ErroModelo(msg)
    if set(pacote["estimadores"]) != partes_esperadas:
        msg = f"{caminho}: faltam partes do candidato {ficha['candidato']}"
        raise ErroModelo(msg)
    return ficha


def _linha(versao: str) -> str:
    return ".".join(versao.split(".")[:2])


__all__ = ["TIPOS_CONFIAVEIS", "Detector", "carregar", "salvar"]
