"""Waits until something holds. Pauses grow: what comes at once is seen at once, what takes long is polled seldom."""

import time
from collections.abc import Callable

PAUSE_S, LONGEST_PAUSE_S = 0.005, 0.05


def until(holds: Callable[[], bool], what: str, patience_s: float) -> None:
    """patience_s: a hang guard, never an expectation."""
    deadline_s = time.monotonic() + patience_s
    pause_s = PAUSE_S
    while not holds():
        assert time.monotonic() < deadline_s, f"not within {patience_s:g} s: {what}"
        time.sleep(pause_s)
        pause_s = min(1.5 * pause_s, LONGEST_PAUSE_S)
