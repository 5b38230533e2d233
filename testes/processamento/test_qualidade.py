import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestao.esquema import LIMITE_REGISTRO_BYTES, Dict, Dispositivo, Evento, Sessao
from processamento.motivos_quarentena import MotivoQuarentena as M
from processamento.normalizado import Normalizado, RotuloNormalizado
from processamento.protecao import SEM_ENTIDADE, Tokenizador, id_entidade, id_evento
from processamento.qualidade import Recusa, avaliar, avaliar_rotulo, fora_da_tolerancia, recusa_por_divergencia
from testes.processamento.fabrica_eventos import CHAVE, CNPJS, CPFS, ID, em_bytes, evento, parte, rotulo, token

TOKENIZADOR = Tokenizador(CHAVE, "v1")
HORA_US = 3_600_000_000


def avaliado(**mudancas: Any) -> Normalizado | Recusa:
    return avaliar(em_bytes(evento(**mudancas)), TOKENIZADOR)


def valido(**mudancas: Any) -> Normalizado:
    saida = avaliado(**mudancas)
    assert isinstance(saida, Normalizado), saida
    return saida


def recusado(**mudancas: Any) -> tuple[str, str]:
    saida = avaliado(**mudancas)
    assert isinstance(saida, Recusa), saida
    return saida.motivo, saida.campo


def test_pix_em_tokens_sai_normalizado() -> None:
    pix = valido()
    assert pix.id_fim_a_fim == ID
    assert pix.id_evento == id_evento(ID)
    assert pix.instante_us == 1_795_185_012_345_000
    assert pix.valor_centavos == 15_025
    assert (pix.pagador_conta, pix.pagador_id) == (token("ana"), id_entidade(token("ana")))
    assert (pix.recebedor_ispb, pix.recebedor_documento) == ("99999020", token("dbia"))
    assert (pix.dispositivo, pix.dispositivo_id) == (None, SEM_ENTIDADE)
    assert pix.data == 20_777


def test_os_grupos_opcionais_saem_achatados_na_ordem_do_contrato() -> None:
    pix = valido(
        dispositivo={"id": "ap-1", "cadastrado": True, "dias_cadastro": 5, "chamada_ativa": False},
        sessao={"canal": "APP", "duracao_segundos": 90, "limite_aumentado_horas": 3},
        dict={"idade_chave_dias": 7, "reivindicacao_aberta": True},
        pagador=parte("ana", idade_conta_dias=40),
    )
    assert pix.dispositivo == TOKENIZADOR.dispositivo("ap-1")
    assert pix.dispositivo_id == id_entidade(TOKENIZADOR.dispositivo("ap-1"))
    assert (pix.disp_cadastrado, pix.disp_dias_cadastro, pix.disp_acesso_remoto) == (True, 5, None)
    assert (pix.sessao_canal, pix.sessao_duracao_segundos, pix.sessao_limite_aumentado_horas) == ("APP", 90, 3)
    assert (pix.dict_idade_chave_dias, pix.dict_reivindicacao_aberta) == (7, True)
    assert (pix.pagador_idade_conta_dias, pix.recebedor_idade_conta_dias) == (40, None)


def test_os_nomes_achatados_sao_os_do_contrato() -> None:
    campos = Normalizado._fields
    assert [c for c in campos if c.startswith("disp_")] == [f"disp_{c}" for c in Dispositivo.__struct_fields__[1:]]
    assert [c for c in campos if c.startswith("sessao_")] == [f"sessao_{c}" for c in Sessao.__struct_fields__]
    assert [c for c in campos if c.startswith("dict_")] == [f"dict_{c}" for c in Dict.__struct_fields__]


def test_dado_claro_e_conferido_e_vira_token() -> None:
    pix = valido(
        pagador=parte("ana", conta="12345X", documento=CPFS[0]),
        recebedor=parte("bia", conta="9", agencia=None, documento=CNPJS[1], tipo_pessoa="PJ"),
        chave="ana@exemplo.invalid", tipo_chave="EMAIL",
    )  # fmt: skip
    assert pix.pagador_conta == TOKENIZADOR.conta("99999010", "0001", "12345X")
    assert pix.pagador_documento == TOKENIZADOR.documento(CPFS[0])
    assert pix.recebedor_documento == TOKENIZADOR.documento(CNPJS[1])
    assert pix.chave == TOKENIZADOR.chave_pix("EMAIL", "ana@exemplo.invalid")
    assert CPFS[0] not in repr(pix)


