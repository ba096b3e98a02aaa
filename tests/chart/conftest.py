"""`helm template` of the chart, as parsed objects."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts/poolkeeper"
KUBE_VERSION = "1.36.3"
"""A helm built without Kubernetes' version stamped in believes in 1.20."""

Json = dict[str, object]


@dataclass(frozen=True)
class Rendered:
    objects: tuple[Json, ...]

    def of(self, kind: str) -> tuple[Json, ...]:
        return tuple(found for found in self.objects if found["kind"] == kind)

    def one(self, kind: str) -> Json:
        (found,) = self.of(kind)
        return found


@dataclass(frozen=True)
class Helm:
    program: str

    def __call__(self, *args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self.program, *args], capture_output=True, text=True, timeout=60)

    def template(self, *sets: str, namespace: str = "ops") -> Rendered:
        done = self._template(*sets, namespace=namespace)
        assert done.returncode == 0, done.stderr
        return Rendered(tuple(found for found in yaml.safe_load_all(done.stdout) if found))

    def refused(self, *sets: str) -> str:
        """What helm says against these values."""
        done = self._template(*sets, namespace="ops")
        assert done.returncode != 0, "helm took values that the schema should refuse"
        return done.stderr

    def _template(self, *sets: str, namespace: str) -> subprocess.CompletedProcess[str]:
        values = [part for value in sets for part in ("--set", value)]
        return self("template", "pk", str(CHART), "--namespace", namespace, "--kube-version", KUBE_VERSION, *values)


def cache_folder(environment: Mapping[str, str]) -> Path:
    base = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(environment.get("POOLKEEPER_CACHE") or f"{base}/poolkeeper")


@pytest.fixture(scope="session")
def helm() -> Helm:
    built = cache_folder(os.environ) / "bin/helm"
    program = str(built) if built.exists() else shutil.which("helm")
    if program is None:
        pytest.skip("no helm: `hack/cluster/build.sh helm` builds it, or install it")
    return Helm(program)


@pytest.fixture
def template(helm: Helm) -> Callable[..., Rendered]:
    return helm.template
