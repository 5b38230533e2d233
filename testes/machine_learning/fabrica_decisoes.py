"""Decisões de verdade sem JVM: o tráfego simulado passa pelo balde, pela montagem e pelo decisor, e pousa no lago."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pyarrow as pa
from deltalake import write_deltalake
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from ingestao.esquema import Ativacao
from ingestao.serializacao import serializar
from ingestao.trafego import Trafego
from machine_learning import registro
from machine_learning.decisao import Decisor
from machine_learning.esquema import OURO_DECISOES
from machine_learning.montagem import reunir
from machine_learning.regras import ler
from machine_learning.respostas import Decisao
from plataforma.configuracao import Configuracao
from processamento.catalogo import PADRAO
from processamento.estado.balde import Balde, Entrada
from processamento.estado.toques import Distribuicao, abrir
from processamento.protecao import Tokenizador
from testes.processamento.fabrica_toques import Registro, em_colunas
from testes.processamento.test_balde import Deposito

AGORA_US = 1_800_000_000_000_000
_ESQUEMA = to_arrow_schema(StructType([c for c in OURO_DECISOES.esquema if c.name in Decisao.__struct_fields__]))


def ativacao(cfg: Configuracao, regras: str, versao: str | None) -> bytes:
    """O registro de controle que põe em vigor as regras e a versão registrada."""
    modelo = (None, None, None)
    if versao is not None:
        caminho, sha256 = registro.materializar(cfg, registro.versao(cfg, versao))
        modelo = (versao, str(caminho), sha256)
    return msgspec.json.encode(Ativacao(ler(regras).versao, regras, *modelo, None, None, None, "teste", "agora"))


def decidir(cfg: Configuracao, trafego: Trafego, lotes: Sequence[tuple[int, bytes]]) -> list[dict[str, Any]]:
    """As decisões dos Pix em ordem de instante, em micro-lotes: (quantos, controle que chega com eles; vazio = nenhum).

    O último lote fica com o resto.
    """
    valores = [valor for _, valor in serializar(trafego.eventos.sort("instante_us"))]
    balde, deposito, inicio = Balde(PADRAO, None, 86_400), Deposito(), 0
    decisor = Decisor(PADRAO, frozenset(cfg.nossos_ispb), cfg.modelo)
    decisoes = []
    for numero, (quantos, controle) in enumerate(lotes):
        fim = len(valores) if numero == len(lotes) - 1 else inicio + quantos
        registros = [
            Registro("pix.eventos", k % 2, k, 1_000_000, 900_000, "simulado", valores[k]) for k in range(inicio, fim)
        ]
        if controle:
            registros.append(Registro("pix.controle", 0, numero, numero, None, "vivo", controle))
        linhas = abrir(
            em_colunas(registros), tokenizador=Tokenizador(b"k" * 32, "v1"), distribuicao=Distribuicao((0,), (0,)),
            topico_rotulos="pix.rotulos", topico_controle="pix.controle",
        )
        montado = reunir(PADRAO, balde.aplicar([Entrada(*linha[1:]) for linha in linhas], deposito)).inteiro()
        decisoes += [msgspec.json.decode(valor) for valor in decisor.responder(montado, numero, AGORA_US).valores]
        inicio = fim
    return decisoes


def gravar(cfg: Configuracao, decisoes: Sequence[dict[str, Any]]) -> None:
    """Escreve `ouro_decisoes`, no esquema da tabela."""
    linhas = pa.Table.from_pylist([d for d in decisoes if d["tipo"] == "decisao"], schema=_ESQUEMA)
    write_deltalake(str(OURO_DECISOES.caminho(cfg)), linhas, mode="overwrite")
