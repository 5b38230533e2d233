"""Os toques: as linhas dos diários de cada entidade, com o que a linha sabe dos seus vizinhos no diário.

Um Pix toca a conta do pagador (saída), a do recebedor (entrada) e o aparelho; uma fraude conhecida toca os três. Aqui
cada linha ganha o instante em que deixa de ser uma das últimas K (`sai_k`), a próxima do diário e a próxima da mesma
contraparte. Com isso `janelas_medidas` mede qualquer janela só com somas crescentes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from processamento.catalogo import ESCALA_LOG, POR_LISTA, Fluxo, K, Medida, Primitiva

_CENTAVOS_POR_REAL: Final = 100
NUNCA: Final = 2**63 - 1
"""Instante que não chega: não há próxima linha."""
_FORA: Final = -1
"""Valor de `fluxo`, `marca_k` e `madura` em linhas que não são daquela espécie."""
_ORIGINAL: Final = 0
_SAIDA_K: Final = 1
_MADURAS: Final = 2
"""Códigos das cópias de uma linha: ela mesma, sua saída das K e, daqui em diante, começo e fim de cada madura."""


def toques_de_contas(eventos: DataFrame, fraudes: DataFrame, levar: tuple[str, ...] = ()) -> DataFrame:
    """As linhas dos quatro diários de conta: saída, entrada e as fraudes de cada lado.

    `levar`: colunas dos eventos e das fraudes que cada linha leva consigo.
    """
    return (
        _linhas(eventos, Fluxo.SAIDA, "pagador_id", "recebedor_id", levar)
        .unionAll(_linhas(eventos, Fluxo.ENTRADA, "recebedor_id", "pagador_id", levar))
        .unionAll(_linhas_de_fraude(fraudes, Fluxo.FRAUDE_SAIDA, "pagador_id", "recebedor_id", levar))
        .unionAll(_linhas_de_fraude(fraudes, Fluxo.FRAUDE_ENTRADA, "recebedor_id", "pagador_id", levar))
    )


def toques_de_dispositivos(eventos: DataFrame, fraudes: DataFrame, levar: tuple[str, ...] = ()) -> DataFrame:
    """As linhas dos dois diários de aparelho; sem aparelho informado não há linha. `levar`: ver `toques_de_contas`."""
    com = F.col("dispositivo_id") != 0
    return _linhas(eventos.where(com), Fluxo.DISPOSITIVO, "dispositivo_id", "pagador_id", levar).unionAll(
        _linhas_de_fraude(fraudes.where(com), Fluxo.FRAUDE_DISPOSITIVO, "dispositivo_id", "pagador_id", levar)
    )


def sem_fraudes_repetidas(fraudes: DataFrame) -> DataFrame:
    """Uma confirmação por Pix: a primeira que se conheceu. Revisões posteriores não desfazem o que já se sabia."""
    ordem = Window.partitionBy("id_evento").orderBy("conhecido_em_us", "instante_us")
    return fraudes.withColumn("_posicao", F.row_number().over(ordem)).where("_posicao = 1").drop("_posicao")


def com_vizinhos(toques: DataFrame, primitivas: Iterable[Primitiva]) -> DataFrame:
    """Acrescenta o que a linha sabe do seu diário, em instantes µs (`NUNCA` = não há).

    `proximo`: da linha seguinte; `sai_k`: da linha K posições adiante; `mesmo`: da seguinte da mesma contraparte;
    `anterior` e `sai_k_anterior`: da linha anterior da mesma contraparte (nulo = não há). Para `MAXIMO`, ver
    `_com_maximos`.
    """
    janelas = sorted({p.janela_us for p in primitivas if p.medida is Medida.MAXIMO})
    diario = Window.partitionBy("entidade", "fluxo").orderBy("instante", "ordem")
    ate_aqui = diario.rowsBetween(Window.unboundedPreceding, 0)
    bloco = F.floor((F.col("posicao") - 1) / K)
    par = Window.partitionBy("entidade", "fluxo", "contraparte").orderBy("instante", "ordem")
    seguintes = toques.repartition("entidade").withColumns({
        "posicao": F.row_number().over(diario),
        "proximo": F.coalesce(F.lead("instante").over(diario), F.lit(NUNCA)),
        "sai_k": F.coalesce(F.lead("instante", K).over(diario), F.lit(NUNCA)),
    })
    if janelas:
        seguintes = seguintes.withColumn("_prefixo_k", F.max(F.struct(bloco, "valor")).over(ate_aqui)["valor"])
    iguais = seguintes.withColumns({
        "mesmo": F.coalesce(F.lead("instante").over(par), F.lit(NUNCA)),
        "anterior": F.lag("instante").over(par),
        "sai_k_anterior": F.lag("sai_k").over(par),
    })
    return _com_maximos(iguais, janelas) if janelas else iguais


def com_marcas(toques: DataFrame, primitivas: Iterable[Primitiva]) -> DataFrame:
    """Acrescenta linhas que só marcam um instante na vida da entidade; `entrou` guarda o instante da linha de origem.

    - `marca_k` = fluxo: a linha deixou de ser das últimas K antes de sair da maior janela de lista do seu fluxo;
    - `madura` ≥ 0: de uma fraude, para a primitiva `FRAUDES_MADURAS` de mesma posição em `maduras(primitivas)`. A
      partir daqui ela conta (`delta` 1) ou deixa de contar (`delta` -1). Paga em p e conhecida em k, conta para t
      quando max(k, p+d) < t ≤ p+d+w.

    Nas linhas de marca `fluxo` é -1, para que nenhuma medida as tome por movimento.
    """
    medidas = list(primitivas)
    maior: dict[Fluxo, int] = {}
    for p in medidas:
        if p.medida in POR_LISTA:
            maior[p.fluxo] = max(maior.get(p.fluxo, 0), p.janela_us)
    fluxo, instante, copia = F.col("fluxo"), F.col("instante"), F.col("_copia")
    sai_cedo = F.lit(False)
    for qual, janela in maior.items():
        sai_cedo = sai_cedo | ((fluxo == int(qual)) & (F.col("sai_k") < instante + janela))
    copias = [F.lit(_ORIGINAL), F.when(sai_cedo, _SAIDA_K)]
    instantes = F.when(copia == _ORIGINAL, instante).when(copia == _SAIDA_K, F.col("sai_k"))
    for i, p in enumerate(maduras(medidas)):
        comeco, fim = _vida_madura(p)
        conta = (fluxo == int(p.fluxo)) & (comeco < fim)
        copias += [F.when(conta, _MADURAS + 2 * i), F.when(conta, _MADURAS + 2 * i + 1)]
        instantes = instantes.when(copia == _MADURAS + 2 * i, comeco).when(copia == _MADURAS + 2 * i + 1, fim)
    repetidas = toques.withColumn("_copia", F.explode(F.array_compact(F.array(*copias))))
    madura = F.floor((copia - _MADURAS) / 2).cast("int")
    return repetidas.withColumns({
        "entrou": instante,
        "logaritmo": logaritmo_fixo(),
        "instante": instantes,
        "fluxo": F.when(copia == _ORIGINAL, fluxo).otherwise(_FORA),
        "marca_k": F.when(copia == _SAIDA_K, fluxo).otherwise(_FORA),
        "madura": F.when(copia >= _MADURAS, madura).otherwise(_FORA),
        "delta": F.when((copia - _MADURAS) % 2 == 0, 1).otherwise(-1),
    }).drop("_copia")


def maduras(primitivas: Iterable[Primitiva]) -> list[Primitiva]:
    """As primitivas `FRAUDES_MADURAS`, na ordem em que são numeradas pelas marcas."""
    return [p for p in primitivas if p.medida is Medida.FRAUDES_MADURAS]


def _vida_madura(p: Primitiva) -> tuple[Column, Column]:
    pagamento, conhecido = F.col("valor"), F.col("instante")
    return F.greatest(conhecido, pagamento + p.atraso_us), pagamento + (p.atraso_us + p.janela_us)


def logaritmo_fixo() -> Column:
    """round(1000·ln(1 + R$)) do valor da linha, como `nucleo.logaritmo_fixo`."""
    return F.floor(F.log1p(F.col("valor") / _CENTAVOS_POR_REAL) * ESCALA_LOG + 0.5)


def inicio_do_bloco(instante: Column, janela_us: int) -> Column:
    """O começo do bloco de `janela_us` que contém o instante."""
    return instante - F.pmod(instante, F.lit(janela_us))


def _com_maximos(toques: DataFrame, janelas: list[int]) -> DataFrame:
    """O que `MAXIMO` precisa, pelo método de van Herk: toda janela cobre o fim de um bloco e o começo do seguinte.

    `maximo_k`: o maior valor das K linhas que terminam nesta; `sufixo_{w}`: o maior valor desta linha ao fim do seu
    bloco de w µs; `proximo_sufixo_{w}`: o `sufixo` da linha seguinte do diário.

    Fonte: van Herk (1992), "A fast algorithm for local minimum and maximum filters on rectangular and octagonal
    kernels", Pattern Recognition Letters 13(7).
    """
    bloco_k = F.floor((F.col("posicao") - 1) / K)
    decrescente = Window.partitionBy("entidade", "fluxo").orderBy(F.desc("instante"), F.desc("ordem"))
    daqui = Window.partitionBy("entidade", "fluxo").orderBy(F.desc("instante")).rangeBetween(
        Window.unboundedPreceding, 0
    )
    sufixo_k = F.max(F.struct(-bloco_k, "valor")).over(decrescente.rowsBetween(Window.unboundedPreceding, 0))["valor"]
    sufixos = toques.withColumn("_sufixo_k", sufixo_k).withColumns({
        f"sufixo_{w}": F.max(F.struct(-inicio_do_bloco(F.col("instante"), w), "valor")).over(daqui)["valor"]
        for w in janelas
    })
    return sufixos.withColumns({
        "maximo_k": F.greatest("_prefixo_k", F.lead("_sufixo_k", K - 1).over(decrescente)),
        **{f"proximo_sufixo_{w}": F.lag(f"sufixo_{w}").over(decrescente) for w in janelas},
    }).drop("_prefixo_k", "_sufixo_k")


def _linhas(eventos: DataFrame, fluxo: Fluxo, entidade: str, contraparte: str, levar: tuple[str, ...]) -> DataFrame:
    return eventos.select(
        F.col(entidade).alias("entidade"),
        F.lit(int(fluxo)).alias("fluxo"),
        F.col("instante_us").alias("instante"),
        F.col("id_evento").alias("ordem"),
        F.col("valor_centavos").alias("valor"),
        F.col(contraparte).alias("contraparte"),
        *levar,
    )


def _linhas_de_fraude(
    fraudes: DataFrame, fluxo: Fluxo, entidade: str, contraparte: str, levar: tuple[str, ...]
) -> DataFrame:
    return fraudes.select(
        F.col(entidade).alias("entidade"),
        F.lit(int(fluxo)).alias("fluxo"),
        F.col("conhecido_em_us").alias("instante"),
        F.col("id_evento").alias("ordem"),
        F.col("instante_us").alias("valor"),
        F.col(contraparte).alias("contraparte"),
        *levar,
    )
