"""How much is sent where: never more than an endpoint may have, over all workers, whatever happens to one."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from router.harness import PATIENCE_S, Router, endpoint, eventually, request
from testing import plain_http
from testing.fakes.harness import FakeProvider


@pytest.fixture
def two_workers(tmp_path: Path) -> Iterator[Router]:
    with Router(tmp_path, workers=2, allowed_errors=r"worker process \d+ exited on signal 9") as router:
        yield router


def ask_each_on_its_own(router: Router, count: int) -> list[httpx.Response]:
    """So many callers at once, with a connection each, so that every worker has some."""

    def ask(_: int) -> httpx.Response:
        return plain_http.post(f"{router.url}/v1/chat/completions", json=request(stream=True), timeout=PATIENCE_S)

    with ThreadPoolExecutor(count) as callers:
        return list(callers.map(ask, range(count)))


def test_a_ceiling_holds_over_all_workers_and_the_next_tier_takes_the_rest(
    two_workers: Router, a: FakeProvider, b: FakeProvider
) -> None:
    for fake in (a, b):
        fake.set("ok", tokens=8, token_interval_ms=30)
    two_workers.serve(endpoint("a", a, max_connections=3), endpoint("b", b, tier=1, max_connections=100))

    answers = ask_each_on_its_own(two_workers, 24)

    assert {answer.status_code for answer in answers} == {200}
    assert a.stats().max_in_flight == 3
    assert b.stats().total == 24 - a.stats().total


def test_when_all_are_full_a_caller_is_asked_to_come_back(two_workers: Router, a: FakeProvider) -> None:
    a.set("ok", tokens=8, token_interval_ms=30)
    two_workers.serve(endpoint("a", a, max_connections=2))

    answers = ask_each_on_its_own(two_workers, 12)

    refused = [answer for answer in answers if answer.status_code != 200]
    assert {answer.status_code for answer in refused} == {503}
    assert {answer.json()["error"]["code"] for answer in refused} == {"pool_saturated"}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert a.stats().max_in_flight == 2


def test_a_tier_that_is_full_serves_all_the_same(two_workers: Router, a: FakeProvider, b: FakeProvider) -> None:
    """What status and conditions say must not change with every request."""
    a.set("ok", tokens=10_000, token_interval_ms=20)
    two_workers.serve(endpoint("a", a, max_connections=1), endpoint("b", b, tier=1, max_connections=1))
    caller = threading.Thread(target=ask_until_cut, args=(two_workers,))
    caller.start()
    eventually(lambda: two_workers.endpoint("a").in_flight == 1, "the first tier is full")

    state = two_workers.state()
    assert (state.active_tier, state.unserved_models) == (0, ())

    for pid in two_workers.worker_pids():
        os.kill(pid, signal.SIGKILL)
    caller.join(PATIENCE_S)


def test_a_killed_worker_takes_no_slot_with_it(two_workers: Router, a: FakeProvider) -> None:
    a.set("ok", tokens=10_000, token_interval_ms=20)
    two_workers.serve(endpoint("a", a, max_connections=8))
    clients = [threading.Thread(target=ask_until_cut, args=(two_workers,)) for _ in range(6)]
    for client in clients:
        client.start()
    eventually(lambda: two_workers.endpoint("a").in_flight == 6, "six streams run")

    before = two_workers.worker_pids()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    for client in clients:
        client.join(PATIENCE_S)

    eventually(lambda: len(set(two_workers.worker_pids()) - set(before)) == 2, "new workers are there")
    eventually(lambda: two_workers.endpoint("a").in_flight == 0, "all slots are free")
    assert two_workers.state().generation == 1


def ask_until_cut(router: Router) -> None:
    try:
        plain_http.post(f"{router.url}/v1/chat/completions", json=request(stream=True), timeout=PATIENCE_S)
    except httpx.TransportError:
        return


def test_an_endpoint_that_drains_or_weighs_nothing_gets_nothing(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    for fields in ({"mode": "Draining"}, {"mode": "Disabled"}, {"weight": 0}):
        router.serve(endpoint("a", a, **fields), endpoint("b", b, tier=1))
        assert router.ask().headers["x-poolkeeper-endpoint"] == "b"

    assert a.log() == []


def test_a_held_tier_comes_first(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), failover_to_tier=1)

    assert router.ask().headers["x-poolkeeper-endpoint"] == "b"
    assert router.state().active_tier == 1
