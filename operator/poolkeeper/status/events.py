"""What happened, for `kubectl describe`: the differences between the previous status and the new one.

Only from those two, so that a restart of the operator repeats no Event. A half-open breaker that opens again is no
change, and neither is a tier that no router reported for a while. There is a breaker for each model: each opening is an
Event.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from poolkeeper.api.reasons import ConditionType, Reason
from poolkeeper.api.router_reasons import (
    ASLEEP,
    AT_REST,
    CHECK_FAILED,
    FORBIDDEN,
    KEY_MISSING,
    KEY_REFUSED,
    OFF_SCHEDULE,
    OUT_OF_MONEY,
    WRONG_MODEL,
)
from poolkeeper.api.status import Condition, EndpointPoolStatus, EndpointStatus, StandbyState
from poolkeeper.status.fault_words import fault

ALL_MODELS = "*"
AWAY = frozenset({"", "Draining", "Drained", "Disabled", FORBIDDEN, OFF_SCHEDULE, *ASLEEP})
"""It did not serve because nobody wanted it to."""


@dataclass(frozen=True)
class PoolEvent:
    """reason: what happened, in one word. action: what Poolkeeper does about it, in one word."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str
    action: str


def events_of(before: EndpointPoolStatus | None, after: EndpointPoolStatus) -> tuple[PoolEvent, ...]:
    was = before or EndpointPoolStatus()
    known = {endpoint.name: endpoint for endpoint in was.endpoints}
    is_same_spec = was.observed_generation == after.observed_generation
    return (
        *_conditions(was, after),
        *(event for endpoint in after.endpoints for event in _endpoint(known.get(endpoint.name), endpoint)),
        *(event for endpoint in after.endpoints for event in _keys(known.get(endpoint.name), endpoint, is_same_spec)),
        *(event for endpoint in after.endpoints for event in _outage(known.get(endpoint.name), endpoint, was, after)),
        *(event for endpoint in after.endpoints for event in _standby(known.get(endpoint.name), endpoint)),
        *_probed(was, after),
        *_tier(was, after),
        *_lesser(was, after),
        *_unavailable(was, after),
        *_ending(was, after),
    )


def _conditions(was: EndpointPoolStatus, now: EndpointPoolStatus) -> Iterator[PoolEvent]:
    for kind, reason, action in (
        (ConditionType.Accepted, Reason.InvalidSpec, "KeepLastGood"),
        (ConditionType.Accepted, Reason.NotAllowed, "KeepLastGood"),
        (ConditionType.ResolvedRefs, Reason.ServiceNotFound, "Retry"),
        (ConditionType.ResolvedRefs, Reason.DeploymentNotFound, "Retry"),
        (ConditionType.ResolvedRefs, Reason.ConfigMapNotFound, "Retry"),
        (ConditionType.ResolvedRefs, Reason.PolicyNotFound, "KeepLastGood"),
        (ConditionType.Programmed, Reason.ConfigRejected, "KeepLastGood"),
        (ConditionType.Programmed, Reason.ApplyForbidden, "Retry"),
        (ConditionType.Programmed, Reason.ApplyConflict, "Retry"),
        (ConditionType.Programmed, Reason.ChildContested, "BackOff"),
        (ConditionType.Degraded, Reason.NobodyMayServe, "Refuse"),
    ):
        found, before = _find(now, kind), _find(was, kind)
        if found and found.reason == reason and not (before and before.reason == reason):
            yield PoolEvent("Warning", reason, found.message, action)


def _ending(was: EndpointPoolStatus, now: EndpointPoolStatus) -> Iterator[PoolEvent]:
    """Once 30 days before a model name ends, and once when it has ended."""
    for one in now.ending_models:
        if one not in was.ending_models:
            what, word = ("has ended", "ModelEnded") if one.ended else ("ends", "ModelEnding")
            text = f"{one.endpoint}: the model name {one.upstream_name} {what}: its last day is {one.valid_until}"
            yield PoolEvent("Warning", word, f"{text}; give models[].upstreamName its successor", "Report")


def _unavailable(was: EndpointPoolStatus, now: EndpointPoolStatus) -> Iterator[PoolEvent]:
    """A loss only: at a start there is nothing yet. While no tier serves, ServingDegraded has said so."""
    found, before = _find(now, ConditionType.Available), _find(was, ConditionType.Available)
    if found and before and found.status == "False" and before.status == "True" and now.active_tier is not None:
        yield PoolEvent("Warning", found.reason, found.message, "RouteAround")


