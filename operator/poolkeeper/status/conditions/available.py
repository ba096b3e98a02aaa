"""Available: would a request be answered now?

An endpoint counts when it is known to serve: in service, breaker closed, and a check or a request was answered well.
Where those are too few, and others may serve that nobody has asked (no check and no request so far, or none since an
outage), the answer is Unknown. One whose health checks fail does not count, though routers use it when no other
endpoint is left.
"""

from poolkeeper.api.reasons import ConditionType, Reason
from poolkeeper.plan.child_names import child_name
from poolkeeper.plan.per_router_share import wanted_routers
from poolkeeper.status.chain import Check, Finding, as_before, since_when
from poolkeeper.status.endpoint_fact import EndpointFact
from poolkeeper.status.facts import Facts
from poolkeeper.status.pod_words import stuck
from poolkeeper.status.sentences import why_out


def no_router(facts: Facts) -> Finding | None:
    if facts.ready_pods:
        return None
    wanted = wanted_routers(facts.snapshot)
    if wanted == 0:
        return Finding("False", Reason.RouterNotReady, "spec.router.replicas is 0")
    if facts.is_never_made:
        return Finding("False", Reason.RouterNotReady, "no router is made yet; the condition Ready has the cause")
    held_up = stuck(facts)
    why = f"0/{wanted} router Pods are ready{f'; {held_up.text}' if held_up else ''}"
    return Finding("False", Reason.RouterNotReady, why)


def no_service(facts: Facts) -> Finding | None:
    if facts.snapshot.live.address:
        return None
    why = f"Service {child_name(facts.snapshot.key)} does not exist, so clients cannot reach the routers"
    return Finding("False", Reason.RouterServiceMissing, why)


def not_heard(facts: Facts) -> Finding | None:
    if facts.states:
        return None
    counted_s = [report.counts_s for report in facts.snapshot.reports if report.seen_at]
    if counted_s:
        return Finding("Unknown", Reason.ProbeDataStale, f"No router has reported for more than {max(counted_s):.0f} s")
    errors = sorted({report.error for report in facts.snapshot.reports if report.error})
    why = f": {', '.join(errors)}" if errors else ""
    return Finding(
        "Unknown", Reason.NoDataYet, f"{len(facts.ready_pods)} routers are ready, but none has reported yet{why}"
    )


def too_few(facts: Facts) -> Finding | None:
    wanted = facts.snapshot.pool.spec.min_available if facts.snapshot.pool else 1
    if len(facts.usable) >= wanted:
        return None
    out = [endpoint for endpoint in facts.counted if not endpoint.is_usable]
    names = ", ".join(f"{endpoint.name} ({why_out(endpoint)})" for endpoint in out)
    tried = (
        "; no other is left, so routers still send requests to those that fail health checks"
        if facts.is_last_resort
        else ""
    )
    return Finding(
        "False",
        Reason.NoEndpointsAvailable,
        f"{_usable(facts)}, wanted at least {wanted}; excluded: {names or '-'}{tried}",
    )


def unproven(facts: Facts) -> Finding | None:
    wanted = facts.snapshot.pool.spec.min_available if facts.snapshot.pool else 1
    if len(facts.usable) >= wanted or len(facts.usable) + len(facts.may_serve) < wanted:
        return None
    text = "; ".join(f"{one.name}: {_unasked(one)}" for one in facts.may_serve)
    is_awaiting = any(one.is_unproven for one in facts.may_serve)
    reason = Reason.AwaitingTraffic if is_awaiting else Reason.NoDataYet
    return Finding("Unknown", reason, f"{_usable(facts)} for certain, wanted at least {wanted}; {text}")


def enough(facts: Facts) -> Finding:
    return Finding("True", Reason.MinimumEndpointsAvailable, _usable(facts))


CHECKS: tuple[Check, ...] = (
    no_router,
    no_service,
    as_before(ConditionType.Available),
    not_heard,
    unproven,
    too_few,
    enough,
)


def _usable(facts: Facts) -> str:
    return f"{len(facts.usable)}/{len(facts.counted)} endpoints take traffic"


def _unasked(endpoint: EndpointFact) -> str:
    if endpoint.is_unproven:
        return f"not known, nobody has asked it{since_when(endpoint.since)}"
    return "not known, it has answered no check and no request so far"
