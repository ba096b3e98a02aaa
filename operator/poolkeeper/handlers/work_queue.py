"""When is a key worked on next? A de-duplicating queue with per-key back-off, and nothing but decisions: time comes in
as an argument, and chance as a function.

A key waits at most once and is worked on by one at a time. One that is enqueued again while a worker has it comes back
at once afterwards, because the worker may have read an older state.

A new Event does not end a back-off: a failing reconciliation often causes Events itself. But it shortens a back-off to
LONGEST_WOKEN_BACKOFF_S, so that a user who fixes the cause does not wait for a minute.
"""

import heapq
import itertools
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 60.0
LONGEST_WOKEN_BACKOFF_S = 5.0
JITTER = 0.2
"""Every delay is stretched by up to so much of itself, so that keys which failed together do not come back together."""


@dataclass
class _Work:
    started_s: float
    woken_again: bool = False


class WorkQueue(Generic[K]):
    """chance: in [0, 1)."""

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._due_s: dict[K, float] = {}
        self._order: list[tuple[float, int, K]] = []
        self._sequence = itertools.count()
        self._working: dict[K, _Work] = {}
        self._failures: dict[K, int] = {}
        self._not_before_s: dict[K, float] = {}

    def add(self, key: K, due_s: float) -> None:
        """Work on the key when due, though not within a back-off; of two wishes the earlier counts."""
        due_s = max(due_s, self._not_before_s.get(key, 0.0))
        work = self._working.get(key)
        if work is not None:
            work.woken_again = True
        elif due_s < self._due_s.get(key, float("inf")):
            self._due_s[key] = due_s
            heapq.heappush(self._order, (due_s, next(self._sequence), key))

    def take(self, now_s: float) -> K | None:
        """The key that is due longest; it must be given back by succeeded(), failed() or forget()."""
        due_s = self.next_due_s()
        if due_s is None or due_s > now_s:
            return None
        _, _, key = heapq.heappop(self._order)
        del self._due_s[key]
        self._working[key] = _Work(started_s=now_s)
        return key

    def next_due_s(self) -> float | None:
        """When the next key is due; None: nothing waits."""
        while self._order and self._due_s.get(self._order[0][2]) != self._order[0][0]:
            heapq.heappop(self._order)  # an earlier wish took its place
        return self._order[0][0] if self._order else None

    def succeeded(self, key: K, now_s: float, again_in_s: float) -> None:
        self._has_no_failure(key)
        self._give_back(key, now_s, self._jittered(again_in_s))

    def failed(self, key: K, now_s: float, after_s: float | None = None) -> float:
        """Back off; after_s: the server's own word, which counts instead. Returns the delay."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay_s = min(FIRST_BACKOFF_S * 2 ** min(failures, 32), LONGEST_BACKOFF_S) if after_s is None else after_s
        delay_s = self._jittered(delay_s)
        self._not_before_s[key] = now_s + (min(delay_s, LONGEST_WOKEN_BACKOFF_S) if after_s is None else delay_s)
        self._give_back(key, now_s, delay_s)
        return delay_s

    def forget(self, key: K, now_s: float) -> None:
        """The object is gone: no resync. If it is enqueued again meanwhile, it is reconciled again."""
        self._has_no_failure(key)
        if self._working.pop(key).woken_again:
            self.add(key, now_s)

    def depth(self, now_s: float) -> int:
        """Keys that are due and wait for a worker."""
        return sum(due_s <= now_s for due_s in self._due_s.values())

    def oldest_s(self, now_s: float) -> float:
        """How long the key that has waited or been worked on longest has done so."""
        waiting = [now_s - due_s for due_s in self._due_s.values() if due_s <= now_s]
        working = [now_s - work.started_s for work in self._working.values()]
        return max([0.0, *waiting, *working])

    def _has_no_failure(self, key: K) -> None:
        self._failures.pop(key, None)
        self._not_before_s.pop(key, None)

    def _give_back(self, key: K, now_s: float, delay_s: float) -> None:
        woken_again = self._working.pop(key).woken_again
        self.add(key, now_s if woken_again else now_s + delay_s)

    def _jittered(self, delay_s: float) -> float:
        return delay_s * (1 + JITTER * self._chance())
