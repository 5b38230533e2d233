"""Cada primitiva do catálogo como expressão de coluna sobre somas crescentes.

O Spark refaz uma janela deslizante inteira a cada linha, o que é quadrático em uma conta muito ativa. Uma janela que
começa no início dos tempos só cresce, e custa uma atualização por linha. Por isso toda medida de `[t-w, t)` é aqui a
diferença entre o que entrou antes de t e o que já saiu (docs/adr/0005-executor-da-historia.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pyspark.sql import Column, Window
from pyspark.sql import functions as F

from processamento.catalogo import NULO, Fluxo, Medida, Primitiva
from processamento.janelas_toques import NUNCA, inicio_do_bloco


class Crescentes:
    """Agregações de tudo o que a entidade viveu antes de `t - recuo`, cada uma calculada uma só vez.

    Args:
        chave: as colunas da partição: a entidade, ou a entidade e a contraparte.
        prefixo: dos nomes das colunas geradas.
    """

    def __init__(self, chave: tuple[str, ...], prefixo: str) -> None:
        self._janela = Window.partitionBy(*chave).orderBy("instante")
        self._prefixo = prefixo
        self.colunas: dict[str, Column] = {}

    def antes(self, nome: str, recuo_us: int, agregado: Callable[[], Column]) -> Column:
        """A agregação `agregado()` das linhas com instante < t - `recuo_us`; `nome` a identifica."""
        rotulo = f"{self._prefixo}_{nome}_{recuo_us}"
        if rotulo not in self.colunas:
            quadro = self._janela.rangeBetween(Window.unboundedPreceding, -recuo_us - 1)
            self.colunas[rotulo] = agregado().over(quadro)
        return F.col(rotulo)

    def soma(self, nome: str, recuo_us: int, parcela: Callable[[], Column]) -> Column:
        """A soma das parcelas (nulas não contam); 0 quando não há linhas."""
        return F.coalesce(self.antes(nome, recuo_us, lambda: F.sum(parcela())), F.lit(0))


def medir(p: Primitiva, entidade: Crescentes, par: Crescentes, maduras: list[Primitiva]) -> Column:
    """A primitiva `p` de cada linha, como expressão das colunas que ela registra em `entidade` e `par`."""
    if p.medida in _PARCELAS:
        return _soma_da_janela(p, entidade)
    if p.medida is Medida.FRAUDES_MADURAS:
        return _fraudes_maduras(p, entidade, maduras.index(p))
    return _MEDIDAS[p.medida](p, par if p.medida in _DO_PAR else entidade)


def _t(p: Primitiva) -> Column:
    return F.col("instante") - p.atraso_us


def _linha(fluxo: Fluxo) -> Column:
    return F.col("fluxo") == int(fluxo)


def _saiu_por_k(p: Primitiva) -> Column:
    """Marca de linha que deixou as últimas K ainda dentro da janela de `p`."""
    return (F.col("marca_k") == int(p.fluxo)) & (F.col("instante") < F.col("entrou") + p.janela_us)


_PARCELAS: Final[dict[Medida, Callable[[], Column]]] = {
    Medida.CONTAGEM: lambda: F.lit(1),
    Medida.SOMA: lambda: F.col("valor"),
    Medida.SOMA_LOG: lambda: F.col("logaritmo"),
    Medida.SOMA_LOG2: lambda: F.col("logaritmo") * F.col("logaritmo"),
}


def _soma_da_janela(p: Primitiva, entidade: Crescentes) -> Column:
    def ate(recuo_us: int) -> Column:
        nome = f"{p.medida.name}_{p.fluxo.name}"
        return entidade.soma(nome, recuo_us, lambda: F.when(_linha(p.fluxo), _PARCELAS[p.medida]()))

    return ate(p.atraso_us) - ate(p.atraso_us + p.janela_us)


def _desde_ultimo(p: Primitiva, entidade: Crescentes) -> Column:
    ultimo = _ultimo(p, entidade)
    return F.when(ultimo >= _t(p) - p.janela_us, F.col("instante") - ultimo).otherwise(NULO)


def _ultimo(p: Primitiva, onde: Crescentes) -> Column:
    return onde.antes(f"ultimo_{p.fluxo.name}", p.atraso_us, lambda: F.max(F.when(_linha(p.fluxo), F.col("instante"))))


def _primeirissimo(p: Primitiva, onde: Crescentes) -> Column:
    return onde.antes(
        f"primeiro_{p.fluxo.name}", p.atraso_us, lambda: F.min(F.when(_linha(p.fluxo), F.col("instante")))
    )


def _desde_primeiro(p: Primitiva, entidade: Crescentes) -> Column:
    """A primeira da janela é a próxima da última que já saiu; sem saídas, a primeira de todas."""
    seguinte = entidade.antes(
        f"seguinte_{p.fluxo.name}", p.atraso_us + p.janela_us,
        lambda: F.max(F.when(_linha(p.fluxo), F.col("proximo"))),
    )
    primeiro = F.coalesce(seguinte, _primeirissimo(p, entidade))
    return F.when(primeiro < _t(p), F.col("instante") - primeiro).otherwise(NULO)


def _fraudes_maduras(p: Primitiva, entidade: Crescentes, numero: int) -> Column:
    return entidade.soma(f"madura_{numero}", 0, lambda: F.when(F.col("madura") == numero, F.col("delta")))


def _maximo(p: Primitiva, entidade: Crescentes) -> Column:
    """O menor entre o máximo das últimas K e o da janela: um dos conjuntos contém o outro."""
    w, f = p.janela_us, p.fluxo.name
    sufixo = F.col(f"sufixo_{w}")
    comeco = entidade.antes(
        f"bloco_{f}_{w}", p.atraso_us,
        lambda: F.max(F.when(_linha(p.fluxo), F.struct(inicio_do_bloco(F.col("instante"), w).alias("bloco"), "valor"))),
    )
    seguinte = entidade.antes(
        f"sufixo_seguinte_{f}_{w}", p.atraso_us + w,
        lambda: F.max(F.when(_linha(p.fluxo), F.struct(
            F.col("proximo").alias("instante"), F.col(f"proximo_sufixo_{w}").alias("sufixo")))),
    )
    primeirissimo = entidade.antes(
        f"sufixo_primeiro_{f}_{w}", p.atraso_us,
        lambda: F.min(F.when(_linha(p.fluxo), F.struct("instante", sufixo.alias("sufixo")))),
    )
    das_k = entidade.antes(
        f"maximo_k_{f}", p.atraso_us, lambda: F.max(F.when(_linha(p.fluxo), F.struct("posicao", "maximo_k")))
    )
    primeira = F.coalesce(seguinte, primeirissimo)
    bloco = inicio_do_bloco(_t(p), w)
    da_janela = F.greatest(
        F.when((primeira["instante"] >= bloco - w) & (primeira["instante"] < bloco), primeira["sufixo"]),
        F.when(comeco["bloco"] == bloco, comeco["valor"]),
    )
    return F.when(da_janela.isNotNull(), F.least(da_janela, das_k["maximo_k"])).otherwise(NULO)


def _distintos(p: Primitiva, entidade: Crescentes) -> Column:
    """Cada contraparte vale pela sua linha mais nova, que vive até sair da janela, sair das K ou ser repetida."""
    w, f = p.janela_us, p.fluxo.name
    ja_valia = (F.col("instante") < F.col("anterior") + w) & (F.col("instante") <= F.col("sai_k_anterior"))
    entra = F.when(_linha(p.fluxo) & ~F.coalesce(ja_valia, F.lit(False)), 1)
    sai_por_k = _saiu_por_k(p) & (F.col("sai_k") < F.col("mesmo"))
    venceu = _linha(p.fluxo) & (F.col("entrou") + w <= F.least("mesmo", "sai_k"))
    return entidade.soma(f"entra_{f}_{w}", p.atraso_us, lambda: entra.when(sai_por_k, -1)) - entidade.soma(
        f"venceu_{f}_{w}", p.atraso_us + w, lambda: F.when(venceu, 1)
    )


def _iguais(parcela: str | int) -> Callable[[Primitiva, Crescentes], Column]:
    def medida(p: Primitiva, par: Crescentes) -> Column:
        w, f = p.janela_us, f"{p.fluxo.name}_{parcela}"
        valor = F.lit(parcela) if isinstance(parcela, int) else F.col(parcela)
        venceu = _linha(p.fluxo) & (F.col("entrou") + w <= F.col("sai_k"))
        return par.soma(
            f"entra_{f}_{w}", p.atraso_us, lambda: F.when(_linha(p.fluxo), valor).when(_saiu_por_k(p), -valor)
        ) - par.soma(f"venceu_{f}_{w}", p.atraso_us + w, lambda: F.when(venceu, valor))

    return medida


def _desde_ultimo_igual(p: Primitiva, par: Crescentes) -> Column:
    ultimo = _ultimo(p, par)
    sai = par.antes(f"sai_k_{p.fluxo.name}", p.atraso_us, lambda: F.max(F.when(_linha(p.fluxo), F.col("sai_k"))))
    vale = (ultimo >= _t(p) - p.janela_us) & (sai >= _t(p))
    return F.when(vale, F.col("instante") - ultimo).otherwise(NULO)


def _desde_primeiro_igual(p: Primitiva, par: Crescentes) -> Column:
    por_tempo = par.antes(
        f"mesmo_{p.fluxo.name}", p.atraso_us + p.janela_us, lambda: F.max(F.when(_linha(p.fluxo), F.col("mesmo")))
    )
    por_k = par.antes(
        f"mesmo_k_{p.fluxo.name}_{p.janela_us}", p.atraso_us, lambda: F.max(F.when(_saiu_por_k(p), F.col("mesmo")))
    )
    primeiro = F.coalesce(F.greatest(por_tempo, por_k), _primeirissimo(p, par))
    return F.when((primeiro < _t(p)) & (primeiro != NUNCA), F.col("instante") - primeiro).otherwise(NULO)


_MEDIDAS: Final[dict[Medida, Callable[[Primitiva, Crescentes], Column]]] = {
    Medida.DESDE_ULTIMO: _desde_ultimo,
    Medida.DESDE_PRIMEIRO: _desde_primeiro,
    Medida.MAXIMO: _maximo,
    Medida.DISTINTOS: _distintos,
    Medida.IGUAIS: _iguais(1),
    Medida.SOMA_IGUAIS: _iguais("valor"),
    Medida.DESDE_ULTIMO_IGUAL: _desde_ultimo_igual,
    Medida.DESDE_PRIMEIRO_IGUAL: _desde_primeiro_igual,
}
_DO_PAR: Final = frozenset({
    Medida.IGUAIS, Medida.SOMA_IGUAIS, Medida.DESDE_ULTIMO_IGUAL, Medida.DESDE_PRIMEIRO_IGUAL,
})
