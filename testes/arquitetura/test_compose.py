"""O compose sem motor: esquema, linters, endurecimento, e os próprios programas lendo o que ele lhes daria."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from comandos.fluxos.conversa import DECISAO, LAGO, PAPEIS
from monitoramento import painel
from monitoramento.raspagem import ARQUIVOS
from plataforma.configuracao import RAIZ_PROJETO, Configuracao
from plataforma.jars import garantir_jars, jars_de
from plataforma.maquina import exigir_java
from plataforma.servicos import broker, mlflow_servidor
from plataforma.servicos.prometheus import RETENCAO

ARQUIVO = RAIZ_PROJETO / "docker-compose.yml"
COMPOSE: dict[str, Any] = yaml.safe_load(ARQUIVO.read_text())
SERVICOS: dict[str, dict[str, Any]] = COMPOSE["services"]
DO_ENDERECO = {
    "process.roles", "node.id", "listeners", "advertised.listeners", "controller.listener.names", "log.dirs",
    "controller.quorum.bootstrap.servers",
}
"""O que muda de 127.0.0.1 para a rede do compose; todo o resto do broker é igual."""
FERRAMENTAS = Path(sys.executable).parent


def _rodar(*comando: str, **opcoes: Any) -> subprocess.CompletedProcess[str]:
    feito = subprocess.run(comando, capture_output=True, text=True, check=False, timeout=120, **opcoes)
    assert feito.returncode == 0, feito.stdout + feito.stderr
    return feito


def test_obedece_ao_esquema_do_compose() -> None:
    _rodar(str(FERRAMENTAS / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(ARQUIVO))


def test_o_esquema_recusaria_uma_chave_inventada(tmp_path: Path) -> None:
    quebrado = tmp_path / "docker-compose.yml"
    quebrado.write_text(ARQUIVO.read_text().replace("    mem_limit: 6g", "    memoria: 6g"))
    feito = subprocess.run(
        [str(FERRAMENTAS / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(quebrado)],
        capture_output=True, text=True, check=False, timeout=60)
    assert feito.returncode != 0
    assert "memoria" in feito.stdout


def test_compose_lint_sem_reparos() -> None:
    _rodar(str(FERRAMENTAS / "compose-lint"), "check", "--strict-config", "--fail-on", "low", str(ARQUIVO),
           cwd=RAIZ_PROJETO)


def test_hadolint_sem_reparos() -> None:
    _rodar(str(FERRAMENTAS / "hadolint"), str(RAIZ_PROJETO / "Dockerfile"))


@pytest.mark.parametrize("nome", SERVICOS)
def test_cada_servico_e_endurecido_e_limitado(nome: str) -> None:
    servico = SERVICOS[nome]
    assert servico["read_only"] is True
    assert servico["cap_drop"] == ["ALL"]
    assert servico["security_opt"] == ["no-new-privileges:true"]
    assert servico["user"].split(":")[0] not in {"0", "root", ""}
    assert {"mem_limit", "cpus", "pids_limit", "healthcheck"} <= set(servico)
    assert "interna" in servico["networks"]
    assert not re.search(r":latest|:$", servico["image"])
    for porta in servico.get("ports", []):
        assert porta.startswith("127.0.0.1:"), porta


def test_a_rede_interna_nao_sai_e_o_pipeline_nao_publica_portas() -> None:
    assert COMPOSE["networks"]["interna"]["internal"] is True
    for papel in PAPEIS:
        assert SERVICOS[papel]["networks"] == ["interna"]
        assert "ports" not in SERVICOS[papel]


def test_nenhum_segredo_no_arquivo() -> None:
    for nome, servico in SERVICOS.items():
        for variavel, valor in servico.get("environment", {}).items():
            if re.search(r"PASS|SENHA|SECRET|TOKEN|CHAVE", variavel):
                assert variavel.endswith("__FILE"), f"{nome}: {variavel}"
                assert valor.startswith("/run/secrets/"), f"{nome}: {variavel}"
    for segredo in COMPOSE["secrets"].values():
        assert segredo["file"].startswith("./.pix/"), "fora do git"
    assert ".pix/" in (RAIZ_PROJETO / ".gitignore").read_text().split()


def test_esperas_sao_por_saude_e_por_servicos_que_existem() -> None:
    for nome, servico in SERVICOS.items():
        for outro, espera in servico.get("depends_on", {}).items():
            assert espera["condition"] in {"service_healthy", "service_completed_successfully"}, nome
            if espera["condition"] == "service_healthy":
                assert "test" in SERVICOS[outro]["healthcheck"], outro
    for papel in PAPEIS:
        assert set(SERVICOS[papel]["depends_on"]) == {"topicos", "mlflow"}
        assert SERVICOS[papel]["command"][-2:] == ["comandos.fluxos", papel]


def test_o_que_e_montado_existe_e_e_o_mesmo_do_caminho_sem_conteiner() -> None:
    montados = {}
    for servico in SERVICOS.values():
        for volume in servico.get("volumes", []):
            origem, destino, *modo = volume.split(":")
            if origem.startswith("./"):
                assert (RAIZ_PROJETO / origem).exists(), origem
                assert modo == ["ro"], volume
                montados[origem] = destino
            else:
                assert origem in COMPOSE["volumes"], origem
    for arquivo in ARQUIVOS:
        assert montados[f"./monitoramento/{arquivo}"] == f"/etc/prometheus/{arquivo}"
    provedor = yaml.safe_load((RAIZ_PROJETO / "monitoramento/grafana/provisioning/dashboards/pix.yml").read_text())
    assert provedor["providers"][0]["options"]["path"] == montados["./monitoramento/grafana/paineis"]
    inicial = SERVICOS["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert inicial == f"{montados['./monitoramento/grafana/paineis']}/{painel.ARQUIVO.name}"


def test_cada_variavel_do_pipeline_e_um_campo_da_configuracao_e_vale() -> None:
    ambiente = {k: v for k, v in SERVICOS["decisao"]["environment"].items() if k.startswith("PIX_")}
    campos = {f"PIX_{campo.upper()}" for campo in Configuracao.__dataclass_fields__}
    assert set(ambiente) <= campos
    cfg = Configuracao.do_ambiente(ambiente)
    assert cfg.kafka_servidores == f"kafka:{_porta('INTERNO')}"
    assert f"kafka:{_porta('INTERNO')}" in SERVICOS["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    alvos = json.loads((RAIZ_PROJETO / "monitoramento/alvos_compose/pix.json").read_text())
    portas = {DECISAO: cfg.porta_metricas, LAGO: cfg.porta_metricas_lago}
    assert [alvo["targets"] for alvo in alvos] == [[f"{papel}:{porta}"] for papel, porta in portas.items()]
    for papel, porta in portas.items():
        assert str(porta) in SERVICOS[papel]["healthcheck"]["test"][-1]
        assert SERVICOS[papel]["environment"] == SERVICOS[DECISAO]["environment"]
    arquivo = RAIZ_PROJETO / "monitoramento/grafana/provisioning/datasources/prometheus.yml"
    fontes = yaml.safe_load(arquivo.read_text())
    assert fontes["datasources"][0]["url"] == "http://prometheus:9090"


def _porta(ouvinte: str) -> str:
    [porta] = re.findall(rf"{ouvinte}://0\.0\.0\.0:(\d+)", SERVICOS["kafka"]["environment"]["KAFKA_LISTENERS"])
    return str(porta)


def test_a_imagem_leva_o_que_existe_e_o_que_o_ignore_deixa_passar() -> None:
    texto = (RAIZ_PROJETO / "Dockerfile").read_text()
    passam = {linha[1:] for linha in (RAIZ_PROJETO / ".dockerignore").read_text().split() if linha.startswith("!")}
    copiados = {origem.rstrip("/") for linha in re.findall(r"^COPY (.+)$", texto, re.MULTILINE)
                for origem in linha.split()[:-1]}
    assert copiados == passam
    for origem in copiados:
        assert (RAIZ_PROJETO / origem).exists(), origem
    assert "USER 10001:10001" in texto
    assert "--require-hashes" in texto


def test_o_comando_dos_topicos_e_o_dos_servicos_locais(broker: Configuracao) -> None:
    """O próprio texto do compose, rodado contra o broker real."""
    _, _, opcao, programa = SERVICOS["topicos"]["command"]
    _rodar(sys.executable, opcao, programa, cwd=RAIZ_PROJETO, env={**os.environ, **broker.para_ambiente()})


def test_o_broker_do_compose_tem_as_propriedades_do_local(cfg: Configuracao) -> None:
    local = _propriedades(broker._escrever_propriedades(cfg).read_text())
    compose = _em_propriedades(SERVICOS["kafka"]["environment"])
    assert {k: v for k, v in local.items() if k not in DO_ENDERECO}.items() <= compose.items()


@pytest.mark.servico
def test_o_kafka_le_o_ambiente_do_compose_e_formata_com_ele(tmp_path: Path) -> None:
    """O programa com que a imagem oficial transforma o ambiente em server.properties e formata o disco."""
    garantir_jars()
    for pasta in ("padrao", "montado", "final"):
        (tmp_path / pasta).mkdir()
    for arquivo in ("server.properties", "log4j2.yaml", "tools-log4j2.yaml"):
        (tmp_path / "padrao" / arquivo).write_text("")
    ambiente = {**SERVICOS["kafka"]["environment"], "KAFKA_LOG_DIRS": str(tmp_path / "disco")}
    _rodar(str(exigir_java()), "-cp", ":".join(str(jar) for jar in jars_de("broker")),
           "kafka.docker.KafkaDockerWrapper", "setup", "-D", str(tmp_path / "padrao"), "-M", str(tmp_path / "montado"),
           "-F", str(tmp_path / "final"), env={**os.environ, **ambiente})
    escritas = _propriedades((tmp_path / "final" / "server.properties").read_text())
    assert _em_propriedades(ambiente).items() <= escritas.items()
    assert f"cluster.id={ambiente['CLUSTER_ID']}" in (tmp_path / "disco" / "meta.properties").read_text()


def _propriedades(texto: str) -> dict[str, str]:
    pares = (linha.partition("=") for linha in texto.splitlines() if "=" in linha)
    return {chave: valor for chave, _, valor in pares}


def _em_propriedades(ambiente: dict[str, str]) -> dict[str, str]:
    return {nome.removeprefix("KAFKA_").lower().replace("_", "."): valor for nome, valor in ambiente.items()
            if nome.startswith("KAFKA_") and nome != "KAFKA_HEAP_OPTS"}


@pytest.mark.servico
def test_o_mlflow_do_compose_sobe_e_so_atende_os_nomes_dados(
    tmp_path: Path, cfg: Configuracao, porta_livre: Callable[[], int]
) -> None:
    """O comando do compose, só com endereço e pastas trocados. O nome `mlflow` não está na lista padrão do servidor."""
    comando = SERVICOS["mlflow"]["command"]
    opcoes = dict(zip(comando[5::2], comando[6::2], strict=True))
    local = mlflow_servidor._preparar(cfg)
    assert set(opcoes) - {"--allowed-hosts"} == {parte for parte in local if parte.startswith("--")}
    ambiente = SERVICOS["mlflow"]["environment"]
    assert mlflow_servidor._AMBIENTE.items() <= ambiente.items()
    porta = porta_livre()
    opcoes |= {"--host": "127.0.0.1", "--port": str(porta), "--backend-store-uri": f"sqlite:///{tmp_path / 'm.db'}",
               "--artifacts-destination": (tmp_path / "artefatos").as_uri()}
    processo = subprocess.Popen(
        [sys.executable, *comando[1:5], *(parte for par in opcoes.items() for parte in par)],
        env={**os.environ, **ambiente, "HOME": str(tmp_path)}, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        limite = time.monotonic() + mlflow_servidor.PRAZO_PRONTO_SEGUNDOS
        while _situacao(porta, f"localhost:{porta}") is None:
            assert processo.poll() is None, "o servidor morreu"
            assert time.monotonic() < limite, "o servidor não respondeu"
            time.sleep(0.3)
        assert _situacao(porta, "mlflow:5000") == 200
        assert _situacao(porta, "127.0.0.1:15000") == 200
        assert _situacao(porta, "atacante.exemplo") == 403
    finally:
        os.killpg(processo.pid, 9)
        processo.wait()


def _situacao(porta: int, nome: str) -> int | None:
    """O código HTTP de uma chamada da API com o cabeçalho Host dado; nulo = ninguém respondeu."""
    pedido = urllib.request.Request(
        f"http://127.0.0.1:{porta}/api/2.0/mlflow/experiments/get?experiment_id=0", headers={"Host": nome})
    try:
        with urllib.request.urlopen(pedido, timeout=5) as resposta:  # noqa: S310
            return int(resposta.status)
    except urllib.error.HTTPError as erro:
        return erro.code
    except OSError:
        return None


def test_o_prometheus_do_compose_acha_seus_arquivos(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("falta o promtool: apt-get install prometheus (Debian/Ubuntu) ou brew install prometheus (macOS)")
    for volume in SERVICOS["prometheus"]["volumes"]:
        origem, destino, *_ = volume.split(":")
        if origem.startswith("./"):
            alvo = tmp_path / destino.removeprefix("/etc/prometheus/")
            copiar = shutil.copytree if (RAIZ_PROJETO / origem).is_dir() else shutil.copyfile
            copiar(RAIZ_PROJETO / origem, alvo)
    feito = _rodar(promtool, "check", "config", str(tmp_path / "prometheus.yml"))
    assert "WARNING" not in feito.stdout + feito.stderr
    assert f"--storage.tsdb.retention.time={RETENCAO}" in SERVICOS["prometheus"]["command"]
