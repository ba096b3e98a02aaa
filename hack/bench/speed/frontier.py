"""The frontier: how many requests a second a gateway answers while their 99th percentile stays within a bound; how many
streams it holds without a stall; what it does to the gaps in a stream; its memory before, under and after load.

All by a plan that waits for no answer (open_loop.py), all gateways in turn, round by round.
"""

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from hack.bench.speed.baselines import DIRECT, LITELLM, cores, started
from hack.bench.speed.cases import PACED, TINY
from hack.bench.speed.idle_streams import many_files
from hack.bench.speed.load import saturate, warm_up
from hack.bench.speed.measured import Measured
from hack.bench.speed.open_loop import Seen, at_rate, held
from hack.bench.speed.process_usage import memory_kib

SHARES_PERCENT = (8, 20, 40, 60, 75, 88, 97)
"""Of what a gateway answers at full speed: the rates of a sweep."""
STEP_S = 1.0
REQUESTS_MIN = 100
"""Of a step: a slow gateway's takes longer."""
SLOW_ROUNDS = 2
STREAMS = (1000, 4000)
HELD_S = 3.0
REST_S = 0.5
STEADY_RATE, STEADY_SHARE = 1000, 0.3
SLICE_S = 5.0


@dataclass(frozen=True)
class Step:
    """rate: planned requests a second."""

    rate: int
    seen: Seen


@dataclass(frozen=True)
class Memory:
    """In KiB: before any load; after each slice of it, with the seconds of load until then; after a rest."""

    idle: int
    loaded: Sequence[tuple[float, int]]
    after: int


@dataclass(frozen=True)
class Frontier:
    """By gateway: the sweeps (a list of steps each round), the streams (number -> a result each round), the memory."""

    versions: Mapping[str, str]
    sweeps: Mapping[str, Sequence[Sequence[Step]]]
    streams: Mapping[str, Mapping[int, Sequence[Seen]]]
    memory: Mapping[str, Memory] = field(default_factory=dict)


def frontier(names: Sequence[str], rounds: int, soak_s: float) -> Frontier:
    with many_files(), TemporaryDirectory(prefix="poolkeeper-bench-") as made:
        folder = Path(made)
        with started(folder / "whole", TINY, names) as gateways:
            memory = _memory({name: one for name, one in gateways.items() if name != DIRECT}, folder, soak_s)
            sweeps = _sweeps(gateways, rounds, folder)
            versions = {name: gateway.version for name, gateway in gateways.items()}
        with started(folder / "paced", PACED, names) as gateways:
            streams = _streams(gateways, rounds, folder)
    return Frontier(versions, sweeps, streams, memory)


def _memory(gateways: Mapping[str, Measured], folder: Path, soak_s: float) -> dict[str, Memory]:
    """In slices, a gateway after the other, so that they meet the same minutes. The first part, because what a gateway
    did before is in its memory."""
    core, idle, rates, able = cores()[0], {}, {}, Able(gateways)
    for name, gateway in able.each():
        idle[name] = memory_kib(gateway.pid)
        with able.trying(name):
            warm_up(gateway, TINY)
            rates[name] = min(STEADY_RATE, round(STEADY_SHARE * saturate(gateway, TINY, 1, folder, core).rate))
    loaded: dict[str, list[tuple[float, int]]] = {name: [] for name in gateways}
    for number in range(max(1, round(soak_s / SLICE_S))):
        for name, gateway in able.each():
            with able.trying(name):
                at_rate(gateway, TINY, max(1, rates[name]), SLICE_S, folder, core)
                loaded[name].append(((number + 1) * SLICE_S, memory_kib(gateway.pid)))
    time.sleep(SLICE_S)
    return {name: Memory(idle[name], loaded[name], memory_kib(one.pid)) for name, one in able.each()}


def _sweeps(gateways: Mapping[str, Measured], rounds: int, folder: Path) -> dict[str, list[list[Step]]]:
    core, full, able = cores()[0], {}, Able(gateways)
    for name, gateway in able.each():
        with able.trying(name):
            warm_up(gateway, TINY)
            full[name] = saturate(gateway, TINY, 2, folder, core).rate
    found: dict[str, list[list[Step]]] = {name: [] for name in gateways}
    for number in range(rounds):
        for name, gateway in able.each():
            if name == LITELLM and number >= SLOW_ROUNDS:
                continue
            with able.trying(name):
                rates = [max(1, round(full[name] * share / 100)) for share in SHARES_PERCENT]
                found[name].append([_step(gateway, rate, folder, core) for rate in rates])
    return {name: sweeps for name, sweeps in found.items() if sweeps}


def _step(gateway: Measured, rate: int, folder: Path, core: int | None) -> Step:
    return Step(rate, at_rate(gateway, TINY, rate, max(STEP_S, REQUESTS_MIN / rate), folder, core))


def _streams(gateways: Mapping[str, Measured], rounds: int, folder: Path) -> dict[str, dict[int, list[Seen]]]:
    """More streams only where fewer were held."""
    core, able = cores()[0], Able(gateways)
    found: dict[str, dict[int, list[Seen]]] = {name: {} for name in gateways}
    for _ in range(rounds):
        for name, gateway in able.each():
            with able.trying(name):
                for count in STREAMS:
                    seen = held(gateway, PACED, count, HELD_S, folder, core)
                    found[name].setdefault(count, []).append(seen)
                    time.sleep(REST_S)
                    if seen.begun < count:
                        break
    return {name: by_count for name, by_count in found.items() if by_count}


class Able:
    """The gateways that have failed in no round: one that does is left out of the rest, and ends nobody's run."""

    def __init__(self, gateways: Mapping[str, Measured]) -> None:
        self._left = dict(gateways)

    def each(self) -> Sequence[tuple[str, Measured]]:
        return list(self._left.items())

    @contextmanager
    def trying(self, name: str) -> Iterator[None]:
        try:
            yield
        except (RuntimeError, OSError, subprocess.SubprocessError) as reason:
            print(f"{name} is left out from here: {reason}", flush=True)
            del self._left[name]
