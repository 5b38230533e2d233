"""O resumo de um micro-lote: o que cada bloco conta, junto por tarefa, por partição e no ouvinte."""

from __future__ import annotations

from typing import Any

import numpy as np

from machine_learning.observacao import RESUMO, do_lote, escrever, juntar, resumir


def _bloco(modelo: str | None, regras: str, latencias: list[float], recusas: int = 0) -> dict[str, Any]:
    n = len(latencias)
    notas = np.full(n, np.nan if modelo is None else 0.25)
    return resumir(np.zeros(n, np.int8), np.array(latencias), notas, np.full(n, 100), modelo, regras, recusas)


def test_juntar_soma_o_que_se_conta_e_guarda_as_pontas_das_versoes() -> None:
    junto = juntar([_bloco("2", "a", [90, 240]), _bloco("3", "a", [np.nan, 4_000], recusas=1)])
    assert set(junto) == set(RESUMO)
    assert (junto["linhas"], junto["destino_decidido"], junto["destino_quarentena"]) == (5, 4, 1)
    assert (junto["latencia_linhas"], junto["latencia_soma_ms"], junto["latencia_ate_250_ms"]) == (3, 4_330.0, 2)
    assert (junto["pontuacao_soma"], junto["pontuacao_ate_2_decimos"], junto["pontuacao_ate_3_decimos"]) == (1.0, 0, 4)
    assert (junto["modelo_menor"], junto["modelo_maior"]) == ("2", "3")
    assert (junto["regras_menor"], junto["regras_maior"]) == ("a", "a")


def test_bloco_so_de_recusas_nao_diz_versao_nenhuma() -> None:
    so_recusas = _bloco(None, "a", [], recusas=2)
    assert juntar([so_recusas])["regras_maior"] is None
    assert juntar([so_recusas, _bloco("2", "b", [1.0])])["regras_menor"] == "b"


def test_o_lote_e_a_soma_das_particoes_que_responderam() -> None:
    blocos = [_bloco("2", "a", [90, 240]), _bloco("2", "a", [700.5], recusas=1)]
    observado = {"particao_0": escrever(blocos[0]), "particao_1": escrever(blocos[1]), "particao_2": None}
    assert do_lote(observado) == juntar(blocos)
    assert do_lote({"particao_0": None}) is None
    assert do_lote({}) is None
