"""What of an object is ours is compared with what we want, with nothing but what the API server says about it."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from poolkeeper.kube.owned import owned_digest, wanted_digest
from unit.kube.recorded import recorded
from unit.kube.things import child

PODS: dict[str, Any] = {
    "metadata": {"labels": {"poolkeeper.dev/pool": "chat"}},
    "spec": {
        "containers": [
            {
                "name": "router",
                "image": "router:1",
                "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                "args": ["-g", "daemon off;"],
                "resources": {"requests": {"memory": "1024Mi", "cpu": "0.5"}, "limits": {}},
            }
        ],
        "volumes": [{"name": "run", "emptyDir": {"sizeLimit": "64Mi"}}, {"name": "tmp", "emptyDir": {}}],
    },
}
WANTED = child("Deployment", spec={"replicas": 2, "paused": False, "template": PODS})


def live() -> dict[str, Any]:
    """As the API server has it after our apply."""
    return copy.deepcopy(recorded({**WANTED, "status": {"replicas": 2}}))


def container(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["spec"]["template"]["spec"]["containers"][0]
    return found


def of_container(body: dict[str, Any]) -> dict[str, Any]:
    """Where the record is about it."""
    (entry,) = body["metadata"]["managedFields"]
    pod = entry["fieldsV1"]["f:spec"]["f:template"]["f:spec"]
    found: dict[str, Any] = pod["f:containers"]['k:{"name": "router"}']
    return found


def test_what_was_applied_is_as_wanted() -> None:
    assert owned_digest(live()) == wanted_digest(WANTED)


def _adds_a_label(body: dict[str, Any]) -> None:
    body["metadata"]["labels"]["team"] = "theirs"


def _adds_an_annotation(body: dict[str, Any]) -> None:
    body["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "1"}


def _adds_defaults(body: dict[str, Any]) -> None:
    body["spec"]["progressDeadlineSeconds"] = 600
    container(body)["terminationMessagePath"] = "/dev/termination-log"


def _adds_a_container(body: dict[str, Any]) -> None:
    body["spec"]["template"]["spec"]["containers"].insert(0, {"name": "mesh", "image": "mesh:1"})


def _adds_a_variable(body: dict[str, Any]) -> None:
    container(body)["env"].append({"name": "C", "value": "3"})


def _adds_an_owner(body: dict[str, Any]) -> None:
    body["metadata"]["ownerReferences"].append({"kind": "App", "name": "x", "uid": "u"})


def _writes_quantities_its_own_way(body: dict[str, Any]) -> None:
    container(body)["resources"]["requests"] = {"memory": "1Gi", "cpu": "500m"}


def _leaves_out_what_is_empty(body: dict[str, Any]) -> None:
    del body["spec"]["paused"]
    del container(body)["resources"]["limits"]


def _is_written_by_others(body: dict[str, Any]) -> None:
    body.update(recorded(recorded(body, "kubectl-edit", "Update"), "poolkeeper", "Update"))


def _has_a_status_of_ours(body: dict[str, Any]) -> None:
    body.update(recorded(body, "poolkeeper", "Apply", "status"))


@pytest.mark.parametrize(
    "happens",
    [
        _adds_a_label,
        _adds_an_annotation,
        _adds_defaults,
        _adds_a_container,
        _adds_a_variable,
        _adds_an_owner,
        _writes_quantities_its_own_way,
        _leaves_out_what_is_empty,
        _is_written_by_others,
        _has_a_status_of_ours,
    ],
)
def test_what_others_add_is_not_ours(happens: Callable[[dict[str, Any]], None]) -> None:
    body = live()
    happens(body)

    assert owned_digest(body) == wanted_digest(WANTED)


def _takes_a_field(body: dict[str, Any]) -> None:
    container(body)["image"] = "theirs:1"
    del of_container(body)["f:image"]


def _removes_a_field(body: dict[str, Any]) -> None:
    del container(body)["image"]
    del of_container(body)["f:image"]


def _removes_an_empty_field(body: dict[str, Any]) -> None:
    """{} says what sort of volume it is."""
    volumes = body["spec"]["template"]["spec"]["volumes"]
    volumes[1] = {"name": "tmp", "hostPath": {"path": "/"}}
    pod = body["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:template"]["f:spec"]
    del pod["f:volumes"]['k:{"name": "tmp"}']["f:emptyDir"]


def _removes_an_item(body: dict[str, Any]) -> None:
    container(body)["env"].pop()
    of_container(body)["f:env"].popitem()


def _orders_items_anew(body: dict[str, Any]) -> None:
    container(body)["env"].reverse()


def _adds_to_a_list_that_is_one_value(body: dict[str, Any]) -> None:
    container(body)["args"].append("-t")
    del of_container(body)["f:args"]


def _takes_the_owner_away(body: dict[str, Any]) -> None:
    body["metadata"]["ownerReferences"] = []
    del body["metadata"]["managedFields"][0]["fieldsV1"]["f:metadata"]["f:ownerReferences"]


def _takes_a_label_away(body: dict[str, Any]) -> None:
    body["metadata"]["labels"] = {}
    body["metadata"]["managedFields"][0]["fieldsV1"]["f:metadata"]["f:labels"] = {".": {}}


def _clears_the_record(body: dict[str, Any]) -> None:
    body["metadata"]["managedFields"] = [{}]


def _has_no_record(body: dict[str, Any]) -> None:
    del body["metadata"]["managedFields"]


def _has_two_of_ours(body: dict[str, Any]) -> None:
    body["metadata"]["managedFields"] *= 2


def _has_an_old_field_of_ours(body: dict[str, Any]) -> None:
    """Of an older version of the operator, that the newer does not set any more."""
    body["spec"]["minReadySeconds"] = 5
    body["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:minReadySeconds"] = {}


def _was_applied_by_another(body: dict[str, Any]) -> None:
    body["metadata"]["managedFields"][0]["manager"] = "argocd"


@pytest.mark.parametrize(
    "happens",
    [
        _takes_a_field,
        _removes_a_field,
        _removes_an_empty_field,
        _removes_an_item,
        _orders_items_anew,
        _adds_to_a_list_that_is_one_value,
        _takes_the_owner_away,
        _takes_a_label_away,
        _clears_the_record,
        _has_no_record,
        _has_two_of_ours,
        _has_an_old_field_of_ours,
        _was_applied_by_another,
    ],
)
def test_what_others_change_of_ours_is_seen(happens: Callable[[dict[str, Any]], None]) -> None:
    body = live()
    happens(body)

    assert owned_digest(body) != wanted_digest(WANTED)


@pytest.mark.parametrize(
    "record",
    [None, "x", [], {"f:spec": None}, {"f:spec": {"k:{": {}, "v:": {}, "i:0": {}}}, {"k:[]": {}}, {"f:": {"f:": {}}}],
)
def test_a_record_that_cannot_be_read_is_no_reason_to_leave_it(record: object) -> None:
    body = live()
    body["metadata"]["managedFields"][0]["fieldsV1"] = record

    assert owned_digest(body) != wanted_digest(WANTED)


@pytest.mark.parametrize("odd", ["", "1Zi", "nan", "1E+9999999999", "-", 3, None])
def test_a_quantity_that_is_none_is_compared_as_it_stands(odd: object) -> None:
    resources = {"requests": {"cpu": odd}, "limits": {"cpu": odd}}
    wanted = child("Deployment", spec={"resources": resources, "requests": "x"})

    assert owned_digest(recorded(wanted)) == wanted_digest(wanted)
    assert wanted_digest(child("Deployment", spec={"resources": {"limits": {"cpu": "7"}}})) != wanted_digest(wanted)
