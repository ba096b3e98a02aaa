"""Children become as rendered, nothing is written that need not be, and what is not ours is left alone."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest

from poolkeeper.errors import Absent, Refused, RetryLater
from poolkeeper.kube.apply import Applier
from poolkeeper.kube.contest import CALM_S, MANY, PACE_S, WINDOW_S
from poolkeeper.kube.json_fields import Json, find, mapping
from poolkeeper.kube.observe import observe
from poolkeeper.kube.store import Ref, Store
from unit.kube.memory_api import MemoryApi
from unit.kube.recorded import recorded
from unit.kube.things import KEY, UID, child, owner, pool

POOL = "/apis/poolkeeper.dev/v1alpha1/namespaces/team/endpointpools/chat"
PATH = "/api/v1/namespaces/team/configmaps/chat-router"
REF = Ref("ConfigMap", "team", "chat-router")


class Bed:
    def __init__(self) -> None:
        self.api = MemoryApi()
        self.api.put(POOL, pool())
        self.store = Store()
        self.now_s = 0.0
        self.contested: list[int] = []
        self.applier = Applier(self.api, self.store, self.contested.append, clock_s=lambda: self.now_s)

    def apply(self, *objects: Json, uid: str = UID) -> Sequence[tuple[str, str]]:
        """The writes that this took."""
        before = len(self.api.writes)
        asyncio.run(self.applier.apply(KEY, uid, objects))
        return self.api.writes[before:]

    def watch(self) -> None:
        """Bring the store up to date, as the watches would."""
        for kind in ("ConfigMap", "Deployment", "PodDisruptionBudget"):
            for ref in self.store.versions(kind):
                self.store.drop(ref)
        for path, body in self.api.objects.items():
            if path != POOL:
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


def test_without_a_record_of_ours_the_same_is_applied_once_after_a_restart_and_changes_nothing(bed: Bed) -> None:
    bed.apply(child(data={"a": "1"}))
    version = find(bed.api.objects[PATH], "metadata", "resourceVersion")
    bed.applier = Applier(bed.api, bed.store)

    assert bed.apply(child(data={"a": "1"})) == [("PATCH", PATH)]
    assert find(bed.api.objects[PATH], "metadata", "resourceVersion") == version
    assert bed.apply(child(data={"a": "1"})) == []


def restarted(bed: Bed, body: Json) -> None:
    """Another process knows of the child what a list shows."""
    bed.api.put(PATH, body)
    bed.store = Store()
    bed.store.put(observe(bed.api.objects[PATH]))
    bed.applier = Applier(bed.api, bed.store, bed.contested.append, clock_s=lambda: bed.now_s)


def test_after_a_restart_nothing_is_written_where_nothing_differs(bed: Bed) -> None:
    bed.apply(child(data={"a": "1"}))
    restarted(bed, recorded(bed.api.objects[PATH]))
    calls = len(bed.api.calls)

    assert bed.apply(child(data={"a": "1"})) == []
    assert len(bed.api.calls) == calls
    assert bed.apply(child(data={"a": "2"})) == [("PATCH", PATH)]


def test_after_a_restart_what_others_did_meanwhile_is_undone(bed: Bed) -> None:
    bed.apply(child(data={"a": "1", "b": "2"}))
    ours = recorded(bed.api.objects[PATH])
    lost = recorded({**bed.api.objects[PATH], "data": {"b": "2"}})
    restarted(bed, {**lost, "data": {"a": "theirs", "b": "2"}})

    assert bed.apply(child(data={"a": "1", "b": "2"})) == [("PATCH", PATH)]
    assert find(bed.api.objects[PATH], "data", "a") == "1"

    restarted(bed, ours)
    assert bed.apply(child(data={"a": "1", "b": "2"})) == []


def test_a_child_that_was_right_after_a_restart_can_be_contested_like_any_other(bed: Bed) -> None:
    bed.apply(child(data={"a": "ours"}))
    restarted(bed, recorded(bed.api.objects[PATH]))
    bed.apply(child(data={"a": "ours"}))
    for _ in range(MANY + 1):
        edit(bed, "other-operator")
        with suppress(Refused):
            bed.apply(child(data={"a": "ours"}))

    assert bed.contested[-1] == 1


def test_what_others_add_costs_no_write(bed: Bed) -> None:
    """Controllers annotate what they watch: a Deployment gets its revision."""
    bed.apply(child(data={"a": "1"}))
    ours = recorded(bed.api.objects[PATH])
    metadata = {**mapping(ours, "metadata"), "annotations": {"deployment.kubernetes.io/revision": "1"}}
    bed.api.put(PATH, {**ours, "metadata": metadata})
    bed.watch()

    assert bed.apply(child(data={"a": "1"})) == []


def test_the_pool_is_asked_for_once_for_all_children_that_are_made(bed: Bed) -> None:
    bed.apply(child(), child("Deployment"), child("PodDisruptionBudget"))

    assert bed.api.calls.count(("GET", POOL)) == 1


def test_after_a_restart_what_a_list_shows_is_what_an_answer_shows(bed: Bed) -> None:
    """An object of a list has no apiVersion. A write that changes nothing has no event that would set that right."""
    bed.apply(child(data={"a": "1"}))
    bed.store = Store()
    bed.applier = Applier(bed.api, bed.store)
    listed = {name: value for name, value in bed.api.objects[PATH].items() if name != "apiVersion"}
    bed.store.put(observe(listed))

    assert bed.apply(child(data={"a": "1"})) == [("PATCH", PATH)]
    assert [bed.apply(child(data={"a": "1"})) for _ in range(3)] == [[], [], []]
    bed.store.put(observe(listed))
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

    bed.api.put(POOL, pool(uid="uid-of-the-new-chat"))
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


@pytest.mark.parametrize("is_listed", [True, False], ids=["in the store", "not listed yet"])
def test_what_carries_our_labels_and_has_no_controller_is_adopted(bed: Bed, is_listed: bool) -> None:
    """After `kubectl delete --cascade=orphan`, or a restore from a backup."""
    labels = {"poolkeeper.dev/pool": "chat", "app.kubernetes.io/managed-by": "poolkeeper"}
    orphan: Json = {"name": "chat-router", "namespace": "team", "labels": labels}
    bed.api.put(PATH, {"kind": "ConfigMap", "metadata": orphan, "data": {"a": "old"}})
    if is_listed:
        bed.watch()

    bed.apply(child(data={"a": "new"}))

    assert find(bed.api.objects[PATH], "metadata", "ownerReferences") == [owner()]
    assert find(bed.api.objects[PATH], "data") == {"a": "new"}


@pytest.mark.parametrize("labelled", [{"poolkeeper.dev/pool": "other"}, {"app.kubernetes.io/managed-by": "poolkeeper"}])
def test_what_carries_labels_of_another_pool_is_not(bed: Bed, labelled: Json) -> None:
    labels = {"poolkeeper.dev/pool": "chat", "app.kubernetes.io/managed-by": "poolkeeper"} | labelled
    if "poolkeeper.dev/pool" not in labelled:
        del labels["poolkeeper.dev/pool"]
    bed.api.put(PATH, {"kind": "ConfigMap", "metadata": {"name": "chat-router", "namespace": "team", "labels": labels}})

    with pytest.raises(Refused, match="controlled by nobody"):
        bed.apply(child())


def test_a_child_that_is_refused_does_not_stop_the_others(bed: Bed) -> None:
    pdb = "/apis/policy/v1/namespaces/team/poddisruptionbudgets/chat-router"
    bed.api.refuse("PATCH", PATH, 403, {"message": "exceeded quota"})
    bed.api.refuse("PATCH", pdb, 422, {"message": "invalid"})

    with pytest.raises(
        Refused, match=r"ConfigMap team/chat-router: 403.*; .*PodDisruptionBudget team/chat-router: 422"
    ):
        bed.apply(child(), child("PodDisruptionBudget"), child("Deployment"))

    assert "/apis/apps/v1/namespaces/team/deployments/chat-router" in bed.api.objects


def test_a_field_that_excludes_ours_is_taken_out(bed: Bed) -> None:
    """kubectl edit: minAvailable for maxUnavailable. Both together are invalid, so an apply alone is refused."""
    path = "/apis/policy/v1/namespaces/team/poddisruptionbudgets/chat-router"
    wanted = child("PodDisruptionBudget", spec={"maxUnavailable": 1})
    bed.apply(wanted)
    edited = bed.api.put(path, {**bed.api.objects[path], "spec": {"minAvailable": 2}})
    bed.watch()
    bed.api.refuse_while("PATCH", path, lambda: find(bed.api.objects[path], "spec", "minAvailable") is not None)

    bed.apply(wanted)

    assert find(bed.api.objects[path], "spec") == {"maxUnavailable": 1}
    assert find(bed.api.objects[path], "metadata", "uid") == find(edited, "metadata", "uid")


def test_a_port_that_was_given_another_number_is_taken_out(bed: Bed) -> None:
    """kubectl edit: 81 for 80. An apply adds ours to it, and two ports of one name are invalid."""
    path = "/api/v1/namespaces/team/services/chat-router"
    wanted = child("Service", spec={"ports": [{"name": "http", "port": 80}]})
    bed.apply(wanted)
    bed.api.put(path, {**bed.api.objects[path], "spec": {"type": "NodePort", "ports": [{"name": "http", "port": 81}]}})
    bed.store.put(observe(bed.api.objects[path]))
    bed.api.refuse_while("PATCH", path, lambda: "81" in str(bed.api.objects[path]["spec"]))

    bed.apply(wanted)

    assert find(bed.api.objects[path], "spec", "ports") == [{"name": "http", "port": 80}]


@pytest.mark.parametrize(
    "there",
    [None, pool(uid="another"), pool(deletionTimestamp="2026-11-22T00:00:00Z")],
    ids=["gone", "another of its name", "being deleted"],
)
def test_no_child_is_made_for_a_pool_that_is_gone(bed: Bed, there: Json | None) -> None:
    """Its end was not reported, and the garbage collector removes what is made."""
    bed.api.remove(POOL)
    if there:
        bed.api.put(POOL, there)
    bed.store.put(observe(pool()))

    with pytest.raises(Absent):
        bed.apply(child())

    assert bed.api.writes == []
    assert (bed.store.pool(KEY) is None) == (there is None or find(there, "metadata", "uid") != UID)


def edit(bed: Bed, by: str) -> None:
    entry = {"manager": by, "time": "2026-11-22T00:00:00Z", "operation": "Update"}
    metadata = {**mapping(bed.api.objects[PATH], "metadata"), "managedFields": [entry]}
    bed.api.put(PATH, {**bed.api.objects[PATH], "metadata": metadata, "data": {"a": "theirs"}})
    bed.watch()


def test_a_child_that_is_changed_back_again_and_again_is_written_seldom_and_who_does_it_is_named(bed: Bed) -> None:
    ours = child(data={"a": "ours"})
    bed.apply(ours)
    refused = 0
    for _ in range(300):
        edit(bed, "other-operator")
        bed.now_s += 0.2
        try:
            bed.apply(ours)
        except Refused as error:
            refused += 1
            assert error.reason == "ChildContested"
            assert "other-operator" in str(error)

    assert 300 - refused <= MANY + 60 / PACE_S
    assert bed.contested[-1] == 1


def test_a_contest_ends_when_nobody_changes_it_any_more(bed: Bed) -> None:
    ours = child(data={"a": "ours"})
    bed.apply(ours)
    for _ in range(MANY + 1):
        edit(bed, "other-operator")
        with suppress(Refused):
            bed.apply(ours)
    bed.now_s += PACE_S
    bed.apply(ours)
    bed.now_s += CALM_S + 1
    bed.apply(ours)
    edit(bed, "kubectl-edit")

    assert bed.apply(ours) == [("PATCH", PATH)]
    assert bed.contested[-1] == 0


def test_an_edit_now_and_then_is_no_contest(bed: Bed) -> None:
    ours = child(data={"a": "ours"})
    bed.apply(ours)
    for _ in range(50):
        edit(bed, "kubectl-edit")
        bed.now_s += WINDOW_S / (MANY - 1)
        assert bed.apply(ours) == [("PATCH", PATH)]


def test_what_was_applied_last_is_restored_without_being_given_again(bed: Bed) -> None:
    bed.apply(child(data={"a": "1"}))
    bed.api.remove(PATH)
    bed.watch()

    asyncio.run(bed.applier.restore(KEY, UID))
    assert find(bed.api.objects[PATH], "data") == {"a": "1"}

    calls = len(bed.api.calls)
    asyncio.run(bed.applier.restore(KEY, "another"))
    asyncio.run(Applier(bed.api, bed.store).restore(KEY, UID))
    assert len(bed.api.calls) == calls
