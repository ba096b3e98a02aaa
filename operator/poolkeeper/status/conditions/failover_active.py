"""FailoverActive: does something else serve than the declared first tier? And why is that tier excluded?"""

from collections.abc import Sequence

from poolkeeper.api import labels
from poolkeeper.api.reasons import ConditionType, Reason
from poolkeeper.api.router_reasons import AT_REST
from poolkeeper.plan.rollout_hold import failover_to_tier
from poolkeeper.status.chain import Check, Finding, as_before
from poolkeeper.status.endpoint_fact import EndpointFact
from poolkeeper.status.facts import Facts
from poolkeeper.status.merge_replicas import global_breaker, unserved_models
from poolkeeper.status.sentences import endpoint_text, recovering_text

PRIMARY_OUT = (Reason.PrimaryBreakerOpen, Reason.PrimaryUnhealthy, Reason.PrimaryRecovering)
_DARK = "No tier can take requests, except half-open ones: clients get a cached answer or the default answer"


def not_heard(facts: Facts) -> Finding | None:
    return None if facts.states else Finding("Unknown", Reason.Pending, "No router reports which tier serves")


def global_breaker_open(facts: Facts) -> Finding | None:
    if not facts.states or global_breaker(facts.states.values()) != "Open":
        return None
    text = (
        "Most requests of this pool end without an answer: routers send none to providers for now, and clients get "
        "the fallback at once"
    )
    return Finding("True", Reason.GlobalBreakerOpen, text)


def nothing_serves(facts: Facts) -> Finding | None:
    if facts.active_tier is not None:
        return None
    return Finding("True", Reason.ServingDegraded, _DARK)


def model_unserved(facts: Facts) -> Finding | None:
    """Only if a fallback model can stand in; else the conditions of the endpoints say what is wrong."""
    document = facts.plan.document
    lesser = document.policy.fallback.degraded_model if document else ""
    unserved = [model for model in unserved_models(facts.states.values()) if model != lesser]
    if not lesser or not unserved:
        return None
    text = f"No endpoint can serve {', '.join(unserved)}: clients get {lesser} in its place"
    return Finding("True", Reason.ServingDegraded, text)


def primary_serves(facts: Facts) -> Finding | None:
    if facts.primary_tier is None or facts.active_tier != facts.primary_tier:
        return None
    return Finding("False", Reason.PrimaryServing, f"Tier {facts.active_tier} serves, as declared")


def held(facts: Facts) -> Finding | None:
    if failover_to_tier(facts.snapshot) != facts.active_tier:
        return None
    text = (
        f"The annotation {labels.FAILOVER_TO} holds tier {facts.active_tier}; run `poolkeeper failback` to release it"
    )
    return Finding("True", Reason.ManualHold, text)


def breaker_open(facts: Facts) -> Finding | None:
    out = [endpoint for endpoint in facts.primary if endpoint.breaker != "Closed"]
    return _failed_over(facts, Reason.PrimaryBreakerOpen, _texts(out)) if out else None


def unhealthy(facts: Facts) -> Finding | None:
    out = [endpoint for endpoint in facts.primary if endpoint.is_out]
    return _failed_over(facts, Reason.PrimaryUnhealthy, _texts(out)) if out else None


def in_backoff(facts: Facts) -> Finding | None:
    out = [endpoint for endpoint in facts.primary if endpoint.reason in AT_REST]
    return _failed_over(facts, Reason.PrimaryRateLimited, _texts(out)) if out else None


def waits_for_failback(facts: Facts) -> Finding | None:
    held = {one.tier for state in facts.states.values() for one in state.failback.held}
    if facts.active_tier not in held:
        return None
    what = "failback.mode is Manual; run `poolkeeper failback` to release it"
    return _failed_over(facts, Reason.ManualHold, what)


def recovering(facts: Facts) -> Finding | None:
    """Healthy again, and waiting for its stabilization."""
    back = [endpoint for endpoint in facts.primary if endpoint.outage]
    if not back:
        return None
    return _failed_over(facts, Reason.PrimaryRecovering, recovering_text(facts, back))


def coming_back(facts: Facts) -> Finding:
    """It has never failed as far as the status goes: it is full, or the routers wait for its stabilization."""
    before = facts.previous(ConditionType.FailoverActive)
    was_out = before is not None and before.reason in PRIMARY_OUT
    reason = Reason.PrimaryRecovering if was_out else Reason.PrimaryRateLimited
    return _failed_over(facts, reason, "it takes requests again as soon as it is stable or has a free connection")


CHECKS: tuple[Check, ...] = (
    as_before(ConditionType.FailoverActive),
    not_heard,
    global_breaker_open,
    nothing_serves,
    model_unserved,
    primary_serves,
    held,
    breaker_open,
    in_backoff,
    unhealthy,
    waits_for_failback,
    recovering,
    coming_back,
)


def _texts(out: Sequence[EndpointFact]) -> str:
    return "; ".join(map(endpoint_text, out))


def _failed_over(facts: Facts, reason: Reason, why: str) -> Finding:
    names = ", ".join(one.name for one in facts.endpoints if one.tier == facts.active_tier and one.is_usable)
    serving = f"Tier {facts.active_tier} serves ({names})" if names else f"Tier {facts.active_tier} serves"
    if facts.primary_tier is None:
        return Finding("True", reason, f"{serving}; no endpoint is in service")
    return Finding("True", reason, f"{serving} in place of tier {facts.primary_tier}: {why}")
