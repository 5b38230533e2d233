import json
from pathlib import Path

import jsonschema
import pytest

from ingestao.esquema import ESQUEMAS_JSON, gerar, json_schema
from testes.processamento.fabrica_eventos import evento, parte, rotulo

PASTA = Path(__file__).resolve().parents[2] / "ingestao"


@pytest.mark.parametrize("nome", sorted(ESQUEMAS_JSON))
def test_gerar_de_novo_da_os_mesmos_bytes(nome: str, tmp_path: Path) -> None:
    gerar(tmp_path)
    assert (tmp_path / nome).read_bytes() == (PASTA / nome).read_bytes(), "rode: python -m ingestao.esquema"


def test_o_esquema_aceita_o_que_o_contrato_aceita_e_recusa_o_resto() -> None:
    validador = jsonschema.Draft202012Validator(json.loads(json_schema(ESQUEMAS_JSON["evento.schema.json"])))
    assert validador.is_valid(evento(novidade=1, dict={"liquidacoes_d90": 3}))
    for ruim in (
        evento(valor="1.000"),
        evento(valor=None),
        evento(id_fim_a_fim="E1"),
        evento(finalidade="XX"),
        evento(pagador=parte("ana", ispb="1")),
        evento(dict={"liquidacoes_d90": -1}),
    ):
        assert not validador.is_valid(ruim)


def test_o_esquema_do_rotulo_so_aceita_contas_em_token() -> None:
    validador = jsonschema.Draft202012Validator(json.loads(json_schema(ESQUEMAS_JSON["rotulo.schema.json"])))
    assert validador.is_valid(rotulo())
    assert not validador.is_valid(rotulo(pagador_conta="123456"))
    assert not validador.is_valid(rotulo(resultado="TALVEZ"))
