"""How long a healthy endpoint takes, by given dice: a log-normal first token whose 99th percentile is three times its
median, and a steadier speed.
"""

import math
import random
from dataclasses import dataclass
from statistics import NormalDist

P99_OF_MEDIAN = 3.0
SIGMA = math.log(P99_OF_MEDIAN) / NormalDist().inv_cdf(0.99)
SIGMA_OF_SPEED = 0.2


@dataclass(frozen=True)
class Jitter:
    """first_ms and per_second: medians, of the time to the first token and of tokens a second."""

    first_ms: float
    per_second: float

    def first_token_ms(self, dice: random.Random) -> float:
        return self.first_ms * dice.lognormvariate(0, SIGMA)

    def tokens_per_second(self, dice: random.Random) -> float:
        return self.per_second * dice.lognormvariate(0, SIGMA_OF_SPEED)

    def chance_above(self, limit_ms: float) -> float:
        """Of a single first token."""
        return 1 - NormalDist().cdf(math.log(limit_ms / self.first_ms) / SIGMA)
