"""What the open-loop rounds say: medians and the spread of the rounds, as tables. Pure."""

from collections.abc import Callable, Mapping, Sequence

from hack.bench.figures import median, table
from hack.bench.speed.baselines import DIRECT
from hack.bench.speed.frontier import HELD_S, SLICE_S, STREAMS, Frontier, Memory, Step
from hack.bench.speed.open_loop import CONNECTIONS, Seen
from hack.bench.speed.provider import PACE_MS

BOUNDS_MS = (1, 5, 10, 50)
STALL_MS = 1000
GAPS_MAX = 2
"""Times the provider's own: held are streams whose 99th percentile is within that, and none of which stalls."""
WARM_SHARE = 3
"""The first of so many parts of the load warms a gateway: its memory is not steady yet."""
METHOD = f"""Requests are planned beforehand, at random as callers do who know nothing of each other, and a latency
counts from the planned time, however late the request could be sent: no coordinated omission. Tiny JSON, over
{CONNECTIONS} connections. The rates are shares of what a gateway answers at full speed. A rate counts where every
request was answered and the 99th percentile was within the bound. *No proxy* is the limit of the load and the provider,
which share a core. Each figure is the median of the rounds, with the lowest and the highest of them in brackets."""
HOW_STREAMS = f"""Streams begin evenly within a second, and are read for {HELD_S:g} s. Tried: {" and ".join(f"{one:,}" for one in STREAMS)}.
Held is a number of streams that all begin, none of which is silent for {STALL_MS / 1000:g} s, and whose gaps are within
{GAPS_MAX * PACE_MS} ms in 99 of 100, in most rounds."""  # noqa: E501
HOW_MEMORY = f"""In slices of {SLICE_S:g} s, a gateway after the other. The slope leaves out the first third of the load. Seconds of load show
a leak only where it is large: `make bench ARGS="--open-loop --soak-minutes 60"` takes an hour for each gateway."""  # noqa: E501


def sections(found: Frontier) -> list[str]:
    rounds = max(len(sweep) for sweep in found.sweeps.values())
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items() if name != DIRECT)
    said = f"{METHOD} Rounds: {rounds} (LiteLLM: fewer). Versions: {versions}."
    parts = ["## Requests a second within a bound", said, _bounds(found)]
    parts += [f"## Streams of a token each {PACE_MS} ms", _streams(found)]
    return [*parts, "## Memory under load", _memory(found)] if found.memory else parts


def within(steps: Sequence[Step], bound_ms: float) -> int:
    """The highest rate of a sweep that was answered within the bound; 0: none was."""
    fit = [
        step.rate for step in steps
        if not step.seen.errors and step.seen.answered == step.seen.planned and step.seen.latency.p99 <= bound_ms * 1000
    ]  # fmt: skip
    return max(fit, default=0)


def is_held(seen: Seen, streams: int) -> bool:
    return (
        seen.begun == streams and not seen.errors
        and seen.gap.p99 <= GAPS_MAX * PACE_MS * 1000 and seen.gap.most <= STALL_MS * 1000
    )  # fmt: skip


def slope_mib_a_minute(memory: Memory) -> float:
    """Over the steady part of the load, by least squares."""
    steady = _steady(memory)
    if len(steady) < 2:
        return 0.0
    times, sizes = [at / 60 for at, _ in steady], [kib / 1024 for _, kib in steady]
    middle, mean = sum(times) / len(times), sum(sizes) / len(sizes)
    return sum((at - middle) * (size - mean) for at, size in zip(times, sizes, strict=True)) / sum(
        (at - middle) ** 2 for at in times
    )


def _spread(values: Sequence[float], text: Callable[[float], str]) -> str:
    return f"{text(median(values))} ({text(min(values))}–{text(max(values))})"


def _bounds(found: Frontier) -> str:
    head = ["requests/s", *(f"p99 ≤ {bound} ms" for bound in BOUNDS_MS), "at full speed"]
    rows = []
    for name, sweeps in found.sweeps.items():
        cells = [
            _spread([within(steps, bound) for steps in sweeps], lambda rate: f"{rate:,.0f}") for bound in BOUNDS_MS
        ]
        fastest = max(step.rate for steps in sweeps for step in steps)
        rows.append([name, *cells, f"tried up to {fastest:,}"])
    return table(head, rows)


def _streams(found: Frontier) -> str:
    few = STREAMS[0]
    head = [f"{few:,} at once", "first content p50 ms", "p99 ms", "gap p50 ms", "gap p99 ms", "longest gap ms", "held"]
    rows = []
    for name, by_count in found.streams.items():
        rounds = by_count[few]
        figures = [_PARTS[part](rounds) for part in _PARTS] if any(one.begun for one in rounds) else ["–"] * len(_PARTS)
        rows.append([name, *figures, _held(by_count)])
    return f"{HOW_STREAMS}\n\n{table(head, rows)}"


def _in_ms(of: Callable[[Seen], float]) -> Callable[[Sequence[Seen]], str]:
    return lambda rounds: _spread([of(one) for one in rounds], lambda value: f"{value / 1000:.1f}")


_PARTS: Mapping[str, Callable[[Sequence[Seen]], str]] = {
    "first p50": _in_ms(lambda one: one.first.p50),
    "first p99": _in_ms(lambda one: one.first.p99),
    "gap p50": _in_ms(lambda one: one.gap.p50),
    "gap p99": _in_ms(lambda one: one.gap.p99),
    "gap most": _in_ms(lambda one: one.gap.most),
}


def _held(by_count: Mapping[int, Sequence[Seen]]) -> str:
    rounds = len(next(iter(by_count.values())))
    counts = [count for count, its in by_count.items() if 2 * sum(is_held(one, count) for one in its) > rounds]
    return f"{max(counts):,}" if counts else f"fewer than {min(by_count):,}"


def _memory(found: Frontier) -> str:
    head = ["resident, MiB", "idle", "under load", "after", "MiB a minute", "load, s"]
    rows = []
    for name, memory in found.memory.items():
        steady = median(kib for _, kib in _steady(memory))
        sizes = [f"{kib / 1024:.0f}" for kib in (memory.idle, steady, memory.after)]
        rows.append([name, *sizes, f"{slope_mib_a_minute(memory):+.2f}", f"{memory.loaded[-1][0]:.0f}"])
    return f"{HOW_MEMORY}\n\n{table(head, rows)}"


def _steady(memory: Memory) -> Sequence[tuple[float, int]]:
    return memory.loaded[len(memory.loaded) // WARM_SHARE :]
