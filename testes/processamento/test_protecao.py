import base64
import hashlib
import hmac
import pickle

import pytest

from plataforma.erros import ErroConfiguracao
from processamento.protecao import PADRAO_TOKEN, Tokenizador, eh_token, id_entidade, id_evento
from testes.processamento.fabrica_eventos import CHAVE, CPFS, token

TOKENIZADOR = Tokenizador(CHAVE, "v1")


def test_token_tem_a_forma_do_contrato() -> None:
    for feito in (
        TOKENIZADOR.conta("99999010", "1", "123"),
        TOKENIZADOR.documento(CPFS[0]),
        TOKENIZADOR.chave_pix("EMAIL", "ana@exemplo.invalid"),
        TOKENIZADOR.dispositivo("aparelho-1"),
    ):
        assert PADRAO_TOKEN.fullmatch(feito)


def test_token_e_o_hmac_sha256_truncado_com_dominio() -> None:
    esperado = hmac.new(CHAVE, f"doc|{CPFS[0]}".encode(), hashlib.sha256).digest()[:16]
    assert TOKENIZADOR.documento(CPFS[0]) == "tok:v1:" + base64.urlsafe_b64encode(esperado).decode()[:22]


def test_o_que_ja_e_token_passa_como_esta() -> None:
    pronto = token("ana")
    assert TOKENIZADOR.conta("99999010", None, pronto) == pronto
    assert TOKENIZADOR.documento(pronto) == pronto
    assert TOKENIZADOR.chave_pix("CPF", pronto) == pronto
    assert TOKENIZADOR.dispositivo(pronto) == pronto


def test_o_mesmo_titular_tem_um_so_token_apesar_da_grafia() -> None:
    assert TOKENIZADOR.conta("99999010", "1", "12a") == TOKENIZADOR.conta("99999010", "0001", "12A")
    assert TOKENIZADOR.chave_pix("CNPJ", "a1b2c3d4000193") == TOKENIZADOR.chave_pix("CNPJ", "A1B2C3D4000193")


def test_dominios_chaves_e_contas_diferentes_dao_tokens_diferentes() -> None:
    tokens = {
        TOKENIZADOR.documento(CPFS[0]),
        TOKENIZADOR.chave_pix("CPF", CPFS[0]),
        TOKENIZADOR.dispositivo(CPFS[0]),
        TOKENIZADOR.conta("99999010", None, CPFS[0]),
        TOKENIZADOR.conta("99999020", None, CPFS[0]),
        Tokenizador(b"x" * 32, "v1").documento(CPFS[0]),
    }
    assert len(tokens) == 6


def test_viaja_para_os_executores_e_nao_mostra_a_chave() -> None:
    copia = pickle.loads(pickle.dumps(TOKENIZADOR))  # noqa: S301 — o próprio teste o gravou
    assert copia.documento(CPFS[1]) == TOKENIZADOR.documento(CPFS[1])
    assert repr(copia) == "Tokenizador(id_chave='v1')"


@pytest.mark.parametrize(("chave", "nome"), [(b"", "v1"), (CHAVE, "V1"), (CHAVE, ""), (CHAVE, "nove_chars")])
def test_recusa_chave_vazia_ou_nome_que_nao_cabe_no_token(chave: bytes, nome: str) -> None:
    with pytest.raises(ErroConfiguracao):
        Tokenizador(chave, nome)


def test_identificadores_sao_inteiros_de_64_bits_estaveis() -> None:
    esperado = int.from_bytes(hashlib.blake2b(token("ana").encode(), digest_size=8).digest(), "big", signed=True)
    assert id_entidade(token("ana")) == id_evento(token("ana")) == esperado
    assert -(2**63) <= esperado < 2**63


def test_reconhece_token_so_por_inteiro() -> None:
    assert eh_token(token("a"))
    assert not eh_token(token("a") + "\n")
    assert not eh_token("tok:v1:curto")
    assert not eh_token("TOK" + token("a")[3:])
