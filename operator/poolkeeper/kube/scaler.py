"""Scaling the Deployments of cold standbys, each if it is still what was seen.

What the API server refuses is not tried again at once: the refusal is reported, and forgotten after a while.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence

from poolkeeper.errors import Refused, RetryLater
from poolkeeper.kube.client import KubeApi
from poolkeeper.plan.snapshot import PoolKey
from poolkeeper.status.cold_standby import ScaleOrder

LOG = logging.getLogger(__name__)

REFUSED_FOR_S = 60.0


class Scaler:
    def __init__(self, api: KubeApi, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._clock_s = clock_s
        self._refused: dict[PoolKey, dict[str, tuple[float, str]]] = {}

    def refusals(self, key: PoolKey) -> Mapping[str, str]:
        """Deployments whose scaling was refused, and why."""
        now_s = self._clock_s()
        return {name: why for name, (at_s, why) in self._refused.get(key, {}).items() if now_s - at_s < REFUSED_FOR_S}

    def forget(self, key: PoolKey) -> None:
        self._refused.pop(key, None)

    async def scale(self, key: PoolKey, orders: Sequence[ScaleOrder]) -> None:
        for order in orders:
            try:
                await self._scale(key, order)
            except Refused as refused:
                self._refused.setdefault(key, {})[order.deployment] = self._clock_s(), str(refused)
                LOG.warning("a cold standby is not scaled: %s", refused, extra={"pool": key})
            except RetryLater as error:  # it has changed meanwhile, or nobody answers: the next look decides anew
                LOG.warning("a cold standby is not scaled yet: %s", error, extra={"pool": key})

    async def _scale(self, key: PoolKey, order: ScaleOrder) -> None:
        patch = {"metadata": {"resourceVersion": order.version}, "spec": {"replicas": order.replicas}}
        await self._api.merge("Deployment", key.namespace, order.deployment, patch, part="scale")
        self._refused.get(key, {}).pop(order.deployment, None)
        LOG.info("Deployment %s: scaled to %d", order.deployment, order.replicas, extra={"pool": key})
