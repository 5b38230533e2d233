"""O valor que não serve é recusado com o campo, o valor, o esperado e a variável que o corrige."""

from typing import Any

import pytest

from plataforma.configuracao import Configuracao
from plataforma.erros import ErroConfiguracao


@pytest.mark.parametrize(
    ("campo", "valor", "esperado"),
    [
        ("intervalo_decisao_ms", -1, "inteiro ≥ 0, em ms"),
        ("gatilho_lago_segundos", 0, "inteiro ≥ 1"),
        ("porta_kafka", 70_000, "porta entre 1 e 65535"),
        ("nossos_ispb", ("123",), "8 caracteres 0-9A-Z"),
    ],
)
def test_recusa_o_que_nao_serve(campo: str, valor: Any, esperado: str) -> None:
    with pytest.raises(ErroConfiguracao) as erro:
        Configuracao(**{campo: valor})
    mensagem = str(erro.value)
    assert esperado in mensagem
    assert f"PIX_{campo.upper()}" in mensagem


def test_sem_pausa_e_um_valor_que_serve() -> None:
    lida = Configuracao.do_ambiente({"PIX_INTERVALO_DECISAO_MS": "0", "PIX_PERFIL": "cluster"})
    assert lida.intervalo_decisao_ms == 0


def test_texto_onde_se_espera_numero() -> None:
    with pytest.raises(ErroConfiguracao, match=r"intervalo_decisao_ms = 'já' não serve; esperado: um inteiro"):
        Configuracao.do_ambiente({"PIX_INTERVALO_DECISAO_MS": "já", "PIX_PERFIL": "cluster"})
