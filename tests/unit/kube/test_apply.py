"""Children become as rendered, nothing is written that need not be, and what is not ours is left alone."""

import asyncio
from collections.abc import Sequence

import pytest

from poolkeeper.errors import Refused, RetryLater
from poolkeeper.kube.apply import Applier
from poolkeeper.kube.json_fields import Json, find, mapping
from poolkeeper.kube.observe import observe
from poolkeeper.kube.store import Ref, Store
from unit.kube.memory_api import MemoryApi
from unit.kube.things import KEY, UID, child, owner

PATH = "/api/v1/namespaces/team/configmaps/chat-router"
REF = Ref("ConfigMap", "team", "chat-router")


class Bed:
    def __init__(self) -> None:
        self.api = MemoryApi()
        self.store = Store()
        self.applier = Applier(self.api, self.store)

    def apply(self, *objects: Json, uid: str = UID) -> Sequence[tuple[str, str]]:
        """The writes that this took."""
        before = len(self.api.writes)
        asyncio.run(self.applier.apply(KEY, uid, objects))
        return self.api.writes[before:]

    def watch(self) -> None:
        """Bring the store up to date, as the watches would."""
        for ref in list(self.store.versions("ConfigMap")):
            self.store.drop(ref)
        for body in self.api.objects.values():
            self.store.put(observe(body))


@pytest.fixture
def bed() -> Bed:
    return Bed()


def test_a_missing_child_is_created(bed: Bed) -> None:
    assert bed.apply(child(data={"a": "1"})) == [("PATCH", PATH)]
    assert find(bed.api.objects[PATH], "data") == {"a": "1"}


def test_an_unchanged_child_costs_neither_a_write_nor_a_read(bed: Bed) -> None:
    bed.apply(child(data={"a": "1"}))
    calls = len(bed.api.calls)

    assert bed.apply(child(data={"a": "1"})) == []
    assert len(bed.api.calls) == calls


def test_a_changed_wish_is_written(bed: Bed) -> None:
    bed.apply(child(data={"a": "1"}))

    assert bed.apply(child(data={"a": "2"})) == [("PATCH", PATH)]


def test_an_edit_by_somebody_else_is_put_right(bed: Bed) -> None:
    bed.apply(child(data={"a": "1"}))
    bed.api.put(PATH, {**bed.api.objects[PATH], "data": {"a": "edited"}})
    bed.watch()

    assert bed.apply(child(data={"a": "1"})) == [("PATCH", PATH)]
    assert find(bed.api.objects[PATH], "data") == {"a": "1"}


def test_a_deleted_child_comes_back(bed: Bed) -> None:
    bed.apply(child())
    bed.api.remove(PATH)
    bed.watch()

    assert bed.apply(child()) == [("PATCH", PATH)]


def test_what_the_server_changes_by_itself_is_no_edit(bed: Bed) -> None:
    bed.apply(child("Deployment", spec={"replicas": 2}))
    path = "/apis/apps/v1/namespaces/team/deployments/chat-router"
    metadata = {**mapping(bed.api.objects[path], "metadata"), "generation": 3, "managedFields": [{}]}
    bed.api.put(path, {**bed.api.objects[path], "metadata": metadata, "status": {"replicas": 2}})
    bed.watch()

    assert bed.apply(child("Deployment", spec={"replicas": 2})) == []


def test_after_a_restart_the_same_is_applied_once_and_changes_nothing(bed: Bed) -> None:
    bed.apply(child(data={"a": "1"}))
    version = find(bed.api.objects[PATH], "metadata", "resourceVersion")
    bed.applier = Applier(bed.api, bed.store)

    assert bed.apply(child(data={"a": "1"})) == [("PATCH", PATH)]
    assert find(bed.api.objects[PATH], "metadata", "resourceVersion") == version
    assert bed.apply(child(data={"a": "1"})) == []


@pytest.mark.parametrize(
    ("owners", "want"),
    [([], "controlled by nobody"), ([owner("web", "uid-of-web", "Deployment")], "controlled by Deployment web")],
)
@pytest.mark.parametrize("is_labelled", [True, False], ids=["with our label", "without our label"])
def test_a_stranger_of_the_same_name_is_never_overwritten(
    bed: Bed, owners: list[Json], want: str, is_labelled: bool
) -> None:
    metadata: Json = {"name": "chat-router", "namespace": "team", "ownerReferences": owners}
    labels = {"poolkeeper.dev/pool": "chat"} if is_labelled else {}
    theirs = bed.api.put(
        PATH, {"kind": "ConfigMap", "metadata": {**metadata, "labels": labels}, "data": {"a": "theirs"}}
    )
    if is_labelled:
        bed.watch()

    with pytest.raises(Refused, match=want) as refused:
        bed.apply(child(data={"a": "ours"}))

    assert refused.value.reason == "ApplyConflict"
    assert bed.api.objects[PATH] == theirs


def test_the_child_of_a_deleted_pool_of_the_same_name_is_waited_for(bed: Bed) -> None:
    bed.apply(child())
    ours = child()
    ours["metadata"] = {**mapping(ours, "metadata"), "ownerReferences": [owner(uid="uid-of-the-new-chat")]}

    with pytest.raises(RetryLater, match="still belongs to a deleted pool"):
        bed.apply(ours, uid="uid-of-the-new-chat")


@pytest.mark.parametrize(
    ("kind", "want_path"),
    [
        ("PodDisruptionBudget", "/apis/policy/v1/namespaces/team/poddisruptionbudgets/chat-router"),
        ("HorizontalPodAutoscaler", "/apis/autoscaling/v2/namespaces/team/horizontalpodautoscalers/chat-router"),
    ],
)
def test_a_child_that_is_no_longer_wanted_goes(bed: Bed, kind: str, want_path: str) -> None:
    bed.apply(child(), child(kind))

    assert bed.apply(child()) == [("DELETE", want_path)]


def test_what_only_carries_our_label_is_not_deleted(bed: Bed) -> None:
    stranger = child(name="notes")
    stranger["metadata"] = {**mapping(stranger, "metadata"), "ownerReferences": []}
    bed.api.put("/api/v1/namespaces/team/configmaps/notes", stranger)
    bed.watch()

    assert bed.apply(child()) == [("PATCH", PATH)]


def test_a_write_names_the_object_that_was_looked_at(bed: Bed) -> None:
    """So that it fails, rather than hit another one that took the name in between."""
    bed.apply(child(data={"a": "1"}))
    uid = bed.store.get(REF)

    bed.apply(child(data={"a": "2"}))

    assert uid is not None
    assert find(bed.api.objects[PATH], "metadata", "uid") == uid.uid