def _endpoint(was: EndpointStatus | None, now: EndpointStatus) -> Iterator[PoolEvent]:
    yield from _breaker(now, _open_for(was), _open_for(now))
    yield from _health(was, now)
    if now.reason == WRONG_MODEL and not (was and was.reason == WRONG_MODEL):
        text = f"{now.name}: its answers name another model than the one that was requested"
        yield PoolEvent("Warning", Reason.GreyFailure, text, "Report")


def _breaker(now: EndpointStatus, was_open: frozenset[str], is_open: frozenset[str]) -> Iterator[PoolEvent]:
    opened, closed = is_open - was_open, was_open - is_open
    after = f" after {now.reason}" if now.reason else ""
    if opened and ALL_MODELS not in was_open:
        text = f"{now.name}: breaker opened{_for(opened)}{after}"
        yield PoolEvent("Warning", "BreakerOpened", text, "RouteAround")
    elif closed and not is_open and now.health != "Unknown":
        yield PoolEvent("Normal", "BreakerClosed", f"{now.name}: breaker closed, it takes traffic again", "RouteBack")
    elif closed and is_open:
        kept = f"{now.name}: breaker closed for all models except {', '.join(sorted(is_open))}"
        yield PoolEvent("Normal", "BreakerClosed", kept, "RouteBack")


def _keys(was: EndpointStatus | None, now: EndpointStatus, is_same_spec: bool) -> Iterator[PoolEvent]:
    """Of several API keys: one is left out, or used again, while others serve. One that left the spec is neither."""
    before = {(key.name, key.key): key.reason for key in was.keys_left_out} if was else {}
    present = {(key.name, key.key): key.reason for key in now.keys_left_out}
    for (name, key), why in present.items():
        if before.get((name, key)) != why and now.reason != why:
            message = f"{now.name}: its API key of Secret {name}, key {key}, is left out ({why}); its other keys serve"
            yield PoolEvent("Warning", why, message, "RouteAround")
    for name, key in sorted(before.keys() - present.keys()) if is_same_spec else ():
        message = f"{now.name}: its API key of Secret {name}, key {key}, is used again"
        yield PoolEvent("Normal", "KeyUsedAgain", message, "RouteBack")


def _open_for(endpoint: EndpointStatus | None) -> frozenset[str]:
    if endpoint is None or endpoint.breaker == "Closed":
        return frozenset()
    return frozenset(endpoint.open_models) or frozenset({ALL_MODELS})


def _for(models: frozenset[str]) -> str:
    return "" if ALL_MODELS in models else f" for {', '.join(sorted(models))}"


def _health(was: EndpointStatus | None, now: EndpointStatus) -> Iterator[PoolEvent]:
    """Breakers and backoffs have other Events: the breaker's, the tier's, and the outage's."""
    before = was.reason if was else ""
    needs_a_human = now.reason in KEY_MISSING | KEY_REFUSED | OUT_OF_MONEY
    if not needs_a_human and (now.breaker != "Closed" or AT_REST & {before, now.reason}):
        return
    if now.health == "Unhealthy" and now.reason != before:
        yield _went_down(now)
    elif was and before not in AWAY and was.health != "Healthy" and was.breaker == "Closed" and now.health == "Healthy":
        yield PoolEvent(
            "Normal", "EndpointHealthy", f"{now.name}: healthy again after {before}{_out_since(was)}", "RouteBack"
        )


STANDBY_EVENTS: Mapping[StandbyState, tuple[Literal["Normal", "Warning"], str, str]] = MappingProxyType(
    {
        "Waking": ("Normal", "StandbyWaking", "ScaleUp"),
        "Awake": ("Normal", "StandbyAwake", "RouteAround"),
        "CoolingDown": ("Normal", "StandbyCoolingDown", "Wait"),
        "Asleep": ("Normal", "StandbyAsleep", "ScaleDown"),
        "LeftAlone": ("Warning", "StandbyLeftAlone", "LeaveAlone"),
        "HeldDown": ("Warning", "StandbyBlocked", "LeaveAlone"),
        "Blocked": ("Warning", "StandbyBlocked", "LeaveAlone"),
    }
)
"""State -> type, reason and action of the Event. Missing is a condition's."""


def _standby(was: EndpointStatus | None, now: EndpointStatus) -> Iterator[PoolEvent]:
    """That it sleeps is news only if it did not before."""
    before = was.standby.state if was and was.standby else "Asleep"
    if now.standby and now.standby.state != before and now.standby.state in STANDBY_EVENTS:
        kind, reason, action = STANDBY_EVENTS[now.standby.state]
        yield PoolEvent(kind, reason, f"{now.name}: {now.standby.message}", action)


