"""Um tráfego pronto para andar: o histórico, o trecho vivo com a hora de envio de cada registro, e a verdade.

Simulador e importador entregam a mesma forma; quem escreve na bronze ou no Kafka não sabe de qual veio.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

ENVIO: Final = "envio_segundos"
"""Coluna acrescentada ao vivo: segundos reais, de 0 a `segundos_vivo`, em que o registro deve sair."""

_TEXTO, _I64, _I32, _LOGICO = pl.String(), pl.Int64(), pl.Int32(), pl.Boolean()


def _parte(lado: str) -> dict[str, pl.DataType]:
    return {
        f"{lado}_conta": _TEXTO, f"{lado}_ispb": _TEXTO, f"{lado}_tipo_conta": _TEXTO, f"{lado}_tipo_pessoa": _TEXTO,
        f"{lado}_documento": _TEXTO, f"{lado}_idade_conta_dias": _I32,
    }  # fmt: skip


EVENTOS: Final[dict[str, pl.DataType]] = {
    "id_fim_a_fim": _TEXTO, "instante_us": _I64, "valor_centavos": _I64,
    **_parte("pagador"), **_parte("recebedor"),
    "forma_de_iniciacao": _TEXTO, "finalidade": _TEXTO, "chave": _TEXTO, "tipo_chave": _TEXTO, "txid": _TEXTO,
    "dispositivo": _TEXTO, "disp_cadastrado": _LOGICO, "disp_dias_cadastro": _I32, "disp_acesso_remoto": _LOGICO,
    "disp_emulador": _LOGICO, "disp_chamada_ativa": _LOGICO,
    "sessao_canal": _TEXTO, "sessao_duracao_segundos": _I32, "sessao_preenchimento_segundos": _I32,
    "sessao_colou_chave": _LOGICO, "sessao_falhas_autenticacao_24h": _I32, "sessao_troca_senha_24h": _LOGICO,
    "sessao_troca_chip_72h": _LOGICO, "sessao_limite_aumentado_horas": _I32,
    "dict_idade_chave_dias": _I32, "dict_idade_conta_dias": _I32, "dict_marcas_fraude_d90": _I32,
    "dict_relatos_abertos": _I32, "dict_relatos_rejeitados_d90": _I32, "dict_contas_distintas_d90": _I32,
    "dict_liquidacoes_d90": _I32, "dict_reivindicacao_aberta": _LOGICO,
}  # fmt: skip
"""Um Pix em colunas achatadas, com os nomes da prata; instante em µs UTC múltiplo de 1000, valor em centavos."""

ROTULOS: Final[dict[str, pl.DataType]] = {
    "id_fim_a_fim": _TEXTO, "instante_us": _I64, "conhecido_em_us": _I64, "pagador_conta": _TEXTO,
    "recebedor_conta": _TEXTO, "classe": _TEXTO, "resultado": _TEXTO, "dispositivo": _TEXTO, "tipologia": _TEXTO,
}  # fmt: skip
VERDADE: Final[dict[str, pl.DataType]] = {"id_fim_a_fim": _TEXTO, "fraude": _LOGICO, "tipologia": _TEXTO}
"""O que de fato é cada pagamento, contestado ou não: só para medir, nunca para treinar nem decidir."""


@dataclass(frozen=True)
class Trafego:
    """Eventos por instante, rótulos por `conhecido_em_us`, e onde o vivo começa.

    `primeiro_vivo`: linha de `eventos` em que o vivo começa (= número de linhas do histórico).
    """

    eventos: pl.DataFrame
    rotulos: pl.DataFrame
    verdade: pl.DataFrame
    primeiro_vivo: int
    segundos_vivo: float

    @property
    def inicio_vivo_us(self) -> int:
        """O instante do primeiro evento vivo, µs UTC; sem vivo, logo depois do último evento."""
        if self.primeiro_vivo < self.eventos.height:
            return int(self.eventos["instante_us"][self.primeiro_vivo])
        return int(self.eventos["instante_us"][-1]) + 1 if self.eventos.height else 0

    def historico(self) -> pl.DataFrame:
        """Os eventos anteriores ao vivo."""
        return self.eventos.head(self.primeiro_vivo)

    def vivo(self) -> pl.DataFrame:
        """Os eventos vivos com `envio_segundos`: taxa constante, na ordem dos instantes."""
        vivo = self.eventos.tail(self.eventos.height - self.primeiro_vivo)
        passo = self.segundos_vivo / max(vivo.height, 1)
        return vivo.with_columns(pl.Series(ENVIO, np.arange(vivo.height) * passo))

    def rotulos_historico(self) -> pl.DataFrame:
        """Os rótulos já conhecidos quando o vivo começa."""
        return self.rotulos.filter(pl.col("conhecido_em_us") < self.inicio_vivo_us)

    def rotulos_vivo(self) -> pl.DataFrame:
        """Os rótulos que se tornam conhecidos durante o vivo, com `envio_segundos` no relógio acelerado dele."""
        vivo = self.eventos["instante_us"].tail(self.eventos.height - self.primeiro_vivo).to_numpy()
        if not len(vivo):
            return self.rotulos.clear().with_columns(pl.Series(ENVIO, [], dtype=pl.Float64))
        durante = self.rotulos.filter(pl.col("conhecido_em_us").is_between(int(vivo[0]), int(vivo[-1])))
        depois_de = np.searchsorted(vivo, durante["conhecido_em_us"].to_numpy(), side="right")
        return durante.with_columns(pl.Series(ENVIO, depois_de * (self.segundos_vivo / len(vivo)), dtype=pl.Float64))
