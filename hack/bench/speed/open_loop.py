"""Load by a plan that waits for no answer (open_loop.lua): latency counts from the planned time."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from hack.bench.speed.cases import FIRST_CONTENT, Case
from hack.bench.speed.first_content import message
from hack.bench.speed.measured import Measured
from testing.process import pinned

PROGRAM = Path(__file__).with_name("open_loop.lua")
CONNECTIONS = 256
PATIENCE_S = 60
SEED = 1


@dataclass(frozen=True)
class Spread:
    """Percentiles, in µs; 0 where there was nothing."""

    p50: float
    p90: float
    p99: float
    most: float


@dataclass(frozen=True)
class Seen:
    """late: how much later than planned requests were sent. A stream's gap: between two arrivals at its caller."""

    planned: int
    answered: int
    errors: int
    begun: int
    latency: Spread
    first: Spread
    gap: Spread
    late: Spread


def at_rate(
    gateway: Measured,
    case: Case,
    rate: int,
    seconds: float,
    folder: Path,
    core: int | None,
    connections: int = CONNECTIONS,
) -> Seen:
    """Requests of callers that know nothing of each other."""
    return _play(gateway, case, ("rate", rate, seconds, connections), folder, core)


def held(gateway: Measured, case: Case, streams: int, seconds: float, folder: Path, core: int | None) -> Seen:
    """Streams that begin within a second, and are read for `seconds` in all."""
    return _play(gateway, case, ("ramp", streams, seconds, streams), folder, core)


def _play(gateway: Measured, case: Case, plan: tuple[str, int, float, int], folder: Path, core: int | None) -> Seen:
    request = folder / "request"
    request.write_bytes(message(gateway, case))
    kind, amount, seconds, connections = plan
    port, mark = urlsplit(gateway.base_url).port or 80, FIRST_CONTENT.decode() if case.stream else ""
    words = [port, request, kind, amount, seconds, connections, SEED, mark]
    command = pinned(["luajit", str(PROGRAM), *map(str, words)], core)
    shown = subprocess.run(command, capture_output=True, text=True, timeout=seconds + PATIENCE_S, check=False)
    if shown.returncode:
        raise RuntimeError(f"{gateway.name}, {kind} of {amount}: {shown.stderr.strip()[-300:]}")
    return seen_of(shown.stdout)


def seen_of(printed: str) -> Seen:
    planned, answered, errors, begun, *spreads = json.loads(printed)
    latency, first, gap, late = (Spread(*values) for values in spreads)
    return Seen(planned, answered, errors, begun, latency, first, gap, late)
