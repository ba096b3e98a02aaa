"""What a dashboard is made of. table.py has the dashboards; grafana.py and picture.py show them, each in its own way.

In a query `@` stands for the pools that are selected; `$__rate_interval`, `$__range` and `$__range_s` are Grafana's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

SELECTED = 'namespace=~"$namespace",pool=~"$pool"'
PRICE = "$price_per_hour"
"""What an hour costs in which callers get no answers, in the currency of the pools' prices."""
DEFAULT_PRICE = 1000


class Kind(StrEnum):
    STAT = "stat"
    LINES = "lines"
    STACK = "stack"
    STATES = "states"
    """A band a series, in the colour and with the word of its value."""
    CELLS = "cells"
    """A heatmap: a row a series, a cell a moment."""
    BUCKETS = "buckets"
    """A heatmap of a histogram."""
    TABLE = "table"


@dataclass(frozen=True)
class Query:
    """legend: Grafana's `{{label}}`s; "" for a single value without a name. column: of a table, its heading."""

    text: str
    legend: str = ""
    column: str = ""

    def filled(self, values: Mapping[str, str]) -> str:
        """As Grafana sends it: values of variables by name, without the dollar."""
        text = self.text.replace("@", SELECTED)
        for name in sorted(values, key=len, reverse=True):
            text = text.replace(f"${name}", values[name])
        return text


@dataclass(frozen=True)
class State:
    value: float
    word: str
    colour: str


@dataclass(frozen=True)
class Step:
    """From this value on, this colour."""

    value: float | None
    colour: str


@dataclass(frozen=True)
class Panel:
    """about: what it shows, and what to make of it. width: of 24 columns. colours: of series, by their legend."""

    title: str
    kind: Kind
    about: str
    queries: Sequence[Query]
    unit: str = "short"
    width: int = 12
    height: int = 8
    colours: Mapping[str, str] = field(default_factory=dict)
    states: Sequence[State] = ()
    steps: Sequence[Step] = ()
    most: float | None = None
    decimals: int | None = None


@dataclass(frozen=True)
class Row:
    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Dashboard:
    slug: str
    title: str
    about: str
    rows: Sequence[Row]

    @property
    def uid(self) -> str:
        return f"poolkeeper-{self.slug}"

    @property
    def panels(self) -> Sequence[Panel]:
        return [panel for row in self.rows for panel in row.panels]
