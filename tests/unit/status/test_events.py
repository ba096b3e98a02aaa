"""What happened: one Event each."""

from dataclasses import replace

import pytest

from factories import (
    LOCAL,
    MODELS,
    OFFICIAL,
    cut_off,
    document,
    endpoint,
    partly_cut_off,
    pool,
    seen,
    serving,
    snapshot,
    state,
    status_update,
    trying,
    waiting,
)
from poolkeeper.api.base import Problem
from poolkeeper.api.router_state import EndpointState, RouterState
from poolkeeper.errors import Refused
from poolkeeper.plan.snapshot import RouterReport, Snapshot
from poolkeeper.status.events import PoolEvent

PRO, FLASH = MODELS
LOCAL_WELL = seen("local", tier=1)
OFFICIAL_WELL = seen("official")
CUT_OFF = cut_off("official")
LOCAL_CUT_OFF = cut_off("local", 1, cause="Busy")
TRYING = trying("official")
RESTING = seen("official", health="Unhealthy", reason="Busy")
KEY_REFUSED_AND_OPEN = CUT_OFF.model_copy(update={"reason": "CredentialsRejected"})
CHECK_FAILED = seen("official", health="Unhealthy", reason="HealthCheckFailed")
KEY_REFUSED = seen("official", health="Unhealthy", reason="CredentialsRejected")


def seen_as(official: EndpointState, local: EndpointState = LOCAL_WELL, active_tier: int | None = 0) -> Snapshot:
    one = state(document(snapshot()), official, local, active_tier=active_tier)
    return serving(snapshot(), one, one)


def guarded() -> Snapshot:
    well = state(document(snapshot())).model_dump(by_alias=True)
    one = RouterState.model_validate({**well, "global": {"breaker": "Open"}})
    return serving(snapshot(), one, one)


WELL = seen_as(OFFICIAL_WELL)
FAILED_OVER = seen_as(CUT_OFF, active_tier=1)
ALL_DARK = seen_as(CUT_OFF, LOCAL_CUT_OFF, active_tier=None)
GUARDED = guarded()
INVALID = replace(WELL, pool=None, problems=(Problem("spec.models", "is missing"),))


def refusing() -> Snapshot:
    well = state(document(snapshot())).model_dump(by_alias=True)
    refused = RouterState.model_validate(well | {"config": {"refused": {"generation": 1, "message": "bad"}}})
    return serving(snapshot(), refused)


def unheard(of: Snapshot) -> Snapshot:
    reports = tuple(RouterReport(pod.name, None, None, "cannot connect") for pod in of.live.pods)
    return replace(of, reports=reports)


def events_of(*steps: Snapshot) -> list[PoolEvent]:
    """The Events of the last step, after all the others."""
    previous = None
    events: tuple[PoolEvent, ...] = ()
    for step in steps:
        found = status_update(replace(step, previous=previous))
        previous, events = found.status, found.events
    return list(events)