def test_campos_desconhecidos_sao_aceitos() -> None:
    assert valido(novidade={"a": [1, 2, {"b": None}]}) == valido()
    assert valido(pagador=parte("ana", apelido="x")) == valido()


@pytest.mark.parametrize("versao", ["1", "1.0", "1.12"])
def test_versoes_da_linha_1_sao_aceitas(versao: str) -> None:
    assert valido(versao_esquema=versao) == valido()


@pytest.mark.parametrize("versao", ["2", "", "10", "1.", "1.x", "v1", "1\n"])
def test_outras_versoes_sao_recusadas(versao: str) -> None:
    assert recusado(versao_esquema=versao) == (M.VERSAO_DESCONHECIDA, "versao_esquema")


def test_versao_futura_que_nao_cabe_nos_nossos_tipos_e_recusada_pela_versao() -> None:
    futuro = em_bytes({"versao_esquema": "2", "valor": 12})
    assert avaliar(futuro, TOKENIZADOR)[0] == M.VERSAO_DESCONHECIDA


COMPLETO = em_bytes(evento())
BYTES_RUINS: list[tuple[bytes | None, M, str]] = [
    (None, M.NULO, ""),
    (b"", M.VAZIO, ""),
    (b"   ", M.JSON_TRUNCADO, ""),
    (b"isto nao e json", M.JSON_INVALIDO, ""),
    (b"<xml/>", M.JSON_INVALIDO, ""),
    (COMPLETO[:-1], M.JSON_TRUNCADO, ""),
    (COMPLETO[: len(COMPLETO) // 2], M.JSON_TRUNCADO, ""),
    (COMPLETO + COMPLETO, M.JSON_INVALIDO, ""),
    (b"\xef\xbb\xbf" + COMPLETO, M.JSON_INVALIDO, ""),
    (b"\xff\xfe" + COMPLETO, M.CODIFICACAO_INVALIDA, ""),
    (COMPLETO.replace(b"150.25", b"150\xff25"), M.CODIFICACAO_INVALIDA, ""),
    (b"null", M.TIPO_INVALIDO, ""),
    (b"[]", M.TIPO_INVALIDO, ""),
    (b"1e308", M.TIPO_INVALIDO, ""),
    (b"NaN", M.JSON_INVALIDO, ""),
    (COMPLETO[:-1] + b',"x":NaN}', M.JSON_INVALIDO, ""),
    (COMPLETO[:-1] + b',"x":Infinity}', M.JSON_INVALIDO, ""),
    (COMPLETO[:-1] + b',"x":-Infinity}', M.JSON_INVALIDO, ""),
    (COMPLETO[:-1] + b',"x":' + b"[" * 40 + b"]" * 40 + b"}", M.PROFUNDIDADE_EXCEDIDA, ""),
    (b"[" * 60_000, M.PROFUNDIDADE_EXCEDIDA, ""),
    (b" " * (LIMITE_REGISTRO_BYTES + 1), M.TAMANHO_EXCEDIDO, ""),
    (b"{}", M.CAMPO_AUSENTE, "id_fim_a_fim"),
]  # fmt: skip


@pytest.mark.parametrize(("valor", "motivo", "campo"), BYTES_RUINS)
def test_bytes_ruins_tem_seu_motivo(valor: bytes | None, motivo: M, campo: str) -> None:
    saida = avaliar(valor, TOKENIZADOR)
    assert isinstance(saida, Recusa)
    assert (saida.motivo, saida.campo) == (motivo, campo)


def test_no_limite_de_tamanho_ainda_e_aceito() -> None:
    folga = LIMITE_REGISTRO_BYTES - len(COMPLETO)
    assert isinstance(avaliar(COMPLETO + b" " * folga, TOKENIZADOR), Normalizado)
    assert avaliar(COMPLETO + b" " * (folga + 1), TOKENIZADOR)[0] == M.TAMANHO_EXCEDIDO


def test_muitos_objetos_rasos_nao_sao_profundos() -> None:
    assert valido(lista=[{"a": [1]}] * 100) == valido()


@pytest.mark.parametrize("pilha", [10, 400, 700])
def test_a_resposta_nao_depende_da_pilha_de_quem_chama(pilha: int) -> None:
    def descer(n: int) -> Any:
        return (
            avaliar(COMPLETO[:-1] + b',"x":' + b"[" * 31 + b"]" * 31 + b"}", TOKENIZADOR) if n == 0 else descer(n - 1)
        )

    assert isinstance(descer(pilha), Normalizado)


CAMPOS_RUINS: list[tuple[dict[str, Any], M, str]] = [
    ({"valor": 150.25}, M.TIPO_INVALIDO, "valor"),
    ({"pagador": "ana"}, M.TIPO_INVALIDO, "pagador"),
    ({"pagador": parte("ana", ispb=99999010)}, M.TIPO_INVALIDO, "pagador.ispb"),
    ({"dispositivo": {"id": "a", "cadastrado": "sim"}}, M.TIPO_INVALIDO, "dispositivo.cadastrado"),
    ({"sessao": {"duracao_segundos": 1.5}}, M.TIPO_INVALIDO, "sessao.duracao_segundos"),
    ({"valor": None}, M.CAMPO_AUSENTE, "valor"),
    ({"pagador": {"ispb": "99999010"}}, M.CAMPO_AUSENTE, "pagador.conta"),
    ({"finalidade": "XPTO"}, M.DOMINIO_INVALIDO, "finalidade"),
    ({"pagador": parte("ana", tipo_conta="XXXX")}, M.DOMINIO_INVALIDO, "pagador.tipo_conta"),
    ({"dict": {"liquidacoes_d90": -1}}, M.FAIXA_INVALIDA, "dict.liquidacoes_d90"),
    ({"dict": {"liquidacoes_d90": 2**31}}, M.FAIXA_INVALIDA, "dict.liquidacoes_d90"),
    ({"dict": {"liquidacoes_d90": 10**40}}, M.FAIXA_INVALIDA, "dict.liquidacoes_d90"),
    ({"recebedor": parte("bia", idade_conta_dias=-3)}, M.FAIXA_INVALIDA, "recebedor.idade_conta_dias"),
    ({"id_fim_a_fim": ID[:-1]}, M.ID_INVALIDO, "id_fim_a_fim"),
    ({"id_fim_a_fim": ID + "\n"}, M.ID_INVALIDO, "id_fim_a_fim"),
    ({"id_fim_a_fim": "D" + ID[1:]}, M.ID_INVALIDO, "id_fim_a_fim"),
    ({"id_fim_a_fim": "E99999010202613201430abcDEF12345"}, M.ID_DATA_IMPOSSIVEL, "id_fim_a_fim"),
    ({"id_fim_a_fim": "E99999010202611321430abcDEF12345"}, M.ID_DATA_IMPOSSIVEL, "id_fim_a_fim"),
    ({"id_fim_a_fim": "E99999010202602301430abcDEF12345"}, M.ID_DATA_IMPOSSIVEL, "id_fim_a_fim"),
    ({"instante": "2026-11-20T14:30:12Z"}, M.INSTANTE_INVALIDO, "instante"),
    ({"instante": "2026-13-20T14:30:12.000Z"}, M.INSTANTE_INVALIDO, "instante"),
    ({"instante": "2026-11-21T02:30:00.001Z"}, M.INSTANTE_FORA_DO_ID, "instante"),
    ({"instante": "2026-11-20T02:29:59.999Z"}, M.INSTANTE_FORA_DO_ID, "instante"),
    ({"valor": "1.000"}, M.VALOR_INVALIDO, "valor"),
    ({"valor": "-10.00"}, M.VALOR_INVALIDO, "valor"),
    ({"valor": "10"}, M.VALOR_INVALIDO, "valor"),
    ({"valor": "0.00"}, M.VALOR_NAO_POSITIVO, "valor"),
    ({"pagador": parte("ana", ispb="9999901")}, M.ISPB_INVALIDO, "pagador.ispb"),
    ({"recebedor": parte("bia", ispb="9999902a")}, M.ISPB_INVALIDO, "recebedor.ispb"),
    ({"pagador": parte("ana", agencia="00010")}, M.AGENCIA_INVALIDA, "pagador.agencia"),
    ({"pagador": parte("ana", conta="123-4")}, M.CONTA_INVALIDA, "pagador.conta"),
    ({"pagador": parte("ana", conta="tok:v1:curto")}, M.CONTA_INVALIDA, "pagador.conta"),
    ({"pagador": parte("ana", documento="123")}, M.DOCUMENTO_INVALIDO, "pagador.documento"),
    ({"pagador": parte("ana", documento="tok:v1:curto")}, M.DOCUMENTO_INVALIDO, "pagador.documento"),
    ({"pagador": parte("ana", documento="52998224724")}, M.DOCUMENTO_DIGITO, "pagador.documento"),
    ({"pagador": parte("ana", documento="11222333000182", tipo_pessoa="PJ")}, M.DOCUMENTO_DIGITO, "pagador.documento"),
    ({"pagador": parte("ana", documento=CNPJS[0])}, M.DOCUMENTO_TIPO, "pagador.documento"),
    ({"recebedor": parte("bia", documento=CPFS[0], tipo_pessoa="PJ")}, M.DOCUMENTO_TIPO, "recebedor.documento"),
    ({"chave": CPFS[0]}, M.CHAVE_INCOERENTE, "chave"),
    ({"tipo_chave": "CPF"}, M.CHAVE_INCOERENTE, "chave"),
    ({"chave": "52998224724", "tipo_chave": "CPF"}, M.CHAVE_INVALIDA, "chave"),
    ({"chave": "tok:v1:curto", "tipo_chave": "EMAIL"}, M.CHAVE_INVALIDA, "chave"),
    ({"txid": ""}, M.TXID_INVALIDO, "txid"),
    ({"txid": "a" * 36}, M.TXID_INVALIDO, "txid"),
    ({"txid": "com espaço"}, M.TXID_INVALIDO, "txid"),
    ({"dispositivo": {"id": ""}}, M.DISPOSITIVO_INVALIDO, "dispositivo.id"),
    ({"dispositivo": {"id": "a b"}}, M.DISPOSITIVO_INVALIDO, "dispositivo.id"),
]  # fmt: skip


@pytest.mark.parametrize(("mudancas", "motivo", "campo"), CAMPOS_RUINS)
def test_campo_ruim_tem_motivo_e_culpado(mudancas: dict[str, Any], motivo: M, campo: str) -> None:
    assert recusado(**mudancas) == (motivo, campo)


@pytest.mark.parametrize("instante", ["2026-11-21T02:30:00.000Z", "2026-11-20T02:30:00.000Z"])
def test_doze_horas_cravadas_do_id_ainda_valem(instante: str) -> None:
    assert valido(instante=instante).data == 20_777


CLARO = "52998224724"


@pytest.mark.parametrize(
    "mudancas",
    [
        {"pagador": parte("ana", documento=CLARO)},
        {"pagador": parte("ana", tipo_conta=CLARO)},
        {"sessao": {"canal": CLARO}},
        {"valor": CLARO},
        {"id_fim_a_fim": CLARO},
        {"chave": CLARO, "tipo_chave": "CPF"},
        {"versao_esquema": CLARO},
        {CLARO: 1, "valor": None},
        {"txid": CLARO + "!"},
    ],
)
def test_o_detalhe_da_recusa_nunca_repete_o_que_chegou(mudancas: dict[str, Any]) -> None:
    saida = avaliado(**mudancas)
    assert isinstance(saida, Recusa)
    assert CLARO not in "".join(saida)
    assert saida.detalhe


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_bytes_quaisquer_nunca_levantam(valor: bytes) -> None:
    assert isinstance(avaliar(valor, TOKENIZADOR), Recusa)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda filho: st.lists(filho, max_size=3) | st.dictionaries(st.text(max_size=6), filho, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300)
@given(campo=st.sampled_from(Evento.__struct_fields__), valor=JSON)
def test_qualquer_valor_em_qualquer_campo_so_aceita_ou_recusa(campo: str, valor: Any) -> None:
    bruto = json.dumps({**evento(), campo: valor}).encode()
    assert isinstance(avaliar(bruto, TOKENIZADOR), Normalizado | Recusa)
    assert avaliar(bruto, TOKENIZADOR) == avaliar(bruto, TOKENIZADOR)


@settings(max_examples=200)
@given(posicao=st.integers(0, len(COMPLETO) - 1), troca=st.binary(min_size=0, max_size=2))
def test_um_registro_arranhado_nunca_levanta(posicao: int, troca: bytes) -> None:
    bruto = COMPLETO[:posicao] + troca + COMPLETO[posicao + 1 :]
    assert isinstance(avaliar(bruto, TOKENIZADOR), Normalizado | Recusa)


def test_rotulo_normalizado_diz_se_e_fraude() -> None:
    confirmado = avaliar_rotulo(em_bytes(rotulo(dispositivo=token("ap"))))
    negado = avaliar_rotulo(em_bytes(rotulo(resultado="DISAGREED")))
    assert isinstance(confirmado, RotuloNormalizado)
    assert isinstance(negado, RotuloNormalizado)
    assert (confirmado.fraude, negado.fraude) == (True, False)
    assert confirmado.conhecido_em_us - confirmado.instante_us > 4 * 24 * HORA_US
    assert confirmado.dispositivo_id == id_entidade(token("ap"))
    assert negado.dispositivo_id == SEM_ENTIDADE
    assert confirmado.data == 20_777


@pytest.mark.parametrize(
    ("mudancas", "motivo", "campo"),
    [
        ({"pagador_conta": "123456"}, M.CONTA_INVALIDA, "pagador_conta"),
        ({"recebedor_conta": "123456"}, M.CONTA_INVALIDA, "recebedor_conta"),
        ({"dispositivo": "aparelho"}, M.DISPOSITIVO_INVALIDO, "dispositivo"),
        ({"conhecido_em": "2026-11-20T14:30:12.344Z"}, M.INSTANTE_INVALIDO, "conhecido_em"),
        ({"conhecido_em": "ontem"}, M.INSTANTE_INVALIDO, "conhecido_em"),
        ({"classe": "GOLPE"}, M.DOMINIO_INVALIDO, "classe"),
        ({"resultado": None}, M.CAMPO_AUSENTE, "resultado"),
        ({"tipologia": "Maria da Silva"}, M.TIPOLOGIA_INVALIDA, "tipologia"),
        ({"id_fim_a_fim": "E99999010202613201430abcDEF12345"}, M.ID_DATA_IMPOSSIVEL, "id_fim_a_fim"),
        ({"versao_esquema": "3"}, M.VERSAO_DESCONHECIDA, "versao_esquema"),
    ],
)
def test_rotulo_ruim_tem_motivo_e_culpado(mudancas: dict[str, Any], motivo: M, campo: str) -> None:
    saida = avaliar_rotulo(em_bytes(rotulo(**mudancas)))
    assert isinstance(saida, Recusa)
    assert (saida.motivo, saida.campo) == (motivo, campo)


def test_tolerancia_de_relogio_so_vale_ao_vivo() -> None:
    agora = 1_795_185_012_345_000
    casos = [
        (agora, agora + 12 * HORA_US, "vivo", False),
        (agora, agora + 12 * HORA_US + 1, "vivo", True),
        (agora + 12 * HORA_US + 1, agora, "vivo", True),
        *((agora, agora + 9_999 * HORA_US, origem, False) for origem in ("historico", "importado", "simulado")),
    ]
    instante, kafka, origem, esperado = zip(*casos, strict=True)
    assert fora_da_tolerancia(np.array(instante), np.array(kafka), pa.array(origem)).tolist() == list(esperado)
    assert recusa_por_divergencia().motivo == M.INSTANTE_DIVERGENTE


def test_os_motivos_sao_uma_lista_fechada_de_rotulos_de_metrica() -> None:
    assert all(motivo.value == motivo.name.lower() for motivo in M)
    provados = {m for _, m, _ in BYTES_RUINS} | {m for _, m, _ in CAMPOS_RUINS}
    assert set(M) - provados == {M.VERSAO_DESCONHECIDA, M.INSTANTE_DIVERGENTE, M.TIPOLOGIA_INVALIDA}
