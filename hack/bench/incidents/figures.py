"""What came of a day, in numbers."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hack.bench.figures import percentile, share_percent
from hack.bench.incidents.caller import Ended
from hack.bench.incidents.day import BACKUP, OUTAGE, PROVIDERS, QUIET, WEAK, is_dark, is_in
from hack.bench.incidents.providers import TOKENS_A_CHUNK
from testing.fakes.deepseek.log import Entry


@dataclass(frozen=True)
class Seen:
    """What the providers saw of a day that began then: their requests, and the most at once."""

    requests: Mapping[str, Sequence[Entry]]
    peaks: Mapping[str, int]
    began_s: float


@dataclass(frozen=True)
class Figures:
    """accepted_percent: of the requests while an endpoint was alive, those that got status 200; answered_percent: those
    that got a whole answer; broken: began and did not end well. Times in milliseconds, of whole answers while an
    endpoint was alive. weak_percent: of the requests while the weakest fails now and then, those without a whole
    answer. failover_ms: how much later first tokens come then than in quiet hours, at p99; both nan where nobody fails
    over. attempts: that providers saw, for each request of the day; outage_attempts: while everybody answered 503.
    backup_peak, backup_refused: requests at once at the small backup, and those it had to refuse. cost: what providers
    charge for a thousand whole answers, in USD. problems: why the others got none, and how many."""

    title: str
    version: str
    requests: int
    accepted_percent: float
    answered_percent: float
    broken: int
    first_p50_ms: float
    first_p99_ms: float
    total_p50_ms: float
    total_p99_ms: float
    weak_percent: float
    failover_ms: float
    attempts: float
    outage_attempts: float
    backup_peak: int
    backup_refused: int
    cost: float
    problems: Mapping[str, int]


def figures(
    title: str, version: str, ended: Sequence[Ended], seen: Seen, day_s: float, fails_over: bool = True
) -> Figures:
    alive = [one for one in ended if not is_dark(one.due.at_s, day_s)]
    whole = [one for one in alive if not one.problem]
    weak, quiet = (_between(ended, span, day_s) for span in (WEAK, QUIET))
    firsts, totals = _firsts(whole), [one.total_s for one in whole]
    asked = [entry for entries in seen.requests.values() for entry in entries]
    in_outage = [entry for entry in asked if is_in(OUTAGE, entry.started_monotonic_s - seen.began_s, day_s)]
    return Figures(
        title=title,
        version=version,
        requests=len(alive),
        accepted_percent=share_percent(sum(one.is_accepted for one in alive), len(alive)),
        answered_percent=share_percent(len(whole), len(alive)),
        broken=sum(one.is_broken for one in alive),
        first_p50_ms=1000 * percentile(firsts, 50),
        first_p99_ms=1000 * percentile(firsts, 99),
        total_p50_ms=1000 * percentile(totals, 50),
        total_p99_ms=1000 * percentile(totals, 99),
        weak_percent=share_percent(sum(bool(one.problem) for one in weak), len(weak)) if fails_over else math.nan,
        failover_ms=1000 * (percentile(_firsts(weak), 99) - percentile(_firsts(quiet), 99)) if fails_over else math.nan,
        attempts=len(asked) / max(1, len(ended)),
        outage_attempts=len(in_outage) / max(1, len(_between(ended, OUTAGE, day_s))),
        backup_peak=seen.peaks[BACKUP],
        backup_refused=sum(
            entry.status == 503 and not is_dark(entry.started_monotonic_s - seen.began_s, day_s)
            for entry in seen.requests[BACKUP]
        ),
        cost=1000 * _charged(seen.requests) / max(1, sum(not one.problem for one in ended)),
        problems=dict(Counter(one.problem for one in alive if one.problem)),
    )


def _between(ended: Sequence[Ended], span: tuple[float, float], day_s: float) -> Sequence[Ended]:
    return [one for one in ended if is_in(span, one.due.at_s, day_s)]


def _firsts(ended: Sequence[Ended]) -> Sequence[float]:
    return [one.first_s for one in ended if not one.problem and one.first_s is not None]


def _charged(requests: Mapping[str, Sequence[Entry]]) -> float:
    """In USD: prompts of accepted requests, and what was generated, read or not."""
    total = 0.0
    for provider in PROVIDERS:
        accepted = [entry for entry in requests[provider.name] if entry.status == 200]
        total += sum(entry.prompt_tokens for entry in accepted) / 1e6 * provider.input_price
        total += sum(entry.chunks for entry in accepted) * TOKENS_A_CHUNK / 1e6 * provider.output_price
    return total


def answered_by_hour(ended: Sequence[Ended], day_s: float, parts: int) -> Sequence[float]:
    """Per cent answered, part by part of the day; nan where nothing was asked."""
    asked, whole = Counter[int](), Counter[int]()
    for one in ended:
        part = min(parts - 1, int(one.due.at_s / day_s * parts))
        asked[part] += 1
        whole[part] += not one.problem
    return [100 * whole[part] / asked[part] if asked[part] else float("nan") for part in range(parts)]
