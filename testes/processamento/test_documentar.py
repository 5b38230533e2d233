"""O documento de atributos sai do catálogo, e o do repositório está em dia."""

from __future__ import annotations

from pathlib import Path

from processamento import documentar
from processamento.atributos import ATRIBUTOS
from processamento.catalogo import PADRAO
from processamento.contexto import CONTEXTO
from processamento.documentar import documento, gerar, lidas_por


def test_gerar_de_novo_da_os_mesmos_bytes(tmp_path: Path) -> None:
    assert gerar(tmp_path / "atributos.md").read_bytes() == documentar.DESTINO.read_bytes(), (
        "docs/atributos.md está velho: rode python -m processamento.documentar"
    )


def test_todo_atributo_e_toda_primitiva_aparecem() -> None:
    texto = documento()
    for atributo in ATRIBUTOS:
        assert f"| `{atributo.nome}` | {atributo.descricao} |" in texto
    for primitiva in PADRAO.primitivas:
        assert f"| `{primitiva.nome}` |" in texto


def test_toda_primitiva_serve_a_algum_atributo() -> None:
    lidas = {nome for atributo in ATRIBUTOS for nome in lidas_por(atributo)}
    assert {p.nome for p in PADRAO.primitivas} <= lidas
    assert {f"prata.{nome}" for nome in CONTEXTO} <= lidas