def _out_since(was: EndpointStatus) -> str:
    return f", out since {was.outage_since:%Y-%m-%dT%H:%M:%SZ}" if was.outage_since else ""


def _outage(
    before: EndpointStatus | None, endpoint: EndpointStatus, was: EndpointPoolStatus, now: EndpointPoolStatus
) -> Iterator[PoolEvent]:
    """Of backoffs, where they last and the tier's Event does not say it."""
    began = endpoint.outage_since and not (before and before.outage_since)
    if began and endpoint.reason in AT_REST and endpoint.breaker == "Closed" and was.active_tier == now.active_tier:
        text = f"{endpoint.name} {fault(endpoint.reason).seen} ({endpoint.reason})"
        yield PoolEvent("Warning", "EndpointUnhealthy", text, "RouteAround")


def _went_down(now: EndpointStatus) -> PoolEvent:
    if now.reason in KEY_MISSING:
        text = f"{now.name}: its API key is missing; it gets no traffic until the Secret has the key"
        return PoolEvent("Warning", Reason.SecretNotFound, text, "RouteAround")
    if now.reason in KEY_REFUSED:
        text = f"{now.name}: the provider refuses the API key; it gets no traffic until the Secret changes"
        return PoolEvent("Warning", Reason.CredentialsRejected, text, "RouteAround")
    if now.reason in OUT_OF_MONEY:
        text = f"{now.name}: the provider says that the account has no credit; it gets no traffic until it has"
        return PoolEvent("Warning", Reason.BalanceExhausted, text, "RouteAround")
    if now.reason in CHECK_FAILED:
        text = f"{now.name}: its health checks fail; it gets no traffic until they pass, unless no other is left"
        return PoolEvent("Warning", "EndpointUnhealthy", text, "RouteAround")
    after = f" after {now.reason}" if now.reason else ""
    return PoolEvent("Warning", "EndpointUnhealthy", f"{now.name}: unhealthy{after}", "RouteAround")


def _probed(was: EndpointPoolStatus, now: EndpointPoolStatus) -> Iterator[PoolEvent]:
    known = {one.name: one for one in was.last_probe.endpoints} if was.last_probe else {}
    for one in now.last_probe.endpoints if now.last_probe else ():
        before = known.get(one.name)
        said = before.reason if before else ""
        if one.reason and one.reason != said:
            text = f"{one.name}: probes find {one.reason}; {one.verdict}"
            yield PoolEvent("Warning", Reason.GreyFailure, text, "RouteAround")
        elif said and not one.reason:
            yield PoolEvent("Normal", "ProbesPass", f"{one.name}: probes pass again after {said}", "RouteBack")


def _tier(was: EndpointPoolStatus, now: EndpointPoolStatus) -> Iterator[PoolEvent]:
    found, before = _find(now, ConditionType.FailoverActive), _find(was, ConditionType.FailoverActive)
    if found is None or was.active_tier == now.active_tier:
        return
    if now.active_tier is None:
        yield PoolEvent("Warning", Reason.ServingDegraded, now.headline or found.message, "AnswerDefault")
    elif _is_worse(was, now, found):
        yield PoolEvent("Warning", "Failover", now.headline or found.message, "Failover")
    elif was.active_tier is not None or (before and before.status == "True"):
        yield PoolEvent("Normal", "Failback", found.message, "Failback")


def _lesser(was: EndpointPoolStatus, now: EndpointPoolStatus) -> Iterator[PoolEvent]:
    """The pool breaker opened, or a fallback model stands in, and the tier is the same."""
    found, before = _find(now, ConditionType.FailoverActive), _find(was, ConditionType.FailoverActive)
    if found is None or now.active_tier is None or (before and before.reason == found.reason):
        return
    if found.reason == Reason.GlobalBreakerOpen:
        yield PoolEvent("Warning", Reason.GlobalBreakerOpen, found.message, "AnswerFallback")
    elif found.reason == Reason.ServingDegraded:
        yield PoolEvent("Warning", Reason.ServingDegraded, found.message, "AnswerLesserModel")


def _is_worse(was: EndpointPoolStatus, now: EndpointPoolStatus, found: Condition) -> bool:
    if was.active_tier is None:
        return found.status == "True"
    return now.active_tier is not None and now.active_tier > was.active_tier


def _find(status: EndpointPoolStatus, kind: ConditionType) -> Condition | None:
    return next((condition for condition in status.conditions if condition.type == kind), None)
