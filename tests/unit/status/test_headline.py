"""The pool in one line: what it says first, and that it always says what to do."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from factories import (
    EARLIER,
    LOCAL,
    NOW,
    OFFICIAL,
    condition,
    cut_off,
    document,
    pool,
    seen,
    serving,
    snapshot,
    state,
    status_update,
)
from poolkeeper.api.reasons import ConditionType
from poolkeeper.api.router_state import Breaker, EndpointState, LastError
from poolkeeper.api.status import EndpointPoolStatus

TRAINS_NOT = {"require": ["NoTraining"]}


def status(
    endpoints: Sequence[Mapping[str, object]],
    *reported: EndpointState,
    guard: Breaker = "Closed",
    policy: Mapping[str, object] | None = None,
) -> EndpointPoolStatus:
    given = snapshot(pool(endpoints, dataPolicy=policy or {}))
    heard = state(document(given), *reported, active_tier=None)
    heard = heard.model_copy(update={"global_": heard.global_.model_copy(update={"breaker": guard})})
    return status_update(serving(given, heard, heard)).status


def away(reason: str) -> tuple[EndpointState, EndpointState]:
    return seen("official", 0, "Unknown", reason), seen("local", 1, "Unknown", reason)


@pytest.mark.parametrize("guard", ["Closed", "Open"])
@pytest.mark.parametrize(
    ("changes", "policy", "why", "do"),
    [
        ({"mode": "Draining"}, {}, "(drained)", "`poolkeeper undrain chat official`"),
        ({"weight": 0}, {}, "(drained)", "give it a weight"),
        ({}, TRAINS_NOT, "spec.dataPolicy permits none of", "permit another endpoint"),
    ],
    ids=["drained", "no weight", "forbidden"],
)
def test_where_nobody_wants_any_endpoint_to_serve_that_is_the_cause(
    changes: dict[str, object], policy: dict[str, object], why: str, do: str, guard: Breaker
) -> None:
    """Also when the pool breaker has opened since, because callers get no answers; whatever routers say already."""
    endpoints = [{**one, **changes} for one in (OFFICIAL, LOCAL)]

    for reported in (away("Draining"), (seen("official"), seen("local", 1))):
        headline = status(endpoints, *reported, guard=guard, policy=policy).headline

        assert why in headline.partition("To do")[0], headline
        assert do in headline.partition("To do")[2], headline


@pytest.mark.parametrize(
    ("changes", "policy", "want"),
    [
        ({"mode": "Draining"}, {}, "official (drained), local (drained)"),
        ({}, TRAINS_NOT, "official (forbidden by spec.dataPolicy), local (forbidden by spec.dataPolicy)"),
    ],
)
def test_why_an_endpoint_is_away_is_known_before_routers_say_so(
    changes: dict[str, object], policy: dict[str, object], want: str
) -> None:
    found = status([{**one, **changes} for one in (OFFICIAL, LOCAL)], seen("official"), seen("local", 1), policy=policy)

    assert want in condition(found, ConditionType.Available).message


def test_one_outside_of_its_schedule_is_not_called_drained() -> None:
    found = status([OFFICIAL, LOCAL], seen("official", 0, "Unknown", "OffSchedule"), cut_off("local", 1))

    assert "official (outside of its schedule)" in condition(found, ConditionType.Available).message


def limited(name: str, tier: int, minutes: int) -> EndpointState:
    one = seen(name, tier, "Unhealthy", "RateLimited")
    return one.model_copy(update={"retry_at": EARLIER + timedelta(minutes=minutes)})


def test_a_provider_that_asks_to_wait_long_says_until_when() -> None:
    headline = status([OFFICIAL, LOCAL], limited("official", 0, 60), limited("local", 1, 90)).headline

    assert (
        "official limits the request rate since 2026-11-22T07:40:00Z, and asks to wait until 2026-11-22T08:40:00Z"
        in headline
    )
    assert "no endpoint is left until then" in headline
    assert "single requests" not in headline


def test_a_short_wait_is_no_news() -> None:
    one = limited("official", 0, 0).model_copy(update={"retry_at": EARLIER + timedelta(seconds=30)})

    assert "asks to wait" not in status([OFFICIAL, LOCAL], one, cut_off("local", 1)).headline


@pytest.mark.parametrize(
    ("cause", "says", "do"),
    [
        ("CertificateInvalid", "has an invalid certificate", "renew the certificate"),
        ("DnsFailed", "has a name that does not resolve", "check its url"),
        ("InvalidAnswer", "sends responses that are not valid for the API", "check the path in its url"),
        ("Connect", "accepts no connection", "NetworkPolicies"),
    ],
)
def test_an_open_breaker_and_a_row_of_failures_say_the_cause_of_the_last_error(cause: str, says: str, do: str) -> None:
    failed = LastError.model_validate({"class": "Connect", "cause": cause, "at": NOW})
    row = {"since": EARLIER, "attempts": 3, "lastAt": NOW}
    failing = EndpointState.model_validate(
        {**seen("official").model_dump(by_alias=True), "failing": row, "lastError": failed.model_dump(by_alias=True)}
    )
    for one in (cut_off("official", cause=cause), failing):
        headline = status([OFFICIAL, LOCAL], one, seen("local", 1)).headline

        assert says in headline
        assert do in headline.partition("To do")[2]


def test_another_model_than_requested_has_something_to_do() -> None:
    first = seen("official")
    other = first.models[0].model_copy(update={"answered_by": "deepseek-lite", "answered_by_since": EARLIER})
    given = snapshot()
    heard = state(document(given), first.model_copy(update={"models": (other, *first.models[1:])}), seen("local", 1))

    headline = status_update(serving(given, heard, heard)).status.headline

    assert "answered by deepseek-lite" in headline
    assert "models[].aliases" in headline.partition("To do: ")[2]
    assert headline.endswith("map the name with models[].upstreamName; else drain it")
