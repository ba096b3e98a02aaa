"""The figures and the endpoints of a status, and when it means something new."""

from dataclasses import replace
from datetime import timedelta

from factories import (
    ADDRESS,
    EARLIER,
    LOCAL,
    NOW,
    OFFICIAL,
    cut_off,
    document,
    endpoint,
    policy,
    pool,
    seen,
    serving,
    snapshot,
    state,
    status_update,
)
from poolkeeper.api.base import Problem
from poolkeeper.plan.snapshot import Live
from poolkeeper.status.evaluate import same_meaning

CUT_OFF = cut_off("official")
LOCAL_WELL = seen("local", tier=1)
FAILED_OVER = serving(snapshot(), state(document(snapshot()), CUT_OFF, LOCAL_WELL, active_tier=1))


def test_the_figures_that_tables_show() -> None:
    status = status_update(FAILED_OVER).status

    assert (status.summary, status.healthy_endpoints, status.total_endpoints) == ("1/2", 1, 2)
    assert status.active_tier == 1
    assert status.address == ADDRESS
    assert status.observed_generation == 1


def test_the_router_is_found_by_its_selector() -> None:
    router = status_update(serving(snapshot())).status.router

    assert (router.replicas, router.ready_replicas) == (2, 2)
    assert router.selector == "app.kubernetes.io/component=router,poolkeeper.dev/pool=chat"
    assert router.config_hash == document(snapshot()).hash


def test_an_endpoint_says_why_and_since_when() -> None:
    official, local = status_update(FAILED_OVER).status.endpoints

    assert (official.name, official.breaker, official.reason) == ("official", "Open", "ServerError")
    assert official.last_transition_time == EARLIER
    assert (local.name, local.reason) == ("local", "")


def test_an_endpoint_says_where_it_is() -> None:
    given = serving(snapshot(pool([OFFICIAL | {"region": "eu-west"}, LOCAL])))

    status = status_update(given).status

    assert [one.region for one in status.endpoints] == ["eu-west", ""]
    assert not same_meaning(status, status_update(serving(snapshot())).status)


def test_an_endpoint_in_backoff_for_a_moment_says_nothing() -> None:
    in_backoff = state(document(snapshot()), seen("official", health="Unhealthy", reason="RateLimited"), LOCAL_WELL)

    assert (
        status_update(serving(snapshot(), in_backoff)).status
        == status_update(serving(snapshot(), state(document(snapshot())))).status
    )


def test_a_disabled_endpoint_is_as_good_as_not_there() -> None:
    status = status_update(serving(snapshot(pool([OFFICIAL, LOCAL | {"mode": "Disabled"}])))).status

    assert [one.name for one in status.endpoints] == ["official"]
    assert status.summary == "1/1"


def test_a_clock_that_runs_ahead_dates_nothing_into_the_future() -> None:
    ahead = replace(FAILED_OVER, reports=tuple(replace(one, seen_at=NOW) for one in FAILED_OVER.reports))

    at = status_update(ahead, now=EARLIER - timedelta(hours=1)).status.endpoints[0].last_transition_time

    assert at == EARLIER - timedelta(hours=1)


def test_a_silent_router_makes_health_unknown_and_leaves_the_breaker() -> None:
    was = status_update(FAILED_OVER).status
    later = NOW + timedelta(minutes=1)

    official = status_update(replace(FAILED_OVER, previous=was), now=later).status.endpoints[0]

    assert (official.health, official.breaker, official.reason) == ("Unknown", "Open", "ServerError")


def test_a_spec_that_cannot_be_read_leaves_the_endpoints_that_serve() -> None:
    was = status_update(FAILED_OVER).status
    broken = replace(FAILED_OVER, pool=None, problems=(Problem("spec", "is missing"),), previous=was)

    assert status_update(broken).status.endpoints == was.endpoints


class TestEffectivePolicy:
    def test_the_defaults_have_no_name(self) -> None:
        found = status_update(serving(snapshot())).status.effective_policy

        assert found is not None
        assert (found.name, found.generation) == ("", 0)

    def test_it_is_the_one_referred_to(self) -> None:
        given = replace(snapshot(pool(failoverPolicyRef={"name": "standard"})), policy=policy(), policy_generation=3)

        found = status_update(serving(given)).status.effective_policy

        assert found is not None
        assert (found.name, found.generation) == ("standard", 3)

    def test_while_a_new_one_is_missing_the_old_one_is_in_force(self) -> None:
        was = status_update(serving(snapshot())).status
        lost = replace(serving(snapshot()), pool=pool(failoverPolicyRef={"name": "strict"}), previous=was)

        assert status_update(lost).status.effective_policy == was.effective_policy


class TestSameMeaning:
    def test_times_alone_mean_nothing(self) -> None:
        assert same_meaning(
            status_update(FAILED_OVER).status, status_update(FAILED_OVER, now=NOW + timedelta(seconds=5)).status
        )

    def test_order_alone_means_nothing(self) -> None:
        status = status_update(FAILED_OVER).status
        turned = status.model_copy(update={"conditions": status.conditions[::-1], "endpoints": status.endpoints[::-1]})

        assert same_meaning(status, turned)

    def test_a_breaker_means_something(self) -> None:
        assert not same_meaning(status_update(FAILED_OVER).status, status_update(serving(snapshot())).status)

    def test_a_newer_generation_means_something(self) -> None:
        assert not same_meaning(
            status_update(FAILED_OVER).status, status_update(replace(FAILED_OVER, generation=2)).status
        )

    def test_nothing_is_not_something(self) -> None:
        assert same_meaning(None, None)
        assert not same_meaning(None, status_update(FAILED_OVER).status)


def test_counters_and_latencies_mean_nothing() -> None:
    """Whatever moves with every request must not make a write a look."""
    busy = [
        one.model_copy(
            update={"in_flight": 7, "ttft_ms": 812.0, "weight": 63.5, "retry_at": NOW, "error_rate_percent": 9}
        )
        for one in (CUT_OFF, LOCAL_WELL)
    ]
    planned = document(snapshot())

    assert (
        status_update(serving(snapshot(), state(planned, *busy, active_tier=1))).status
        == status_update(FAILED_OVER).status
    )


def test_a_first_look_says_something_about_everything() -> None:
    status = status_update(replace(snapshot(pool([endpoint("a")])), live=Live())).status

    assert [one.type for one in status.conditions] == [
        "Accepted",
        "ResolvedRefs",
        "Programmed",
        "Available",
        "Degraded",
        "FailoverActive",
        "Ready",
        "Reconciling",
        "Stalled",
    ]
    assert status.summary == "0/1"
