"""Degraded: does something need attention, though the pool may still answer? What a human must fix comes first."""

from collections.abc import Callable
from datetime import datetime

from poolkeeper.api.reasons import ConditionType, Reason
from poolkeeper.api.router_reasons import AT_REST, CHECK_FAILED, KEY_MISSING, KEY_REFUSED, OUT_OF_MONEY
from poolkeeper.plan.probe_advice import FULL_PERCENT
from poolkeeper.status.chain import Check, Finding, as_before, since_when
from poolkeeper.status.facts import EndpointFact, Facts


def not_heard(facts: Facts) -> Finding | None:
    return None if facts.states else Finding("Unknown", Reason.Pending, "No router reports")


def key_refused(facts: Facts) -> Finding | None:
    return _any(
        facts,
        Reason.CredentialsRejected,
        _is_refused,
        "excluded until the Secret changes or a health check accepts the API key",
        _key_told,
    )


def balance_exhausted(facts: Facts) -> Finding | None:
    return _any(
        facts,
        Reason.BalanceExhausted,
        _is_broke,
        "excluded until a health check reports a positive balance; checked every few minutes",
        _balance_told,
    )


def breaker_open(facts: Facts) -> Finding | None:
    answer = (
        "the others take its traffic until half-open requests succeed"
        if facts.usable
        else "half-open requests go there until they succeed"
    )
    return _any(facts, Reason.BreakerOpen, _is_cut_off, answer, _breaker_told)


def unhealthy(facts: Facts) -> Finding | None:
    last = "no other is left, so routers still send requests there"
    answer = last if facts.is_last_resort else "excluded until it is healthy again"
    return _any(facts, Reason.EndpointsUnhealthy, _is_unhealthy, answer, _health_told)


def grey(facts: Facts) -> Finding | None:
    found = [endpoint for endpoint in facts.counted if endpoint.probe.reason]
    if not found:
        return None
    return Finding("True", Reason.GreyFailure, "; ".join(_grey_told(endpoint) for endpoint in found))


def probe_stale(facts: Facts) -> Finding | None:
    if not facts.probe_is_stale:
        return None
    last = facts.plan.last_probe
    if last is None or last.asked_at is None:
        why = "no probe has finished since the CronJob was created"
    elif last.outcome == "Skipped":
        why = f"the last probe that sent requests ended{_at(last.asked_at)}: {last.message}"
    else:
        why = f"the last probe ended{_at(last.asked_at)}"
    told = f"{why}; grey failures are unknown. Look at the last Job of the CronJob"
    return Finding("Unknown", Reason.ProbeDataStale, told)


def all_well(facts: Facts) -> Finding:
    return Finding("False", Reason.AllEndpointsHealthy, f"All endpoints are healthy ({len(facts.counted)})")


CHECKS: tuple[Check, ...] = (
    as_before(ConditionType.Degraded),
    not_heard,
    key_refused,
    balance_exhausted,
    breaker_open,
    unhealthy,
    grey,
    probe_stale,
    all_well,
)


def _any(
    facts: Facts,
    reason: Reason,
    is_so: Callable[[EndpointFact], bool],
    answer: str,
    told: Callable[[EndpointFact], str],
) -> Finding | None:
    found = [endpoint for endpoint in facts.counted if is_so(endpoint)]
    if not found:
        return None
    each = "; ".join(f"{endpoint.name}: {told(endpoint)} ({endpoint.agreement})" for endpoint in found)
    return Finding("True", reason, f"{each}; {answer}")


def _is_refused(endpoint: EndpointFact) -> bool:
    by_router = endpoint.health == "Unhealthy" and endpoint.reason in KEY_REFUSED | KEY_MISSING
    return by_router or _probed(endpoint) in KEY_REFUSED | KEY_MISSING


def _is_broke(endpoint: EndpointFact) -> bool:
    by_router = endpoint.health == "Unhealthy" and endpoint.reason in OUT_OF_MONEY
    return by_router or _probed(endpoint) in OUT_OF_MONEY


def _probed(endpoint: EndpointFact) -> str:
    return endpoint.probe.reason.value if endpoint.probe.reason else ""


def _is_cut_off(endpoint: EndpointFact) -> bool:
    return endpoint.is_known and (endpoint.is_cut_off or bool(endpoint.only_models))


def _is_unhealthy(endpoint: EndpointFact) -> bool:
    """By the routers' own requests and checks. What they only take from a probe status is reported as grey."""
    is_advised = endpoint.probe.weight_percent == 0 and endpoint.reason == _probed(endpoint)
    return endpoint.health == "Unhealthy" and not is_advised


def _key_told(endpoint: EndpointFact) -> str:
    ref = endpoint.credential
    which = f" (Secret {ref.name}, key {ref.key})" if ref else ""
    what = (
        "the API key is missing"
        if KEY_MISSING & {endpoint.reason, _probed(endpoint)}
        else "the provider refuses the API key"
    )
    return f"{what}{which}{since_when(endpoint.since)}"


def _balance_told(endpoint: EndpointFact) -> str:
    return f"the provider says that the account has no credit{since_when(endpoint.since)}"


def _breaker_told(endpoint: EndpointFact) -> str:
    models = f" for {', '.join(endpoint.only_models)}" if endpoint.only_models else ""
    if endpoint.breaker == "HalfOpen":
        return f"breaker half-open{models}{since_when(endpoint.since)}, a few requests go there"
    if endpoint.reason in CHECK_FAILED:
        return f"breaker open{models}, and its health checks fail{since_when(endpoint.since)}"
    after = f" after {endpoint.reason}" if endpoint.reason else ""
    return f"breaker open{models}{since_when(endpoint.since)}{after}"


def _health_told(endpoint: EndpointFact) -> str:
    if endpoint.reason in AT_REST:
        return f"the provider set a backoff ({endpoint.reason})"
    if endpoint.reason in CHECK_FAILED:
        return f"its health checks fail{since_when(endpoint.since)}"
    after = f" after {endpoint.reason}" if endpoint.reason else ""
    return f"unhealthy{since_when(endpoint.since)}{after}"


def _grey_told(endpoint: EndpointFact) -> str:
    reason, percent = endpoint.probe.reason, endpoint.probe.weight_percent
    if reason is None:
        raise AssertionError(f"{endpoint.name} was called grey without a reason")
    done = "" if percent == FULL_PERCENT else f"; it gets {percent} % of its weight" if percent else "; it is excluded"
    meaning = f"{reason.meaning[0].lower()}{reason.meaning[1:].rstrip('.')}"
    return f"{endpoint.name}: probes find {reason.value}{since_when(endpoint.probe_since)}: {meaning}{done}"


def _at(when: datetime) -> str:
    return since_when(when).replace(" since ", " at ")
