"""Routers are polled all the time; a pool gets a turn only when their reports mean something new."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from poolkeeper.api.router_state import EndpointState, RouterState
from poolkeeper.handlers.router_poller import LONGEST_COUNTED_S, PACE_S, PODS_AT_FULL_PACE, Poller, counts_s, pace_s
from poolkeeper.handlers.state_fingerprint import meaning
from poolkeeper.kube.observe import observe
from poolkeeper.kube.store import Ref, Store
from poolkeeper.plan.snapshot import STALE_S, LivePod, RouterReport
from unit.kube.things import KEY, chain, pod, pool

NOW = datetime(2026, 11, 22, tzinfo=UTC)
OFFICIAL = EndpointState(name="official", health="Healthy", in_flight=3, ttft_ms=800.0, weight=60.0)
STATE = RouterState(pool="team/chat", generation=1, ready=True, active_tier=0, endpoints=(OFFICIAL,))


def report(state: RouterState | None = STATE, age_s: float = 0, pod: str = "a") -> RouterReport:
    return RouterReport(pod, state, NOW - timedelta(seconds=age_s) if state else None)


def with_endpoint(**changes: object) -> RouterState:
    return STATE.model_copy(update={"endpoints": (OFFICIAL.model_copy(update=changes),)})


@pytest.mark.parametrize(
    "state",
    [
        with_endpoint(breaker="Open"),
        with_endpoint(health="Unhealthy"),
        with_endpoint(reason="CredentialsRejected"),
        STATE.model_copy(update={"active_tier": 1}),
        STATE.model_copy(update={"generation": 2}),
        STATE.model_copy(update={"ready": False}),
    ],
    ids=["breaker", "health", "reason", "tier", "generation", "readiness"],
)
def test_a_change_that_decisions_use_means_something(state: RouterState) -> None:
    assert meaning([report(state)], NOW) != meaning([report()], NOW)


def test_figures_that_move_with_every_request_mean_nothing() -> None:
    busy = with_endpoint(in_flight=9, ttft_ms=1200.0, weight=12.5, error_rate_percent=3.0)

    assert meaning([report(busy, age_s=2)], NOW) == meaning([report()], NOW)


def test_a_report_that_turns_stale_means_something() -> None:
    assert meaning([report(age_s=STALE_S + 1)], NOW) == meaning([], NOW)
    assert meaning([report(age_s=STALE_S - 1)], NOW) != meaning([], NOW)


@pytest.mark.parametrize(
    ("pods", "want_s"),
    [(0, PACE_S), (PODS_AT_FULL_PACE, PACE_S), (4 * PODS_AT_FULL_PACE, 4 * PACE_S)],
)
def test_the_pace_stretches_with_the_number_of_pods(pods: int, want_s: float) -> None:
    assert pace_s(pods) == want_s


class Routers:
    """Every Pod says the same."""

    def __init__(self) -> None:
        self.says = STATE

    async def ask(
        self, pods: Sequence[LivePod], before: Sequence[RouterReport], now: datetime
    ) -> tuple[RouterReport, ...]:
        return tuple(RouterReport(pod.name, self.says, now) for pod in pods)


@pytest.mark.parametrize("pods", [0, 1, 199, 200, 1500, 2000, 5000])
def test_with_any_number_of_pods_a_router_may_miss_a_round_and_still_counts(pods: int) -> None:
    """With 2,000, each is asked every 20 s: with 15 s for all, all pools were unknown between two rounds."""
    assert counts_s(pace_s(pods)) >= max(STALE_S, min(2 * pace_s(pods), LONGEST_COUNTED_S))


@pytest.mark.parametrize(("round_s", "want_s"), [(0.0, STALE_S), (2.0, STALE_S), (20.0, 60.0), (9999.0, 180.0)])
def test_where_rounds_are_far_apart_a_report_counts_longer(round_s: float, want_s: float) -> None:
    assert counts_s(round_s) == want_s


def test_on_a_machine_that_is_slow_a_report_counts_longer() -> None:
    store, now_s, slow_s, counted = Store(), [0.0], [0.0], list[float]()
    for body in (pool(), *chain(), pod()):
        store.put(observe(body))

    class Slow(Routers):
        async def ask(
            self, pods: Sequence[LivePod], before: Sequence[RouterReport], now: datetime
        ) -> tuple[RouterReport, ...]:
            now_s[0] += slow_s[0]
            return await super().ask(pods, before, now)

    poller = Poller(store, Slow(), meaning, lambda: NOW, lambda ref: None, clock_s=lambda: now_s[0])
    for takes_s in (0.1, 30.0, 0.1, 0.1):
        slow_s[0] = takes_s
        asyncio.run(poller.round())
        counted += [report.counts_s for report in store.reports(KEY)]

    assert counted == [STALE_S, 90.0, 90.0, STALE_S]


def test_a_pool_is_woken_when_its_routers_say_something_new() -> None:
    store, routers, woken = Store(), Routers(), list[Ref]()
    for body in (pool(), *chain()):
        store.put(observe(body))
    store.put(observe(pod()))
    poller = Poller(store, routers, meaning, lambda: NOW, woken.append)

    async def rounds() -> list[int]:
        counts = []
        for says in (STATE, STATE, with_endpoint(breaker="Open"), with_endpoint(breaker="Open", in_flight=7)):
            routers.says = says
            await poller.round()
            counts.append(len(woken))
        return counts

    assert asyncio.run(rounds()) == [1, 1, 2, 2]
    assert woken[0] == Ref("EndpointPool", "team", "chat")
    assert store.reports(KEY)[0].state == replace(report(), state=routers.says).state


@pytest.mark.parametrize(
    ("rounds", "want"),
    [
        (["", "no", "no", ""], [0, 1, 2, 0]),
        ([None, "no", None], [0, 1, 0]),
    ],
    ids=["reported again", "nobody to ask"],
)
def test_rounds_in_which_nobody_answers_are_counted(rounds: Sequence[str | None], want: Sequence[int]) -> None:
    """ "": it answers; None: there is no Pod."""

    class Mute:
        error = ""

        async def ask(
            self, pods: Sequence[LivePod], before: Sequence[RouterReport], now: datetime
        ) -> tuple[RouterReport, ...]:
            return tuple(RouterReport(pod.name, None if self.error else STATE, now, self.error) for pod in pods)

    store, routers, counted = Store(), Mute(), list[int]()
    for body in (pool(), *chain()):
        store.put(observe(body))
    poller = Poller(store, routers, meaning, lambda: NOW, lambda ref: None, counted.append)
    for error in rounds:
        if error is None:
            store.drop(observe(pod()).ref)
        else:
            store.put(observe(pod()))
            routers.error = error
        asyncio.run(poller.round())

    assert counted == want


class Clock:
    """What it shows can be set, seconds only pass. while_asked: how far it is set during each question."""

    def __init__(self) -> None:
        self.wall, self.seconds = NOW, 1000.0
        self.while_asked = timedelta()

    def passes(self, seconds: float) -> None:
        self.wall, self.seconds = self.wall + timedelta(seconds=seconds), self.seconds + seconds

    async def ask(
        self, pods: Sequence[LivePod], before: Sequence[RouterReport], now: datetime
    ) -> tuple[RouterReport, ...]:
        self.wall += self.while_asked
        return tuple(RouterReport(pod.name, STATE, now) for pod in pods)


def heard(clock: Clock) -> tuple[Poller, Store, list[Ref]]:
    """The pool and its router, once asked."""
    store, turns = Store(lambda: clock.wall, lambda: clock.seconds), list[Ref]()
    for body in (pool(), pod(), *chain()):
        store.put(observe(body))
    poller = Poller(store, clock, meaning, lambda: clock.wall, turns.append, clock_s=lambda: clock.seconds)
    asyncio.run(poller.round())
    turns.clear()
    return poller, store, turns


@pytest.mark.parametrize("hours", [-24, -1, 1, 24])
@pytest.mark.parametrize("when", ["between rounds", "while it is asked"])
def test_a_clock_that_is_set_makes_no_report_older_and_keeps_none_alive(hours: int, when: str) -> None:
    clock = Clock()
    poller, store, turns = heard(clock)

    if when == "between rounds":
        clock.wall += timedelta(hours=hours)
    else:
        clock.while_asked = timedelta(hours=hours)
        asyncio.run(poller.round())
    clock.passes(STALE_S - 1)
    assert [one.fresh(clock.wall) for one in store.reports(KEY)] == [STATE]
    clock.passes(2)
    assert [one.fresh(clock.wall) for one in store.reports(KEY)] == [None]

    clock.while_asked = timedelta()
    asyncio.run(poller.round())
    assert [one.fresh(clock.wall) for one in store.reports(KEY)] == [STATE]
    assert turns == []
