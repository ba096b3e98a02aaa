"""The store holds the last version of each object, from any source and in any order."""

from datetime import UTC, datetime

import pytest

from poolkeeper.api.router_state import EndpointState, RouterState
from poolkeeper.kube.json_fields import Json, mapping
from poolkeeper.kube.observe import observe
from poolkeeper.kube.store import Ref, Store
from poolkeeper.plan.snapshot import PoolKey, RouterReport
from unit.kube.things import KEY, chain, child, owner, pod, policy, pool

NOW = datetime(2026, 11, 22, 8, 0, 0, 123456, tzinfo=UTC)


def known() -> Store:
    """A pool, and the Deployment of its routers."""
    store = Store()
    for body in (pool(), *chain()):
        store.put(observe(body))
    return store


def test_the_same_object_again_means_nothing_new() -> None:
    store = Store()

    assert store.put(observe(pod(version=1)))
    assert not store.put(observe(pod(version=2)))


def test_an_older_version_of_the_same_object_is_ignored() -> None:
    store = known()
    store.put(observe(pod(version=5, ready=True)))

    assert not store.put(observe(pod(version=4, ready=False)))
    assert store.pods(KEY)[0].ready


def test_a_recreated_object_is_taken_whatever_its_version() -> None:
    store = Store()
    store.put(observe(pool(uid="first", version=9)))

    assert store.put(observe(pool(uid="second", version=3)))


def test_a_late_farewell_does_not_remove_the_successor() -> None:
    store = Store()
    store.put(observe(pool(uid="second")))

    assert not store.drop(Ref("EndpointPool", "team", "chat"), uid="first")
    assert store.pool(KEY) is not None


def test_pods_and_children_are_found_by_their_pool() -> None:
    store = known()
    store.put(observe(pod("b")))
    store.put(observe(pod("a")))
    store.put(observe(child("Service")))

    assert [found.name for found in store.pods(KEY)] == ["a", "b"]
    assert [found.ref.kind for found in store.children(KEY)] == ["Deployment", "Service"]
    assert store.children(PoolKey("other", "chat")) == ()


def test_a_pod_that_is_no_router_is_none() -> None:
    probe = pod()
    probe["metadata"] = {"name": "p", "namespace": "team", "labels": {"poolkeeper.dev/pool": "chat"}}
    store = Store()
    store.put(observe(probe))

    assert store.pods(KEY) == ()


def test_a_policy_knows_its_pools() -> None:
    store = Store()
    store.put(observe(policy("standard")))
    store.put(observe(pool("b", uid="b", policy="standard")))
    store.put(observe(pool("a", uid="a", policy="standard")))
    store.put(observe(pool("c", uid="c")))

    assert store.pools_using(PoolKey("team", "standard")) == (PoolKey("team", "a"), PoolKey("team", "b"))
    assert store.pools_using(PoolKey("other", "standard")) == ()


def test_a_report_comes_back_as_it_was() -> None:
    failing = EndpointState.model_validate(
        {"name": "größer \N{WHALE}", "failing": {"since": NOW, "attempts": 3}, "weight": 0.1 + 0.2, "retryAt": NOW}
    )
    state = RouterState(pool="team/chat", endpoints=(failing,), active_tier=0, unserved_models=("a",))
    reports = (RouterReport("a", state, NOW), RouterReport("b", None, None, "no answer in time"))
    store = Store(lambda: NOW, lambda: 0.0)

    store.put_reports(KEY, reports)

    assert store.reports(KEY) == reports


def test_reports_go_with_the_last_thing_of_a_pool() -> None:
    store = Store()
    store.put(observe(pod("a")))
    store.put_reports(KEY, (RouterReport("a", None, None),))

    store.drop(Ref("Pod", "team", "a"))

    assert store.reports(KEY) == ()


def strangers() -> dict[str, tuple[Json, ...]]:
    deployment, replicaset = chain()
    _, of_nobody = chain()
    of_nobody = {**of_nobody, "metadata": {**mapping(of_nobody, "metadata"), "ownerReferences": []}}
    itself = {
        **of_nobody,
        "metadata": {**mapping(of_nobody, "metadata"), "ownerReferences": [owner("x", "uid-of-replicaset")]},
    }
    return {
        "no ReplicaSet": (deployment,),
        "a ReplicaSet of nobody": (deployment, of_nobody),
        "a ReplicaSet that controls itself": (deployment, itself),
        "a Deployment of another": chain(deployment_owner="uid-of-another"),
        "no Deployment": (replicaset,),
    }


def test_a_pod_of_the_pools_own_deployment_is_a_router() -> None:
    store = Store()
    for body in (pool(), pod(), *chain()):
        store.put(observe(body))

    assert [found.name for found in store.pods(KEY)] == ["chat-router-1"]


@pytest.mark.parametrize("known", strangers().values(), ids=strangers().keys())
def test_a_pod_that_only_carries_our_labels_is_none(known: tuple[Json, ...]) -> None:
    store = Store()
    for body in (pool(), pod(), *known):
        store.put(observe(body))

    assert store.pods(KEY) == ()


def test_a_replicaset_that_is_known_later_makes_its_pods_routers() -> None:
    store = Store()
    deployment, replicaset = chain()
    for body in (pool(), pod(), deployment):
        store.put(observe(body))

    assert store.put(observe(replicaset))
    assert len(store.pods(KEY)) == 1
    store.drop(observe(replicaset).ref)
    assert store.pods(KEY) == ()
