"""The last hour as the dashboard has seen it, a minute at a time: how each endpoint was at its worst, what it counted.

Bounded: sixty minutes of each endpoint, whatever the traffic.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from poolkeeper.api.status import EndpointStatus
from poolkeeper.diagnostics.counts import Counts

MINUTES = 60
MINUTE_S = 60
State = Literal["Well", "Unknown", "Trying", "Out"]
BY_GRAVITY: tuple[State, ...] = ("Well", "Unknown", "Trying", "Out")


@dataclass(frozen=True)
class Minute:
    state: State = "Well"
    counts: Counts = field(default_factory=Counts)


@dataclass(frozen=True)
class Hour:
    """Minute since the epoch -> endpoint -> what it was like."""

    minutes: Mapping[int, Mapping[str, Minute]] = field(default_factory=dict)

    def after(self, states: Mapping[str, State], news: Mapping[str, Counts], now: datetime) -> "Hour":
        """states: of every endpoint at this look. news: what was counted since the look before."""
        this = minute_of(now)
        kept = {minute: seen for minute, seen in self.minutes.items() if this - MINUTES < minute <= this}
        before = kept.get(this, {})
        seen = {name: _later(before.get(name), state, news.get(name)) for name, state in states.items()}
        return Hour({**kept, this: seen})

    def of(self, endpoint: str, now: datetime) -> tuple[Minute | None, ...]:
        """The oldest first, the present one last. None: nobody looked."""
        this = minute_of(now)
        return tuple(self.minutes.get(minute, {}).get(endpoint) for minute in range(this - MINUTES + 1, this + 1))


def began(now: datetime) -> datetime:
    """When the first of the minutes began."""
    return datetime.fromtimestamp((minute_of(now) - MINUTES + 1) * MINUTE_S, UTC)


def minute_of(at: datetime) -> int:
    return int(at.timestamp()) // MINUTE_S


def state_of(endpoint: EndpointStatus) -> State:
    if endpoint.breaker == "Open":
        return "Out"
    if endpoint.health == "Unknown":
        return "Unknown"
    if endpoint.breaker == "HalfOpen":
        return "Trying"
    return "Out" if endpoint.health == "Unhealthy" else "Well"


def _later(before: Minute | None, state: State, news: Counts | None) -> Minute:
    """The worst of a minute stays: a look every two seconds sees more than a cell can show."""
    seen = before or Minute(state)
    return Minute(max(seen.state, state, key=BY_GRAVITY.index), seen.counts + (news or Counts()))
