"""Hundreds of routers, slow and dead ones among them, asked again and again by a busy process."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from poolkeeper.plan.snapshot import LivePod
from poolkeeper.routers.state_client import RouterStates
from testing.fakes.routers import FakeRouters

NOW = datetime(2026, 11, 22, tzinfo=UTC)
ROUNDS = 5
TIMEOUT_S = 0.1
PATIENCE_S = 20.0
"""A hang guard: a busy machine makes healthy ones late."""
PARALLEL = 8
OPEN = Path("/proc/self/fd")


def pod(address: str) -> LivePod:
    return LivePod(address, address, ready=True, terminating=False, config_generation=1)


async def heard(routers: RouterStates, addresses: list[str]) -> set[str]:
    reports = await routers.ask([pod(address) for address in addresses], (), NOW)
    return {report.pod for report in reports if report.state}


async def work() -> None:
    """What else the process does: its loop comes late to everything, so that a time-out and an answer meet."""
    while True:
        time.sleep(0.02)
        await asyncio.sleep(0.002)


@pytest.mark.timing
def test_after_many_rounds_with_slow_and_dead_ones_every_healthy_router_is_heard() -> None:
    async def story(fakes: FakeRouters) -> set[str]:
        routers = RouterStates(TIMEOUT_S, fakes.port, parallel=PARALLEL)
        working = asyncio.create_task(work())
        for _ in range(ROUNDS):
            await heard(routers, fakes.all)
        working.cancel()
        found: set[str] = set()
        until_s = time.monotonic() + PATIENCE_S
        while found != set(fakes.healthy) and time.monotonic() < until_s:
            found |= await heard(routers, fakes.healthy)
        return found

    with FakeRouters(healthy=90, slow=70, mute=20, refusing=10, full=10, slowest_s=1.3 * TIMEOUT_S) as fakes:
        assert asyncio.run(story(fakes)) == set(fakes.healthy)


def test_questions_that_were_given_up_leave_nothing_open() -> None:
    async def story(fakes: FakeRouters) -> tuple[int, int]:
        routers = RouterStates(TIMEOUT_S, fakes.port, parallel=PARALLEL)
        before = len(list(OPEN.iterdir()))
        for _ in range(3):
            await heard(routers, fakes.all)
        until_s = time.monotonic() + PATIENCE_S
        while len(list(OPEN.iterdir())) > before and time.monotonic() < until_s:
            await asyncio.sleep(0.01)  # until the other side has seen it, too
        return before, len(list(OPEN.iterdir()))

    with FakeRouters(healthy=0, mute=20, full=10) as fakes:
        before, after = asyncio.run(story(fakes))
    assert after <= before
