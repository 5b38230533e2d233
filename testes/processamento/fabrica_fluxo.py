"""Fábrica de uma sequência de Pix numerados, para quem testa estado e decisão sem broker."""

from __future__ import annotations

import datetime as dt
import json

from testes.processamento.fabrica_eventos import evento, parte, token

INICIO = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def evento_json(
    *, numero: int, segundo: int, pagador: int, recebedor: int, centavos: int, dispositivo: int | None = None
) -> bytes:
    """Um Pix válido cujo id só depende de `numero` e cujo instante é `segundo` depois de 2026-11-01."""
    quando = INICIO + dt.timedelta(seconds=segundo)
    return json.dumps(evento(
        id_fim_a_fim=f"E99999010{quando:%Y%m%d%H%M}{numero:0>11}", instante=f"{quando:%Y-%m-%dT%H:%M:%S}.000Z",
        valor=f"{centavos // 100}.{centavos % 100:02d}", pagador=parte(f"c{pagador}"), recebedor=parte(f"c{recebedor}"),
        dispositivo=None if dispositivo is None else {"id": token(f"a{dispositivo}")},
    )).encode()
