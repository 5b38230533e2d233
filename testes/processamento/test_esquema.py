from processamento import esquema
from processamento.normalizado import Normalizado, RotuloNormalizado
from processamento.qualidade import Recusa


def test_as_tuplas_do_validador_tem_a_ordem_das_tabelas() -> None:
    assert list(Normalizado._fields) == [campo.name for campo in esquema.CAMPOS_NORMALIZADOS]
    assert list(RotuloNormalizado._fields) == [campo.name for campo in esquema.CAMPOS_ROTULO]
    assert list(Recusa._fields) == [campo.name for campo in esquema.CAMPOS_RECUSA]


def test_o_que_pode_ser_nulo_na_tupla_pode_ser_nulo_na_tabela() -> None:
    for tupla, campos in ((Normalizado, esquema.CAMPOS_NORMALIZADOS), (RotuloNormalizado, esquema.CAMPOS_ROTULO)):
        anulaveis = {
            nome
            for nome, tipo in tupla.__annotations__.items()
            if "None" in getattr(tipo, "__forward_arg__", str(tipo))
        }
        assert anulaveis == {campo.name for campo in campos if campo.nullable}


def test_nenhuma_tabela_repete_nome_de_coluna() -> None:
    for tabela in (esquema.PRATA, esquema.PRATA_ROTULOS, esquema.QUARENTENA, esquema.DUPLICADOS, esquema.INDICADORES):
        assert len(set(tabela.names)) == len(tabela.names)
