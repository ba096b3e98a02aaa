"""Events on pools (events.k8s.io/v1), as `kubectl describe` shows them.

The same thing repeated soon is counted on the existing Event, as the API has it, so that a breaker that flaps makes one
line with a number and not a thousand lines.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from poolkeeper.api.base import API_VERSION
from poolkeeper.kube.client import RESOURCES, KubeApi
from poolkeeper.kube.json_fields import Json
from poolkeeper.plan.snapshot import Snapshot
from poolkeeper.status.events import PoolEvent

CONTROLLER = "poolkeeper.dev/operator"
SAME_WITHIN = timedelta(minutes=6)
"""After that it is news again."""
NOTE_LIMIT_BYTES = 1024
"""The API's own limit."""


@dataclass
class _Sent:
    name: str
    count: int
    at: datetime


class Recorder:
    """instance: the process that reports."""

    def __init__(self, api: KubeApi, instance: str, now: Callable[[], datetime]) -> None:
        self._api = api
        self._instance = instance
        self._now = now
        self._sent: dict[tuple[str, PoolEvent], _Sent] = {}

    async def record(self, snapshot: Snapshot, event: PoolEvent) -> None:
        at = self._now()
        self._sent = {key: sent for key, sent in self._sent.items() if at - sent.at <= SAME_WITHIN}
        sent = self._sent.get((snapshot.uid, event))
        if sent and await self._count(snapshot.key.namespace, sent, at):
            return
        name = f"{snapshot.key.name}.{uuid4().hex[:16]}"
        await self._api.create(_body(name, snapshot, event, self._instance, at))
        self._sent[snapshot.uid, event] = _Sent(name, 1, at)

    async def _count(self, namespace: str, sent: _Sent, at: datetime) -> bool:
        """False when the Event has expired meanwhile."""
        sent.count, sent.at = sent.count + 1, at
        series = {"series": {"count": sent.count, "lastObservedTime": _micro_time(at)}}
        return await self._api.merge("Event", namespace, sent.name, series) is not None


def _body(name: str, snapshot: Snapshot, event: PoolEvent, instance: str, at: datetime) -> Json:
    return {
        "apiVersion": RESOURCES["Event"].api_version,
        "kind": "Event",
        "metadata": {"name": name, "namespace": snapshot.key.namespace},
        "eventTime": _micro_time(at),
        "type": event.type,
        "reason": event.reason,
        "note": event.message.encode()[:NOTE_LIMIT_BYTES].decode(errors="ignore"),
        "action": event.action,
        "reportingController": CONTROLLER,
        "reportingInstance": instance,
        "regarding": {
            "apiVersion": API_VERSION,
            "kind": "EndpointPool",
            "name": snapshot.key.name,
            "namespace": snapshot.key.namespace,
            "uid": snapshot.uid,
        },
    }


def _micro_time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000000Z")
