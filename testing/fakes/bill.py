"""What a scripted provider would bill: the prompt of each request that it began to answer, and all tokens that it said.

A whole answer is generated whole, however much of it arrives. A stream ends where its client leaves.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from testing.fakes.deepseek.ask import GENERATING
from testing.fakes.deepseek.log import Entry

MILLION = 1_000_000


@dataclass(frozen=True)
class Prices:
    """A million tokens. percent: of the price, by the time of day."""

    input: float
    cached: float
    output: float
    percent: int = 100


def bill(entries: Iterable[Entry], prices: Prices) -> float:
    return sum(_cost(entry, prices) for entry in entries if entry.surface in GENERATING and entry.status == 200)


def _cost(entry: Entry, prices: Prices) -> float:
    said = entry.chunks if entry.stream else entry.spoken
    fresh = entry.prompt_tokens - entry.cached_tokens
    millionfold = fresh * prices.input + entry.cached_tokens * prices.cached + said * prices.output
    return millionfold / MILLION * prices.percent / 100
