"""O que se aquece é o que a decisão usa: depois de aquecer, o primeiro lote não compila nada."""

from __future__ import annotations

import subprocess
import sys

_CODIGO = """
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
from numba.core.dispatcher import Dispatcher

from machine_learning.montagem import reunir
from processamento import qualidade_lote
from processamento.catalogo import PADRAO
from processamento.estado import aquecimento
from testes.processamento.test_balde import TOKENIZADOR, Deposito, entradas, novo_balde, registros

def assinaturas():
    return {
        (modulo.__name__, nome): list(map(str, funcao.signatures))
        for modulo in list(sys.modules.values()) if modulo.__name__.startswith("processamento.")
        for nome, funcao in vars(modulo).items() if isinstance(funcao, Dispatcher)
    }

aquecimento.aquecer()
qualidade_lote.aquecer()
antes = assinaturas()
assert len(antes) > 30 and sum(map(len, antes.values())) > 15, antes
with tempfile.TemporaryDirectory() as pasta:
    balde, deposito = novo_balde(Path(pasta) / "balde"), Deposito()
    for desde in (0, 20):
        lote = registros(20, desde, desde)
        lote[3] = lote[3]._replace(valor=b"ruim")
        lote[5] = lote[5]._replace(topico="pix.rotulos")
        reunido = reunir(PADRAO, balde.aplicar(entradas(lote), deposito))
        assert reunido.primitivas.shape[0] == 18 and len(reunido.recusas) == 1
valores = pa.record_batch({"valor": pa.array([r.valor for r in registros(5)], pa.binary())})
vindo_da_jvm = pa.ipc.read_record_batch(pa.py_buffer(valores.serialize().to_pybytes()), valores.schema)
assert len(qualidade_lote.avaliar_lote(vindo_da_jvm.column(0), TOKENIZADOR).quais) == 5
novas = {quem: depois for quem, depois in assinaturas().items() if depois != antes[quem]}
assert not novas, novas
"""


def test_o_primeiro_lote_nao_compila_nada() -> None:
    """Em outro processo: os outros testes chamam as mesmas funções com outros tipos."""
    feito = subprocess.run([sys.executable, "-c", _CODIGO], capture_output=True, text=True, check=False)
    assert feito.returncode == 0, feito.stderr
