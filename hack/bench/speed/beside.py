"""The columns in which gateways are compared, in one table: of docs/bench.md and of the README. Pure."""

from collections.abc import Callable, Iterator, Sequence

from hack.bench.figures import percentile, table
from hack.bench.speed.baselines import BARE, DIRECT
from hack.bench.speed.rounds import Played, Run, added_us, median_of, rate_ratio

BESIDE = "Beside the others"
NOT_MEASURED = "–"

Column = tuple[str, Callable[[str], str]]
"""What it is, and its text of a gateway; KeyError: not measured there."""


def beside(run: Run) -> str:
    """A row a column, a gateway a column: so a reader compares along a line."""
    names = [name for name in run.versions if name != DIRECT]
    rows = [[what, *(_or_not_measured(text, name) for name in names)] for what, text in _columns(run)]
    return table(["", *names], rows)


def _columns(run: Run) -> Iterator[Column]:
    for played in run.played:
        yield f"{played.case.name}: CPU a request, µs", _cpu(played)
    for played in run.played:
        if played.case.stream:
            yield f"{played.case.name}: requests/s to bare nginx's", _rate(played)
    for played in run.played:
        yield f"{played.case.name} at {played.case.rate}/s: added p50; p99, ms", _added(played)
    if run.first_content_us:
        yield "first content, added to bare nginx's p50; p99, ms", _first_content(run)
    if run.idle:
        streams = next(iter(run.idle.values())).streams
        yield f"{streams:,} idle streams: memory of each, KiB", _idle(run)


def _cpu(played: Played) -> Callable[[str], str]:
    return lambda name: f"{median_of(played.saturated[name]).cpu_us:,.0f}"


def _rate(played: Played) -> Callable[[str], str]:
    return lambda name: f"{rate_ratio(played, name):.2f}"


def _added(played: Played) -> Callable[[str], str]:
    return lambda name: _pair_ms([added_us(played, name, percent) for percent in (50, 99)])


def _first_content(run: Run) -> Callable[[str], str]:
    bare = run.first_content_us[BARE]
    return lambda name: _pair_ms([
        percentile(run.first_content_us[name], percent) - percentile(bare, percent) for percent in (50, 99)
    ])  # fmt: skip


def _idle(run: Run) -> Callable[[str], str]:
    return lambda name: f"{run.idle[name].per_stream_kib:.0f}"


def _pair_ms(values_us: Sequence[float]) -> str:
    return "; ".join(f"{value / 1000:.2f}" for value in values_us)


def _or_not_measured(text: Callable[[str], str], name: str) -> str:
    try:
        return text(name)
    except KeyError:
        return NOT_MEASURED
