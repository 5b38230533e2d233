"""`reprocessar`: decisões servidas, rótulos, registro e regras → o que se decidiria agora, e o que muda."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingestao.esquema import Ativacao
from machine_learning import leitura, leitura_decisoes, modelo, registro
from machine_learning import regras as texto_das_regras
from machine_learning.conjunto import NUNCA, Inteiros, Logicos, Medidor
from machine_learning.decisao import SEM_REGRAS, Decisor
from machine_learning.reprocessamento import COLUNAS, DO_DESFECHO, Apuracao, Caso, Desfecho, redecidir
from plataforma.configuracao import Configuracao
from plataforma.erros import ErroConfiguracao, ErroDados
from processamento.atributos import NOMES
from processamento.catalogo import PADRAO, Catalogo

if TYPE_CHECKING:
    import pyarrow as pa

LINHAS_POR_VEZ: Final = 5_000
PIORES: Final = 10
Reais = NDArray[np.float64]


@dataclass(frozen=True)
class Pedido:
    """O que decidir de novo, e com quê. Instantes do Pix em µs UTC; `ate_us` é exclusive.

    Args:
        de_us: do Pix.
        ate_us: do Pix.
        agora_us: só valem os rótulos conhecidos até aqui.
        modelo: versão registrada; None = a que decidiu cada Pix.
        regras: arquivo; None = o de cada Pix, se seu texto é o de `cfg.regras`.
        recalcular: mede os atributos de novo, da prata, em vez de usar os que foram servidos.
    """

    de_us: int
    ate_us: int
    agora_us: int
    modelo: str | None = None
    regras: Path | None = None
    recalcular: bool = False


def reprocessar(
    cfg: Configuracao, pedido: Pedido, progresso: Callable[[int], None] = lambda _: None, catalogo: Catalogo = PADRAO
) -> dict[str, Any]:
    """As medidas da comparação; `reproducao.divergentes` > 0 = o mesmo modelo e as mesmas regras deram outra coisa.

    Levanta:
        ErroConfiguracao: arquivo de regras que não se lê.
        ErroDados: tabela ausente, ou nenhuma decisão no período que se possa refazer.
        ErroModelo: versão inexistente ou que não abre.
        ErroServico: MLflow fora do ar.
    """
    versoes = _Versoes(cfg, pedido, catalogo)
    if not leitura_decisoes.contar(cfg, pedido.de_us, pedido.ate_us):
        msg = f"nenhuma decisão de Pix {_periodo(pedido)}: mude --de e --ate"
        raise ErroDados(msg)
    rotulos = leitura.ler_rotulos(cfg)[0]
    entrada = _Entrada(cfg, catalogo, recalcular=pedido.recalcular)
    decisor, apuracao = Decisor(catalogo, frozenset(cfg.nossos_ispb), cfg.modelo), Apuracao()
    for lote in _aos_poucos(cfg, pedido):
        servido, x, iguais = entrada.preparar(lote)
        conhecido = leitura.rotular(leitura_decisoes.vetor(servido, "id_evento").astype(np.int64), rotulos)[0]
        fraude = (conhecido != NUNCA) & (conhecido <= pedido.agora_us)
        apuracao.somar(_casos(decisor, versoes, servido, x, iguais, fraude))
        progresso(lote.num_rows)
    medidas = apuracao.medidas()
    if not medidas["linhas"]:
        msg = (
            f"nenhuma das decisões {_periodo(pedido)} se pode refazer ({entrada.fora['outro_catalogo']} de outro "
            f"catálogo de atributos, {entrada.fora['sem_prata']} fora da prata): tente com --recalcular, ou sem ele"
        )
        raise ErroDados(msg)
    return {
        "periodo": {"de_us": pedido.de_us, "ate_us": pedido.ate_us, "agora_us": pedido.agora_us},
        "versoes": {"modelo": pedido.modelo, "catalogo": catalogo.versao, **versoes.descricao()},
        "fora": {nome: entrada.fora[nome] for nome in ("outro_catalogo", "sem_prata")},
        "atributos": entrada.descricao(), **medidas,
    }


class _Versoes:
    """O modelo e as regras com que se decide cada Pix, como a ativação que a consulta teria lido."""

    def __init__(self, cfg: Configuracao, pedido: Pedido, catalogo: Catalogo) -> None:
        self._cfg, self._pedido, self._catalogo = cfg, pedido, catalogo
        self._arquivo = pedido.regras or cfg.regras
        self._versao, self._texto = _ler_regras(self._arquivo)
        self._modelos: dict[str, tuple[str, str]] = {}
        if pedido.modelo is not None:
            self._modelo(pedido.modelo)  # a versão que não existe se recusa antes de ler qualquer tabela

    def descricao(self) -> dict[str, Any]:
        """As regras usadas; `regras_de_cada`: só onde são as da própria decisão."""
        return {"regras": self._versao, "regras_arquivo": self._arquivo.name,
                "regras_de_cada": self._pedido.regras is None}

    def para(self, modelo_versao: str | None, regras_versao: str) -> tuple[bytes, bool]:
        """A ativação para quem foi decidido por essas versões, e se as regras dela servem à comparação."""
        if regras_versao == SEM_REGRAS and self._pedido.modelo is None and self._pedido.regras is None:
            return b"", True
        alvo = self._pedido.modelo or modelo_versao
        caminho, sha256 = self._modelo(alvo) if alvo else (None, None)
        ativacao = Ativacao(
            regras_versao=self._versao, regras=self._texto, modelo_versao=alvo, modelo_caminho=caminho,
            modelo_sha256=sha256, desafiante_versao=None, desafiante_caminho=None, desafiante_sha256=None,
            motivo="reprocessamento", ativado_em="",
        )
        servem = self._pedido.regras is not None or regras_versao in {self._versao, SEM_REGRAS}
        return msgspec.json.encode(ativacao), servem

    def _modelo(self, versao: str) -> tuple[str, str]:
        if versao not in self._modelos:
            caminho, sha256 = registro.materializar(self._cfg, registro.versao(self._cfg, versao))
            # A decisão seguiria só com as regras; aqui, um modelo que não abre é um erro de quem pediu.
            modelo.carregar(caminho, sha256, catalogo_versao=self._catalogo.versao)
            self._modelos[versao] = str(caminho), sha256
        return self._modelos[versao]


class _Entrada:
    """De um lote de ouro_decisoes, as linhas que se podem refazer e os atributos com que se decide."""

    def __init__(self, cfg: Configuracao, catalogo: Catalogo, *, recalcular: bool) -> None:
        self._catalogo = catalogo
        self.fora: Counter[str] = Counter()
        self._diferentes = np.zeros(len(NOMES), np.int64)
        self._linhas: Counter[str] = Counter()
        self._medidor: Medidor | None = None
        if recalcular:
            historico, _ = leitura.das_tabelas(cfg)
            self._medidor = Medidor(historico, catalogo)
            self._ids = historico.eventos.id_evento
            self._ordem = np.argsort(self._ids, kind="stable")

    def preparar(self, lote: pa.RecordBatch) -> tuple[pa.RecordBatch, Reais, Logicos]:
        """As linhas, seus atributos e onde eles são os que foram servidos."""
        servidos = np.full((lote.num_rows, len(NOMES)), np.nan)
        valores, cheias = leitura_decisoes.matriz(lote)
        servidos[cheias] = valores
        deste = cheias & (leitura_decisoes.vetor(lote, "catalogo_versao") == self._catalogo.versao)
        if self._medidor is None:
            self.fora["outro_catalogo"] += int((~deste).sum())
            return _filtrar(lote, deste), servidos[deste], np.ones(int(deste.sum()), np.bool_)
        lugares, achou = self._achar(leitura_decisoes.vetor(lote, "id_evento").astype(np.int64))
        self.fora["sem_prata"] += int((~achou).sum())
        x, antes, deste = self._medidor.atributos(lugares[achou]), servidos[achou], deste[achou]
        diferem = (x != antes) & ~(np.isnan(x) & np.isnan(antes))
        self._diferentes += diferem[deste].sum(axis=0)
        self._linhas["comparadas"] += int(deste.sum())
        self._linhas["diferentes"] += int(diferem[deste].any(axis=1).sum())
        return _filtrar(lote, achou), x, deste & ~diferem.any(axis=1)

    def descricao(self) -> dict[str, Any]:
        """De onde vieram; recalculados, em quantos Pix diferem dos servidos e em quais atributos mais."""
        if self._medidor is None:
            return {"origem": "servidos"}
        piores = np.argsort(-self._diferentes, kind="stable")[:PIORES]
        return {
            "origem": "recalculados", "comparados": self._linhas["comparadas"],
            "diferentes": self._linhas["diferentes"],
            "piores": {NOMES[j]: int(self._diferentes[j]) for j in piores if self._diferentes[j]},
        }

    def _achar(self, ids: Inteiros) -> tuple[Inteiros, Logicos]:
        ordenados = self._ids[self._ordem]
        lugares = self._ordem[np.clip(np.searchsorted(ordenados, ids), 0, ordenados.size - 1)]
        return lugares, self._ids[lugares] == ids


def _casos(
    decisor: Decisor, versoes: _Versoes, lote: pa.RecordBatch, x: Reais, iguais: Logicos, fraude: Logicos
) -> list[Caso]:
    """Os casos de um lote: um micro-lote por par de versões que decidiu."""
    pix = lote.drop_columns(["atributos"]).to_pylist()
    pares = [(p["modelo_versao"], p["regras_versao"]) for p in pix]
    casos = []
    for par in dict.fromkeys(pares):
        quais = np.array([achado == par for achado in pares], np.bool_)
        ativacao, com_regras = versoes.para(*par)
        depois = redecidir(decisor, _filtrar(lote, quais), x[quais], ativacao)
        for i, novo in zip(np.flatnonzero(quais), depois, strict=True):
            antes = Desfecho(**{nome: pix[i][nome] for nome in DO_DESFECHO})
            casos.append(Caso(pix[i], antes, novo, com_regras, bool(iguais[i]), bool(fraude[i])))
    return casos


def _aos_poucos(cfg: Configuracao, pedido: Pedido) -> Iterator[pa.RecordBatch]:
    for lote in leitura_decisoes.lotes(cfg, COLUNAS, pedido.de_us, pedido.ate_us):
        for inicio in range(0, lote.num_rows, LINHAS_POR_VEZ):
            yield lote.slice(inicio, LINHAS_POR_VEZ)


def _filtrar(lote: pa.RecordBatch, quais: Logicos) -> pa.RecordBatch:
    import pyarrow as pa  # noqa: PLC0415

    return lote.filter(pa.array(quais))


def _ler_regras(arquivo: Path) -> tuple[str, str]:
    try:
        texto = arquivo.read_text(encoding="utf-8")
        return texto_das_regras.ler(texto).versao, texto
    except OSError as erro:
        msg = f"{arquivo}: não foi possível ler as regras ({erro.strerror})"
        raise ErroConfiguracao(msg) from erro
    except UnicodeDecodeError as erro:
        msg = f"{arquivo}: não é texto em UTF-8 (byte {erro.start})"
        raise ErroConfiguracao(msg) from erro
    except ErroConfiguracao as erro:
        msg = f"{arquivo}: {erro}"
        raise ErroConfiguracao(msg) from erro


def _periodo(pedido: Pedido) -> str:
    de, ate = (np.datetime64(us, "us").astype("datetime64[D]") for us in (pedido.de_us, pedido.ate_us - 1))
    return f"de {de} a {ate}"
