"""What a router has counted of each endpoint, from its /metrics: attempts, failures, and how long first tokens took.

Counters only grow, so what happened between two looks is their difference; a router that was started anew begins
at zero, and then all it says is news.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

ATTEMPTS = "poolkeeper_attempts_total"
ERRORS = "poolkeeper_upstream_errors_total"
COST = "poolkeeper_cost_total"
FIRST_TOKEN = "gen_ai_server_time_to_first_token_seconds_bucket"
NO_FAULT = frozenset({"ClientGone", "Outpaced"})
"""The caller hung up, or another endpoint that was asked beside it was first: that says nothing about this one."""
K = TypeVar("K")
_SERIES = re.compile(r"(\w+)\{(.*)\} (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Counts:
    """first_token: upper bound in seconds -> answers whose first token came within it (cumulative, the last is inf).
    classes: failure class -> failed attempts. cost: currency -> amount."""

    attempts: float = 0.0
    failed: float = 0.0
    first_token: Mapping[float, float] = field(default_factory=dict)
    classes: Mapping[str, float] = field(default_factory=dict)
    cost: Mapping[str, float] = field(default_factory=dict)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.attempts + other.attempts,
            self.failed + other.failed,
            _sum(self.first_token, other.first_token),
            _sum(self.classes, other.classes),
            _sum(self.cost, other.cost),
        )

    def since(self, before: "Counts") -> "Counts":
        if self.attempts < before.attempts:
            return self
        return Counts(
            self.attempts - before.attempts,
            self.failed - before.failed,
            _grown(self.first_token, before.first_token),
            _grown(self.classes, before.classes),
            _grown(self.cost, before.cost),
        )


def _sum(one: Mapping[K, float], other: Mapping[K, float]) -> Mapping[K, float]:
    return {key: one.get(key, 0.0) + other.get(key, 0.0) for key in {**one, **other}}


def _grown(now: Mapping[K, float], before: Mapping[K, float]) -> Mapping[K, float]:
    return {key: count - before.get(key, 0.0) for key, count in now.items()}


def total(counts: Iterable[Counts]) -> Counts:
    return sum(counts, Counts())


def counts_of(metrics: str) -> Mapping[str, Counts]:
    """By endpoint, over all its models. What cannot be read is passed over: a newer router may say more."""
    found: dict[str, Counts] = {}
    for line in metrics.splitlines():
        series = _SERIES.fullmatch(line)
        if not series or series[1] not in (ATTEMPTS, ERRORS, FIRST_TOKEN, COST):
            continue
        labels = dict(_LABEL.findall(series[2]))
        one = _counted(series[1], labels, _number(series[3]))
        found[labels.get("endpoint", "")] = found.get(labels.get("endpoint", ""), Counts()) + one
    return found


def quantile_ms(first_token: Mapping[float, float], share: float) -> int | None:
    """The time within which this share of the first tokens came; None: there were none. Within a bucket they are taken
    to be spread evenly, as Prometheus does; beyond the last bound that bound is the answer."""
    answers = max(first_token.values(), default=0.0)
    if answers <= 0:
        return None
    wanted, below_s, below = share * answers, 0.0, 0.0
    for bound_s, count in sorted(first_token.items()):
        if count >= wanted:
            if math.isinf(bound_s):
                break
            part = (wanted - below) / (count - below) if count > below else 1.0
            return round((below_s + part * (bound_s - below_s)) * 1000)
        below_s, below = bound_s, count
    return round(below_s * 1000)


def _counted(series: str, labels: Mapping[str, str], value: float) -> Counts:
    if series == ATTEMPTS:
        return Counts(attempts=value)
    if series == ERRORS:
        of = labels.get("class", "")
        return Counts() if of in NO_FAULT else Counts(failed=value, classes={of: value})
    if series == COST:
        return Counts(cost={labels.get("currency", ""): value})
    return Counts(first_token={_number(labels.get("le", "")): value})


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
