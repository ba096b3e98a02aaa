"""The operator as a process against the real API server, logged in as the chart's ServiceAccount and nothing more."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from testing import operator_page
from testing.cluster_bed import Json, Kubectl, wait_until
from testing.fakes.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
CHILDREN = ("configmap", "service", "poddisruptionbudget", "deployment")
POOL_LABEL = "poolkeeper.dev/pool"
LEASE = "operator"
"""The chart's: the full name of the release."""

POOL: Json = {
    "apiVersion": "poolkeeper.dev/v1alpha1",
    "kind": "EndpointPool",
    "metadata": {"name": "chat"},
    "spec": {
        "models": ["deepseek-flash"],
        "endpoints": [{"name": "official", "provider": "DeepSeek", "url": "https://deepseek.example/v1"}],
        "router": {"replicas": 1},
    },
}


@dataclass
class OperatorProcess:
    """Started and ended at will; its log is one file over all its lives."""

    env: Mapping[str, str]
    namespace: str
    router_image: str
    log: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "poolkeeper", "operator", "--namespace", self.namespace]
        command += [
            "--lease-name",
            LEASE,
            "--lease-namespace",
            self.namespace,
            "--metrics-listen",
            f"127.0.0.1:{self.port}",
        ]
        command += ["--router-image", self.router_image]
        env = {**self.env, "PYTHONPATH": str(ROOT / "operator")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def kill(self) -> None:
        self.end(signal.SIGKILL)

    def page(self, path: str) -> tuple[int, str]:
        """Status and body; 0 while nobody answers."""
        return operator_page.page(self.port, path.removeprefix("/"))

    def metric(self, name: str) -> float:
        """The sum over all labels."""
        return operator_page.metric(self.port, name)

    def writes(self) -> dict[str, float]:
        """Kind and verb -> how many, without the Lease's renewals."""
        lines = self.page("/metrics")[1].splitlines()
        found = dict(line.rsplit(" ", 1) for line in lines if line.startswith("poolkeeper_kube_writes_total{"))
        return {labels: float(count) for labels, count in found.items() if 'kind="Lease"' not in labels}

    def wait_leading(self) -> None:
        wait_until("the operator to hold its Lease", lambda: self.metric("poolkeeper_leader") == 1 or None)


@dataclass(frozen=True)
class Home:
    """One namespace with what an operator of its own needs."""

    kubectl: Kubectl
    namespace: str
    env: Mapping[str, str]
    router_image: str
    folder: Path

    def operator(self) -> OperatorProcess:
        return OperatorProcess(self.env, self.namespace, self.router_image, self.folder / f"{uuid4().hex[:6]}.log")

    def __call__(self, *args: str, stdin: str | None = None, check: bool = True) -> str:
        return self.kubectl("-n", self.namespace, *args, stdin=stdin, check=check).stdout

    def apply(self, body: Json) -> None:
        self("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(body))

    def patch(self, kind: str, name: str, patch: Json) -> None:
        self("patch", kind, name, "--type=merge", "-p", json.dumps(patch))

    def get(self, *args: str) -> Json:
        found: Json = json.loads(self("get", *args, "-o", "json", check=False) or "{}")
        return found

    def condition(self, kind: str, pool: str = "chat") -> tuple[str, str, int]:
        """(status, reason, observedGeneration)"""
        for found in self.get("epool", pool).get("status", {}).get("conditions", []):
            if found["type"] == kind:
                return found["status"], found["reason"], found.get("observedGeneration", 0)
        return "", "", 0

    def wait_condition(self, kind: str, status: str, reason: str, pool: str = "chat") -> None:
        wait_until(
            f"{pool}: {kind}={status}/{reason}", lambda: self.condition(kind, pool)[:2] == (status, reason) or None
        )

    def wait_programmed(self, pool: str = "chat") -> None:
        """On the latest spec."""

        def look() -> bool | None:
            generation = self.get("epool", pool).get("metadata", {}).get("generation")
            return self.condition("Programmed", pool) == ("True", "Programmed", generation) or None

        wait_until(f"{pool} to be programmed", look)

    def document(self, pool: str = "chat") -> Json:
        found: Json = json.loads(self.get("configmap", f"{pool}-router")["data"]["router.json"])
        return found

    def children(self, pool: str = "chat") -> dict[str, Json]:
        """kind -> object"""
        found = self.get(",".join(CHILDREN), "-l", f"{POOL_LABEL}={pool}").get("items", [])
        return {body["kind"].lower(): body for body in found}

    def versions(self) -> dict[str, str]:
        """Of everything here that the operator could write."""
        everything = self.get(",".join((*CHILDREN, "epool", "fopol", "pod", "events.events.k8s.io"))).get("items", [])
        return {
            f"{body['kind']}/{body['metadata']['name']}": body["metadata"]["resourceVersion"] for body in everything
        }


def image(env: Mapping[str, str], name: str) -> str:
    """Built of the tree as it is, and known to the cluster."""
    build = str(ROOT / "hack/images/build.sh")
    built = subprocess.run([build, name], env=dict(env), capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert built.returncode == 0, built.stdout + built.stderr
    return subprocess.run([build, "--print", name], env=dict(env), capture_output=True, text=True).stdout.strip()


def new_home(kubectl: Kubectl, env: Mapping[str, str], namespace: str, folder: Path) -> Home:
    """A namespace with Pod security "restricted" and the chart's ServiceAccount."""
    kubectl("create", "namespace", namespace)
    kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    allowed = service_account_env(kubectl, namespace, folder)
    return Home(kubectl, namespace, allowed, image(env, "router"), folder)


@contextmanager
def leading(home: Home) -> Iterator[OperatorProcess]:
    """An operator of this home, which ends without a fault."""
    process = home.operator()
    process.start()
    process.wait_leading()
    yield process
    assert process.end() == 0, process.log.read_text()
    assert "Traceback" not in process.log.read_text()


def service_account_env(kubectl: Kubectl, namespace: str, folder: Path) -> dict[str, str]:
    """The environment of somebody who may do what the chart's Roles allow in this namespace, and nothing else."""
    chart, only = str(ROOT / "charts/poolkeeper"), ("templates/rbac.yaml", "templates/serviceaccount.yaml")
    sets = [f"watchNamespaces={{{namespace}}}", "rbac.aggregate=false", "fullnameOverride=operator"]
    rendered = subprocess.run(
        ["helm", "template", "pk", chart, "--namespace", namespace, "--kube-version", "1.36.0"]
        + [part for value in sets for part in ("--set", value)]
        + [part for path in only for part in ("--show-only", path)],
        env=dict(kubectl.env), capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    kubectl("apply", "-f", "-", stdin=rendered)
    token = kubectl("-n", namespace, "create", "token", "operator", "--duration=1h").stdout.strip()
    config: Any = yaml.safe_load(kubectl("config", "view", "--raw", "--minify", "--flatten").stdout)
    config["users"] = [{"name": config["contexts"][0]["context"]["user"], "user": {"token": token}}]
    path = folder / "kubeconfig"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config))
    return {**os.environ, **kubectl.env, "KUBECONFIG": str(path)}
