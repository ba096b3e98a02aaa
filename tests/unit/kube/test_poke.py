"""A Pod is poked once for each document, and only when it is behind."""

import asyncio

from poolkeeper.kube.observe import observe
from poolkeeper.kube.poke import poke
from poolkeeper.kube.store import Store
from poolkeeper.kube.tree import mapping, text
from unit.kube.memory_api import MemoryApi
from unit.kube.things import KEY, pod

PODS = "/api/v1/namespaces/team/pods"


def test_only_pods_that_are_behind_are_poked() -> None:
    api, store = MemoryApi(), Store()
    for name, poked in (("old", "2"), ("new", "3"), ("fresh", "")):
        store.put(observe(api.put(f"{PODS}/{name}", pod(name, poked=poked))))

    asyncio.run(poke(api, store, KEY, store.pods(KEY), 3))

    assert {path for _, path in api.writes} == {f"{PODS}/old", f"{PODS}/fresh"}
    assert text(api.objects[f"{PODS}/old"], "metadata", "annotations", "poolkeeper.dev/config-generation") == "3"
    assert {found.config_generation for found in store.pods(KEY)} == {3}


def test_a_pod_that_is_ending_or_gone_is_let_be() -> None:
    api, store = MemoryApi(), Store()
    ending = pod("ending")
    ending["metadata"] = {**mapping(ending, "metadata"), "deletionTimestamp": "2026-01-01T00:00:00Z"}
    store.put(observe(ending))
    store.put(observe(pod("gone")))

    asyncio.run(poke(api, store, KEY, store.pods(KEY), 3))

    assert api.writes == [("PATCH", f"{PODS}/gone")]
