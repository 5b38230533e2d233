"""Dos envelopes à resposta: montagem, regras sem modelo, recusas e determinismo, sem Spark."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from ingestao.esquema import Ativacao
from machine_learning.acoes import PRAZO_DECISAO_MS, RETENCAO_DEMAIS_MS, RETENCAO_DIA_UTIL_MS
from machine_learning.decisao import Decisor
from machine_learning.montagem import reunir
from machine_learning.observacao import RESUMO
from machine_learning.regras import ler
from machine_learning.respostas import VERSAO_DECISAO
from plataforma.configuracao import RAIZ_PROJETO
from processamento.atributos import NOMES
from processamento.catalogo import PADRAO
from processamento.estado.balde import Balde, Entrada, Saida
from processamento.estado.toques import Distribuicao, abrir
from processamento.formatos import instante_us
from processamento.protecao import Tokenizador, id_evento
from testes.processamento.fabrica_fluxo import evento_json
from testes.processamento.fabrica_toques import Registro, em_colunas
from testes.processamento.test_balde import Deposito

AGORA_US = 1_800_000_000_000_000
REGRAS = """
versao: "1"
regras:
  - id: valor_muito_alto
    condicao: valor > 500000
    acao: REJEITAR
    motivo: valor acima do que aceitamos sem conversa
