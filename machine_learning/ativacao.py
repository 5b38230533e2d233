"""O vigia: quando o alias `campeao` ou o `regras.yaml` mudam, confere, materializa e publica a ativação.

A ativação viaja por um tópico que a própria consulta lê: todo balde a recebe no mesmo micro-lote, ela fica no estado
do Spark e um lote repetido decide igual (ADR 0004). O vigia só publica; quem troca é o estado.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from ingestao.controle import publicar_ativacao
from ingestao.esquema import Ativacao
from machine_learning import registro, regras
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroConfiguracao, ErroModelo, ErroPipeline, ErroServico

if TYPE_CHECKING:
    from machine_learning.registro import VersaoModelo

INTERVALO_S: Final = 3.0
CAMPEAO: Final = "campeao"
DESAFIANTE: Final = "desafiante"
_REGISTRO: Final = logging.getLogger(__name__)

Publicar = Callable[[Configuracao, Ativacao], None]
Relogio = Callable[[], datetime]


@dataclass(frozen=True)
class Vigente:
    """O que está ativo, sem o instante nem o motivo: duas ativações iguais não se publicam duas vezes."""

    regras_versao: str = ""
    regras: str = ""
    modelo: tuple[str, str, str] | None = None
    desafiante: tuple[str, str, str] | None = None

    def ativacao(self, motivo: str, agora: datetime) -> Ativacao:
        """O comando que a põe em vigor."""
        campeao, desafiante = self.modelo or (None, None, None), self.desafiante or (None, None, None)
        return Ativacao(
            regras_versao=self.regras_versao, regras=self.regras,
            modelo_versao=campeao[0], modelo_caminho=campeao[1], modelo_sha256=campeao[2],
            desafiante_versao=desafiante[0], desafiante_caminho=desafiante[1], desafiante_sha256=desafiante[2],
            motivo=motivo, ativado_em=agora.isoformat(timespec="milliseconds"),
        )


@dataclass
class Vigia:
    """Compara o desejado com o vigente e publica a diferença.

    Args:
        cfg: onde estão o MLflow, as regras e o broker.
        relogio: instante atual, com fuso.
        publicar: leva a ativação ao tópico de controle.
    """

    cfg: Configuracao
    relogio: Relogio
    publicar: Publicar = publicar_ativacao
    vigente: Vigente = field(default_factory=Vigente)
    falhas: dict[str, str] = field(default_factory=dict)
    _parar: threading.Event = field(default_factory=threading.Event)
    _linha: threading.Thread | None = None

    def conferir(self) -> bool:
        """Uma volta; diz se publicou. O que falha (arquivo ruim, MLflow fora) mantém o último bom e é registrado."""
        desejado = replace(
            self.vigente, **self._regras(), modelo=self._modelo(CAMPEAO, self.vigente.modelo),
            desafiante=self._modelo(DESAFIANTE, self.vigente.desafiante),
        )
        if desejado == self.vigente or not desejado.regras_versao:
            return False
        self.publicar(self.cfg, desejado.ativacao(_motivo(self.vigente, desejado), self.relogio()))
        self.vigente = desejado
        return True

    def republicar(self, motivo: str) -> None:
        """Publica de novo o que já vale: nada muda, e a consulta que nasce tem um lote sem Pix para esquentar."""
        if self.vigente.regras_versao:
            self.publicar(self.cfg, self.vigente.ativacao(motivo, self.relogio()))

    def iniciar(self) -> None:
        """Confere a cada `INTERVALO_S` em uma linha própria, até `parar`."""
        self._linha = threading.Thread(target=self._vigiar, name="vigia-ativacao", daemon=True)
        self._linha.start()

    def parar(self) -> None:
        """Para e espera a volta em curso."""
        self._parar.set()
        if self._linha is not None:
            self._linha.join()

    def _vigiar(self) -> None:
        while not self._parar.wait(INTERVALO_S):
            try:
                self.conferir()
                self._resolvida("controle")
            except ErroPipeline as erro:
                self._falhou("controle", erro)

    def _regras(self) -> dict[str, str]:
        try:
            texto = self.cfg.regras.read_text(encoding="utf-8")
            conjunto = regras.ler(texto)
        except (OSError, UnicodeDecodeError, ErroConfiguracao) as erro:
            self._falhou("regras", erro)
            return {}
        self._resolvida("regras")
        return {"regras_versao": conjunto.versao, "regras": texto}

    def _modelo(self, alias: str, atual: tuple[str, str, str] | None) -> tuple[str, str, str] | None:
        try:
            versao: VersaoModelo | None = registro.resolver(self.cfg, alias)
            if versao is None:
                self._resolvida(alias)
                return None
            if atual is not None and atual[0] == versao.versao:
                return atual
            caminho, sha256 = registro.materializar(self.cfg, versao)
        except (ErroServico, ErroModelo) as erro:
            self._falhou(alias, erro)
            return atual
        self._resolvida(alias)
        return versao.versao, str(caminho), sha256

    def _falhou(self, parte: str, erro: Exception) -> None:
        """Registra cada falha nova uma vez, não a cada volta."""
        if self.falhas.get(parte) != str(erro):
            _REGISTRO.warning("%s: %s; vale a última versão boa", parte, erro)
        self.falhas[parte] = str(erro)

    def _resolvida(self, parte: str) -> None:
        if self.falhas.pop(parte, None) is not None:
            _REGISTRO.info("%s: de volta ao normal", parte)


def _motivo(antes: Vigente, depois: Vigente) -> str:
    if not antes.regras_versao:
        return "primeira ativação"
    mudou = [
        nome for nome, a, b in (
            ("regras", antes.regras_versao, depois.regras_versao), ("modelo", antes.modelo, depois.modelo),
            ("desafiante", antes.desafiante, depois.desafiante),
        ) if a != b
    ]
    return "mudou: " + ", ".join(mudou)
