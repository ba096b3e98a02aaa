"""While nothing valid is declared, what was applied last is kept: the last good configuration keeps serving."""

import asyncio
from datetime import UTC, datetime

import pytest

from poolkeeper.kube.backend import KubeBackend
from poolkeeper.kube.events import Recorder
from poolkeeper.kube.json_fields import Json
from poolkeeper.kube.observe import observe
from poolkeeper.kube.store import Store
from poolkeeper.plan.snapshot import Settings
from poolkeeper.reconcile import reconcile
from poolkeeper.status.evaluate import StatusUpdate
from unit.kube.memory_api import MemoryApi
from unit.kube.things import KEY, chain, pod, pool

NOW = datetime(2026, 11, 22, tzinfo=UTC)
POOL = "/apis/poolkeeper.dev/v1alpha1/namespaces/team/endpointpools/chat"
CONFIGMAP = "/api/v1/namespaces/team/configmaps/chat-router"
SERVICE = "/api/v1/namespaces/team/services/chat-router"


class Bed:
    def __init__(self) -> None:
        self.api = MemoryApi()
        self.store = Store()
        self.start()
        self.declare(pool())

    def start(self) -> None:
        recorder = Recorder(self.api, "operator-0", lambda: NOW)
        self.backend = KubeBackend(self.api, self.store, Settings("router:1"), recorder)

    def declare(self, body: Json) -> None:
        self.store.put(observe(self.api.put(POOL, body)))

    def remove(self, *paths: str) -> None:
        for path in paths:
            self.store.drop(observe(self.api.objects[path]).ref)
            self.api.remove(path)

    def reconcile(self) -> StatusUpdate | None:
        return asyncio.run(reconcile(self.backend, KEY, NOW))


@pytest.fixture
def bed() -> Bed:
    bed = Bed()
    bed.reconcile()
    return bed


@pytest.mark.parametrize(
    "declared",
    [pool(version=9) | {"spec": {"models": []}}, pool(version=9, policy="absent")],
    ids=["an invalid spec", "a policy that does not exist"],
)
def test_children_that_go_come_back_though_nothing_valid_is_declared(bed: Bed, declared: Json) -> None:
    before = bed.api.objects[CONFIGMAP]["data"]
    bed.declare(declared)
    bed.remove(CONFIGMAP, SERVICE)

    bed.reconcile()

    assert bed.api.objects[CONFIGMAP]["data"] == before
    assert SERVICE in bed.api.objects


def test_while_paused_nothing_is_put_right(bed: Bed) -> None:
    bed.declare(pool(version=9, annotations={"poolkeeper.dev/paused": "true"}))
    bed.remove(SERVICE)

    bed.reconcile()

    assert SERVICE not in bed.api.objects


def test_without_a_service_the_pool_is_not_available(bed: Bed) -> None:
    """After a restart nothing is remembered, and nothing valid can be rendered."""
    bed.start()
    bed.declare(pool(version=9) | {"spec": {"models": []}})
    bed.remove(SERVICE)
    for body in (pod(), *chain()):
        bed.store.put(observe(body))

    update = bed.reconcile()

    assert update is not None
    found = {condition.type: condition for condition in update.status.conditions}["Available"]
    assert (found.status, found.reason) == ("False", "RouterServiceMissing")
    assert "Service chat-router does not exist" in found.message


def test_for_a_pool_that_is_being_deleted_nothing_is_done(bed: Bed) -> None:
    bed.declare(pool(version=9, deletionTimestamp="2026-11-22T00:00:00Z"))
    bed.remove(SERVICE)
    calls = len(bed.api.calls)

    assert bed.reconcile() is None
    assert len(bed.api.calls) == calls
