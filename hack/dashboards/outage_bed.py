"""What the outage of docs/on-call.md is played on: the chart on a real Kubernetes, with its page, two scripted
providers, a pool with the default policy, and a Prometheus beside it that scrapes its routers and its operator."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from hack.dashboards import prometheus
from hack.dashboards.prometheus import MissingError, Prometheus, Target
from testing.cluster_bed import Bed, Json, Kubectl, cluster_environment, connects, wait_until
from testing.cluster_provider import provider

ROOT = Path(__file__).resolve().parents[2]
BUILD = str(ROOT / "hack/images/build.sh")
RELEASE_SCRIPT = str(ROOT / "hack/demo/release.sh")
RELEASE = "poolkeeper"
NAMESPACE = f"pk-on-call-{os.getpid()}"
SYSTEM = f"{NAMESPACE}-system"
POOL = "chat"
OFFICIAL, BACKUP = "official", "backup"
SCRAPE_S = 5.0
START_LIMIT_S = 180.0
GOING_LIMIT_S = 120.0
OPERATORS = "app.kubernetes.io/name=poolkeeper,app.kubernetes.io/component=operator"
ADMIN_PORT, OPERATOR_PORT = 9180, 9090


@dataclass(frozen=True)
class Scene:
    """router, page: host:port."""

    bed: Bed
    router: str
    page: str
    scraper: Prometheus


@contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    """All of it is removed when the block ends."""
    kubectl = Kubectl(cluster_environment())
    refuse_other_operators(kubectl)
    with ExitStack() as stack:
        stack.callback(clear, kubectl)
        for name in (NAMESPACE, SYSTEM):
            kubectl("create", "namespace", name)
            kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
        done(BUILD, "fake", env=kubectl.env)
        image = done(BUILD, "--print", "fake", env=kubectl.env).strip()
        apply(kubectl, [*provider(OFFICIAL, image), *provider(BACKUP, image)])
        values = ("--set", f"watchNamespaces={{{NAMESPACE}}}", "--set", "rbac.aggregate=false,dashboard.enabled=true")
        done(RELEASE_SCRIPT, SYSTEM, *values, env=kubectl.env)
        apply(kubectl, [pool()])
        bed = Bed(kubectl, NAMESPACE)
        bed.wait_condition("Ready", "True", START_LIMIT_S)
        router = stack.enter_context(bed.reach(f"{POOL}-router", 80))
        page = stack.enter_context(bed.reach(f"{RELEASE}-dashboard", 9280))
        scraper = stack.enter_context(prometheus.started(folder / "prometheus", targets(kubectl), SCRAPE_S))
        yield Scene(bed, router, page, scraper)


def pool() -> Json:
    endpoints = [
        {
            "name": name,
            "provider": "DeepSeek",
            "serviceRef": {"name": name, "port": 8000, "path": "/v1"},
            "tier": tier,
        }
        for tier, name in enumerate((OFFICIAL, BACKUP))
    ]
    return {
        "apiVersion": "poolkeeper.dev/v1alpha1",
        "kind": "EndpointPool",
        "metadata": {"name": POOL},
        "spec": {"models": ["deepseek-flash"], "endpoints": endpoints, "router": {"replicas": 2}},
    }


def targets(kubectl: Kubectl) -> Sequence[Target]:
    """What the chart's PodMonitor and ServiceMonitor find, with the labels that they give."""
    routers = pods(kubectl, NAMESPACE, "app.kubernetes.io/component=router")
    operators = pods(kubectl, SYSTEM, OPERATORS)
    found = [_target(one, ADMIN_PORT, {"pool": POOL}) for one in routers]
    return found + [_target(one, OPERATOR_PORT, {}) for one in operators]


def _target(pod: Json, port: int, labels: Mapping[str, str]) -> Target:
    address, named = pod["status"]["podIP"], pod["metadata"]
    if not connects(address, port):
        raise MissingError(f"this needs a cluster whose Pod addresses are routed here; {address}:{port} is not reached")
    return Target(f"{address}:{port}", {"namespace": named["namespace"], "pod": named["name"], **labels})


def pods(kubectl: Kubectl, namespace: str, labels: str) -> list[Json]:
    def ready() -> list[Json] | None:
        found: list[Json] = json.loads(kubectl("-n", namespace, "get", "pods", "-l", labels, "-o", "json").stdout)[
            "items"
        ]
        return found if found and all(one["status"].get("podIP") for one in found) else None

    return wait_until(f"Pods of {labels}", ready)


def apply(kubectl: Kubectl, objects: list[Json]) -> None:
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    kubectl("-n", NAMESPACE, "apply", "--server-side", "-f", "-", stdin=body)


def refuse_other_operators(kubectl: Kubectl) -> None:
    """One that is being removed has some time for it."""
    until_s = time.monotonic() + GOING_LIMIT_S
    while found := kubectl("get", "deployments", "-A", "-l", OPERATORS, "-o", "name").stdout.split():
        if time.monotonic() > until_s:
            raise MissingError(f"another Poolkeeper is in this cluster ({len(found)} Deployments): uninstall it first")
        time.sleep(1)


def clear(kubectl: Kubectl) -> None:
    try:
        done("helm", "uninstall", RELEASE, "-n", SYSTEM, "--ignore-not-found", env=kubectl.env)
    except RuntimeError as error:
        print(error, file=sys.stderr)
    kubectl("-n", NAMESPACE, "delete", "epool", "--all", "--wait=false", check=False)
    kubectl("delete", "namespace", NAMESPACE, SYSTEM, "--wait=false", "--ignore-not-found", check=False)


def done(*command: str, env: Mapping[str, str]) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, env=dict(env), stdin=subprocess.DEVNULL)
    if ended.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit {ended.returncode}\n{ended.stderr[-1000:]}")
    return ended.stdout
