"""`deriva`: decisões servidas → PSI por hora em ouro_deriva, recall por dia, proposta de treino. Sem JVM."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from machine_learning import acompanhamento, deriva, leitura, leitura_decisoes, modelo, registro
from machine_learning.acoes import Acao
from machine_learning.acompanhamento import Decididos
from machine_learning.conjunto import DIA_US, NUNCA
from machine_learning.custos import Retreino
from machine_learning.deriva import PONTUACAO, VARIAVEIS, Contador
from machine_learning.duelo import Periodo
from machine_learning.esquema import OURO_DERIVA
from plataforma.erros import ErroDados, ErroEstado, ErroModelo
from processamento.atributos import NOMES
from processamento.catalogo import PADRAO, Catalogo

if TYPE_CHECKING:
    import pyarrow as pa

    from machine_learning.detector import Detector
    from plataforma.configuracao import Configuracao

MS_US: Final = 1_000
_COM_ATRIBUTOS: Final = ("kafka_em_us", "modelo_versao", "catalogo_versao", "probabilidade", "atributos")
_DESFECHO: Final = (
    "id_evento", "instante_us", "acao", "valor_centavos", "decidido_em_us", "enviado_em_us", "kafka_em_us", "prazo_ms",
    "modelo_versao",
)


@dataclass
class Leitura:
    """O que se contou: um contador por versão, o detector dela e o que não se pôde contar."""

    contadores: dict[str, Contador] = field(default_factory=dict)
    detectores: dict[str, Detector] = field(default_factory=dict)
    avisos: dict[str, str] = field(default_factory=dict)

    def vigente(self) -> str:
        """A versão da última hora vista."""
        return max(self.contadores, key=lambda versao: (max(self.contadores[versao].horas, default=0), versao))


def medir(cfg: Configuracao, periodo: Periodo, limites: Retreino, catalogo: Catalogo = PADRAO) -> dict[str, Any]:
    """Mede, grava `ouro_deriva` (os dias do período, inteiros) e devolve o resumo.

    `periodo` filtra pela chegada no PSI e pelo instante do Pix no recall. Repetir regrava os mesmos dias.

    Levanta:
        ErroDados: nenhuma decisão com modelo no período.
        ErroEstado: outro processo gravava a tabela ao mesmo tempo.
        ErroServico: MLflow fora do ar.
    """
    lida = _contar(cfg, periodo, catalogo)
    if not lida.contadores:
        porque = "; ".join(lida.avisos.values()) or "mude --de e --ate, ou veja ./pix estado"
        msg = f"nenhuma decisão do período pode ser comparada com o treino de seu modelo: {porque}"
        raise ErroDados(msg)
    gravar(cfg, _tabela(lida, limites), periodo)
    dias, recall = _acompanhar(cfg, periodo, lida)
    vigente = lida.vigente()
    contador, detector = lida.contadores[vigente], lida.detectores[vigente]
    contagem, horas = contador.ultimo_dia()
    usadas = [NOMES[j] for j in detector.colunas_]
    return {
        "periodo": vars(periodo), "modelo_versao": vigente, "horas": _por_hora(lida, limites),
        "ultimas_24h": {"linhas": deriva.linhas(contagem), "horas": horas, "psi": contador.psi(contagem)},
        "dias": dias, "proposta": deriva.propor(limites, usadas, contador, recall, _esperado(detector)),
        "avisos": list(lida.avisos.values()),
    }


def gravar(cfg: Configuracao, linhas: pa.Table, periodo: Periodo) -> None:
    """Troca, em uma só transação, os dias do período pelas linhas dadas; cria a tabela se falta.

    Levanta:
        ErroEstado: outro processo gravava ao mesmo tempo.
    """
    from deltalake import DeltaTable, write_deltalake  # noqa: PLC0415 — sem JVM
    from deltalake.exceptions import CommitFailedError  # noqa: PLC0415

    caminho = OURO_DERIVA.caminho(cfg)
    if not DeltaTable.is_deltatable(str(caminho)):
        caminho.mkdir(parents=True, exist_ok=True)
        DeltaTable.create(str(caminho), linhas.schema, mode="ignore", partition_by=list(OURO_DERIVA.particao))
    dias = [np.datetime64(us, "us").astype("datetime64[D]") for us in (periodo.de_us, periodo.ate_us - 1)]
    try:
        write_deltalake(
            str(caminho), linhas, mode="overwrite", predicate=f"data >= '{dias[0]}' AND data <= '{dias[1]}'",
        )
    except CommitFailedError as erro:
        msg = f"outro processo gravava {OURO_DERIVA.nome} ao mesmo tempo: repita o comando"
        raise ErroEstado(msg) from erro


def _contar(cfg: Configuracao, periodo: Periodo, catalogo: Catalogo) -> Leitura:
    lida = Leitura()
    for lote in leitura_decisoes.lotes(cfg, _COM_ATRIBUTOS, periodo.de_us, periodo.ate_us, instante="kafka_em_us"):
        x, cheias = leitura_decisoes.matriz(lote)
        chegada, versoes, catalogos, p = (leitura_decisoes.vetor(lote, nome)[cheias] for nome in _COM_ATRIBUTOS[:4])
        for versao in {v for v in versoes if v is not None}:
            if not _abrir(cfg, versao, catalogo, lida):
                continue
            quais = (versoes == versao) & (catalogos == catalogo.versao)
            if quais.any():
                lida.contadores[versao].somar(chegada[quais].astype(np.int64), x[quais], p[quais].astype(np.float64))
    lida.contadores = {versao: c for versao, c in lida.contadores.items() if c.horas}
    return lida


def _abrir(cfg: Configuracao, versao: str, catalogo: Catalogo, lida: Leitura) -> bool:
    """Se a versão tem referência; abre cada uma uma vez, e avisa uma vez da que não tem."""
    if versao not in lida.detectores and versao not in lida.avisos:
        try:
            registrada = registro.versao(cfg, versao)
            detector = modelo.carregar(*registro.materializar(cfg, registrada), catalogo_versao=catalogo.versao)
            lida.contadores[versao] = Contador(detector.metadados["referencia"])
            lida.detectores[versao] = detector
        except ErroModelo as erro:
            lida.avisos[versao] = f"versão {versao} fora da conta: {erro}"
        except (KeyError, TypeError):
            lida.avisos[versao] = f"versão {versao} fora da conta: foi treinada sem referência; treine de novo"
    return versao in lida.detectores


def _tabela(lida: Leitura, limites: Retreino) -> pa.Table:
    import pyarrow as pa  # noqa: PLC0415

    linhas = [
        {"inicio": hora, "modelo_versao": versao, "variavel": nome, "psi": psi.get(nome), "linhas": quantas,
         "nulos": nulos[nome], "data": hora // DIA_US}
        for versao, contador in sorted(lida.contadores.items())
        for hora, contagem in sorted(contador.horas.items())
        for quantas in (deriva.linhas(contagem),)
        for psi, nulos in ((contador.psi(contagem) if quantas >= limites.linhas_minimas else {},
                            contador.nulos(contagem)),)
        for nome in VARIAVEIS
    ]
    esquema = pa.schema([
        pa.field("inicio", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("modelo_versao", pa.string(), nullable=False), pa.field("variavel", pa.string(), nullable=False),
        pa.field("psi", pa.float64()),
        pa.field("linhas", pa.int64(), nullable=False), pa.field("nulos", pa.float64(), nullable=False),
        pa.field("data", pa.date32(), nullable=False),
    ])
    return pa.Table.from_pylist(linhas, schema=esquema)


def _por_hora(lida: Leitura, limites: Retreino) -> list[dict[str, Any]]:
    """Por hora e versão: quantos Pix, o PSI da probabilidade e o maior entre os atributos."""
    saida = []
    for versao, contador in lida.contadores.items():
        for hora, contagem in contador.horas.items():
            quantas = deriva.linhas(contagem)
            medidas = contador.psi(contagem) if quantas >= limites.linhas_minimas else {}
            pior = max(NOMES, key=medidas.__getitem__) if medidas else None
            saida.append({
                "inicio": f"{np.datetime64(hora, 'us').astype('datetime64[m]')}Z", "modelo_versao": versao,
                "linhas": quantas, "psi_probabilidade": medidas.get(PONTUACAO), "pior_atributo": pior,
                "psi_pior_atributo": None if pior is None else medidas[pior],
            })
    return sorted(saida, key=lambda linha: (linha["inicio"], linha["modelo_versao"]))


def _acompanhar(
    cfg: Configuracao, periodo: Periodo, lida: Leitura
) -> tuple[list[dict[str, Any]], tuple[int, float]]:
    """As medidas por dia, e (fraudes maduras, recall) da versão em vigor."""
    lotes = list(leitura_decisoes.lotes(cfg, _DESFECHO, periodo.de_us, periodo.ate_us))
    if not lotes:
        return [], (0, 0.0)
    v = {nome: np.concatenate([leitura_decisoes.vetor(lote, nome) for lote in lotes]) for nome in _DESFECHO}
    ids = v["id_evento"].astype(np.int64)
    try:
        conhecido = leitura.rotular(ids, leitura.ler_rotulos(cfg)[0])[0]
    except ErroDados as erro:
        lida.avisos["rotulos"] = str(erro)
        conhecido = np.full(ids.size, NUNCA, np.int64)
    enviado = np.asarray(v["enviado_em_us"], np.float64)
    partida = np.where(np.isnan(enviado), v["kafka_em_us"], enviado)
    d = Decididos(
        v["instante_us"].astype(np.int64), conhecido, v["acao"] != Acao.APROVAR.value,
        v["decidido_em_us"] - partida <= v["prazo_ms"] * MS_US, v["valor_centavos"].astype(np.int64),
    )
    maduras = d.instante_us <= periodo.agora_us - periodo.maturacao_dias * DIA_US
    vigente = acompanhamento.medir(d.onde(maduras & (v["modelo_versao"] == lida.vigente())), periodo.agora_us)
    dias = acompanhamento.por_dia(d, periodo.agora_us, periodo.maturacao_dias)
    return dias, (vigente["fraudes"], vigente["recall"] or 0.0)


def _esperado(detector: Detector) -> float:
    """A fração das fraudes que recebeu alguma ação na validação do treino; 0 = não se sabe, nada se exige."""
    reais = detector.metadados.get("validacao", {}).get("reais", {})
    return float(reais.get("fraudes_alcancadas") or 0) / max(float(reais.get("fraudes") or 0), 1.0)
