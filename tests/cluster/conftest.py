"""The real Kubernetes for tests: `kubectl` against the ground of hack/cluster/ground.sh, and a namespace of one's own.

Where no cluster can be had, every test here is skipped with the one-line reason, never silently.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

ROOT = Path(__file__).resolve().parents[2]
GROUND = ROOT / "hack/cluster/ground.sh"
CLUSTER = ROOT / "hack/cluster/cluster"


@dataclass(frozen=True)
class Kubectl:
    """`kubectl(*args)`: runs the real one, fails the test with its own words when it fails (unless check=False)."""

    env: Mapping[str, str]

    def __call__(
        self, *args: str, stdin: str | None = None, check: bool = True, timeout_s: float = 120
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["kubectl", *args], input=stdin, text=True, capture_output=True, env=dict(self.env), timeout=timeout_s
        )
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(args)}: exit {done.returncode}\n{done.stderr}{done.stdout}")
        return done


@pytest.fixture(scope="session")
def cluster_env() -> Mapping[str, str]:
    """The environment in which kubectl, helm and the operator talk to the test cluster; brings the built one up."""
    ground = subprocess.run([GROUND], capture_output=True, text=True, check=True).stdout.strip()
    if ground.startswith("none:"):
        pytest.skip(f"no cluster: {ground.removeprefix('none:').strip()}")
    if ground != "existing":
        up = subprocess.run([CLUSTER, "up"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert up.returncode == 0, f"hack/cluster/cluster up failed:\n{up.stdout[-2000:]}{up.stderr[-2000:]}"
    printed = subprocess.run(
        ["bash", "-c", 'eval "$("$1" env)"; env -0', "bash", CLUSTER], capture_output=True, text=True, check=True
    ).stdout
    return dict(line.split("=", 1) for line in printed.split("\0") if "=" in line) if printed else dict(os.environ)


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
