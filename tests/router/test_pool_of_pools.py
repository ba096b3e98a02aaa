"""A pool in front of a pool: real routers, one asking the other. ADR 45."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from poolkeeper.api.router_document import AccessDoc, ClientDoc, EndpointDoc
from router.harness import PEER_RESET, STAYS_OPEN, Router, endpoint, events, eventually, policy, text_of
from testing.fakes.harness import FakeProvider

Start = Callable[[str], Router]
ID = "6f1c8a52-5c1c-4d7e-9a55-0a1b2c3d4e5f"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with contextlib.ExitStack() as stack:

        def one(name: str) -> Router:
            (tmp_path / name).mkdir()
            return stack.enter_context(Router(tmp_path / name, allowed_errors=PEER_RESET))

        yield one


def to(router: Router, name: str = "", **fields: object) -> EndpointDoc:
    """An endpoint that is the pool of this router."""
    return endpoint(name or router.folder.name, None, provider="Poolkeeper", port=router.port, **fields)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_an_inner_pool_answers_and_says_by_which_endpoint(start: Start, a: FakeProvider, stream: bool) -> None:
    outer, inner = start("outer"), start("inner")
    inner.serve(endpoint("a", a))
    outer.serve(to(inner))

    answer = outer.ask(stream=stream, headers={"x-request-id": "order-7"})

    assert answer.status_code == 200
    assert answer.headers["x-poolkeeper-endpoint"] == "inner"
    assert answer.headers["x-poolkeeper-inner"] == "a; tier 0; attempts 1"
    assert answer.headers["x-request-id"] == "order-7"
    assert (events(answer.text)[-1] == "[DONE]" and text_of(answer.text)) if stream else answer.json()["choices"]


@pytest.mark.parametrize("given", [ID, "order-7"])
def test_the_id_of_a_request_is_the_same_in_all_pools(start: Start, a: FakeProvider, given: str) -> None:
    outer, inner = start("outer"), start("inner")
    inner.serve(endpoint("a", a))
    outer.serve(to(inner))

    outer.ask(headers={"x-request-id": given})

    assert all(f'"{given}"' in router.request_log()[-1] for router in (outer, inner) if logged(router))
    assert "x-poolkeeper-pools" not in a.log()[-1].headers


def logged(router: Router) -> bool:
    eventually(lambda: bool(router.request_log()), "the request is logged")
    return True


def test_an_inner_pool_without_an_endpoint_is_busy_for_as_long_as_it_says(
    start: Start, a: FakeProvider, b: FakeProvider
) -> None:
    a.set("busy503")
    outer, inner = start("outer"), start("inner")
    inner.serve(endpoint("a", a), policy=policy(retry={"busy_backoff_ms": (7_000,)}))
    outer.serve(to(inner, tier=0), endpoint("b", b, tier=1))

    answer = outer.ask()

    assert (answer.status_code, answer.headers["x-poolkeeper-endpoint"]) == (200, "b")
    known = outer.endpoint("inner")
    assert known.reason == "Busy"
    assert known.retry_at is not None
    assert known.since is not None
    assert 5 <= (known.retry_at - known.since).total_seconds() <= 8


def test_when_every_pool_is_down_the_caller_gets_the_outer_pools_error(start: Start, a: FakeProvider) -> None:
    a.set("busy503")
    outer, inner = start("outer"), start("inner")
    inner.serve(
        endpoint("a", a),
        policy=policy(fallback={"default_response": "inner", "format": "Completion", "cache_ttl_ms": 60_000}),
    )
    outer.serve(to(inner), policy=policy(fallback={"default_response": "outer"}))

    answer = outer.ask()

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "all_endpoints_down")
    assert answer.json()["error"]["message"] == "outer"
    assert int(answer.headers["retry-after"]) >= 1
    assert inner.ask().headers["x-poolkeeper-fallback"] == "default"  # a caller of its own


def test_an_inner_rate_limit_is_the_callers(start: Start, a: FakeProvider) -> None:
    a.set("rate_limit", retry_after_s=60)  # longer than a request may take: nobody waits for that
    outer, inner = start("outer"), start("inner")
    inner.serve(endpoint("a", a))
    outer.serve(to(inner))

    answer = outer.ask()

    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limited")
    assert 55 <= int(answer.headers["retry-after"]) <= 60
    assert outer.endpoint("inner").breaker == "Closed"


def test_an_inner_pool_does_not_wait_where_the_outer_one_has_another_endpoint(
    start: Start, a: FakeProvider, b: FakeProvider
) -> None:
    a.set("rate_limit", retry_after_s=5)  # a caller of its own would wait for that
    outer, inner = start("outer"), start("inner")
    inner.serve(endpoint("a", a))
    outer.serve(to(inner, tier=0), endpoint("b", b, tier=1))

    assert outer.ask().headers["x-poolkeeper-endpoint"] == "b"
    assert a.stats().total == 1


def test_a_limit_that_the_inner_pool_sets_for_us_moves_the_request_on(
    start: Start, a: FakeProvider, b: FakeProvider
) -> None:
    a.set("slow_first_token", first_token_ms=1_500)
    outer, inner = start("outer"), start("inner")
    us = ClientDoc(name="us", key_file="us", source="Secret us", priority=0, max_connections=1)
    inner.write_key("us", "sk-inner", "clients")
    inner.serve(endpoint("a", a), access=AccessDoc(mode="Keys", clients=(us,)))
    outer.serve(to(inner, tier=0), endpoint("b", b, tier=1))

    with outer.stream():
        other = outer.ask()

    assert other.headers["x-poolkeeper-endpoint"] == "b"


def test_a_key_that_the_inner_pool_refuses_is_a_refused_key(start: Start, a: FakeProvider, b: FakeProvider) -> None:
    outer, inner = start("outer"), start("inner")
    us = ClientDoc(name="us", key_file="us", source="Secret us", priority=0, max_connections=10)
    inner.write_key("us", "sk-other", "clients")
    inner.serve(endpoint("a", a), access=AccessDoc(mode="Keys", clients=(us,)))
    outer.serve(to(inner, tier=0), endpoint("b", b, tier=1))

    for number in range(3):
        assert outer.ask(user=str(number)).headers["x-poolkeeper-endpoint"] == "b"

    assert outer.endpoint("inner").reason == "CredentialsRejected"


BROKEN = policy(circuit_breaker={**STAYS_OPEN, "consecutive_failures": 10_000})
"""Breakers that stay closed: nothing but the budgets limits attempts."""


def test_attempts_are_not_multiplied(start: Start) -> None:
    """Two inner pools of two endpoints each, all down: one budget for all of it."""
    with contextlib.ExitStack() as stack:
        fakes = {name: stack.enter_context(FakeProvider(name, keys=[f"sk-{name}"])) for name in "abcd"}
        for fake in fakes.values():
            fake.set("error500")
        outer, east, west = start("outer"), start("east"), start("west")
        east.serve(endpoint("a", fakes["a"]), endpoint("b", fakes["b"]), policy=BROKEN)
        west.serve(endpoint("c", fakes["c"]), endpoint("d", fakes["d"]), policy=BROKEN)
        outer.serve(to(east), to(west), policy=BROKEN)

        asked = 300
        for number in range(asked):
            assert outer.ask(user=str(number)).status_code == 503
        sent = sum(fake.stats().total for fake in fakes.values())

    started_with = 3 * 10  # tokens of three routers, so that a quiet pool fails over, too
    assert sent <= 1.2 * asked + started_with


def test_a_pool_is_not_asked_again_after_it_has_tried(start: Start, a: FakeProvider) -> None:
    a.set("error500")
    outer, inner = start("outer"), start("inner")
    inner.serve(endpoint("a", a), policy=BROKEN)
    outer.serve(to(inner), policy=BROKEN)

    outer.ask()
    through_the_outer_one = a.stats().total
    inner.ask()

    assert a.stats().total == 2 * through_the_outer_one


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_circle_of_pools_is_refused(start: Start, length: int) -> None:
    ring = [start(f"p{number}") for number in range(length)]
    for number, router in enumerate(ring):
        router.serve(to(ring[(number + 1) % length]))

    for router in ring:
        answer = router.ask()
        assert (answer.status_code, answer.json()["error"]["code"]) == (508, "pool_loop")
        assert "retry-after" not in answer.headers
        notices = {model.notice for one in router.state().endpoints for model in one.models}
        assert "LeadsBack" in notices, "no pool says that all is well"
    assert sum(len(router.request_log()) for router in ring) <= length * (length + 1)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_circle_does_not_keep_a_pool_from_its_own_endpoints(start: Start, a: FakeProvider, length: int) -> None:
    """Regions that back each other up: a circle by design."""
    ring = [start(f"p{number}") for number in range(length)]
    for number, router in enumerate(ring):
        own = [endpoint("a", a, tier=1)] if number == length - 1 else []
        router.serve(to(ring[(number + 1) % length], tier=0), *own)

    for router in ring:
        assert router.ask().status_code == 200


def test_two_regions_that_back_each_other_up(start: Start, a: FakeProvider, b: FakeProvider) -> None:
    east, west = start("east"), start("west")
    east.serve(endpoint("a", a, tier=0), to(west, tier=1))
    west.serve(endpoint("b", b, tier=0), to(east, tier=1))
    a.set("busy503")
    assert east.ask().headers["x-poolkeeper-inner"] == "b; tier 0; attempts 1"

    b.set("busy503")
    answers = [east.ask() for _ in range(3)]

    assert {(one.status_code, one.json()["error"]["code"]) for one in answers} == {(503, "all_endpoints_down")}
    assert all("retry-after" in one.headers for one in answers)


BAD_LISTS = ["", ",,", "x" * 4000, "\N{LATIN SMALL LETTER E WITH ACUTE}", ", ".join(f"p{n}" for n in range(9))]


@pytest.mark.parametrize("given", BAD_LISTS, ids=["empty", "commas", "long", "no name", "too many"])
def test_a_list_of_pools_from_anybody_harms_nobody(start: Start, a: FakeProvider, given: str) -> None:
    inner = start("inner")
    inner.serve(endpoint("a", a))

    answer = inner.client.post(
        "/v1/chat/completions",
        json={"messages": [{"role": "user", "content": "hi"}]},
        headers={b"x-poolkeeper-pools": given.encode()},
    )

    assert answer.status_code == (508 if given.startswith("p0") else 200)
