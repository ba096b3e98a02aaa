"""What came of a day, in numbers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hack.incidents.caller import Ended
from hack.incidents.day import BACKUP, is_dark

from fakes.harness import Stats


@dataclass(frozen=True)
class Figures:
    """answered_percent: of the requests while an endpoint was alive, those that got a whole answer; broken: began and
    did not end well. Times in milliseconds, of whole answers while an endpoint was alive. attempts: that providers saw,
    for each request of the day. backup_peak, backup_refused: requests at once at the small backup, and those it had to
    refuse. problems: why the others got none, and how many."""

    title: str
    version: str
    requests: int
    answered_percent: float
    broken: int
    first_p50_ms: float
    first_p99_ms: float
    total_p50_ms: float
    total_p99_ms: float
    attempts: float
    backup_peak: int
    backup_refused: int
    problems: Mapping[str, int]


def figures(title: str, version: str, ended: Sequence[Ended], stats: Mapping[str, Stats], day_s: float) -> Figures:
    alive = [one for one in ended if not is_dark(one.due.at_s, day_s)]
    whole = [one for one in alive if not one.problem]
    firsts = sorted(one.first_s for one in whole if one.first_s is not None)
    totals = sorted(one.total_s for one in whole)
    asked = sum(seen.total for seen in stats.values())
    backup = stats[BACKUP]
    return Figures(
        title=title,
        version=version,
        requests=len(alive),
        answered_percent=100 * len(whole) / max(1, len(alive)),
        broken=sum(one.is_broken for one in alive),
        first_p50_ms=1000 * percentile(firsts, 50),
        first_p99_ms=1000 * percentile(firsts, 99),
        total_p50_ms=1000 * percentile(totals, 50),
        total_p99_ms=1000 * percentile(totals, 99),
        attempts=asked / max(1, len(ended)),
        backup_peak=backup.max_in_flight,
        backup_refused=backup.by_status.get("503", 0),
        problems=dict(Counter(one.problem for one in alive if one.problem)),
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """values: sorted."""
    if not values:
        return float("nan")
    return values[min(len(values) - 1, int(len(values) * percent / 100))]


def answered_by_hour(ended: Sequence[Ended], day_s: float, parts: int) -> Sequence[float]:
    """Per cent answered, part by part of the day; nan where nothing was asked."""
    asked, whole = Counter[int](), Counter[int]()
    for one in ended:
        part = min(parts - 1, int(one.due.at_s / day_s * parts))
        asked[part] += 1
        whole[part] += not one.problem
    return [100 * whole[part] / asked[part] if asked[part] else float("nan") for part in range(parts)]
