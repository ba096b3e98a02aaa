"""The router with one, two and four workers: does a request cost more where they share their state, do they share the
load, and does any wait for a lock?

What a second worker adds can be seen only on a machine with more cores than two: one has the load and the provider. So
the cost of a request is what is compared.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hack.bench.figures import median, table
from hack.bench.speed.baselines import KEY, cores
from hack.bench.speed.cases import TINY
from hack.bench.speed.load import saturate, warm_up
from hack.bench.speed.measured import Measured
from hack.bench.speed.process_usage import running_us
from hack.bench.speed.provider import provider
from testing.gateways.gateway import HOST, Endpoint, Pool
from testing.gateways.poolkeeper import Poolkeeper

COUNTS = (1, 2, 4)
ROUND_S = 2
SAMPLES_PER_S = 1999
LOCKS = re.compile(r"shmtx|spin_?lock_slowpath|queued_spin|futex|sched_yield|rwsem")
NUMBER = "POOLKEEPER_WORKERS"
HOW = """Tiny JSON at full speed, the workers on any core; the load and the provider have one of them. So requests a second grow
with the workers only on a machine with more cores than two; what is compared is what a request costs where workers share
breakers, slots and counters. *In locks*: samples in functions that take a lock or wait for one. A chart's router has as
many workers as its CPU limit (else its request) has cores, rounded up."""  # noqa: E501


@dataclass(frozen=True)
class Round:
    """cpu_us: a request's, of all workers; least: the share of the CPU time that the least busy worker had."""

    rate: float
    cpu_us: float
    least: float


@dataclass(frozen=True)
class Workers:
    """locks_percent: samples in functions that take or wait for a lock; None: perf may not look."""

    count: int
    rounds: Sequence[Round]
    locks_percent: float | None


def workers(rounds: int) -> list[Workers]:
    with TemporaryDirectory(prefix="poolkeeper-bench-") as made, ExitStack() as stack:
        folder, core = Path(made), cores()[0]
        port, _ = stack.enter_context(provider(folder / "provider", core))
        pool = Pool([Endpoint("provider", f"http://{HOST}:{port}{TINY.path}", KEY)])
        routers = {count: stack.enter_context(_router(folder / str(count), pool, count)) for count in COUNTS}
        for router, _ in routers.values():
            warm_up(router, TINY)
            saturate(router, TINY, 1, folder, core)
        found: dict[int, list[Round]] = {count: [] for count in COUNTS}
        for _ in range(rounds):
            for count, (router, pids) in routers.items():
                found[count].append(_round(router, pids, folder, core))
        return [
            Workers(count, found[count], _locks_percent(router, pids, folder, core))
            for count, (router, pids) in routers.items()
        ]


@contextmanager
def _router(folder: Path, pool: Pool, count: int) -> Iterator[tuple[Measured, Sequence[int]]]:
    """On any core."""
    before = os.environ.get(NUMBER)
    os.environ[NUMBER] = str(count)
    try:
        with Poolkeeper().start(folder, pool) as running:
            yield Measured(Poolkeeper.name, "", running.base_url, running.pid), _beside(running.pid)
    finally:
        if before is None:
            del os.environ[NUMBER]
        else:
            os.environ[NUMBER] = before


def _beside(worker: int) -> Sequence[int]:
    """All workers of the same master."""
    master = int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1])
    return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


def _round(router: Measured, pids: Sequence[int], folder: Path, core: int | None) -> Round:
    before = [running_us(pid) for pid in pids]
    load = saturate(router, TINY, ROUND_S, folder, core)
    spent = [running_us(pid) - earlier for pid, earlier in zip(pids, before, strict=True)]
    return Round(load.rate, sum(spent) / load.requests, min(spent) / sum(spent))


def _locks_percent(router: Measured, pids: Sequence[int], folder: Path, core: int | None) -> float | None:
    if shutil.which("perf") is None:
        return None
    data = folder / "locks.data"
    command = ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(SAMPLES_PER_S), "-p", ",".join(map(str, pids))]
    watching = subprocess.Popen(
        [*command, "-o", str(data), "--", "sleep", str(ROUND_S)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    saturate(router, TINY, ROUND_S, folder, core)
    if watching.wait() or not data.is_file():
        return None
    report = ["perf", "report", "-i", str(data), "--stdio", "-q", "--sort", "sym"]
    return locks_of(subprocess.run(report, capture_output=True, text=True, check=False).stdout)


def locks_of(report: str) -> float:
    """Of lines "  1.20%  [k] symbol"."""
    lines = re.findall(r"^\s*([\d.]+)%\s+\[.\]\s+(\S+)", report, re.MULTILINE)
    return sum(float(share) for share, symbol in lines if LOCKS.search(symbol))


def section(found: Sequence[Workers]) -> str:
    head = ["workers", "requests/s", "CPU µs a request", "to one worker", "least busy one's share", "in locks"]
    one = median(each.cpu_us for each in found[0].rounds)
    rows = []
    for its in found:
        cpu = median(each.cpu_us for each in its.rounds)
        rows.append([
            str(its.count), f"{median(each.rate for each in its.rounds):,.0f}", f"{cpu:.1f}", f"{cpu / one:.2f}",
            f"{median(each.least for each in its.rounds):.0%} of {1 / its.count:.0%}",
            "not seen" if its.locks_percent is None else f"{its.locks_percent:.1f} %",
        ])  # fmt: skip
    return f"## More than one worker\n\n{HOW}\n\n{table(head, rows)}"
