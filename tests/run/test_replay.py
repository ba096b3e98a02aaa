"""Ten minutes of real traffic while endpoints fail in turn: no client notices, and no endpoint is overrun."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from run.replay import Ended, read_trace, replay
from testing.fakes.harness import FakeProvider
from testing.runs.pools import QUICK, Given, pool, write
from testing.runs.running import Run

pytestmark = [pytest.mark.slow, pytest.mark.paced]

TRACE = Path(__file__).parents[2] / "testing/data/azure_llm_conv_10min.csv"
WITHIN_S = 55.0
TOKENS_A_CHUNK = 20
"""Lengths are those of the trace; ten thousand events a second are more than a machine of two cores plays."""
DIALS = {"tokens": 1000, "tokens_per_chunk": TOKENS_A_CHUNK, "token_interval_ms": 2.0, "first_token_ms": 20.0}
CEILINGS = {"first": 24, "second": 16, "reserve": 500}
"""The reserve can take everything, also the burst after a busy machine held the client up; the others are tight."""

FAULTS: tuple[tuple[str, str, dict[str, object], float, float], ...] = (
    ("first", "busy503", {}, 5, 10),
    ("second", "keepalive_forever", {}, 10, 15),
    ("first", "refuse", {}, 15, 20),
    ("first", "busy503", {}, 20, 25),
    ("second", "refuse", {}, 20, 25),
    ("second", "cut", {"after_chunks": 0}, 25, 30),
    ("first", "reset", {"after_chunks": 0}, 30, 35),
    ("second", "rate_limit", {"retry_after_s": 1}, 30, 35),
    ("reserve", "refuse", {}, 40, 44),
    ("first", "hang_before_headers", {}, 45, 49),
)
"""Who fails how, from when to when. At any time at least one endpoint can serve, and has been well for longer than a
breaker stays open (2.2 s): nobody can know earlier that it is back."""

PATIENT = QUICK | {
    "retry": {"busyBackoff": ["500ms", "1s", "1s"], "budgetPercent": 100},
    "timeouts": {"connect": "2s", "firstToken": "5s", "interToken": "20s"},
}
"""A fault is a fault and not a slow machine."""


@pytest.fixture
def fakes() -> Iterator[dict[str, FakeProvider]]:
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                FakeProvider(name, params=DIALS, process=True, allow_header=False, log_bodies=False)
            )
            for name in CEILINGS
        }


def test_no_client_notices_and_no_endpoint_is_overrun(tmp_path: Path, fakes: dict[str, FakeProvider]) -> None:
    tiers = {"first": 0, "second": 0, "reserve": 1}
    given = [Given(fake, tier=tiers[name], max_connections=CEILINGS[name]) for name, fake in fakes.items()]
    file = write(tmp_path / "pool.yaml", pool(given, PATIENT))
    trace = read_trace(TRACE, WITHIN_S)

    with Run(tmp_path / "state", "-f", file) as run:
        for name, fake in fakes.items():
            fake.play({"timeline": _timeline(name)})
        ended = asyncio.run(replay(run.base_url, trace, TOKENS_A_CHUNK))
        stats = {name: fake.stats() for name, fake in fakes.items()}
        transitions = run.router_state()["transitions"]

    assert len(ended) == len(trace)
    assert [one for one in ended if one.problem] == [], f"{_counted(ended)}\n{transitions}"
    assert {name: seen.max_in_flight for name, seen in stats.items() if seen.max_in_flight > CEILINGS[name]} == {}
    assert all(seen.by_outcome for seen in stats.values()), "every endpoint has served"
    assert any(one.attempts > 1 for one in ended), "the faults were met by real requests"


def _timeline(name: str) -> list[dict[str, object]]:
    """The faults of one endpoint, with good answers before, between and after."""
    legs: list[dict[str, object]] = []
    now_s = 0.0
    for _, scenario, params, from_s, to_s in (fault for fault in FAULTS if fault[0] == name):
        if from_s > now_s:
            legs.append({"scenario": "ok", "for_ms": (from_s - now_s) * 1000})
        legs.append({"scenario": scenario, "params": params, "for_ms": (to_s - from_s) * 1000})
        now_s = to_s
    return [*legs, {"scenario": "ok"}]


def _counted(ended: list[Ended]) -> str:
    """Failures by second and by problem, for the person who debugs a failed run."""
    failed = [one for one in ended if one.problem]
    worst = Counter((int(one.at_s), one.problem[:120]) for one in failed).most_common(20)
    return f"{len(failed)} of {len(ended)}: {worst}"
