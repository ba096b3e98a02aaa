"""A pool behind a real Envoy, configured as Envoy Gateway renders examples/gateway/httproute.yaml: what its two
settings do, and what happens without each of them."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest
import yaml

from router.harness import PEER_RESET, Router, endpoint, eventually, policy, request
from testing import plain_http
from testing.fakes.harness import FakeProvider
from testing.gateways.edge import RETRIES, UNLIMITED, UNSET, edge
from testing.gateways.environments import CannotBeMadeError
from testing.gateways.envoy import program

pytestmark = pytest.mark.slow

STREAMS = 1_000
"""Envoy itself takes 1,024 requests at once for a Service, unless a BackendTrafficPolicy says more."""
RAMP_S = 15.0
LONG: Mapping[str, object] = {"tokens": 15, "token_interval_ms": 5_000.0, "first_token_ms": 50.0, "reasoning_tokens": 0}
"""Seventy seconds, with silences of five: more than the 15 s and the 60 s that proxies have by default."""
PATIENCE_S = 200.0
"""A hang guard, never an expectation."""


@pytest.fixture
def long_lived(tmp_path: Path) -> Iterator[Router]:
    try:
        program()
    except CannotBeMadeError as reason:
        pytest.skip(f"Envoy is not available: {reason}")
    with Router(tmp_path, workers=2, allowed_errors=PEER_RESET) as router:
        yield router


@pytest.fixture
def steady() -> Iterator[FakeProvider]:
    with FakeProvider("a", keys=["sk-a"], params=LONG, process=True) as fake:
        yield fake


@pytest.fixture
def failing() -> Iterator[FakeProvider]:
    with FakeProvider("b", keys=["sk-b"], scenario="busy503", process=True) as fake:
        yield fake


async def stream(client: httpx.AsyncClient, after_s: float) -> str:
    """ "whole", or what is wrong with it."""
    await asyncio.sleep(after_s)
    try:
        async with client.stream("POST", "/v1/chat/completions", json=request(stream=True)) as answer:
            if answer.status_code != 200:
                return f"status {answer.status_code}"
            lines = [line async for line in answer.aiter_lines() if line.startswith("data:")]
    except httpx.TransportError as error:
        return type(error).__name__
    return "whole" if lines and lines[-1] == "data: [DONE]" and "error" not in "".join(lines[-2:]) else "cut"


async def streams(url: str, count: int, ramp_s: float) -> Counter[str]:
    limits = httpx.Limits(max_connections=None)
    async with plain_http.AsyncClient(base_url=url, limits=limits, timeout=PATIENCE_S) as client:
        return Counter(await asyncio.gather(*(stream(client, ramp_s * at / count) for at in range(count))))


def serve(router: Router, *fakes: FakeProvider) -> None:
    times = {"connect_ms": 20_000, "first_token_ms": 60_000, "inter_token_ms": 60_000, "request_ms": 180_000}
    endpoints = (endpoint(fake.name, fake, max_connections=2 * STREAMS) for fake in fakes)
    router.serve(*endpoints, policy=policy(timeouts=times))


@pytest.mark.timeout(400)
def test_no_stream_is_cut_and_a_failing_endpoint_stays_inside(
    long_lived: Router, steady: FakeProvider, failing: FakeProvider, tmp_path: Path
) -> None:
    serve(long_lived, steady, failing)

    with edge(tmp_path / "edge", long_lived.port, UNLIMITED) as url:
        seen = asyncio.run(streams(url, STREAMS, RAMP_S))

    assert seen == {"whole": STREAMS}
    assert failing.stats().total > 0
    assert steady.stats().max_in_flight > 0.9 * STREAMS  # they were open together


def test_without_the_first_setting_envoy_cuts_every_stream(
    long_lived: Router, steady: FakeProvider, tmp_path: Path
) -> None:
    serve(long_lived, steady)

    with edge(tmp_path / "edge", long_lived.port, UNSET) as url:
        seen = asyncio.run(streams(url, 10, 1.0))

    assert seen["whole"] == 0
    assert seen.total() == 10


@pytest.mark.parametrize(("route", "times"), [(UNLIMITED, 1), ({**UNLIMITED, **RETRIES}, 3)], ids=["without", "with"])
def test_retries_at_the_edge_multiply_those_of_the_pool(
    long_lived: Router, failing: FakeProvider, tmp_path: Path, route: Mapping[str, object], times: int
) -> None:
    """Every endpoint is busy: the pool has tried what there is, and says so. Asked again, it says the same."""
    serve(long_lived, failing)

    with edge(tmp_path / "edge", long_lived.port, route) as url:
        answer = plain_http.Client(timeout=PATIENCE_S).post(f"{url}/v1/chat/completions", json=request())

    assert answer.status_code == 503
    eventually(lambda: len(long_lived.request_log()) >= times, "every request is logged")
    assert len(long_lived.request_log()) == times


def test_the_example_has_both_settings() -> None:
    file = Path(__file__).parents[2] / "examples/gateway/httproute.yaml"
    (rule,) = yaml.safe_load(file.read_text())["spec"]["rules"]

    assert rule["timeouts"]["request"] == UNLIMITED["timeout"]
    assert "retry" not in rule
