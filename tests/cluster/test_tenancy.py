"""Two teams in two namespaces, who guess each other's names: neither reads nor changes what is the other's."""

import copy
from collections.abc import Iterator
from uuid import uuid4

import pytest

from cluster.test_admission import POOL, Place, installed
from testing.cluster_bed import Json, Kubectl

pytestmark = pytest.mark.cluster

SECRET: Json = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "deepseek"},
    "stringData": {"api-key": "sk-canary-of-b"},
}


@pytest.fixture(scope="module")
def b(kubectl: Kubectl) -> Iterator[Place]:
    """Of team b, which has a pool and a Secret. User `edit` is b's; `edit-a` is of the other team."""
    names = [f"pk-tenant-{uuid4().hex[:8]}" for _ in "ab"]
    for name in names:
        kubectl("create", "namespace", name)
    kubectl("-n", names[0], "create", "rolebinding", "edit", "--clusterrole=edit", "--user=edit-a")
    for place in installed(kubectl, names[1]):
        assert place.put("edit", SECRET) == ""
        assert place.put("edit", POOL) == ""
        yield place
    for name in names:
        kubectl("delete", "namespace", name, "--wait=false")


@pytest.mark.parametrize("verb", ["get", "patch", "delete", "list", "control"])
@pytest.mark.parametrize("what", ["epool/chat", "secret/deepseek", "configmap/chat-router", "pods", "pods/proxy"])
def test_the_other_team_may_do_nothing_here(b: Place, verb: str, what: str) -> None:
    target = ("pods", "--subresource=proxy") if what == "pods/proxy" else (what,)
    said = b.kubectl("-n", b.namespace, "auth", "can-i", verb, *target, "--as=edit-a", check=False).stdout

    assert said.strip() == "no"


@pytest.mark.parametrize(
    "where",
    [("endpoints", 0, "credentialsRef"), ("failoverPolicyRef",), ("probe", "samplesRef")],
    ids=lambda where: str(where[-1]),
)
def test_a_reference_cannot_name_another_namespace(b: Place, where: tuple[str | int, ...]) -> None:
    """Not even as somebody who may read everything: there is no such field."""
    body = copy.deepcopy(POOL)
    here = body["spec"]
    for step in where[:-1]:
        here = here.setdefault(step, {}) if isinstance(here, dict) else here[step]
    here[where[-1]] = {"name": "x", "key": "k", "namespace": "kube-system"}

    said = b.put("", body, "create", "--dry-run=server", "--validate=strict")

    assert "unknown field" in said
    assert "namespace" in said
