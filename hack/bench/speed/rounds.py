"""What the rounds say: medians, ratios to bare nginx of the same round, and the goals. Pure.

A shared machine gives slow minutes; rounds are interleaved, so a ratio of two neighbours is worth more than a number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hack.bench.figures import Goal, median, percentile
from hack.bench.speed.baselines import BARE, DIRECT, OURS
from hack.bench.speed.cases import Case
from hack.bench.speed.frontier import Frontier
from hack.bench.speed.idle_streams import Idle
from hack.bench.speed.load import Load
from hack.bench.speed.profile import Profile
from hack.bench.speed.seeing import Seeing
from hack.bench.speed.workers import Workers


@dataclass(frozen=True)
class Played:
    """A case: the rounds of each gateway at full speed and at the case's rate; profiles where they were made."""

    case: Case
    saturated: Mapping[str, Sequence[Load]]
    paced: Mapping[str, Sequence[Load]]
    profiles: Mapping[str, Profile]


@dataclass(frozen=True)
class Run:
    """All that was measured. first_content_us: of a stream, by gateway."""

    facts: Mapping[str, str]
    versions: Mapping[str, str]
    played: Sequence[Played]
    first_content_us: Mapping[str, Sequence[float]]
    idle: Mapping[str, Idle]
    seen: Seeing | None = None
    frontier: Frontier | None = None
    workers: Sequence[Workers] = ()


def median_of(rounds: Sequence[Load]) -> Load:
    """Of each figure by itself."""
    return Load(
        rate=median(one.rate for one in rounds),
        user_us=median(one.user_us for one in rounds),
        system_us=median(one.system_us for one in rounds),
        p50_us=median(one.p50_us for one in rounds),
        p99_us=median(one.p99_us for one in rounds),
        busy=median(one.busy for one in rounds),
        errors=sum(one.errors for one in rounds),
    )


def rate_ratio(played: Played, name: str) -> float:
    """Requests a second, to bare nginx of the same round."""
    pairs = zip(played.saturated[name], played.saturated[BARE], strict=False)
    return median(one.rate / bare.rate for one, bare in pairs)


def cpu_ratio(played: Played, name: str) -> float:
    pairs = zip(played.saturated[name], played.saturated[BARE], strict=False)
    return median(one.cpu_us / bare.cpu_us for one, bare in pairs)


def added_us(played: Played, name: str, percent: int) -> float:
    """To what the provider itself takes, at the case's rate: the median of the rounds' differences."""
    pairs = zip(played.paced[name], played.paced[DIRECT], strict=False)
    if percent == 50:
        return median(one.p50_us - direct.p50_us for one, direct in pairs)
    return median(one.p99_us - direct.p99_us for one, direct in pairs)


def goals(run: Run) -> list[Goal]:
    found = []
    for played in run.played:
        floor = 0.5 if played.case.stream else 0.2
        name = f"{played.case.name}: requests/s to bare nginx's"
        found.append(Goal(name, rate_ratio(played, OURS), 0.9, at_most=False, floor=floor))
        bare_us = added_us(played, BARE, 99)
        if bare_us > 0:
            ratio = added_us(played, OURS, 99) / bare_us
            name = f"{played.case.name} at {played.case.rate}/s: added p99 to what bare nginx adds"
            found.append(Goal(name, ratio, 1.5, at_most=True, floor=10.0))
    if run.first_content_us:
        added_ms = (percentile(run.first_content_us[OURS], 50) - percentile(run.first_content_us[BARE], 50)) / 1000
        name = "time to first content, added to bare nginx's, p50"
        found.append(Goal(name, added_ms, 1.0, at_most=True, unit=" ms", floor=5.0))
    if run.idle:
        ratio = run.idle[OURS].with_all_kib / run.idle[BARE].with_all_kib
        name = f"memory with {run.idle[OURS].streams} idle streams to bare nginx's"
        found.append(Goal(name, ratio, 1.3, at_most=True, floor=1.6))
    return found
