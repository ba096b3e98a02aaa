"""The real Kubernetes for tests: `kubectl` against the ground of hack/cluster/ground.sh, and a namespace of one's own.

Without a cluster, every test here is skipped with the one-line reason, never silently.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from cluster.demo_bed import serving_demo
from testing.cluster_bed import Bed, Kubectl, cluster_environment

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
GROUND = ROOT / "hack/cluster/ground.sh"
CLUSTER = ROOT / "hack/cluster/cluster"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Its modules read every manifest of the chart: seconds for each worker of a stage that plays none of them."""
    is_left_out = re.search(r"not (cluster|\([^()]*\bcluster\b)", str(config.option.markexpr))
    return True if is_left_out and HERE in collection_path.parents else None


@pytest.fixture(scope="session")
def cluster_env() -> Mapping[str, str]:
    """The environment in which kubectl, helm and the operator talk to the test cluster; brings the built one up."""
    ground = subprocess.run([GROUND], capture_output=True, text=True, check=True).stdout.strip()
    if ground.startswith("none:"):
        pytest.skip(f"no cluster: {ground.removeprefix('none:').strip()}")
    if ground != "existing":
        up = subprocess.run([CLUSTER, "up"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert up.returncode == 0, f"hack/cluster/cluster up failed:\n{up.stdout[-2000:]}{up.stderr[-2000:]}"
    return cluster_environment()


@pytest.fixture(scope="session")
def kubectl(cluster_env: Mapping[str, str]) -> Kubectl:
    return Kubectl(cluster_env)


@pytest.fixture
def namespace(kubectl: Kubectl) -> Iterator[str]:
    """A fresh namespace under Pod security "restricted"; removed afterwards."""
    name = f"pk-{uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def e2e_namespace(kubectl: Kubectl) -> Iterator[str]:
    """The namespace of the session's Helm release watches: the demo pool lives here."""
    name = f"pk-e2e-{uuid4().hex[:8]}"
    yield name
    kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=false")


@pytest.fixture(scope="session")
def release(kubectl: Kubectl, cluster_env: Mapping[str, str], e2e_namespace: str) -> Iterator[str]:
    """The operator, installed by Helm for this session's namespace only; yields the release's own namespace.

    An operator that `make up` left in the cluster watches these tests' namespaces too. It is stopped meanwhile.
    """
    demo = ["-n", "poolkeeper-system", "scale", "deployment", "-l", "app.kubernetes.io/name=poolkeeper"]
    kubectl(*demo, "--replicas=0", check=False)
    name = f"{e2e_namespace}-system"
    kubectl("create", "namespace", e2e_namespace)
    kubectl("label", "namespace", e2e_namespace, "pod-security.kubernetes.io/enforce=restricted")
    # These tests take the primary down again and again: a status that is published at a pace would only make them wait.
    values = ["--set", f"watchNamespaces={{{e2e_namespace}}}", "--set", "extraArgs={--flapping-pace-seconds=0}"]
    values += ["--set", f"standby.deployments.{e2e_namespace}={{vllm,nobody}}"]
    command = [str(ROOT / "hack/demo/release.sh"), name, *values]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(cluster_env), stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
    yield name
    subprocess.run(["helm", "uninstall", "poolkeeper", "-n", name, "--wait"], env=dict(cluster_env), check=True)
    kubectl("delete", "namespace", name, "--wait=false")
    kubectl(*demo, "--replicas=1", check=False)


@pytest.fixture(scope="session")
def bed(kubectl: Kubectl, cluster_env: Mapping[str, str], release: str, e2e_namespace: str) -> Bed:
    """The demo pool, serving."""
    return serving_demo(kubectl, cluster_env, e2e_namespace)
