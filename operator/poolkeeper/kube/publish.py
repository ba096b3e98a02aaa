"""Reports to people: the pool's status, written only when it means something new, and the Events of what changed; at a
pace while it goes back and forth.

To a process that has just begun no router has reported. What the one before has published counts until all have, for a
while: or each pool would be unknown for a moment, and written so.

The status goes first. Events are emitted once and may be lost when the process dies in between; the status may not.
"""

import logging
import time
from collections.abc import Callable

from poolkeeper.api.base import API_VERSION
from poolkeeper.errors import Absent, PoolkeeperError
from poolkeeper.kube.client import KubeApi
from poolkeeper.kube.events import Recorder
from poolkeeper.kube.observe import observe
from poolkeeper.kube.store import Ref, Store
from poolkeeper.plan.snapshot import PoolKey, Snapshot
from poolkeeper.status.evaluate import StatusUpdate, same_meaning
from poolkeeper.status.flapping import Flapping, with_flapping

INHERITED_S = 30.0
"""So long what was published before counts, until all routers have reported."""

LOG = logging.getLogger(__name__)


class Publisher:
    def __init__(
        self,
        api: KubeApi,
        store: Store,
        recorder: Recorder,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._store = store
        self._recorder = recorder
        self._clock_s = clock_s
        self._flapping = Flapping()
        self._again_s: dict[PoolKey, float] = {}
        self._until_s: dict[PoolKey, float] = {}
        """Until when what was published before counts."""

    def forget(self, key: PoolKey) -> None:
        self._until_s.pop(key, None)
        self._flapping.forget(key)
        self._again_s.pop(key, None)

    def again_s(self, key: PoolKey) -> float | None:
        """When the pool must be looked at again because its status goes back and forth; None: it does not."""
        return self._again_s.get(key)

    async def publish(self, snapshot: Snapshot, update: StatusUpdate) -> None:
        now_s = self._clock_s()
        early_s = self._early_s(snapshot, now_s)
        if early_s > 0:
            self._again_s[snapshot.key] = early_s
            return
        pace_s = snapshot.settings.flapping_pace_s
        damping = self._flapping.look(snapshot.key, snapshot.uid, snapshot.previous, update.status, now_s, pace_s)
        if damping.again_s is None:
            self._again_s.pop(snapshot.key, None)
        else:
            self._again_s[snapshot.key] = damping.again_s
        update = with_flapping(update, damping)
        if damping.wait_s or same_meaning(snapshot.previous, update.status):
            return
        body = {
            "apiVersion": API_VERSION,
            "kind": "EndpointPool",
            # With its uid in it, the write fails rather than hit a new pool of the same name.
            "metadata": {"name": snapshot.key.name, "namespace": snapshot.key.namespace, "uid": snapshot.uid},
            "status": update.status.model_dump(mode="json", by_alias=True, exclude_none=True),
        }
        try:
            answer = await self._api.apply(body, subresource="status")
        except Absent:  # its end was not reported to us
            self._store.drop(Ref("EndpointPool", snapshot.key.namespace, snapshot.key.name), snapshot.uid)
            raise
        self._flapping.published(snapshot.key, now_s)
        self._store.wrote(observe(answer))
        for event in update.events:
            LOG.info("%s: %s", event.reason, event.message, extra={"pool": snapshot.key, "reason": event.reason})
            try:
                await self._recorder.record(snapshot, event)
            except PoolkeeperError as error:  # an Event is a courtesy: nothing depends on it
                LOG.warning("an Event could not be written: %s", error, extra={"pool": snapshot.key})

    def _early_s(self, snapshot: Snapshot, now_s: float) -> float:
        """How long to wait for routers that have not reported to this process; 0: all have, or it must not wait."""
        until_s = self._until_s.setdefault(snapshot.key, now_s + INHERITED_S)
        previous = snapshot.previous
        known = {report.pod for report in snapshot.reports if report.seen_at}
        expected = {pod.name for pod in snapshot.live.pods if pod.ready and not pod.terminating}
        if previous is None or previous.observed_generation != snapshot.generation or expected <= known:
            self._until_s[snapshot.key] = 0.0
            return 0.0
        return max(0.0, until_s - now_s)
