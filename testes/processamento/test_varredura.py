"""A leitura nativa do JSON: o que está na forma comum é lido, o resto fica marcado e nunca lido pela metade."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ingestao.esquema import LIMITE_REGISTRO_BYTES, Evento
from processamento import varredura
from processamento.varredura import OBJETO, Varrido
from testes.processamento.fabrica_eventos import evento, token

CAMPOS = varredura.campos_de(Evento)
PLANO = varredura.planejar(CAMPOS)
TEXTOS, INTEIROS = varredura.nomes_dos_textos(CAMPOS), varredura.nomes_dos_inteiros(CAMPOS)
CHEIO = evento(
    dispositivo={"id": token("ap"), "cadastrado": True, "dias_cadastro": 5, "emulador": False},
    sessao={"canal": "WHATSAPP", "duracao_segundos": 0, "preenchimento_segundos": 2_147_483_647},
    dict={"liquidacoes_d90": 12}, chave=token("k"), tipo_chave="EVP", txid="abc",
)


def ler(*registros: bytes) -> tuple[Varrido, bytes]:
    valores = pa.array(registros, pa.binary())
    _, limites, dados = valores.buffers()
    n = len(registros)
    v = Varrido(
        np.zeros((len(TEXTOS), n), np.int64), np.full((len(TEXTOS), n), -1, np.int64),
        np.full((len(INTEIROS), n), -1, np.int64), np.zeros(n, np.bool_),
    )
    varredura.varrer(
        np.frombuffer(dados, np.uint8), np.frombuffer(limites, np.int32)[: n + 1], np.ones(n, np.bool_),
        LIMITE_REGISTRO_BYTES, PLANO, v,
    )
    return v, bytes(dados)


def em_linha(dicionario: dict[str, Any]) -> bytes:
    return json.dumps(dicionario, separators=(",", ":")).encode()


def valor_em(dicionario: dict[str, Any], caminho: str) -> Any:
    for parte in caminho.split("."):
        dicionario = (dicionario or {}).get(parte)  # type: ignore[assignment]
    return dicionario


@pytest.mark.parametrize("separadores", [(",", ":"), (", ", ": ")])
def test_le_todos_os_campos_do_contrato(separadores: tuple[str, str]) -> None:
    v, dados = ler(json.dumps(CHEIO, separators=separadores).encode())
    assert v.lidos.tolist() == [True]
    for i, caminho in enumerate(TEXTOS):
        esperado = valor_em(CHEIO, caminho)
        inicio, tamanho = int(v.inicio[i, 0]), int(v.tamanho[i, 0])
        assert (None if tamanho < 0 else dados[inicio : inicio + tamanho].decode()) == esperado, caminho
    opcoes = {campo.caminho: campo.opcoes for campo in CAMPOS}
    for i, caminho in enumerate(INTEIROS):
        esperado = valor_em(CHEIO, caminho)
        lido = int(v.inteiros[i, 0])
        if isinstance(esperado, str):
            esperado = opcoes[caminho].index(esperado)
        assert lido == (-1 if esperado is None else int(esperado)), caminho


def test_cobre_cada_campo_do_contrato_uma_vez() -> None:
    simples = [campo.caminho for campo in CAMPOS if campo.tipo != OBJETO]
    assert sorted(simples) == sorted([*TEXTOS, *INTEIROS])
    assert {c.filho for c in CAMPOS if c.tipo == OBJETO} == set(range(1, PLANO.objeto.shape[0]))


def test_a_ordem_dos_campos_e_os_desconhecidos_simples_nao_importam() -> None:
    virado = {nome: CHEIO[nome] for nome in reversed(CHEIO)}
    virado["pagador"] = {nome: virado["pagador"][nome] for nome in reversed(virado["pagador"])} | {"apelido": "x"}
    com_mais = {"a": None, "b": True, **virado, "c": 12, "d": "texto, } solto: [1]", "e": False}
    v, dados = ler(em_linha(com_mais))
    assert v.lidos.all()
    conta = TEXTOS.index("pagador.conta")
    inicio = int(v.inicio[conta, 0])
    assert dados[inicio : inicio + int(v.tamanho[conta, 0])].decode() == CHEIO["pagador"]["conta"]


BASE = em_linha(CHEIO)
INCOMUNS = {
    "chave repetida": BASE[:-1] + b',"valor":"1.00"}',
    "objeto repetido": BASE[:-1] + b',"dict":{}}',
    "escape": BASE.replace(b"WHATSAPP", b"WHATSAP\\u0050"),
    "não ASCII": BASE[:-1] + ',"nota":"pão"}'.encode(),
    "linha nova": BASE.replace(b",", b",\n", 1),
    "lista": BASE[:-1] + b',"nota":[1]}',
    "objeto desconhecido": BASE[:-1] + b',"nota":{"a":1}}',
    "fração": BASE.replace(b'"liquidacoes_d90":12', b'"liquidacoes_d90":12.0'),
    "expoente": BASE.replace(b'"liquidacoes_d90":12', b'"liquidacoes_d90":1e2'),
    "zero à esquerda": BASE.replace(b'"liquidacoes_d90":12', b'"liquidacoes_d90":012'),
    "negativo": BASE.replace(b'"liquidacoes_d90":12', b'"liquidacoes_d90":-1'),
    "acima do máximo": BASE.replace(b"2147483647", b"2147483648"),
    "longo demais": BASE.replace(b"2147483647", b"99999999999999999999"),
    "lógico em texto": BASE.replace(b'"emulador":false', b'"emulador":"false"'),
    "inteiro em lógico": BASE.replace(b'"emulador":false', b'"emulador":0'),
    "lógico em inteiro": BASE.replace(b'"liquidacoes_d90":12', b'"liquidacoes_d90":true'),
    "opção que não existe": BASE.replace(b"WHATSAPP", b"TELEGRAM"),
    "nulo onde não pode": BASE.replace(b'"finalidade":"IPAY"', b'"finalidade":null'),
    "falta um exigido": BASE.replace(b'"finalidade":"IPAY",', b""),
    "objeto em texto": BASE.replace(b'"finalidade":"IPAY"', b'"finalidade":{}'),
    "texto em objeto": BASE[: BASE.index(b'"dict"')] + b'"dict":"x"}',
    "literal cortado": BASE[: BASE.rindex(b"12")] + b"tru}}",
    "vírgula sobrando": BASE[:-1] + b",}",
    "vírgula no começo": b"{," + BASE[1:],
    "sem vírgula": BASE.replace(b'","', b'""', 1),
    "sem dois-pontos": BASE.replace(b'":"', b'""', 1),
    "sobra depois": BASE + b"x",
    "fecha a mais": BASE + b"}",
    "não fecha": BASE[:-1],
    "aspas abertas": BASE[:-1] + b',"a',
    "só espaços": b"   ",
    "lista por fora": b"[" + BASE + b"]",
    "grande": BASE + b" " * LIMITE_REGISTRO_BYTES,
}


@pytest.mark.parametrize("nome", INCOMUNS)
def test_o_incomum_fica_para_o_validador_de_um(nome: str) -> None:
    assert INCOMUNS[nome] != BASE
    v, _ = ler(BASE, INCOMUNS[nome], BASE)
    assert v.lidos.tolist() == [True, False, True]


@pytest.mark.parametrize("corte", range(1, len(BASE)))
def test_um_registro_cortado_nunca_e_lido(corte: int) -> None:
    assert not ler(BASE[:corte])[0].lidos[0]
