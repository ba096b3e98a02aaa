"""The last minutes as the dashboard has seen them, look by look, in its own memory: how many requests, how many failed,
how long first tokens took.

A router is news from its second look on: what it had counted before the first may be days old.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from poolkeeper.dashboard.facts import PoolFacts
from poolkeeper.dashboard.hour import Hour, State, state_of
from poolkeeper.dashboard.past import Past
from poolkeeper.diagnostics.counts import Counts, counts_of, total

STEP_S = 10
STEPS = 30
WINDOW = timedelta(seconds=STEP_S * STEPS)

Known = Mapping[str, Mapping[str, Counts]]
"""Router -> endpoint -> all it ever counted."""


@dataclass(frozen=True)
class Gain:
    """What one look found new at a pool, by endpoint."""

    at: datetime
    counts: Mapping[str, Counts]


@dataclass(frozen=True)
class PoolHistory:
    known: Known = field(default_factory=dict)
    gains: tuple[Gain, ...] = ()
    hour: Hour = field(default_factory=Hour)
    past: Past = field(default_factory=Past)

    def after(
        self, metrics: Mapping[str, str], now: datetime, states: Mapping[str, State] = MappingProxyType({})
    ) -> "PoolHistory":
        """states: how each endpoint is now. A router that does not answer this time is asked again: what it counted
        meanwhile comes then."""
        heard = {router: counts_of(text) for router, text in metrics.items()}
        news: dict[str, Counts] = {}
        for router in heard.keys() & self.known.keys():
            for endpoint, counts in heard[router].items():
                gained = counts.since(self.known[router].get(endpoint, Counts()))
                news[endpoint] = news.get(endpoint, Counts()) + gained
        kept = tuple(gain for gain in self.gains if gain.at > now - WINDOW)
        gains = (*kept, Gain(now, news)) if heard else kept
        return PoolHistory({**self.known, **heard}, gains, self.hour.after(states, news, now), self.past)

    def of(self, endpoint: str) -> Counts:
        """Over the whole window."""
        return total(gain.counts.get(endpoint, Counts()) for gain in self.gains)

    def steps(self, endpoint: str, now: datetime) -> tuple[Counts | None, ...]:
        """The oldest first, without the step that has only begun. None: nobody looked."""
        found: dict[int, Counts] = {}
        for gain in self.gains:
            step = _step(gain.at)
            found[step] = found.get(step, Counts()) + gain.counts.get(endpoint, Counts())
        return tuple(found.get(step) for step in range(_step(now) - STEPS, _step(now)))


@dataclass(frozen=True)
class History:
    pools: Mapping[str, PoolHistory] = field(default_factory=dict)

    def after(self, pools: tuple[PoolFacts, ...], now: datetime) -> "History":
        return History({pool.name: self._with(pool, now) for pool in pools})

    def _with(self, pool: PoolFacts, now: datetime) -> PoolHistory:
        states = {endpoint.name: state_of(endpoint) for endpoint in pool.status.endpoints}
        counted = self.of(pool.name).after(pool.metrics, now, states)
        return replace(counted, past=counted.past.after(pool, now))

    def of(self, pool: str) -> PoolHistory:
        return self.pools.get(pool, PoolHistory())


def _step(at: datetime) -> int:
    return int(at.timestamp()) // STEP_S
