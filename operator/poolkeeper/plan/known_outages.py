"""What the routers that run know to be out, for one that starts: it need not find out by its callers' requests.

As a status merges them: out is what at least half of the routers say that know the endpoint. The document must not
follow every breaker, so a hint stays for PACE at least, and it contains no times of half-open requests. News that
nobody renews grows old (routers forget it after router/lua/nginx/endpoint/known_outages.lua's NEWS_MS), so what lasts
is written again before that. docs/adr/0011-warm-start.md says why.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from poolkeeper.api.router_reasons import KEY_REFUSED, OUT_OF_MONEY, UNTRIED, word
from poolkeeper.api.router_state import EndpointState, RouterState
from poolkeeper.api.startup_hints import OutageDoc, OutagesDoc
from poolkeeper.plan.fresh_reports import fresh_states
from poolkeeper.plan.snapshot import Snapshot

PACE = timedelta(minutes=1)
RENEWAL = timedelta(minutes=10)
WHOLE_ENDPOINT = ""
UNSAID = "Unknown"

Place = tuple[str, str, str]
"""The endpoint's name, its fingerprint, the model."""


def outages(snapshot: Snapshot, now: datetime) -> OutagesDoc | None:
    """None until the first known outage; without fresh reports, the last hint."""
    if snapshot.settings.local:
        return None  # its one router has nobody to learn from
    published = snapshot.live.news.outages
    states = fresh_states(snapshot, now).values()
    if not states:
        return published
    found = _found(states)
    if published is None:
        return OutagesDoc(told_at_ms=_ms(now), endpoints=found) if found else None
    age = now - datetime.fromtimestamp(published.told_at_ms / 1000, now.tzinfo)
    is_same = {_place(one) for one in published.endpoints} == {_place(one) for one in found}
    stands = PACE if not is_same else RENEWAL if found else timedelta.max
    return published if timedelta(0) <= age < stands else OutagesDoc(told_at_ms=_ms(now), endpoints=found)


def _found(states: Collection[RouterState]) -> tuple[OutageDoc, ...]:
    asked: dict[Place, int] = defaultdict(int)
    reasons: dict[Place, list[str]] = defaultdict(list)
    for state in states:
        for endpoint in state.endpoints:
            for place, reason in _views(endpoint):
                asked[place] += 1
                if reason is not None:
                    reasons[place].append(reason)
    return tuple(
        OutageDoc(
            endpoint=place[0], fingerprint=place[1], model=place[2], reason=min(filter(None, said), default=UNSAID)
        )
        for place, said in sorted(reasons.items())
        if 2 * len(said) >= asked[place]
    )


def _views(endpoint: EndpointState) -> Iterator[tuple[Place, str | None]]:
    """Why each part of it is out ("": not said), None: it is not. A half-open request in flight means that it still is;
    one that is awaited because checks or a probe say that all is well does not."""
    if not endpoint.fingerprint:
        return
    is_down = endpoint.reason in KEY_REFUSED | OUT_OF_MONEY
    yield (endpoint.name, endpoint.fingerprint, WHOLE_ENDPOINT), endpoint.reason if is_down else None
    for model in endpoint.models:
        waits = model.breaker == "HalfOpen" and model.reason in UNTRIED
        reason = {"Open": word(model.reason), "HalfOpen": "", "Closed": None}["Closed" if waits else model.breaker]
        yield (endpoint.name, endpoint.fingerprint, model.name), reason


def _place(one: OutageDoc) -> Place:
    return one.endpoint, one.fingerprint, one.model


def _ms(at: datetime) -> int:
    return round(at.timestamp()) * 1000
