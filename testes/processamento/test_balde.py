"""O balde aplica, mede, persiste e se recupera: sem Spark, com um dicionário no lugar do estado."""

import itertools
from pathlib import Path

import msgspec
import numpy as np
import pytest

from ingestao.esquema import FINALIDADES_ISENTAS
from processamento.catalogo import PADRAO, Papel
from processamento.estado import pedacos
from processamento.estado.balde import Balde, Entrada, Saida, iniciar
from processamento.estado.envelope import desempacotar, empacotar
from processamento.estado.lote import Eventos, Fraudes, calcular
from processamento.estado.pedacos import Bloco
from processamento.estado.toques import Distribuicao, abrir, ler_eventos
from processamento.protecao import Tokenizador
from testes.processamento.fabrica_fluxo import evento_json
from testes.processamento.fabrica_toques import Registro, em_colunas, medidas_abertas

DIA_S = 86_400
TOKENIZADOR = Tokenizador(b"k" * 32, "v1")
UM_BALDE = Distribuicao((0,), (0,))


class Deposito:
    """O estado do Spark em um dicionário; `gravados` permite simular um lote que não foi confirmado."""

    def __init__(self) -> None:
        self.indice: bytes | None = None
        self.valores: dict[int, bytes] = {}

    def ler_indice(self) -> bytes | None:
        return self.indice

    def gravar_indice(self, valor: bytes) -> None:
        self.indice = valor

    def ler(self, numero: int) -> bytes:
        return self.valores[numero]

    def gravar(self, numero: int, valor: bytes) -> None:
        self.valores[numero] = valor

    def apagar(self, numero: int) -> None:
        del self.valores[numero]

    def copia(self) -> "Deposito":
        outra = Deposito()
        outra.indice, outra.valores = self.indice, dict(self.valores)
        return outra


def registros(n: int, semente: int = 7, desde: int = 0) -> list[Registro]:
    rng = np.random.default_rng(semente)
    saida = []
    for k in range(n):
        valor = evento_json(
            numero=desde + k, segundo=(desde + k) * 37, pagador=int(rng.integers(0, 9)),
            recebedor=int(rng.integers(0, 9)), centavos=int(rng.integers(1, 10**6)),
            dispositivo=int(rng.integers(0, 4)) or None,
        )
        saida.append(Registro("pix.eventos", k % 2, desde + k, 1_000_000 * (desde + k), 5, "simulado", valor))
    return saida


def entradas(regs: list[Registro], controle: bytes = b"") -> list[Entrada]:
    todos = list(regs)
    if controle:
        todos.append(Registro("pix.controle", 0, 3, 0, None, "vivo", controle))
    linhas = abrir(
        em_colunas(todos), tokenizador=TOKENIZADOR, distribuicao=UM_BALDE, topico_rotulos="pix.rotulos",
        topico_controle="pix.controle",
    )
    return [Entrada(*linha[1:]) for linha in linhas]


def medidas(saidas: list[Saida]) -> dict[tuple[str, int, int], list[int]]:
    """(papel, partição, deslocamento) → primitivas, só dos Pix novos."""
    lidas = {}
    for saida in saidas:
        for papel, partes in medidas_abertas(saida.medidas).items():
            for i in np.flatnonzero(partes["novo"]):
                posicao = (papel, int(partes["particao"][i]), int(partes["deslocamento"][i]))
                lidas[posicao] = partes["primitivas"][i].tolist()
    return lidas


def novo_balde(pasta: Path | None) -> Balde:
    return Balde(PADRAO, pasta, DIA_S)


