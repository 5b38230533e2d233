import pytest
from hypothesis import given
from hypothesis import strategies as st

from processamento import formatos
from testes.processamento.fabrica_eventos import CNPJS, CPFS, ID, INSTANTE


@pytest.mark.parametrize("cpf", CPFS)
def test_cpf_dos_vetores_vale_e_com_digito_trocado_nao(cpf: str) -> None:
    assert formatos.eh_cpf(cpf)
    for posicao in (9, 10):
        trocado = cpf[:posicao] + str((int(cpf[posicao]) + 1) % 10) + cpf[posicao + 1 :]
        assert not formatos.eh_cpf(trocado)


@pytest.mark.parametrize("cnpj", CNPJS)
def test_cnpj_dos_vetores_vale_e_com_digito_trocado_nao(cnpj: str) -> None:
    assert formatos.eh_cnpj(cnpj)
    for posicao in (12, 13):
        trocado = cnpj[:posicao] + str((int(cnpj[posicao]) + 1) % 10) + cnpj[posicao + 1 :]
        assert not formatos.eh_cnpj(trocado)


@pytest.mark.parametrize("texto", ["11111111111", "5299822472", "529982247255", "52998224725\n", "٥2998224725", ""])
def test_o_que_nao_e_cpf(texto: str) -> None:
    assert not formatos.eh_cpf(texto)


@pytest.mark.parametrize("texto", ["0" * 14, "12abc34501de35", "12ABC34501DEA5", "1122233300018", "11222333000181\n"])
def test_o_que_nao_e_cnpj(texto: str) -> None:
    assert not formatos.eh_cnpj(texto)


@given(st.text(alphabet="0123456789", min_size=9, max_size=9).filter(lambda t: len(set(t)) > 1))
def test_todo_cpf_tem_exatamente_um_par_de_digitos(base: str) -> None:
    assert sum(formatos.eh_cpf(f"{base}{digitos:02d}") for digitos in range(100)) == 1


@given(
    st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=12, max_size=12).filter(lambda t: len(set(t)) > 1)
)
def test_todo_cnpj_tem_exatamente_um_par_de_digitos(base: str) -> None:
    assert sum(formatos.eh_cnpj(f"{base}{digitos:02d}") for digitos in range(100)) == 1


@pytest.mark.parametrize(
    ("tipo", "chave", "serve"),
    [
        ("CPF", CPFS[0], True),
        ("CPF", "52998224724", False),
        ("CNPJ", CNPJS[1].lower(), True),
        ("CNPJ", "12ABC34501DE36", False),
        ("PHONE", "+5511900001234", True),
        ("PHONE", "5511900001234", False),
        ("PHONE", "+0511900001234", False),
        ("EMAIL", "ana.s@exemplo.invalid", True),
        ("EMAIL", "Ana@exemplo.invalid", False),
        ("EMAIL", "ana%b@exemplo.invalid", False),
        ("EMAIL", "a" * 70 + "@exemplo.invalid", False),
        ("EVP", "123e4567-e89b-12d3-a456-426655440000", True),
        ("EVP", "123E4567-E89B-12D3-A456-426655440000", False),
        ("EVP", "123e4567e89b12d3a456426655440000", False),
    ],
)
def test_chave_pix_clara_segue_o_seu_tipo(tipo: str, chave: str, serve: bool) -> None:
    assert formatos.eh_chave_pix(tipo, chave) is serve


def test_o_minuto_do_id_e_o_instante_batem() -> None:
    minuto = formatos.minuto_do_id_us(ID)
    assert minuto == 1_795_185_000_000_000
    assert formatos.instante_us(INSTANTE) == minuto + 12_345_000


@pytest.mark.parametrize(
    "carimbo",
    [
        "202613201430",
        "202600201430",
        "202611321430",
        "202611001430",
        "202602291430",
        "202611202430",
        "202611201460",
        "190011201430",
        "000011201430",
        "210011201430",
    ],
)
def test_minuto_que_nao_existe_e_nulo(carimbo: str) -> None:
    assert formatos.minuto_do_id_us(f"E99999010{carimbo}abcDEF12345") is None


def test_29_de_fevereiro_so_em_ano_bissexto() -> None:
    assert formatos.instante_us("2028-02-29T00:00:00.000Z") is not None
    assert formatos.instante_us("2026-02-29T00:00:00.000Z") is None


@pytest.mark.parametrize(
    "texto",
    [
        "2026-11-20T14:30:12Z",
        "2026-11-20T14:30:12.345",
        "2026-11-20T14:30:12.345+00:00",
        "2026-11-20 14:30:12.345Z",
        "2026-11-20T14:30:60.000Z",
        "2026-11-20T24:00:00.000Z",
        "2026-11-20T14:30:12.345678Z",
        "2026-11-20T14:30:12.345Z\n",
        "٢026-11-20T14:30:12.345Z",
        "",
    ],
)
def test_instante_que_nao_serve_e_nulo(texto: str) -> None:
    assert formatos.instante_us(texto) is None


@pytest.mark.parametrize(
    ("texto", "centavos"), [("0.01", 1), ("9999999999.99", 999_999_999_999), ("0.00", 0), ("10.10", 1010)]
)
def test_valor_vira_centavos(texto: str, centavos: int) -> None:
    assert formatos.centavos(texto) == centavos


@pytest.mark.parametrize(
    "texto", ["1.000", "1.0", "1", "-1.00", "+1.00", "1,00", " 1.00", "1.00\n", "1e3", "NaN", "10000000000.00", ".10"]
)
def test_valor_fora_da_forma_e_nulo(texto: str) -> None:
    assert formatos.centavos(texto) is None


def test_niveis_contam_so_o_que_esta_fora_das_aspas() -> None:
    assert formatos.niveis(b'{"a":[{"b":1}],"c":{}}') == 3
    assert formatos.niveis(b'{"a":"[[[[{{{{","b":"\\"[["}') == 1
    assert formatos.niveis(b"") == 0
