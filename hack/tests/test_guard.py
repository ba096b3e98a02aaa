"""What the guard of the router's speed concludes from pairs of rounds."""

import random

import pytest

from hack.bench.speed.guard import Outcome, report
from hack.bench.speed.paired import change


def rounds(factor: float, spread: float, count: int = 8, seed: int = 5) -> tuple[list[float], list[float]]:
    """Pairs on a machine whose speed changes fourfold from pair to pair, and a little within one."""
    chance = random.Random(seed)
    before = [40 * chance.uniform(1, 4) for _ in range(count)]
    return before, [value * factor * chance.uniform(1 - spread, 1 + spread) for value in before]


def test_what_slows_both_of_a_pair_does_not_count() -> None:
    seen = change(*rounds(1.05, 0.005))

    assert seen.is_slower
    assert seen.low < 5 < seen.high
    assert seen.high - seen.low < 2


def test_less_than_the_limit_is_shown_and_does_not_fail() -> None:
    seen = change(*rounds(1.02, 0.005))

    assert seen.is_certain
    assert not seen.is_slower


def test_chance_does_not_fail_however_large_it_is() -> None:
    before, after = [100.0] * 8, [70.0, 140.0, 60.0, 150.0, 106.0, 105.0, 80.0, 120.0]

    seen = change(before, after)

    assert seen.percent > 3
    assert not seen.is_certain
    assert not seen.is_slower


def test_faster_is_no_failure() -> None:
    seen = change(*rounds(0.9, 0.01))

    assert seen.is_certain
    assert not seen.is_slower
    assert "faster" in report([Outcome("tiny JSON", 50.0, 45.0, seen)])


def test_rounds_without_a_partner_are_no_pairs() -> None:
    with pytest.raises(ValueError, match="seen 2 and 1 rounds, wanted pairs"):
        change([1.0, 2.0], [1.0])
