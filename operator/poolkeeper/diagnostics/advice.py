"""What to do about an endpoint, and when it recovers. Pure; the words are the status's (status/fault_words.py)."""

from collections.abc import Iterator
from datetime import datetime

from poolkeeper.api.router_reasons import (
    AT_REST,
    AWAITS_TRAFFIC,
    BY_BREAKER,
    CHECK_FAILED,
    KEY_MISSING,
    KEY_REFUSED,
    OFF_SCHEDULE,
    OUT_OF_MONEY,
)
from poolkeeper.diagnostics.endpoint_facts import Facts
from poolkeeper.status.fault_words import OWN_KEY, fault


def cause(word: str, facts: Facts) -> str:
    """word: one of its reasons. Of failed health checks what they found, which says more."""
    return facts.check_found or word if word in CHECK_FAILED else word


def advice(word: str, facts: Facts) -> str:
    return fault(cause(word, facts)).to_do(facts.pool, facts.endpoint.name, facts.key)


def seen(word: str, facts: Facts) -> str:
    """What that means, as the end of a sentence about the endpoint."""
    why = cause(word, facts)
    return fault(word).seen if why == word else f"{fault(word).seen}, and {fault(why).seen}"


def comes_back(facts: Facts, now: datetime) -> tuple[str, ...]:
    """When the endpoint recovers, for each cause that excludes it."""
    return tuple(dict.fromkeys((*_by_routers(facts, now), *_by_probes(facts))))


def _by_routers(facts: Facts, now: datetime) -> Iterator[str]:
    word, at = facts.endpoint.reason, next_try(facts, now)
    if word in KEY_MISSING | KEY_REFUSED:
        yield f"about a minute after {facts.key or OWN_KEY} has a new value"
    elif word in OUT_OF_MONEY:
        yield f"when the account has credit; next check {at or 'within a few minutes'}"
    elif word in CHECK_FAILED:
        yield "when its health checks pass some times in a row"
    elif word in AWAITS_TRAFFIC:
        yield "when the next request succeeds"
    elif facts.endpoint.breaker == "HalfOpen":
        yield "when its half-open requests succeed"
    elif facts.endpoint.breaker == "Open" or word in BY_BREAKER:
        yield f"when half-open requests succeed; the next one {at or 'as soon as the breaker allows it'}"
    elif word in AT_REST:
        yield f"when the backoff that the provider set is over{', ' + at if at else ''}"
    elif word == OFF_SCHEDULE:
        yield "in the next window of its schedule"


def _by_probes(facts: Facts) -> Iterator[str]:
    if facts.probed is None or facts.probed.verdict == "Healthy":
        return
    runs = "one good run" if facts.probed.verdict == "Unhealthy" else "two good runs in a row"
    yield f"after {runs} of the probe; run it now: `poolkeeper probe --now {facts.pool}`"


def next_try(facts: Facts, now: datetime) -> str:
    """The earliest time that any router reports."""
    times = [
        at for view in facts.routers for at in (view.state.retry_at, *(m.retry_at for m in view.state.models)) if at
    ]
    if not times:
        return ""
    left_s = round((min(times) - now).total_seconds())
    return f"in {left_s} s" if left_s > 0 else "now"
