"""A conversa com os processos dos fluxos, por arquivos em `servicos/`: fase, pedidos, respostas e preparo.

Toda escrita é atômica: nunca se lê pela metade.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from plataforma.configuracao import Configuracao
from plataforma.servicos import processo

if TYPE_CHECKING:
    from comandos.preparo import Preparo

DECISAO: Final = "decisao"
LAGO: Final = "lago"
PAPEIS: Final = (DECISAO, LAGO)
"""Cada um é o nome do serviço, do registro e dos arquivos da conversa."""
CONSULTAS: Final = "consultas"
PRONTO: Final = "pronto"
"""Fases de quem já preparou o que devia: inicia as consultas; tem-nas todas ativas."""
_PREPARO: Final = "lago.preparo.json"
FASES_COM_PRATA: Final = frozenset({"ouro", "treino"})
"""Fases do preparo em que a prata da história já está completa."""


def arquivo_estado(cfg: Configuracao, papel: str) -> Path:
    """Onde o processo diz a fase: `{"pid": …, "fase": "…"}`."""
    return cfg.caminho("servicos", f"{papel}.estado.json")


def publicar_estado(cfg: Configuracao, papel: str, pid: int, fase: str) -> None:
    """Diz em que fase o processo está."""
    _escrever(arquivo_estado(cfg, papel), {"pid": pid, "fase": fase})


def estado(cfg: Configuracao, papel: str) -> dict[str, Any]:
    """O que o processo anotado publicou; vazio se ainda nada, ou se o arquivo é de um processo anterior."""
    anotado = processo.carregar(papel, cfg)
    lido = _ler(arquivo_estado(cfg, papel)) or {}
    return lido if anotado is not None and lido.get("pid") == anotado.pid else {}


def pronto(cfg: Configuracao, papel: str) -> bool:
    """Se o processo escreveu que suas consultas estão ativas."""
    return estado(cfg, papel).get("fase") == PRONTO


def prontos(cfg: Configuracao) -> bool:
    """Se os dois processos escreveram que estão prontos."""
    return all(pronto(cfg, papel) for papel in PAPEIS)


def algum_pronto(cfg: Configuracao) -> bool:
    """Se ao menos um dos processos já escreve nas tabelas."""
    return any(pronto(cfg, papel) for papel in PAPEIS)


def anunciar_preparo(cfg: Configuracao) -> None:
    """Diz que um preparo virá: os processos abrem suas sessões e esperam por `pedir_preparo`."""
    _escrever(cfg.caminho("servicos", _PREPARO), {})


def pedir_preparo(cfg: Configuracao, preparo: Preparo) -> None:
    """Deixa escrito o que o próximo processo do lago deve preparar antes de iniciar as consultas."""
    _escrever(cfg.caminho("servicos", _PREPARO), asdict(preparo))


def preparo(cfg: Configuracao) -> Preparo | None:
    """O preparo por fazer ou em curso; None se não há, ou se só foi anunciado."""
    from comandos.preparo import Preparo  # noqa: PLC0415  pyarrow: `./pix estado` não o usa

    lido = _ler(cfg.caminho("servicos", _PREPARO))
    return Preparo(**lido) if lido else None


def preparo_pendente(cfg: Configuracao) -> bool:
    """Se há um preparo anunciado, por fazer ou em curso."""
    return cfg.caminho("servicos", _PREPARO).exists()


def esquecer_anuncio(cfg: Configuracao) -> None:
    """Apaga um anúncio que ninguém completou (quem o fez foi interrompido): esperariam por ele para sempre."""
    if preparo_pendente(cfg) and preparo(cfg) is None:
        preparo_feito(cfg)


def preparo_feito(cfg: Configuracao) -> None:
    """Apaga o pedido de preparo."""
    cfg.caminho("servicos", _PREPARO).unlink()


def prata_completa(cfg: Configuracao) -> bool:
    """Se a história, quando há uma por preparar, já está inteira na prata."""
    return not preparo_pendente(cfg) or estado(cfg, LAGO).get("fase") in FASES_COM_PRATA


def pedir_drenagem(cfg: Configuracao, papel: str, identidade: str, *, encerrar: bool = False) -> None:
    """Pede ao processo que drene; a resposta sai com a mesma identidade. `encerrar`: as consultas não continuam."""
    _escrever(_arquivo_pedido(cfg, papel), {"id": identidade, "encerrar": encerrar})


def tomar_pedido(cfg: Configuracao, papel: str) -> dict[str, Any] | None:
    """O pedido por atender, que deixa de existir; None se não há."""
    lido = _ler(_arquivo_pedido(cfg, papel))
    if lido is not None:
        _arquivo_pedido(cfg, papel).unlink()
    return lido


def responder(cfg: Configuracao, papel: str, identidade: str, conteudo: dict[str, Any]) -> None:
    """Responde ao pedido."""
    _escrever(_arquivo_resposta(cfg, papel), {"id": identidade, **conteudo})


def resposta(cfg: Configuracao, papel: str, identidade: str) -> dict[str, Any] | None:
    """A resposta ao pedido, ou None se ainda não há."""
    lida = _ler(_arquivo_resposta(cfg, papel))
    return lida if lida is not None and lida["id"] == identidade else None


def _arquivo_pedido(cfg: Configuracao, papel: str) -> Path:
    return cfg.caminho("servicos", f"{papel}.pedido.json")


def _arquivo_resposta(cfg: Configuracao, papel: str) -> Path:
    return cfg.caminho("servicos", f"{papel}.resposta.json")


def _ler(arquivo: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads(arquivo.read_text()))
    except FileNotFoundError:
        return None


def _escrever(arquivo: Path, conteudo: dict[str, Any]) -> None:
    arquivo.parent.mkdir(parents=True, exist_ok=True)
    provisorio = arquivo.with_suffix(".tmp")
    provisorio.write_text(json.dumps(conteudo, default=str))
    provisorio.replace(arquivo)
