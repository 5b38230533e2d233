from processamento.documentar import ARQUIVO, texto


def test_regenerar_a_documentacao_dos_atributos_da_os_mesmos_bytes() -> None:
    assert ARQUIVO.read_text(encoding="utf-8") == texto(), "rode python -m processamento.documentar"
