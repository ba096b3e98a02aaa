"""What the operator itself changes about router Pods reaches a few pools at a time, and stops if it does not work."""

import asyncio

import pytest

from poolkeeper.api.labels import TEMPLATE_HASH
from poolkeeper.kube.apply import Applier
from poolkeeper.kube.json_fields import Json, find, text
from poolkeeper.kube.observe import observe
from poolkeeper.kube.rollouts import LONGEST_LOOK_S, SHARE, Rollouts
from poolkeeper.kube.store import Ref, Store
from poolkeeper.plan.snapshot import PoolKey
from unit.kube.memory_api import MemoryApi
from unit.kube.things import pool

OLD, NEW = "old", "new"


class Fleet:
    """Pools by number; each runs a template, well or not."""

    def __init__(self, pools: int) -> None:
        self.keys = [PoolKey("team", f"pool-{number}") for number in range(pools)]
        self.runs = dict.fromkeys(self.keys, OLD)
        self.ill: set[PoolKey] = set()
        self.rollouts = Rollouts(
            lambda: len(self.keys), lambda key, template: self.runs[key] == template and key not in self.ill
        )

    def round(self, works: bool = True) -> list[PoolKey]:
        """Each that has not the new template asks; those that may get it."""
        begun = [key for key in self.keys if self.runs[key] == OLD and not self.rollouts.wait_s(key, OLD, NEW)]
        for key in begun:
            self.runs[key] = NEW
            if not works:
                self.ill.add(key)
        return begun


@pytest.mark.parametrize(("pools", "at_once"), [(1, 1), (2, 1), (19, 1), (40, 2), (1000, 1000 // SHARE)])
def test_a_few_begin(pools: int, at_once: int) -> None:
    fleet = Fleet(pools)

    assert len(fleet.round()) == at_once
    assert fleet.rollouts.waiting == pools - at_once


def test_all_get_there() -> None:
    fleet = Fleet(100)
    rounds = [len(fleet.round()) for _ in range(100)]

    assert set(fleet.runs.values()) == {NEW}
    assert max(rounds) == 100 // SHARE
    assert fleet.rollouts.waiting == 0


def test_where_it_does_not_work_no_other_begins() -> None:
    fleet = Fleet(100)
    first = fleet.round(works=False)

    assert [fleet.round(works=False) for _ in range(10)] == [[]] * 10
    assert fleet.rollouts.begun == tuple(sorted(first))


def test_once_it_works_the_others_begin() -> None:
    fleet = Fleet(100)
    fleet.round(works=False)
    fleet.round()
    fleet.ill.clear()

    assert len(fleet.round()) == 100 // SHARE


def test_one_that_was_not_well_before_takes_nobodys_turn() -> None:
    fleet = Fleet(40)
    fleet.ill = set(fleet.keys[:10])

    assert fleet.round() == fleet.keys[:10] + fleet.keys[10:12]


def test_who_has_begun_may_go_on() -> None:
    fleet = Fleet(2)
    (first,) = fleet.round(works=False)

    assert fleet.rollouts.wait_s(first, NEW, "newer") == 0.0


def test_one_that_is_deleted_leaves_its_turn() -> None:
    fleet = Fleet(2)
    (first,) = fleet.round(works=False)
    fleet.rollouts.forget(first)

    assert fleet.rollouts.wait_s(fleet.keys[1], OLD, NEW) == 0.0


def test_the_more_wait_the_less_often_each_asks() -> None:
    waits = [Fleet(number).rollouts for number in (3, 19, 1000)]
    found = []
    for rollouts in waits:
        for number in range(rollouts.pools()):
            last_s = rollouts.wait_s(PoolKey("team", f"pool-{number}"), OLD, NEW)
        found.append(last_s)

    assert sorted(found) == found
    assert found[-1] <= LONGEST_LOOK_S


# --- through the Applier: whose change is it?


class Bed:
    def __init__(self, pools: int) -> None:
        self.api, self.store = MemoryApi(), Store()
        self.waiting: list[int] = []
        self.applier = Applier(self.api, self.store, waiting=self.waiting.append)
        self.names = [f"pool-{number}" for number in range(pools)]
        for name in self.names:
            body = pool(name, uid=f"uid-of-{name}")
            self.api.put(f"/apis/poolkeeper.dev/v1alpha1/namespaces/team/endpointpools/{name}", body)
            self.store.put(observe(body))

    def apply(self, name: str, template: str, is_declared: bool = False) -> str:
        """The template that is there afterwards."""
        key, uid, before = PoolKey("team", name), f"uid-of-{name}", self.template(name)
        asyncio.run(self.applier.apply(key, uid, [deployment(name, uid, template)], is_declared))
        if self.template(name) != before:
            self.rolled_out(name, ready=0)
        return self.template(name)

    def template(self, name: str) -> str:
        live = self.api.objects.get(f"/apis/apps/v1/namespaces/team/deployments/{name}-router")
        return text(live, "metadata", "annotations", TEMPLATE_HASH)

    def rolled_out(self, name: str, ready: int = 1) -> None:
        """As the Deployment controller reports it."""
        path = f"/apis/apps/v1/namespaces/team/deployments/{name}-router"
        status = {"replicas": 1, "readyReplicas": ready, "updatedReplicas": 1, "observedGeneration": 1}
        self.store.put(observe(self.api.put(path, {**self.api.objects[path], "status": status})))


def deployment(name: str, uid: str, template: str) -> Json:
    owner = {"apiVersion": "poolkeeper.dev/v1alpha1", "kind": "EndpointPool", "name": name, "uid": uid}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": f"{name}-router",
            "namespace": "team",
            "labels": {"poolkeeper.dev/pool": name},
            "annotations": {TEMPLATE_HASH: template},
            "ownerReferences": [{**owner, "controller": True}],
        },
        "spec": {"replicas": 1},
    }


@pytest.fixture
def bed() -> Bed:
    bed = Bed(3)
    for name in bed.names:
        bed.apply(name, OLD, is_declared=True)
        bed.rolled_out(name)
    return bed


def test_a_new_pool_and_a_new_spec_wait_for_nobody(bed: Bed) -> None:
    assert [bed.apply(name, NEW, is_declared=True) for name in bed.names] == [NEW] * 3
    assert bed.applier.again_s(PoolKey("team", "pool-0")) is None


def test_our_own_change_reaches_one_pool_and_then_the_next(bed: Bed) -> None:
    assert [bed.apply(name, NEW) for name in bed.names] == [NEW, OLD, OLD]
    assert bed.waiting[-1] == 2
    assert bed.applier.again_s(PoolKey("team", "pool-1"))

    bed.rolled_out("pool-0")

    assert [bed.apply(name, NEW) for name in bed.names] == [NEW, NEW, OLD]


def test_routers_that_do_not_become_ready_stop_it(bed: Bed) -> None:
    bed.apply("pool-0", NEW)
    bed.rolled_out("pool-0", ready=0)

    assert [bed.apply(name, NEW) for name in bed.names] == [NEW, OLD, OLD]


def test_a_change_that_rolls_nothing_waits_for_nobody(bed: Bed) -> None:
    body = deployment("pool-1", "uid-of-pool-1", OLD)
    bed.apply("pool-0", NEW)
    asyncio.run(
        bed.applier.apply(PoolKey("team", "pool-1"), "uid-of-pool-1", [{**body, "spec": {"replicas": 5}}], False)
    )

    live = bed.api.objects["/apis/apps/v1/namespaces/team/deployments/pool-1-router"]
    assert find(live, "spec", "replicas") == 5
    assert bed.store.get(Ref("Deployment", "team", "pool-1-router"))
