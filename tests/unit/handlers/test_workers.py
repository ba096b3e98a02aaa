"""Keys are worked on a few at a time, and what goes wrong with one is no other's business."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from poolkeeper.errors import Refused, RetryLater
from poolkeeper.handlers.work_queue import WorkQueue
from poolkeeper.handlers.workers import Again, Gone, Workers

Work = Callable[[str], Awaitable[Gone | Again]]


class Bed:
    def __init__(self, work: Work, parallel: int = 2) -> None:
        self.results: list[str] = []
        self.queue: WorkQueue[str] = WorkQueue(chance=lambda: 0)
        self.at_s = 0.0
        self.workers = Workers(
            self.queue, work, parallel, lambda: self.at_s, lambda result, _: self.results.append(result)
        )

    def run(self, *keys: str, until: Callable[[], bool]) -> None:
        async def story() -> None:
            running = asyncio.create_task(self.workers.run())
            for key in keys:
                self.workers.enqueue(key)
            while not until():
                await asyncio.sleep(0)
            running.cancel()

        asyncio.run(asyncio.wait_for(story(), timeout=10))


def test_no_more_than_so_many_at_a_time() -> None:
    now, most = 0, 0

    async def work(key: str) -> Gone | Again:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.001)
        now -= 1
        return Gone()

    bed = Bed(work, parallel=3)
    bed.run(*"abcdefghij", until=lambda: len(bed.results) == 10)

    assert most == 3


@pytest.mark.parametrize(
    ("error", "want", "want_due_s"),
    [
        (RetryLater("busy", after_s=7), "retry", 7.0),
        (RetryLater("busy"), "retry", 0.5),
        (Refused("no", reason="ApplyForbidden"), "refused", 0.5),
        (ZeroDivisionError(), "bug", 0.5),
    ],
)
def test_a_failure_backs_off_and_the_others_go_on(error: Exception, want: str, want_due_s: float) -> None:
    async def work(key: str) -> Gone | Again:
        if key == "bad":
            raise error
        return Gone()

    bed = Bed(work)
    bed.run("bad", "good", until=lambda: len(bed.results) == 2)

    assert sorted(bed.results) == sorted([want, "gone"])
    assert bed.queue.next_due_s() == want_due_s


def test_what_is_done_comes_back_when_it_said() -> None:
    async def work(key: str) -> Gone | Again:
        return Again(600)

    bed = Bed(work)
    bed.run("a", until=lambda: bed.results == ["ok"])

    assert bed.queue.next_due_s() == 600


def test_a_key_that_becomes_due_is_taken_without_being_woken() -> None:
    async def work(key: str) -> Gone | Again:
        return Gone()

    bed = Bed(work)
    bed.queue.add("a", 0)
    bed.run(until=lambda: bed.results == ["gone"])
