"""How a watch is doing, with a turned clock: a fault is named in time, and one that ends by itself is not."""

from collections.abc import Callable

import pytest

from poolkeeper.handlers.watch.answers import Place
from poolkeeper.handlers.watch.streams import Patience, Stream, watching

PATIENCE = Patience(watch_s=30, silent_s=7, settled_s=2, failing_s=3, dead_s=5, answer_s=7)
PODS, POOLS = Place("Pod", ""), Place("EndpointPool", "")


def stream(place: Place = PODS, *steps: tuple[float, Callable[[Stream, float], None]]) -> Stream:
    found = Stream(place, 0, 0)
    for at_s, step in steps:
        step(found, at_s)
    return found


def fails(wrong: str = "no", is_refused: bool = False) -> Callable[[Stream, float], None]:
    return lambda one, at_s: one.fails(wrong, at_s, PATIENCE, is_refused)


def ends(one: Stream, at_s: float) -> None:
    one.has_ended(at_s, PATIENCE)


OPENED = ((0, Stream.asks), (0, Stream.has_listed), (0, Stream.asks), (0, Stream.has_opened))


@pytest.mark.parametrize(
    ("seen", "at_s", "want"),
    [
        pytest.param(stream(), 4, "", id="it has just begun"),
        pytest.param(stream(), 6, "nobody has watched it for 6 s", id="kopf never asks"),
        pytest.param(stream(PODS, *OPENED), 36, "", id="quiet for less than a watch's time"),
        pytest.param(stream(PODS, *OPENED), 38, "silent for 38 s", id="a watch that is overdue"),
        pytest.param(stream(PODS, *OPENED, (30, Stream.says)), 60, "", id="a bookmark shows that it lives"),
        pytest.param(stream(PODS, *OPENED, (30, ends)), 33, "", id="a watch has ended as watches do"),
        pytest.param(
            stream(PODS, *OPENED, (30, ends)), 36, "nobody has watched it for 6 s", id="and nobody asks again"
        ),
        pytest.param(stream(PODS, (0, Stream.asks)), 8, "no answer for 8 s", id="a list without an answer"),
        pytest.param(stream(PODS, *OPENED, (9, fails())), 10, "", id="one failure is none"),
        pytest.param(
            stream(PODS, *OPENED, (9, fails()), (10, Stream.rests), (11, Stream.asks), (11, fails("403"))),
            13,
            "failing for 4 s: 403",
            id="failing again and again",
        ),
        pytest.param(
            stream(
                PODS, (0, fails("403")), (1, Stream.asks), (1, Stream.has_listed), (1, Stream.asks), (1, fails("403"))
            ),
            4,
            "failing for 4 s: 403",
            id="a list between two refused watches does not end the fault",
        ),
        pytest.param(
            stream(PODS, (0, fails()), (4, Stream.asks), (4, Stream.has_opened)),
            5,
            "failing for 5 s: no",
            id="just open",
        ),
        pytest.param(
            stream(PODS, (0, fails()), (4, Stream.asks), (4, Stream.has_opened)), 7, "", id="open for a while"
        ),
        pytest.param(
            stream(PODS, (0, fails()), (4, Stream.has_opened), (4, Stream.says)), 4, "", id="an event ends it at once"
        ),
        pytest.param(
            stream(PODS, (0, fails()), (4, Stream.has_opened), (20, fails("new"))),
            22,
            "",
            id="a new failure counts anew",
        ),
    ],
)
def test_what_is_wrong(seen: Stream, at_s: float, want: str) -> None:
    assert seen.problem(at_s, PATIENCE) == want


def test_a_failing_kind_is_named_and_the_others_are_not() -> None:
    seen = watching([stream(POOLS, *OPENED), stream(PODS, (0, fails("403")))], 5, PATIENCE)

    assert seen.problems == {"Pod": "failing for 5 s: 403"}
    assert not seen.is_hopeless
    assert not seen.is_dead


def test_a_namespace_whose_pools_may_not_be_read_is_left_out_and_no_problem_of_the_others() -> None:
    refused = (0, fails("403", is_refused=True))
    streams = [
        stream(Place("EndpointPool", "gone"), refused),
        stream(Place("Pod", "gone"), refused),
        stream(Place("EndpointPool", "team"), *OPENED),
        stream(Place("Pod", "team"), *OPENED),
    ]

    seen = watching(streams, 5, PATIENCE)

    assert (seen.problems, dict(seen.unreadable)) == ({}, {"gone": "failing for 5 s: 403"})
    assert not seen.is_hopeless


def test_a_namespace_in_which_one_other_kind_is_refused_is_a_problem() -> None:
    streams = [
        stream(Place("EndpointPool", "team"), *OPENED),
        stream(Place("Pod", "team"), (0, fails("403", is_refused=True))),
    ]

    assert watching(streams, 5, PATIENCE).problems == {"Pod in namespace team": "failing for 5 s: 403"}


def test_without_any_namespace_left_nothing_is_ready() -> None:
    seen = watching([stream(Place("EndpointPool", "gone"), (0, fails("403", is_refused=True)))], 5, PATIENCE)

    assert seen.problems == {"EndpointPool in namespace gone": "failing for 5 s: 403"}
    assert seen.is_hopeless


def test_refused_everywhere_is_no_namespace_less() -> None:
    seen = watching([stream(POOLS, (0, fails("403", is_refused=True))), stream(PODS, *OPENED)], 5, PATIENCE)

    assert (list(seen.problems), seen.unreadable) == (["EndpointPool"], {})


def test_one_that_nobody_watches_is_dead_and_one_that_fails_is_not() -> None:
    assert watching([stream(POOLS, *OPENED), stream(PODS)], 6, PATIENCE).is_dead
    assert not watching([stream(POOLS, (0, fails()), (1, Stream.rests))], 60, PATIENCE).is_dead


@pytest.mark.parametrize(
    ("asked_s", "failures", "want_s"),
    [
        pytest.param(0, 0, 0, id="well"),
        pytest.param(0, 1, 0.25, id="the first time"),
        pytest.param(0, 3, 1, id="twice as long each time"),
        pytest.param(0, 99, 8, id="for ever"),
        pytest.param(5, 1, 5, id="the API server wants more"),
        pytest.param(1, 99, 8, id="the API server wants less"),
        pytest.param(31_536_000, 1, 30, id="a year is half a minute"),
    ],
)
def test_how_long_it_rests_after_failures(asked_s: float, failures: int, want_s: float) -> None:
    seen = stream()
    for _ in range(failures):
        seen.fails("429", 0, PATIENCE, asked_rest_s=asked_s)

    assert seen.rest_s(1.0) == want_s


def test_what_the_api_server_asked_for_is_over_with_the_next_failure_of_another_kind() -> None:
    seen = stream()
    seen.fails("429", 0, PATIENCE, asked_rest_s=20)
    seen.fails("connection reset", 20, PATIENCE)

    assert seen.rest_s(1.0) == 0.5
