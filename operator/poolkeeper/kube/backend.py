"""reconcile.Backend in a cluster: what a reconcile may do to the outside, done to a Kubernetes API."""

from collections.abc import Callable, Sequence
from datetime import datetime

from poolkeeper.api.probe_document import Amount
from poolkeeper.api.router_document import RouterDoc
from poolkeeper.kube.apply import Applier
from poolkeeper.kube.client import KubeApi
from poolkeeper.kube.events import Recorder
from poolkeeper.kube.gather import gather
from poolkeeper.kube.pod_refresh import PodRefresher
from poolkeeper.kube.policy_status import publish_policy
from poolkeeper.kube.publish import Publisher
from poolkeeper.kube.scaler import Scaler
from poolkeeper.kube.store import Store
from poolkeeper.plan.snapshot import Manifest, PoolKey, Settings, Snapshot
from poolkeeper.probing.history import cost_since
from poolkeeper.status.cold_standby import ScaleOrder
from poolkeeper.status.evaluate import StatusUpdate


class KubeBackend:
    def __init__(
        self,
        api: KubeApi,
        store: Store,
        settings: Settings,
        recorder: Recorder,
        probed: Callable[[PoolKey, Sequence[Amount]], None] = lambda key, cost: None,
        contested: Callable[[int], None] = lambda count: None,
        waiting: Callable[[int], None] = lambda pools: None,
    ) -> None:
        """probed: called once with the cost of newly counted probe runs. contested, waiting: see Applier."""
        self._probed = probed
        self._api = api
        self._store = store
        self._settings = settings
        self._applier = Applier(api, store, contested, waiting)
        self._refresher = PodRefresher(api, store)
        self._publisher = Publisher(api, store, recorder)
        self._scaler = Scaler(api)

    async def gather(self, key: PoolKey) -> Snapshot | None:
        snapshot = await gather(self._api, self._store, self._settings, key, self._scaler.refusals(key))
        if snapshot is None:
            self._scaler.forget(key)
            self._applier.forget(key)
            self._refresher.forget(key)
            self._publisher.forget(key)
        return snapshot

    async def apply(self, snapshot: Snapshot, objects: Sequence[Manifest]) -> None:
        previous = snapshot.previous
        is_declared = previous is None or previous.observed_generation != snapshot.generation
        await self._applier.apply(snapshot.key, snapshot.uid, objects, is_declared)

    async def restore(self, snapshot: Snapshot) -> None:
        await self._applier.restore(snapshot.key, snapshot.uid)

    async def refresh_pods(self, snapshot: Snapshot, document: RouterDoc, now: datetime) -> None:
        await self._refresher.refresh_pods(snapshot, document, now)

    async def publish(self, snapshot: Snapshot, update: StatusUpdate) -> None:
        await self._publisher.publish(snapshot, update)
        before, last = snapshot.previous.last_probe if snapshot.previous else None, update.status.last_probe
        if last and last != before:
            self._probed(snapshot.key, cost_since(before, last))

    async def scale(self, snapshot: Snapshot, orders: Sequence[ScaleOrder]) -> None:
        await self._scaler.scale(snapshot.key, orders)

    def again_s(self, key: PoolKey) -> float | None:
        """See Applier and Publisher; the sooner of the two."""
        wishes = (self._applier.again_s(key), self._publisher.again_s(key))
        return min((wish for wish in wishes if wish is not None), default=None)

    async def publish_policy(self, key: PoolKey, now: datetime) -> bool:
        """A policy's own status; False when there is no such policy."""
        return await publish_policy(self._api, self._store, key, now)
