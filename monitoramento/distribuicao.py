"""Um histograma que recebe contagens já feitas por balde: o que `observe()` conta no executor, somado no driver."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from math import inf
from threading import Lock

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class HistogramaObservado(Collector):
    """Acumula desde o início do processo contagens acumuladas por borda, a forma de um histograma do Prometheus.

    `limites`: bordas superiores inclusivas, crescentes, na unidade base da métrica; a última borda, infinita, é
    acrescentada. Sem rótulos a série nasce em zero; com rótulos, na primeira soma.
    """

    def __init__(
        self, registro: CollectorRegistry, nome: str, ajuda: str, limites: Sequence[float], rotulos: Sequence[str] = ()
    ) -> None:
        self.nome, self.ajuda, self.limites, self.rotulos = nome, ajuda, tuple(limites), tuple(rotulos)
        self._trava = Lock()
        self._series: dict[tuple[str, ...], tuple[list[int], float]] = {}
        if not rotulos:
            self._series[()] = ([0] * (len(self.limites) + 1), 0.0)
        registro.register(self)

    def somar(self, ate: Collection[int], total: int, soma: float, rotulos: Sequence[str] = ()) -> None:
        """Soma um lote: `ate[i]` valores ≤ `limites[i]`, `total` ao todo e `soma` dos valores na unidade base.

        Levanta:
            ValueError: quando as contagens não têm o tamanho dos limites ou decrescem (não são acumuladas).
        """
        novas = [*ate, total]
        if len(novas) != len(self.limites) + 1 or sorted(novas) != novas or len(rotulos) != len(self.rotulos):
            msg = f"{self.nome}: contagens {novas} para {len(self.limites)} bordas; esperado: acumuladas, uma por borda"
            raise ValueError(msg)
        chave = tuple(rotulos)
        with self._trava:
            contagens, anterior = self._series.get(chave, ([0] * len(novas), 0.0))
            somadas = [velha + nova for velha, nova in zip(contagens, novas, strict=True)]
            self._series[chave] = (somadas, anterior + soma)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """A família de séries, como o registro a pede a cada raspagem."""
        familia = HistogramMetricFamily(self.nome, self.ajuda, labels=self.rotulos)
        bordas = [str(floatToGoString(limite)) for limite in (*self.limites, inf)]  # type: ignore[no-untyped-call]
        with self._trava:
            series = list(self._series.items())
        for rotulos, (contagens, soma) in series:
            familia.add_metric(rotulos, list(zip(bordas, contagens, strict=True)), soma)
        yield familia

    def describe(self) -> list[HistogramMetricFamily]:
        """O nome, para que o registro recuse uma segunda métrica igual."""
        return [HistogramMetricFamily(self.nome, self.ajuda, labels=self.rotulos)]
