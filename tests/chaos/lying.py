"""Routers and probes that lie, one pool each, all at once, through a real operator; and what is seen of it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from poolkeeper.api import labels
from poolkeeper.kube.client import RESOURCES
from testing.chaos.client import Json, User
from testing.chaos.control_plane import ControlPlane
from testing.chaos.history import OFFICIAL
from testing.chaos.lies import MESSAGES, STATES
from testing.chaos.operator import Operator
from testing.waiting import until

NAMESPACE = "lies"
HONEST = "honest"
LYING_S = 20.0
"""Ten rounds of questions."""
QUIET_S = 6.0
PATIENCE_S = 120.0


@dataclass
class Liars:
    """Pool -> its lie, while they lie."""

    lies: dict[str, str] = field(default_factory=dict)

    def says(self, pod: str, truth: Json) -> bytes | None:
        pool = pod.partition("/")[2].rpartition("-router-")[0]
        return STATES[self.lies[pool]](truth) if pool in self.lies else b""


@dataclass
class Seen:
    """By pool: the status while lied to, and after. writes: the versions that it had."""

    meanwhile: dict[str, Json] = field(default_factory=dict)
    versions: dict[str, set[str]] = field(default_factory=dict)
    before: dict[str, Json] = field(default_factory=dict)
    after: dict[str, Json] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    lives: int = 0
    log: str = ""
    cpu_s: float = 0.0
    memory_mib: float = 0.0


def state_pool(number: int) -> str:
    return f"state-{number}"


def lie(plane: ControlPlane, folder: Path, liars: Liars) -> Seen:
    """liars: of the fleet that answers for the routers."""
    found, user = Seen(), User(plane.url, plane.token)
    user.make_namespace(NAMESPACE)
    operator = Operator(folder, plane.url, plane.token, ["--no-leader-elect", "--namespace", NAMESPACE])
    pools = [HONEST, *map(state_pool, range(len(STATES))), *(f"probe-{n}" for n in range(len(MESSAGES)))]
    for pool in pools:
        user.apply(_pool(pool))
    operator.start()
    try:
        until(lambda: _all_ready(user, pools), "all pools to be ready", PATIENCE_S)
        _wait_quiet(user)
        found.before = _statuses(user)
        liars.lies = {state_pool(number): lie for number, lie in enumerate(STATES)}
        for number, message in enumerate(MESSAGES.values()):
            _leave(user, f"probe-{number}", message)
        cpu_s, until_s = operator.cpu_s, time.monotonic() + LYING_S
        while time.monotonic() < until_s:
            for body in user.list("EndpointPool", NAMESPACE):
                name = body["metadata"]["name"]
                found.versions.setdefault(name, set()).add(body["metadata"]["resourceVersion"])
                found.meanwhile[name] = body["status"]
            time.sleep(0.5)
        found.cpu_s = operator.cpu_s - cpu_s
        found.memory_mib = operator.memory_mib
        liars.lies = {}
        until(lambda: _same(found.before, _statuses(user)), "all to be as before", PATIENCE_S)
        found.after = _statuses(user)
        found.lives = operator.lives if operator.is_running else 0
    finally:
        operator.kill()
    found.log = operator.log.read_text("utf-8", "replace")
    user.close()
    return found


def _pool(name: str) -> Json:
    spec: Json = {"models": ["deepseek-flash"], "endpoints": [OFFICIAL], "router": {"replicas": 1}}
    if name.startswith("probe-"):
        spec["probe"] = {"schedule": "0 0 1 1 *"}
    return {
        "apiVersion": "poolkeeper.dev/v1alpha1",
        "kind": "EndpointPool",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": spec,
    }


def _all_ready(user: User, pools: list[str]) -> bool:
    ready = [
        body["metadata"]["name"]
        for body in user.list("EndpointPool", NAMESPACE)
        for one in body.get("status", {}).get("conditions", [])
        if (one["type"], one["status"]) == ("Ready", "True")
    ]
    return sorted(ready) == sorted(pools)


def _wait_quiet(user: User) -> None:
    """No pool has changed for a while."""
    known, since_s, until_s = "", time.monotonic(), time.monotonic() + PATIENCE_S
    while time.monotonic() - since_s < QUIET_S:
        assert time.monotonic() < until_s, "the pools never come to rest"
        seen = str([body["metadata"]["resourceVersion"] for body in user.list("EndpointPool", NAMESPACE)])
        known, since_s = (known, since_s) if seen == known else (seen, time.monotonic())
        time.sleep(0.5)


def _statuses(user: User) -> dict[str, Json]:
    return {body["metadata"]["name"]: body["status"] for body in user.list("EndpointPool", NAMESPACE)}


def _same(before: Mapping[str, Json], now: Mapping[str, Json]) -> bool:
    return {name: meaning(status) for name, status in before.items()} == {
        name: meaning(status) for name, status in now.items()
    }


def meaning(status: Json) -> object:
    """Without times; a last probe may stay: it is a record of what was said."""

    def without(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without(one) for key, one in value.items() if key not in ("lastTransitionTime", "lastProbe")}
        return [without(one) for one in value] if isinstance(value, list) else value

    return without(status)


def _leave(user: User, pool: str, message: str) -> None:
    """A finished Pod of a Job of the pool's CronJob, with this termination message."""
    cron = user.get("CronJob", NAMESPACE, f"{pool}-probe")
    assert cron is not None
    template = cron["spec"]["jobTemplate"]
    shown = {labels.POOL: pool, labels.COMPONENT: "probe"}
    user.apply(
        {
            "kind": "Job",
            "metadata": {**_owned(f"{pool}-probe-1", cron, "CronJob"), "labels": shown},
            "spec": {**template["spec"], "suspend": True},
        }
    )
    job = user.get("Job", NAMESPACE, f"{pool}-probe-1")
    assert job is not None
    container = {"name": "probe", "image": "probe:1"}
    user.apply(
        {
            "kind": "Pod",
            "metadata": {**_owned(f"{pool}-probe-1-a", job, "Job"), "labels": shown},
            "spec": {"containers": [container], "restartPolicy": "Never"},
        }
    )
    text = message.replace("NAMESPACE", NAMESPACE).replace("NAME", pool)
    ended = {"exitCode": 0, "message": text, "finishedAt": "2026-11-28T00:00:01Z", "startedAt": "2026-11-28T00:00:00Z"}
    done = {"name": "probe", "image": "probe:1", "imageID": "", "ready": False, "restartCount": 0}
    status = {"phase": "Succeeded", "containerStatuses": [{**done, "state": {"terminated": ended}}]}
    user.merge("Pod", NAMESPACE, f"{pool}-probe-1-a", {"status": status}, "status")


def _owned(name: str, owner: Json, kind: str) -> Json:
    reference = {
        "apiVersion": RESOURCES[kind].api_version,
        "kind": kind,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    return {"name": name, "namespace": NAMESPACE, "ownerReferences": [reference]}
