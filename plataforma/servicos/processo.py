"""Um processo nosso, destacado: nasce em sessão própria, deixa PID, instante e marca em disco, e morre inteiro.

A marca é uma variável de ambiente única, herdada por todos os descendentes (a JVM de um driver, por exemplo). Por
ela se acham os órfãos de um pai morto com SIGKILL, e nunca se toca um processo alheio que reaproveitou o PID.
"""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psutil

from plataforma.configuracao import RAIZ_PROJETO, Configuracao
from plataforma.erros import ErroServico
from plataforma.maquina import ambiente_processo, exigir_gravavel

MARCA: Final = "DETECTOR_PIX_SERVICO"
INTERVALO_SEGUNDOS: Final = 0.1
PRAZO_PARAR_SEGUNDOS: Final = 20.0
PRAZO_MATAR_SEGUNDOS: Final = 5.0
TOLERANCIA_CRIACAO_SEGUNDOS: Final = 2.0
LINHAS_DO_FIM: Final = 8
_BYTES_DO_FIM: Final = 8192


@dataclass(frozen=True)
class Processo:
    """Um serviço iniciado por nós. `criado_em`: segundos desde 1970; `registro`: arquivo com sua saída."""

    nome: str
    pid: int
    criado_em: float
    marca: str
    registro: str

    def vivo(self) -> bool:
        """Se o processo principal ainda é este e está de pé (um zumbi está morto)."""
        return self._principal() is not None

    def membros(self) -> list[psutil.Process]:
        """O principal e todos os descendentes que ainda vivem, mesmo órfãos."""
        achados = [processo for processo in psutil.process_iter() if _marca_de(processo) == self.marca]
        principal = self._principal()
        return achados if principal is None or principal in achados else [principal, *achados]

    def esperar(self, condicao: Callable[[], bool], prazo_segundos: float, oque: str) -> None:
        """Espera `condicao` ser verdadeira; a morte do processo encerra a espera na hora.

        Levanta:
            ErroServico: se ele morre ou o prazo acaba; cita o fim do registro.
        """
        limite = time.monotonic() + prazo_segundos
        while not condicao():
            principal = self._principal()
            if principal is None:
                msg = f"{self.nome} morreu antes de {oque}. {self.fim_do_registro()}"
                raise ErroServico(msg)
            if time.monotonic() >= limite:
                msg = f"{self.nome} não conseguiu {oque} em {prazo_segundos:.0f} s. {self.fim_do_registro()}"
                raise ErroServico(msg)
            psutil.wait_procs([principal], timeout=INTERVALO_SEGUNDOS)

    def parar(self, prazo_segundos: float = PRAZO_PARAR_SEGUNDOS) -> bool:
        """SIGTERM ao principal, espera; depois SIGTERM e SIGKILL ao que restar. Devolve se havia algo vivo.

        Só o principal recebe o primeiro sinal: a JVM de um driver tem de sobreviver a ele para fechar as consultas.
        """
        membros = self.membros()
        principal = self._principal()
        if principal is not None:
            _sinalizar([principal], matar=False)
            psutil.wait_procs([principal], timeout=prazo_segundos)
        for matar in (False, True):
            restantes = self.membros()
            _sinalizar(restantes, matar=matar)
            psutil.wait_procs(restantes, timeout=PRAZO_MATAR_SEGUNDOS)
        return bool(membros)

    def fim_do_registro(self, linhas: int = LINHAS_DO_FIM) -> str:
        """As últimas linhas que o processo escreveu, em uma só, e onde está o resto."""
        arquivo = Path(self.registro)
        try:
            with arquivo.open("rb") as entrada:
                entrada.seek(max(0, arquivo.stat().st_size - _BYTES_DO_FIM))
                texto = entrada.read().decode(errors="replace")
        except OSError:
            return f"Sem registro em {arquivo}"
        ultimas = [linha.strip() for linha in texto.splitlines() if linha.strip()][-linhas:]
        return f"Fim de {arquivo}: {' / '.join(ultimas) or '(vazio)'}"

    def _principal(self) -> psutil.Process | None:
        try:
            processo = psutil.Process(self.pid)
            if processo.status() == psutil.STATUS_ZOMBIE:
                return None
            mesmo_instante = abs(processo.create_time() - self.criado_em) < TOLERANCIA_CRIACAO_SEGUNDOS
        except psutil.NoSuchProcess:
            return None
        return processo if mesmo_instante and _marca_de(processo) in {self.marca, None} else None


