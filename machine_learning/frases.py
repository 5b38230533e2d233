"""Uma frase em português para cada atributo, com valor e sem ele: o vocabulário dos motivos.

Cada família de atributos tem um padrão de nome e suas frases. Os grupos do padrão viram palavras (`pag` → "pagador",
`24h` → "nas últimas 24 horas") e `{v}` é o valor já com unidade. Nenhuma frase leva dado pessoal: só medidas.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from machine_learning.unidades import (
    CENTAVOS_POR_REAL,
    Formato,
    contagem,
    desvios,
    dias,
    duracao,
    escolha,
    numero,
    porcento,
    reais,
    relogio,
    vezes,
)
from processamento.atributos import ATRIBUTOS, Atributo
from processamento.contexto import DOMINIOS

_NOMES_DE_CODIGO: Final[Mapping[str, str]] = {
    "PF": "pessoa física", "PJ": "pessoa jurídica", "CACC": "corrente", "SVGS": "poupança", "TRAN": "de pagamento",
    "SLRY": "salário", "OTHR": "de outro tipo", "MANU": "dados digitados", "DICT": "chave Pix", "QRES": "QR estático",
    "QRDN": "QR dinâmico", "APES": "aproximação estática", "APDN": "aproximação dinâmica", "INIC": "iniciador",
    "AUTO": "Pix Automático", "IPAY": "pagamento", "GSCB": "Pix Troco", "PHONE": "telefone", "EMAIL": "e-mail",
    "EVP": "aleatória", "APP": "aplicativo", "IB": "internet banking", "AGENCIA": "agência", "WHATSAPP": "WhatsApp",
}


def _codigo(nome: str) -> Formato:
    nomes = {**_NOMES_DE_CODIGO, **({"OTHR": "Pix Saque"} if nome == "finalidade" else {})}
    return escolha(*(nomes.get(codigo, codigo) for codigo in DOMINIOS[nome]))


MAIOR_LOG: Final = 25.0
"""Teto de ln(1+R$) em uma frase, acima do maior valor do contrato (10 dígitos): uma frase nunca lança."""
_PIX = contagem("Pix", "Pix")
_CONTAS = contagem("conta", "contas", "f")
_SEMANA = escolha("segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo")
_L, _F, _W = "(?P<q>pag|rec)", "(?P<f>saida|entrada)", "(?P<w>5min|1h|24h|7d|30d)"
_E, _A, _X, _J = "(?P<e>saida|entrada)", "(?P<a>saida|entrada)", "(saida|entrada)", "(?P<j>24h|7d|30d)"
_PALAVRAS: Final[Mapping[str, Mapping[str, str]]] = {
    "w": {"5min": "nos últimos 5 minutos", "1h": "na última hora", "24h": "nas últimas 24 horas",
          "7d": "nos últimos 7 dias", "30d": "nos últimos 30 dias"},
    "j": {"24h": "janela de 24 horas", "7d": "janela de 7 dias", "30d": "janela de 30 dias"},
    "q": {"pag": "o pagador", "rec": "o recebedor", "pagador": "o pagador", "recebedor": "o recebedor"},
    "f": {"saida": "fez", "entrada": "recebeu"},
    "e": {"saida": "enviou", "entrada": "recebeu"},
    "a": {"saida": "fez Pix a", "entrada": "recebeu Pix de"},
}
"""O que cada grupo do padrão vira dentro da frase."""


class Familia(NamedTuple):
    """Atributos de mesmo padrão de nome: frase com valor, frase do nulo e, se há, a do zero."""

    padrao: str
    formato: Formato
    com: str
    sem: str
    zero: str = ""


_DAS_CONTAS: Final = (
    Familia(f"{_L}_{_F}_qtd_{_W}", _PIX, "{q} {f} {v} {w}", "sem dado de quantos Pix {q} {f} {w}",
            "{q} não {f} Pix {w}"),
    Familia(f"{_L}_{_E}_valor_{_W}", reais, "{q} {e} {v} em Pix {w}", "sem dado de quanto {q} {e} {w}",
            "{q} não {e} Pix {w}"),
    Familia(f"{_L}_{_A}_distintos_{_W}", contagem("conta", "contas diferentes", "f"), "{q} {a} {v} {w}",
            "sem dado de com quantas contas {q} operou {w}", "{q} não {a} conta alguma {w}"),
    Familia(f"{_L}_{_E}_media_30d", reais, "{q} {e} em média {v} por Pix nos últimos 30 dias",
            "{q} não {e} Pix nos últimos 30 dias"),
    Familia(f"{_L}_{_X}_valor_sobre_media", vezes, "este valor é {v} a média de 30 dias d{q}",
            "{q} não tem média de 30 dias para comparar"),
    Familia(f"{_L}_{_X}_valor_sobre_maximo", vezes, "este valor é {v} o maior Pix de 30 dias d{q}",
            "{q} não tem Pix de 30 dias para comparar"),
    Familia(f"{_L}_{_X}_afastamento_log", desvios, "este valor está {v} do costume de 30 dias d{q}",
            "{q} tem Pix de menos, ou iguais demais, para se conhecer seu costume"),
    Familia(f"{_L}_{_F}_surto_24h", vezes, "{q} {f} nas últimas 24 horas {v} sua média diária de Pix",
            "{q} não {f} Pix nos últimos 30 dias"),
    Familia(f"{_L}_{_F}_surto_1h", porcento, "{q} {f} na última hora {v} dos seus Pix das últimas 24 horas",
            "{q} não {f} Pix nas últimas 24 horas"),
    Familia(f"{_L}_{_F}_novidade_24h", porcento, "contas diferentes são {v} dos Pix que {q} {f} nas últimas 24 horas",
            "{q} não {f} Pix nas últimas 24 horas"),
    Familia(f"{_L}_{_F}_desde_ultimo", duracao, "{q} {f} seu último Pix há {v}",
            "{q} não {f} nenhum Pix no período observado"),
    Familia(f"{_L}_{_F}_desde_primeiro", duracao, "{q} {f} seu primeiro Pix conhecido há {v}",
            "{q} não {f} nenhum Pix no período observado"),
    Familia(f"{_L}_fraude_{_F}_qtd_{_W}", numero, "fraudes entre os Pix que {q} {f}, confirmadas {w}: {v}",
            "sem dado das fraudes entre os Pix que {q} {f}, confirmadas {w}"),
    Familia(f"{_L}_fraude_{_F}_risco_{_J}", porcento, "dos Pix já apurados que {q} {f}, {v} eram fraude ({j})",
            "{q} não {f} Pix que já estejam apurados ({j})"),
    Familia(f"{_L}_fraude_{_F}_desde_ultimo", duracao, "a última fraude entre os Pix que {q} {f} foi confirmada há {v}",
            "sem fraude confirmada entre os Pix que {q} {f} no período observado"),
    Familia(f"pag_repasse_{_W}", porcento, "com este Pix, sai {v} do que o pagador recebeu {w}",
            "o pagador não recebeu Pix {w}"),
    Familia(f"rec_repasse_{_W}", porcento, "o recebedor já repassou {v} do que recebeu {w}",
            "o recebedor não recebeu Pix {w}"),
)
_NUNCA_PAGO: Final = "o pagador não pagou este recebedor nos últimos 30 dias"
_DO_PAR: Final = (
    Familia("par_qtd_30d", _PIX, "o pagador fez {v} a este recebedor nos últimos 30 dias",
            "sem dado de Pix anteriores a este recebedor", _NUNCA_PAGO),
    Familia("par_valor_30d", reais, "o pagador já enviou {v} a este recebedor nos últimos 30 dias",
            "sem dado do que já se enviou a este recebedor", _NUNCA_PAGO),
    Familia("par_desde_ultimo", duracao, "o último Pix a este recebedor foi há {v}", _NUNCA_PAGO),
    Familia("par_desde_primeiro", duracao, "o primeiro Pix a este recebedor em 30 dias foi há {v}", _NUNCA_PAGO),
    Familia("par_reverso_qtd_30d", _PIX, "este recebedor fez {v} ao pagador nos últimos 30 dias",
            "sem dado de Pix deste recebedor ao pagador", "este recebedor não pagou o pagador nos últimos 30 dias"),
    Familia("par_fracao_30d", porcento, "vão a este recebedor {v} dos Pix do pagador nos últimos 30 dias",
            "o pagador não fez Pix nos últimos 30 dias"),
    Familia("par_valor_sobre_media", vezes, "este valor é {v} a média já enviada a este recebedor", _NUNCA_PAGO),
)
_SEM_APARELHO, _APARELHO_NOVO = "sem aparelho informado", "aparelho nunca visto, ou não informado"
_DO_APARELHO: Final = (
    Familia(f"disp_qtd_{_W}", _PIX, "o aparelho fez {v} {w}", _SEM_APARELHO, "o aparelho não fez Pix {w}"),
    Familia(f"disp_contas_{_W}", _CONTAS, "o aparelho foi usado por {v} {w}", _SEM_APARELHO,
            "o aparelho não foi usado {w}"),
    Familia("disp_desta_conta_30d", _PIX, "a conta fez {v} neste aparelho nos últimos 30 dias", _SEM_APARELHO,
            "a conta não usou este aparelho nos últimos 30 dias"),
    Familia("disp_desde_primeiro_desta_conta", duracao, "a conta usa este aparelho há {v}",
            "aparelho novo para a conta, ou não informado"),
    Familia("disp_desde_ultimo", duracao, "o último Pix do aparelho foi há {v}", _APARELHO_NOVO),
    Familia("disp_desde_primeiro", duracao, "o primeiro Pix do aparelho foi há {v}", _APARELHO_NOVO),
    Familia(f"disp_fraudes_{_W}", numero, "fraudes deste aparelho confirmadas {w}: {v}", _SEM_APARELHO),
    Familia("disp_risco_30d", porcento, "dos Pix já apurados do aparelho, {v} eram fraude",
            "o aparelho não tem Pix que já estejam apurados"),
    Familia("disp_fracao_da_conta", porcento, "este aparelho fez {v} dos Pix da conta nos últimos 30 dias",
            "sem Pix da conta nos últimos 30 dias para comparar o aparelho"),
    Familia("disp_cadastrado", escolha("não cadastrado", "cadastrado"), "aparelho {v}",
            "cadastro do aparelho não informado"),
    Familia("disp_dias_cadastro", dias, "aparelho cadastrado há {v}", "data de cadastro do aparelho não informada"),
    Familia("disp_acesso_remoto", escolha("sem", "com"), "aparelho {v} acesso remoto ativo",
            "acesso remoto não informado"),
    Familia("disp_emulador", escolha("não é emulador", "é emulador"), "o aparelho {v}",
            "uso de emulador não informado"),
    Familia("disp_chamada_ativa", escolha("sem", "com"), "sessão {v} ligação em curso",
            "ligação em curso não informada"),
)
_DO_EVENTO: Final = (
    Familia("valor_log", lambda v: reais(CENTAVOS_POR_REAL * math.expm1(min(v, MAIOR_LOG))),
            "o valor deste Pix é {v}", "sem dado do valor"),
    Familia("valor_redondo", escolha("não é redondo", "é múltiplo de R$ 10"), "o valor {v}", "sem dado do valor"),
    Familia("hora", relogio, "feito às {v} de Brasília", "sem dado da hora"),
    Familia("dia_da_semana", _SEMANA, "dia da semana: {v}", "sem dado do dia da semana"),
    Familia("dia_do_mes", numero, "feito no dia {v} do mês", "sem dado do dia do mês"),
    Familia("dia_util_do_mes", numero, "dia útil do mês: {v}º", "sem dado do dia útil do mês"),
    Familia("noturno", escolha("de dia (6h às 20h)", "à noite (20h às 6h)"), "feito {v}", "sem dado do período do dia"),
    Familia("(?P<q>pagador|recebedor)_tipo_pessoa", _codigo("pagador_tipo_pessoa"), "{q} é {v}",
            "{q}: pessoa não informada"),
    Familia("(?P<q>pagador|recebedor)_tipo_conta", _codigo("pagador_tipo_conta"), "{q} usa conta {v}",
            "{q}: tipo de conta não informado"),
    Familia("forma_de_iniciacao", _codigo("forma_de_iniciacao"), "iniciado por {v}",
            "forma de iniciação não informada"),
    Familia("finalidade", _codigo("finalidade"), "finalidade: {v}", "finalidade não informada"),
    Familia("tipo_chave", _codigo("tipo_chave"), "tipo da chave: {v}", "pago sem chave Pix"),
    Familia("sessao_canal", _codigo("sessao_canal"), "canal: {v}", "canal não informado"),
    Familia("(?P<q>pagador|recebedor)_idade_conta_dias", dias, "{q} tem conta aberta há {v}",
            "{q}: idade da conta não informada"),
    Familia("txid_presente", escolha("sem", "com"), "Pix {v} identificador de cobrança",
            "identificador de cobrança não informado"),
)
_DA_SESSAO_E_DO_DICT: Final = (
    Familia("sessao_duracao_segundos", duracao, "a sessão já durava {v}", "duração da sessão não informada"),
    Familia("sessao_preenchimento_segundos", duracao, "os dados do Pix foram preenchidos em {v}",
            "tempo de preenchimento não informado"),
    Familia("sessao_colou_chave", escolha("não foi", "foi"), "a chave {v} colada",
            "não se informou se a chave foi colada"),
    Familia("sessao_falhas_autenticacao_24h", numero, "falhas de autenticação nas últimas 24 horas: {v}",
            "falhas de autenticação não informadas"),
    Familia("sessao_troca_senha_24h", escolha("não trocada", "trocada"), "senha {v} nas últimas 24 horas",
            "troca de senha não informada"),
    Familia("sessao_troca_chip_72h", escolha("não trocado", "trocado"), "chip {v} nas últimas 72 horas",
            "troca de chip não informada"),
    Familia("sessao_limite_aumentado_horas", lambda v: duracao(3_600 * v), "limite aumentado há {v}",
            "nenhum aumento de limite informado"),
    Familia("dict_idade_chave_dias", dias, "DICT: a chave é do recebedor há {v}", "DICT: idade da chave não informada"),
    Familia("dict_idade_conta_dias", dias, "DICT: conta do recebedor aberta há {v}",
            "DICT: idade da conta do recebedor não informada"),
    Familia("dict_marcas_fraude_d90", contagem("marca", "marcas", "f"), "DICT: {v} de fraude do recebedor em 90 dias",
            "DICT: sem dado de marcas de fraude"),
    Familia("dict_relatos_abertos", contagem("relato", "relatos"), "DICT: {v} de infração do recebedor em aberto",
            "DICT: sem dado de relatos em aberto"),
    Familia("dict_relatos_rejeitados_d90", contagem("relato recusado", "relatos recusados"),
            "DICT: {v} contra o recebedor em 90 dias", "DICT: sem dado de relatos recusados"),
    Familia("dict_contas_distintas_d90", _CONTAS, "DICT: a chave esteve em {v} em 90 dias",
            "DICT: sem dado das contas da chave"),
    Familia("dict_liquidacoes_d90", _PIX, "DICT: recebedor com {v} em 90 dias", "DICT: sem dado de Pix recebidos"),
    Familia("dict_reivindicacao_aberta", escolha("sem", "com"), "DICT: chave {v} reivindicação em aberto",
            "DICT: reivindicação da chave não informada"),
)
FAMILIAS: Final = (*_DAS_CONTAS, *_DO_PAR, *_DO_APARELHO, *_DO_EVENTO, *_DA_SESSAO_E_DO_DICT)


@dataclass(frozen=True)
class Frase:
    """As frases de um atributo: `com` tem `{v}` para o valor formatado, `sem` é a do nulo, `zero` a do zero."""

    com: str
    sem: str
    zero: str
    formato: Formato

    def __call__(self, valor: float) -> str:
        """A frase de um valor; NaN e infinito contam como nulo."""
        if not math.isfinite(valor):
            return self.sem
        if valor == 0 and self.zero:
            return self.zero
        return self.com.replace("{v}", self.formato(valor))


def frase_de(atributo: Atributo) -> Frase:
    """A frase da família do atributo; sem família, uma feita de sua descrição, unidade e significado do nulo."""
    for familia in FAMILIAS:
        if achado := re.fullmatch(familia.padrao, atributo.nome):
            palavras = {grupo: _PALAVRAS[grupo][valor] for grupo, valor in achado.groupdict().items()}
            com, sem, zero = (
                _maiuscula(texto.format(v="{v}", **palavras)) for texto in (familia.com, familia.sem, familia.zero)
            )
            return Frase(com, sem, zero, familia.formato)
    formatos: dict[str, Formato] = {"centavos": reais, "s": duracao, "dias": dias}
    descricao = _maiuscula(atributo.descricao)
    formato = formatos.get(atributo.unidade, lambda v: numero(v, 2).removesuffix(",00"))
    return Frase(f"{descricao}: {{v}}", f"{descricao}: {atributo.nulo}", "", formato)


def _maiuscula(texto: str) -> str:
    return texto[:1].upper() + texto[1:]


FRASES: Final[tuple[Frase, ...]] = tuple(frase_de(atributo) for atributo in ATRIBUTOS)
"""Na ordem de `processamento.atributos.NOMES`."""
