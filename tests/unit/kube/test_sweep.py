"""What the watches missed is found by comparing who is there, and only what differs is read."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from poolkeeper.errors import RetryLater
from poolkeeper.kube.json_fields import Json
from poolkeeper.kube.observe import observe
from poolkeeper.kube.store import Ref, Store
from poolkeeper.kube.sweep import sweep
from unit.kube.memory_api import MemoryApi
from unit.kube.things import child

FOLDER = "/api/v1/namespaces/team/configmaps"
SELECTORS = {"ConfigMap": "poolkeeper.dev/pool"}


def swept(api: MemoryApi, store: Store) -> dict[str, bool]:
    """name -> does it exist: as the sweep reports it."""
    shown: dict[str, bool] = {}

    def missed(ref: Ref, uid: str, body: Json | None) -> None:
        shown[ref.name] = body is not None

    asyncio.run(sweep(api, store, SELECTORS, ["team"], missed))
    return shown


def test_nothing_is_reported_or_read_when_all_is_known() -> None:
    api, store = MemoryApi(), Store()
    store.put(observe(api.put(f"{FOLDER}/chat-router", child())))

    assert swept(api, store) == {}
    assert api.calls == [("GET", FOLDER)]


def test_an_object_that_vanished_unseen_is_reported() -> None:
    api, store = MemoryApi(), Store()
    store.put(observe(api.put(f"{FOLDER}/chat-router", child())))
    api.put(f"{FOLDER}/other", child(name="other"))
    store.put(observe(api.objects[f"{FOLDER}/other"]))
    api.remove(f"{FOLDER}/chat-router")

    assert swept(api, store) == {"chat-router": False}


def test_an_object_that_came_or_changed_unseen_is_reported() -> None:
    api, store = MemoryApi(), Store()
    store.put(observe(api.put(f"{FOLDER}/chat-router", child())))
    api.put(f"{FOLDER}/chat-router", child(data={"a": "2"}))
    api.put(f"{FOLDER}/other", child(name="other"))

    assert swept(api, store) == {"chat-router": True, "other": True}


def test_what_only_our_own_write_has_shown_is_looked_at_once() -> None:
    """The event that would report it, and an edit in it, may be lost."""
    api, store = MemoryApi(), Store()
    store.wrote(observe(api.put(f"{FOLDER}/chat-router", child())))

    assert swept(api, store) == {"chat-router": True}
    store.put(observe(api.objects[f"{FOLDER}/chat-router"]))
    assert swept(api, store) == {}


@pytest.mark.parametrize("version", ["", "now"])
def test_a_list_without_versions_is_asked_for_again(version: str) -> None:
    class Lying(MemoryApi):
        async def metadata_pages(
            self, kind: str, namespace: str, selector: str
        ) -> AsyncIterator[list[Mapping[str, object]]]:
            yield [{"metadata": {"name": "a", "namespace": "team", "resourceVersion": version}}]

    with pytest.raises(RetryLater, match="resourceVersion"):
        swept(Lying(), Store())
