"""Asking all router Pods what they see, over and over; a pool is looked at again only when its routers' word changed.

The pace stretches with the number of Pods, so that a thousand pools cost a steady trickle and not a storm. How long a
report counts stretches with it, and with a machine that is slow: or all would be unknown between two rounds.
"""

import asyncio
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from poolkeeper.handlers.enqueue import POOL
from poolkeeper.kube.store import Ref
from poolkeeper.plan.snapshot import STALE_S, LivePod, PoolKey, RouterReport

PACE_S = 2.0
PODS_AT_FULL_PACE = 200
ROUNDS_COUNTED = 3
"""A router may miss two of them."""
LONGEST_COUNTED_S = 180.0
AT_ONCE = 32
"""Pools. Reports are large while they are read, and kept small."""


class Asks(Protocol):
    async def ask(
        self, pods: Sequence[LivePod], before: Sequence[RouterReport], now: datetime
    ) -> tuple[RouterReport, ...]: ...


class Reported(Protocol):
    """Where pools and their Pods are known, and where reports go."""

    def pools(self) -> tuple[PoolKey, ...]: ...

    def pods(self, key: PoolKey) -> tuple[LivePod, ...]: ...

    def reports(self, key: PoolKey) -> tuple[RouterReport, ...]: ...

    def put_reports(self, key: PoolKey, reports: tuple[RouterReport, ...]) -> None: ...


def pace_s(pods: int) -> float:
    return PACE_S * max(1.0, pods / PODS_AT_FULL_PACE)


def counts_s(round_s: float) -> float:
    """How long a report counts, when each router is asked once in so long."""
    return min(LONGEST_COUNTED_S, max(STALE_S, ROUNDS_COUNTED * round_s))


class Poller:
    """meaning: what of the reports a decision would notice, at a time (a report may turn stale by time alone).
    silent: gets the number of rounds in a row nobody answered, of some that were asked."""

    def __init__(
        self,
        store: Reported,
        routers: Asks,
        meaning: Callable[[Sequence[RouterReport], datetime], Hashable],
        now: Callable[[], datetime],
        changed: Callable[[Ref], None],
        silent: Callable[[int], None] = lambda rounds: None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._routers = routers
        self._meaning = meaning
        self._now = now
        self._changed = changed
        self._silent = silent
        self._clock_s = clock_s
        self._began_s: float | None = None
        self._apart_s = 0.0
        self._silent_rounds = 0
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._meant: dict[PoolKey, int] = {}

    async def run(self) -> None:
        while True:
            asked = await self.round()
            await asyncio.sleep(pace_s(asked))

    async def round(self) -> int:
        """Ask everybody once; returns how many Pods there are."""
        pods = {key: self._store.pods(key) for key in self._store.pools()}
        self._time(sum(map(len, pods.values())))
        errors = await asyncio.gather(*(self._ask(key, of_pool) for key, of_pool in pods.items()))
        self._meant = {key: meant for key, meant in self._meant.items() if key in pods}
        self._count([error for of_pool in errors for error in of_pool])
        return sum(len(of_pool) for of_pool in pods.values())

    def _time(self, pods: int) -> None:
        """How far apart rounds are: as this one is from the last, and at least at this pace."""
        since_s = self._since_s()
        self._began_s, self._apart_s = self._clock_s(), max(since_s, pace_s(pods))

    def _since_s(self) -> float:
        """Since the last round began."""
        return 0.0 if self._began_s is None else self._clock_s() - self._began_s

    def _count(self, errors: Sequence[str]) -> None:
        self._silent_rounds = self._silent_rounds + 1 if errors and all(errors) else 0
        self._silent(self._silent_rounds)

    async def _ask(self, key: PoolKey, pods: Sequence[LivePod]) -> Sequence[str]:
        """Of each Pod that was asked why it did not answer, or ""."""
        async with self._turn:
            reports = await self._routers.ask(pods, self._store.reports(key), self._now())
        counted_s = counts_s(max(self._apart_s, self._since_s()))
        reports = tuple(self._counted(report, counted_s) for report in reports)
        self._store.put_reports(key, reports)
        meant = hash(self._meaning(reports, self._now()))
        if meant != self._meant.get(key):
            self._meant[key] = meant
            self._changed(Ref(POOL, key.namespace, key.name))
        return [report.error for report in reports]

    def _counted(self, report: RouterReport, counts_s: float) -> RouterReport:
        """A new answer is of now: somebody may have set the clock meanwhile."""
        seen_at = report.seen_at if report.error else self._now()
        return replace(report, counts_s=counts_s, seen_at=seen_at)
