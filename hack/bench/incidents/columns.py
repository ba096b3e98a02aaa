"""What the tables compare, which direction is better, and why a better figure than ours may not be a better gateway."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hack.bench.incidents.figures import Figures


@dataclass(frozen=True)
class Column:
    """value, and median beside it: the less the better. slack: not less than so many times ours is no better than ours,
    on a noisy machine. why: what is to be said where another row is better."""

    title: str
    cell: Callable[[Figures], str]
    value: Callable[[Figures], float]
    why: str
    slack: float = 0.95
    median: Callable[[Figures], float] | None = None

    def is_better(self, other: Figures, ours: Figures) -> bool:
        values = (self.value, self.median) if self.median else (self.value,)
        return any(value(other) < value(ours) * self.slack for value in values)


def _or_none(value: float, form: str) -> str:
    return "–" if math.isnan(value) else form.format(value)


CALLERS = (
    Column(
        "status 200",
        lambda row: f"{row.accepted_percent:.2f} %",
        lambda row: 100 - row.accepted_percent,
        "a status of 200 is no answer: compare the next column",
    ),
    Column(
        "answered",
        lambda row: f"{row.answered_percent:.2f} %",
        lambda row: 100 - row.answered_percent,
        "nothing excuses that",
    ),
    Column("broken streams", lambda row: str(row.broken), lambda row: row.broken, "nothing excuses that"),
    Column(
        "first token p50 / p99",
        lambda row: f"{row.first_p50_ms:.0f} / {row.first_p99_ms:.0f} ms",
        lambda row: row.first_p99_ms,
        "it counts whole answers only: those that were slow to come are errors there, and answers here",
        median=lambda row: row.first_p50_ms,
    ),
    Column(
        "whole answer p50 / p99",
        lambda row: f"{row.total_p50_ms:.0f} / {row.total_p99_ms:.0f} ms",
        lambda row: row.total_p99_ms,
        "it counts whole answers only: those that were slow to come, or cut and continued, are errors there",
        median=lambda row: row.total_p50_ms,
    ),
    Column(
        "weakest fails: callers who notice",
        lambda row: _or_none(row.weak_percent, "{:.2f} %"),
        lambda row: row.weak_percent,
        "nothing excuses that",
    ),
    Column(
        "failover adds, p99",
        lambda row: _or_none(row.failover_ms, "{:.0f} ms"),
        lambda row: row.failover_ms,
        "few requests met the weakest there, or an error was handed on instead",
        slack=0.5,
    ),
)
PROVIDERS_SAW = (
    Column(
        "attempts a request",
        lambda row: f"{row.attempts:.2f}",
        lambda row: row.attempts,
        "each further attempt here is an answer that is missing there",
    ),
    Column(
        "in the outage",
        lambda row: f"{row.outage_attempts:.2f}",
        lambda row: row.outage_attempts,
        "it made even fewer; the attempts here are half-open requests, which find out that an endpoint is back",
    ),
    Column(
        "backup: peak at once",
        lambda row: str(row.backup_peak),
        lambda row: row.backup_peak,
        "a backup that is not used has no load either: ours may be used up to its connection limit",
    ),
    Column(
        "backup: refused",
        lambda row: str(row.backup_refused),
        lambda row: row.backup_refused,
        "nothing excuses that",
    ),
    Column(
        "cost of 1000 answers",
        lambda row: f"{row.cost:.3f} USD",
        lambda row: row.cost,
        "it sends more to the cheaper endpoints, whatever their state; the pool here does not ask for price",
    ),
)


def better_rows(rows: Sequence[Figures], title: str) -> Sequence[str]:
    """A line for each column in which others are better than the row of that title."""
    ours = next((row for row in rows if row.title == title), None)
    lines = []
    for column in (*CALLERS, *PROVIDERS_SAW) if ours else ():
        better = [row.title for row in rows if ours and column.is_better(row, ours)]
        if better:
            lines.append(f"- *{column.title}*: {', '.join(better)}; {column.why}.")
    return lines
