"""`comparar`: decisões servidas, rótulos e registro → campeão e desafiante sobre os mesmos Pix."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from machine_learning import comparacao, custos, leitura, leitura_decisoes, modelo, registro
from machine_learning.comparacao import Duelo, Lado
from machine_learning.conjunto import DIA_US, NUNCA
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroDados
from processamento.catalogo import PADRAO, Catalogo

_COLUNAS: Final = (
    "id_evento", "instante_us", "valor_centavos", "modelo_versao", "pontuacao", "desafiante_versao",
    "desafiante_pontuacao",
)
Vetores = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Periodo:
    """O que se compara. Instantes em µs UTC; `ate_us` é exclusive.

    Args:
        de_us: do Pix.
        ate_us: do Pix.
        agora_us: só valem os rótulos conhecidos até aqui.
        maturacao_dias: idade a partir da qual um Pix sem rótulo é tido por legítimo.
    """

    de_us: int
    ate_us: int
    agora_us: int
    maturacao_dias: int


def comparar(
    cfg: Configuracao, periodo: Periodo, politica: custos.Politica, semente: int, catalogo: Catalogo = PADRAO
) -> tuple[dict[str, Any], Duelo]:
    """As medidas e os Pix comparados.

    Se o período viu mais de um par de versões, vale o da última decisão; os outros são contados em `de_outro_par`.

    Levanta:
        ErroDados: sem decisões dos dois, sem Pix maduros ou sem as duas classes.
        ErroModelo: uma das versões não abre.
        ErroServico: MLflow fora do ar.
    """
    lidos, contagem = _ler(cfg, periodo)
    par = lidos["modelo_versao"][-1], lidos["desafiante_versao"][-1]
    deste = (lidos["modelo_versao"] == par[0]) & (lidos["desafiante_versao"] == par[1])
    maduros = lidos["instante_us"] <= periodo.agora_us - periodo.maturacao_dias * DIA_US
    fora = {**contagem, "de_outro_par": int((~deste).sum()), "imaturos": int((deste & ~maduros).sum())}
    d = _duelo(cfg, {nome: v[deste & maduros] for nome, v in lidos.items()}, par, periodo, catalogo)
    medidas = comparacao.comparar(d, politica, semente)
    return {**medidas, "periodo": vars(periodo), "fora": fora}, d


def _ler(cfg: Configuracao, periodo: Periodo) -> tuple[Vetores, Counter[str]]:
    """As decisões que os dois pontuaram, em ordem de instante, e quantas ficaram fora por faltar um."""
    contagem: Counter[str] = Counter()
    partes = []
    for lote in leitura_decisoes.lotes(cfg, _COLUNAS, periodo.de_us, periodo.ate_us):
        vetores = {nome: leitura_decisoes.vetor(lote, nome) for nome in _COLUNAS}
        notas = np.asarray([vetores["pontuacao"], vetores["desafiante_pontuacao"]], np.float64)
        dos_dois = np.isfinite(notas).all(axis=0)
        contagem["sem_um_dos_dois"] += int((~dos_dois).sum())
        partes.append({nome: v[dos_dois] for nome, v in vetores.items()})
    lidos = {nome: np.concatenate([p[nome] for p in partes]) for nome in _COLUNAS} if partes else {}
    if not lidos or not lidos["id_evento"].size:
        msg = (
            f"nenhuma decisão do período tem nota de campeão e de desafiante ({contagem['sem_um_dos_dois']} têm só uma "
            "ou nenhuma): ponha um em sombra com ./pix promover VERSAO --desafiante, ou mude --de e --ate"
        )
        raise ErroDados(msg)
    ordem = np.lexsort((lidos["id_evento"], lidos["instante_us"]))
    return {nome: v[ordem] for nome, v in lidos.items()}, contagem


def _duelo(
    cfg: Configuracao, v: Vetores, par: tuple[str, str], periodo: Periodo, catalogo: Catalogo
) -> Duelo:
    if not v["id_evento"].size:
        msg = (
            f"nenhum Pix pontuado por {par[0]} e {par[1]} tem {periodo.maturacao_dias} dias: os rótulos ainda não "
            "amadureceram; espere, ou aceite menos com --maturacao"
        )
        raise ErroDados(msg)
    conhecido, tipologia = leitura.rotular(v["id_evento"].astype(np.int64), leitura.ler_rotulos(cfg)[0])
    y = ((conhecido != NUNCA) & (conhecido <= periodo.agora_us)).astype(np.int8)
    if not 0 < y.sum() < y.size:
        msg = f"{int(y.sum())} fraudes conhecidas em {y.size} Pix comparáveis: é preciso haver das duas classes"
        raise ErroDados(msg)
    instante = v["instante_us"]
    dias = max((int(instante[-1]) - int(instante[0])) / DIA_US, 1.0)
    lados = [
        _lado(cfg, versao, np.asarray(v[coluna], np.float64), catalogo)
        for versao, coluna in zip(par, ("pontuacao", "desafiante_pontuacao"), strict=True)
    ]
    return Duelo(y, v["valor_centavos"].astype(np.int64), tipologia, dias, *lados)


def _lado(cfg: Configuracao, versao: str, nota: NDArray[np.float64], catalogo: Catalogo) -> Lado:
    registrada = registro.versao(cfg, versao)
    detector = modelo.carregar(*registro.materializar(cfg, registrada), catalogo_versao=catalogo.versao)
    return Lado(versao, nota, detector.calibrar(nota), detector.limiares)
