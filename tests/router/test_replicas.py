"""Several routers of one pool: each finds out for itself, the operator puts their views together, and one that starts
later begins with what the others know. None gets it from another router, so none needs another to work."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from factories import serving, snapshot
from poolkeeper import clock
from poolkeeper.plan.known_outages import outages
from poolkeeper.plan.per_router_share import share
from poolkeeper.status.merge_replicas import active_tier, endpoint_view
from router.harness import PEER_RESET, Router, endpoint, policy
from testing.fakes.harness import FakeProvider

LATER = policy(circuit_breaker={"recovery_timeout_ms": 60_000, "max_recovery_timeout_ms": 300_000})
"""No half-open request while the test runs."""
FAILURES = 3
"""In a row, that open a breaker."""


@pytest.fixture
def routers(tmp_path: Path) -> Iterator[Sequence[Router]]:
    with ExitStack() as all_of_them:
        yield [all_of_them.enter_context(started(tmp_path / str(number))) for number in range(3)]


def started(folder: Path) -> Router:
    folder.mkdir()
    return Router(folder, allowed_errors=PEER_RESET)


def breakers(routers: Sequence[Router]) -> list[str]:
    return [router.endpoint("a").breaker for router in routers]


def find_out(router: Router) -> None:
    for _ in range(FAILURES):
        assert router.ask().headers["x-poolkeeper-endpoint"] == "b"


def test_each_has_its_own_breakers_and_a_status_goes_by_half_of_them(
    routers: Sequence[Router], a: FakeProvider, b: FakeProvider
) -> None:
    for router in routers:
        router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=LATER)
        assert router.ask().headers["x-poolkeeper-endpoint"] == "a"
    a.set("error500")

    find_out(routers[0])
    assert breakers(routers) == ["Open", "Closed", "Closed"]
    one_of_three = [router.state() for router in routers]
    find_out(routers[1])
    assert breakers(routers) == ["Open", "Open", "Closed"]
    two_of_three = [router.state() for router in routers]

    few, most = endpoint_view(one_of_three, "a"), endpoint_view(two_of_three, "a")
    assert few is not None
    assert most is not None
    assert (few.breaker, few.agreeing, few.reporting) == ("Closed", 3, 3)
    assert (most.breaker, most.reason, most.agreeing, most.reporting) == ("Open", "ServerError", 2, 3)
    assert [active_tier(states) for states in (one_of_three, two_of_three)] == [0, 1]


def test_one_that_starts_begins_with_what_the_others_know(
    routers: Sequence[Router], a: FakeProvider, b: FakeProvider
) -> None:
    """What they report goes through the operator's plan, into the document, to the new router."""
    a.set("error500")
    known, new = routers[:2], routers[2]
    for router in known:
        router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=LATER)
        find_out(router)
    asked = len(a.log())

    now = clock.now()
    hints = outages(serving(snapshot(), *(router.state() for router in known), at=now), now + timedelta(seconds=1))
    new.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=LATER, outages=hints)

    assert [new.ask().headers["x-poolkeeper-attempts"] for _ in range(10)] == ["1"] * 10
    assert new.endpoint("a").breaker == "Open"
    assert len(a.log()) == asked


@pytest.mark.parametrize("ceiling", [8, 3])
def test_together_they_keep_to_the_ceiling(routers: Sequence[Router], a: FakeProvider, ceiling: int) -> None:
    a.set("ok", first_token_ms=200)
    for router in routers:
        router.serve(endpoint("a", a, max_connections=share(ceiling, len(routers))))

    with ThreadPoolExecutor(24) as callers:
        statuses = list(callers.map(lambda number: routers[number % len(routers)].ask().status_code, range(96)))

    assert set(statuses) == {200, 503}
    assert a.stats().max_in_flight == ceiling // len(routers) * len(routers) <= ceiling
