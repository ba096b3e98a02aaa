"""Where a gateway's time goes: a sampling profile by the program or library that was running, and its system calls.

Counts, made while wrk plays: shares of `perf record` times the CPU time of a request, and `strace -c`'s counts over the
requests. Both need a machine that lets one process look at another; without them the page has the rest.
"""

import re
import shutil
import signal
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hack.bench.speed.cases import Case
from hack.bench.speed.load import Load, saturate
from hack.bench.speed.measured import Measured

SAMPLES_PER_S = 1999
PLACES = {
    "[kernel.kallsyms] [k] _raw_spin_unlock_irqrestore": "kernel: waking others",
    "[kernel.kallsyms]": "kernel: all else",
    "nginx": "nginx",
    "ngx_http_lua_module.so": "nginx's Lua module",
    "libluajit-5.1.so.2": "LuaJIT: interpreter, strings, tables, GC",
    "[JIT]": "Lua as machine code",
    "libc.so.6": "libc",
}
"""What perf's line starts with. To wake a process on another core is dear in a virtual machine, and needed only when it
sleeps: the slower a gateway, the more often."""
OTHER = "else"


@dataclass(frozen=True)
class Profile:
    """Of a request: CPU time by place, and the number of each system call."""

    cpu_us: Mapping[str, float]
    syscalls: Mapping[str, float]


def profile(gateway: Measured, case: Case, seconds: int, folder: Path, core: int | None) -> Profile:
    return Profile(
        cpu_us_by_place(gateway, case, seconds, folder, core), _syscalls(gateway, case, seconds, folder, core)
    )


def places(report: str, cpu_us: float) -> dict[str, float]:
    """Of lines "  42.88%  program  [k] symbol": a request's CPU time by place."""
    found: dict[str, float] = defaultdict(float)
    for share, line in re.findall(r"^\s*([\d.]+)%\s+(\S.*?)\s*$", report, re.MULTILINE):
        name = " ".join(line.split())
        place = next((place for prefix, place in PLACES.items() if name.startswith(prefix)), OTHER)
        found[place] += float(share) / 100 * cpu_us
    return dict(found)


def calls(table: str, requests: float) -> dict[str, float]:
    """Of strace's summary: calls a request, most frequent first."""
    rows = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", table, re.MULTILINE)
    counts = {name: int(count) / requests for count, name in rows if name != "total"}
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def cpu_us_by_place(gateway: Measured, case: Case, seconds: int, folder: Path, core: int | None) -> dict[str, float]:
    """Of a request; empty where perf may not look."""
    data = folder / "perf.data"
    command = [
        "perf",
        "record",
        "-q",
        "-e",
        "cpu-clock",
        "-F",
        str(SAMPLES_PER_S),
        "-p",
        str(gateway.pid),
        "-o",
        str(data),
    ]
    played = _watched([*command, "--", "sleep", str(seconds)], gateway, case, seconds, folder, core)
    if played is None or not data.is_file():
        return {}
    report = ["perf", "report", "-i", str(data), "--stdio", "-q", "--sort", "dso,sym"]
    shown = subprocess.run(report, capture_output=True, text=True, check=False).stdout
    return places(shown, played.cpu_us)


def _syscalls(gateway: Measured, case: Case, seconds: int, folder: Path, core: int | None) -> dict[str, float]:
    table = folder / "strace.txt"
    played = _watched(
        ["strace", "-c", "-f", "-p", str(gateway.pid), "-o", str(table)], gateway, case, seconds, folder, core
    )
    if played is None or not table.is_file():
        return {}
    return calls(table.read_text(), played.rate * seconds)


def _watched(
    watcher: list[str], gateway: Measured, case: Case, seconds: int, folder: Path, core: int | None
) -> Load | None:
    """Plays while the watcher looks on; None where there is no such program or it may not look."""
    if shutil.which(watcher[0]) is None:
        return None
    watching = subprocess.Popen(watcher, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return saturate(gateway, case, seconds, folder, core)
    finally:
        watching.send_signal(signal.SIGINT)
        watching.wait()
