"""The last minutes, from looks that come when they come."""

from collections.abc import Mapping
from datetime import timedelta

from factories import NOW
from poolkeeper.api.status import EndpointPoolStatus
from poolkeeper.dashboard.facts import PoolFacts
from poolkeeper.dashboard.history import STEP_S, STEPS, History, PoolHistory
from poolkeeper.diagnostics.counts import Counts


def metrics(attempts: int) -> str:
    return f'poolkeeper_attempts_total{{endpoint="a",gen_ai_request_model="m"}} {attempts}\n'


def looked(*looks: tuple[int, Mapping[str, int]]) -> PoolHistory:
    """Each look: seconds after NOW, and what each router that answered had counted by then."""
    history = PoolHistory()
    for after_s, routers in looks:
        texts = {router: metrics(attempts) for router, attempts in routers.items()}
        history = history.after(texts, NOW + timedelta(seconds=after_s))
    return history


def test_what_was_counted_before_the_first_look_is_no_news() -> None:
    assert looked((0, {"r": 5000})).of("a") == Counts()


def test_routers_are_summed_up() -> None:
    assert looked((0, {"r": 10, "s": 20}), (2, {"r": 13, "s": 21})).of("a").attempts == 4


def test_an_endpoint_that_is_asked_for_the_first_time_counts_from_nothing() -> None:
    history = PoolHistory().after({"r": ""}, NOW).after({"r": metrics(3)}, NOW + timedelta(seconds=2))

    assert history.of("a").attempts == 3


def test_a_router_that_was_silent_for_a_while_loses_nothing() -> None:
    assert looked((0, {"r": 10}), (2, {}), (4, {"r": 16})).of("a").attempts == 6


def test_a_router_that_was_started_anew_counts_from_nothing() -> None:
    assert looked((0, {"r": 100}), (2, {"r": 4})).of("a").attempts == 4


def test_only_the_last_minutes_are_kept() -> None:
    whole_s = STEP_S * STEPS
    history = looked((0, {"r": 0}), (1, {"r": 7}), (whole_s + 2, {"r": 9}))

    assert history.of("a").attempts == 2
    assert len(history.gains) == 1


def test_steps_are_whole_and_a_step_without_a_look_is_empty() -> None:
    history = looked((0, {"r": 0}), (STEP_S, {"r": 5}), (STEP_S + 2, {"r": 6}), (3 * STEP_S, {"r": 9}))
    steps = history.steps("a", NOW + timedelta(seconds=3 * STEP_S))

    assert len(steps) == STEPS
    assert [step and step.attempts for step in steps[-3:]] == [0, 6, None]


def test_a_pool_that_is_gone_is_forgotten() -> None:
    pool = PoolFacts("default/chat", EndpointPoolStatus(), metrics={"r": metrics(1)})
    history = History().after((pool,), NOW)

    assert history.after((), NOW).of("default/chat") == PoolHistory()
