"""Too much traffic, and what looks like trouble but is none: the pool neither stays down after it nor falls over."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from poolkeeper.api.policy_spec import FailoverPolicySpec
from poolkeeper.api.router_document import QueueDoc
from poolkeeper.plan.policy import policy_doc
from router.harness import PATIENCE_S, Router, endpoint, policy, request
from scrape import total
from testing import plain_http
from testing.fakes.harness import FakeProvider

PLACES = 4
ANSWER_S = 0.3
SETTLED_S = 5.0
"""After the surge. Its last caller gives up after four tries of a second each."""


@dataclass(frozen=True)
class Asked:
    at_s: float
    is_answered: bool
    tries: int


@pytest.fixture
def four_workers(tmp_path: Path) -> Iterator[Router]:
    with Router(tmp_path, workers=4, allowed_errors=r"recv\(\) failed \(104") as router:
        yield router


async def ask(client: httpx.AsyncClient, tries: int, patience_s: float) -> Asked:
    """A caller that tries again at once after any answer, like the clients that keep an outage alive."""
    began = time.monotonic()
    for number in range(1, tries + 1):
        try:
            answer = await client.post("/v1/chat/completions", json=request(stream=True), timeout=patience_s)
        except httpx.TransportError:
            continue
        if answer.status_code == 200:
            return Asked(began, True, number)
    return Asked(began, False, tries)


async def offer(client: httpx.AsyncClient, rate: float, seconds: float) -> list[asyncio.Task[Asked]]:
    """Requests at a rate, whatever becomes of them."""
    began, asked = time.monotonic(), []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        asked.append(asyncio.create_task(ask(client, tries=4, patience_s=2.5)))
    return asked


def goodput(asked: list[Asked]) -> float:
    return sum(one.is_answered for one in asked) / len(asked)


def tries(asked: list[Asked]) -> float:
    return sum(one.tries for one in asked) / len(asked)


async def capacity(client: httpx.AsyncClient) -> float:
    """Requests a second with every place always taken, on this machine as it is now."""
    began = time.monotonic()

    async def keep_asking() -> int:
        count = 0
        while time.monotonic() - began < 5 * ANSWER_S:
            count += (await ask(client, tries=1, patience_s=PATIENCE_S)).is_answered
        return count

    answered = await asyncio.gather(*(keep_asking() for _ in range(PLACES)))
    return sum(answered) / (time.monotonic() - began)


async def surge(url: str) -> tuple[list[Asked], list[Asked], list[Asked]]:
    """0.7 of what can be served, twice as much as can be served, 0.7 again: what became of the requests of each."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with plain_http.AsyncClient(base_url=url, limits=limits) as client:
        best = await capacity(client)
        phases = [await offer(client, rate * best, seconds) for rate, seconds in ((0.7, 4), (2, 8), (0.7, 8))]
        before, during, after = [await asyncio.gather(*phase) for phase in phases]
        return before, during, after


@pytest.mark.slow
@pytest.mark.timing
def test_after_twice_the_capacity_with_callers_that_retry_all_is_as_before(
    four_workers: Router, a: FakeProvider
) -> None:
    """No metastable failure: soon after a surge of 8 s nearly all are answered again, at their first try."""
    a.set("ok", tokens=15, token_interval_ms=1000 * ANSWER_S / 15, reasoning_tokens=0)
    patient = policy(timeouts={"connect_ms": 20_000, "first_token_ms": 20_000, "inter_token_ms": 20_000})
    queue = QueueDoc(max_wait_ms=1_000, max_depth=100)
    four_workers.serve(endpoint("a", a, max_connections=PLACES), policy=patient.model_copy(update={"queue": queue}))

    before, during, after = asyncio.run(surge(four_workers.url))

    assert a.stats().max_in_flight <= PLACES
    assert goodput(during) > 0.3  # half can be served at most; what is served is not lost to the rush
    settled = [one for one in after if one.at_s >= after[0].at_s + SETTLED_S]
    assert goodput(settled) >= 0.95 * goodput(before), (goodput(before), goodput(during), goodput(after))
    assert tries(settled) <= 1.1 * tries(before)  # nobody has to ask more often any more


def ask_many(router: Router, count: int) -> list[httpx.Response]:
    def once(_: int) -> httpx.Response:
        return plain_http.post(f"{router.url}/v1/chat/completions", json=request(stream=True), timeout=PATIENCE_S)

    with ThreadPoolExecutor(count) as callers:
        return list(callers.map(once, range(count)))


STALLS = {
    "before the first token": {"first_token_ms": 2_500},
    "in the middle of the answer": {"tokens": 2, "token_interval_ms": 2_500, "reasoning_tokens": 0},
}


@pytest.mark.slow
@pytest.mark.paced
@pytest.mark.parametrize("params", STALLS.values(), ids=STALLS.keys())
def test_a_jitter_of_a_few_seconds_opens_nothing(
    four_workers: Router, a: FakeProvider, b: FakeProvider, params: dict[str, float]
) -> None:
    """Every endpoint stalls at once, as when the way to all of them hiccups. The policy is the one by default."""
    four_workers.serve(endpoint("a", a), endpoint("b", b), policy=policy_doc(FailoverPolicySpec()))
    ask_many(four_workers, 8)

    for fake in (a, b):
        fake.play({"scenario": "ok", "params": params})
    during = ask_many(four_workers, 30)
    for fake in (a, b):
        fake.set("ok")
    after = ask_many(four_workers, 8)

    assert {answer.status_code for answer in (*during, *after)} == {200}
    assert {answer.headers["x-poolkeeper-attempts"] for answer in (*during, *after)} == {"1"}
    state = four_workers.state()
    assert state.transitions == ()
    assert {one.breaker for one in state.endpoints} == {"Closed"}
    assert total(four_workers.metrics(), "poolkeeper_upstream_errors_total") == 0


@pytest.mark.paced
@pytest.mark.parametrize(
    "how", ["refuse", "close_on_accept", "error500", "busy503", "auth", "cut", "hang_before_headers"]
)
def test_a_dead_provider_is_left_within_one_request(
    four_workers: Router, a: FakeProvider, b: FakeProvider, how: str
) -> None:
    """The request that finds it dead is answered by another one."""
    a.set(how, after_chunks=0)
    soon = policy(timeouts={"first_token_ms": 500})
    four_workers.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=soon)

    answers = [four_workers.ask(stream=True) for _ in range(10)]

    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["x-poolkeeper-endpoint"] for answer in answers} == {"b"}
    most = 3 if how == "error500" else 2  # one fault is no reason to leave the tier: it is asked once more
    assert max(int(answer.headers["x-poolkeeper-attempts"]) for answer in answers) == most
