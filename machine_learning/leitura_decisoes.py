"""As decisões como foram servidas, lidas sem JVM (perfis local e cluster)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from machine_learning.esquema import OURO_DECISOES
from plataforma.erros import ErroConfiguracao, ErroDados
from processamento.atributos import NOMES
from processamento.estado.lote import FATIA

if TYPE_CHECKING:
    import pyarrow as pa

    from plataforma.configuracao import Configuracao

Reais = NDArray[np.float64]
Logicos = NDArray[np.bool_]


def existe(cfg: Configuracao) -> bool:
    """Se já há decisões no lago."""
    from deltalake import DeltaTable  # noqa: PLC0415 — leitura sem JVM

    exigir_sem_databricks(cfg)
    return bool(DeltaTable.is_deltatable(str(OURO_DECISOES.caminho(cfg))))


def ate_onde(cfg: Configuracao, agora_us: int) -> int:
    """O presente de quem olha as decisões, em µs UTC: agora ou, se vier depois, o instante do último Pix decidido.

    Tráfego simulado ou importado anda no relógio dele, que pode ir à frente do nosso; um Pix ao vivo, 12 h no máximo.
    """
    from deltalake import DeltaTable  # noqa: PLC0415

    if not existe(cfg):
        return agora_us
    arquivos = DeltaTable(str(OURO_DECISOES.caminho(cfg))).get_add_actions(flatten=True)
    maiores: list[int | None] = arquivos.column("max.instante_us").to_pylist() if arquivos.num_rows else []
    return max([agora_us, *(maior for maior in maiores if maior is not None)])


def lotes(
    cfg: Configuracao, colunas: Sequence[str], de_us: int, ate_us: int, *, instante: str = "instante_us",
    iguais: Mapping[str, str] | None = None,
) -> Iterator[pa.RecordBatch]:
    """As decisões com `instante` em [de, até), em lotes.

    Args:
        cfg: onde está a tabela.
        colunas: as que se querem.
        de_us: µs UTC.
        ate_us: µs UTC, exclusive.
        instante: a coluna do período: `instante_us` (o Pix) ou `kafka_em_us` (a chegada).
        iguais: coluna → valor exigido.

    Levanta:
        ErroDados: ainda não há decisões.
    """
    filtro, tabela = _condicao(instante, de_us, ate_us, iguais or {}), _abrir(cfg)
    yield from tabela.to_batches(columns=list(colunas), filter=filtro, batch_size=FATIA)


def contar(cfg: Configuracao, de_us: int, ate_us: int) -> int:
    """Quantas decisões têm `instante_us` em [de, até).

    Levanta:
        ErroDados: ainda não há decisões.
    """
    return int(_abrir(cfg).count_rows(filter=_condicao("instante_us", de_us, ate_us, {})))


def _abrir(cfg: Configuracao) -> Any:
    from deltalake import DeltaTable  # noqa: PLC0415

    if not existe(cfg):
        msg = f"a tabela {OURO_DECISOES.nome} ainda não existe: ./pix subir e ./pix simular produzem decisões"
        raise ErroDados(msg)
    return DeltaTable(str(OURO_DECISOES.caminho(cfg))).to_pyarrow_dataset()


def _condicao(instante: str, de_us: int, ate_us: int, iguais: Mapping[str, str]) -> Any:
    from pyarrow import dataset  # noqa: PLC0415

    condicao = (dataset.field(instante) >= de_us) & (dataset.field(instante) < ate_us)
    for coluna, valor in iguais.items():
        condicao &= dataset.field(coluna) == valor
    return condicao


def matriz(lote: pa.RecordBatch) -> tuple[Reais, Logicos]:
    """Os atributos servidos, float64 (n, len(NOMES)), NaN = nulo, e quais linhas do lote os têm todos."""
    import pyarrow as pa  # noqa: PLC0415

    tamanhos = lote.column("atributos").value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    cheias = np.asarray(tamanhos == len(NOMES), np.bool_)
    listas = lote.filter(pa.array(cheias)).column("atributos")
    valores = np.asarray(listas.flatten().to_numpy(zero_copy_only=False), np.float64)
    return valores.reshape(-1, len(NOMES)), cheias


def vetor(lote: Any, coluna: str) -> NDArray[Any]:
    """Uma coluna como vetor; inteiros sem nulo ficam inteiros, reais nulos viram NaN, textos ficam objetos."""
    return np.asarray(lote.column(coluna).to_numpy(zero_copy_only=False))


def exigir_sem_databricks(cfg: Configuracao) -> None:
    """Levanta `ErroConfiguracao` onde as tabelas não estão em pastas."""
    if cfg.perfil == "databricks":
        msg = "perfil = 'databricks' não serve aqui: estas leituras são por pasta; esperado local ou cluster"
        raise ErroConfiguracao(msg)
