"""As tabelas do processamento: nome, esquema, chave e partição de cada uma."""

from __future__ import annotations

from typing import Final

from ingestao.esquema import CHAVE_POSICAO
from plataforma.tabela import Tabela
from processamento import esquema

PRATA_PIX: Final = Tabela("prata_pix", esquema.PRATA, ("id_fim_a_fim",), ("data",))
PRATA_QUARENTENA: Final = Tabela("prata_quarentena", esquema.QUARENTENA, CHAVE_POSICAO, ("data",))
PRATA_DUPLICADOS: Final = Tabela("prata_duplicados", esquema.DUPLICADOS, CHAVE_POSICAO, ("data",))
PRATA_ROTULOS: Final = Tabela("prata_rotulos", esquema.PRATA_ROTULOS, CHAVE_POSICAO)
OURO_INDICADORES: Final = Tabela("ouro_indicadores", esquema.INDICADORES, esquema.CHAVE_INDICADOR, ("data",))
OURO_INDICADORES_FRAUDE: Final = Tabela(
    "ouro_indicadores_fraude", esquema.INDICADORES_FRAUDE, esquema.CHAVE_INDICADOR, ("data",)
)
CONTROLE_LOTES: Final = Tabela("controle_lotes", esquema.CONTROLE_LOTES, ("consulta", "execucao", "lote"))
