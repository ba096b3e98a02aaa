"""Results to a scorecard: a row for each fault, a cell for each gateway and mode, and what is red in words. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from testing.conformance.case import Mode
from testing.conformance.judge import is_of_provider
from testing.conformance.stage import Result

EXAMPLES = 2
"""Red cases of a series that are listed; the rest is counted."""


@dataclass(frozen=True)
class Score:
    green: int
    total: int

    @property
    def is_green(self) -> bool:
        return self.green == self.total


@dataclass(frozen=True)
class Row:
    klass: str
    title: str


Card = Mapping[tuple[Row, Mode], Score]


def score(results: Iterable[Result]) -> Score:
    all_of_them = list(results)
    return Score(sum(not result.faults for result in all_of_them), len(all_of_them))


def callers_score(results: Iterable[Result]) -> Score:
    """By what callers got alone: whatever the providers saw."""
    all_of_them = list(results)
    return Score(sum(all(is_of_provider(fault) for fault in one.faults) for one in all_of_them), len(all_of_them))


def rows_of(results: Sequence[Result]) -> list[Row]:
    return list(dict.fromkeys(_row(result) for result in sorted(results, key=lambda result: result.case.klass)))


def card_of(results: Sequence[Result]) -> Card:
    cells = {(_row(result), result.case.mode) for result in results}
    return {cell: score(r for r in results if (_row(r), r.case.mode) == cell) for cell in cells}


def by_class(results: Sequence[Result]) -> dict[str, Score]:
    classes = dict.fromkeys(result.case.klass for result in results)
    return {klass: score(r for r in results if r.case.klass == klass) for klass in classes}


def red_lines(results: Sequence[Result]) -> list[tuple[str, str]]:
    """(case, what does not hold) of every red one; of a series its first cases and a count."""
    lines: list[tuple[str, str]] = []
    listed: dict[str, int] = {}
    for result in results:
        series = result.case.series
        if not result.faults:
            continue
        listed[series] = listed.get(series, 0) + 1
        if not series or listed[series] <= EXAMPLES:
            lines.append((result.case.name, "; ".join(result.faults)))
    rest = {series: count - EXAMPLES for series, count in listed.items() if series and count > EXAMPLES}
    return lines + [(f"{series}-…", f"{count} more cases of this series") for series, count in rest.items()]


def _row(result: Result) -> Row:
    return Row(result.case.klass, result.case.title)
