"""concurrency Adaptive: what an endpoint bears is found below its maxConnections, and left when it bears more."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from poolkeeper.api.router_document import ConcurrencyDoc, PolicyDoc, QueueDoc
from router.harness import PATIENCE_S, Router, endpoint, eventually, policy, request
from testing import plain_http
from testing.fakes.harness import FakeProvider

CALLERS = 24


def patient(**changes: object) -> PolicyDoc:
    """No breaker opens, no endpoint has a backoff, and callers wait for a place."""
    on = policy(
        circuit_breaker={"consecutive_failures": 0, "minimum_requests": 10_000},
        retry={"busy_backoff_ms": (1,)},
        timeouts={"first_token_ms": 20_000, "inter_token_ms": 20_000},
    )
    return on.model_copy(update={"queue": QueueDoc(max_wait_ms=20_000, max_depth=100), **changes})


ADAPTIVE = patient(concurrency=ConcurrencyDoc(mode="Adaptive"))


@pytest.fixture
def two_workers(tmp_path: Path) -> Iterator[Router]:
    with Router(tmp_path, workers=2) as router:
        yield router


@contextmanager
def traffic(router: Router) -> Iterator[None]:
    """Callers that ask again and again."""
    over = threading.Event()

    def ask_again() -> None:
        while not over.is_set():
            plain_http.post(f"{router.url}/v1/chat/completions", json=request(stream=True), timeout=PATIENCE_S)

    with ThreadPoolExecutor(CALLERS) as callers:
        running = [callers.submit(ask_again) for _ in range(CALLERS)]
        try:
            yield
        finally:
            over.set()
    for one in running:
        one.result()


def limit(router: Router) -> int:
    return router.endpoint("a").limit


def test_the_limit_falls_to_what_the_endpoint_bears_and_rises_with_it(two_workers: Router, a: FakeProvider) -> None:
    a.set("ok", tokens=4, token_interval_ms=10)
    a.settings(max_inflight=3, overload="busy503")
    two_workers.serve(endpoint("a", a, max_connections=20), policy=ADAPTIVE)

    with traffic(two_workers):
        eventually(lambda: limit(two_workers) <= 4, "the limit is found")
        assert "poolkeeper_concurrency_limit" in two_workers.metrics()
        a.settings(max_inflight=None, overload="busy503")
        eventually(lambda: limit(two_workers) >= 8, "there is more room")

    assert two_workers.endpoint("a").max_connections == 20


def test_a_limit_that_the_provider_names_holds_at_once(two_workers: Router, a: FakeProvider) -> None:
    a.set("rate_limit", concurrency_limit=7)
    two_workers.serve(endpoint("a", a, max_connections=20), policy=ADAPTIVE)

    two_workers.ask()

    eventually(lambda: limit(two_workers) == 7, "the limit is the one that was named")


@pytest.mark.paced
def test_first_tokens_that_come_ever_later_lower_it(two_workers: Router, a: FakeProvider) -> None:
    two_workers.serve(endpoint("a", a, max_connections=20, base_latency_ms=20), policy=ADAPTIVE)
    for _ in range(10):  # what is normal
        two_workers.ask(stream=True)

    a.set("ok", first_token_ms=600)
    with traffic(two_workers):
        eventually(lambda: limit(two_workers) < 15, "the limit is lower")


def test_a_static_limit_stays(two_workers: Router, a: FakeProvider) -> None:
    a.set("busy503")
    two_workers.serve(endpoint("a", a, max_connections=20), policy=patient())

    for _ in range(5):
        two_workers.ask()

    assert limit(two_workers) == 20
