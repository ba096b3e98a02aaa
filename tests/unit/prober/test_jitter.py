"""The real prober, hundreds of times, over loopback: a healthy endpoint whose first tokens jitter, and one gone slow.

Ten pools probe it side by side, each with its own memory, a quarter of an hour from run to run by the clock they are
given.
"""

import asyncio
import itertools
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jitter import Jitter
from poolkeeper.api.status import LastProbe
from poolkeeper.prober.files import Files
from poolkeeper.prober.run import run
from poolkeeper.probing.history import fold_all
from testing.fakes.harness import FakeProvider
from unit.prober.pods import Pod, endpoint

POOLS, RUNS_EACH = 10, 50
LIMIT_MS = 200
JITTER = Jitter(first_ms=60, per_second=150)
TOKENS = 10


def healthy(seed: int) -> dict[str, object]:
    """One leg a request, each with a first token of its own."""
    dice = random.Random(seed)
    return {
        "script": [
            {
                "scenario": "ok",
                "requests": 1,
                "params": {
                    "first_token_ms": JITTER.first_token_ms(dice),
                    "token_interval_ms": 1000 / JITTER.tokens_per_second(dice),
                    "tokens": TOKENS,
                },
            }
            for _ in range(POOLS * RUNS_EACH)
        ],
        "repeat": True,
    }


def every_quarter_of_an_hour() -> Callable[[], datetime]:
    """A clock that is moved on by looking: a run looks at it more than once."""
    at = (datetime(2026, 11, 22, tzinfo=UTC) + timedelta(minutes=5 * number) for number in itertools.count())
    return lambda: next(at)


async def probed(files: Files, runs: int, before: LastProbe | None, now: Callable[[], datetime]) -> list[LastProbe]:
    """What the operator remembers after each run."""
    remembered: list[LastProbe] = []
    nonces = itertools.count()
    for number in range(runs):
        before = fold_all(before, [await run(files, now, lambda: f"nonce-{next(nonces)}", number)])
        assert before is not None
        remembered.append(before)
    return remembered


def pool(root: Path, fake: FakeProvider) -> Files:
    return Pod(root, [endpoint(fake)], first_token_ms=LIMIT_MS, min_tokens_per_second=5).write()


@pytest.mark.paced
def test_500_runs_against_a_healthy_endpoint_find_nothing(tmp_path: Path) -> None:
    async def story(pools: list[Files]) -> list[list[LastProbe]]:
        return await asyncio.gather(*(probed(one, RUNS_EACH, None, every_quarter_of_an_hour()) for one in pools))

    with FakeProvider("official", process=True) as fake:
        fake.play(healthy(seed=1))
        histories = asyncio.run(story([pool(tmp_path / str(number), fake) for number in range(POOLS)]))
        asked = len(fake.requests())

    statuses = [last.endpoints[0].verdict for history in histories for last in history]
    assert statuses == ["Healthy"] * POOLS * RUNS_EACH
    assert asked > POOLS * RUNS_EACH, "no answer was slow and asked for again: this proves nothing"


@pytest.mark.paced
def test_the_same_endpoint_fifteen_times_slower_is_found_within_two_runs(tmp_path: Path) -> None:
    now = every_quarter_of_an_hour()
    with FakeProvider("official", process=True) as fake:
        files = pool(tmp_path, fake)
        fake.play(healthy(seed=2))
        before = asyncio.run(probed(files, 5, None, now))[-1]
        fake.set("slow15x", first_token_ms=JITTER.first_ms, tokens=2)
        after = asyncio.run(probed(files, 2, before, now))[-1]

    assert (before.endpoints[0].verdict, after.endpoints[0].verdict) == ("Healthy", "Grey")
    assert after.endpoints[0].reason == "SlowFirstToken"
