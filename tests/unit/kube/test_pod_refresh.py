"""A Pod is poked once for each document, only when it is behind, and now and then while its router waits for a key."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

import factories
from factories import NOW
from poolkeeper.api.router_state import EndpointState, RouterState
from poolkeeper.api.startup_hints import AnsweredDoc, News
from poolkeeper.kube.json_fields import mapping, text
from poolkeeper.kube.observe import observe
from poolkeeper.kube.pod_refresh import PodRefresher
from poolkeeper.kube.store import Store
from poolkeeper.plan.snapshot import RouterReport
from unit.kube.memory_api import MemoryApi
from unit.kube.things import KEY, chain, pod, pool

PODS = "/api/v1/namespaces/team/pods"
SNAPSHOT = replace(factories.snapshot(), key=KEY, reports=())
DOCUMENT = factories.document(SNAPSHOT).model_copy(update={"generation": 3})
PUBLISHED = (AnsweredDoc(endpoint="official", fingerprint="f", model="m", probed_at_ms=1),)
WAITING = replace(
    SNAPSHOT,
    reports=(
        RouterReport(
            "new", RouterState(endpoints=(EndpointState(name="a", reason="CredentialsRejected", since=NOW),)), NOW
        ),
    ),
)


def known() -> Store:
    """A pool, and the Deployment of its routers."""
    store = Store()
    for body in (pool(), *chain()):
        store.put(observe(body))
    return store


def test_only_pods_that_are_behind_are_poked() -> None:
    api, store = MemoryApi(), known()
    for name, poked in (("old", "2"), ("new", "3"), ("fresh", "")):
        store.put(observe(api.put(f"{PODS}/{name}", pod(name, poked=poked))))

    asyncio.run(PodRefresher(api, store).refresh_pods(SNAPSHOT, DOCUMENT, NOW))

    assert {path for _, path in api.writes} == {f"{PODS}/old", f"{PODS}/fresh"}
    assert text(api.objects[f"{PODS}/old"], "metadata", "annotations", "poolkeeper.dev/config-generation") == "3"
    assert {found.config_generation for found in store.pods(KEY)} == {3}


def test_a_pod_that_is_ending_or_gone_is_let_be() -> None:
    api, store = MemoryApi(), known()
    ending = pod("ending")
    ending["metadata"] = {**mapping(ending, "metadata"), "deletionTimestamp": "2026-01-01T00:00:00Z"}
    store.put(observe(ending))
    store.put(observe(pod("gone")))

    asyncio.run(PodRefresher(api, store).refresh_pods(SNAPSHOT, DOCUMENT, NOW))

    assert api.writes == [("PATCH", f"{PODS}/gone")]


@pytest.mark.parametrize(("before", "want"), [((), True), (PUBLISHED, False)], ids=["new", "reported before"])
def test_all_pods_are_poked_when_there_is_news_and_no_new_generation(
    before: tuple[AnsweredDoc, ...], want: bool
) -> None:
    api, store = MemoryApi(), known()
    store.put(observe(api.put(f"{PODS}/new", pod("new", poked="3"))))
    of = replace(SNAPSHOT, live=replace(SNAPSHOT.live, news=News(answered=before)))

    asyncio.run(PodRefresher(api, store).refresh_pods(of, DOCUMENT.model_copy(update={"answered": PUBLISHED}), NOW))

    assert (api.writes == [("PATCH", f"{PODS}/new")]) is want
    assert bool(text(api.objects[f"{PODS}/new"], "metadata", "annotations", "poolkeeper.dev/news-told")) is want


def test_a_router_that_waits_for_a_key_is_poked_again_after_a_while_and_not_before() -> None:
    api, store = MemoryApi(), known()
    store.put(observe(api.put(f"{PODS}/new", pod("new", poked="3"))))
    poker = PodRefresher(api, store)

    async def at(*seconds: float) -> None:
        for after_s in seconds:
            await poker.refresh_pods(WAITING, DOCUMENT, NOW + timedelta(seconds=after_s))

    asyncio.run(at(0, 1, 9, 10))

    assert len(api.writes) == 2
    assert text(api.objects[f"{PODS}/new"], "metadata", "annotations", "poolkeeper.dev/keys-awaited")
