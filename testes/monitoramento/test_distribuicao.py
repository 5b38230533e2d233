import pytest
from prometheus_client import CollectorRegistry, generate_latest

from monitoramento.distribuicao import HistogramaObservado


def _com_lotes() -> tuple[CollectorRegistry, HistogramaObservado]:
    registro = CollectorRegistry()
    return registro, HistogramaObservado(registro, "pix_x_seconds", "Ajuda.", [0.5, 1.5])


def test_sem_rotulos_nasce_em_zero() -> None:
    registro, _ = _com_lotes()
    assert registro.get_sample_value("pix_x_seconds_count") == 0


def test_lotes_somam_e_a_borda_infinita_e_o_total() -> None:
    registro, histograma = _com_lotes()
    histograma.somar([1, 2], 4, 9.5)
    histograma.somar([0, 1], 1, 1.0)
    assert registro.get_sample_value("pix_x_seconds_bucket", {"le": "0.5"}) == 1
    assert registro.get_sample_value("pix_x_seconds_bucket", {"le": "1.5"}) == 3
    assert registro.get_sample_value("pix_x_seconds_bucket", {"le": "+Inf"}) == 5
    assert registro.get_sample_value("pix_x_seconds_sum") == 10.5
    assert b"# TYPE pix_x_seconds histogram" in generate_latest(registro)


def test_com_rotulo_cada_serie_tem_a_sua_conta() -> None:
    registro = CollectorRegistry()
    histograma = HistogramaObservado(registro, "pix_pontuacao", "Ajuda.", [0.5], ("modelo_versao",))
    histograma.somar([1], 2, 1.0, ("3",))
    histograma.somar([1], 1, 0.1, ("4",))
    assert registro.get_sample_value("pix_pontuacao_count", {"modelo_versao": "3"}) == 2
    assert registro.get_sample_value("pix_pontuacao_count", {"modelo_versao": "4"}) == 1


@pytest.mark.parametrize(("ate", "total"), [([2, 1], 3), ([1], 1), ([1, 2], 1), ([1, 2, 3], 3)])
def test_contagens_que_nao_sao_acumuladas_sao_recusadas(ate: list[int], total: int) -> None:
    registro, histograma = _com_lotes()
    with pytest.raises(ValueError, match="acumuladas"):
        histograma.somar(ate, total, 1.0)
    assert registro.get_sample_value("pix_x_seconds_count") == 0


def test_o_mesmo_nome_duas_vezes_e_recusado() -> None:
    registro, _ = _com_lotes()
    with pytest.raises(ValueError, match="Duplicated"):
        HistogramaObservado(registro, "pix_x_seconds", "Outra.", [1.0])
