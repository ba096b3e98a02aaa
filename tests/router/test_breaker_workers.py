"""Breakers over several workers: nobody slips past a half-open one, and what a killed worker held comes back."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from router.harness import PATIENCE_S, Router, endpoint, eventually, policy, request
from testing import plain_http
from testing.fakes.harness import FakeProvider
from testing.fakes.player import Player, Steps

KILLED = r"worker process \d+ exited on signal 9"


@pytest.fixture
def four_workers(tmp_path: Path) -> Iterator[Router]:
    with Router(tmp_path, workers=4, allowed_errors=KILLED) as router:
        yield router


class Switchable:
    """Fails at once, or keeps silent, as the test sets it; one connection a request, so that every worker has some."""

    def __init__(self) -> None:
        self.silent = False
        self.waiting = 0
        self.most_waiting = 0
        self._lock = threading.Lock()

    def __call__(self) -> Steps:
        if not self.silent:
            yield b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
            return
        with self._lock:
            self.waiting += 1
            self.most_waiting = max(self.most_waiting, self.waiting)
        try:
            yield PATIENCE_S
        finally:
            with self._lock:
                self.waiting -= 1


def ask(router: Router) -> int:
    """With a connection of its own."""
    try:
        return plain_http.post(
            f"{router.url}/v1/chat/completions", json=request(stream=True), timeout=PATIENCE_S
        ).status_code
    except httpx.TransportError:
        return 0


def state_of(router: Router) -> str:
    return router.endpoint("a").breaker


def half_opened(router: Router) -> int:
    return sum(change.to == "HalfOpen" for change in router.state().transitions)


@pytest.mark.parametrize("half_open", [1, 3])
def test_a_half_open_breaker_lets_as_many_through_as_it_may(four_workers: Router, half_open: int) -> None:
    program = Switchable()
    tight = policy(
        circuit_breaker={
            "half_open_max_requests": half_open, "recovery_timeout_ms": 2_000, "max_recovery_timeout_ms": 4_000,
        },
        timeouts={"first_token_ms": 1_000},
        retry={"max_attempts": 1},
    )  # fmt: skip
    with Player(program) as provider, ThreadPoolExecutor(64) as callers:
        four_workers.serve(endpoint("a", port=provider.port), policy=tight)
        eventually(lambda: ask(four_workers) == 503 and state_of(four_workers) == "Open", "it has opened")
        asked_before = provider.asked
        program.silent = True

        eventually(
            lambda: bool(list(callers.map(ask, [four_workers] * 64))) and half_opened(four_workers) >= 2, "twice"
        )

        assert program.most_waiting == half_open
        assert provider.asked - asked_before <= half_open * half_opened(four_workers)


def test_a_half_open_request_whose_worker_is_killed_makes_room_for_another(four_workers: Router) -> None:
    program = Switchable()
    patient = policy(
        circuit_breaker={"half_open_max_requests": 1, "recovery_timeout_ms": 300, "max_recovery_timeout_ms": 300},
        timeouts={"first_token_ms": 600_000, "request_ms": 600_000},
    )
    with Player(program) as provider, ThreadPoolExecutor(4) as callers:
        four_workers.serve(endpoint("a", port=provider.port), policy=patient)
        eventually(lambda: ask(four_workers) == 503 and state_of(four_workers) == "Open", "it has opened")
        program.silent = True
        one = callers.submit(lambda: [ask(four_workers) for _ in iter(lambda: program.most_waiting, 1)])
        eventually(lambda: program.waiting == 1, "a half-open request is under way")
        assert four_workers.endpoint("a").in_flight == 1

        before = four_workers.worker_pids()
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        one.result(PATIENCE_S)
        eventually(lambda: len(set(four_workers.worker_pids()) - set(before)) == 4, "new workers are there")

        eventually(lambda: four_workers.endpoint("a").in_flight == 0, "its slot is free")
        another = callers.submit(ask, four_workers)
        eventually(lambda: program.waiting == 1, "another one is under way, long before the lease of the first ends")
        for pid in four_workers.worker_pids():
            os.kill(pid, signal.SIGKILL)
        another.result(PATIENCE_S)


def test_an_edit_of_another_endpoint_changes_nothing(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    a.set("error500")
    patient = policy(circuit_breaker={"recovery_timeout_ms": 60_000})
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=patient)
    for _ in range(3):
        router.ask()

    router.serve(endpoint("a", a), endpoint("b", b, tier=1, fingerprint="another"), policy=patient)

    assert router.endpoint("a").breaker == "Open"
    router.ask()
    assert len(a.log()) == 3
