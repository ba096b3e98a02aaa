"""Many routers, one answer."""

from dataclasses import replace
from datetime import timedelta

import pytest

from factories import (
    EARLIER,
    MODELS,
    NOW,
    cut_off,
    document,
    partly_cut_off,
    seen,
    serving,
    snapshot,
    state,
    trying,
    waiting,
)
from poolkeeper.api.router_reasons import word
from poolkeeper.api.router_state import Breaker, EndpointState, Health, LastError
from poolkeeper.plan.fresh_reports import fresh_states
from poolkeeper.status.merge_replicas import active_tier, endpoint_view

BREAKERS: dict[str, tuple[list[Breaker], Breaker, str]] = {
    "all agree": (["Open", "Open"], "Open", "2/2"),
    "one of two is enough": (["Open", "Closed"], "Open", "1/2"),
    "one of three is not": (["Closed", "Open", "Closed"], "Closed", "3/3"),
    "two of three are": (["Open", "Closed", "Open"], "Open", "2/3"),
    "two of four are": (["Closed", "Open", "Closed", "Open"], "Open", "2/4"),
    "half-open is between": (["Open", "HalfOpen", "Closed"], "HalfOpen", "2/3"),
}


@pytest.mark.parametrize(("given", "want_breaker", "want_agreement"), BREAKERS.values(), ids=BREAKERS.keys())
def test_breaker(given: list[Breaker], want_breaker: Breaker, want_agreement: str) -> None:
    planned = document(snapshot())
    views = {"Open": cut_off("a"), "HalfOpen": trying("a"), "Closed": seen("a")}
    states = [state(planned, views[breaker]) for breaker in given]

    view = endpoint_view(states, "a")

    assert view is not None
    assert view.breaker == want_breaker
    assert f"{view.agreeing}/{view.reporting}" == want_agreement


WAITING: dict[str, tuple[list[EndpointState], Health, Breaker, str, str]] = {
    "all wait for a request": (
        [waiting("a"), waiting("a")],
        "Unknown",
        "HalfOpen",
        "AwaitingTraffic",
        "2/2",
    ),
    "one has traffic, and it is well": (
        [waiting("a"), seen("a"), waiting("a")],
        "Healthy",
        "Closed",
        "",
        "3/3",
    ),
    "one has traffic, and it is ill": (
        [waiting("a"), cut_off("a"), waiting("a")],
        "Unhealthy",
        "Open",
        "ServerError",
        "1/3",
    ),
}


@pytest.mark.parametrize(
    ("given", "want_health", "want_breaker", "want_reason", "want_agreement"), WAITING.values(), ids=WAITING.keys()
)
def test_a_replica_that_waits_for_a_request_has_no_say_while_another_has(
    given: list[EndpointState], want_health: Health, want_breaker: Breaker, want_reason: str, want_agreement: str
) -> None:
    planned = document(snapshot())

    view = endpoint_view([state(planned, one) for one in given], "a")

    assert view is not None
    assert (view.health, view.breaker, view.reason) == (want_health, want_breaker, want_reason)
    assert f"{view.agreeing}/{view.reporting}" == want_agreement
    assert view.only_models == ()


def test_a_model_that_waits_while_others_serve_is_well() -> None:
    models = [
        {"name": MODELS[0], "breaker": "Closed"},
        {"name": MODELS[1], "breaker": "HalfOpen", "reason": "HealthCheckPassed"},
    ]
    given = EndpointState.model_validate(
        {"name": "a", "health": "Healthy", "breaker": "HalfOpen", "reason": "Healthy", "models": models}
    )

    view = endpoint_view([state(document(snapshot()), given)], "a")

    assert view is not None
    assert (view.breaker, view.only_models) == ("Closed", ())


def test_who_saw_it_first_says_why_and_since_when() -> None:
    planned = document(snapshot())
    first = cut_off("a", cause="Connect", since=EARLIER)
    second = cut_off("a", cause="Busy", since=NOW)

    view = endpoint_view([state(planned, second), state(planned, first)], "a")

    assert view is not None
    assert (view.reason, view.since) == ("Connect", EARLIER)