"""
DECISOR = Decisor(PADRAO, frozenset({"99999010"}), "detector-pix")


def ativacao(**mudancas: object) -> bytes:
    campos = {
        "regras_versao": ler(REGRAS).versao, "regras": REGRAS, "modelo_versao": None, "modelo_caminho": None,
        "modelo_sha256": None, "desafiante_versao": None, "desafiante_caminho": None, "desafiante_sha256": None,
        "motivo": "teste", "ativado_em": "2026-11-01T00:00:00.000+00:00",
    }
    return msgspec.json.encode(Ativacao(**{**campos, **mudancas}))


def passar(registros: list[Registro], baldes: int = 2, controle: bytes | None = None) -> list[list[Saida]]:
    """Os registros por abrir → baldes → destinos, como no plano."""
    d = Distribuicao(tuple(range(baldes)), tuple(range(baldes)))
    if controle is not None:
        registros = [*registros, Registro("pix.controle", 0, 0, 0, None, "vivo", controle)]
    linhas = abrir(
        em_colunas(registros), tokenizador=Tokenizador(b"k" * 32, "v1"), distribuicao=d, topico_rotulos="pix.rotulos",
        topico_controle="pix.controle",
    )
    saidas = [
        saida for b in range(baldes)
        for saida in Balde(PADRAO, None, 86_400).aplicar([Entrada(*x[1:]) for x in linhas if x.balde == b], Deposito())
    ]
    return [[s for s in saidas if s.destino == k] for k in range(baldes)]


def responder(registros: list[Registro], controle: bytes | None = None, baldes: int = 2) -> list[dict[str, Any]]:
    destinos = passar(registros, baldes, controle if controle is not None else ativacao())
    blocos = [DECISOR.responder(reunir(PADRAO, saidas).inteiro(), 7, AGORA_US) for saidas in destinos if saidas]
    for bloco in blocos:
        assert len(bloco.chaves) == len(bloco.valores) == bloco.resumo["linhas"]
    return [msgspec.json.decode(valor) for bloco in blocos for valor in bloco.valores]


def pix(k: int, centavos: int = 1_000, **mudancas: object) -> Registro:
    valor = evento_json(numero=k, segundo=k * 60, pagador=k % 3, recebedor=5 + k % 2, centavos=centavos)
    return Registro("pix.eventos", k % 2, k, 1_000_000, 900_000, "simulado", valor)._replace(**mudancas)


def test_cada_pix_valido_tem_uma_resposta_qualquer_que_seja_o_numero_de_baldes() -> None:
    registros = [pix(k) for k in range(40)]
    por_baldes = []
    for baldes in (1, 2, 3):
        lidas = responder(registros, baldes=baldes)
        assert sorted(d["deslocamento"] for d in lidas) == list(range(40))
        por_baldes.append({d["id_fim_a_fim"]: (d["acao"], d["atributos"]) for d in lidas})
    assert por_baldes[0] == por_baldes[1] == por_baldes[2]


def test_sem_modelo_as_regras_decidem_e_a_decisao_diz() -> None:
    alto, comum = responder([pix(0, 600_000), pix(2, 100)], baldes=1)
    assert (alto["acao"], comum["acao"]) == ("REJEITAR", "APROVAR")
    assert alto["modo"] == comum["modo"] == "regras"
    assert alto["modelo_versao"] is None and alto["pontuacao"] is None
    assert alto["regras"] == ["valor_muito_alto"]
    assert alto["motivos"][0]["codigo"] == "regra:valor_muito_alto"
    assert comum["motivos"] == []
    assert alto["regras_versao"] == ler(REGRAS).versao
    assert alto["lote"] == 7 and alto["decidido_em_us"] == AGORA_US
    assert len(alto["atributos"]) == len(NOMES)


def test_a_decisao_devolve_o_que_veio_e_quanto_a_acao_dura() -> None:
    regras = REGRAS.replace("REJEITAR", "RETER_ANALISE")
    vindo = pix(3, 600_000, kafka_us=5_000_000, enviado_us=4_000_000)
    evento = msgspec.json.decode(vindo.valor)
    (d,) = responder([vindo], ativacao(regras_versao=ler(regras).versao, regras=regras), baldes=1)
    assert (d["topico"], d["particao"], d["deslocamento"]) == ("pix.eventos", 1, 3)
    assert (d["kafka_em_us"], d["enviado_em_us"], d["valor_centavos"]) == (5_000_000, 4_000_000, 600_000)
    assert d["instante_us"] == instante_us(evento["instante"])
    assert d["id_fim_a_fim"] == evento["id_fim_a_fim"] and d["id_evento"] == id_evento(evento["id_fim_a_fim"])
    for lado in ("pagador", "recebedor"):
        assert d[f"{lado}_ispb"] == evento[lado]["ispb"]
    assert d["forma_de_iniciacao"] == evento["forma_de_iniciacao"]
    assert (d["acao"], d["prazo_ms"]) == ("RETER_ANALISE", PRAZO_DECISAO_MS)
    assert d["duracao_ms"] in (RETENCAO_DIA_UTIL_MS, RETENCAO_DEMAIS_MS)
    assert (d["catalogo_versao"], d["versao_esquema"]) == (PADRAO.versao, VERSAO_DECISAO)
    assert d["desafiante_versao"] is None and d["desafiante_pontuacao"] is None


def test_modelo_que_nao_existe_ou_nao_confere_deixa_as_regras_decidirem(tmp_path: Path) -> None:
    falso = tmp_path / "modelo.skops"
    falso.write_bytes(b"isto nao e um modelo")
    for caminho in (falso, tmp_path / "ausente.skops"):
        controle = ativacao(modelo_versao="3", modelo_caminho=str(caminho), modelo_sha256="0" * 64)
        (resposta,) = responder([pix(0)], controle, baldes=1)
        assert resposta["modo"] == "regras"


def test_ativacao_sem_pix_ja_abre_o_modelo(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ausente = ativacao(modelo_versao="9", modelo_caminho=str(tmp_path / "ausente.skops"), modelo_sha256="0" * 64)
    assert responder([], ausente) == []
    assert caplog.text.count("modelo recusado") == 1
    (resposta,) = responder([pix(0)], ausente, baldes=1)
    assert resposta["modo"] == "regras"
    assert caplog.text.count("modelo recusado") == 1


def test_registro_invalido_recebe_recusa_de_formato_com_motivo() -> None:
    ruins = [b"nao json", None, b"", b"{", pix(3).valor.replace(b'"10.00"', b'"10.001"')]
    registros = [pix(k, valor=valor) for k, valor in enumerate(ruins)]
    respostas = responder([*registros, pix(10)])
    lidas = {d["deslocamento"]: d for d in respostas}
    assert sorted(lidas) == [0, 1, 2, 3, 4, 10]
    for k in range(5):
        assert lidas[k]["tipo"] == "recusa"
        assert lidas[k]["motivos"][0]["codigo"].startswith("formato:")
    assert lidas[10]["tipo"] == "decisao"


def test_so_age_onde_a_conta_e_nossa() -> None:
    alheio = pix(0, 600_000).valor.replace(b'"99999010"', b'"99999077"')
    (resposta,) = responder([pix(0, valor=alheio)], baldes=1)
    assert resposta["acao"] == "APROVAR"


def test_o_resumo_conta_o_que_saiu() -> None:
    registros = [pix(0, enviado_us=AGORA_US - 250_000), pix(2, 600_000, enviado_us=None), pix(4, valor=b"x")]
    (saidas,) = passar(registros, baldes=1, controle=ativacao())
    resumo = DECISOR.responder(reunir(PADRAO, saidas).inteiro(), 7, AGORA_US).resumo
    assert set(resumo) == set(RESUMO)
    assert (resumo["linhas"], resumo["destino_decidido"], resumo["destino_quarentena"]) == (3, 2, 1)
    assert (resumo["acao_APROVAR"], resumo["acao_REJEITAR"], resumo["barrado_centavos"]) == (1, 1, 600_000)
    assert (resumo["latencia_linhas"], resumo["latencia_soma_ms"]) == (1, 250.0)
    assert (resumo["latencia_ate_100_ms"], resumo["latencia_ate_250_ms"], resumo["latencia_ate_30000_ms"]) == (0, 1, 1)
    assert (resumo["sem_modelo"], resumo["modelo_maior"], resumo["pontuacao_linhas"]) == (2, None, 0)
    assert resumo["regras_menor"] == resumo["regras_maior"] == ler(REGRAS).versao


def test_falta_de_um_toque_derruba_o_lote_em_vez_de_decidir_pela_metade() -> None:
    (saidas,) = passar([pix(0)], baldes=1, controle=ativacao())
    sem_medidas = [s._replace(medidas=b"") for s in saidas]
    with pytest.raises(RuntimeError, match="sem o toque"):
        reunir(PADRAO, sem_medidas)
    sem_eventos = [s._replace(eventos=b"") for s in saidas]
    with pytest.raises(RuntimeError, match="sem o seu Pix"):
        reunir(PADRAO, sem_eventos)


def test_regras_do_repositorio_compilam() -> None:
    conjunto = ler((RAIZ_PROJETO / "machine_learning" / "regras.yaml").read_text())
    assert {regra.id for regra in conjunto.regras} == set(conjunto.ids)
    assert set(conjunto.colunas) <= {*NOMES, "valor", "pontuacao", "probabilidade", "pagador_nosso", "recebedor_nosso"}
