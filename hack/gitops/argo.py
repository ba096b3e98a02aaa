"""Argo CD without its interface: the application controller and the repository server, processes of this machine.

One program, called by three names. What it reads from Kubernetes (settings, projects, Applications) is in the namespace
argocd of the cluster.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml

from testing.cluster_bed import Kubectl, wait_until
from testing.process import accepts, free_port, running

NAMESPACE = "argocd"
START_LIMIT_S = 90.0
RESYNC_S = 5
ROOT = Path(__file__).resolve().parents[2]
PART = {"app.kubernetes.io/part-of": "argocd"}
SETTINGS = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
    {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "argocd-rbac-cm",
            "namespace": NAMESPACE,
            "labels": PART,
        },
    },
    {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "argocd-secret",
            "namespace": NAMESPACE,
            "labels": PART,
        },
        "stringData": {"server.secretkey": "of-a-test-that-ends"},
    },
    {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": "default", "namespace": NAMESPACE},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"namespace": "*", "server": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        },
    },
]


def program() -> Path:
    """Compiled into the cache, once."""
    build = ROOT / "hack/cluster/build.sh"
    subprocess.run([build, "argocd"], check=True)
    folder = subprocess.run([build, "--dir", "argocd"], capture_output=True, text=True, check=True).stdout.strip()
    return Path(folder)


@contextmanager
def argo_cd(kubectl: Kubectl, folder: Path) -> Iterator[None]:
    """Runs until the block ends; then its namespace and its CRDs go, too."""
    built = program()
    crds = built / "manifests/crds"
    kubectl("apply", "--server-side", "--force-conflicts", "-f", *_each(crds))
    settings = {"apiVersion": "v1", "kind": "List", "items": [*SETTINGS, _config_map()]}
    try:
        wait_until("Argo CD's kinds", lambda: _are_known(kubectl) or None)
        kubectl("apply", "-f", "-", stdin=json.dumps(settings))
        with _processes(kubectl, folder, built):
            yield
    finally:
        kubectl("delete", "namespace", NAMESPACE, "--wait=false", check=False)
        kubectl("delete", "--wait=false", "-f", *_each(crds), check=False)


def _are_known(kubectl: Kubectl) -> bool:
    return kubectl("get", "appprojects,applications", "-A", check=False).returncode == 0


def _each(crds: Path) -> list[str]:
    names = sorted(str(file) for file in crds.glob("*-crd.yaml"))
    return [part for index, name in enumerate(names) for part in ([name] if index == 0 else ["-f", name])]


def _config_map() -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load((ROOT / "examples/argocd/argocd-cm.yaml").read_text())
    found["metadata"] = {
        "name": "argocd-cm",
        "namespace": NAMESPACE,
        "labels": PART,
    }
    return found


@contextmanager
def _processes(kubectl: Kubectl, folder: Path, built: Path) -> Iterator[None]:
    for name in ("argocd-repo-server", "argocd-application-controller"):
        (folder / name).symlink_to(built / "argocd")
    for name in ("tls", "gnupg"):
        (folder / name).mkdir(mode=0o700)
    env = {
        **os.environ,
        **kubectl.env,
        "ARGOCD_GPG_ENABLED": "false",
        "ARGOCD_TLS_DATA_PATH": str(folder / "tls"),
        "GNUPGHOME": str(folder / "gnupg"),
        "ARGOCD_FAKE_IN_CLUSTER": "true",
    }
    redis, repo, metrics = free_port(), free_port(), [free_port() for _ in range(2)]
    common = ["--redis", f"127.0.0.1:{redis}", "--loglevel", "warn"]
    kubeconfig = kubectl.env["KUBECONFIG"]
    with ExitStack() as stack:

        def start(name: str, *command: str, port: int) -> None:
            log = folder / f"{name}.log"
            stack.enter_context(running(command, env, log, lambda: accepts(port), START_LIMIT_S))

        start("redis", "redis-server", "--port", str(redis), "--bind", "127.0.0.1", "--save", "", port=redis)
        start(
            "repo-server",
            *(str(folder / "argocd-repo-server"), *common, "--disable-tls", "--address", "127.0.0.1"),
            *("--port", str(repo), "--metrics-port", str(metrics[0]), "--metrics-address", "127.0.0.1"),
            port=repo,
        )
        start(
            "application-controller",
            *(str(folder / "argocd-application-controller"), *common, "--kubeconfig", kubeconfig, "-n", NAMESPACE),
            *("--repo-server", f"127.0.0.1:{repo}", "--repo-server-plaintext", "--app-resync", str(RESYNC_S)),
            *("--metrics-port", str(metrics[1])),
            port=metrics[1],
        )
        yield
