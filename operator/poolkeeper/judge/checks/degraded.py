"""Degraded: does something need a look, though the pool may well be answering? What a human must mend comes first."""

from collections.abc import Callable

from poolkeeper.api.reasons import ConditionType, Reason
from poolkeeper.api.routerwords import AT_REST, KEY_MISSING, KEY_REFUSED, OUT_OF_MONEY
from poolkeeper.judge.chain import Check, Finding, as_before, since_when
from poolkeeper.judge.facts import EndpointFact, Facts


def not_heard(facts: Facts) -> Finding | None:
    return None if facts.states else Finding("Unknown", Reason.Pending, "No router reports")


def key_refused(facts: Facts) -> Finding | None:
    return _any(facts, Reason.CredentialsRejected, _is_refused, "left out until the Secret changes", _key_told)


def balance_exhausted(facts: Facts) -> Finding | None:
    return _any(facts, Reason.BalanceExhausted, _is_broke, "left out, and asked again every few minutes", _balance_told)


def breaker_open(facts: Facts) -> Finding | None:
    return _any(facts, Reason.BreakerOpen, _is_cut_off, "the others take its traffic until trials pass", _breaker_told)


def unhealthy(facts: Facts) -> Finding | None:
    return _any(facts, Reason.EndpointsUnhealthy, _is_unhealthy, "left out until it is healthy again", _health_told)


def all_well(facts: Facts) -> Finding:
    return Finding("False", Reason.AllEndpointsHealthy, f"Nothing is wrong with {len(facts.counted)} endpoints")


CHECKS: tuple[Check, ...] = (
    as_before(ConditionType.Degraded),
    not_heard,
    key_refused,
    balance_exhausted,
    breaker_open,
    unhealthy,
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
    return endpoint.health == "Unhealthy" and endpoint.reason in KEY_REFUSED | KEY_MISSING


def _is_broke(endpoint: EndpointFact) -> bool:
    return endpoint.health == "Unhealthy" and endpoint.reason in OUT_OF_MONEY


def _is_cut_off(endpoint: EndpointFact) -> bool:
    return endpoint.is_known and (endpoint.breaker != "Closed" or bool(endpoint.only_models))


def _is_unhealthy(endpoint: EndpointFact) -> bool:
    return endpoint.health == "Unhealthy"


def _key_told(endpoint: EndpointFact) -> str:
    ref = endpoint.credential
    which = f" (Secret {ref.name}, key {ref.key})" if ref else ""
    what = "the key is missing" if endpoint.reason in KEY_MISSING else "the provider refuses the key"
    return f"{what}{which}{since_when(endpoint.since)}"


def _balance_told(endpoint: EndpointFact) -> str:
    return f"the provider says the account is out of money{since_when(endpoint.since)}"


def _breaker_told(endpoint: EndpointFact) -> str:
    models = f" for {', '.join(endpoint.only_models)}" if endpoint.only_models else ""
    if endpoint.breaker == "HalfOpen":
        return f"breaker half-open{models}{since_when(endpoint.since)}, trial requests are being sent"
    after = f" after {endpoint.reason}" if endpoint.reason else ""
    return f"breaker open{models}{since_when(endpoint.since)}{after}"


def _health_told(endpoint: EndpointFact) -> str:
    if endpoint.reason in AT_REST:
        return f"the provider asked for a pause ({endpoint.reason})"
    after = f" after {endpoint.reason}" if endpoint.reason else ""
    return f"unhealthy{since_when(endpoint.since)}{after}"
