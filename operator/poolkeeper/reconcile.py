"""One pool, decided from the start every time anything about it may have changed.

Level-triggered: what happened does not matter, only what is. Each step is a pure decision or one call of the backend.
A process that is killed between two of them loses nothing, because the next reconcile sees the same declared state.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from poolkeeper.api.reasons import Reason
from poolkeeper.api.router_document import RouterDoc
from poolkeeper.errors import Refused
from poolkeeper.plan.resolve import Plan, resolve
from poolkeeper.plan.snapshot import Manifest, PoolKey, Snapshot
from poolkeeper.render.desired import desired
from poolkeeper.status.cold_standby import ScaleOrder
from poolkeeper.status.evaluate import StatusUpdate, evaluate


class Backend(Protocol):
    """All a reconcile may do to the outside. kube/ and local/ implement exactly this.

    Every method raises RetryLater when the outside is not ready and Refused when it says no.
    """

    async def gather(self, key: PoolKey) -> Snapshot | None:
        """Read the pool and everything it refers to; None when the pool is gone."""

    async def apply(self, snapshot: Snapshot, objects: Sequence[Manifest]) -> None:
        """Make the children be as given; writes nothing for a child that already is."""

    async def restore(self, snapshot: Snapshot) -> None:
        """Make the children be as they were applied last: the last good configuration keeps serving."""

    async def refresh_pods(self, snapshot: Snapshot, document: RouterDoc, now: datetime) -> None:
        """Have the routers notice this document at once, and any key that they wait for."""

    async def publish(self, snapshot: Snapshot, update: StatusUpdate) -> None:
        """Write the status if its meaning changed, and record its Events."""

    async def scale(self, snapshot: Snapshot, orders: Sequence[ScaleOrder]) -> None:
        """Wake cold standbys, or put them back to sleep. What is refused, the next snapshot says."""


async def reconcile(backend: Backend, key: PoolKey, now: datetime) -> StatusUpdate | None:
    """Make one pool's children and status what its spec declares; None when the pool is gone."""
    snapshot = await backend.gather(key)
    if snapshot is None:
        return None  # ownerReferences remove the children
    plan = resolve(snapshot, now)
    refused = await _carry_out(backend, snapshot, plan, now)
    update = evaluate(snapshot, plan, refused, now)
    await backend.publish(snapshot, update)
    if update.scale:
        await backend.scale(snapshot, update.scale)
    return update


async def _carry_out(backend: Backend, snapshot: Snapshot, plan: Plan, now: datetime) -> Refused | None:
    try:
        if plan.document is None:
            if plan.hold is None or plan.hold.reason != Reason.ReconcilePaused:
                await backend.restore(snapshot)
            return None
        await backend.apply(snapshot, desired(snapshot, plan.document, plan.probe))
        await backend.refresh_pods(snapshot, plan.document, now)
    except Refused as refused:
        return refused
    return None
