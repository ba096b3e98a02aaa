"""A real control plane on loopback: etcd, kube-apiserver, kube-controller-manager. No node, no scheduler, no root.

with ControlPlane.start(folder) as plane:
    plane.url, plane.token        # the token of an administrator

Our kinds are installed before its controllers start: so the garbage collector knows them from the beginning, and not
only after it has looked again.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml

from testing import plain_http
from testing.chaos.client import User
from testing.fakes.ports import free_port
from testing.process import answers, mortal, running

CACHE = Path(os.environ.get("POOLKEEPER_CACHE") or Path.home() / ".cache" / "poolkeeper") / "bin"
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager")
READY_S = 120.0
TOKEN = "admin-of-the-test"
SERVICES = "10.96.0.0/16"


def missing() -> str:
    """Why there can be none here, or ""."""
    lacking = [name for name in PROGRAMS if not (CACHE / name).exists()]
    return f"not built: {', '.join(lacking)} (hack/cluster/build.sh kubernetes etcd)" if lacking else ""


@dataclass(frozen=True)
class ControlPlane:
    url: str
    token: str

    @classmethod
    @contextmanager
    def start(
        cls, folder: Path, url: str = "", controllers: bool = True, only: Sequence[str] = ()
    ) -> Iterator["ControlPlane"]:
        """url: where it was, in this folder; then it is as it was. Without controllers nothing moves by itself. only:
        the controllers that are started, by name; none for all."""
        folder.mkdir(parents=True, exist_ok=True)
        url = url or f"https://127.0.0.1:{free_port()}"
        etcd_url = f"http://127.0.0.1:{free_port()}"
        with ExitStack() as processes:
            processes.enter_context(_etcd(folder, etcd_url))
            processes.enter_context(_apiserver(folder, etcd_url, url))
            user = User(url, TOKEN)
            user.install_kinds()
            user.close()
            if controllers:
                processes.enter_context(_controller_manager(folder, url, only))
            yield cls(url, TOKEN)


def kubeconfig(server: str, token: str = "") -> str:
    cluster = {"server": server, **({"insecure-skip-tls-verify": True} if server.startswith("https") else {})}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {"token": token} if token else {}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        }
    )


@contextmanager
def _etcd(folder: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    peers = f"http://127.0.0.1:{free_port()}"
    command = [str(CACHE / "etcd"), "--data-dir", str(folder / "etcd"), "--unsafe-no-fsync", "--log-level", "warn"]
    command += ["--listen-client-urls", url, "--advertise-client-urls", url, "--listen-peer-urls", peers]
    command += ["--initial-advertise-peer-urls", peers, "--initial-cluster", f"default={peers}"]
    with running(
        mortal(command), _environment(), folder / "etcd.log", lambda: answers(f"{url}/health"), READY_S
    ) as process:
        yield process


@contextmanager
def _apiserver(folder: Path, etcd_url: str, url: str) -> Iterator[subprocess.Popen[bytes]]:
    key = folder / "accounts.key"
    if not key.exists():
        subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    tokens = folder / "tokens.csv"
    tokens.write_text(f'{TOKEN},admin,admin,"system:masters"\n')
    command = [str(CACHE / "kube-apiserver"), "--etcd-servers", etcd_url, "--service-cluster-ip-range", SERVICES]
    command += ["--bind-address", "127.0.0.1", "--secure-port", url.rpartition(":")[2], "--cert-dir", str(folder)]
    command += ["--authorization-mode", "RBAC", "--token-auth-file", str(tokens), "--anonymous-auth=false"]
    command += ["--service-account-issuer", "https://chaos.test", "--service-account-key-file", str(key)]
    command += ["--service-account-signing-key-file", str(key), "--endpoint-reconciler-type", "none"]
    with running(mortal(command), _environment(), folder / "apiserver.log", lambda: _is_ready(url), READY_S) as process:
        yield process


@contextmanager
def _controller_manager(folder: Path, url: str, only: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    config, port = folder / "manager.kubeconfig", free_port()
    config.write_text(kubeconfig(url, TOKEN))
    command = [str(CACHE / "kube-controller-manager"), "--kubeconfig", str(config), "--leader-elect=false"]
    command += ["--bind-address", "127.0.0.1", "--secure-port", str(port), "--cert-dir", str(folder)]
    command += ["--kube-api-qps", "300", "--kube-api-burst", "600", "--service-account-private-key-file"]
    command += [str(folder / "accounts.key"), "--use-service-account-credentials=false"]
    command += ["--concurrent-gc-syncs", "20", "--authorization-always-allow-paths", "/healthz"]
    command += [f"--controllers={','.join(only)}"] if only else []
    ready = lambda: _answers(f"https://127.0.0.1:{port}/healthz")  # noqa: E731
    with running(mortal(command), _environment(), folder / "manager.log", ready, READY_S) as process:
        yield process


def _is_ready(url: str) -> bool:
    return _answers(f"{url}/readyz", {"Authorization": f"Bearer {TOKEN}"})


def _answers(url: str, headers: dict[str, str] | None = None) -> bool:
    try:
        return plain_http.get(url, headers=headers, verify=plain_http.TRUSTS_ANYBODY, timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def _environment() -> dict[str, str]:
    """No proxy, no credentials."""
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