CASES: dict[str, tuple[tuple[Snapshot, ...], list[tuple[str, str]]]] = {
    "a healthy start has no Event": ((WELL,), []),
    "a breaker opens and traffic fails over": (
        (WELL, FAILED_OVER),
        [
            ("BreakerOpened", "official: breaker opened after ServerError"),
            (
                "Failover",
                "official answers with server errors since 2026-11-22T07:40:00Z (ServerError); tier 1 (local) serves",
            ),
        ],
    ),
    "what continues has no second Event": ((WELL, FAILED_OVER, FAILED_OVER), []),
    "half-open requests have no Event": ((WELL, FAILED_OVER, seen_as(TRYING, active_tier=1)), []),
    "a half-open breaker that opens again has no Event": (
        (WELL, FAILED_OVER, seen_as(TRYING, active_tier=1), FAILED_OVER),
        [],
    ),
    "each model has a breaker: each opening has an Event": (
        (WELL, seen_as(partly_cut_off("official", FLASH)), seen_as(partly_cut_off("official", PRO, FLASH))),
        [("BreakerOpened", "official: breaker opened")],
    ),
    "one model's breaker opens": (
        (WELL, seen_as(partly_cut_off("official", FLASH))),
        [("BreakerOpened", f"official: breaker opened for {FLASH}")],
    ),
    "one model's breaker closes": (
        (seen_as(partly_cut_off("official", PRO, FLASH)), seen_as(partly_cut_off("official", FLASH))),
        [("BreakerClosed", f"official: breaker closed for all models except {FLASH}")],
    ),
    "the last model's breaker closes": (
        (seen_as(partly_cut_off("official", FLASH)), WELL),
        [("BreakerClosed", "official: breaker closed, it takes traffic again")],
    ),
    "a breaker closes and traffic fails back": (
        (FAILED_OVER, WELL),
        [("BreakerClosed", "official: breaker closed"), ("Failback", "Tier 0 serves")],
    ),
    "a breaker closes before traffic fails back": (
        (FAILED_OVER, seen_as(OFFICIAL_WELL, active_tier=1)),
        [("BreakerClosed", "official: breaker closed")],
    ),
    "every tier goes down": (
        (FAILED_OVER, ALL_DARK),
        [("BreakerOpened", "local: breaker opened after Busy"), ("ServingDegraded", "no endpoint is left")],
    ),
    "half-open requests have no Event while every tier is down": (
        (ALL_DARK, seen_as(CUT_OFF, LOCAL_CUT_OFF), seen_as(CUT_OFF, LOCAL_CUT_OFF, active_tier=1), ALL_DARK),
        [],
    ),
    "the first tier comes back from the dark": (
        (ALL_DARK, seen_as(OFFICIAL_WELL, LOCAL_CUT_OFF)),
        [("BreakerClosed", "official"), ("Failback", "Tier 0 serves")],
    ),
    "another tier comes back from the dark": (
        (ALL_DARK, FAILED_OVER),
        [("BreakerClosed", "local"), ("Failover", "tier 1 (local) serves")],
    ),
    "the pool breaker opens": (
        (WELL, GUARDED),
        [("GlobalBreakerOpen", "Most requests of this pool end without an answer")],
    ),
    "it stays open": ((WELL, GUARDED, GUARDED), []),
    "a key is refused": (
        (WELL, seen_as(KEY_REFUSED)),
        [("CredentialsRejected", "official: the provider refuses the API key")],
    ),
    "a key is missing": (
        (WELL, seen_as(seen("official", health="Unhealthy", reason="SecretNotFound"))),
        [("SecretNotFound", "official: its API key is missing")],
    ),
    "money runs out": (
        (WELL, seen_as(seen("official", health="Unhealthy", reason="BalanceExhausted"))),
        [("BalanceExhausted", "official: the provider says that the account has no credit")],
    ),
    "a health check fails": (
        (WELL, seen_as(CHECK_FAILED)),
        [("EndpointUnhealthy", "official: its health checks fail")],
    ),
    "a health check passes again": (
        (seen_as(CHECK_FAILED), WELL),
        [("EndpointHealthy", "official: healthy again after HealthCheckFailed")],
    ),
    "an endpoint is unhealthy for another reason": (
        (WELL, seen_as(seen("official", health="Unhealthy", reason="Connect"))),
        [("EndpointUnhealthy", "official: unhealthy after Connect")],
    ),
    "a breaker that waits for a request is no recovery": (
        (FAILED_OVER, seen_as(waiting("official"))),
        [],
    ),
    "and closed by the request": (
        (FAILED_OVER, seen_as(waiting("official")), WELL),
        [("BreakerClosed", "official"), ("Failback", "Tier 0 serves")],
    ),
    "a backoff inside the tier has no Event": ((WELL, seen_as(RESTING)), []),
    "a backoff that moves traffic has the tier's Event": (
        (WELL, seen_as(RESTING, active_tier=1)),
        [("Failover", "official is overloaded since 2026-11-22T07:40:00Z (Busy); tier 1 (local) serves")],
    ),
    "and so is its end": ((seen_as(RESTING, active_tier=1), WELL), [("Failback", "Tier 0 serves")]),
    "an API key refused behind an open breaker has an Event": (
        (FAILED_OVER, seen_as(KEY_REFUSED_AND_OPEN, active_tier=1)),
        [("CredentialsRejected", "official: the provider refuses the API key")],
    ),
    "a key works again": (
        (seen_as(KEY_REFUSED), WELL),
        [("EndpointHealthy", "official: healthy again after CredentialsRejected")],
    ),
    "a document is refused": (
        (WELL, refusing()),
        [("ConfigRejected", "1/1 routers rejected configuration generation 1")],
    ),
    "a spec is refused": ((WELL, INVALID), [("InvalidSpec", "spec.models: is missing")]),
    "routers without reports have no Event": ((WELL, unheard(WELL)), []),
    "and none when they report again": ((WELL, FAILED_OVER, unheard(FAILED_OVER), FAILED_OVER), []),
    "a refused API key has no second Event after missing reports": (
        (WELL, seen_as(KEY_REFUSED), unheard(WELL), seen_as(KEY_REFUSED)),
        [],
    ),
    "what recovered without reports has an Event": (
        (FAILED_OVER, unheard(FAILED_OVER), WELL),
        [("BreakerClosed", "official"), ("Failback", "Tier 0 serves")],
    ),
    "an operator that starts takes nothing back": ((WELL, FAILED_OVER, replace(FAILED_OVER, reports=())), []),
    "and no Event a second time": ((WELL, FAILED_OVER, replace(FAILED_OVER, reports=()), FAILED_OVER), []),
    "a new endpoint has no Event": (
        (WELL, replace(WELL, pool=pool([OFFICIAL, LOCAL, endpoint("new")]))),
        [],
    ),
}


@pytest.mark.parametrize(("steps", "want"), CASES.values(), ids=CASES.keys())
def test_events(steps: tuple[Snapshot, ...], want: list[tuple[str, str]]) -> None:
    events = events_of(*steps)

    assert [event.reason for event in events] == [reason for reason, _ in want]
    for event, (_, says) in zip(events, want, strict=True):
        assert says in event.message


def test_good_news_is_normal_and_bad_news_a_warning() -> None:
    assert {event.type for event in events_of(WELL, FAILED_OVER)} == {"Warning"}
    assert {event.type for event in events_of(FAILED_OVER, WELL)} == {"Normal"}


@pytest.mark.parametrize("reason", ["ApplyForbidden", "ApplyConflict", "ChildContested"])
def test_a_write_that_is_refused_is_an_event_once(reason: str) -> None:
    refused = Refused("apply of Deployment default/chat-router: 403: exceeded quota", reason)
    before = status_update(WELL).status
    first = status_update(replace(WELL, previous=before), refused=refused)
    second = status_update(replace(WELL, previous=first.status), refused=refused)

    assert [(event.type, event.reason) for event in first.events] == [("Warning", reason)]
    assert "exceeded quota" in first.events[0].message
    assert second.events == ()
