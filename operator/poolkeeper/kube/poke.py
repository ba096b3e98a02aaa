"""Having router Pods notice a new document at once.

The kubelet syncs a ConfigMap volume once a minute or so, and whenever its Pod changes. So the Pod is changed: an
annotation says which document it should have by now. Measured: 0.6 to 1.1 s instead of 61 and 81 s.
"""

import asyncio
from collections.abc import Sequence

from poolkeeper.api import labels
from poolkeeper.kube.client import KubeApi
from poolkeeper.kube.observe import observe
from poolkeeper.kube.store import Store
from poolkeeper.plan.snapshot import LivePod, PoolKey


async def poke(api: KubeApi, store: Store, key: PoolKey, pods: Sequence[LivePod], generation: int) -> None:
    behind = [pod.name for pod in pods if pod.config_generation < generation and not pod.terminating]
    patch = {"metadata": {"annotations": {labels.CONFIG_GENERATION: str(generation)}}}
    for answer in await asyncio.gather(*(api.merge("Pod", key.namespace, name, patch) for name in behind)):
        if answer is not None:
            store.put(observe(answer))
