"""A arena: inserir e desfazer, despejar, crescer, reabrir, ids repetidos, e nenhum bloco perdido."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from processamento.catalogo import DIA, PADRAO, SEGUNDO_US, Fluxo, Papel
from processamento.estado import marcos, nucleo
from processamento.estado.arena import PASSOS_VARREDURA, Arena, Linhas
from testes.processamento.fabrica_historia import COMECO_US, DIA_US, em_tuplas, historia, por_forca_bruta

Fazer = Callable[..., Arena]


@pytest.fixture(params=["memoria", "arquivos"])
def fazer(request: pytest.FixtureRequest, tmp_path: Path) -> Fazer:
    """Cria arenas vazias, em memória ou em arquivos mapeados."""
    contador = iter(range(100))

    def criar(**opcoes: bool) -> Arena:
        pasta = None if request.param == "memoria" else tmp_path / f"arena{next(contador)}"
        return Arena(PADRAO, pasta, **opcoes)

    return criar


def _linhas(instante: np.ndarray, entidade: int | np.ndarray = 1, fluxo: int = 0, ordem: np.ndarray | None = None,
            contraparte: int = 2) -> Linhas:
    uns = np.ones(instante.size, np.int64)
    return Linhas(uns * entidade, uns * fluxo, instante, np.arange(instante.size) if ordem is None else ordem,
                  uns * 10, uns * contraparte)


def _medidas(arena: Arena, entidades: int, t: int) -> list[list[int]]:
    quem = np.arange(entidades, dtype=np.int64)
    return [arena.consultar(p, quem, quem + 1, np.full(entidades, t)).tolist() for p in Papel]


def _contagem(arena: Arena, t: int, entidade: int = 1) -> int:
    nomes = [p.nome for p in PADRAO.do_papel(Papel.PAGADOR)]
    medido = arena.consultar(Papel.PAGADOR, np.array([entidade]), np.array([2]), np.array([t]))[0]
    return int(medido[nomes.index("pag_saida_qtd_30d")])


def conferir_blocos(arena: Arena) -> None:
    """Blocos vivos e livres cobrem [0, topo) sem se sobrepor; nada vaza."""
    m = arena._memoria
    blocos = []
    for d in range(1, arena.diarios + 1):
        if m.diario_classe[d]:
            lugares = nucleo.capacidade(int(m.diario_classe[d]))
            assert 0 < m.diario_tamanho[d] <= lugares
            blocos.append((int(m.diario_inicio[d]), lugares))
        else:
            assert m.diario_tamanho[d] == 0
    for classe in range(nucleo.TAMANHO_CABECALHO - nucleo.LIVRES):
        livre = int(m.cabecalho[nucleo.LIVRES + classe])
        while livre >= 0:
            blocos.append((livre, nucleo.capacidade(classe)))
            livre = int(m.instante[livre])
    fim = 0
    for inicio, tamanho in sorted(blocos):
        assert inicio == fim
        fim = inicio + tamanho
    assert fim == int(m.cabecalho[nucleo.TOPO])
    assert fim <= m.instante.size
    assert int(m.diario_tamanho[1 : arena.diarios + 1].sum()) == arena.eventos


@pytest.mark.parametrize("semente", [1, 2, 3])
def test_a_ordem_de_chegada_nao_muda_as_medidas(fazer: Fazer, semente: int) -> None:
    eventos, fraudes = historia(semente, 1_500, 25, 30, movimentada=0.3, passo_us=60 * SEGUNDO_US)
    linhas = Linhas.juntar([eventos.linhas(), fraudes.linhas()])
    g = np.random.default_rng(semente)
    arena = fazer(reter_tudo=True)
    for parte in np.array_split(g.permutation(len(linhas)), 41):
        arena.inserir(linhas.onde(np.isin(np.arange(len(linhas)), parte)))
        conferir_blocos(arena)
    todas, t = em_tuplas(linhas), int(eventos.instante_us[-1])
    for papel in Papel:
        for quem in (1, 5, 10_003):
            medido = arena.consultar(papel, np.array([quem]), np.array([3]), np.array([t]))[0]
            assert medido.tolist() == por_forca_bruta(PADRAO, todas, papel, quem, 3, t)


def test_somas_de_janelas_longas_saem_certas_de_qualquer_ponto_do_bloco(fazer: Fazer) -> None:
    """Blocos em todo alinhamento possível com os marcos, janelas que começam e acabam em qualquer linha."""
    g = np.random.default_rng(11)
    arena, todas = fazer(reter_tudo=True), []
    for entidade in range(1, 2 * marcos.PASSO):  # cada um empurra os seguintes de um tanto diferente
        quantas = int(g.integers(1, 6 * marcos.PASSO)) if entidade % 3 == 0 else 1 + entidade % 7
        instante = COMECO_US + np.sort(g.integers(0, 45 * DIA_US, quantas))
        linhas = Linhas(*(np.full(quantas, v, np.int64) for v in (entidade, 0)), instante,
                        entidade * 1_000 + np.arange(quantas), g.integers(1, 10**9, quantas), np.full(quantas, 2))
        todas.append(linhas)
        # Fora de ordem, os marcos do meio se refazem; em ordem, só os do bloco novo, quando o diário muda para um.
        chegada = g.permutation(quantas) if entidade % 2 else np.arange(quantas)
        for parte in np.array_split(chegada, 3):
            arena.inserir(linhas.onde(np.isin(np.arange(quantas), parte)))
    conferir_blocos(arena)
    for passada in range(2):
        for linhas in todas[2::3]:
            quem, tuplas = int(linhas.entidade[0]), em_tuplas(linhas)
            for t in COMECO_US + g.integers(0, 46 * DIA_US, 6):
                medido = arena.consultar(Papel.PAGADOR, np.array([quem]), np.array([2]), np.array([t]))[0]
                assert medido.tolist() == por_forca_bruta(PADRAO, tuplas, Papel.PAGADOR, quem, 2, int(t)), passada
        arena.compactar()
        conferir_blocos(arena)


def test_remover_desfaz_inserir(fazer: Fazer) -> None:
    eventos, fraudes = historia(5, 2_000, 20, 30, movimentada=0.2, passo_us=1_000)
    linhas = Linhas.juntar([eventos.linhas(), fraudes.linhas()])
    g = np.random.default_rng(5)
    antes, depois = linhas.onde(g.random(len(linhas)) < 0.6), linhas
    arena, t = fazer(reter_tudo=True), int(eventos.instante_us[-1]) + 1
    arena.inserir(antes)
    referencia, vivos = _medidas(arena, 25, t), arena.eventos
    quais = ~np.isin(depois.ordem * 10 + depois.fluxo, antes.ordem * 10 + antes.fluxo)
    for _ in range(3):
        arena.inserir(depois.onde(quais))
        assert _medidas(arena, 25, t) != referencia
        assert arena.remover(depois.onde(quais)) == int(quais.sum())
        assert _medidas(arena, 25, t) == referencia
        assert arena.eventos == vivos
        conferir_blocos(arena)
    assert arena.remover(antes) == len(antes)
    assert arena.eventos == 0
    conferir_blocos(arena)
    assert arena.remover(antes) == 0


def test_despejo_guarda_o_horizonte(fazer: Fazer) -> None:
    arena = fazer()
    for dia in range(200):
        arena.inserir(_linhas(COMECO_US + dia * DIA_US + np.arange(50, dtype=np.int64), ordem=dia * 50 + np.arange(50)))
        arena.varrer()
        agora = COMECO_US + dia * DIA_US + 100
        assert _contagem(arena, agora) == 50 * min(dia + 1, 30)
    conferir_blocos(arena)
    assert arena.eventos <= 50 * (PADRAO.horizonte_dias + 3)


def test_conta_muito_quente_no_horizonte_nao_move_o_diario_a_cada_lote(fazer: Fazer) -> None:
    """O que vive quase enche um bloco de 1.024: despejar o vencido de um lote obrigaria a mover tudo no seguinte."""
    arena, por_lote, lotes = fazer(), 8, 125
    passo_us = PADRAO.horizonte_dias * DIA_US // lotes
    primeiros = []
    for lote in range(5 * lotes):
        instante = COMECO_US + lote * passo_us + np.arange(por_lote, dtype=np.int64)
        arena.inserir(_linhas(instante, ordem=lote * por_lote + np.arange(por_lote)))
        m = arena._memoria
        primeiros.append((int(m.diario_inicio[1]), int(m.instante[m.diario_inicio[1]])))
    conferir_blocos(arena)
    no_horizonte = primeiros[2 * lotes :]
    mudancas = sum(a != b for a, b in pairwise(no_horizonte))
    assert 1 <= mudancas <= len(no_horizonte) // por_lote
    assert nucleo.capacidade(int(arena._memoria.diario_classe[1])) <= 1.5 * por_lote * lotes


def test_evento_do_futuro_nao_despeja_os_outros(fazer: Fazer) -> None:
    arena, um_ano = fazer(), 365 * DIA_US
    instante = COMECO_US + np.arange(100, dtype=np.int64)
    arena.inserir(_linhas(instante))
    for lote in range(5):
        misto = np.append(COMECO_US + 1_000 + lote * 10 + np.arange(9, dtype=np.int64), COMECO_US + um_ano + lote)
        arena.inserir(_linhas(misto, ordem=1_000 + lote * 10 + np.arange(10)))
        arena.varrer()
    assert arena.relogio_us < COMECO_US + DIA_US
    assert _contagem(arena, COMECO_US + 10_000) == 100 + 45


def test_varredura_alcanca_diarios_que_ninguem_toca(fazer: Fazer) -> None:
    arena, ociosos = fazer(), 3 * PASSOS_VARREDURA
    arena.inserir(_linhas(np.full(ociosos, COMECO_US), entidade=np.arange(10, 10 + ociosos)))
    depois = COMECO_US + (PADRAO.horizonte_dias + 10) * DIA_US
    for passada in range(6):
        arena.inserir(_linhas(np.array([depois + passada]), ordem=np.array([10**6 + passada])))
        arena.varrer()
        conferir_blocos(arena)
    assert arena.eventos == 6
    assert arena.diarios == ociosos + 1


def test_blocos_encolhem_e_sao_reaproveitados(fazer: Fazer) -> None:
    """Contas que incham e murcham em rodízio: o espaço estabiliza."""
    arena, topos = fazer(), []
    for ciclo in range(12):
        base = COMECO_US + ciclo * (PADRAO.horizonte_dias + 5) * DIA_US
        arena.inserir(_linhas(base + np.arange(5_000, dtype=np.int64), entidade=1 + ciclo % 3,
                              ordem=ciclo * 10_000 + np.arange(5_000)))
        arena.varrer()
        conferir_blocos(arena)
        topos.append(int(arena._memoria.cabecalho[nucleo.TOPO]))
    assert topos[-1] == topos[4]


def test_crescimento_conserva_tudo(fazer: Fazer) -> None:
    arena = fazer(reter_tudo=True)
    entidades = 30_000  # além de tabela, diários e linhas iniciais
    instante = COMECO_US + np.arange(entidades, dtype=np.int64)
    arena.inserir(_linhas(instante[:10], entidade=np.arange(10)))
    arena.inserir(_linhas(instante[10:], entidade=np.arange(10, entidades)))
    quem = np.arange(entidades, dtype=np.int64)
    nomes = [p.nome for p in PADRAO.do_papel(Papel.PAGADOR)]
    medido = arena.consultar(Papel.PAGADOR, quem, quem, np.full(entidades, instante[-1] + 1))
    assert (medido[:, nomes.index("pag_saida_qtd_30d")] == 1).all()
    assert arena.diarios == entidades
    conferir_blocos(arena)


def test_rotulo_repetido_conta_uma_vez(fazer: Fazer) -> None:
    arena = fazer()
    fraude = _linhas(np.array([COMECO_US]), fluxo=Fluxo.FRAUDE_SAIDA, ordem=np.array([7]))
    revisto = _linhas(np.array([COMECO_US + 5]), fluxo=Fluxo.FRAUDE_SAIDA, ordem=np.array([7]))
    arena.inserir(fraude)
    arena.inserir(revisto)
    arena.inserir(Linhas.juntar([fraude, revisto]))
    assert arena.eventos == 1


def test_rotulo_repetido_no_mesmo_lote_conta_uma_vez_o_primeiro(fazer: Fazer) -> None:
    arena = fazer()
    arena.inserir(_linhas(np.array([COMECO_US + 5, COMECO_US, COMECO_US + 9]), fluxo=Fluxo.FRAUDE_ENTRADA,
                          ordem=np.array([7, 7, 8])))
    assert arena.eventos == 2
    nomes = [p.nome for p in PADRAO.do_papel(Papel.RECEBEDOR)]
    medido = arena.consultar(Papel.RECEBEDOR, np.array([1]), np.array([2]), np.array([COMECO_US + 5]))[0]
    assert medido[nomes.index("rec_fraude_entrada_qtd_30d")] == 1


def test_lote_vazio_nao_faz_nada(fazer: Fazer) -> None:
    arena = fazer()
    arena.inserir(Linhas.juntar([]))
    arena.varrer()
    assert arena.registrar_ids(np.empty(0, np.int64), 1, np.empty(0, np.int64), 60).size == 0
    assert (arena.eventos, arena.diarios) == (0, 0)
    assert arena.bytes_ocupados > 0


def test_outro_objeto_reabre_os_arquivos_e_ve_o_que_cresceu(tmp_path: Path) -> None:
    eventos, fraudes = historia(9, 1_000, 15)
    linhas = Linhas.juntar([eventos.linhas(), fraudes.linhas()])
    primeira = Arena(PADRAO, tmp_path / "a", reter_tudo=True)
    with primeira.exclusiva():
        primeira.sujar()
        primeira.inserir(linhas)
        primeira.limpa(4)
    t = int(eventos.instante_us[-1])
    segunda = Arena(PADRAO, tmp_path / "a", reter_tudo=True)
    assert segunda.versao == 4
    assert _medidas(segunda, 20, t) == _medidas(primeira, 20, t)
    with segunda.exclusiva():  # faz crescer diários, tabela e linhas
        segunda.sujar()
        segunda.inserir(_linhas(np.full(30_000, t), entidade=np.arange(100, 30_100), ordem=np.arange(30_000)))
        segunda.limpa(5)
    with primeira.exclusiva():
        assert primeira.versao == 5
        assert _contagem(primeira, t + 1, 20_000) == 1
    assert (tmp_path / "a").stat().st_mode & 0o077 == 0
    primeira.apagar()
    assert not (tmp_path / "a").exists()


def test_sem_mudanca_de_fora_o_mapa_e_o_mesmo_e_apagados_recomeca(tmp_path: Path) -> None:
    arena = Arena(PADRAO, tmp_path / "a")
    with arena.exclusiva():
        arena.inserir(_linhas(COMECO_US + np.arange(10, dtype=np.int64) * SEGUNDO_US))
        arena.limpa(1)
        antes = arena._memoria.instante
    with arena.exclusiva():
        assert arena._memoria.instante is antes
    for arquivo in (tmp_path / "a").glob("*.bin"):
        arquivo.unlink()
    with arena.exclusiva():
        assert (arena.versao, arena.eventos) == (0, 0)


def test_quem_morre_criando_deixa_o_que_se_refaz(tmp_path: Path) -> None:
    """O cabeçalho nasce por último e inteiro: sem ele, os outros arquivos não valem."""
    Arena(PADRAO, tmp_path / "a").limpa(7)
    (tmp_path / "a" / "cabecalho.bin").unlink()
    arena = Arena(PADRAO, tmp_path / "a")
    assert (arena.versao, arena.eventos) == (0, 0)
    assert (arena._memoria.cabecalho[nucleo.LIVRES :] == -1).all()


def test_os_degraus_de_capacidade() -> None:
    assert [nucleo.capacidade(c) for c in range(1, 13)] == [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16]
    for n in (*range(1, 70), 1_000, 1_025, 10**8):
        classe = nucleo.classe_de(n)
        assert nucleo.capacidade(classe) >= n
        assert classe == 1 or nucleo.capacidade(classe - 1) < n
    assert nucleo.LIVRES + nucleo.classe_de(2**31) < nucleo.TAMANHO_CABECALHO


def test_compactar_nao_muda_medida_nenhuma_e_devolve_o_que_sobra(fazer: Fazer) -> None:
    eventos, fraudes = historia(5, 3_000, 200, 30, movimentada=0.3)
    linhas = Linhas.juntar([eventos.linhas(), fraudes.linhas()])
    aos_poucos, compacta = fazer(reter_tudo=True), Arena(PADRAO, reter_tudo=True)
    for parte in np.array_split(np.arange(len(linhas)), 60):
        for arena in (aos_poucos, compacta):
            arena.inserir(linhas.onde(np.isin(np.arange(len(linhas)), parte)))
    antes = int(aos_poucos._memoria.cabecalho[nucleo.TOPO])
    aos_poucos.compactar()
    conferir_blocos(aos_poucos)
    depois = int(aos_poucos._memoria.cabecalho[nucleo.TOPO])
    assert depois < 0.8 * antes
    assert depois < 1.15 * aos_poucos.eventos
    for papel, quem, outro in ((Papel.PAGADOR, eventos.pagador, eventos.recebedor),
                               (Papel.RECEBEDOR, eventos.recebedor, eventos.pagador)):
        medidas = [a.consultar(papel, quem, outro, eventos.instante_us) for a in (aos_poucos, compacta)]
        assert (medidas[0] == medidas[1]).all()
    mais = _linhas(COMECO_US + 40 * DIA_US + np.arange(50, dtype=np.int64))
    for arena in (aos_poucos, compacta):
        arena.inserir(mais)
    conferir_blocos(aos_poucos)
    assert aos_poucos.eventos == compacta.eventos


def test_outro_processo_ve_a_arena_compactada(tmp_path: Path) -> None:
    uma, outra = Arena(PADRAO, tmp_path / "a"), Arena(PADRAO, tmp_path / "a")
    with uma.exclusiva():
        for i in range(20):
            uma.inserir(_linhas(np.array([COMECO_US + i * SEGUNDO_US])))
        uma.compactar()
        uma.limpa(4)
    with outra.exclusiva():
        assert (outra.versao, outra.eventos) == (4, 20)
        conferir_blocos(outra)


@pytest.mark.parametrize("mudanca", ["menor", "outro formato"])
def test_arena_de_outro_formato_se_refaz(tmp_path: Path, mudanca: str) -> None:
    Arena(PADRAO, tmp_path / "a").limpa(7)
    assert Arena(PADRAO, tmp_path / "a").versao == 7
    arquivo = tmp_path / "a" / "cabecalho.bin"
    cabecalho = np.fromfile(arquivo, np.int64)
    cabecalho[nucleo.FORMATO] += 1
    (cabecalho if mudanca == "outro formato" else cabecalho[:64]).tofile(arquivo)
    assert Arena(PADRAO, tmp_path / "a").versao == 0


def test_arena_interrompida_fica_suja(fazer: Fazer) -> None:
    arena = fazer()
    assert arena.versao == 0
    arena.limpa(3)
    arena.sujar()
    assert arena.versao == -1
    arena.inserir(_linhas(np.array([COMECO_US])))
    arena.esvaziar()
    assert (arena.versao, arena.eventos, arena.relogio_us) == (0, 0, 0)
    assert _contagem(arena, COMECO_US + 1) == 0


def _novos(arena: Arena, ids: list[int], versao: int, chegada_s: int | list[int], horizonte_s: int = 100) -> list[bool]:
    chegada = np.broadcast_to(np.array(chegada_s, np.int64), (len(ids),)).copy()
    return arena.registrar_ids(np.array(ids, np.int64), versao, chegada, horizonte_s).tolist()


def test_id_repetido_no_mesmo_lote_e_nos_seguintes(fazer: Fazer) -> None:
    arena = fazer()
    assert _novos(arena, [5, 6, 5, 0, 0], 1, 1_000) == [True, True, False, True, False]
    assert _novos(arena, [6, 7], 2, 1_010) == [False, True]


def test_id_repetido_alem_do_horizonte_volta_a_ser_novo(fazer: Fazer) -> None:
    arena = fazer()
    assert _novos(arena, [5], 1, 1_000) == [True]
    assert _novos(arena, [5], 2, 1_100) == [False]
    assert _novos(arena, [5], 3, 1_101) == [True]
    assert _novos(arena, [5], 4, 1_150) == [False]


def test_lote_nao_confirmado_repetido_decide_igual(fazer: Fazer) -> None:
    arena = fazer()
    _novos(arena, [1, 2], 1, 1_000)
    assert _novos(arena, [2, 3, 3], 2, 1_001) == [False, True, False]
    assert _novos(arena, [2, 3, 3], 2, 1_001) == [False, True, False]  # a versão 2 não foi confirmada
    assert _novos(arena, [3, 1], 3, 1_002) == [False, False]
    assert _novos(arena, [3, 9], 1, 1_002) == [True, True]  # voltar à versão 1: só o que veio antes dela conta


def test_tabela_de_ids_cresce_e_esquece_os_velhos(fazer: Fazer) -> None:
    arena, por_lote = fazer(), 4_000
    for lote in range(1, 40):
        ids = np.arange(por_lote, dtype=np.int64) + lote * por_lote
        chegada = np.full(por_lote, lote * 50, np.int64)
        assert arena.registrar_ids(ids, lote, chegada, 100).all()
        assert not arena.registrar_ids(ids - por_lote, lote + 1, chegada, 100).any() or lote == 1
    assert arena._memoria.id_chave.size <= 1 << 17


def test_trava_exclui_outro_escritor(tmp_path: Path) -> None:
    import fcntl  # noqa: PLC0415

    arena = Arena(PADRAO, tmp_path / "a")
    with arena.exclusiva(), (tmp_path / "a" / "trava").open("w") as outra, pytest.raises(BlockingIOError):
        fcntl.flock(outra, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_relogio_e_a_mediana_e_so_avanca(fazer: Fazer) -> None:
    arena = fazer()
    arena.inserir(_linhas(COMECO_US + np.array([0, 10, 20], np.int64)))
    assert arena.relogio_us == COMECO_US + 10
    arena.inserir(_linhas(COMECO_US - DIA * SEGUNDO_US + np.array([0, 10, 20], np.int64), ordem=np.arange(10, 13)))
    assert arena.relogio_us == COMECO_US + 10
