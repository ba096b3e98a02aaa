"""What the operator's own ServiceAccount may write: the objects of pools, and nothing that would take it further."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from cluster.test_admission import Place, rendered
from testing.cluster_bed import Json, Kubectl, wait_until

pytestmark = pytest.mark.cluster

GOLDEN = Path(__file__).resolve().parents[1] / "golden/probed.yaml"
RELEASE = "guarded"
TEMPLATES = ("rbac", "serviceaccount", "admission-operator")
IMAGE = "poolkeeper-router:1"
STRANGER: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "stranger"}, "data": {"a": "1"}}


@pytest.fixture(scope="module")
def place(kubectl: Kubectl) -> Iterator[Place]:
    name = f"pk-guard-{uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    text = rendered(kubectl, TEMPLATES, f"watchNamespaces={{{name}}}", release=RELEASE, namespace=name)
    kubectl("apply", "-f", "-", stdin=text)
    found = Place(kubectl, name)
    bad = with_pod("Deployment", hostNetwork=True)
    wait_until("the policy to be in force", lambda: "more rights" in as_operator(found, bad) or None)
    yield found
    kubectl("delete", "--ignore-not-found", "-f", "-", stdin=text)
    kubectl("delete", "namespace", name, "--wait=false")


def as_operator(place: Place, body: Json, *how: str) -> str:
    user = f"system:serviceaccount:{place.namespace}:{RELEASE}-poolkeeper"
    body = {**body, "metadata": {**body["metadata"], "namespace": place.namespace}}
    return place.put(user, body, *(how or ("apply", "--server-side", "--force-conflicts", "--dry-run=server")))


def children() -> dict[str, Json]:
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in yaml.safe_load_all(GOLDEN.read_text())}


def child(kind: str) -> Json:
    found = copy.deepcopy(next(one for one in children().values() if one["kind"] == kind))
    del found["metadata"]["namespace"]
    return found


def pod_spec(body: Json) -> Json:
    spec = body["spec"] if body["kind"] == "Deployment" else body["spec"]["jobTemplate"]["spec"]
    found: Json = spec["template"]["spec"]
    return found


def with_pod(kind: str, **fields: Any) -> Json:
    body = child(kind)
    pod_spec(body).update(fields)
    return body


def with_volume(kind: str, **source: Any) -> Json:
    body = child(kind)
    pod_spec(body)["volumes"].append({"name": "more", **source})
    return body


def with_container(kind: str, **fields: Any) -> Json:
    body = child(kind)
    pod_spec(body)["containers"][0].update(fields)
    return body


@pytest.mark.parametrize("name", children())
def test_every_object_of_a_pool_passes(place: Place, name: str) -> None:
    assert as_operator(place, children()[name]) == ""


BEYOND: list[tuple[str, Json]] = [
    ("Wanted: the images of the chart's values", with_container("Deployment", image="evil.example/shell:1")),
    ("Wanted: the images of the chart's values", with_container("CronJob", image="poolkeeper-routers:1")),
    (
        "Wanted: the images of the chart's values",
        with_pod("Deployment", initContainers=[{"name": "i", "image": "evil.example/shell:1"}]),
    ),
    (
        "Seen: a volume of another kind",
        with_volume("Deployment", hostPath={"path": "/"}),
    ),
    (
        "Seen: a volume of another kind",
        with_volume("CronJob", secret={"secretName": "db"}),
    ),
    (
        "Seen: a volume of another kind",
        with_volume("CronJob", projected={"sources": [{"serviceAccountToken": {"path": "t"}}]}),
    ),
    ("Wanted: Pod security restricted", with_pod("Deployment", hostPID=True)),
    ("Wanted: Pod security restricted", with_pod("Deployment", automountServiceAccountToken=True)),
    ("Wanted: Pod security restricted", with_pod("CronJob", serviceAccountName="admin")),
    ("Wanted: Pod security restricted", with_container("Deployment", securityContext={"privileged": True})),
    ("Seen: an object without a pool", STRANGER),
    (
        "Seen: a Service for something else",
        {**child("Service"), "spec": {"type": "ExternalName", "externalName": "evil.example"}},
    ),
    (
        "Seen: a Service for something else",
        {**child("Service"), "spec": {**child("Service")["spec"], "selector": {"app": "database"}}},
    ),
]


@pytest.mark.parametrize(("want", "body"), BEYOND, ids=[f"{n} {row[0]}" for n, row in enumerate(BEYOND)])
def test_what_would_take_the_operator_further_is_refused(place: Place, want: str, body: Json) -> None:
    assert want in as_operator(place, body)


def test_objects_of_others_are_neither_changed_nor_deleted(place: Place) -> None:
    place("", "delete", "configmap", "stranger", "--ignore-not-found")
    assert place.put("", STRANGER, "create") == ""
    user = f"system:serviceaccount:{place.namespace}:{RELEASE}-poolkeeper"
    change = json.dumps({"data": {"a": "2"}})

    assert "an object that is not Poolkeeper's" in place(user, "patch", "cm", "stranger", "--type=merge", "-p", change)
    assert "an object that is not Poolkeeper's" in place(user, "delete", "configmap", "stranger")
    assert place("", "delete", "configmap", "stranger") == ""


@pytest.mark.parametrize(
    ("change", "want"),
    [
        ({"metadata": {"annotations": {"poolkeeper.dev/config-generation": "7"}}}, ""),
        ({"spec": {"containers": [{"name": "router", "image": "evil.example/shell:1"}]}}, "Seen: a change of a Pod"),
        ({"metadata": {"labels": {"app": "other"}}}, "Seen: a change of a Pod"),
    ],
    ids=["annotation", "image", "label"],
)
def test_of_a_pod_only_annotations_change(place: Place, change: Json, want: str) -> None:
    labels = {"app.kubernetes.io/managed-by": "poolkeeper"}
    body: Json = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "router", "labels": labels},
        "spec": {"containers": [{"name": "router", "image": IMAGE}]},
    }
    place("", "delete", "pod", "router", "--ignore-not-found", "--force", "--grace-period=0")
    wait_until("the ServiceAccount of Pods", lambda: place.put("", body, "create") == "" or None)
    user = f"system:serviceaccount:{place.namespace}:{RELEASE}-poolkeeper"

    said = place(user, "patch", "pod", "router", "--type=strategic", "-p", json.dumps(change))
    place("", "delete", "pod", "router", "--force", "--grace-period=0")

    assert said == "" if not want else want in said


def test_others_are_not_bound_by_it(place: Place) -> None:
    assert place.put("", with_pod("Deployment", hostNetwork=True), "apply", "--server-side", "--dry-run=server") == ""
