"""A cold standby on a real API server, also where the operator is killed at each step. No node: routers are played
(testing.chaos.fleet), and this test says when Pods are ready."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from testing.chaos.client import Json, User
from testing.chaos.control_plane import ControlPlane
from testing.chaos.fleet import Fleet, answer_of
from testing.chaos.operator import Operator
from testing.waiting import until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]

NAMESPACE, PATIENCE_S = "standby", 120.0
BROKEN = {"health": "Unhealthy", "breaker": "Open", "reason": "BreakerOpen", "since": "2026-01-01T00:00:00Z"}


@dataclass
class Provider:
    """What routers report of the tier above."""

    is_down: bool = False
    in_flight: dict[str, int] = field(default_factory=dict)

    def says(self, pod: str, truth: Json) -> bytes | None:
        if not pod.startswith(f"{NAMESPACE}/"):
            return b""
        for one in truth.get("endpoints", ()):
            one["inFlight"] = self.in_flight.get(one["name"], 0)
            if one["name"] == "official" and self.is_down:
                one |= BROKEN
        serving = [one["tier"] for one in truth.get("endpoints", ()) if one["health"] == "Healthy"]
        return answer_of({**truth, "activeTier": min(serving, default=None)})


@dataclass
class Bed:
    user: User
    operator: Operator
    provider: Provider

    def deployment(self) -> Json:
        return self.user.get("Deployment", NAMESPACE, "llama") or {}

    def replicas(self) -> int:
        return int(self.deployment()["spec"]["replicas"])

    def endpoint(self, name: str) -> Json:
        pool = self.user.get("EndpointPool", NAMESPACE, "chat") or {}
        rows: list[Json] = pool.get("status", {}).get("endpoints", [])
        return next((row for row in rows if row["name"] == name), {})

    def state(self) -> str:
        return str(self.endpoint("own").get("standby", {}).get("state", ""))

    def wait(self, state: str, replicas: int | None = None) -> None:
        def look() -> bool:
            return self.state() == state and replicas in (None, self.replicas())

        try:
            until(look, f"{state}, {replicas} replicas", PATIENCE_S)
        except AssertionError as error:
            pool = json.dumps(self.user.get("EndpointPool", NAMESPACE, "chat"), indent=1)
            raise AssertionError(
                f"{error}; seen {self.state()}, {self.replicas()}\n{pool}\n{self.operator.tail()}"
            ) from None

    def be_ready(self) -> None:
        """Of its Pods as many as there are to be."""
        until(lambda: len(self._pods()) == self.replicas(), "its Pods", PATIENCE_S)
        ready = [{"type": kind, "status": "True"} for kind in ("Ready", "ContainersReady")]
        for pod in self._pods():
            status = {"phase": "Running", "conditions": ready}
            self.user.merge("Pod", NAMESPACE, pod["metadata"]["name"], {"status": status}, "status")

    def _pods(self) -> list[Json]:
        return self.user.list("Pod", NAMESPACE, "app=llama")

    def say(self, standby: Json | None) -> None:
        """Into the pool's status, where the operator has said something else about it."""
        pool = self.user.get("EndpointPool", NAMESPACE, "chat") or {}
        rows = [{**row, "standby": standby} if row["name"] == "own" else row for row in pool["status"]["endpoints"]]
        rows = [{key: value for key, value in row.items() if value is not None} for row in rows]
        self.user.merge("EndpointPool", NAMESPACE, "chat", {"status": {"endpoints": rows}}, "status")

    def scale(self, replicas: int) -> None:
        self.user.merge("Deployment", NAMESPACE, "llama", {"spec": {"replicas": replicas}}, "scale")


def _pool(cool_down: str = "1s") -> Json:
    standby = {"deploymentRef": {"name": "llama"}, "replicas": 2, "wakeAfter": "0s", "coolDown": cool_down}
    endpoints = [
        {"name": "official", "url": "https://deepseek.example/v1"},
        {"name": "own", "url": "https://own.example/v1", "tier": 1, "standby": standby},
    ]
    spec = {"models": ["m"], "endpoints": endpoints, "router": {"replicas": 1}, "failoverPolicyRef": {"name": "quick"}}
    return {"kind": "EndpointPool", "metadata": {"name": "chat", "namespace": NAMESPACE}, "spec": spec}


def _objects() -> Iterator[Json]:
    labels = {"app": "llama"}
    container = {"name": "llama", "image": "llama:1"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    yield {
        "kind": "Deployment",
        "metadata": {"name": "llama", "namespace": NAMESPACE},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
    }
    yield {
        "kind": "FailoverPolicy",
        "metadata": {"name": "quick", "namespace": NAMESPACE},
        "spec": {"failback": {"stabilization": "0s"}},
    }
    yield _pool()


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    folder, provider = tmp_path_factory.mktemp("standby"), Provider()
    with ControlPlane.start(folder / "plane") as plane, Fleet(plane.url, plane.token, provider.says, NAMESPACE):
        user = User(plane.url, plane.token)
        user.make_namespace(NAMESPACE)
        for body in _objects():
            user.apply(body)
        operator = Operator(
            folder, plane.url, plane.token,
            ["--no-leader-elect", "--namespace", NAMESPACE, "--flapping-pace-seconds", "0"],
        )  # fmt: skip
        operator.start()
        found = Bed(user, operator, provider)
        try:
            found.wait("Asleep", 0)
            yield found
        finally:
            operator.end()
            user.close()


def test_woken_awake_cooling_and_back_to_zero_also_for_an_operator_that_is_killed_at_each_step(bed: Bed) -> None:
    bed.provider.is_down = True
    bed.wait("Waking", 2)
    bed.operator.kill()
    bed.operator.start()
    bed.be_ready()
    bed.wait("Awake", 2)

    bed.provider.in_flight["own"] = 1
    bed.operator.kill()
    bed.provider.is_down = False
    bed.operator.start()
    bed.wait("Draining", 2)
    bed.operator.kill()
    bed.operator.start()
    bed.wait("Draining", 2)

    bed.provider.in_flight.clear()
    bed.wait("Asleep", 0)


def test_what_somebody_sets_is_left_and_an_outage_in_which_it_was_set_to_zero_wakes_it_no_more(bed: Bed) -> None:
    bed.scale(1)
    bed.wait("LeftAlone", 1)
    bed.provider.is_down = True
    until(lambda: bed.endpoint("official").get("breaker") == "Open", "the outage to be known", PATIENCE_S)
    bed.scale(0)
    bed.wait("HeldDown", 0)
    bed.provider.is_down = False
    bed.wait("Asleep", 0)
    bed.provider.is_down = True
    bed.wait("Waking", 2)
    bed.provider.is_down = False
    bed.wait("Asleep", 0)


def test_an_operator_that_died_after_it_said_so_and_before_it_scaled_is_finished_by_the_next_one(bed: Bed) -> None:
    """And a status that was lost makes its replicas somebody else's."""
    bed.operator.kill()
    bed.say({"state": "Asleep", "since": "2026-01-01T00:00:00Z", "deployment": "llama", "replicas": 2})
    bed.provider.is_down = True
    bed.operator.start()
    bed.wait("Waking", 2)

    bed.operator.kill()
    bed.say(None)
    bed.provider.is_down = False
    bed.operator.start()
    bed.wait("LeftAlone", 2)
    bed.scale(0)
    bed.wait("Asleep", 0)
