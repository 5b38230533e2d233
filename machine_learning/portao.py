"""O portão da promoção: o candidato não pode ser pior que o campeão onde nenhum dos dois aprendeu."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from machine_learning import ajuste, avaliacao, modelo, registro
from machine_learning.conjunto import Conjunto
from machine_learning.controles import Controle
from machine_learning.detector import Detector
from machine_learning.medidas import limpo
from machine_learning.registro import VersaoModelo
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroModelo
from processamento.catalogo import Catalogo

Posteriores = Callable[[int], tuple[Conjunto, int]]
FOLGAS: Final = {"ap": 0.01, "vdr": 0.02, "brier": 0.0005}
"""Quanto o candidato pode perder em cada medida sem ser recusado: menos que o ruído de poucas fraudes."""


def conferir(
    cfg: Configuracao, feito: ajuste.Ajuste, atual: VersaoModelo | None, agora_us: int, catalogo: Catalogo
) -> dict[str, Any]:
    """Compara AP, VDR e Brier nos Pix da validação posteriores ao treino do campeão.

    Se não há fraudes bastantes ali (treinou-se há pouco), compara-se cada um com sua própria validação. Um campeão que
    já não abre (outro catálogo, arquivo perdido) não defende o lugar.

    Levanta:
        ErroServico: MLflow fora do ar.
    """
    campeao, por_que_nao = _abrir(cfg, atual, catalogo)
    if atual is None or campeao is None:
        return {"aprovado": True, "motivo": por_que_nao}
    novo, velho, onde = _medidas(feito, campeao, agora_us)
    return _julgar(novo, velho, onde, atual.versao)


def conferir_versao(
    cfg: Configuracao, candidato: Detector, atual: VersaoModelo | None, posteriores: Posteriores, catalogo: Catalogo
) -> dict[str, Any]:
    """O mesmo portão para uma versão já registrada: seus controles de vazamento, e os Pix maduros que ninguém viu.

    Args:
        cfg: onde está o MLflow.
        candidato: a versão que se quer promover, já aberta.
        atual: o campeão; None se não há.
        posteriores: dá os Pix maduros de depois de um instante e quando se souberam os rótulos.
        catalogo: o que os dois medem.

    Levanta:
        ErroServico: MLflow fora do ar.
    """
    recusa = sem_vazamento(_gravados(candidato))
    if recusa is not None:
        return recusa
    campeao, por_que_nao = _abrir(cfg, atual, catalogo)
    if atual is None or campeao is None:
        return {"aprovado": True, "motivo": por_que_nao}
    comum, agora_us = posteriores(max(_aprendido(candidato), _aprendido(campeao)))
    if int(comum.y(agora_us).sum()) >= ajuste.MINIMO_FRAUDES:
        novo, velho = _pontuado(candidato, comum, agora_us), _pontuado(campeao, comum, agora_us)
        return _julgar(novo, velho, f"em {len(comum)} Pix que nenhum dos dois viu", atual.versao)
    novo, velho = (_resumir(d.metadados.get("validacao", {})) for d in (candidato, campeao))
    return _julgar(novo, velho, "cada um em sua validação", atual.versao)


def sem_vazamento(provas: Sequence[Controle]) -> dict[str, Any] | None:
    """A recusa, se um controle de vazamento do treino falhou; None se nenhum (ou se não os correu: treino rápido)."""
    falharam = [prova for prova in provas if not prova.passou]
    if not falharam:
        return None
    return {"aprovado": False, "motivo": f"controle de vazamento falhou: {'; '.join(p.texto for p in falharam)}"}


def _gravados(candidato: Detector) -> list[Controle]:
    """Os controles que o treino da versão deixou gravados nela."""
    gravados = candidato.metadados.get("controles", {})
    return [Controle(nome, bool(c["passou"]), str(c["texto"])) for nome, c in gravados.items()]


def _abrir(cfg: Configuracao, atual: VersaoModelo | None, catalogo: Catalogo) -> tuple[Detector | None, str]:
    """O campeão a superar; sem um que abra, None e o porquê."""
    if atual is None:
        return None, "não havia campeão"
    try:
        return modelo.carregar(*registro.materializar(cfg, atual), catalogo_versao=catalogo.versao), ""
    except ErroModelo as erro:
        return None, f"o campeão {atual.versao} não abre: {erro}"


def _julgar(novo: dict[str, float], velho: dict[str, float], onde: str, campeao: str) -> dict[str, Any]:
    piores = [nome for nome, folga in FOLGAS.items() if not _serve(nome, novo[nome], velho[nome], folga)]
    texto = f"pior que o campeão {campeao} em {', '.join(piores)}" if piores else f"não perde para {campeao}"
    resposta = {"aprovado": not piores, "motivo": f"{texto} ({onde})", "candidato": novo, "campeao": velho}
    return dict(limpo(resposta))


def _medidas(
    feito: ajuste.Ajuste, campeao: Detector, agora_us: int
) -> tuple[dict[str, float], dict[str, float], str]:
    depois = feito.fim.instante_us > _aprendido(campeao)
    comum: Conjunto = feito.fim.onde(depois)
    if int(comum.y(agora_us).sum()) >= ajuste.MINIMO_FRAUDES:
        nota = feito.nota_fim[depois]
        novo = _resumir(_medir(comum, agora_us, nota, feito.detector.calibrar(nota)))
        return novo, _pontuado(campeao, comum, agora_us), f"em {len(comum)} Pix comuns"
    return _resumir(feito.validacao), _resumir(campeao.metadados.get("validacao", {})), "cada um em sua validação"


def _aprendido(detector: Detector) -> int:
    """Até que instante (µs UTC) há Pix no treino dele."""
    return int(detector.metadados.get("janela", {}).get("final", {}).get("ate_us", 0))


def _pontuado(d: Detector, c: Conjunto, agora_us: int) -> dict[str, float]:
    nota = d.pontuar(c.x)
    return _resumir(_medir(c, agora_us, nota, d.calibrar(nota)))


def _medir(c: Conjunto, agora_us: int, nota: Any, p: Any) -> dict[str, Any]:
    return avaliacao.medir(c.y(agora_us), nota, c.valor, probabilidade=p)


def _resumir(medidas: dict[str, Any]) -> dict[str, float]:
    vdr = medidas.get("orcamento", {}).get(ajuste.ORCAMENTO_DA_ESCOLHA, {}).get("vdr")
    return {
        nome: float("nan") if valor is None else float(valor)
        for nome, valor in (("ap", medidas.get("ap")), ("vdr", vdr), ("brier", medidas.get("brier")))
    }


def _serve(nome: str, novo: float, velho: float, folga: float) -> bool:
    """Menos é melhor só no Brier; uma medida que o campeão não tem não reprova ninguém."""
    if np.isnan(velho):
        return True
    return novo <= velho + folga if nome == "brier" else novo >= velho - folga
