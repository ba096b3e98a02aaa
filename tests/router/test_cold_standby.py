"""A cold standby: while it sleeps it is asked nothing, not even by checks; while it wakes, requests wait for it as long
as tierWait allows, and then go on."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest

from poolkeeper.api.router_document import EndpointDoc, ModeDoc, PolicyDoc
from router.harness import STAYS_OPEN, Router, endpoint, eventually, policy, request, text_of
from testing import plain_http
from testing.fakes.harness import FakeProvider

PATIENT = policy(retry={"tier_wait_ms": 30_000}, circuit_breaker=STAYS_OPEN, timeouts={"request_ms": 60_000})
AT_ONCE = policy(circuit_breaker=STAYS_OPEN)
ERRORS = "poolkeeper_upstream_errors_total"
LONG_MS = 1_500
"""Of a wait that a test sees end by time: longer than a request takes, shorter than anybody's patience."""


@pytest.fixture
def c() -> Iterator[FakeProvider]:
    with FakeProvider("c") as fake:
        yield fake


def tiers(a: FakeProvider, b: FakeProvider, mode: ModeDoc, *more: EndpointDoc) -> tuple[EndpointDoc, ...]:
    return endpoint("a", a), endpoint("b", b, tier=1, mode=mode), *more


def go_dark(router: Router, a: FakeProvider) -> None:
    """The breaker of the first tier is open."""
    a.set("refuse")
    for _ in range(4):
        router.ask()
    eventually(lambda: router.endpoint("a").breaker == "Open", "the breaker of a is open")
    router.allow("connect\\(\\) failed")


def later(pool: ThreadPoolExecutor, router: Router, **body: object) -> Future[httpx.Response]:
    return pool.submit(plain_http.post, f"{router.url}/v1/chat/completions", json=request(**body), timeout=60)


@pytest.mark.parametrize("mode", ["Asleep", "Waking"])
@pytest.mark.parametrize("body", [{}, {"stream": True}], ids=["whole", "stream"])
def test_a_request_waits_for_a_standby_and_gets_it(
    router: Router, a: FakeProvider, b: FakeProvider, mode: ModeDoc, body: dict[str, object]
) -> None:
    router.serve(*tiers(a, b, mode), policy=AT_ONCE)
    go_dark(router, a)
    router.serve(*tiers(a, b, mode), policy=PATIENT)

    with ThreadPoolExecutor() as pool:
        waiting = [later(pool, router, **body) for _ in range(3)]
        time.sleep(0.5)  # long enough to have asked, had they not waited
        assert not any(one.done() for one in waiting)
        assert b.log() == []
        assert router.endpoint("b").is_awaited
        assert not router.endpoint("a").is_awaited
        router.serve(*tiers(a, b, "Active"), policy=PATIENT)
        answers = [one.result() for one in waiting]

    assert {answer.headers["x-poolkeeper-endpoint"] for answer in answers} == {"b"}
    eventually(lambda: not router.endpoint("b").is_awaited, "nobody waits any more")
    if body:
        assert all(text_of(answer.text) for answer in answers)


def test_a_sleeper_is_rather_waited_for_than_a_tier_below_asked(
    router: Router, a: FakeProvider, b: FakeProvider, c: FakeProvider
) -> None:
    last = endpoint("c", c, tier=2)
    router.serve(*tiers(a, b, "Asleep", last), policy=AT_ONCE)
    go_dark(router, a)
    asked = len(c.log())
    assert asked > 0  # tierWait is 0: requests go on at once

    short = policy(retry={"tier_wait_ms": LONG_MS}, circuit_breaker=STAYS_OPEN)
    router.serve(*tiers(a, b, "Waking", last), policy=short)
    began_s = time.monotonic()
    answer = router.ask()

    assert answer.headers["x-poolkeeper-endpoint"] == "c"
    assert time.monotonic() - began_s >= LONG_MS / 1000
    assert b.log() == []


@pytest.mark.parametrize("mode", ["ScaledToZero", "Disabled", "Draining"])
def test_what_nobody_wakes_is_not_waited_for(
    router: Router, a: FakeProvider, b: FakeProvider, c: FakeProvider, mode: ModeDoc
) -> None:
    router.serve(*tiers(a, b, mode, endpoint("c", c, tier=2)), policy=AT_ONCE)
    go_dark(router, a)
    router.serve(*tiers(a, b, mode, endpoint("c", c, tier=2)), policy=PATIENT)
    began_s = time.monotonic()

    assert router.ask().headers["x-poolkeeper-endpoint"] == "c"
    assert time.monotonic() - began_s < 30


