"""The last resort against a process that neither works nor ends: a thread that ends it hard.

It looks at two things from outside of our loop. The loop must turn: one that stands still renews no Lease, so another
process may be at work already. And once the end has begun it must come: whatever is still waited for then (somebody
else's threads, a name that does not resolve) is not worth the grace period.
"""

import os
import sys
import threading
import time
from collections.abc import Callable

STANDSTILL_S = 25.0
"""Above the Lease's own duration, below the grace period of a Pod (30 s)."""
LOOK_S = 0.5


def _end(why: str) -> None:
    print(f"ends hard: {why}", file=sys.stderr, flush=True)
    os._exit(1)


class Watchdog:
    """end: for tests."""

    def __init__(
        self, standstill_s: float = STANDSTILL_S, look_s: float = LOOK_S, end: Callable[[str], None] = _end
    ) -> None:
        self._standstill_s = standstill_s
        self._look_s = look_s
        self._end = end
        self._turned_s = time.monotonic()
        self._must_end_s = float("inf")
        self._is_over = threading.Event()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def turned(self) -> None:
        """The loop has turned."""
        self._turned_s = time.monotonic()

    def ends_within(self, seconds: float) -> None:
        """The end has begun; said twice, the earlier counts."""
        self._must_end_s = min(self._must_end_s, time.monotonic() + seconds)

    def is_over(self) -> None:
        """For who goes on living: a test."""
        self._is_over.set()

    def _watch(self) -> None:
        while not self._is_over.wait(self._look_s):
            now_s = time.monotonic()
            if now_s > self._must_end_s:
                self._end("it was to end, and did not")
            elif now_s - self._turned_s > self._standstill_s:
                self._end(f"its loop has stood still for {now_s - self._turned_s:.0f} s")
