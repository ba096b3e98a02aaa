"""What a user does in one run, step by step, and what is left after each step: the oracle.

The first run is without faults and is written down. Every later run must come to the same after each step, with the
same creates and deletes, and write nothing once it has.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from poolkeeper.kube.store import CHILD_KINDS
from testing.chaos.client import Json, User
from testing.chaos.control_plane import ControlPlane
from testing.chaos.faults import NO_FAULTS, Faults, What
from testing.chaos.objects import difference, still
from testing.chaos.operator import Operator
from testing.chaos.proxy import Proxy

KINDS = ("EndpointPool", "FailoverPolicy", *CHILD_KINDS)
POOL, POLICY, CHILD = "chat", "strict", "chat-router"
STEP_S = 150.0
SWEEP_S = 10
"""A lost event is found by the sweep. By default it runs once a minute, which is long to wait."""
QUIET_S = 2.0
LOOK_S = 0.1
LOOK_ANYWAY_S = 1.0
"""A look is ten lists. Where the proxy saw nothing pass, few are enough."""

Does = Callable[[User, str], None]


@dataclass(frozen=True)
class Step:
    """is_ready: the pool, after it."""

    name: str
    does: Does
    is_ready: bool = True


@dataclass
class Outcome:
    """wrong: in words, nothing when all is as it was without faults. version: of what was played, for a record."""

    states: list[Json] = field(default_factory=list)
    lasting: Counter[str] = field(default_factory=Counter)
    writes: int = 0
    events: int = 0
    lives: int = 0
    done: Counter[What] = field(default_factory=Counter)
    writes_at_rest: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0
    version: str = ""


def run(
    plane: ControlPlane,
    folder: Path,
    namespace: str,
    faults: Faults = NO_FAULTS,
    ideal: Outcome | None = None,
    steps: Sequence[Step] | None = None,
    rest_s: float = 3.0,
) -> Outcome:
    """ideal: of the run without faults; without it, this is that run. A list is remembered after the first step and
    given again to a life that starts after the last but one."""
    steps, began_s, found = steps or STEPS, time.monotonic(), Outcome()
    user = User(plane.url, plane.token)
    user.make_namespace(namespace)
    operators: list[Operator] = []
    with Proxy(plane.url, plane.token, faults, lambda: operators[0].kill()) as proxy:
        operator = Operator(folder / namespace, proxy.url, options=_options(namespace))
        operators.append(operator)
        operator.start()
        try:
            for number, step in enumerate(steps):
                step.does(user, namespace)
                wanted = ideal.states[number] if ideal else None
                found.states.append(_settled(user, namespace, proxy, operator, step, wanted, found.wrong))
                if found.wrong:
                    break
                if number == 0:
                    proxy.remember()
                elif number == len(steps) - 2 and any(fault.what is What.STALE for fault in faults.all):
                    operator.kill()
            proxy.stop()
            found.writes_at_rest = _rest(proxy, rest_s)
        finally:
            operator.kill()
        found.lasting, found.writes, found.events = proxy.lasting, len(proxy.writes), proxy.events
        found.lives, found.done = operator.lives, proxy.done
    if ideal:
        found.wrong += [f"written when idle: {what}" for what in found.writes_at_rest]
        found.wrong += _different(ideal.lasting, found.lasting) if not found.wrong else []
    if "this should not happen" in operator.tail(10_000_000):
        found.wrong.append(f"a bug in the log: {operator.log}")
    (folder / namespace / "outcome.txt").write_text("\n".join(found.wrong) or "as without faults")
    _forget(user, namespace)
    user.close()
    found.seconds = time.monotonic() - began_s
    return found


def _options(namespace: str) -> list[str]:
    return ["--no-leader-elect", "--namespace", namespace, "--sweep-seconds", str(SWEEP_S)]


def state(user: User, namespace: str) -> Json:
    """All that is left, without what moves by itself: "Kind name" -> object."""
    found: Json = {}
    for kind in KINDS:
        for body in user.list(kind, namespace):
            name = body["metadata"]["name"]
            if kind == "ConfigMap" and name == "kube-root-ca.crt":
                continue
            found[f"{kind} {name}"] = still(body, namespace, keep_status=kind in KINDS[:2])
    return found


def _settled(
    user: User, namespace: str, proxy: Proxy, operator: Operator, step: Step, wanted: Json | None, wrong: list[str]
) -> Json:
    """The state after a step: when it is as wanted, or without faults when nothing has been written for a while."""
    until_s = time.monotonic() + STEP_S
    changed_s, known, looked_s = time.monotonic(), (0, 0), 0.0
    while True:
        if not operator.is_running:
            operator.start()
        now_s, passed = time.monotonic(), (len(proxy.writes), proxy.events)
        if passed == known and now_s - looked_s < LOOK_ANYWAY_S:
            time.sleep(LOOK_S)
            continue
        looked_s, changed_s, known = now_s, now_s if passed != known else changed_s, passed
        seen = state(user, namespace)
        is_quiet = now_s - changed_s > QUIET_S and _is_reported(seen, step.is_ready)
        if is_quiet if wanted is None else not difference(wanted, seen):
            return seen
        if now_s > until_s:
            why = difference(wanted, seen) if wanted is not None else "it never comes to rest"
            wrong.append(f"{step.name}: after {STEP_S:.0f} s {why}; log: {operator.log}")
            return seen
        time.sleep(LOOK_S)


def _is_reported(seen: Json, is_ready: bool) -> bool:
    """The status is about what the pool is now, and no roll-out is under way."""
    statuses = [body.get("status", {}) for name, body in seen.items() if name.startswith("EndpointPool ")]
    ready = [one["status"] for status in statuses for one in status.get("conditions", []) if one["type"] == "Ready"]
    return all(status.get("isCurrent") for status in statuses) and ready == ["True" if is_ready else "False"]


def _rest(proxy: Proxy, rest_s: float) -> list[str]:
    """What is written although nothing happens any more; what is on its way may still arrive."""
    time.sleep(min(1.0, rest_s))
    before = len(proxy.writes)
    time.sleep(rest_s)
    return [write.what for write in proxy.writes[before:]]


def _different(wanted: Counter[str], seen: Counter[str]) -> list[str]:
    names = sorted(name for name in wanted.keys() | seen.keys() if wanted[name] != seen[name])
    return [f"{name}: {wanted[name]} times without faults, {seen[name]} times with them" for name in names]


def _forget(user: User, namespace: str) -> None:
    for kind in KINDS[:2]:
        for body in user.list(kind, namespace):
            user.delete(kind, namespace, body["metadata"]["name"])


# --- the steps

OFFICIAL = {"name": "official", "provider": "DeepSeek", "url": "https://deepseek.example/v1"}
AGGREGATOR = {"name": "aggregator", "provider": "OpenRouter", "url": "https://router.example/v1", "tier": 1}


def pool(namespace: str, endpoints: Sequence[Json] = (OFFICIAL,), policy: str = POLICY, **spec: Any) -> Json:
    return {
        "apiVersion": "poolkeeper.dev/v1alpha1",
        "kind": "EndpointPool",
        "metadata": {"name": POOL, "namespace": namespace},
        "spec": {
            "models": ["deepseek-flash"],
            "endpoints": list(endpoints),
            "failoverPolicyRef": {"name": policy},
            "router": {"replicas": 1},
            **spec,
        },
    }


def policy(namespace: str, attempts: int) -> Json:
    return {
        "apiVersion": "poolkeeper.dev/v1alpha1",
        "kind": "FailoverPolicy",
        "metadata": {"name": POLICY, "namespace": namespace},
        "spec": {"retry": {"maxAttempts": attempts}},
    }


def _create(user: User, namespace: str) -> None:
    user.apply(policy(namespace, 2))
    user.apply(pool(namespace))


def _grow(user: User, namespace: str) -> None:
    # Bounds that hold before and after: else the autoscaler would change the pool too, whenever it comes round.
    scaled = {"replicas": 2, "autoscaling": {"minReplicas": 1, "maxReplicas": 4}}
    user.apply(pool(namespace, (OFFICIAL, AGGREGATOR), router=scaled, probe={"schedule": "0 0 1 1 *"}))


def _change_policy(user: User, namespace: str) -> None:
    user.apply(policy(namespace, 5))


def _shrink(user: User, namespace: str) -> None:
    user.apply(pool(namespace))


def _meddle(user: User, namespace: str) -> None:
    user.delete("Service", namespace, CHILD)
    user.merge("ConfigMap", namespace, CHILD, {"data": {"router.json": "{}"}})
    user.merge("PodDisruptionBudget", namespace, CHILD, {"spec": {"maxUnavailable": 0}})


def _break(user: User, namespace: str) -> None:
    user.apply(pool(namespace, policy="of-nobody"))


def _mend(user: User, namespace: str) -> None:
    user.apply(pool(namespace))


def _again(user: User, namespace: str) -> None:
    user.delete("EndpointPool", namespace, POOL)
    user.apply(pool(namespace, (OFFICIAL, AGGREGATOR)))


STEPS: tuple[Step, ...] = (
    Step("create", _create),
    Step("grow: an endpoint, an autoscaler, a probe", _grow),
    Step("change the policy", _change_policy),
    Step("shrink", _shrink),
    Step("delete one child, edit two others", _meddle),
    Step("refer to a policy that does not exist", _break, is_ready=False),
    Step("refer to the right one", _mend),
    Step("delete the pool and make it again", _again),
)
