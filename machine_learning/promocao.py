"""Promover e reverter: a versão abre? repete o que serviu em sombra? passa no portão? então o alias se move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np

from machine_learning import conjunto, leitura, leitura_decisoes, modelo, portao, registro, registro_aliases
from machine_learning.conjunto import DIA_US, Conjunto
from machine_learning.detector import Detector
from machine_learning.registro import CAMPEAO, DESAFIANTE, VersaoModelo
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroConfiguracao, ErroDados, ErroModelo
from plataforma.trava import Trava
from processamento.atributos import NOMES
from processamento.catalogo import PADRAO, Catalogo

MAXIMO_MOTIVO: Final = 1_000
TOLERANCIA_PARIDADE: Final = 1e-6
"""Quanto a nota refeita pode diferir da servida: só o arredondamento."""
MAXIMO_PARIDADE: Final = 20_000
_OCUPADO: Final = (
    "outra troca de {alvo.name} está em curso, no processo {dono}: o portão compararia com uma campeã que pode sair; "
    "espere que ela acabe e repita"
)
Passo = Callable[[str], None]


@dataclass(frozen=True)
class Promocao:
    """O que se fez. `portao` é o que ele respondeu; `forcada`: contra ele."""

    versao: VersaoModelo
    anterior: VersaoModelo | None
    portao: dict[str, Any]
    forcada: bool


def promover(
    cfg: Configuracao, numero: str | None, motivo: str, quando: datetime, *, forcar: bool = False,
    catalogo: Catalogo = PADRAO, passo: Passo = lambda _: None,
) -> Promocao:
    """Torna campeã uma versão que abre, repete o que serviu em sombra e passa no portão.

    Args:
        cfg: tabelas, MLflow e nome do modelo.
        numero: a versão; None = o desafiante ou, sem ele, a mais nova.
        motivo: fica gravado.
        quando: instante da troca, com fuso.
        forcar: promove ainda que o portão recuse; uma versão que não abre não se promove nunca.
        catalogo: o que a versão tem de medir.
        passo: recebe cada passo, para a tela.

    Levanta:
        ErroConfiguracao: motivo vazio ou longo demais.
        ErroEstado: outra troca está em curso nesta máquina.
        ErroModelo: versão inexistente, que não abre, que já é a campeã, ou recusada pelo portão.
        ErroServico: MLflow fora do ar.
    """
    with _uma_por_vez(cfg):
        return _promover(cfg, numero, exigir_motivo(motivo), quando, forcar=forcar, catalogo=catalogo, passo=passo)


def _promover(
    cfg: Configuracao, numero: str | None, texto: str, quando: datetime, *, forcar: bool, catalogo: Catalogo,
    passo: Passo,
) -> Promocao:
    atual, alvo = registro.resolver(cfg, CAMPEAO), _escolher(cfg, numero)
    if alvo == atual:
        msg = f"{alvo.nome} versão {alvo.versao} já é a campeã"
        raise ErroModelo(msg)
    passo(f"abrindo {alvo.nome} versão {alvo.versao}")
    candidato = modelo.carregar(*registro.materializar(cfg, alvo), catalogo_versao=catalogo.versao)
    resposta = _no_portao(cfg, candidato, alvo, atual, catalogo, passo)
    if not resposta["aprovado"] and not forcar:
        msg = (
            f"o portão recusou {alvo.nome} versão {alvo.versao}: {resposta['motivo']}; "
            "para promover assim mesmo use --forcar (fica gravado)"
        )
        raise ErroModelo(msg)
    forcada = not resposta["aprovado"]
    registro_aliases.apontar(
        cfg, CAMPEAO, alvo, texto, quando, portao=str(resposta["motivo"]), forcada=forcada,
    )
    if registro.resolver(cfg, DESAFIANTE) == alvo:
        registro_aliases.soltar(cfg, DESAFIANTE, f"promovida a campeã: {texto}", quando)
    return Promocao(alvo, atual, resposta, forcada)


def desafiar(
    cfg: Configuracao, numero: str | None, motivo: str, quando: datetime, catalogo: Catalogo = PADRAO
) -> VersaoModelo:
    """Põe uma versão para pontuar em sombra; ela precisa abrir, mas não passa pelo portão.

    Levanta:
        ErroConfiguracao: motivo vazio ou longo demais.
        ErroEstado: outra troca está em curso nesta máquina.
        ErroModelo: versão inexistente, que não abre, ou que já é a campeã.
        ErroServico: MLflow fora do ar.
    """
    texto = exigir_motivo(motivo)
    with _uma_por_vez(cfg):
        alvo = _mais_nova(cfg) if numero is None else registro.versao(cfg, numero)
        if alvo == registro.resolver(cfg, CAMPEAO):
            msg = f"{alvo.nome} versão {alvo.versao} é a campeã: não há por que pontuar também em sombra"
            raise ErroModelo(msg)
        modelo.carregar(*registro.materializar(cfg, alvo), catalogo_versao=catalogo.versao)
        registro_aliases.apontar(cfg, DESAFIANTE, alvo, texto, quando)
    return alvo


def reverter(cfg: Configuracao, motivo: str, quando: datetime) -> VersaoModelo:
    """Devolve o posto à versão a que a campeã sucedeu, sem portão: reverter é a saída de emergência.

    Levanta:
        ErroConfiguracao: motivo vazio ou longo demais.
        ErroEstado: outra troca está em curso nesta máquina.
        ErroModelo: não há campeã, ou ela é a primeira.
        ErroServico: MLflow fora do ar.
    """
    with _uma_por_vez(cfg):
        return registro_aliases.reverter(cfg, exigir_motivo(motivo), quando)


def retirar_desafiante(cfg: Configuracao, motivo: str, quando: datetime) -> str:
    """Tira o desafiante da sombra e devolve sua versão.

    Levanta:
        ErroConfiguracao: motivo vazio ou longo demais.
        ErroEstado: outra troca está em curso nesta máquina.
        ErroModelo: não há desafiante.
        ErroServico: MLflow fora do ar.
    """
    with _uma_por_vez(cfg):
        troca = registro_aliases.soltar(cfg, DESAFIANTE, exigir_motivo(motivo), quando)
    if troca is None:
        msg = f"{cfg.modelo} não tem desafiante a retirar"
        raise ErroModelo(msg)
    return troca.anterior


def _uma_por_vez(cfg: Configuracao) -> Trava:
    """O MLflow não troca um alias só se ele ainda for o que se leu; entre processos desta máquina, a trava faz isso."""
    return Trava(cfg.caminho("modelos", cfg.modelo), _OCUPADO)


def exigir_motivo(motivo: str) -> str:
    """O motivo em uma linha.

    Levanta:
        ErroConfiguracao: vazio ou longo demais.
    """
    texto = " ".join(motivo.split())
    if not 0 < len(texto) <= MAXIMO_MOTIVO:
        msg = f"--motivo com {len(texto)} caracteres; esperado de 1 a {MAXIMO_MOTIVO}: diga por que se troca o modelo"
        raise ErroConfiguracao(msg)
    return texto


def paridade(cfg: Configuracao, detector: Detector, versao: str, catalogo: Catalogo) -> tuple[int, float]:
    """Quantas notas que a versão deu em sombra se refizeram, e a maior diferença. Sem decisões: (0, 0)."""
    feitas, maior = 0, 0.0
    if not leitura_decisoes.existe(cfg):
        return feitas, maior
    colunas = ["atributos", "desafiante_pontuacao"]
    iguais = {"desafiante_versao": versao, "catalogo_versao": catalogo.versao}
    for lote in leitura_decisoes.lotes(cfg, colunas, 0, conjunto.NUNCA, iguais=iguais):
        x, cheias = leitura_decisoes.matriz(lote)
        servida = leitura_decisoes.vetor(lote, "desafiante_pontuacao")[cheias]
        if servida.size:
            maior = max(maior, float(np.nan_to_num(np.abs(detector.pontuar(x) - servida), nan=1.0).max()))
        feitas += int(servida.size)
        if feitas >= MAXIMO_PARIDADE:
            break
    return feitas, maior


def _no_portao(
    cfg: Configuracao, candidato: Detector, alvo: VersaoModelo, atual: VersaoModelo | None, catalogo: Catalogo,
    passo: Passo,
) -> dict[str, Any]:
    passo("refazendo o que serviu em sombra")
    feitas, maior = paridade(cfg, candidato, alvo.versao, catalogo)
    if maior > TOLERANCIA_PARIDADE:
        texto = f"refeitas {feitas} notas servidas em sombra, a maior diferença é {maior:g}"
        return {"aprovado": False, "motivo": texto}

    def posteriores(apos_us: int) -> tuple[Conjunto, int]:
        passo("medindo os Pix maduros que nenhum dos dois viu")
        return _posteriores(cfg, apos_us, catalogo)

    resposta = portao.conferir_versao(cfg, candidato, atual, posteriores, catalogo)
    return {**resposta, "paridade": {"notas": feitas, "maior_diferenca": maior}}


def _posteriores(cfg: Configuracao, apos_us: int, catalogo: Catalogo) -> tuple[Conjunto, int]:
    """Os Pix da prata depois de `apos_us` que já maturaram, e o instante em que se sabe o que se sabe."""
    try:
        historico, _ = leitura.das_tabelas(cfg)
    except ErroDados:  # um registro sem lago ao lado: restam as validações de cada um
        return _vazio(), 0
    instante = historico.eventos.instante_us
    agora = int(instante[-1]) + 1
    quais = (instante > apos_us) & (instante <= agora - catalogo.maturacao_dias * DIA_US)
    if not quais.any():
        return _vazio(), agora
    return leitura.com_servidos(conjunto.medir(historico, catalogo, quais), cfg, catalogo)[0], agora


def _vazio() -> Conjunto:
    v = np.empty(0, np.int64)
    return Conjunto(np.empty((0, len(NOMES)), np.float32), v, v, v, v, v, v, np.empty(0, object))


def _escolher(cfg: Configuracao, numero: str | None) -> VersaoModelo:
    if numero is not None:
        return registro.versao(cfg, numero)
    return registro.resolver(cfg, DESAFIANTE) or _mais_nova(cfg)


def _mais_nova(cfg: Configuracao) -> VersaoModelo:
    achada = registro_aliases.mais_nova(cfg)
    if achada is None:
        msg = f"{cfg.modelo} não tem versão nenhuma em {cfg.mlflow_uri}; treine com ./pix treinar"
        raise ErroModelo(msg)
    return achada
