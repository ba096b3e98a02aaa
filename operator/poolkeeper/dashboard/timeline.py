"""The breakers of the last hour endpoint by endpoint, and the tier that served: spans of time. Pure.

There is a breaker for each router and model. A span says the worst of them, and at how many of the routers.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from math import floor

from poolkeeper.api.router_reasons import word
from poolkeeper.api.router_state import Breaker, RouterState
from poolkeeper.dashboard.past import Past

MOST_SPANS = 120
"""Of an endpoint. One that changes more often is shown by the worst of every ten seconds, or of every minute."""
COARSER_S = (10, 30, 60)
_BADNESS: Mapping[str, int] = {"Closed": 0, "HalfOpen": 1, "Open": 2}
_BREAKERS: Mapping[str, Breaker] = {"Closed": "Closed", "HalfOpen": "HalfOpen", "Open": "Open"}


@dataclass(frozen=True)
class Span:
    """routers: how many of them said so. why: what opened it, in a word, where that is known."""

    begins: datetime
    ends: datetime
    state: Breaker
    routers: int = 1
    why: str = ""


@dataclass(frozen=True)
class TierSpan:
    begins: datetime
    ends: datetime
    tier: int | None


@dataclass(frozen=True)
class _Circuit:
    """One router's breaker for one model over time, without the spans in which it was closed."""

    router: str
    spans: tuple[Span, ...]


def breaker_spans(
    endpoint: str,
    past: Past,
    routers: Mapping[str, RouterState],
    outage_since: datetime | None,
    began: datetime,
    now: datetime,
) -> tuple[Span, ...]:
    """When its breaker was not closed, the oldest span first. routers: as they are now."""
    spans = tuple(_merged(_circuits(endpoint, past, routers, outage_since, began, now)))
    for step_s in COARSER_S:
        if len(spans) > MOST_SPANS:
            spans = tuple(_coarse(spans, step_s, now))
    return spans[-MOST_SPANS:]


def tier_spans(past: Past, began: datetime, now: datetime) -> tuple[TierSpan, ...]:
    ends = [*(one.at for one in past.tiers[1:]), now][: len(past.tiers)]
    found = (
        TierSpan(max(one.at, began), end, one.tier) for one, end in zip(past.tiers, ends, strict=True) if end > began
    )
    return tuple(found)


def _circuits(
    endpoint: str,
    past: Past,
    routers: Mapping[str, RouterState],
    outage_since: datetime | None,
    began: datetime,
    now: datetime,
) -> Iterator[_Circuit]:
    changes: dict[tuple[str, str], list[Span]] = {}
    for one in past.noted:
        if one.what.endpoint != endpoint or one.what.to not in _BREAKERS:
            continue
        known = changes.setdefault((one.router, one.what.model), [])
        if not known and one.what.from_ in ("Open", "HalfOpen"):
            since = max(began, outage_since or began)
            known.append(Span(min(since, one.at), one.at, _BREAKERS[one.what.from_]))
        _until(known, one.at)
        known.append(Span(one.at, one.at, _BREAKERS[one.what.to], why=word(one.what.reason)))
    for router, state in routers.items():
        for view in state.endpoints:
            for model in view.models if view.name == endpoint else ():
                if model.breaker != "Closed" and (router, model.name) not in changes:
                    since = max(began, min(model.since or now, now))
                    changes[router, model.name] = [Span(since, now, model.breaker, why=word(model.reason))]
    for (router, _), known in changes.items():
        _until(known, now if router in routers else past.seen_at.get(router, known[-1].begins))
        yield _Circuit(router, tuple(_without_closed(known)))


def _until(spans: list[Span], at: datetime) -> None:
    if spans:
        spans[-1] = replace(spans[-1], ends=max(spans[-1].begins, at))


def _without_closed(spans: Iterable[Span]) -> Iterator[Span]:
    """A half-open breaker does not say what opened it; the span before it does."""
    why = ""
    for one in spans:
        why = one.why if one.state == "Open" else why
        if one.state != "Closed":
            yield replace(one, why=why)


def _merged(circuits: Iterable[_Circuit]) -> Iterator[Span]:
    """The worst of all at each time."""
    edges: dict[datetime, list[tuple[int, Span, str]]] = {}
    for circuit in circuits:
        for span in circuit.spans:
            edges.setdefault(span.begins, []).append((1, span, circuit.router))
            edges.setdefault(span.ends, []).append((-1, span, circuit.router))
    said: dict[Breaker, Counter[str]] = {"Open": Counter(), "HalfOpen": Counter()}
    why: dict[Breaker, str] = {}
    last: Span | None = None
    for at, of in sorted(edges.items()):
        if last and last.ends != at:
            last = replace(last, ends=at)
        for change, span, router in of:
            said[span.state][router] += change
            if change > 0:
                why[span.state] = span.why
        fresh = _now_said(said, why, at)
        if last and fresh and (fresh.state, fresh.routers, fresh.why) == (last.state, last.routers, last.why):
            continue
        if last:
            yield last
        last = fresh
    if last:
        yield last


def _now_said(said: Mapping[Breaker, Counter[str]], why: Mapping[Breaker, str], at: datetime) -> Span | None:
    for state in ("Open", "HalfOpen"):
        routers = sum(count > 0 for count in said[state].values())
        if routers:
            return Span(at, at, state, routers, why[state])
    return None


def _coarse(spans: Iterable[Span], step_s: int, now: datetime) -> Iterator[Span]:
    """Each span over whole steps, the worse one where two share a step."""
    steps: dict[int, Span] = {}
    for span in spans:
        first, last = (floor(at.timestamp() / step_s) for at in (span.begins, span.ends))
        for step in range(first, last + 1):
            if step not in steps or _BADNESS[span.state] > _BADNESS[steps[step].state]:
                steps[step] = span
    joined: Span | None = None
    for step in sorted(steps):
        begins, ends = (datetime.fromtimestamp(edge * step_s, now.tzinfo) for edge in (step, step + 1))
        fresh = replace(steps[step], begins=begins, ends=min(ends, now))
        if joined and joined.ends == begins and (joined.state, joined.why) == (fresh.state, fresh.why):
            joined = replace(joined, ends=fresh.ends, routers=max(joined.routers, fresh.routers))
            continue
        if joined:
            yield joined
        joined = fresh
    if joined:
        yield joined
