"""Having router Pods notice at once what changed in their volumes: a new document, or a corrected API key.

The kubelet syncs a volume once a minute or so, and whenever its Pod changes. So the Pod is changed: an annotation says
which document it should have by now, others when it last got startup hints, and when it last looked for an API key.
Measured: 0.6 to 1.1 s instead of 61 and 81 s.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from poolkeeper.api import labels
from poolkeeper.api.router_document import RouterDoc
from poolkeeper.kube.client import KubeApi
from poolkeeper.kube.observe import observe
from poolkeeper.kube.store import Store
from poolkeeper.plan.key_refresh import poke_every_s
from poolkeeper.plan.snapshot import PoolKey, Snapshot


class PodRefresher:
    def __init__(self, api: KubeApi, store: Store) -> None:
        self._api = api
        self._store = store
        self._looked_for_keys_at: dict[PoolKey, datetime] = {}

    def forget(self, key: PoolKey) -> None:
        self._looked_for_keys_at.pop(key, None)

    async def refresh_pods(self, snapshot: Snapshot, document: RouterDoc, now: datetime) -> None:
        key = snapshot.key
        pods = [pod for pod in self._store.pods(key) if not pod.terminating]
        behind = [pod.name for pod in pods if pod.config_generation < document.generation]
        await self._annotate(key, behind, labels.CONFIG_GENERATION, str(document.generation))
        if document.answered != snapshot.live.news.answered:
            await self._annotate(key, [pod.name for pod in pods], labels.NEWS_PUBLISHED, now.isoformat())
        if self._is_time_for_keys(snapshot, now):
            self._looked_for_keys_at[key] = now
            await self._annotate(key, [pod.name for pod in pods], labels.KEYS_AWAITED, now.isoformat())

    def _is_time_for_keys(self, snapshot: Snapshot, now: datetime) -> bool:
        every_s = poke_every_s(snapshot.reports, now)
        if every_s is None:
            self.forget(snapshot.key)
            return False
        last = self._looked_for_keys_at.get(snapshot.key)
        return last is None or (now - last).total_seconds() >= every_s

    async def _annotate(self, key: PoolKey, pods: Sequence[str], annotation: str, value: str) -> None:
        patch = {"metadata": {"annotations": {annotation: value}}}
        for answer in await asyncio.gather(*(self._api.merge("Pod", key.namespace, pod, patch) for pod in pods)):
            if answer is not None:
                self._store.wrote(observe(answer))