def iniciar(
    nome: str, comando: Sequence[str], cfg: Configuracao, ambiente: Mapping[str, str] | None = None
) -> Processo:
    """Inicia `comando` destacado deste terminal, com a saída em `servicos/<nome>.log`, e o anota em disco.

    Restos de uma vida anterior do mesmo serviço (órfãos de um SIGKILL) são mortos antes.

    Levanta:
        ErroServico: se o programa não pode ser executado.
        ErroAmbiente: se a pasta de dados não aceita escrita.
    """
    anterior = carregar(nome, cfg)
    if anterior is not None:
        anterior.parar()
    registro = cfg.caminho("servicos", f"{nome}.log")
    exigir_gravavel(registro.parent)
    marca = uuid.uuid4().hex
    with registro.open("wb") as saida:
        try:
            filho = subprocess.Popen(  # noqa: S603  comandos montados pelos módulos de serviço
                list(comando), stdin=subprocess.DEVNULL, stdout=saida, stderr=subprocess.STDOUT,
                start_new_session=True, cwd=RAIZ_PROJETO,
                env=ambiente_processo(**{**(ambiente or {}), MARCA: marca}),
            )
        except OSError as erro:
            msg = f"não foi possível executar {comando[0]} para {nome}: {erro.strerror}"
            raise ErroServico(msg) from erro
    processo = Processo(nome, filho.pid, psutil.Process(filho.pid).create_time(), marca, str(registro))
    arquivo = _arquivo(nome, cfg)
    provisorio = arquivo.with_suffix(".json.novo")
    provisorio.write_text(json.dumps(asdict(processo)))
    provisorio.replace(arquivo)
    return processo


def carregar(nome: str, cfg: Configuracao) -> Processo | None:
    """O último processo anotado com esse nome, vivo ou não; nulo = nunca iniciado ou já parado."""
    try:
        return Processo(**json.loads(_arquivo(nome, cfg).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def parar(nome: str, cfg: Configuracao, prazo_segundos: float = PRAZO_PARAR_SEGUNDOS) -> bool:
    """Para o serviço e seus descendentes e apaga a anotação. Devolve se havia algo vivo."""
    processo = carregar(nome, cfg)
    if processo is None:
        return False
    havia = processo.parar(prazo_segundos)
    _arquivo(nome, cfg).unlink(missing_ok=True)
    return havia


def quem_escuta(porta: int) -> str:
    """Nome e PID de quem ocupa a porta, para mensagens; texto genérico se o sistema não o diz."""
    try:
        for conexao in psutil.net_connections("tcp"):
            if conexao.laddr and conexao.laddr[1] == porta and conexao.status == psutil.CONN_LISTEN and conexao.pid:
                return f"{psutil.Process(conexao.pid).name()} (PID {conexao.pid})"
    except psutil.Error:
        return "outro programa"
    return "outro programa"


def _arquivo(nome: str, cfg: Configuracao) -> Path:
    return cfg.caminho("servicos", f"{nome}.json")


def _marca_de(processo: psutil.Process) -> str | None:
    """A marca herdada; nulo quando não há, ou quando o sistema não deixa ver o ambiente do processo."""
    try:
        return processo.environ().get(MARCA)
    except (psutil.Error, OSError):
        return None


def _sinalizar(processos: Sequence[psutil.Process], *, matar: bool) -> None:
    for processo in processos:
        try:
            if matar:
                processo.kill()
            else:
                processo.terminate()
        except psutil.NoSuchProcess:
            continue  # já se foi: era o que se queria
