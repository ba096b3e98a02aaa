"""Routers and probes that lie, one pool each, all at once, through a real operator: none of them crashes it, makes it
spin, or harms another pool; a status stays within its bounds; and all is right again soon after the truth returns."""

import json

import pytest

from chaos.conftest import Started
from chaos.lying import HONEST, LYING_S, Seen, meaning, state_pool
from testing.chaos.lies import ESCAPES, MESSAGES, STATES

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]

LARGEST_STATUS_BYTES = 20_000
MOST_WRITES = 40
"""Of one pool while it is lied about: what changes once is written once or twice. A hot loop writes thousands."""


@pytest.fixture(scope="module")
def seen(started: Started) -> Seen:
    return started.lies.result()


def test_the_operator_lives_and_meets_no_bug(seen: Seen) -> None:
    assert seen.lives == 1
    assert "this should not happen" not in seen.log
    assert "Traceback" not in seen.log


def test_it_does_not_spin(seen: Seen) -> None:
    assert seen.cpu_s < 0.9 * LYING_S


def test_its_memory_stays_below_the_chart_s_limit(seen: Seen) -> None:
    assert seen.memory_mib < 250


def test_an_honest_pool_sees_nothing_of_it(seen: Seen) -> None:
    assert meaning(seen.meanwhile[HONEST]) == meaning(seen.before[HONEST])
    assert len(seen.versions[HONEST]) == 1


@pytest.mark.parametrize(("number", "lie"), list(enumerate(STATES)), ids=list(STATES))
def test_a_router_that_lies(seen: Seen, number: int, lie: str) -> None:
    _check(seen, state_pool(number))


@pytest.mark.parametrize(("number", "message"), list(enumerate(MESSAGES)), ids=list(MESSAGES))
def test_a_probe_that_lies(seen: Seen, number: int, message: str) -> None:
    _check(seen, f"probe-{number}")


def _check(seen: Seen, pool: str) -> None:
    status = json.dumps(seen.meanwhile[pool], ensure_ascii=False)
    assert len(status) < LARGEST_STATUS_BYTES
    assert not set(ESCAPES[0] + "\x07‮") & set(status)
    assert len(seen.versions[pool]) < MOST_WRITES
    assert meaning(seen.after[pool]) == meaning(seen.before[pool])
