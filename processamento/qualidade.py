"""O validador único: bytes do Kafka → Pix normalizado ou recusa com motivo (puro, sem relógio, sem Spark).

Serve aos dois caminhos, lago e decisão, com a mesma resposta para os mesmos bytes. O detalhe de uma recusa diz só o
campo e o que se esperava; o que foi recebido nunca aparece, porque pode ser dado pessoal. Campos desconhecidos são
aceitos (ficam na bronze). Versões `1` e `1.x` são aceitas, porque dentro da 1 o contrato só cresce; outra é recusada.
"""

from __future__ import annotations

from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ingestao.esquema import Dict, Dispositivo, Evento, Parte, Rotulo, Sessao
from processamento import formatos
from processamento.leitura import ler
from processamento.motivos_quarentena import MotivoQuarentena, Recusa, Recusado
from processamento.normalizado import Normalizado, RotuloNormalizado
from processamento.protecao import PREFIXO_TOKEN, SEM_ENTIDADE, Tokenizador, eh_token, id_entidade, id_evento

__all__ = [
    "MotivoQuarentena",
    "Normalizado",
    "Recusa",
    "RotuloNormalizado",
    "avaliar",
    "avaliar_rotulo",
    "fora_da_tolerancia",
    "recusa_por_divergencia",
]

M = MotivoQuarentena
TOLERANCIA_US: Final = 12 * 3_600 * formatos.MICROS_SEGUNDO
"""±12 h entre o carimbo do id e o instante, e entre o instante e o relógio do broker. Fonte: SPI, erro FF08."""
DESFECHO_FRAUDE: Final = "AGREED"
_PARTES_NA_MEMORIA: Final = 1 << 16

LEITOR_EVENTO: Final = msgspec.json.Decoder(Evento)
_LEITOR_ROTULO: Final = msgspec.json.Decoder(Rotulo)
_DO_DISPOSITIVO = attrgetter(*Dispositivo.__struct_fields__[1:])
_DA_SESSAO = attrgetter(*Sessao.__struct_fields__)
_DO_DICT = attrgetter(*Dict.__struct_fields__)
_SEM_DISPOSITIVO: Final = (None, SEM_ENTIDADE, *(None,) * (len(Dispositivo.__struct_fields__) - 1))
_SEM_SESSAO: Final = (None,) * len(Sessao.__struct_fields__)
_SEM_DICT: Final = (None,) * len(Dict.__struct_fields__)


def avaliar(valor: bytes | None, tokenizador: Tokenizador) -> Normalizado | Recusa:
    """Um registro de `pix.eventos` → o Pix normalizado, ou a recusa com o primeiro motivo encontrado.

    O que chega como token passa como está; o que chega claro é conferido (dígitos verificadores) e trocado por token.
    """
    try:
        evento = ler(valor, LEITOR_EVENTO)
        return _normalizar(evento, tokenizador)
    except Recusado as recusado:
        return recusado.recusa


def avaliar_rotulo(valor: bytes | None) -> RotuloNormalizado | Recusa:
    """Um registro de `pix.rotulos` → o desfecho normalizado, ou a recusa. Conta ou dispositivo claros são recusados."""
    try:
        return _normalizar_rotulo(ler(valor, _LEITOR_ROTULO))
    except Recusado as recusado:
        return recusado.recusa


def fora_da_tolerancia(
    instante_us: NDArray[np.int64], kafka_us: NDArray[np.int64], origem: pa.StringArray
) -> NDArray[np.bool_]:
    """Quais Pix ao vivo têm o instante afastado do carimbo do Kafka além da tolerância.

    Só vale para `vivo`: história importada ou simulada anda no relógio dela. Os dois caminhos usam esta função.
    """
    vivos = pc.equal(origem, "vivo").to_numpy(zero_copy_only=False)
    return np.asarray(vivos & (np.abs(instante_us - kafka_us) > TOLERANCIA_US))


def recusa_por_divergencia() -> Recusa:
    """A recusa de quem `fora_da_tolerancia` apontou."""
    return Recusado(M.INSTANTE_DIVERGENTE, "instante", "até 12 h do carimbo do Kafka").recusa