@pytest.fixture(params=["memoria", "arquivos"])
def pasta(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return None if request.param == "memoria" else tmp_path / "balde"


def test_reaplicar_um_lote_nao_confirmado_da_o_mesmo(pasta: Path | None) -> None:
    balde, deposito = novo_balde(pasta), Deposito()
    balde.aplicar(entradas(registros(50)), deposito)
    confirmado = deposito.copia()
    primeira = balde.aplicar(entradas(registros(30, 8, 50)), deposito)
    segunda = balde.aplicar(entradas(registros(30, 8, 50)), confirmado)
    assert medidas(primeira) == medidas(segunda)
    assert len(medidas(primeira)) > 60
    assert confirmado.indice == deposito.indice
    assert balde.arena.eventos == sum(len(pedacos.decodificar(v).linhas) for v in deposito.valores.values())


def test_worker_novo_refaz_o_estado_do_deposito(pasta: Path | None, tmp_path: Path) -> None:
    balde, deposito = novo_balde(pasta), Deposito()
    for corte in range(0, 120, 20):
        balde.aplicar(entradas(registros(20, corte, corte)), deposito)
    outro = novo_balde(None if pasta is None else tmp_path / "outra")
    esperado = medidas(balde.aplicar(entradas(registros(10, 1, 120)), deposito.copia()))
    assert medidas(outro.aplicar(entradas(registros(10, 1, 120)), deposito.copia())) == esperado


def test_worker_atrasado_aplica_so_os_pedacos_que_faltam(tmp_path: Path) -> None:
    adiantado, atrasado, deposito = novo_balde(tmp_path / "a"), novo_balde(tmp_path / "b"), Deposito()
    adiantado.aplicar(entradas(registros(10)), deposito)
    atrasado.aplicar(entradas(registros(10)), Deposito())
    for corte in (10, 20, 30):
        adiantado.aplicar(entradas(registros(10, corte, corte)), deposito)
    antes = deposito.copia()
    esperado = medidas(adiantado.aplicar(entradas(registros(10, 2, 40)), deposito))
    assert medidas(atrasado.aplicar(entradas(registros(10, 2, 40)), antes)) == esperado


def test_arena_suja_e_refeita(tmp_path: Path) -> None:
    balde, deposito = novo_balde(tmp_path / "a"), Deposito()
    balde.aplicar(entradas(registros(40)), deposito)
    esperado = medidas(balde.aplicar(entradas(registros(10, 3, 40)), deposito.copia()))
    balde.arena.sujar()
    assert medidas(balde.aplicar(entradas(registros(10, 3, 40)), deposito.copia())) == esperado


@pytest.mark.parametrize("quais", ["*", "cabecalho.bin", "valor.bin"])
def test_arena_apagada_por_fora_e_refeita(tmp_path: Path, quais: str) -> None:
    balde, deposito = novo_balde(tmp_path / "a"), Deposito()
    balde.aplicar(entradas(registros(40)), deposito)
    esperado = medidas(novo_balde(None).aplicar(entradas(registros(10, 3, 40)), deposito.copia()))
    for arquivo in (tmp_path / "a").glob(quais):
        arquivo.unlink()
    if quais == "*":
        (tmp_path / "a").rmdir()
    assert medidas(balde.aplicar(entradas(registros(10, 3, 40)), deposito.copia())) == esperado


def test_id_repetido_nao_conta_nem_se_decide(pasta: Path | None) -> None:
    balde, deposito = novo_balde(pasta), Deposito()
    originais = registros(20)
    repetido = originais[4]._replace(deslocamento=500)
    balde.aplicar(entradas(originais), deposito)
    eventos = balde.arena.eventos
    saidas = balde.aplicar(entradas([repetido, *registros(1, 9, 60)]), deposito)
    decididos = {posicao[2] for posicao in medidas(saidas)}
    assert 500 not in decididos
    assert 60 in decididos
    assert balde.arena.eventos - eventos <= 3


def test_repetido_no_mesmo_lote_vale_o_primeiro_deslocamento() -> None:
    balde, originais = novo_balde(None), registros(6)
    repetido = originais[3]._replace(deslocamento=900)
    saidas = balde.aplicar(entradas([repetido, *originais]), Deposito())
    decididos = {posicao[2] for posicao in medidas(saidas)}
    assert 3 in decididos
    assert 900 not in decididos


def test_primitivas_servidas_sao_as_do_lote_em_muitos_cortes() -> None:
    todos, deposito, balde = registros(300), Deposito(), novo_balde(None)
    servidas: dict[tuple[str, int, int], list[int]] = {}
    cortes = [0, 1, 7, 50, 51, 200, 300]
    for de, ate in itertools.pairwise(cortes):
        servidas |= medidas(balde.aplicar(entradas(todos[de:ate]), deposito))
    pix = ler_eventos(entradas(todos)[0].eventos).pix
    colunas = {campo.name: coluna.to_numpy(zero_copy_only=False) for campo, coluna in zip(pix.schema, pix, strict=True)}
    assert pix.num_rows > 200
    toques = desempacotar(entradas(todos)[0].toques)
    de_quem = {
        (int(f), int(d)): int(e)
        for f, d, e in zip(toques["fluxo"], toques["deslocamento"], toques["entidade"], strict=True)
    }
    desloc = [int(d) for d in colunas["deslocamento"]]
    eventos = Eventos(
        colunas["id_evento"], colunas["instante_us"], colunas["valor_centavos"],
        np.array([de_quem[0, d] for d in desloc]), np.array([de_quem[1, d] for d in desloc]),
        colunas["dispositivo_id"],
    )
    lote = calcular(PADRAO, eventos, Fraudes.nenhuma())
    n_pagador = len(PADRAO.do_papel(Papel.PAGADOR))
    particao = {int(d): int(p) for d, p in zip(colunas["deslocamento"], colunas["particao"], strict=True)}
    for i, d in enumerate(desloc):
        assert servidas["PAGADOR", particao[d], d] == lote[i, :n_pagador].tolist()


def test_pedacos_pequenos_se_fundem_e_nada_se_perde() -> None:
    balde, deposito = novo_balde(None), Deposito()
    for k in range(pedacos.FUSAO * 3 + 2):
        balde.aplicar(entradas(registros(3, k, 3 * k)), deposito)
    indice = pedacos.ler_indice(deposito.indice)
    assert len(indice.pedacos) < pedacos.FUSAO + 3
    assert {p.numero for p in indice.pedacos} == set(deposito.valores)
    total = sum(len(pedacos.decodificar(v).linhas) for v in deposito.valores.values())
    assert total == balde.arena.eventos
    assert next(p.de for p in indice.pedacos) == 1
    assert indice.pedacos[-1].ate == indice.versao


def test_pedaco_mais_velho_que_o_horizonte_e_apagado() -> None:
    balde, deposito = novo_balde(None), Deposito()
    balde.aplicar(entradas(registros(5)), deposito)
    longe = PADRAO.horizonte_us // 1_000_000 // 37 + 100
    balde.aplicar(entradas(registros(5, 2, longe)), deposito)
    indice = pedacos.ler_indice(deposito.indice)
    assert [p.de for p in indice.pedacos] == [2]


def test_ativacao_vale_no_lote_que_a_traz_e_fica_no_estado() -> None:
    balde, deposito = novo_balde(None), Deposito()
    sem = balde.aplicar(entradas(registros(3)), deposito)
    com = balde.aplicar(entradas(registros(3, 2, 10), controle=b"vigente"), deposito)
    depois = balde.aplicar(entradas(registros(3, 3, 20)), deposito)
    assert [desempacotar(s[-1].ativacao)["valor"] for s in (sem, com, depois)] == [b"", b"vigente", b"vigente"]


def test_partida_quente_equivale_a_ter_visto_a_historia() -> None:
    historia, vivos = registros(60), registros(10, 5, 60)
    visto, deposito = novo_balde(None), Deposito()
    visto.aplicar(entradas(historia), deposito)
    esperado = medidas(visto.aplicar(entradas(vivos), deposito))
    bloco = pedacos.decodificar(deposito.valores[0])
    partida = Deposito()
    iniciar([Bloco(bloco.linhas, bloco.chegada_s)], pedacos.Indice(), partida)
    assert medidas(novo_balde(None).aplicar(entradas(vivos), partida)) == esperado


def test_envelope_devolve_colunas_e_textos() -> None:
    conteudo = {"a": np.arange(6).reshape(2, 3), "b": np.array([True, False]), "c": ["x", None], "d": 3}
    lido = desempacotar(empacotar(conteudo))
    assert lido["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert lido["b"].dtype == np.bool_
    assert (lido["c"], lido["d"]) == (["x", None], 3)


@pytest.mark.parametrize("finalidade", FINALIDADES_ISENTAS)
def test_isento_nao_toca_nem_espera_decisao(finalidade: str) -> None:
    valor = msgspec.json.decode(evento_json(numero=1, segundo=1, pagador=1, recebedor=2, centavos=5))
    valor["finalidade"] = finalidade
    valor["forma_de_iniciacao"] = "MANU"
    valor.pop("chave", None)
    valor.pop("tipo_chave", None)
    registro = Registro("pix.eventos", 0, 1, 0, 1, "simulado", msgspec.json.encode(valor))
    assert entradas([registro]) == []


def test_historico_toca_o_estado_sem_pedir_decisao() -> None:
    balde, deposito = novo_balde(None), Deposito()
    saidas = balde.aplicar(entradas([r._replace(origem="historico") for r in registros(8)]), deposito)
    assert saidas == []
    assert balde.arena.eventos > 0
