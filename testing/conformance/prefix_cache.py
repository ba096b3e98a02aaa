"""Was a provider's prefix cache used as if there were no gateway? Pure.

A conversation's next prompt begins with the last one: where it stays, the provider has that in its cache.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

STEADY_RATIO = 0.95
"""Of the tokens that a provider, asked directly, would have in its cache."""


class Served(NamedTuple):
    """An answer: when it was asked for, by which endpoint, and the tokens of its prompt that were cached, and all."""

    at_s: float
    place: int
    cached: int
    prompt: int


def cache_faults(served: Sequence[Served], moves_at_most: int, steady: int) -> Iterator[str]:
    """steady: so many of the last turns hit what they would hit without a gateway."""
    turns = list(pairwise(served))
    moves = sum(now.place != before.place for before, now in turns)
    misses = sum(now.cached < before.prompt for before, now in turns)
    if misses > moves:
        hits, tokens = sum(one.cached for one in served), sum(one.prompt for one in served)
        yield f"{misses} misses in {moves} moves ({hits} of {tokens} tokens were cached)"
    last = turns[-steady:] if steady else []
    had, direct = sum(now.cached for _, now in last), sum(before.prompt for before, _ in last)
    if had < STEADY_RATIO * direct:
        yield f"{had} tokens hit in the last {steady} turns, {direct} without a gateway"
    if moves > moves_at_most:
        yield f"the conversation moved {moves} times, wanted {moves_at_most} at most"
