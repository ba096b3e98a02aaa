"""One turn of work: a pool is reconciled, or a policy's status brought up to date; and when it is its turn again.

Watches tell of every change of a child, and the poller of every change of a router's word and of its silence, so that
coming back by itself is for what nobody tells.
"""

from poolkeeper.api.reasons import ConditionType, Reason
from poolkeeper.clock import now
from poolkeeper.handlers.inbox import POLICY
from poolkeeper.handlers.workers import Again, Gone
from poolkeeper.judge.verdict import Verdict
from poolkeeper.kube.store import Ref
from poolkeeper.kube.world import KubeWorld
from poolkeeper.plan.snapshot import PoolKey
from poolkeeper.reconcile import reconcile
from poolkeeper.telemetry.metrics import Metrics

RESYNC_S = 600.0
"""All is well and nothing is heard: a look now and then all the same."""
WAITING_RESYNC_S = 10.0
"""What a pool waits for may be nothing that we watch: a Service, a ConfigMap, a quota, a mended key."""


class Turns:
    def __init__(self, world: KubeWorld, metrics: Metrics) -> None:
        self._world = world
        self._metrics = metrics

    async def take(self, ref: Ref) -> Gone | Again:
        key = PoolKey(ref.namespace, ref.name)
        return await (self._policy(key) if ref.kind == POLICY else self._pool(key))

    async def _pool(self, key: PoolKey) -> Gone | Again:
        verdict = await reconcile(self._world, key, now())
        if verdict is None:
            self._metrics.pool_gone(key.namespace, key.name)
            return Gone()
        for condition in verdict.status.conditions:
            self._metrics.pool_condition(key.namespace, key.name, condition.type, condition.status)
        last = verdict.status.last_probe
        verdicts = {endpoint.name: endpoint.verdict for endpoint in last.endpoints} if last else {}
        self._metrics.probe_verdicts(key.namespace, key.name, verdicts)
        return Again(RESYNC_S if _is_settled(verdict) else WAITING_RESYNC_S)

    async def _policy(self, key: PoolKey) -> Gone | Again:
        return Again(RESYNC_S) if await self._world.publish_policy(key, now()) else Gone()


def _is_settled(verdict: Verdict) -> bool:
    conditions = {condition.type: condition for condition in verdict.status.conditions}
    ready, degraded = conditions.get(ConditionType.Ready), conditions.get(ConditionType.Degraded)
    awaits_key = degraded is not None and degraded.reason == Reason.CredentialsRejected
    return ready is not None and ready.status == "True" and not awaits_key
