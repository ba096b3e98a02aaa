"""What one operator costs with so many pools: from a restart to all pools looked at, from an edit to its document, and
what it asks and writes while nothing happens."""

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from hack.bench.figures import percentile
from hack.bench.scale.cpu import cpu_of_all_s
from testing.chaos.client import User
from testing.chaos.fleet import Fleet
from testing.chaos.history import CHILD
from testing.chaos.operator import Operator
from testing.chaos.proxy import Proxy
from testing.fakes.kube import one_of_many
from testing.waiting import until

NAMESPACE = "scale"
AT_ONCE = 4
EDITS = 50
PATIENCE_S = 1800.0
LOOK_S = 0.02
SETTLED_S = 5.0
LOOKED_AT_A_SECOND = 100
"""Of pools, so that counting those that are ready costs little beside making them."""


@dataclass(frozen=True)
class Took:
    """cpu_s: of the operator. bed_cpu_s: of all that stands for a cluster, and of what measures."""

    seconds: float
    cpu_s: float
    bed_cpu_s: float


@dataclass(frozen=True)
class Measured:
    """requests, writes, asked: a minute when idle. cpu_percent: of one core, when idle. made, restart: what it took to
    make the pools that were added, and to start again."""

    pools: int
    made: Took
    restart: Took
    restart_writes: int
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

    def clock(self) -> tuple[float, float, float]:
        """Now, and the CPU time so far: of the operator, of the bed."""
        operator_s = self.operator.cpu_s
        return time.monotonic(), operator_s, cpu_of_all_s(os.getpid()) - operator_s

    def since(self, before: tuple[float, float, float]) -> Took:
        return Took(*(now - then for now, then in zip(self.clock(), before, strict=True)))


def measure(bed: Bed, known: int, pools: int, rest_s: float) -> Measured | Unreached:
    """known: how many there are already."""
    before = bed.clock()
    with ThreadPoolExecutor(AT_ONCE) as workers:
        list(
            workers.map(lambda number: bed.user.apply(one_of_many.pool(_name(number), NAMESPACE)), range(known, pools))
        )
    while (ready := _ready(bed.user, pools)) < pools:
        if time.monotonic() > bed.until_s:
            return Unreached(pools, ready, bed.operator.memory_mib)
    made = bed.since(before)
    _wait_settled(bed)
    restart, restart_writes = _restart(bed, pools)
    _wait_settled(bed)
    requests, writes, asked, cpu_percent = _rest(bed, rest_s)
    edits = [_edit(bed.user, number) for number in random.Random(pools).choices(range(pools), k=EDITS)]
    return Measured(
        pools=pools,
        made=made,
        restart=restart,
        restart_writes=restart_writes,
        edit_p50_s=percentile(edits, 50),
        edit_p99_s=percentile(edits, 99),
        memory_mib=bed.operator.memory_mib,
        requests=requests,
        writes=writes,
        asked=asked,
        cpu_percent=cpu_percent,
    )


def _name(number: int) -> str:
    return f"pool-{number}"


def _ready(user: User, pools: int) -> int:
    time.sleep(0.5 + pools / LOOKED_AT_A_SECOND)
    return sum(
        (one["type"], one["status"]) == ("Ready", "True")
        for body in user.list("EndpointPool", NAMESPACE)
        for one in body.get("status", {}).get("conditions", [])
    )


def _restart(bed: Bed, pools: int) -> tuple[Took, int]:
    """Until every pool has been looked at, and nothing is due; and how many writes that took."""
    bed.operator.end()
    written, began_s, bed_cpu_s = len(bed.proxy.writes), time.monotonic(), cpu_of_all_s(os.getpid())
    bed.operator.start()

    def is_current() -> bool:
        done = bed.operator.metric("poolkeeper_reconcile_total")
        return done >= pools and bed.operator.metric("poolkeeper_reconcile_queue_depth") == 0

    until(is_current, "every pool to be looked at", PATIENCE_S)
    return bed.since((began_s, 0.0, bed_cpu_s)), len(bed.proxy.writes) - written


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
