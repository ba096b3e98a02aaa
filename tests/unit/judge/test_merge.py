"""Many routers, one answer."""

from dataclasses import replace
from datetime import timedelta

import pytest

from factories import EARLIER, NOW, document, seen, serving, snapshot, state
from poolkeeper.api.routerstate import Breaker, EndpointState
from poolkeeper.judge.merge import active_tier, endpoint_view, fresh_states, word

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
    states = [state(planned, seen("a", breaker=breaker)) for breaker in given]

    view = endpoint_view(states, "a")

    assert view is not None
    assert view.breaker == want_breaker
    assert f"{view.agreeing}/{view.reporting}" == want_agreement


def test_who_saw_it_first_says_why_and_since_when() -> None:
    planned = document(snapshot())
    first = seen("a", breaker="Open", reason="Connect", since=EARLIER)
    second = seen("a", breaker="Open", reason="Busy", since=NOW)

    view = endpoint_view([state(planned, second), state(planned, first)], "a")

    assert view is not None
    assert (view.reason, view.since) == ("Connect", EARLIER)


def test_a_replica_that_knows_counts_for_more_than_one_that_does_not() -> None:
    planned = document(snapshot())
    states = [state(planned, seen("a", health="Unknown")), state(planned, seen("a", health="Healthy"))]

    view = endpoint_view(states, "a")

    assert view is not None
    assert view.health == "Healthy"


def test_a_model_is_sick_where_at_least_half_say_so() -> None:
    planned = document(snapshot())
    states = [
        state(planned, seen("a", sick_models=["flash", "pro"])),
        state(planned, seen("a", sick_models=["flash"])),
        state(planned, EndpointState.model_validate({"name": "a", "models": [{"name": "pro"}, {"name": "flash"}]})),
        state(planned, EndpointState.model_validate({"name": "a", "models": [{"name": "pro"}, {"name": "flash"}]})),
    ]

    view = endpoint_view(states, "a")

    assert view is not None
    assert view.sick_models == ("flash",)


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
