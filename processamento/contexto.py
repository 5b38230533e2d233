"""O contexto de um Pix: as colunas da prata que os atributos leem como vieram na ordem, sem medir história.

Todas são contagens, lógicos ou textos de um domínio fechado; por isso viajam como int32, −1 = não informado.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

DOMINIOS: Final[dict[str, tuple[str, ...]]] = {
    "pagador_tipo_pessoa": ("PF", "PJ"),
    "recebedor_tipo_pessoa": ("PF", "PJ"),
    "pagador_tipo_conta": ("CACC", "SVGS", "TRAN", "SLRY", "OTHR"),
    "recebedor_tipo_conta": ("CACC", "SVGS", "TRAN", "SLRY", "OTHR"),
    "forma_de_iniciacao": ("MANU", "DICT", "QRES", "QRDN", "APES", "APDN", "INIC", "AUTO"),
    "finalidade": ("IPAY", "GSCB", "OTHR"),
    "tipo_chave": ("CPF", "CNPJ", "PHONE", "EMAIL", "EVP"),
    "sessao_canal": ("APP", "IB", "API", "WHATSAPP", "AGENCIA"),
}
"""Os textos que viram código, que é o seu lugar aqui; os de fora (devoluções) não se pontuam e viram nulo."""
_NUMERICAS: Final = (
    "pagador_idade_conta_dias", "recebedor_idade_conta_dias", "txid_presente",
    "disp_cadastrado", "disp_dias_cadastro", "disp_acesso_remoto", "disp_emulador", "disp_chamada_ativa",
    "sessao_duracao_segundos", "sessao_preenchimento_segundos", "sessao_colou_chave", "sessao_falhas_autenticacao_24h",
    "sessao_troca_senha_24h", "sessao_troca_chip_72h", "sessao_limite_aumentado_horas",
    "dict_idade_chave_dias", "dict_idade_conta_dias", "dict_marcas_fraude_d90", "dict_relatos_abertos",
    "dict_relatos_rejeitados_d90", "dict_contas_distintas_d90", "dict_liquidacoes_d90", "dict_reivindicacao_aberta",
)
CONTEXTO: Final[tuple[str, ...]] = (*DOMINIOS, *_NUMERICAS)
"""As colunas da prata que um atributo lê além das primitivas, na ordem em que viajam."""
NAO_INFORMADO: Final = -1


def contexto(colunas: Mapping[str, pa.Array]) -> NDArray[np.float64]:
    """As colunas `CONTEXTO` como float64 de forma (eventos, colunas); textos viram códigos, nulo vira NaN."""
    return em_reais(em_inteiros(colunas))


def em_inteiros(colunas: Mapping[str, pa.Array]) -> NDArray[np.int32]:
    """As colunas `CONTEXTO` como viajam: int32 de forma (eventos, colunas), `NAO_INFORMADO` onde é nulo."""
    saida = np.empty((len(CONTEXTO), len(colunas[CONTEXTO[0]])), np.int32)
    for j, nome in enumerate(CONTEXTO):
        saida[j] = _codigos(colunas[nome], DOMINIOS[nome]) if nome in DOMINIOS else _numeros(colunas[nome])
    return saida.T


def em_reais(inteiros: NDArray[np.int32]) -> NDArray[np.float64]:
    """De `em_inteiros` ao que as fórmulas leem."""
    saida = inteiros.astype(np.float64)
    saida[inteiros == NAO_INFORMADO] = np.nan
    return saida


def _codigos(coluna: pa.Array, dominio: tuple[str, ...]) -> NDArray[np.int32]:
    import pyarrow as pa  # noqa: PLC0415  roda no executor

    if not pa.types.is_dictionary(coluna.type):
        coluna = coluna.cast(pa.string()).dictionary_encode()
    lugar = {texto: i for i, texto in enumerate(dominio)}
    codigos = [*(lugar.get(texto, NAO_INFORMADO) for texto in coluna.dictionary.to_pylist()), NAO_INFORMADO]
    nulo = len(codigos) - 1
    lidos: NDArray[np.int32] = np.array(codigos, np.int32)[coluna.indices.fill_null(nulo).to_numpy()]
    return lidos


def _numeros(coluna: pa.Array) -> NDArray[np.int32]:
    import pyarrow as pa  # noqa: PLC0415  roda no executor

    numeros: NDArray[np.int32] = coluna.cast(pa.int32()).fill_null(NAO_INFORMADO).to_numpy()
    return numeros
