"""Static stability: two real routers with the document of a real pool, under load, while operator, API server and etcd
are gone. Meanwhile an endpoint fails and comes back, and a router is killed and started again. Nothing may fail.

What a kubelet does is done here: the document goes from the ConfigMap to the routers' folders, with the addresses of
the scripted providers in place of names that only a cluster resolves.
"""

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from testing import plain_http
from testing.chaos.client import Json, User
from testing.chaos.control_plane import ControlPlane
from testing.chaos.fleet import Fleet
from testing.chaos.history import CHILD, POOL
from testing.chaos.operator import Operator
from testing.fakes.harness import FakeProvider
from testing.process import answers, free_port, running
from testing.waiting import until

ENTRYPOINT = Path(__file__).resolve().parents[3] / "router" / "entrypoint.sh"
NAMESPACE = "outage"
MODEL = "deepseek-flash"
PATIENCE_S = 60.0
CALLERS = 4
PACE_S = 0.1
FAILS_AT, RECOVERS_AT, RESTARTS_AT, OPERATOR_AT = 0.15, 0.45, 0.6, 0.8


@dataclass
class Outage:
    seconds: float
    asked: int = 0
    failed: int = 0
    failovers: int = 0
    restarts: int = 0
    mended: str = "no"
    wrong: list[str] = field(default_factory=list)


def outage(folder: Path, seconds: float) -> Outage:
    found = Outage(seconds)
    with FakeProvider("official") as official, FakeProvider("backup") as backup, ExitStack() as stack:
        at = {"official": official, "backup": backup}
        operator, url = _declare(folder, at)
        try:
            routers = [Router(folder / f"router-{number}") for number in (1, 2)]
            for router in routers:
                router.write(json.loads((folder / "router.json").read_text()))
                stack.enter_context(router.running())
            with _load(routers, found):
                _meanwhile(found, operator, routers, official)
            _check(found, routers, operator)
            found.mended = _mended(folder, url, operator)
        finally:
            operator.kill()
    if found.mended == "no":
        found.wrong.append("an edit after the end of the outage was not applied")
    return found


