"""Two installations in one cluster: side by side as docs/operations.md says, refused where they would share what a
cluster has once, and reported where both write the same objects."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from uuid import uuid4

import pytest

from cluster.operator_bed import POOL, ROOT, Home, OperatorProcess, image, new_home
from testing.cluster_bed import Bed, Json, Kubectl, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

PAGE = ROOT / "docs/operations.md"
RELEASE = "poolkeeper"
"""Both have this name: in namespaces of their own they may."""
SECOND = ("crds.enabled=false", "rbac.aggregate=false")
"""What the first release has brought for the whole cluster."""
CLUSTER_WIDE = "clusterrole,clusterrolebinding,validatingadmissionpolicy,validatingadmissionpolicybinding,crd"
OTHER_IMAGE = "localhost/poolkeeper-router:another"
CONTESTED = "poolkeeper_children_contested"


class Cluster:
    def __init__(self, kubectl: Kubectl, env: Mapping[str, str]) -> None:
        self.kubectl, self._env = kubectl, dict(env)
        self.name = f"pk-two-{uuid4().hex[:8]}"
        self._images = {
            "image": image(env, "operator"),
            "router.image": image(env, "router"),
        }

    def system(self, which: str) -> str:
        return f"{self.name}-{which}-system"

    def team(self, which: str) -> str:
        return f"{self.name}-{which}"

    def helm(self, *args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["helm", *args], capture_output=True, text=True, env=self._env, stdin=subprocess.DEVNULL, timeout=240
        )

    def install(self, which: str, *sets: str, more: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        values = ["replicaCount=1", f"watchNamespaces={{{self.team(which)}}}", *sets]
        for name, reference in self._images.items():
            repository, tag = reference.rsplit(":", 1)
            values += [f"{name}.repository={repository}", f"{name}.tag={tag}"]
        chosen = [part for value in values for part in ("--set", value)]
        place = (RELEASE, str(ROOT / "charts/poolkeeper"), "-n", self.system(which))
        return self.helm("install", *place, "--wait", "--timeout", "3m", *chosen, *more)

    def cluster_wide(self) -> set[str]:
        found = self.kubectl("get", CLUSTER_WIDE, "-o", "name").stdout.split()
        return {name for name in found if "poolkeeper" in name}


@pytest.fixture(scope="module")
def cluster(kubectl: Kubectl, cluster_env: Mapping[str, str]) -> Iterator[Cluster]:
    demo = ["-n", "poolkeeper-system", "scale", "deployment", "-l", "app.kubernetes.io/name=poolkeeper"]
    kubectl(*demo, "--replicas=0", check=False)
    made = Cluster(kubectl, cluster_env)
    namespaces = [place(which) for which in ("first", "second") for place in (made.system, made.team)]
    for namespace in namespaces:
        kubectl("create", "namespace", namespace)
    yield made
    for which in ("first", "second"):
        made.helm("uninstall", RELEASE, "-n", made.system(which), "--ignore-not-found", "--wait")
    kubectl("delete", "namespace", *namespaces, "--wait=false")
    kubectl(*demo, "--replicas=1", check=False)


def test_side_by_side_with_namespaces_of_their_own(cluster: Cluster) -> None:
    kubectl = cluster.kubectl
    assert all(f"--set {value}" in PAGE.read_text() for value in SECOND)
    # --take-ownership: other tests apply the CRDs without Helm.
    first = cluster.install("first", more=("--take-ownership",))
    assert first.returncode == 0, first.stderr
    before = cluster.cluster_wide()

    refused = cluster.install("second")
    assert refused.returncode != 0
    assert cluster.system("first") in refused.stderr, "Helm names the release that owns the CRDs"
    cluster.helm("uninstall", RELEASE, "-n", cluster.system("second"), "--ignore-not-found", "--wait")
    second = cluster.install("second", *SECOND)
    assert second.returncode == 0, second.stderr
    for which in ("first", "second"):
        kubectl("-n", cluster.team(which), "apply", "-f", "-", stdin=json.dumps(POOL))
    for which in ("first", "second"):
        Bed(kubectl, cluster.team(which)).wait_condition("Programmed", "True")

    kubectl("-n", cluster.team("second"), "delete", "epool", "--all")
    gone = cluster.helm("uninstall", RELEASE, "-n", cluster.system("second"), "--wait")
    assert gone.returncode == 0, gone.stderr

    assert cluster.cluster_wide() == before, "all of the first, and nothing of the second"
    assert Bed(kubectl, cluster.team("first")).get("deployment", "chat-router")


@pytest.fixture
def home(kubectl: Kubectl, cluster_env: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"))
    namespace = f"pk-both-{uuid4().hex[:8]}"
    yield new_home(kubectl, cluster_env, namespace, tmp_path_factory.mktemp("operator"))
    kubectl("-n", namespace, "delete", "epool", "--all", "--wait=false", check=False)
    kubectl("delete", "namespace", namespace, "--wait=false")


def test_two_that_watch_one_namespace_slow_down_and_say_so(home: Home) -> None:
    """They want different images, and would replace each other's Pods for ever."""
    alone = {**home.env, "POOLKEEPER_LEADER_ELECT": "false"}
    one = replace(home, env=alone).operator()
    other = OperatorProcess(alone, home.namespace, OTHER_IMAGE, home.folder / "other.log")
    home.apply(POOL)
    one.start()
    other.start()
    try:

        def told() -> Json | None:
            events = home.get("events.events.k8s.io", "--field-selector=reason=ChildContested").get("items", [])
            return next(iter(events), None)

        event = wait_until("an Event", told, 120)
        assert "another operator like this" in event["note"]
        wait_until("a metric", lambda: max(one.metric(CONTESTED), other.metric(CONTESTED)) > 0 or None)
    finally:
        one.end()
        other.end()
