"""A porta de entrada: ajuda em português, erros em uma linha com código 2, interrupção com 130."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer._click.exceptions import ClickException

from comandos import estado, principal
from comandos.portugues import OPCOES_DE_AJUDA, Verbo, Verbos, mensagem_de_uso
from plataforma.configuracao import RAIZ_PROJETO
from plataforma.erros import ErroServico

INGLES = ("Usage", "Options", "Commands", "Show this", "default:", "required", "Try ", "Error")


class Cor(StrEnum):
    AZUL = "azul"
    VERDE = "verde"


def app_de_exemplo() -> typer.Typer:
    app = typer.Typer(cls=Verbos, add_completion=False, context_settings={"help_option_names": OPCOES_DE_AJUDA})

    @app.command("um", cls=Verbo)
    def um(
        nome: str,
        taxa: Annotated[int, typer.Option(min=1, max=9, help="Por segundo.")] = 5,
        cor: Cor = Cor.AZUL,
        arquivo: Annotated[Path | None, typer.Option(exists=True)] = None,
        manter: Annotated[bool, typer.Option("--manter")] = False,
    ) -> None:
        """Um exemplo."""

    @app.command("dois", cls=Verbo)
    def dois() -> None:
        """Outro."""

    return app


@pytest.mark.parametrize(
    ("argumentos", "esperado"),
    [
        (["tres"], "verbo desconhecido: tres. Veja ./pix --ajuda"),
        (["um"], "falta nome. Veja ./pix um --ajuda"),
        (["um", "a", "b"], "argumento a mais: b. Veja ./pix um --ajuda"),
        (["um", "a", "--taxa", "x"], "--taxa: esperava um inteiro, recebeu 'x'. Veja ./pix um --ajuda"),
        (["um", "a", "--taxa", "10"], "--taxa: esperava ≤ 9, recebeu '10'. Veja ./pix um --ajuda"),
        (["um", "a", "--taxa", "0"], "--taxa: esperava ≥ 1, recebeu '0'. Veja ./pix um --ajuda"),
        (["um", "a", "--cor", "roxo"], "--cor: esperava um de 'azul', 'verde', recebeu 'roxo'. Veja ./pix um --ajuda"),
        (["um", "a", "--arquivo", "/nada"], "--arquivo: /nada não existe. Veja ./pix um --ajuda"),
        (["um", "a", "--taxas", "1"], "opção desconhecida: --taxas (quis dizer --taxa?). Veja ./pix um --ajuda"),
        (["um", "--taxa"], "a opção --taxa pede um valor. Veja ./pix --ajuda"),
        (["um", "--manter=1"], "a opção --manter não recebe valor. Veja ./pix --ajuda"),
    ],
)
def test_erros_de_uso_sao_ditos_em_portugues(argumentos: list[str], esperado: str) -> None:
    with pytest.raises(ClickException) as erro:
        app_de_exemplo()(args=argumentos, prog_name="./pix", standalone_mode=False)
    assert mensagem_de_uso(erro.value) == esperado


def test_ajuda_esta_em_portugues(capsys: pytest.CaptureFixture[str]) -> None:
    for argumentos in (["--ajuda"], ["testar", "--help"], ["limpar", "-h"]):
        assert principal.executar(argumentos) == 0
        texto = capsys.readouterr().out
        assert "Uso: ./pix" in texto
        assert "Mostra esta ajuda e sai." in texto
        assert [palavra for palavra in INGLES if palavra in texto] == []


def test_sem_verbo_mostra_a_ajuda_e_sai_com_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert principal.executar([]) == 2
    saida = capsys.readouterr()
    assert "diagnostico" in saida.out
    assert saida.err == ""


def test_erro_do_usuario_e_uma_linha_sem_rastro(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def falhar(_: object) -> None:
        msg = "o broker [1] não sobe:\n  faça isto"
        raise ErroServico(msg)

    monkeypatch.setattr(estado, "situacoes", falhar)
    assert principal.executar(["estado"]) == 2
    assert capsys.readouterr().err == "erro: o broker [1] não sobe: faça isto\n"


def test_configuracao_ruim_e_recusada_com_o_valor(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIX_PORTA_KAFKA", "abc")
    assert principal.executar(["estado"]) == 2
    erro = capsys.readouterr().err
    assert erro.count("\n") == 1
    assert "'abc'" in erro
    assert "PIX_PORTA_KAFKA" in erro


def test_pasta_de_dados_impossivel_e_uma_linha(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "arquivo").write_text("")
    monkeypatch.setenv("PIX_DADOS", str(tmp_path / "arquivo" / "dados"))
    for verbo in ("estado", "subir", "diagnostico"):
        assert principal.executar([verbo]) == 2
        erro = capsys.readouterr().err
        assert erro.count("\n") == 1, verbo
        assert "não foi possível escrever em" in erro
        assert "PIX_DADOS" in erro


@pytest.mark.parametrize("levantado", [KeyboardInterrupt, typer.Abort])
def test_interrupcao_sai_com_130(
    levantado: type[BaseException], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interromper(_: object) -> None:
        raise levantado

    monkeypatch.setattr(estado, "situacoes", interromper)
    assert principal.executar(["estado"]) == 130
    assert capsys.readouterr().err == "interrompido\n"


def test_sigterm_fecha_pelo_caminho_limpo(tmp_path: Path) -> None:
    codigo = (
        "import pathlib, sys, time\nfrom comandos import estado, principal\n"
        "def situacoes(cfg):\n"
        "    try:\n        print('de pé', flush=True); time.sleep(60)\n"
        "    finally:\n        pathlib.Path(sys.argv[1]).write_text('limpo')\n"
        "estado.situacoes = situacoes\nsys.exit(principal.executar(['estado']))\n"
    )
    prova = tmp_path / "prova"
    comando = [sys.executable, "-c", codigo, str(prova)]
    with subprocess.Popen(comando, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=RAIZ_PROJETO) as filho:
        assert filho.stdout is not None
        assert filho.stdout.readline() == "de pé\n".encode()
        os.kill(filho.pid, signal.SIGTERM)
        assert filho.wait(timeout=30) == 130
    assert prova.read_text() == "limpo"


def test_ajuda_nao_importa_o_que_e_pesado() -> None:
    codigo = (
        "import sys\nfrom comandos import principal\nprincipal.executar(['--ajuda'])\n"
        "pesados = {'pyspark', 'mlflow', 'kafka', 'numpy', 'pandas', 'sklearn', 'delta', 'pyarrow', 'msgspec'}\n"
        "sys.exit(','.join(pesados & set(sys.modules)) or 0)\n"
    )
    comando = [sys.executable, "-c", codigo]
    feito = subprocess.run(comando, capture_output=True, text=True, cwd=RAIZ_PROJETO, check=False)
    assert feito.returncode == 0, feito.stderr


def test_todo_verbo_tem_ajuda_propria(capsys: pytest.CaptureFixture[str]) -> None:
    app: Callable[..., object] = principal.criar_app()
    verbos = [comando.name for comando in app.registered_commands]  # type: ignore[attr-defined]
    assert {"diagnostico", "subir", "parar", "estado", "limpar", "testar"} <= set(verbos)
    for verbo in verbos:
        assert principal.executar([verbo, "--ajuda"]) == 0
        assert [palavra for palavra in INGLES if palavra in capsys.readouterr().out] == [], verbo
