"""Do pagamento ao que se vê dele: as colunas achatadas do contrato, sorteadas igual para honestos e golpes.

Os sinais do lote só substituem o sorteio comum; o que falta (canal sem sensores, pagador de fora, sem consulta ao
DICT) falta pela mesma regra em todos, de modo que um nulo não diz nada.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from ingestao.simulador import aparelhos, identificadores, limites, lote
from ingestao.simulador.contas import CANAIS, TIPOS_CHAVE, TIPOS_CONTA
from ingestao.simulador.economia import Economia
from ingestao.simulador.lote import COMUM, Inteiros, Logicos, Relacao, Tabela
from ingestao.simulador.parametros import DIA_US

FORMAS: Final = ("MANU", "DICT", "QRES", "QRDN", "APES", "APDN", "INIC", "AUTO")
_MANU, _DICT, _QRES, _QRDN, _APES, _APDN, _INIC, _AUTO = range(8)
_SEM_CHAVE: Final = (_MANU, _AUTO)
_FORMA_POR_RELACAO: Final = np.cumsum(np.array([
    [0.03, 0.31, 0.24, 0.29, 0.03, 0.05, 0.05, 0.0],
    [0.06, 0.82, 0.06, 0.00, 0.00, 0.00, 0.06, 0.0],
    [0.07, 0.74, 0.12, 0.02, 0.00, 0.00, 0.05, 0.0],
    [0.05, 0.35, 0.05, 0.45, 0.00, 0.00, 0.10, 0.0],
    [0.15, 0.70, 0.00, 0.00, 0.00, 0.00, 0.15, 0.0],
    [0.04, 0.06, 0.10, 0.70, 0.00, 0.02, 0.08, 0.0],
    [0.12, 0.50, 0.05, 0.28, 0.00, 0.00, 0.05, 0.0],
    [0.08, 0.62, 0.05, 0.20, 0.00, 0.00, 0.05, 0.0],
    [0.55, 0.45, 0.00, 0.00, 0.00, 0.00, 0.00, 0.0],
    [0.18, 0.66, 0.04, 0.07, 0.00, 0.00, 0.05, 0.0],
    [1.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.0],
]), axis=1)  # fmt: skip
"""Linhas na ordem de `Relacao`, colunas na de `FORMAS`."""
_APP, _IB, _API, _WHATSAPP, _AGENCIA = range(5)
_VE_APARELHO: Final = np.array([0.97, 0.60, 0.0, 0.90, 0.0])


def observar(
    rng: np.random.Generator, economia: Economia, pagamentos: Tabela, sequencia: Inteiros, consulta: dict[str, Inteiros]
) -> pl.DataFrame:
    """As colunas do contrato, uma linha por pagamento, na ordem dada.

    `sequencia`: número de ordem na simulação, base do id. `consulta`: contagens do DICT já apuradas. Os valores
    acima dos limites são reduzidos no lote dado.
    """
    n = len(pagamentos)
    forma = formas(rng, pagamentos)
    aparelho = aparelhos.observar(rng, economia, pagamentos)
    canal = _canais(rng, economia, pagamentos)
    ve = economia.populacao.nossa[pagamentos["pagador"]] & (forma != _AUTO)
    ve &= pagamentos["relacao"] != Relacao.DEVOLUCAO_MED
    tem_aparelho = ve & lote.chance(rng, n, _VE_APARELHO[canal])
    limites.aplicar(rng, economia, pagamentos, tem_aparelho & ~aparelho.cadastrado)
    return pl.DataFrame([
        *_ordem(rng, economia, pagamentos, sequencia, forma),
        *_aparelho(rng, economia, pagamentos, aparelho, tem_aparelho),
        *_sessao(rng, economia, pagamentos, aparelho, forma, canal, ve),
        *_dict(rng, economia, pagamentos, forma, consulta),
    ])


def formas(rng: np.random.Generator, pagamentos: Tabela) -> Inteiros:
    """A forma de iniciação: a que o lote fixou ou a sorteada pela relação."""
    sorteada = (rng.random(len(pagamentos))[:, None] > _FORMA_POR_RELACAO[pagamentos["relacao"]]).sum(axis=1)
    fixada = pagamentos["forma"].astype(np.int64)
    return np.where(fixada == COMUM, np.minimum(sorteada, _INIC), fixada)


def _ordem(
    rng: np.random.Generator, economia: Economia, pagamentos: Tabela, sequencia: Inteiros, forma: Inteiros
) -> list[pl.Series]:
    p = economia.populacao
    quando = pagamentos["instante"]
    ids = identificadores.ids_fim_a_fim(p.ispb[pagamentos["pagador"]], quando, sequencia,
                                        rng.integers(0, 62**5, len(quando)))  # fmt: skip
    colunas = [_texto("id_fim_a_fim", ids), pl.Series("instante_us", quando),
               pl.Series("valor_centavos", pagamentos["valor"])]  # fmt: skip
    for lado in ("pagador", "recebedor"):
        conta = pagamentos[lado].astype(np.int64)
        idade = (quando - p.abertura[conta]) // DIA_US
        colunas += [
            _texto(f"{lado}_conta", p.conta[conta]), _texto(f"{lado}_ispb", p.ispb[conta]),
            _dominio(f"{lado}_tipo_conta", TIPOS_CONTA, p.tipo_conta[conta]),
            _dominio(f"{lado}_tipo_pessoa", ("PF", "PJ"), p.pj[conta].astype(np.int64)),
            _texto(f"{lado}_documento", p.documento[conta]),
            _inteiro(f"{lado}_idade_conta_dias", idade, p.nossa[conta]),
        ]  # fmt: skip
    tem_chave = ~np.isin(forma, _SEM_CHAVE)
    conta = pagamentos["recebedor"].astype(np.int64)
    saque = (pagamentos["relacao"] == Relacao.COMPRA) & lote.chance(rng, len(forma), 0.004)
    finalidade = np.where(saque, rng.integers(1, 3, len(forma)), 0)
    finalidade = np.where(pagamentos["relacao"] == Relacao.DEVOLUCAO_MED, 4, finalidade)
    return [
        *colunas, _dominio("forma_de_iniciacao", FORMAS, forma),
        _dominio("finalidade", ("IPAY", "GSCB", "OTHR", "REFU", "IPRT"), finalidade),
        _texto("chave", p.chave[conta], tem_chave), _dominio("tipo_chave", TIPOS_CHAVE, p.tipo_chave[conta], tem_chave),
        _txid(rng, forma),
    ]  # fmt: skip


def _txid(rng: np.random.Generator, forma: Inteiros) -> pl.Series:
    """Curto no QR estático e no iniciador, de 32 no dinâmico, nenhum em dados digitados e chave."""
    n = len(forma)
    longo, curto = identificadores.txids(rng, n, 32), identificadores.txids(rng, n, 18)
    dinamico = np.isin(forma, (_QRDN, _APDN))
    tem = dinamico | (np.isin(forma, (_QRES, _INIC, _APES)) & lote.chance(rng, n, 0.7))
    return _texto("txid", np.where(dinamico, longo, curto.astype("S32")), tem)


def _aparelho(
    rng: np.random.Generator, economia: Economia, pagamentos: Tabela, aparelho: aparelhos.Aparelhos, tem: Logicos
) -> list[pl.Series]:
    p = economia.populacao
    quem = pagamentos["pagador"].astype(np.int64)
    n = len(quem)
    remoto = (p.remoto_habitual[quem] & lote.chance(rng, n, 0.6)) | lote.chance(rng, n, 0.004)
    fala = lote.chance(rng, n, p.fala_ao_pagar[quem])
    sensor = tem & lote.chance(rng, n, 0.93)
    return [
        _texto("dispositivo", aparelho.token, tem),
        _logico("disp_cadastrado", aparelho.cadastrado, tem),
        _inteiro("disp_dias_cadastro", aparelho.dias, tem & aparelho.cadastrado & (aparelho.dias >= 0)),
        _logico("disp_acesso_remoto", _ou(pagamentos["acesso_remoto"], remoto), sensor),
        _logico("disp_emulador", lote.chance(rng, n, 0.002), sensor),
        _logico("disp_chamada_ativa", _ou(pagamentos["chamada"], fala), sensor),
    ]


def _sessao(
    rng: np.random.Generator, economia: Economia, pagamentos: Tabela, aparelho: aparelhos.Aparelhos, forma: Inteiros,
    canal: Inteiros, ve: Logicos,
) -> list[pl.Series]:
    p = economia.populacao
    quem = pagamentos["pagador"].astype(np.int64)
    n = len(quem)
    trocou = aparelho.recem_trocado
    humano = ve & (canal != _API)
    digita = humano & np.isin(forma, (_MANU, _DICT))
    colou = _ou(pagamentos["colou"], lote.chance(rng, n, p.cola[quem]))
    demora = np.where(pagamentos["demora"] == COMUM, 100, pagamentos["demora"]) / 100
    duracao = lote.lognormal(rng, 70.0, 0.75, n) * demora + 5
    preencher = lote.lognormal(rng, np.where(digita, np.where(colou, 14.0, 24.0), 7.0), 0.6, n) * demora**0.5
    atrapalhada = np.where(lote.chance(rng, n, 0.07), 1.5, 0.03)
    falhas = _ou(pagamentos["falhas"], rng.poisson(np.where(trocou, 0.9, atrapalhada)))
    senha = _ou(pagamentos["senha"], lote.chance(rng, n, np.where(trocou, 0.2, 0.014)))
    chip = _ou(pagamentos["chip"], lote.chance(rng, n, np.where(trocou, 0.15, 0.004)))
    aumentou = lote.chance(rng, n, 0.035) | (pagamentos["limite"] != COMUM)
    limite = _ou(pagamentos["limite"], np.minimum(rng.exponential(110, n), 2_000).astype(np.int64))
    sabe = humano & lote.chance(rng, n, 0.96)
    return [
        _dominio("sessao_canal", CANAIS, canal, ve),
        _inteiro("sessao_duracao_segundos", duracao.astype(np.int64), humano),
        _inteiro("sessao_preenchimento_segundos", preencher.astype(np.int64), humano),
        _logico("sessao_colou_chave", colou.astype(np.bool_), digita),
        _inteiro("sessao_falhas_autenticacao_24h", falhas, sabe),
        _logico("sessao_troca_senha_24h", senha, sabe),
        _logico("sessao_troca_chip_72h", chip, sabe),
        _inteiro("sessao_limite_aumentado_horas", limite, sabe & aumentou),
    ]


def _dict(
    rng: np.random.Generator, economia: Economia, pagamentos: Tabela, forma: Inteiros, consulta: dict[str, Inteiros]
) -> list[pl.Series]:
    p = economia.populacao
    conta = pagamentos["recebedor"].astype(np.int64)
    quando = pagamentos["instante"]
    n = len(conta)
    tem = ~np.isin(forma, _SEM_CHAVE) & lote.chance(rng, n, 0.97)
    conhecido = np.clip((quando - p.abertura[conta]) // DIA_US, 0, 90)
    liquidacoes = rng.poisson(p.liquidacoes_dia[conta] * np.maximum(conhecido, 0.2)) + consulta["recebidos"]
    return [
        _inteiro("dict_idade_chave_dias", np.maximum(quando - p.chave_desde[conta], 0) // DIA_US, tem),
        _inteiro("dict_idade_conta_dias", (quando - p.abertura[conta]) // DIA_US, tem),
        _inteiro("dict_marcas_fraude_d90", p.marcas[conta] + consulta["marcas"], tem),
        _inteiro("dict_relatos_abertos", consulta["abertos"], tem),
        _inteiro("dict_relatos_rejeitados_d90", p.rejeitados[conta] + consulta["rejeitados"], tem),
        _inteiro("dict_contas_distintas_d90", p.contas_na_chave[conta], tem),
        _inteiro("dict_liquidacoes_d90", liquidacoes, tem),
        _logico("dict_reivindicacao_aberta", lote.chance(rng, n, 0.003), tem),
    ]


def _canais(rng: np.random.Generator, economia: Economia, pagamentos: Tabela) -> Inteiros:
    """O canal de costume; uma vez em doze, o aplicativo."""
    costume = economia.populacao.canal[pagamentos["pagador"]].astype(np.int64)
    return np.where(lote.chance(rng, len(costume), 1 / 12), _APP, costume)


def _ou(sinal: Inteiros, comum: npt.ArrayLike) -> Any:
    """O sinal do golpe quando há; senão o sorteio comum, no tipo deste."""
    base = np.asarray(comum)
    return np.where(sinal == COMUM, base, sinal.astype(base.dtype))


def _texto(nome: str, valores: npt.NDArray[np.bytes_], tem: Logicos | None = None) -> pl.Series:
    serie = pl.Series(nome, valores, dtype=pl.Binary).cast(pl.String)
    return serie if tem is None else _onde(serie, tem)


def _dominio(nome: str, dominio: tuple[str, ...], codigo: npt.NDArray[Any], tem: Logicos | None = None) -> pl.Series:
    serie = pl.Series(nome, dominio, dtype=pl.String).gather(pl.Series(codigo.astype(np.uint32)))
    return serie if tem is None else _onde(serie, tem)


def _inteiro(nome: str, valores: npt.NDArray[Any], tem: Logicos) -> pl.Series:
    return _onde(pl.Series(nome, valores.astype(np.int32)), tem)


def _logico(nome: str, valores: npt.NDArray[Any], tem: Logicos) -> pl.Series:
    return _onde(pl.Series(nome, valores.astype(np.bool_)), tem)


def _onde(serie: pl.Series, tem: Logicos) -> pl.Series:
    return pl.select(pl.when(pl.Series(tem)).then(serie).otherwise(None).alias(serie.name)).to_series()
