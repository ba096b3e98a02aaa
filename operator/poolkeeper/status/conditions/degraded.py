"""Degraded: does something need attention, though the pool may still answer? What a human must fix comes first."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from poolkeeper.api.reasons import ConditionType, Reason
from poolkeeper.api.router_reasons import KEY_MISSING, KEY_REFUSED, OUT_OF_MONEY
from poolkeeper.plan.probe_advice import FULL_PERCENT
from poolkeeper.plan.unserved import Unserved, unserved
from poolkeeper.status.chain import Check, Finding, as_before, since_when
from poolkeeper.status.endpoint_fact import EndpointFact, KeyFact
from poolkeeper.status.facts import Facts
from poolkeeper.status.fault_words import NOTICES, fault
from poolkeeper.status.merge_replicas import Notice
from poolkeeper.status.sentences import by_gravity, outages_text, why_out


def not_heard(facts: Facts) -> Finding | None:
    return None if facts.states else Finding("Unknown", Reason.Pending, "No router reports")


def out(facts: Facts) -> Finding | None:
    """One sentence about all of it; the reason is that of the worst: a standby that somebody can set free comes before
    an outage that only its provider can end."""
    found = by_gravity(endpoint for endpoint in facts.counted if _is_out(endpoint))
    if not found:
        return None
    seen_by = sorted({endpoint.agreement for endpoint in found if endpoint.agreement})
    seen = f" (seen by {', '.join(seen_by)})" if seen_by else ""
    cut_off = unserved_text(facts)
    more = f". {cut_off}" if cut_off else ""
    text = f"{outages_text(facts, found)}{seen}{more}"
    blocked = standby_blocked(facts)
    if blocked and not _needs_a_person(found[0]):
        return replace(blocked, message=f"{blocked.message}. {text}")
    return Finding("True", _reason(found[0]), text)


def keys_left_out(facts: Facts) -> Finding | None:
    """An endpoint serves with some of its API keys. What is missing is ResolvedRefs' business."""
    found = [
        (endpoint, key)
        for endpoint in facts.counted
        for key in endpoint.keys_left_out
        if endpoint.in_service and key.reason not in KEY_MISSING
    ]
    if not found:
        return None
    refused = any(key.reason in KEY_REFUSED for _, key in found)
    text = "; ".join(_key_text(endpoint, key) for endpoint, key in found)
    return Finding("True", Reason.CredentialsRejected if refused else Reason.BalanceExhausted, text)


def nobody_may_serve(facts: Facts) -> Finding | None:
    text = unserved_text(facts)
    return Finding("True", Reason.NobodyMayServe, text) if text else None


def standby_blocked(facts: Facts) -> Finding | None:
    found = [f"{name}: {one.message}" for name, one in facts.standbys.items() if one.state in ("Blocked", "HeldDown")]
    return Finding("True", Reason.StandbyBlocked, "; ".join(found)) if found else None


def grey(facts: Facts) -> Finding | None:
    found = [_grey_text(endpoint) for endpoint in facts.counted if endpoint.probe.reason]
    found += [_substitute_text(endpoint) for endpoint in facts.counted if endpoint.substitutes]
    found += [_notice_text(one, notice) for one in facts.counted for notice in one.notices if notice.word in NOTICES]
    return Finding("True", Reason.GreyFailure, "; ".join(found)) if found else None


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
    text = f"{why}; grey failures are unknown. Look at the last Job of the CronJob"
    return Finding("Unknown", Reason.ProbeDataStale, text)


def all_well(facts: Facts) -> Finding:
    return Finding("False", Reason.AllEndpointsHealthy, f"All endpoints are healthy ({len(facts.counted)})")


CHECKS: tuple[Check, ...] = (
    as_before(ConditionType.Degraded),
    not_heard,
    out,
    nobody_may_serve,
    keys_left_out,
    standby_blocked,
    grey,
    probe_stale,
    all_well,
)


