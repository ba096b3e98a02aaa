"""The demo pool in a namespace of its own, and handles to play with it: providers, status, the router's address."""

import base64
import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar
from urllib.request import Request, urlopen

T = TypeVar("T")
Json = dict[str, Any]
CLUSTER = Path(__file__).resolve().parents[1] / "hack/cluster/cluster"


def cluster_environment() -> dict[str, str]:
    """The environment in which kubectl and helm talk to the cluster of hack/cluster, or to KUBECONFIG's."""
    command = ["bash", "-c", 'eval "$("$1" env)"; env -0', "bash", str(CLUSTER)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in printed.split("\0") if "=" in line) if printed else dict(os.environ)


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


def wait_until(what: str, look: Callable[[], T | None], timeout_s: float = 90) -> T:
    """Poll until look() gives something; the failure names what was awaited and what was last seen."""
    deadline = monotonic() + timeout_s
    seen: T | None = None
    while monotonic() < deadline:
        seen = look()
        if seen:
            return seen
        sleep(0.25)
    raise AssertionError(f"waited {timeout_s:.0f} s for {what}; last seen: {seen!r}")


@dataclass(frozen=True)
class Bed:
    """One namespace. Providers are driven through the API server's proxy, so this works on any cluster."""

    kubectl: Kubectl
    namespace: str

    def get(self, *args: str) -> Json:
        found: Json = json.loads(self.kubectl("-n", self.namespace, "get", *args, "-o", "json").stdout)
        return found

    def play(self, provider: str, scenario: str, **params: object) -> None:
        """From now on this scripted provider answers so."""
        self.plan(provider, {"scenario": scenario, "params": params})

    def plan(self, provider: str, plan: Json) -> None:
        """The same for anything that it can play: a script, a mix, a timeline."""
        self.kubectl("replace", "--raw", self._control(provider, "scenario"), "-f", "-", stdin=json.dumps(plan))

    def log(self, provider: str) -> list[Json]:
        """Every request the provider saw since its last reset, with the key it came with."""
        entries: list[Json] = json.loads(self.kubectl("get", "--raw", self._control(provider, "log")).stdout)["entries"]
        return [entry for entry in entries if entry["method"] == "POST"]

    def warm_up(self, provider: str) -> None:
        """One answer past Poolkeeper: a model server on CPU is slow until its weights have been read once."""
        body = json.dumps({"model": "any", "max_tokens": 2, "messages": [{"role": "user", "content": "hi"}]}).encode()
        headers = {"content-type": "application/json"}
        with self.reach(provider, 8000) as address:
            request = Request(f"http://{address}/v1/chat/completions", body, headers)
            with urlopen(request, timeout=120) as answer:
                answer.read()

    def accept_keys(self, provider: str, *keys: str) -> None:
        """From now on this scripted provider lets in these keys and no other."""
        self.kubectl(
            "replace", "--raw", self._control(provider, "settings"), "-f", "-", stdin=json.dumps({"keys": keys})
        )

    def read_key(self, secret: str, key: str) -> str:
        return base64.b64decode(self.get("secret", secret)["data"][key]).decode()

    def write_key(self, secret: str, key: str, value: str) -> None:
        patch = json.dumps({"stringData": {key: value}})
        self.kubectl("-n", self.namespace, "patch", "secret", secret, "--type=merge", "-p", patch)

    def _control(self, provider: str, name: str) -> str:
        return f"/api/v1/namespaces/{self.namespace}/services/{provider}:8001/proxy/_fake/{name}"

    def pool(self, name: str = "chat") -> Json:
        return self.get("epool", name)

    def condition(self, kind: str, pool: str = "chat") -> tuple[str, str]:
        """(status, reason) of one condition of the pool."""
        for found in self.pool(pool).get("status", {}).get("conditions", []):
            if found["type"] == kind:
                return found["status"], found["reason"]
        return "", ""

    def endpoint(self, name: str, pool: str = "chat") -> Json:
        endpoints: list[Json] = self.pool(pool).get("status", {}).get("endpoints", [])
        return next((found for found in endpoints if found["name"] == name), {})

    def wait_condition(self, kind: str, status: str, timeout_s: float = 90) -> None:
        def look() -> bool:
            return self.condition(kind)[0] == status

        try:
            wait_until(f"{kind}={status}", look, timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{json.dumps(self.pool().get('status'), indent=1)}") from None

    def router_pods(self, pool: str = "chat") -> list[Json]:
        pods: list[Json] = self.get("pods", "-l", f"poolkeeper.dev/pool={pool},app.kubernetes.io/component=router")[
            "items"
        ]
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    @contextmanager
    def reach(self, service: str, port: int) -> Iterator[str]:
        """host:port of a Service as seen from here: its cluster address where that is routed, else a port-forward."""
        address = self.get("service", service)["spec"]["clusterIP"]
        if connects(address, port):
            yield f"{address}:{port}"
            return
        with _port_forward(self.kubectl, self.namespace, service, port) as local:
            yield f"127.0.0.1:{local}"


def connects(address: str, port: int) -> bool:
    """Is this address of the cluster routed here?"""
    try:
        socket.create_connection((address, port), timeout=3).close()
    except OSError:
        return False
    return True


@contextmanager
def _port_forward(kubectl: Kubectl, namespace: str, service: str, port: int) -> Iterator[int]:
    command = ["kubectl", "-n", namespace, "port-forward", f"service/{service}", f":{port}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(kubectl.env))
    try:
        assert process.stdout is not None
        line = process.stdout.readline()  # "Forwarding from 127.0.0.1:41234 -> 8080"
        yield int(line.split("127.0.0.1:")[1].split()[0])
    finally:
        process.terminate()
        process.wait(timeout=10)
