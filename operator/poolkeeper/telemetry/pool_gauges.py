"""The gauges of single pools, kept as plain numbers under their pool until somebody asks for them.

A Gauge of the library takes 1.5 kB a series, a dozen series a pool, and finds those of one pool by a look at all.
"""

from collections.abc import Iterator, Mapping, Sequence

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

Pool = tuple[str, str]
"""Namespace and name: the first two labels of each family."""
Rest = tuple[str, ...]
"""The values of the labels after these."""


class PoolGauges(Collector):
    """families: name -> (words, labels)."""

    def __init__(self, families: Mapping[str, tuple[str, Sequence[str]]]) -> None:
        self._families = families
        self._values: dict[str, dict[Pool, dict[Rest, float]]] = {name: {} for name in families}

    def set(self, name: str, pool: Pool, value: float, *rest: str) -> None:
        self._values[name].setdefault(pool, {})[rest] = value

    def replace(self, name: str, pool: Pool, values: Mapping[Rest, float]) -> None:
        """These, and no other of this pool."""
        if values:
            self._values[name][pool] = dict(values)
        else:
            self._values[name].pop(pool, None)

    def drop(self, pool: Pool) -> None:
        for of_family in self._values.values():
            of_family.pop(pool, None)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, (words, labels) in self._families.items():
            family = GaugeMetricFamily(name, words, labels=labels)
            for pool, values in self._values[name].items():
                for rest, value in values.items():
                    family.add_metric((*pool, *rest), value)
            yield family
