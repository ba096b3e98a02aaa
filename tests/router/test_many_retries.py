"""What only thousands of attempts show: whose key goes where, whether a slot leaks, what retries cost in an outage."""

import contextlib
import random
import re
import socket
import subprocess
import threading
import time
from itertools import cycle
from pathlib import Path

import pytest

from poolkeeper.api.router_document import EndpointDoc, ModelRoute
from router.harness import MODEL, PEER_RESET, Router, endpoint, eventually, policy
from testing.background import in_background
from testing.fakes.swarm import Swarm

pytestmark = pytest.mark.timing

RETRIES = 10_000
CEILING = 12
CONNECTIONS = 32
LIMIT_S = 540.0
"""A hang guard."""
FLUSHED_S = 1.0
"""Workers add up what they counted twice a second."""
LOAD = """local kinds = {{ {bodies} }}
local at = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
function request()
  at = at % #kinds + 1
  return wrk.format(nil, nil, nil, kinds[at])
end
"""
WEATHER = cycle(
    [
        "ok busy error500",
        "ok ok error500 hangup html busy200",
        "ok ok busy limit empty error500",
        "ok cut hangup",
        "ok",
        "busy",
        "ok ok ok busy busy busy error500 error500 busy200 busy200 ok ok ok busy busy busy error500 busy200 late",
    ]
)
"""What a provider plays next."""


def providers(swarm: Swarm, tiers: int = 2) -> list[EndpointDoc]:
    return [
        endpoint(
            name, port=swarm.ports[name], tier=number % tiers, max_connections=CEILING,
            models=(ModelRoute(name=MODEL, upstream_name=f"{name}-model"),),
        )
        for number, name in enumerate(swarm.names)
    ]  # fmt: skip


def body(*, stream: bool, prompt: str = "Say something.") -> str:
    said = "true" if stream else "false"
    return f'{{"model":"{MODEL}","stream":{said},"messages":[{{"role":"user","content":"{prompt}"}}]}}'


def load(router: Router, folder: Path, seconds: int, connections: int) -> None:
    """wrk: as fast as the router goes, every fourth request a stream."""
    script = folder / "load.lua"
    script.write_text(
        LOAD.format(bodies=", ".join(f"[==[{body(stream=stream)}]==]" for stream in (True, False, False, False)))
    )
    url = f"{router.url}/v1/chat/completions"
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(script), url]
    subprocess.run(command, check=True, capture_output=True, timeout=LIMIT_S)


def total(router: Router, metric: str) -> int:
    return sum(int(count) for count in re.findall(rf"^{metric}\{{.*\}} (\d+)$", router.metrics(), re.MULTILINE))


def callers_that_leave(router: Router, end: threading.Event) -> None:
    """Connect, ask, and go after a moment, whatever there is."""
    text = body(stream=True, prompt="LEAVING").encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(text)}\r\n\r\n".encode()
    while not end.wait(0.005):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", router.port)) as connection:
            connection.sendall(head + text)
            end.wait(random.random() * 0.01)


def changing_weather(swarm: Swarm, end: threading.Event) -> None:
    while not end.wait(0.25):
        swarm.plan(random.choice(swarm.names), next(WEATHER))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_thousands_of_retries_confuse_nothing(tmp_path: Path) -> None:
    restless = policy(
        circuit_breaker={
            "consecutive_failures": 12, "minimum_requests": 40, "error_rate_percent": 90, "sliding_window_ms": 500,
            "recovery_timeout_ms": 10, "max_recovery_timeout_ms": 20, "half_open_max_requests": 4,
        },
        retry={"max_attempts": 6, "budget_percent": 100, "busy_backoff_ms": (0,)},
        timeouts={"first_token_ms": 300, "inter_token_ms": 300, "request_ms": 3_000},
    )  # fmt: skip
    with (
        Swarm(tmp_path, 8) as swarm,
        Router(tmp_path, workers=2, allowed_errors=PEER_RESET) as router,
    ):
        router.serve(*providers(swarm), policy=restless)
        for name in swarm.names:
            swarm.plan(name, next(WEATHER))
        end = threading.Event()
        began_s = time.monotonic()
        with (
            in_background(lambda: changing_weather(swarm, end), end),
            in_background(lambda: callers_that_leave(router, end), end),
        ):
            while total(router, "poolkeeper_failovers_total") < RETRIES:
                assert time.monotonic() - began_s < LIMIT_S
                load(router, tmp_path, seconds=3, connections=64)

        eventually(router.is_idle, "every slot is free again")
        counts = swarm.counts()
        assert {name: count.strange for name, count in counts.items() if count.strange} == {}
        assert all(count.asked > RETRIES / 100 for count in counts.values()), counts
        assert {name: count.most_in_flight for name, count in counts.items() if count.most_in_flight > CEILING} == {}
        eventually(lambda: all(count.in_flight == 0 for count in swarm.counts().values()), "the providers are idle")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("budget_percent", [20, 0])
def test_retries_amplify_an_outage_by_the_budget_at_most(tmp_path: Path, workers: int, budget_percent: int) -> None:
    """Breakers and backoffs are off: the budget alone holds. Ten tokens are there to start with."""
    only_the_budget = policy(
        circuit_breaker={"consecutive_failures": 0, "minimum_requests": 10_000, "sliding_window_ms": 100},
        retry={"max_attempts": 5, "budget_percent": budget_percent, "busy_backoff_ms": (0,)},
    )
    with (
        Swarm(tmp_path, 4) as swarm,
        Router(tmp_path, workers=workers, allowed_errors=PEER_RESET) as router,
    ):
        router.serve(*providers(swarm), policy=only_the_budget)
        for name in swarm.names:
            swarm.plan(name, "busy error500 hangup cut")
        load(router, tmp_path, seconds=3, connections=CONNECTIONS)
        eventually(router.is_idle, "every slot is free again")
        time.sleep(FLUSHED_S)

        requests, attempts = total(router, "poolkeeper_requests_total"), swarm.asked

    assert requests > 500
    assert attempts <= requests * (1 + budget_percent / 100) + 10 + CONNECTIONS  # whose callers left at the end
    assert attempts >= requests * (0.98 + 0.7 * budget_percent / 100)  # a connection just closed gives no error
