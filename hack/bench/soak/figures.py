"""What a soak has measured, as a table in Markdown."""

from collections import Counter
from collections.abc import Sequence

from hack.bench import figures
from hack.bench.figures import percentile
from hack.bench.soak.probe_runs import Seen, Target

COLUMNS = ("p50", "p90", "p99", "most")


def table(seen: Sequence[Seen], target: Target) -> str:
    first_ms = [float(one.phases.first) for one in seen if one.phases.first is not None]
    whole_ms = [float(one.phases.end) for one in seen if one.phases.end is not None]
    requests = sum(one.found.asked for one in seen)
    title = f"{len(seen)} runs, {requests} requests of at most {target.max_tokens} tokens"
    rows = [
        _row(f"first token, ms (slow: over {target.first_token_ms})", first_ms),
        _row("whole answer, ms", whole_ms),
    ]
    measured = figures.table([title, *COLUMNS], rows)
    return f"{measured}\n\nRuns: {_counted(_runs(seen))}. Probe status: {_counted(_statuses(seen))}."


def false_alarms(seen: Sequence[Seen]) -> int:
    return sum(one.remembered.verdict != "Healthy" for one in seen)


def _row(name: str, values: Sequence[float]) -> list[str]:
    return [name, *(f"{percentile(values, percent):.0f}" for percent in (50, 90, 99, 100))]


def _runs(seen: Sequence[Seen]) -> Counter[str]:
    again = Counter("good, except for a slow request" for one in seen if not one.found.why and one.found.asked > 1)
    return again + Counter(one.found.why or "good" for one in seen if one.found.why or one.found.asked == 1)


def _statuses(seen: Sequence[Seen]) -> Counter[str]:
    return Counter(f"{one.remembered.verdict} {one.remembered.reason}".strip() for one in seen)


def _counted(words: Counter[str]) -> str:
    return ", ".join(f"{count} {word}" for word, count in words.most_common())
