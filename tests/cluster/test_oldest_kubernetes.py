"""The chart promises a Kubernetes of years ago: that one's own API server must take the CRDs.

The package by which it judges a CRD is compiled (hack/cluster/oldest, once); the test cluster is a newer one.
"""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "hack/cluster/build.sh"
CRDS = sorted((ROOT / "crds").glob("*.yaml"))

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def judge() -> Path:
    subprocess.run([BUILD, "oldest"], check=True, stdin=subprocess.DEVNULL, capture_output=True)
    folder = subprocess.run([BUILD, "--dir", "oldest"], check=True, capture_output=True, text=True).stdout.strip()
    return Path(folder) / "judge-crds"


def judged(judge: Path, *files: Path) -> tuple[int, str]:
    done = subprocess.run([judge, *files], capture_output=True, text=True)
    return done.returncode, done.stdout


def test_it_takes_the_crds(judge: Path) -> None:
    assert CRDS
    assert judged(judge, *CRDS) == (0, "")


def test_a_rule_that_it_does_not_know_is_refused_by_its_place(judge: Path, tmp_path: Path) -> None:
    newer = tmp_path / "newer.yaml"
    newer.write_text(re.sub(r"\bisIP\(", "isOfANewerKubernetes(", CRDS[0].read_text()))

    code, said = judged(judge, newer)

    assert code == 1
    assert "x-kubernetes-validations" in said and "isOfANewerKubernetes" in said


def test_it_is_the_version_that_the_chart_promises() -> None:
    promised = yaml.safe_load((ROOT / "charts/poolkeeper/Chart.yaml").read_text())["kubeVersion"]
    (pinned,) = re.findall(
        r"k8s.io/apiextensions-apiserver v0\.(\d+)\.", (ROOT / "hack/cluster/oldest/go.mod").read_text()
    )

    assert promised.startswith(f">=1.{pinned}.")
