"""O painel é o que o gerador diz, só usa o que existe, e o provisionamento o encontra."""

from itertools import combinations
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from monitoramento import deriva, painel
from monitoramento.metricas import DESFECHOS, criar_metricas
from testes.monitoramento.promql import PASTA, alvos, nomes, paineis, regras, seletores

SEM_PAINEL = {"pix_build_info": "serve à consulta avulsa e ao relatório, não ao olhar de quem opera"}
DO_PROMETHEUS = {"up", "ALERTS"}


DECLARADAS = (*criar_metricas(CollectorRegistry()).declaradas, *deriva.DECLARADAS)


def _exportadas() -> dict[str, tuple[str, ...]]:
    """Nome de série exposta → rótulos, com os sufixos de histograma e resumo."""
    saida: dict[str, tuple[str, ...]] = {}
    for declarada in DECLARADAS:
        sufixos = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}.get(declarada.tipo, ("",))
        for sufixo in sufixos:
            saida[declarada.nome + sufixo] = (*declarada.rotulos, *(("le",) if sufixo == "_bucket" else ()))
    return saida


EXPORTADAS = _exportadas()
GRAVADAS = {regra["record"] for regra in regras() if "record" in regra}
EXPRESSOES = [*alvos(), *((regra.get("alert") or regra["record"], regra["expr"]) for regra in regras())]


def test_gerar_de_novo_da_os_mesmos_bytes() -> None:
    assert painel.ARQUIVO.read_text(encoding="utf-8") == painel.gerar() == painel.gerar(), (
        "rode python -m monitoramento.painel e faça o commit")


@pytest.mark.parametrize(("titulo", "expressao"), EXPRESSOES)
def test_a_expressao_so_usa_metricas_e_rotulos_que_existem(titulo: str, expressao: str) -> None:
    for nome, rotulos in seletores(expressao):
        assert nome in EXPORTADAS or nome in GRAVADAS or nome in DO_PROMETHEUS, f"{titulo}: {nome}"
        if nome in EXPORTADAS:
            assert set(rotulos) <= set(EXPORTADAS[nome]), f"{titulo}: {rotulos}"
        camada = rotulos.get("camada")
        assert camada is None or rotulos.get("desfecho", DESFECHOS[camada][0]) in DESFECHOS[camada], titulo


def test_toda_metrica_aparece_ou_foi_deixada_de_fora_de_proposito() -> None:
    usadas = set().union(*(nomes(expressao) for _, expressao in EXPRESSOES))
    declaradas = {declarada.nome for declarada in DECLARADAS}
    ausentes = {nome for nome in declaradas if not any(usada.startswith(nome) for usada in usadas)}
    assert ausentes == set(SEM_PAINEL)


def test_o_analisador_recusa_expressao_quebrada_e_nome_inventado_e_notado() -> None:
    with pytest.raises(ValueError, match="unclosed"):
        nomes("sum(rate(pix_eventos_total[1m])")
    assert nomes("rate(pix_inventada_total[1m])") == {"pix_inventada_total"}


@pytest.mark.parametrize("arquivo", paineis(), ids=lambda arquivo: arquivo.stem)
def test_quadros_tem_titulo_explicacao_unidade_e_lugar_proprio(arquivo: Any) -> None:
    quadros = paineis()[arquivo]["panels"]
    assert len({quadro["id"] for quadro in quadros}) == len({quadro["title"] for quadro in quadros}) == len(quadros)
    for quadro in quadros:
        assert quadro["title"], quadro["id"]
        assert len(quadro["description"]) > 20, quadro["title"]
        assert quadro["targets"], quadro["title"]
        assert quadro["type"] in {"table", "heatmap"} or quadro["fieldConfig"]["defaults"]["unit"], quadro["title"]
        assert quadro["gridPos"]["x"] + quadro["gridPos"]["w"] <= 24, quadro["title"]
    for um, outro in combinations(quadros, 2):
        assert not _sobrepostos(um["gridPos"], outro["gridPos"]), (um["title"], outro["title"])


def _sobrepostos(a: dict[str, int], b: dict[str, int]) -> bool:
    largura = a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"]
    return largura and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]


def test_provisionamento_e_paineis_concordam() -> None:
    fontes = yaml.safe_load((PASTA / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"]
    assert [fonte["uid"] for fonte in fontes] == [painel.UID_FONTE]
    raspagem = yaml.safe_load((PASTA / "prometheus.yml").read_text())["global"]["scrape_interval"]
    assert fontes[0]["jsonData"]["timeInterval"] == raspagem
    for conteudo in paineis().values():
        [variavel] = [v for v in conteudo["templating"]["list"] if v["type"] == "datasource"]
        assert variavel["current"]["value"] == painel.UID_FONTE
        assert {quadro["datasource"]["uid"] for quadro in conteudo["panels"]} == {"${datasource}"}
    assert len({conteudo["uid"] for conteudo in paineis().values()}) == len(paineis())


def test_paineis_nao_sao_editaveis_no_navegador() -> None:
    [provedor] = yaml.safe_load((PASTA / "grafana/provisioning/dashboards/pix.yml").read_text())["providers"]
    assert provedor["allowUiUpdates"] is False
    assert not any(conteudo["editable"] for conteudo in paineis().values())
