"""What the chart makes for the Prometheus operator is taken by an API server that has its CustomResourceDefinitions."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from chart.conftest import CHART
from testing.cluster_bed import Kubectl, wait_until

ROOT = Path(__file__).resolve().parents[2]
BUILD = str(ROOT / "hack/cluster/build.sh")
KINDS = ("podmonitors", "servicemonitors", "prometheusrules")
VALUES = (
    "monitoring.podMonitor.enabled=true",
    "monitoring.serviceMonitor.enabled=true",
    "monitoring.prometheusRule.enabled=true",
    "monitoring.dashboards.enabled=true",
    "monitoring.prometheusRule.docsUrl=https://git.example.org/docs",
    "monitoring.labels.release=kps",
)

pytestmark = pytest.mark.cluster


@pytest.fixture
def crds(kubectl: Kubectl) -> Iterator[None]:
    """Those that the chart uses; removed afterwards where the cluster did not have them."""
    subprocess.run([BUILD, "prometheus-operator"], check=True, stdin=subprocess.DEVNULL, capture_output=True)
    folder = subprocess.run([BUILD, "--dir", "prometheus-operator"], check=True, capture_output=True, text=True)
    made = []
    for kind in KINDS:
        name = f"{kind}.monitoring.coreos.com"
        if kubectl("get", "crd", name, check=False).returncode != 0:
            file = f"{folder.stdout.strip()}/example/prometheus-operator-crd/monitoring.coreos.com_{kind}.yaml"
            kubectl("apply", "--server-side", "-f", file)
            made.append(name)
        kubectl("wait", "--for=condition=Established", "crd", name, "--timeout=60s")
    wait_until("the API server to serve the kinds", lambda: all(served(kubectl, kind) for kind in KINDS))
    yield
    for name in made:
        kubectl("delete", "crd", name, "--wait=false")


def served(kubectl: Kubectl, kind: str) -> bool:
    return kubectl("get", f"{kind}.monitoring.coreos.com", "-A", check=False).returncode == 0


def test_monitors_rules_and_dashboards_are_taken_as_they_are(
    kubectl: Kubectl, cluster_env: Mapping[str, str], namespace: str, crds: None
) -> None:
    sets = [part for value in VALUES for part in ("--set", value)]
    templates = [part for one in sorted((CHART / "templates/monitoring").glob("*.yaml")) for part in ("-s", shown(one))]
    command = ["helm", "template", "pk", str(CHART), "-n", namespace, "--kube-version", "1.36.3", *sets, *templates]
    rendered = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(cluster_env)).stdout

    kubectl("apply", "--server-side", "--validate=strict", "-n", namespace, "-f", "-", stdin=rendered)

    found = json.loads(kubectl("-n", namespace, "get", ",".join((*KINDS, "configmaps")), "-o", "json").stdout)["items"]
    names = sorted(f"{one['kind']} {one['metadata']['name']}" for one in found if "kube-root-ca" not in str(one))
    rules = next(one for one in found if one["kind"] == "PrometheusRule")["spec"]["groups"]
    assert names == [
        *(f"ConfigMap pk-poolkeeper-dashboard-{name}" for name in ("cost", "errors", "health", "latency", "overview")),
        "PodMonitor pk-poolkeeper-routers",
        "PrometheusRule pk-poolkeeper",
        "ServiceMonitor pk-poolkeeper-operator",
    ]
    assert "{{ $labels.pool }}" in json.dumps(rules)


def shown(template: Path) -> str:
    return str(template.relative_to(CHART))
