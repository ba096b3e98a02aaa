"""The operator as a process against a small API server: it works, says when it cannot, gives up the Lease, and ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from poolkeeper.handlers.watch.watches import SELECTORS
from poolkeeper.kube.client import RESOURCES
from poolkeeper.kube.json_fields import mapping
from testing import operator_page
from testing.fakes.kube import hostile
from testing.fakes.kube.server import ApiServer
from testing.fakes.ports import free_port
from unit.kube.things import pool

pytestmark = pytest.mark.slow  # it waits for time-outs, one after the other

ROOT = Path(__file__).resolve().parents[3]
GUARD_S = 60.0
"""A hang guard, never an expectation, except for the grace period of a Pod, which is a promise."""
GRACE_S = 30.0
LEASES = "/apis/coordination.k8s.io/v1/namespaces/home/leases"
POOL = "/apis/poolkeeper.dev/v1alpha1/namespaces/team/endpointpools/chat"
DEPLOYMENT = "/apis/apps/v1/namespaces/team/deployments/chat-router"
KINDS = tuple(RESOURCES[kind].plural for kind in SELECTORS)


class OperatorProcess:
    def __init__(self, server: ApiServer, folder: Path, *options: str) -> None:
        self.port = free_port()
        cluster = {"cluster": {"server": server.url}, "name": "c"}
        context = {"context": {"cluster": "c", "user": "u"}, "name": "c"}
        config = {"clusters": [cluster], "contexts": [context], "users": [{"name": "u", "user": {}}]}
        path = folder / "kubeconfig"
        path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "current-context": "c", **config}))
        self.log = folder / "log"
        command = [sys.executable, "-m", "poolkeeper", "operator", "--router-image", "r", "--lease-namespace", "home"]
        command += ["--metrics-listen", f"127.0.0.1:{self.port}", *options]
        env = {**os.environ, "KUBECONFIG": str(path), "PYTHONPATH": str(ROOT / "operator")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def page(self, name: str) -> tuple[int, str]:
        return operator_page.page(self.port, name)

    def until(self, what: str, is_so: Callable[[], object]) -> None:
        end_s = time.monotonic() + GUARD_S
        while not is_so():
            assert time.monotonic() < end_s, f"waited for {what}\n{self.log.read_text()[-3000:]}"
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            time.sleep(0.05)


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as server:
        server.objects.put(POOL, pool())
        yield server


@pytest.fixture
def operator(server: ApiServer, tmp_path: Path) -> Iterator[OperatorProcess]:
    started = OperatorProcess(server, tmp_path)
    yield started
    started.process.kill()
    started.process.wait(GUARD_S)


def deployment(server: ApiServer) -> dict[str, Any]:
    return server.objects.by_path.get(DEPLOYMENT, {})


def holder(server: ApiServer) -> str:
    found = server.objects.by_path.get(f"{LEASES}/poolkeeper-operator", {})
    return str(found.get("spec", {}).get("holderIdentity", ""))


def edit(server: ApiServer, replicas: int) -> None:
    body = pool(generation=replicas)
    server.objects.put(POOL, {**body, "spec": {**mapping(body, "spec"), "router": {"replicas": replicas}}})


def works(operator: OperatorProcess, server: ApiServer, replicas: int) -> None:
    edit(server, replicas)
    operator.until("the edit to be applied", lambda: deployment(server).get("spec", {}).get("replicas") == replicas)


def test_it_works_is_ready_and_ends_with_the_lease_given_up(server: ApiServer, operator: OperatorProcess) -> None:
    works(operator, server, 3)
    operator.until("readiness", lambda: operator.page("readyz") == (200, "ok\n"))
    assert holder(server)

    operator.process.send_signal(signal.SIGTERM)

    assert operator.process.wait(GRACE_S) == 0
    assert holder(server) == ""


@pytest.mark.parametrize("plural", ["endpointpools", "pods"])
@pytest.mark.parametrize(
    "play",
    [hostile.error_event(500), hostile.page(), hostile.stream(b'{"type": "MODIFIED"}\n'), hostile.refusal(403)],
    ids=["ERROR 500", "HTML", "no object", "403"],
)
def test_after_an_answer_that_is_none_it_still_works_and_still_ends(
    server: ApiServer, operator: OperatorProcess, plural: str, play: hostile.Play
) -> None:
    works(operator, server, 3)
    server.play(plural, "watch", play, times=2)
    operator.until("the answers to be given", lambda: not server.is_playing)

    works(operator, server, 4)

    operator.process.send_signal(signal.SIGTERM)
    assert operator.process.wait(GRACE_S) == 0


def test_one_kind_that_cannot_be_watched_is_named_by_readyz_and_the_metric(
    server: ApiServer, operator: OperatorProcess
) -> None:
    works(operator, server, 3)
    server.play("pods", "watch", hostile.refusal(403), times=float("inf"))

    operator.until("readyz to name it", lambda: operator.page("readyz")[0] == 503)
    assert operator.page("readyz")[1].startswith("the watch of Pod: failing for ")
    assert operator.page("healthz")[0] == 200
    works(operator, server, 4)

    server.stop_playing()
    operator.until("readiness", lambda: operator.page("readyz") == (200, "ok\n"))


def test_when_nothing_can_be_watched_it_gives_up_the_lease_and_exits(
    server: ApiServer, operator: OperatorProcess
) -> None:
    works(operator, server, 3)
    for plural in KINDS:
        for verb in ("list", "watch"):
            server.play(plural, verb, hostile.error_event(500), times=float("inf"))

    assert operator.process.wait(GUARD_S) == 1
    assert holder(server) == ""
    assert "nothing can be watched" in operator.log.read_text()


def test_a_standby_says_so_and_takes_over(server: ApiServer, operator: OperatorProcess, tmp_path: Path) -> None:
    works(operator, server, 3)
    (tmp_path / "second").mkdir()
    second = OperatorProcess(server, tmp_path / "second")
    second.until("readiness of the second", lambda: second.page("readyz")[0] == 200)
    second.until("the reason", lambda: "stands by: waiting for the Lease" in second.page("readyz")[1])

    operator.process.send_signal(signal.SIGTERM)
    assert operator.process.wait(GRACE_S) == 0
    works(second, server, 4)

    second.process.kill()
    second.process.wait(GUARD_S)


def test_a_standby_has_everything_already_and_begins_with_what_changed_last(server: ApiServer, tmp_path: Path) -> None:
    for number in range(30):
        server.objects.put(f"{POOL}-{number}", pool(f"chat-{number}", uid=f"uid-{number}"))
    lease = {"holderIdentity": "other", "renewTime": "t", "leaseDurationSeconds": 3600}
    server.objects.put(f"{LEASES}/poolkeeper-operator", {"spec": lease})
    operator = OperatorProcess(server, tmp_path, "--parallel", "1")
    try:
        operator.until("it to stand by", lambda: "stands by: waiting for" in operator.page("readyz")[1])
        edit(server, 4)
        begun = len(server.asked)
        operator.until("it to look again", lambda: len(server.asked) > begun + 2)
        assert server.writes() == []

        begun = len(server.asked)
        server.objects.put(f"{LEASES}/poolkeeper-operator", {"spec": {**lease, "holderIdentity": ""}})
        operator.until("the edit to be applied", lambda: deployment(server).get("spec", {}).get("replicas") == 4)

        assert [one.path for one in server.asked[begun:] if one.verb == "list"] == []
        assert server.writes()[0].path.endswith("/chat-router")
    finally:
        operator.process.kill()
        operator.process.wait(GUARD_S)


def test_while_a_namespace_is_missing_the_others_are_served(server: ApiServer, tmp_path: Path) -> None:
    for plural in KINDS:
        for verb in ("list", "watch"):
            server.play(plural, verb, hostile.refusal(403), times=float("inf"), namespace="gone")
    operator = OperatorProcess(server, tmp_path, "--namespace", "team", "--namespace", "gone")
    try:
        works(operator, server, 3)
        operator.until("it to be left out", lambda: "namespace gone cannot be read" in operator.page("readyz")[1])
        assert operator.page("readyz")[0] == 200
        gone, team = (f'poolkeeper_namespace_readable{{namespace="{name}"}}' for name in ("gone", "team"))
        operator.until("the metric", lambda: f"{gone} 0.0" in operator.page("metrics")[1])
        assert f"{team} 1.0" in operator.page("metrics")[1]
        assert "namespace gone cannot be read and is left out" in operator.log.read_text()

        operator.process.send_signal(signal.SIGTERM)
        assert operator.process.wait(GRACE_S) == 0
    finally:
        operator.process.kill()
        operator.process.wait(GUARD_S)


def test_a_login_that_is_refused_for_a_while_costs_no_restart(server: ApiServer, operator: OperatorProcess) -> None:
    works(operator, server, 3)
    for plural in KINDS:
        server.play(plural, "watch", hostile.refusal(401), times=2)
    operator.until("the refusals", lambda: not server.is_playing)

    works(operator, server, 4)
