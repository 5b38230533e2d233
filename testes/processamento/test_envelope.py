"""Envelopes em uma coluna Arrow."""

import pyarrow as pa

from processamento.estado.envelope import em_coluna


def test_a_coluna_e_a_mesma_que_o_arrow_faria() -> None:
    for envelopes in ([], [b""], [b"a" * 300_000, b"", b"\x00\xff", b"b"]):
        coluna = em_coluna(envelopes)
        coluna.validate(full=True)
        assert coluna.equals(pa.array(envelopes, pa.binary()))
