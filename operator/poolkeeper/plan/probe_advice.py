"""What probes have found so far, and the weight adjustment for routers: less traffic, or none, for a while.

An adjustment expires by itself: neither a missing prober nor a missing operator excludes an endpoint for ever.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from poolkeeper.api.pool_spec import EndpointPoolSpec
from poolkeeper.api.router_document import AdviceDoc, EndpointDoc
from poolkeeper.api.status import LastProbe
from poolkeeper.plan.probe import short
from poolkeeper.plan.snapshot import Snapshot
from poolkeeper.probing.history import believed_until, fold_all, probe_status

FULL_PERCENT = 100


def last_probe(snapshot: Snapshot) -> LastProbe | None:
    """With the finished runs that are not counted yet; None without spec.probe."""
    before = snapshot.previous.last_probe if snapshot.previous else None
    if snapshot.pool is None:
        return before
    return fold_all(before, snapshot.live.probes) if snapshot.pool.spec.probe else None


def advised(
    endpoints: Iterable[EndpointDoc], spec: EndpointPoolSpec, last: LastProbe | None
) -> tuple[EndpointDoc, ...]:
    """The same endpoints, with advice where there is any."""
    advice = _advice(spec, last)
    return tuple(
        endpoint.model_copy(update={"advice": advice[known]})
        if (known := (endpoint.name, short(endpoint.fingerprint))) in advice
        else endpoint
        for endpoint in endpoints
    )


def _advice(spec: EndpointPoolSpec, last: LastProbe | None) -> Mapping[tuple[str, str], AdviceDoc]:
    """By the endpoint's name and what it is: another one under the same name has not been looked at."""
    if spec.probe is None or last is None:
        return {}
    schedule = spec.probe.schedule
    return {
        (one.name, one.fingerprint): AdviceDoc(
            weight_percent=probe_status(one).weight_percent,
            reason=one.reason,
            since_ms=_ms(one.since),
            until_ms=_ms(until),
        )
        for one in last.endpoints
        if probe_status(one).weight_percent != FULL_PERCENT and (until := believed_until(schedule, last, one))
    }


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