def _normalizar(evento: Evento, tokenizador: Tokenizador) -> Normalizado:
    instante, data = _conferir_tempo(evento.id_fim_a_fim, evento.instante)
    centavos = formatos.centavos(evento.valor)
    if centavos is None:
        raise Recusado(M.VALOR_INVALIDO, "valor", "R$ em texto, 1 a 10 dígitos, ponto e 2 casas")
    if centavos == 0:
        raise Recusado(M.VALOR_NAO_POSITIVO, "valor", "maior que 0.00")
    if evento.txid is not None and not formatos.TXID.fullmatch(evento.txid):
        raise Recusado(M.TXID_INVALIDO, "txid", "1 a 35 letras e dígitos")
    aparelho, sessao, consulta = evento.dispositivo, evento.sessao, evento.dict
    return Normalizado._make((
        evento.id_fim_a_fim, id_evento(evento.id_fim_a_fim), instante, centavos,
        *normalizar_parte("pagador", evento.pagador, tokenizador),
        *normalizar_parte("recebedor", evento.recebedor, tokenizador),
        evento.forma_de_iniciacao, evento.finalidade,
        normalizar_chave(evento, tokenizador), evento.tipo_chave, evento.txid is not None,
        *(_SEM_DISPOSITIVO if aparelho is None else normalizar_dispositivo(aparelho, tokenizador)),
        *(_SEM_SESSAO if sessao is None else _DA_SESSAO(sessao)),
        *(_SEM_DICT if consulta is None else _DO_DICT(consulta)),
        data,
    ))  # fmt: skip


def _normalizar_rotulo(rotulo: Rotulo) -> RotuloNormalizado:
    instante, data = _conferir_tempo(rotulo.id_fim_a_fim, rotulo.instante)
    conhecido = formatos.instante_us(rotulo.conhecido_em)
    if conhecido is None or conhecido < instante:
        raise Recusado(M.INSTANTE_INVALIDO, "conhecido_em", "RFC 3339 UTC com 3 casas, não anterior ao pagamento")
    for campo, token in (("pagador_conta", rotulo.pagador_conta), ("recebedor_conta", rotulo.recebedor_conta)):
        if not eh_token(token):
            raise Recusado(M.CONTA_INVALIDA, campo, "um token")
    if rotulo.dispositivo is not None and not eh_token(rotulo.dispositivo):
        raise Recusado(M.DISPOSITIVO_INVALIDO, "dispositivo", "um token")
    if rotulo.tipologia is not None and not formatos.NOME.fullmatch(rotulo.tipologia):
        raise Recusado(M.TIPOLOGIA_INVALIDA, "tipologia", "1 a 64 letras, dígitos e _")
    return RotuloNormalizado(
        rotulo.id_fim_a_fim, id_evento(rotulo.id_fim_a_fim), instante, conhecido,
        rotulo.pagador_conta, id_entidade(rotulo.pagador_conta),
        rotulo.recebedor_conta, id_entidade(rotulo.recebedor_conta),
        rotulo.dispositivo, SEM_ENTIDADE if rotulo.dispositivo is None else id_entidade(rotulo.dispositivo),
        rotulo.classe, rotulo.resultado, rotulo.resultado == DESFECHO_FRAUDE, rotulo.tipologia, data,
    )  # fmt: skip


def _conferir_tempo(id_fim_a_fim: str, texto: str) -> tuple[int, int]:
    """O instante em µs e o dia do id (desde 1970), coerentes entre si."""
    if not formatos.ID_FIM_A_FIM.fullmatch(id_fim_a_fim):
        raise Recusado(M.ID_INVALIDO, "id_fim_a_fim", "E + ISPB + yyyyMMddHHmm + 11 letras e dígitos")
    minuto = formatos.minuto_do_id_us(id_fim_a_fim)
    if minuto is None:
        raise Recusado(M.ID_DATA_IMPOSSIVEL, "id_fim_a_fim", "um minuto que exista, em UTC")
    instante = formatos.instante_us(texto)
    if instante is None:
        raise Recusado(M.INSTANTE_INVALIDO, "instante", "RFC 3339 UTC com 3 casas e Z")
    if abs(instante - minuto) > TOLERANCIA_US:
        raise Recusado(M.INSTANTE_FORA_DO_ID, "instante", "até 12 h do carimbo do id_fim_a_fim")
    return instante, minuto // formatos.MICROS_DIA