def test_a_single_failure_above_does_not_wait_for_a_sleeper(
    router: Router, a: FakeProvider, b: FakeProvider, c: FakeProvider
) -> None:
    """Nobody wakes it for that: the tier above is well."""
    a.play({"script": [{"scenario": "busy503", "requests": 1}, {"scenario": "ok"}]})
    never_rests = policy(retry={"tier_wait_ms": 30_000, "busy_backoff_ms": (0,)})
    router.serve(*tiers(a, b, "Asleep", endpoint("c", c, tier=2)), policy=never_rests)
    began_s = time.monotonic()

    assert router.ask().status_code == 200
    assert time.monotonic() - began_s < 30


def test_a_sleeper_is_no_outage_and_is_not_checked(router: Router, a: FakeProvider) -> None:
    checks = policy(health_check={"type": "TCP", "interval_ms": 200})
    nobody = endpoint("b", None, tier=1, mode="Asleep")
    router.serve(endpoint("a", a), nobody, policy=checks)
    eventually(lambda: router.endpoint("a").health == "Healthy", "a is checked")

    found = router.endpoint("b")
    assert (found.health, found.breaker, found.reason) == ("Unknown", "Closed", "Asleep")
    assert found.health_check is None or found.health_check.last_failure is None
    errors = [line for line in router.metrics().splitlines() if line.startswith(f'{ERRORS}{{endpoint="b"')]
    assert [line for line in errors if not line.endswith(" 0")] == []


def test_what_falls_asleep_gets_no_more_requests_that_began_before(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    """One that waits inside the tier sees that its other endpoint has gone to sleep meanwhile."""
    a.set("rate_limit", retry_after_ms=1_500)
    waits: PolicyDoc = policy(retry={"tier_wait_ms": 10_000, "busy_backoff_ms": (50,)})
    router.serve(*tiers(a, b, "Active"), policy=waits)

    with ThreadPoolExecutor() as pool:
        asked = later(pool, router)
        eventually(lambda: bool(a.log()), "a was asked")
        a.set("ok")
        router.serve(*tiers(a, b, "Asleep"), policy=waits)

        assert asked.result().headers["x-poolkeeper-endpoint"] == "a"
    assert b.log() == []


def wake_up(router: Router, a: FakeProvider, b: FakeProvider, rules: PolicyDoc, *more: EndpointDoc) -> None:
    """A Pod of b is ready, but nobody knows the way to it yet: connections are refused."""
    router.serve(*tiers(a, b, "Waking", *more), policy=AT_ONCE)
    go_dark(router, a)
    b.set("refuse")
    router.serve(*tiers(a, b, "Active", *more), policy=rules)


@pytest.mark.parametrize("body", [{}, {"stream": True}], ids=["whole", "stream"])
def test_a_standby_that_refuses_connections_as_it_wakes_is_waited_for(
    router: Router, a: FakeProvider, b: FakeProvider, body: dict[str, object]
) -> None:
    wake_up(router, a, b, PATIENT)

    with ThreadPoolExecutor() as pool:
        waiting = [later(pool, router, **body) for _ in range(3)]
        eventually(lambda: router.endpoint("b").reason == "Waking", "b has refused a connection")
        time.sleep(2.5)  # some tries more than attempts are left
        assert not any(one.done() for one in waiting)
        b.set("ok")
        answers = [one.result() for one in waiting]

    assert {answer.headers.get("x-poolkeeper-endpoint") for answer in answers} == {"b"}
    assert router.endpoint("b").breaker == "Closed"


def test_a_standby_that_refuses_connections_as_it_wakes_leaves_a_tier_below(
    router: Router, a: FakeProvider, b: FakeProvider, c: FakeProvider
) -> None:
    """Without tierWait nobody waits; and that it is not up yet takes no attempt from the tier below."""
    one_try = policy(retry={"max_attempts": 1}, circuit_breaker=STAYS_OPEN)
    wake_up(router, a, b, one_try, endpoint("c", c, tier=2))

    answer = router.ask()

    assert answer.headers["x-poolkeeper-endpoint"] == "c"
    found = router.endpoint("b")
    assert (found.breaker, found.reason) == ("Closed", "Waking")


def test_what_was_never_asleep_has_no_such_grace(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    router.serve(*tiers(a, b, "Active"), policy=AT_ONCE)
    go_dark(router, a)
    b.set("refuse")
    for _ in range(4):
        assert router.ask().status_code == 503

    assert router.endpoint("b").breaker == "Open"
