"""What one operator costs with so many pools: from a restart to all pools looked at, from an edit to its document, and
what it asks and writes while nothing happens."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from hack.bench.figures import percentile
from testing.chaos.client import Json, User
from testing.chaos.fleet import Fleet
from testing.chaos.history import CHILD
from testing.chaos.operator import Operator
from testing.chaos.proxy import Proxy
from testing.waiting import until

NAMESPACE = "scale"
ENDPOINTS = 4
ROUTERS = 2
AT_ONCE = 4
EDITS = 50
PATIENCE_S = 1800.0
LOOK_S = 0.02
SETTLED_S = 5.0
LOOKED_AT_A_SECOND = 100
"""Of pools, so that counting those that are ready costs little beside making them."""


@dataclass(frozen=True)
class Measured:
    """requests, writes, asked: a minute when idle. cpu_percent: of one core, when idle."""

    pools: int
    made_s: float
    restart_s: float
    edit_p50_s: float
    edit_p99_s: float
    memory_mib: float
    requests: float
    writes: float
    asked: float
    cpu_percent: float


@dataclass(frozen=True)
class Unreached:
    """A size that the machine had not made when the time was over: how many pools were ready by then, and what the
    operator took for them and for all that it knew of the others."""

    pools: int
    ready: int
    memory_mib: float


@dataclass(frozen=True)
class Bed:
    """until_s: of time.monotonic(); no size is made for longer."""

    user: User
    operator: Operator
    proxy: Proxy
    fleet: Fleet
    until_s: float


def measure(bed: Bed, known: int, pools: int, rest_s: float) -> Measured | Unreached:
    """known: how many there are already."""
    began_s = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as workers:
        list(workers.map(lambda number: bed.user.apply(_pool(number)), range(known, pools)))
    while (ready := _ready(bed.user, pools)) < pools:
        if time.monotonic() > bed.until_s:
            return Unreached(pools, ready, bed.operator.memory_mib)
    made_s = time.monotonic() - began_s
    restart_s = _restart(bed, pools)
    _wait_settled(bed)
    requests, writes, asked, cpu_percent = _rest(bed, rest_s)
    edits = [_edit(bed.user, number) for number in random.Random(pools).choices(range(pools), k=EDITS)]
    return Measured(
        pools=pools,
        made_s=made_s,
        restart_s=restart_s,
        edit_p50_s=percentile(edits, 50),
        edit_p99_s=percentile(edits, 99),
        memory_mib=bed.operator.memory_mib,
        requests=requests,
        writes=writes,
        asked=asked,
        cpu_percent=cpu_percent,
    )


def _pool(number: int) -> Json:
    endpoints = [
        {"name": f"endpoint-{one}", "url": f"https://provider-{one}.example.com/v1", "tier": one // 2}
        for one in range(ENDPOINTS)
    ]
    return {
        "apiVersion": "poolkeeper.dev/v1alpha1",
        "kind": "EndpointPool",
        "metadata": {"name": _name(number), "namespace": NAMESPACE},
        "spec": {"models": ["deepseek-flash"], "endpoints": endpoints, "router": {"replicas": ROUTERS}},
    }


def _name(number: int) -> str:
    return f"pool-{number}"


def _ready(user: User, pools: int) -> int:
    time.sleep(0.5 + pools / LOOKED_AT_A_SECOND)
    return sum(
        (one["type"], one["status"]) == ("Ready", "True")
        for body in user.list("EndpointPool", NAMESPACE)
        for one in body.get("status", {}).get("conditions", [])
    )


def _restart(bed: Bed, pools: int) -> float:
    """Until every pool has been looked at, and nothing is due."""
    bed.operator.end()
    began_s = time.monotonic()
    bed.operator.start()

    def is_current() -> bool:
        done = bed.operator.metric("poolkeeper_reconcile_total")
        return done >= pools and bed.operator.metric("poolkeeper_reconcile_queue_depth") == 0

    until(is_current, "every pool to be looked at", PATIENCE_S)
    return time.monotonic() - began_s


def _wait_settled(bed: Bed) -> None:
    known, since_s, until_s = -1, time.monotonic(), time.monotonic() + PATIENCE_S
    while time.monotonic() - since_s < SETTLED_S and time.monotonic() < until_s:
        if len(bed.proxy.writes) != known:
            known, since_s = len(bed.proxy.writes), time.monotonic()
        time.sleep(0.2)


def _rest(bed: Bed, rest_s: float) -> tuple[float, float, float, float]:
    before = (bed.proxy.requests, len(bed.proxy.writes), bed.fleet.asked, bed.operator.cpu_s)
    time.sleep(rest_s)
    after = (bed.proxy.requests, len(bed.proxy.writes), bed.fleet.asked, bed.operator.cpu_s)
    requests, writes, asked, cpu_s = (late - early for early, late in zip(before, after, strict=True))
    return 60 * requests / rest_s, 60 * writes / rest_s, 60 * asked / rest_s, 100 * cpu_s / rest_s


def _edit(user: User, number: int) -> float:
    """Seconds from an edit to the ConfigMap that has it."""
    name = f"{_name(number)}-{CHILD.partition('-')[2]}"
    before = user.get("ConfigMap", NAMESPACE, name)
    assert before is not None
    body = user.get("EndpointPool", NAMESPACE, _name(number))
    assert body is not None
    endpoints = [{**one, "weight": 1 + (one.get("weight", 100) + 7) % 100} for one in body["spec"]["endpoints"]]
    began_s = time.monotonic()
    user.merge("EndpointPool", NAMESPACE, _name(number), {"spec": {"endpoints": endpoints}})
    while True:
        now = user.get("ConfigMap", NAMESPACE, name)
        if now and now["data"] != before["data"]:
            return time.monotonic() - began_s
        assert time.monotonic() - began_s < PATIENCE_S
        time.sleep(LOOK_S)