def test_a_replica_that_knows_counts_for_more_than_one_that_does_not() -> None:
    planned = document(snapshot())
    states = [state(planned, seen("a", health="Unknown")), state(planned, seen("a", health="Healthy"))]

    view = endpoint_view(states, "a")

    assert view is not None
    assert view.health == "Healthy"


MODELS_OPEN: dict[str, tuple[list[list[str]], tuple[str, ...]]] = {
    "one of two models": ([["deepseek-flash"]], ("deepseek-flash",)),
    "where at least half say so": ([["deepseek-flash"], []], ("deepseek-flash",)),
    "not where only one of three does": ([["deepseek-flash"], [], []], ()),
    "all of them is no exception": ([list(MODELS)], ()),
}


@pytest.mark.parametrize(("given", "want_models"), MODELS_OPEN.values(), ids=MODELS_OPEN.keys())
def test_models_that_are_cut_off_alone(given: list[list[str]], want_models: tuple[str, ...]) -> None:
    planned = document(snapshot())

    view = endpoint_view([state(planned, partly_cut_off("a", *sick)) for sick in given], "a")

    assert view is not None
    assert view.only_models == want_models


REASONS: dict[str, tuple[EndpointState, str]] = {
    "well": (seen("a"), ""),
    "not tried yet": (seen("a", health="Unknown"), ""),
    "unhealthy": (seen("a", health="Unhealthy", reason="BalanceExhausted"), "BalanceExhausted"),
    "cut off": (cut_off("a", cause="SlowFirstToken"), "SlowFirstToken"),
    "trying, by its last error": (
        trying("a").model_copy(update={"last_error": LastError.model_validate({"class": "Stalled"})}),
        "Stalled",
    ),
    "text from outside": (seen("a", health="Unhealthy", reason="Error: key sk-1 is wrong"), ""),
}


@pytest.mark.parametrize(("given", "want_reason"), REASONS.values(), ids=REASONS.keys())
def test_reason(given: EndpointState, want_reason: str) -> None:
    view = endpoint_view([state(document(snapshot()), given)], "a")

    assert view is not None
    assert view.reason == want_reason


def test_an_endpoint_that_no_router_knows_has_no_view() -> None:
    assert endpoint_view([state(document(snapshot()))], "new") is None


TIERS: dict[str, tuple[list[int | None], int | None]] = {
    "all agree": ([0, 0], 0),
    "of two the worse": ([0, 1], 1),
    "of three the middle": ([0, 1, 0], 0),
    "none is the worst": ([None, 0], None),
    "none of three": ([None, None, 0], None),
}


@pytest.mark.parametrize(("given", "want_tier"), TIERS.values(), ids=TIERS.keys())
def test_active_tier(given: list[int | None], want_tier: int | None) -> None:
    planned = document(snapshot())

    assert active_tier([state(planned, active_tier=tier) for tier in given]) == want_tier


class TestFresh:
    def test_a_report_counts_for_fifteen_seconds(self) -> None:
        given = serving(snapshot(), at=NOW - timedelta(seconds=15))

        assert len(fresh_states(given, NOW)) == 2
        assert len(fresh_states(given, NOW + timedelta(seconds=1))) == 0

    def test_a_pod_that_ends_does_not_count(self) -> None:
        given = serving(snapshot())
        first, second = given.live.pods
        ending = replace(given, live=replace(given.live, pods=(replace(first, terminating=True), second)))

        assert list(fresh_states(ending, NOW)) == [second.name]

    def test_a_pod_that_is_gone_does_not_count(self) -> None:
        given = serving(snapshot())

        assert fresh_states(replace(given, live=replace(given.live, pods=())), NOW) == {}


WORDS = {
    "ServerError": "ServerError",
    "": "",
    "lower": "",
    "Error: sk-secret": "",
    "Two words": "",
    "A" * 65: "",
}


@pytest.mark.parametrize(("given", "want"), WORDS.items())
def test_only_words_are_passed_on(given: str, want: str) -> None:
    assert word(given) == want
