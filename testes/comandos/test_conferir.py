"""O verbo conferir sem Spark: o que mostra, o que grava e com que código sai."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from comandos import conferir
from plataforma.erros import ErroConfiguracao

FECHADA: dict[str, Any] = {
    "bronze": 10, "prata": 7, "destinos": {"decidido": 6, "quarentena": 2, "duplicado": 1, "historico": 0, "isento": 1},
    "motivos": {"json_invalido": 2}, "problemas": {}, "em_transito": 0, "decisoes": 6, "decisoes_dobradas": 0,
    "repetidas": 0, "lacunas": 0, "rotulos": {"bronze": 1, "prata": 1}, "exemplos": [], "fecha_no_corte": True,
    "conferido": True,
}  # fmt: skip
TRANSITO = {**FECHADA, "em_transito": 3, "conferido": False}
ABERTA = {
    **FECHADA, "problemas": {"sem_decisao": 1}, "lacunas": 2, "fecha_no_corte": False, "conferido": False,
    "exemplos": [{"topico": "pix.eventos", "particao": 0, "deslocamento": 7, "destino": "sem_decisao"}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("resultado", "ao_vivo", "codigo", "texto"),
    [
        (FECHADA, False, 0, "confere"),
        (TRANSITO, True, 0, "3 em trânsito"),
        (TRANSITO, False, 1, "incompleto"),
        (ABERTA, True, 1, "não fecha"),
        (ABERTA, False, 1, "Pix vivo, válido e único sem decisão"),
    ],
)
def test_o_codigo_de_saida_e_a_tabela_dizem_se_fecha(
    resultado: dict[str, Any],
    ao_vivo: bool,
    codigo: int,
    texto: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("PIX_DADOS", str(tmp_path))
    monkeypatch.setattr(conferir, "conferir", lambda _cfg, _mostrar: (resultado, ao_vivo))
    arquivo = tmp_path / "r.json"
    assert conferir.comando(arquivo) == codigo
    saida = capsys.readouterr()
    assert texto in " ".join((saida.out + saida.err).split())
    assert json.loads(arquivo.read_text()) == resultado


def test_pasta_que_nao_existe_e_erro_de_uso_antes_de_trabalhar(tmp_path: Path) -> None:
    with pytest.raises(ErroConfiguracao, match="não existe"):
        conferir.comando(tmp_path / "falta" / "r.json")
