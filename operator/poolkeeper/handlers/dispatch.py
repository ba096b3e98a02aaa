"""One turn of work: a pool is reconciled, or a policy's status brought up to date; and when it is its turn again.

Watches report every change of a child, and the poller every change in a router's report and its silence. So the resync
by time is only for what nobody reports.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from poolkeeper.api.reasons import ConditionType, Reason
from poolkeeper.clock import now
from poolkeeper.handlers.enqueue import POLICY
from poolkeeper.handlers.workers import Again, Gone
from poolkeeper.kube.backend import KubeBackend
from poolkeeper.kube.store import Ref
from poolkeeper.plan.snapshot import PoolKey
from poolkeeper.reconcile import reconcile
from poolkeeper.status.evaluate import StatusUpdate
from poolkeeper.telemetry.metrics import Metrics

RESYNC_S = 600.0
"""All is well and no watch fires: look now and then anyway."""
UNKNOWN_AFTER = timedelta(minutes=2)
"""So long may a pool fail to be reconciled, and its last known conditions still be reported."""
WAITING_RESYNC_S = 10.0
"""What a pool waits for may be nothing that we watch: a Service, a ConfigMap, a quota, a corrected API key."""


class Dispatcher:
    """is_readable: of a namespace; one that cannot be read is left alone."""

    def __init__(
        self, backend: KubeBackend, metrics: Metrics, is_readable: Callable[[str], bool] = lambda namespace: True
    ) -> None:
        self._is_readable = is_readable
        self._backend = backend
        self._metrics = metrics
        self._failing: dict[PoolKey, datetime] = {}

    async def take(self, ref: Ref) -> Gone | Again:
        if not self._is_readable(ref.namespace):
            return Again(WAITING_RESYNC_S)
        key = PoolKey(ref.namespace, ref.name)
        return await (self._policy(key) if ref.kind == POLICY else self._pool(key))

    async def _pool(self, key: PoolKey) -> Gone | Again:
        try:
            update = await reconcile(self._backend, key, now())
        except Exception:
            self._failed(key)
            raise
        self._failing.pop(key, None)
        if update is None:
            self._metrics.pool_gone(key.namespace, key.name)
            return Gone()
        for condition in update.status.conditions:
            self._metrics.pool_condition(key.namespace, key.name, condition.type, condition.status)
        self._metrics.pool_reconciled(key.namespace, key.name, now().timestamp())
        last = update.status.last_probe
        self._metrics.probed(key.namespace, key.name, last.time.timestamp() if last else None)
        endpoints = last.endpoints if last else ()
        statuses = {one.name: (str(one.verdict), one.reason) for one in endpoints}
        self._metrics.probe_statuses(key.namespace, key.name, statuses)
        expiries = {one.name: at.timestamp() for one in endpoints if (at := one.certificate_expires)}
        self._metrics.certificates(key.namespace, key.name, expiries)
        standbys = {one.name: str(one.standby.state) for one in update.status.endpoints if one.standby}
        self._metrics.standbys(key.namespace, key.name, standbys)
        in_s = RESYNC_S if _is_settled(update) else WAITING_RESYNC_S
        return Again(min(in_s, self._backend.again_s(key) or in_s, update.again_s or in_s))

    def _failed(self, key: PoolKey) -> None:
        since = self._failing.setdefault(key, now())
        self._metrics.pool_failing(key.namespace, key.name, since.timestamp())
        if now() - since >= UNKNOWN_AFTER:
            self._metrics.pool_unknown(key.namespace, key.name, ConditionType)

    async def _policy(self, key: PoolKey) -> Gone | Again:
        return Again(RESYNC_S) if await self._backend.publish_policy(key, now()) else Gone()


def _is_settled(update: StatusUpdate) -> bool:
    conditions = {condition.type: condition for condition in update.status.conditions}
    ready, degraded = conditions.get(ConditionType.Ready), conditions.get(ConditionType.Degraded)
    awaits_key = degraded is not None and degraded.reason == Reason.CredentialsRejected
    is_out = any(endpoint.outage_since for endpoint in update.status.endpoints)
    return ready is not None and ready.status == "True" and not awaits_key and not is_out
