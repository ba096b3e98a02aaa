"""What changed at a pool lately: of the run on this machine, else of the cluster. Routers' own changes are in /state.

The cluster is asked now and then, not at every look: a namespace may have thousands of Events.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from poolkeeper.api.pool_change import PoolChange
from poolkeeper.diagnostics.pool_locator import Target
from poolkeeper.local import change_log
from poolkeeper.plan.snapshot import PoolKey

AGAIN_AFTER = timedelta(seconds=15)


@dataclass(frozen=True)
class Changes:
    """The oldest first. notes: what could not be read, and why."""

    changes: Sequence[PoolChange] = ()
    notes: Sequence[str] = ()


@dataclass
class ChangeReader:
    now: Callable[[], datetime]
    _read: dict[str, tuple[datetime, Changes]] = field(default_factory=dict)

    def of(self, target: Target) -> Changes:
        if target.state:
            return Changes(change_log.read(target.state))
        at, known = self._read.get(target.name, (None, Changes()))
        now = self.now()
        if at is None or now - at >= AGAIN_AFTER:
            meta = target.pool.metadata
            known = asyncio.run(_of_the_cluster(PoolKey(meta.namespace, meta.name)))
            self._read[target.name] = (now, known)
        return known


async def _of_the_cluster(key: PoolKey) -> Changes:
    from poolkeeper.kube.client import open_api  # a laptop without a cluster does not pay for its client
    from poolkeeper.kube.pool_changes import pool_changes

    async with open_api() as api:
        return Changes(*await pool_changes(api, key))
