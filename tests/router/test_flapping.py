"""A primary that goes down and comes back, again and again, under steady traffic."""

import contextlib
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.harness import PATIENCE_S, PEER_RESET, Router, endpoint, eventually, policy, request
from testing import plain_http
from testing.fakes.player import JSON, Player, Steps, whole

pytestmark = pytest.mark.paced

RECOVERY_S = 0.5
LONGEST_S = 4 * RECOVERY_S
TO_OPEN = 3
CALLERS = 4
DOWN_PERIODS = 8
"""Recovery periods that an outage lasts."""
OUTAGES = 3
SLACK_S = 1.0
"""For a machine that is busy with other things."""
GOOD = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"Yes."},"finish_reason":"stop"}]}'
FAILED = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"


class Flapping:
    def __init__(self, failing: bytes = FAILED) -> None:
        self.is_down = False
        self.refused = 0
        self.answered = 0
        self._failing = failing
        self._lock = threading.Lock()

    def __call__(self) -> Steps:
        with self._lock:
            self.refused += self.is_down
            self.answered += not self.is_down
        yield self._failing if self.is_down else whole(JSON, GOOD)


def healthy() -> Steps:
    yield whole(JSON, GOOD)


class Traffic:
    """Callers that ask one request after the other. served_by: the endpoint of the last answer."""

    def __init__(self, router: Router) -> None:
        self.failed: list[int] = []
        self.served_by = ""
        self._url = f"{router.url}/v1/chat/completions"
        self._end = threading.Event()

    def _ask(self) -> None:
        with plain_http.Client(timeout=PATIENCE_S) as client:
            while not self._end.wait(0.01):
                answer = client.post(self._url, json=request())
                if answer.status_code == 200:
                    self.served_by = answer.headers["x-poolkeeper-endpoint"]
                else:
                    self.failed.append(answer.status_code)

    @contextlib.contextmanager
    def flowing(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._ask) for _ in range(CALLERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._end.set()
            for thread in threads:
                thread.join()


def half_opened(router: Router) -> int:
    return sum(change.to == "HalfOpen" for change in router.state().transitions)


@pytest.mark.slow
def test_a_primary_that_flaps_is_left_alone_while_down_and_used_again_soon_after(tmp_path: Path) -> None:
    primary = Flapping()
    compressed = policy(
        circuit_breaker={
            "consecutive_failures": TO_OPEN, "half_open_max_requests": 1, "sliding_window_ms": 60_000,
            "recovery_timeout_ms": int(RECOVERY_S * 1000), "max_recovery_timeout_ms": int(LONGEST_S * 1000),
        },
    )  # fmt: skip
    back_s: list[float] = []
    with Player(primary) as a, Player(healthy) as b, Router(tmp_path, workers=2, allowed_errors=PEER_RESET) as router:
        router.serve(endpoint("a", port=a.port), endpoint("b", port=b.port, tier=1), policy=compressed)
        traffic = Traffic(router)
        with traffic.flowing():
            for _ in range(OUTAGES):
                eventually(lambda: traffic.served_by == "a", "the primary serves")
                half_open_before, primary.refused, primary.is_down = half_opened(router), 0, True
                down_s = time.monotonic()
                time.sleep(DOWN_PERIODS * RECOVERY_S)
                half_open, refused = half_opened(router) - half_open_before, primary.refused
                primary.is_down, up_s = False, time.monotonic()

                assert half_open <= (up_s - down_s) / RECOVERY_S
                assert refused <= TO_OPEN - 1 + CALLERS + half_open  # what opened it, was in flight, was half-open

                eventually(lambda: router.endpoint("a").breaker == "Closed", "the primary is back")
                back_s.append(time.monotonic() - up_s)

    assert traffic.failed == []
    assert statistics.median(back_s) <= LONGEST_S + SLACK_S, (  # a stall of the machine may fall into one
        f"back after {[round(s / RECOVERY_S, 1) for s in back_s]} recovery periods"
    )


MINUTE_S = 6.0
"""Of the test below: everything is ten times as fast as in life."""
AS_DEFAULT = policy(
    circuit_breaker={
        "consecutive_failures": 5, "half_open_max_requests": 5, "error_rate_percent": 50, "minimum_requests": 20,
        "sliding_window_ms": 6_000, "recovery_timeout_ms": 3_000, "max_recovery_timeout_ms": 30_000,
    },
    retry={"busy_backoff_ms": (500, 1_000, 3_000)},
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("failing", "tier"), [(FAILED, 1), (BUSY, 0)], ids=["upper tier, 500", "one tier, busy"])
def test_who_is_down_for_a_minute_serves_again_within_30_s(tmp_path: Path, failing: bytes, tier: int) -> None:
    """By the default policy, each time: nothing but traffic says that it is back."""
    primary = Flapping(failing)
    back_s: list[float] = []
    with Player(primary) as a, Player(healthy) as b, Router(tmp_path, workers=2, allowed_errors=PEER_RESET) as router:
        router.serve(endpoint("a", port=a.port), endpoint("b", port=b.port, tier=tier), policy=AS_DEFAULT)
        traffic = Traffic(router)
        with traffic.flowing():
            for _ in range(2):
                eventually(lambda: router.endpoint("a").breaker == "Closed", "the primary serves")
                time.sleep(MINUTE_S)
                primary.is_down = True
                time.sleep(MINUTE_S)
                primary.is_down, up_s = False, time.monotonic()
                primary.answered = 0
                eventually(lambda: primary.answered > 0, "the primary is asked and answers")
                back_s.append(time.monotonic() - up_s)

    assert traffic.failed == []
    assert max(back_s) <= MINUTE_S / 2 + SLACK_S / 2, f"back after {[round(s / MINUTE_S * 60) for s in back_s]} s"


LONE = policy(
    circuit_breaker={
        "consecutive_failures": 1, "half_open_max_requests": 1, "sliding_window_ms": 60_000, "recovery_timeout_ms": 200,
        "max_recovery_timeout_ms": 3_600_000,
    },
)  # fmt: skip


def test_who_has_nobody_else_to_ask_asks_again_after_one_recovery_time(tmp_path: Path) -> None:
    """However often the outage was seen: the ninth wait would else be 64 times as long as the first."""
    lone = Flapping()
    lone.is_down = True
    with Player(lone) as a, Router(tmp_path, allowed_errors=PEER_RESET) as router:
        router.serve(endpoint("a", port=a.port), policy=LONE)
        eventually(lambda: router.ask().status_code == 503 and half_opened(router) >= 8, "eight half-openings failed")
        half_open, refused = half_opened(router), lone.refused
        opened = max(change.at for change in router.state().transitions if change.to == "Open" and change.at)
        retry_at = router.endpoint("a").retry_at

        lone.is_down = False
        eventually(lambda: router.ask().status_code == 200, "it answers")

    assert refused <= 2 * (1 + half_open)  # what opened it and the half-open requests, each repeated once at most
    assert retry_at is not None
    assert (retry_at - opened).total_seconds() <= 1  # /state shows whole seconds


def test_an_outage_that_was_seen_often_is_left_alone_while_there_is_another_endpoint(tmp_path: Path) -> None:
    primary = Flapping()
    primary.is_down = True
    with Player(primary) as a, Player(healthy) as b, Router(tmp_path, allowed_errors=PEER_RESET) as router:
        router.serve(endpoint("a", port=a.port), endpoint("b", port=b.port, tier=1), policy=LONE)
        eventually(lambda: router.ask().status_code == 200 and half_opened(router) >= 6, "six half-openings failed")
        state = router.state()
        retry_at = next(one.retry_at for one in state.endpoints if one.name == "a")
        opened = max(change.at for change in state.transitions if change.to == "Open" and change.at)

    assert retry_at is not None
    assert (retry_at - opened).total_seconds() > 1.5  # sixteen times the recovery time; /state shows whole seconds
