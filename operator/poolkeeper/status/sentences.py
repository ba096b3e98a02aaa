"""What is wrong with endpoints, and what is done about it, in sentences that conditions, Events and the headline share.

A time in them is a point in time, so that a sentence reads the same at every look.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from poolkeeper.api.router_reasons import (
    ASLEEP,
    FORBIDDEN,
    KEY_MISSING,
    KEY_REFUSED,
    OFF_SCHEDULE,
    OUT_OF_MONEY,
    WRONG_MODEL,
)
from poolkeeper.status.chain import since_when
from poolkeeper.status.endpoint_fact import EndpointFact
from poolkeeper.status.facts import Facts
from poolkeeper.status.fault_words import Fault, fault


def outages_text(facts: Facts, found: Sequence[EndpointFact]) -> str:
    """found: what is out, the worst first. One sentence, and what to do about the first of it."""
    worst = found[0]
    whom = f" for {worst.name}" if len(found) > 1 else ""
    return f"{'; '.join(map(endpoint_text, found))}; {answer(facts, found)}. To do{whom}: {to_do(facts, worst)}"


def endpoint_text(endpoint: EndpointFact) -> str:
    since = since_when(endpoint.outage.since if endpoint.outage else endpoint.since)
    if endpoint.is_unproven:
        before = f", after an outage{since}" if endpoint.outage and endpoint.outage.since != endpoint.since else ""
        return f"{endpoint.name} may be back{before}: nobody has asked it{since_when(endpoint.since)}"
    models = f" for {', '.join(endpoint.only_models)}" if endpoint.only_models else ""
    words = ", ".join(word for word in (endpoint.reason, endpoint.check_found) if word)
    why = f" ({words})" if words else ""
    wait = endpoint.asked_to_wait_until
    until = f", and asks to wait until {wait:%Y-%m-%dT%H:%M:%SZ}" if wait else ""
    return f"{endpoint.name} {fault_of(endpoint).seen}{models}{since}{until}{why}"


def recovering_text(facts: Facts, found: Sequence[EndpointFact]) -> str:
    each = "; ".join(
        f"{one.name} serves again{since_when(one.outage.well_since)}, after an outage{since_when(one.outage.since)}"
        for one in found
        if one.outage
    )
    return f"{each}; it counts as over when this has lasted for failback.stabilization{_serving(facts)}"


def answer(facts: Facts, found: Collection[EndpointFact]) -> str:
    """What Poolkeeper does about it."""
    if facts.is_last_resort:
        return "no other is left, so routers still send requests there"
    if facts.usable and facts.active_tier is not None:
        serving = [endpoint for endpoint in facts.usable if endpoint.tier == facts.active_tier] or facts.usable
        if facts.active_tier == facts.primary_tier:
            return f"{names(serving)} {'takes' if len(serving) == 1 else 'take'} the requests"
        stands_by = all(endpoint.is_unproven for endpoint in found)
        return f"tier {facts.active_tier} ({names(serving)}) {'stands by' if stands_by else 'serves'}"
    if facts.may_serve:
        return f"the next request goes to {names(facts.may_serve)}"
    coming = [one for one in facts.endpoints if one.name in facts.standbys and one.reason == "Waking"]
    woken = f"; {names(coming)} is being woken" if coming else ""
    if all(endpoint.asked_to_wait_until for endpoint in found):
        return f"no endpoint is left until then: clients get the policy's fallback{woken}"
    return f"no endpoint is left: clients get the policy's fallback, and single requests try it again{woken}"


def to_do(facts: Facts, endpoint: EndpointFact) -> str:
    cause = fault(endpoint.check_found) if endpoint.check_found else fault_of(endpoint)
    return cause.to_do(facts.snapshot.key.name, endpoint.name, _key_of(endpoint))


def _key_of(endpoint: EndpointFact) -> str:
    ref = endpoint.credential
    return f"Secret {ref.name}, key {ref.key}" if ref else ""


def grey_to_do(facts: Facts) -> str:
    """For the first endpoint that answers, but not as it should; "": its own words say it already."""
    found = [one for one in facts.counted if one.probe.reason or one.substitutes]
    if not found:
        return ""
    word = found[0].probe.reason or WRONG_MODEL
    whom = f" for {found[0].name}" if len(found) > 1 else ""
    return f"To do{whom}: {fault(word).to_do(facts.snapshot.key.name, found[0].name, _key_of(found[0]))}"


def fault_of(endpoint: EndpointFact) -> Fault:
    if endpoint.reason:
        return fault(endpoint.reason)
    return fault("BreakerHalfOpen" if endpoint.breaker == "HalfOpen" else "BreakerOpen")


def by_gravity(found: Iterable[EndpointFact]) -> list[EndpointFact]:
    """What a human must fix comes first, what nobody knows last."""

    def gravity(endpoint: EndpointFact) -> tuple[bool, bool, int]:
        needs_a_human = bool(endpoint.reasons & (KEY_MISSING | KEY_REFUSED | OUT_OF_MONEY))
        return endpoint.is_unproven, not needs_a_human, endpoint.tier

    return sorted(found, key=gravity)


def names(endpoints: Iterable[EndpointFact]) -> str:
    return ", ".join(endpoint.name for endpoint in endpoints)


def _serving(facts: Facts) -> str:
    if facts.active_tier in (None, facts.primary_tier):
        return ""
    return f", until then tier {facts.active_tier} serves"


_AWAY: Mapping[str, str] = MappingProxyType(
    {
        "Draining": "drained",
        "Drained": "drained",
        "Disabled": "disabled",
        FORBIDDEN: "forbidden by spec.dataPolicy",
        OFF_SCHEDULE: "outside of its schedule",
        "Asleep": "asleep",
        "ScaledToZero": "asleep",
        "Waking": "being woken",
    }
)


def why_out(endpoint: EndpointFact) -> str:
    """In a word or two."""
    if endpoint.reason in ASLEEP:
        return _AWAY[endpoint.reason]
    if not endpoint.in_service:
        return _AWAY[endpoint.away]
    if endpoint.is_cut_off:
        return f"breaker {'open' if endpoint.breaker == 'Open' else 'half-open'}"
    return endpoint.reason or ("not asked yet" if endpoint.health == "Unknown" else "unhealthy")
