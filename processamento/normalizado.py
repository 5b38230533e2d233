"""As duas tuplas que saem do validador, na ordem das colunas da prata (`processamento.esquema`)."""

from __future__ import annotations

from typing import NamedTuple


class Normalizado(NamedTuple):
    """Um Pix válido: centavos, µs UTC, tokens e seus inteiros. `data` em dias desde 1970; `dispositivo_id` 0 = sem."""

    id_fim_a_fim: str
    id_evento: int
    instante_us: int
    valor_centavos: int
    pagador_conta: str
    pagador_id: int
    pagador_ispb: str
    pagador_tipo_conta: str
    pagador_tipo_pessoa: str
    pagador_documento: str
    pagador_idade_conta_dias: int | None
    recebedor_conta: str
    recebedor_id: int
    recebedor_ispb: str
    recebedor_tipo_conta: str
    recebedor_tipo_pessoa: str
    recebedor_documento: str
    recebedor_idade_conta_dias: int | None
    forma_de_iniciacao: str
    finalidade: str
    chave: str | None
    tipo_chave: str | None
    txid_presente: bool
    dispositivo: str | None
    dispositivo_id: int
    disp_cadastrado: bool | None
    disp_dias_cadastro: int | None
    disp_acesso_remoto: bool | None
    disp_emulador: bool | None
    disp_chamada_ativa: bool | None
    sessao_canal: str | None
    sessao_duracao_segundos: int | None
    sessao_preenchimento_segundos: int | None
    sessao_colou_chave: bool | None
    sessao_falhas_autenticacao_24h: int | None
    sessao_troca_senha_24h: bool | None
    sessao_troca_chip_72h: bool | None
    sessao_limite_aumentado_horas: int | None
    dict_idade_chave_dias: int | None
    dict_idade_conta_dias: int | None
    dict_marcas_fraude_d90: int | None
    dict_relatos_abertos: int | None
    dict_relatos_rejeitados_d90: int | None
    dict_contas_distintas_d90: int | None
    dict_liquidacoes_d90: int | None
    dict_reivindicacao_aberta: bool | None
    data: int


class RotuloNormalizado(NamedTuple):
    """Um desfecho válido; `fraude` só quando `resultado` é `AGREED`. `data` é o dia do pagamento, desde 1970."""

    id_fim_a_fim: str
    id_evento: int
    instante_us: int
    conhecido_em_us: int
    pagador_conta: str
    pagador_id: int
    recebedor_conta: str
    recebedor_id: int
    dispositivo: str | None
    dispositivo_id: int
    classe: str
    resultado: str
    fraude: bool
    tipologia: str | None
    data: int
