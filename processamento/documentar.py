"""Gera `docs/atributos.md` do catálogo: `python -m processamento.documentar`.

O texto depende só do código: gerar de novo dá os mesmos bytes. O que cada atributo lê não é escrito à mão, e sim
observado: a sua fórmula é avaliada sobre entradas que anotam o que lhes pedem.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from plataforma.configuracao import RAIZ_PROJETO
from processamento.atributos import ATRIBUTOS, Atributo, Entradas, Reais
from processamento.catalogo import (
    DIA,
    ESCALA_LOG,
    FOLGA_DIAS,
    HORA,
    MINUTO,
    PADRAO,
    POR_LISTA,
    Catalogo,
    Fluxo,
    Medida,
    Papel,
    Primitiva,
)
from processamento.catalogo import K as ULTIMOS
from processamento.contexto import CONTEXTO

DESTINO: Final = RAIZ_PROJETO / "docs" / "atributos.md"
_INSTANTE_QUALQUER: Final = 1_790_000_000_000_000
_ESTE_PIX: Final = "este Pix"

_PAPEL: Final = {
    Papel.PAGADOR: "conta do pagador", Papel.RECEBEDOR: "conta do recebedor", Papel.DISPOSITIVO: "aparelho",
}
_FLUXO: Final = {
    Fluxo.SAIDA: "Pix enviados", Fluxo.ENTRADA: "Pix recebidos", Fluxo.DISPOSITIVO: "Pix feitos no aparelho",
    Fluxo.FRAUDE_SAIDA: "fraudes confirmadas nos enviados",
    Fluxo.FRAUDE_ENTRADA: "fraudes confirmadas nos recebidos",
    Fluxo.FRAUDE_DISPOSITIVO: "fraudes confirmadas no aparelho",
}
_MEDIDA: Final = {
    Medida.CONTAGEM: "quantidade", Medida.SOMA: "soma dos valores (centavos)",
    Medida.SOMA_LOG: "soma dos logaritmos em ponto fixo", Medida.SOMA_LOG2: "soma dos quadrados desses logaritmos",
    Medida.DESDE_ULTIMO: "tempo desde o último (µs)", Medida.DESDE_PRIMEIRO: "tempo desde o primeiro (µs)",
    Medida.MAXIMO: "maior valor (centavos)", Medida.DISTINTOS: "contrapartes distintas",
    Medida.IGUAIS: "quantos com a mesma contraparte", Medida.SOMA_IGUAIS: "soma com a mesma contraparte (centavos)",
    Medida.DESDE_ULTIMO_IGUAL: "tempo desde o último com a mesma contraparte (µs)",
    Medida.DESDE_PRIMEIRO_IGUAL: "tempo desde o primeiro com a mesma contraparte (µs)",
    Medida.FRAUDES_MADURAS: "fraudes de pagamentos maduros, já conhecidas",
}


class _Rastro(Entradas):
    """Entradas de um evento que anotam o que uma fórmula lê."""

    def __init__(self, catalogo: Catalogo) -> None:
        um = np.ones(1, np.int64)
        super().__init__(
            catalogo, np.ones((1, len(catalogo.primitivas)), np.int64), um * _INSTANTE_QUALQUER, um,
            np.ones((1, len(CONTEXTO)), np.float64),
        )
        self.lidas: list[str] = []

    def p(self, nome: str) -> Reais:
        """Anota a primitiva."""
        self.lidas.append(nome)
        return super().p(nome)

    def c(self, nome: str) -> Reais:
        """Anota a coluna da prata."""
        self.lidas.append(f"prata.{nome}")
        return super().c(nome)


def lidas_por(atributo: Atributo, catalogo: Catalogo = PADRAO) -> tuple[str, ...]:
    """O que a fórmula lê, sem repetição, na ordem: primitivas, `prata.coluna`; vazio = só o próprio Pix."""
    rastro = _Rastro(catalogo)
    with np.errstate(all="ignore"):
        atributo.formula(rastro)
    return tuple(dict.fromkeys(rastro.lidas))


def documento(catalogo: Catalogo = PADRAO) -> str:
    """O texto de `docs/atributos.md`."""
    partes = [_cabecalho(catalogo)]
    partes += [_secao(titulo, atributos, catalogo) for titulo, atributos in _secoes() if atributos]
    partes.append(_primitivas(catalogo))
    return "\n\n".join(partes) + "\n"


def gerar(destino: Path = DESTINO) -> Path:
    """Escreve o documento e devolve onde."""
    destino.parent.mkdir(parents=True, exist_ok=True)
    destino.write_text(documento(), encoding="utf-8")
    return destino


def _cabecalho(catalogo: Catalogo) -> str:
    return f"""# Atributos

