"""Gera o painel do Grafana «Pix em tempo real»: `python -m monitoramento.painel` reescreve o JSON versionado.

Os tipos vêm do SDK que o próprio Grafana publica (`grafana-foundation-sdk`, versão da linha 11.6): um campo que não
existe não passa pelo mypy, e o JSON tem a forma que o servidor espera. Só este módulo o usa; em execução não é preciso.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Final, TypeVar

from grafana_foundation_sdk.builders import common as c
from grafana_foundation_sdk.builders import dashboard as d
from grafana_foundation_sdk.builders import heatmap, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as mc
from grafana_foundation_sdk.models import dashboard as md
from grafana_foundation_sdk.models import heatmap as mh
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

ARQUIVO: Final = Path(__file__).resolve().parent / "grafana" / "paineis" / "pix_tempo_real.json"
UID_PAINEL: Final = "pix-tempo-real"
UID_FONTE: Final = "pix-prometheus"
"""O mesmo de grafana/provisioning/datasources."""

_FONTE: Final = md.DataSourceRef(type_val="prometheus", uid="${datasource}")
_JANELA: Final = "[$__rate_interval]"
_LARGURA_NUMERO, _ALTURA_NUMERO = 4, 4
_LARGURA_GRAFICO, _ALTURA_GRAFICO = 12, 8
_DECIDIDOS: Final = 'pix_eventos_total{camada="decisao",desfecho="decidido"}'
_CONTA_LATENCIA: Final = "pix_decisao_latencia_seconds_count"

Quadro = stat.Panel | timeseries.Panel | heatmap.Panel | table.Panel
Consulta = tuple[str, str]
"""(expressão PromQL, legenda)."""
_Q = TypeVar("_Q", stat.Panel, timeseries.Panel, heatmap.Panel, table.Panel)


def gerar() -> str:
    """O painel inteiro, em JSON estável: gerar duas vezes dá os mesmos bytes."""
    painel = (
        d.Dashboard("Pix em tempo real").uid(UID_PAINEL).tags(["pix"]).readonly().refresh("5s").time("now-15m", "now")
        .timezone("browser").tooltip(md.DashboardCursorSync.CROSSHAIR)
        .description("Do Pix que chega à decisão que sai. Gerado por monitoramento/painel.py: não editar à mão.")
        .with_variable(d.DatasourceVariable("datasource").label("Prometheus").type("prometheus").current(
            md.VariableOption(selected=True, text="Pix", value=UID_FONTE)))
        .with_variable(d.QueryVariable("consulta").label("Consulta").datasource(_FONTE).query(
            "label_values(pix_lote_duracao_seconds_count, consulta)").current(
            md.VariableOption(selected=True, text="decisao", value="decisao")).refresh(
            md.VariableRefresh.ON_TIME_RANGE_CHANGED))
    )
    for numero, quadro in zip(count(1), [*_numeros(), *_graficos(), _alertas()]):
        painel = painel.with_panel(quadro.id(numero))
    return json.dumps(painel.build(), cls=JSONEncoder, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def _numeros() -> list[Quadro]:
    return [
        _numero("Pix por segundo", "Registros que a decisão respondeu ou recusou.", "reqps",
                (f'sum(rate(pix_eventos_total{{camada="decisao"}}{_JANELA}))', "")),
        _numero("Latência p99", "Do envio pelo produtor à decisão calculada. Objetivo: 1,5 s.", "s",
                (_quantil("0.99"), ""), limites=(1.5, 2.5)),
        _numero("Dentro de 1,5 s", "Fração das decisões dentro do objetivo; a meta é 99 %.", "percentunit",
                (f'sum(rate(pix_decisao_latencia_seconds_bucket{{le="1.5"}}{_JANELA})) '
                 f"/ sum(rate({_CONTA_LATENCIA}{_JANELA}))", "")),
        _numero("Taxa de alerta", "Decisões diferentes de APROVAR. A taxa de fraude confirmada só se conhece depois, "
                "pelos rótulos: está nos indicadores do ouro.", "percentunit", (_TAXA_ALERTA, "")),
        _numero("Barrado no período", "Retido, bloqueado ou rejeitado, em reais.", "currencyBRL",
                ("sum(increase(pix_valor_barrado_centavos_total[$__range])) / 100", "")),
        _numero("Modelo em uso", "Nome, versão do modelo e das regras do último lote; «nenhum»: as regras decidem.",
                "none", ("pix_modelo_info", "{{nome}} {{versao}} · regras {{regras_versao}}"))
        .text_mode(mc.BigValueTextMode.NAME),
    ]


def _graficos() -> list[Quadro]:
    return [*_da_decisao(), *_do_fluxo(), *_da_saude()]


def _da_decisao() -> list[Quadro]:
    return [
        _grafico("Eventos por camada", "Registros por segundo em cada camada, pelo desfecho.", "reqps",
                 (f"sum by (camada, desfecho) (rate(pix_eventos_total{_JANELA})) > 0", "{{camada}} · {{desfecho}}")),
        _grafico("Latência da decisão", "Percentis por balde: o valor é interpolado entre as bordas. Acima de 1,5 s: "
                 "PixLatenciaAltaRapida.", "s", *((_quantil(q), f"p{q[2:].ljust(2, '0')}") for q in ("0.5", "0.95",
                 "0.99")), limites=(1.5, 2.5)),
        _empilhado("Decisões por ação", "Decisões por segundo.", "reqps",
                   (f"sum by (acao) (rate(pix_decisoes_total{_JANELA}))", "{{acao}}")),
        _grafico("Taxa de alerta e de decisões sem modelo", "Três vezes a mediana de 7 dias: PixTaxaAlertaAnomala. "
                 "Sem modelo acima de zero: PixSemModelo.", "percentunit", (_TAXA_ALERTA, "alerta"),
                 (f"sum(rate(pix_decisoes_sem_modelo_total{_JANELA})) / sum(rate({_DECIDIDOS}{_JANELA}))",
                  "sem modelo")),
        _mapa("Pontuação", "Distribuição da probabilidade calibrada, por décimo; deslocar-se é sinal de deriva.",
              f"sum by (le) (increase(pix_pontuacao_bucket{_JANELA}))"),
        _grafico("Deriva da probabilidade", "PSI da última hora medida por ./pix deriva, contra o treino do modelo em "
                 "uso; sem medida, sem linha. Acima de 0,25: PixDeriva.", "none",
                 ("max(pix_deriva_psi_pontuacao)", "PSI"), limites=(0.25,)),
        _grafico("Deriva dos atributos", "O maior PSI dos atributos na mesma hora, menos os de calendário.", "none",
                 ("max(pix_deriva_psi_maior)", "maior PSI"), limites=(0.25,)),
        _grafico("Valor barrado", "Reais por minuto retidos, bloqueados ou rejeitados.", "currencyBRL",
                 (f"sum(rate(pix_valor_barrado_centavos_total{_JANELA})) * 60 / 100", "R$ por minuto")),
    ]


def _do_fluxo() -> list[Quadro]:
    return [
        _grafico("Atraso no Kafka", "Registros por ler na partição mais atrasada e na média, ao planejar o lote. "
                 "Crescendo acima de 10 mil: PixAtrasoCrescendo.", "short",
                 ('pix_atraso_registros{estatistica="max"}', "{{consulta}} · pior partição"),
                 ('pix_atraso_registros{estatistica="avg"}', "{{consulta}} · média")),
        _empilhado("Fases do lote: $consulta", "Duração média de cada fase do micro-lote (durationMs do Spark).", "s",
                   (f'sum by (fase) (rate(pix_lote_duracao_seconds_sum{{consulta="$consulta",'
                    f'fase!="triggerExecution"}}{_JANELA})) / sum by (fase) '
                    f'(rate(pix_lote_duracao_seconds_count{{consulta="$consulta",fase!="triggerExecution"}}{_JANELA}))',
                    "{{fase}}")),
        _empilhado("Quarentena por motivo", "Registros recusados no período de cada ponto.", "short",
                   (f"sum by (motivo) (increase(pix_quarentena_total{_JANELA})) > 0", "{{motivo}}")),
        _grafico("Linhas por lote", "Tamanho médio do micro-lote de cada consulta.", "short",
                 (f"rate(pix_lote_linhas_sum{_JANELA}) / rate(pix_lote_linhas_count{_JANELA})", "{{consulta}}")),
    ]


def _da_saude() -> list[Quadro]:
    return [
        _grafico("Tempo desde o último sucesso", "Lote concluído ou espera por dados. Decisão acima de 60 s: "
                 "PixDecisaoParada; lago acima de 10 min: PixConsultaParada.", "s",
                 ("time() - pix_ultimo_sucesso_timestamp_seconds", "{{consulta}}")),
        _grafico("Estado: linhas", "Linhas no estado do Spark; cresce até o horizonte e para.", "short",
                 ("pix_estado_linhas", "{{consulta}}")),
        _grafico("Estado: memória", "Memória do estado na JVM; não inclui os processos Python.", "bytes",
                 ("pix_estado_memoria_bytes", "{{consulta}}")),
        _grafico("Consultas, falhas e descartes", "Consultas ativas; terminadas com erro (PixConsultaFalhou); linhas "
                 "depois da marca d'água; erros do ouvinte (PixOuvinteComErros).", "short",
                 ("pix_consultas_ativas", "ativas"),
                 ("sum(increase(pix_lote_falhas_total[$__range]))", "falhas no período"),
                 ("sum(increase(pix_marca_dagua_descartes_total[$__range]))", "descartes no período"),
                 ("sum(increase(pix_ouvinte_erros_total[$__range]))", "erros do ouvinte no período")),
    ]


def _alertas() -> table.Panel:
    return _vestir(table.Panel(), "Alertas disparados", "O que fazer: docs/uso_operacional.md, uma seção por alerta.",
                   24, _ALTURA_GRAFICO).with_target(
        _alvo('ALERTS{alertstate="firing"}', "", 0).instant().format(PromQueryFormat.TABLE))


_TAXA_ALERTA: Final = f"sum(rate(pix_alertas_total{_JANELA})) / sum(rate({_DECIDIDOS}{_JANELA}))"


def _quantil(fracao: str) -> str:
    return f"histogram_quantile({fracao}, sum by (le) (rate(pix_decisao_latencia_seconds_bucket{_JANELA})))"


def _alvo(expressao: str, legenda: str, posicao: int) -> prometheus.Dataquery:
    letra = chr(ord("A") + posicao)
    return prometheus.Dataquery().expr(expressao).legend_format(legenda).ref_id(letra).datasource(_FONTE)


def _vestir(quadro: _Q, titulo: str, descricao: str, largura: int, altura: int) -> _Q:
    return quadro.title(titulo).description(descricao).datasource(_FONTE).span(largura).height(altura)


def _limiares(limites: Sequence[float]) -> d.ThresholdsConfig:
    cores = ("green", "orange", "red")
    passos = [md.Threshold(value=valor, color=cor) for valor, cor in zip((None, *limites), cores, strict=False)]
    return d.ThresholdsConfig().mode(md.ThresholdsMode.ABSOLUTE).steps(passos)


def _numero(
    titulo: str, descricao: str, unidade: str, consulta: Consulta, limites: Sequence[float] = ()
) -> stat.Panel:
    quadro = _vestir(stat.Panel(), titulo, descricao, _LARGURA_NUMERO, _ALTURA_NUMERO)
    return quadro.unit(unidade).with_target(_alvo(*consulta, 0)).thresholds(_limiares(limites)).no_value("sem dados")


def _grafico(
    titulo: str, descricao: str, unidade: str, *consultas: Consulta, limites: Sequence[float] = ()
) -> timeseries.Panel:
    quadro = _vestir(timeseries.Panel(), titulo, descricao, _LARGURA_GRAFICO, _ALTURA_GRAFICO).unit(unidade).min(0)
    for posicao, consulta in enumerate(consultas):
        quadro = quadro.with_target(_alvo(*consulta, posicao))
    if limites:
        estilo = c.GraphThresholdsStyleConfig().mode(mc.GraphThresholdsStyleMode.DASHED)
        quadro = quadro.thresholds(_limiares(limites)).thresholds_style(estilo)
    return quadro


def _empilhado(titulo: str, descricao: str, unidade: str, consulta: Consulta) -> timeseries.Panel:
    pilha = c.StackingConfig().mode(mc.StackingMode.NORMAL).group("A")
    return _grafico(titulo, descricao, unidade, consulta).stacking(pilha).fill_opacity(40)


def _mapa(titulo: str, descricao: str, expressao: str) -> heatmap.Panel:
    alvo = _alvo(expressao, "{{le}}", 0).format(PromQueryFormat.HEATMAP)
    cor = heatmap.HeatmapColorOptions().mode(mh.HeatmapColorMode.SCHEME).scheme("Oranges")
    return _vestir(heatmap.Panel(), titulo, descricao, _LARGURA_GRAFICO, _ALTURA_GRAFICO).with_target(alvo).color(cor)


if __name__ == "__main__":
    ARQUIVO.write_text(gerar(), encoding="utf-8")
