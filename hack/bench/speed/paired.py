"""Is one of two slower? From pairs of rounds, one of each, played at the same time: what slows a machine for a while
slows both, and their ratio stays. Pure."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from hack.bench.figures import median

DRAWS = 4000
CONFIDENCE_PERCENT = 95
LIMIT_PERCENT = 3.0


@dataclass(frozen=True)
class Change:
    """In percent of before: the median of the pairs' ratios, and where it lies with CONFIDENCE_PERCENT confidence."""

    percent: float
    low: float
    high: float

    @property
    def is_slower(self) -> bool:
        """Past the limit, and for certain no chance: the whole interval lies above 0."""
        return self.percent > LIMIT_PERCENT and self.low > 0

    @property
    def is_certain(self) -> bool:
        """Does the interval leave out 0?"""
        return self.low > 0 or self.high < 0

    @property
    def text(self) -> str:
        return f"{self.percent:+.1f} % ({self.low:+.1f} to {self.high:+.1f})"


def change(before: Sequence[float], after: Sequence[float], seed: int = 1) -> Change:
    """before[i] and after[i] are a pair. By bootstrap: the pairs drawn again and again, with replacement."""
    if not before or len(before) != len(after):
        raise ValueError(f"seen {len(before)} and {len(after)} rounds, wanted pairs")
    ratios = [math.log(new / old) for old, new in zip(before, after, strict=True)]
    chance = random.Random(seed)
    drawn = sorted(median(chance.choices(ratios, k=len(ratios))) for _ in range(DRAWS))
    tail = round(DRAWS * (100 - CONFIDENCE_PERCENT) / 200)
    low, high = drawn[tail], drawn[-tail - 1]
    return Change(_percent(median(ratios)), _percent(low), _percent(high))


def _percent(log_ratio: float) -> float:
    return 100 * math.expm1(log_ratio)
