"""What a probe was answered well since a breaker opened: news for the routers that run, whose breakers try again by it.

Only for a breaker that a router reports as open since before the probe began, so that nothing moves in the document
while all is well, and at most once per run otherwise. A hint stays in the document: routers know which one is old
(router/lua/core/health/breaker.lua). There is no hint for an endpoint whose weight probes lower.
docs/adr/0007-ghost-traffic.md says why.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from poolkeeper.api.probe_result import ProbeResult
from poolkeeper.api.router_document import EndpointDoc
from poolkeeper.api.router_state import RouterState
from poolkeeper.api.startup_hints import AnsweredDoc
from poolkeeper.plan.fresh_reports import fresh_states
from poolkeeper.plan.probe import short
from poolkeeper.plan.snapshot import Snapshot

NEWS_MS = 30 * 60_000
"""As long as a router takes it for news."""
NOW_GRAIN_MS = 1_000
"""A probe begins at a millisecond; now is in whole seconds."""


def answered(snapshot: Snapshot, endpoints: Iterable[EndpointDoc], now: datetime) -> tuple[AnsweredDoc, ...]:
    """By the latest run. endpoints: with the advice that is given on them."""
    published = snapshot.live.news.answered
    run = max(snapshot.live.probes, key=lambda result: result.ended, default=None)
    if run is None or not -NOW_GRAIN_MS < _ms(now) - _ms(run.began) <= NEWS_MS:
        return published
    found = frozenset(_found(run, endpoints, fresh_states(snapshot, now).values()))
    if found <= frozenset(published):
        return published
    of_this_run = (one for one in published if one.probed_at_ms == _ms(run.began))
    return tuple(sorted(found.union(of_this_run), key=lambda one: (one.endpoint, one.model)))


def _found(run: ProbeResult, endpoints: Iterable[EndpointDoc], states: Iterable[RouterState]) -> Iterator[AnsweredDoc]:
    began_ms = _ms(run.began)
    well = {(one.name, one.fingerprint): one.well for one in run.endpoints}
    believed = {
        (one.name, one.fingerprint): well.get((one.name, short(one.fingerprint)), ())
        for one in endpoints
        if one.advice is None
    }
    for state in states:
        for endpoint in state.endpoints:
            models = believed.get((endpoint.name, endpoint.fingerprint), ())
            for model in endpoint.models:
                # Who does not say since when is an older router, and refuses a document with news in it.
                was_open = model.breaker == "Open" and model.since and _ms(model.since) < began_ms
                if was_open and model.name in models:
                    yield AnsweredDoc(
                        endpoint=endpoint.name,
                        fingerprint=endpoint.fingerprint,
                        model=model.name,
                        probed_at_ms=began_ms,
                    )


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