def unserved_text(facts: Facts) -> str:
    """Whom nobody may serve now, though others are served; "" where there is nobody. A router that has not said what an
    endpoint does leaves it the benefit of the doubt."""
    document = facts.plan.document
    if document is None:
        return ""
    known = {endpoint.name: endpoint for endpoint in facts.endpoints}

    def serves(name: str) -> bool:
        one = known.get(name)
        return one is None or not one.is_known or one.is_usable or one.may_serve

    return "; ".join(_unserved_text(one, known) for one in unserved(document, serves))


def _unserved_text(found: Unserved, known: Mapping[str, EndpointFact]) -> str:
    whom = f"client {found.client}" if found.client else "every caller"
    models = ", ".join(found.models)
    if not found.permitted:
        rule = "its allow" if found.client else "spec.dataPolicy"
        return f"{whom} gets no answer for {models}: {rule} permits none of {', '.join(found.barred)}"
    out = ", ".join(f"{name} ({why_out(known[name])})" for name in found.permitted)
    return f"{whom} gets no answer for {models}: only {out} may serve it"


def _reason(worst: EndpointFact) -> Reason:
    said = worst.reasons
    if said & KEY_MISSING:
        return Reason.SecretNotFound
    if said & KEY_REFUSED:
        return Reason.CredentialsRejected
    if said & OUT_OF_MONEY:
        return Reason.BalanceExhausted
    return Reason.EndpointsUnhealthy if worst.breaker == "Closed" else Reason.BreakerOpen


def _needs_a_person(endpoint: EndpointFact) -> bool:
    return bool(endpoint.reasons & (KEY_MISSING | KEY_REFUSED | OUT_OF_MONEY))


def _is_out(endpoint: EndpointFact) -> bool:
    """By the routers' own requests and checks. What they only take from a probe status is reported as grey, except what
    a human must fix."""
    if _probed(endpoint) in KEY_REFUSED | KEY_MISSING | OUT_OF_MONEY:
        return True
    is_advised = endpoint.probe.weight_percent == 0 and endpoint.reason == _probed(endpoint)
    return endpoint.is_known and not is_advised and (endpoint.is_out or bool(endpoint.only_models))


def _key_text(endpoint: EndpointFact, key: KeyFact) -> str:
    what = fault(key.reason)
    do = what.to_do("", endpoint.name, key.source)
    since = since_when(key.since)
    return (
        f"{endpoint.name} serves without one of its API keys: of {key.source} it {what.seen}{since} ({key.reason}; "
        f"{key.agreement}). To do: {do}"
    )


def _probed(endpoint: EndpointFact) -> str:
    return endpoint.probe.reason.value if endpoint.probe.reason else ""


def _grey_text(endpoint: EndpointFact) -> str:
    reason, percent = endpoint.probe.reason, endpoint.probe.weight_percent
    if reason is None:
        raise AssertionError(f"{endpoint.name} was called grey without a reason")
    done = "" if percent == FULL_PERCENT else f"; it gets {percent} % of its weight" if percent else "; it is excluded"
    meaning = f"{reason.meaning[0].lower()}{reason.meaning[1:].rstrip('.')}"
    return f"{endpoint.name}: probes find {reason.value}{since_when(endpoint.probe_since)}: {meaning}{done}"


def _substitute_text(endpoint: EndpointFact) -> str:
    each = (f"{one.model} is answered by {one.answered_by}{since_when(one.since)}" for one in endpoint.substitutes)
    return f"{endpoint.name}: {', '.join(each)}"


def _notice_text(endpoint: EndpointFact, notice: Notice) -> str:
    seen, to_do = NOTICES[notice.word]
    return f"{endpoint.name}: {seen.format(model=notice.model)}{since_when(notice.since)}. To do: {to_do}"


def _at(when: datetime) -> str:
    return since_when(when).replace(" since ", " at ")