def normalizar_parte(lado: str, parte: Parte, tokenizador: Tokenizador) -> tuple[Any, ...]:
    """As colunas de um lado. Contas em token, o caso comum, vêm da memória; as claras são conferidas a cada vez."""
    p = parte
    try:
        if p.conta.startswith(PREFIXO_TOKEN) and p.documento.startswith(PREFIXO_TOKEN):
            conta, entidade = _conferir_tokens(p.ispb, p.agencia, p.conta, p.documento)
            documento = p.documento
        else:
            _conferir_endereco(p.ispb, p.agencia, p.conta)
            _conferir_documento(p.documento, p.tipo_pessoa)
            conta = tokenizador.conta(p.ispb, p.agencia, p.conta)
            entidade, documento = id_entidade(conta), tokenizador.documento(p.documento)
    except Recusado as recusado:
        motivo, campo, detalhe = recusado.recusa
        recusado.recusa = Recusa(motivo, f"{lado}.{campo}", detalhe)
        raise
    return conta, entidade, p.ispb, p.tipo_conta, p.tipo_pessoa, documento, p.idade_conta_dias


@lru_cache(maxsize=_PARTES_NA_MEMORIA)
def _conferir_tokens(ispb: str, agencia: str | None, conta: str, documento: str) -> tuple[str, int]:
    _conferir_endereco(ispb, agencia, conta)
    if not eh_token(documento):
        raise Recusado(M.DOCUMENTO_INVALIDO, "documento", "CPF, CNPJ ou token")
    return conta, id_entidade(conta)


def _conferir_endereco(ispb: str, agencia: str | None, conta: str) -> None:
    if not formatos.ISPB.fullmatch(ispb):
        raise Recusado(M.ISPB_INVALIDO, "ispb", "8 caracteres 0-9A-Z")
    if agencia is not None and not formatos.AGENCIA.fullmatch(agencia):
        raise Recusado(M.AGENCIA_INVALIDA, "agencia", "1 a 4 dígitos, sem verificador")
    if not eh_token(conta) and not formatos.CONTA.fullmatch(conta):
        raise Recusado(M.CONTA_INVALIDA, "conta", "1 a 20 caracteres 0-9A-Z com verificador, ou token")


def _conferir_documento(documento: str, tipo_pessoa: str) -> None:
    if eh_token(documento):
        return
    if not formatos.tem_forma_de_documento(documento):
        raise Recusado(M.DOCUMENTO_INVALIDO, "documento", "CPF, CNPJ ou token")
    eh_pessoa = len(documento) == formatos.TAMANHO_CPF
    if eh_pessoa != (tipo_pessoa == "PF"):
        raise Recusado(M.DOCUMENTO_TIPO, "documento", "CPF com PF, CNPJ com PJ")
    if not (formatos.eh_cpf(documento) if eh_pessoa else formatos.eh_cnpj(documento)):
        raise Recusado(M.DOCUMENTO_DIGITO, "documento", "dígitos verificadores certos")


def normalizar_chave(evento: Evento, tokenizador: Tokenizador) -> str | None:
    chave, tipo = evento.chave, evento.tipo_chave
    if chave is None and tipo is None:
        return None
    if chave is None or tipo is None:
        raise Recusado(M.CHAVE_INCOERENTE, "chave", "chave e tipo_chave juntos")
    if eh_token(chave):
        return chave
    if not formatos.eh_chave_pix(tipo, chave):
        raise Recusado(M.CHAVE_INVALIDA, "chave", "a forma do tipo_chave (DICT), ou token")
    return tokenizador.chave_pix(tipo, chave)


def normalizar_dispositivo(aparelho: Dispositivo, tokenizador: Tokenizador) -> tuple[Any, ...]:
    if not formatos.DISPOSITIVO.fullmatch(aparelho.id):
        raise Recusado(M.DISPOSITIVO_INVALIDO, "dispositivo.id", "1 a 128 caracteres visíveis, ou token")
    token = tokenizador.dispositivo(aparelho.id)
    return token, id_entidade(token), *_DO_DISPOSITIVO(aparelho)
