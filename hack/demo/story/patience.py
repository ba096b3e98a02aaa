"""Patience with a limit."""

import time
from collections.abc import Callable


class StoryError(Exception):
    """Something did not hold; the story ends here, with exit 1."""


def wait_until(what: str, holds: Callable[[], bool], limit_s: float = 20.0) -> float:
    """How long it took, in seconds."""
    began_s = time.monotonic()
    while not holds():
        if time.monotonic() - began_s > limit_s:
            raise StoryError(f"waited {limit_s:g} s in vain: {what}")
        time.sleep(0.1)
    return time.monotonic() - began_s
