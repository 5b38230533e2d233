"""A carga de um ponto: o tráfego simulado, já serializado em disco, para que gerá-lo não dispute a máquina medida."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingestao.avarias import Razao
from ingestao.emissao_continua import BLOCO_MAXIMO, EmissaoContinua
from ingestao.esquema import FINALIDADES_ISENTAS
from ingestao.produtor import Envio
from ingestao.simulador.parametros import Parametros
from plataforma.configuracao import Configuracao

_LOTE: Final = 20_000
_ESQUEMA: Final = pa.schema([
    ("quando_s", pa.float64()), ("evento", pa.bool_()), ("chave", pa.binary()), ("valor", pa.binary()),
])
_Linha = tuple[float, bool, bytes | None, bytes | None]
_ISENTOS: Final = tuple(f'"finalidade":"{nome}"'.encode() for nome in sorted(FINALIDADES_ISENTAS))


@dataclass(frozen=True)
class Conta:
    """O que há em um arquivo de carga: Pix, quantos pedem decisão (os isentos não), até quando anda, e rótulos."""

    arquivo: Path
    eventos: int
    decisoes: int
    ate_us: int
    rotulos: int = 0


@dataclass
class Carga:
    """Os registros de um arquivo, por horário, na taxa dada em Pix por segundo; `taxa` 0 = o mais depressa que der."""

    arquivo: Path
    taxa: float
    razao: Razao = field(default_factory=Razao)

    def registros(self, cfg: Configuracao) -> Iterator[Envio]:
        """Um envio por linha; os rótulos saem na hora do Pix que os precede."""
        with pa.memory_map(str(self.arquivo)) as mapa:
            leitor = pa.ipc.open_file(mapa)
            for i in range(leitor.num_record_batches):
                quando, evento, chaves, valores = leitor.get_batch(i).columns
                horas = np.asarray(quando) / self.taxa if self.taxa else np.zeros(len(quando))
                topicos = np.where(_array(evento), cfg.topico_eventos, cfg.topico_rotulos)
                yield from zip(*(c.tolist() for c in (horas, topicos, _array(chaves), _array(valores))), strict=True)


def preparar(
    cfg: Configuracao, parametros: Parametros, semente: int, de_us: int, eventos: int, arquivo: Path
) -> Conta:
    """Grava em `arquivo` os próximos `eventos` Pix (e os rótulos que se tornam conhecidos) a partir de `de_us`.

    Sem repetições nem estragos: cada Pix tem de sair decidido uma vez, e a conta é exata. A hora gravada é a posição
    do Pix na fila; a taxa é escolhida ao enviar.
    """
    limpos = replace(parametros, taxa_duplicados=0.0, taxa_malformados=0.0)
    emissao = EmissaoContinua(limpos, semente, de_us, 1.0, eventos, por_bloco=min(BLOCO_MAXIMO, eventos))
    decisoes = rotulos = 0

    def linhas() -> Iterator[_Linha]:
        nonlocal decisoes, rotulos
        for registro in emissao.registros(cfg):
            eh_evento = registro.topico == cfg.topico_eventos
            rotulos += not eh_evento
            decisoes += eh_evento and not any(marca in (registro.valor or b"") for marca in _ISENTOS)
            yield registro.quando_s, eh_evento, registro.chave, registro.valor

    gravar(arquivo, linhas())
    return Conta(arquivo, emissao.razao.eventos, decisoes, emissao.ate_us, rotulos)


def gravar(arquivo: Path, linhas: Iterable[_Linha]) -> None:
    """Grava uma carga: (hora em segundos, se é evento ou rótulo, chave, valor)."""
    arquivo.parent.mkdir(parents=True, exist_ok=True)
    with pa.OSFile(str(arquivo), "wb") as destino, pa.ipc.new_file(destino, _ESQUEMA) as escritor:
        restantes = iter(linhas)
        while lote := list(islice(restantes, _LOTE)):
            escritor.write_batch(_lote(lote))


def _array(coluna: pa.Array) -> NDArray[Any]:
    return np.asarray(coluna.to_numpy(zero_copy_only=False))


def _lote(linhas: list[_Linha]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.array(coluna, tipo) for coluna, tipo in zip(zip(*linhas, strict=True), _ESQUEMA.types, strict=True)],
        schema=_ESQUEMA,
    )