<!-- Gerado por `python -m processamento.documentar`. Não edite: mude o catálogo e gere de novo. -->

O modelo vê **{len(ATRIBUTOS)} atributos**, derivados de **{len(catalogo.primitivas)} primitivas** inteiras e do
próprio Pix. As primitivas estão em `processamento/catalogo.py` e têm dois executores que dão os mesmos números: o
Spark, para a história, e o estado do fluxo, para as decisões. Os atributos são fórmulas de `processamento/atributos.py`
e têm um só. Versão do catálogo: `{catalogo.versao}`.

- Uma janela `w` contém o que tem instante em `[t - w, t)`: estritamente antes deste Pix. No mesmo µs ninguém se vê.
- Quantidades e somas são exatas. As medidas marcadas com {ULTIMOS} olham só os últimos {ULTIMOS} registros do diário.
- Uma fraude conta a partir de quando se soube dela. Um pagamento é *maduro* depois de {catalogo.maturacao_dias} dias:
  o risco é a fração de fraudes entre os maduros, porque dos recentes ainda não se sabe.
- O estado retém {catalogo.horizonte_dias} dias; *horizonte* são os {catalogo.alcance_s // DIA} mais recentes, e os
  {FOLGA_DIAS} de folga servem a quem chega atrasado.
- Nulo é NaN (no ouro, NULL). Razão com denominador zero ou nulo é nula. Logaritmo em ponto fixo:
  `round({ESCALA_LOG}·ln(1 + R$))`. Horário de Brasília, UTC-3."""


def _secoes() -> list[tuple[str, list[Atributo]]]:
    titulos = ("O pagador", "O recebedor", "O par pagador–recebedor", "O aparelho", "Informado na ordem", "Este Pix")
    grupos: dict[str, list[Atributo]] = {titulo: [] for titulo in titulos}
    prefixos = dict(zip(("pag_", "rec_", "par_", "disp_"), titulos[:4], strict=True))
    for atributo in ATRIBUTOS:
        prefixo = next((p for p in prefixos if atributo.nome.startswith(p)), "")
        do_contexto = atributo.nome in CONTEXTO
        grupos[titulos[4] if do_contexto else prefixos.get(prefixo, titulos[5])].append(atributo)
    return list(grupos.items())


def _secao(titulo: str, atributos: Sequence[Atributo], catalogo: Catalogo) -> str:
    linhas = [
        (f"`{a.nome}`", a.descricao, a.unidade, a.nulo, _origem(lidas_por(a, catalogo))) for a in atributos
    ]
    return f"## {titulo}\n\n" + _tabela(("atributo", "o que mede", "unidade", "nulo quer dizer", "lê"), linhas)


def _origem(lidas: tuple[str, ...]) -> str:
    return ", ".join(f"`{nome}`" for nome in lidas) or _ESTE_PIX


def _primitivas(catalogo: Catalogo) -> str:
    linhas = [
        (f"`{p.nome}`", _PAPEL[p.papel], _FLUXO[p.fluxo], _MEDIDA[p.medida], _janela(p, catalogo),
         str(ULTIMOS) if p.medida in POR_LISTA else "todos")
        for p in catalogo.primitivas
    ]
    titulos = ("primitiva", "de quem", "diário", "medida", "janela", "alcance")
    return "## Primitivas\n\nInteiros (int64); nulo é -1.\n\n" + _tabela(titulos, linhas)


def _janela(p: Primitiva, catalogo: Catalogo) -> str:
    if p.janela_s == catalogo.alcance_s:
        return "horizonte"
    duracao = _duracao(p.janela_s)
    return f"{duracao}, recuada {_duracao(p.atraso_s)}" if p.atraso_s else duracao


def _duracao(segundos: int) -> str:
    if segundos > DIA:
        return f"{segundos // DIA} dias"
    return f"{segundos // HORA} h" if segundos >= HORA else f"{segundos // MINUTO} min"


def _tabela(titulos: Sequence[str], linhas: Sequence[Sequence[str]]) -> str:
    corpo = [titulos, ["---"] * len(titulos), *linhas]
    return "\n".join("| " + " | ".join(linha) + " |" for linha in corpo)


if __name__ == "__main__":
    gerar()