class Router:
    """A real one, with folders as a Pod has them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.admin = folder, free_port(), free_port()
        self._life: ExitStack = ExitStack()

    def write(self, document: Json) -> None:
        for name in ("config", "credentials", "clients", "ca"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "config" / "router.json").write_text(json.dumps(document))

    @contextmanager
    def running(self) -> Iterator[None]:
        try:
            self.start()
            yield
        finally:
            self._life.close()

    def start(self) -> None:
        env = {
            **os.environ,
            "POOLKEEPER_LISTEN": f"127.0.0.1:{self.port}",
            "POOLKEEPER_ADMIN": f"127.0.0.1:{self.admin}",
        }
        for name in ("run", "config", "credentials", "clients", "ca"):
            env[f"POOLKEEPER_{name.upper()}_DIR"] = str(self.folder / name)
        log, ready = self.folder / "log", f"http://127.0.0.1:{self.admin}/readyz"
        self.process: subprocess.Popen[bytes] = self._life.enter_context(
            running([str(ENTRYPOINT)], env, log, lambda: answers(ready), PATIENCE_S)
        )

    def restart(self) -> None:
        """Killed, as by a node that is out of memory, and started again."""
        self._life.close()
        self._life = ExitStack()
        self.start()

    def state(self) -> Json:
        found: Json = plain_http.get(f"http://127.0.0.1:{self.admin}/state").json()
        return found


def _declare(folder: Path, at: Mapping[str, FakeProvider]) -> tuple[Operator, str]:
    """A pool, programmed by an operator; both stay, the control plane goes. The document lies in the folder."""
    tiers = {"official": 0, "backup": 1}
    endpoints = [
        {"name": name, "url": f"http://{name}.example.com/v1", "tier": tier, "insecure": True, "maxConnections": 200}
        for name, tier in tiers.items()
    ]
    body = {
        "apiVersion": "poolkeeper.dev/v1alpha1",
        "kind": "EndpointPool",
        "metadata": {"name": POOL, "namespace": NAMESPACE},
        "spec": {"models": [MODEL], "endpoints": endpoints, "router": {"replicas": 1}},
    }
    with ControlPlane.start(folder / "plane") as plane:
        user = User(plane.url, plane.token)
        user.make_namespace(NAMESPACE)
        user.apply(body)
        options = ["--namespace", NAMESPACE, "--lease-namespace", NAMESPACE]
        operator = Operator(folder, plane.url, plane.token, options)
        operator.start()
        with Fleet(plane.url, plane.token):
            until(lambda: _is_ready(user), "the pool to be ready", PATIENCE_S)
        found = user.get("ConfigMap", NAMESPACE, CHILD)
        assert found is not None
        document = json.loads(found["data"]["router.json"])
        user.close()
    document["allowLoopback"] = True
    for endpoint in document["endpoints"]:
        endpoint |= {"host": "127.0.0.1", "port": at[endpoint["name"]].port}
    (folder / "router.json").write_text(json.dumps(document))
    return operator, plane.url


def _is_ready(user: User) -> bool:
    found = user.get("EndpointPool", NAMESPACE, POOL) or {}
    return any(
        one["type"] == "Ready" and one["status"] == "True" for one in found.get("status", {}).get("conditions", [])
    )


@contextmanager
def _load(routers: list[Router], found: Outage) -> Iterator[None]:
    """Callers that ask one router and, when it cannot be reached, the other, as clients do."""
    is_over, turn = threading.Event(), threading.Lock()

    def call(first: int) -> None:
        with plain_http.Client(timeout=PATIENCE_S) as client:
            number = first
            while not is_over.wait(PACE_S):
                number += 1
                why = _ask(client, [routers[number % 2], routers[(number + 1) % 2]])
                with turn:
                    found.asked += 1
                    found.failed += bool(why)
                    if why and len(found.wrong) < CALLERS:
                        found.wrong.append(why)

    callers = [threading.Thread(target=call, args=(number,)) for number in range(CALLERS)]
    for caller in callers:
        caller.start()
    try:
        yield
    finally:
        is_over.set()
        for caller in callers:
            caller.join(PATIENCE_S)


def _ask(client: httpx.Client, routers: list[Router]) -> str:
    """Why it failed, or ""."""
    body = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]}
    for router in routers:
        try:
            answer = client.post(f"http://127.0.0.1:{router.port}/v1/chat/completions", json=body)
        except httpx.TransportError:
            continue  # that router is being started again
        return (
            ""
            if answer.status_code == 200 and answer.json()["choices"]
            else f"{answer.status_code} {answer.text[:200]}"
        )
    return "no router could be reached"


def _meanwhile(found: Outage, operator: Operator, routers: list[Router], official: FakeProvider) -> None:
    began_s = time.monotonic()

    def wait(share: float) -> None:
        time.sleep(max(0.0, began_s + share * found.seconds - time.monotonic()))

    operator.kill()
    wait(FAILS_AT)
    official.set("busy503")
    until(lambda: all(router.state()["activeTier"] == 1 for router in routers), "the failover", PATIENCE_S)
    found.failovers += 1
    wait(RECOVERS_AT)
    official.set("ok")
    wait(RESTARTS_AT)
    routers[0].restart()
    found.restarts += 1
    wait(OPERATOR_AT)
    operator.start()
    wait(1.0)


def _check(found: Outage, routers: list[Router], operator: Operator) -> None:
    if not operator.is_running:
        found.wrong.append(f"the operator did not wait for the API server: {operator.tail(400)}")
    for router in routers:
        if not router.state()["ready"]:
            found.wrong.append("a router is not ready")


def _mended(folder: Path, url: str, operator: Operator) -> str:
    """After the control plane is there again."""
    with ControlPlane.start(folder / "plane", url) as plane, Fleet(plane.url, plane.token):
        user = User(plane.url, plane.token)
        user.merge("EndpointPool", NAMESPACE, POOL, {"spec": {"router": {"replicas": 3}}})
        began_s = time.monotonic()

        def is_applied() -> bool:
            if not operator.is_running:
                operator.start()  # as a kubelet does
            found = user.get("Deployment", NAMESPACE, CHILD) or {}
            return bool(found.get("spec", {}).get("replicas") == 3)

        try:
            until(is_applied, "the edit", PATIENCE_S)
        except AssertionError:
            return "no"
        finally:
            user.close()
        return f"yes, {time.monotonic() - began_s:.1f} s after it was made"
