"""Percentiles, medians, goals and tables in Markdown: the same for every benchmark. Pure."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


def percentile(values: Sequence[float], percent: int) -> float:
    """One of the values, never one in between; nan where there are none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def share_percent(part: int, total: int) -> float:
    """0 where there is nothing to have a share of."""
    return 100 * part / max(1, total)


@dataclass(frozen=True)
class Goal:
    """want: the goal. floor: what must hold, or the run fails (a loaded machine still reaches it); None: no floor."""

    name: str
    seen: float
    want: float
    at_most: bool
    unit: str = ""
    digits: int = 2
    floor: float | None = None

    def holds(self, limit: float) -> bool:
        return self.seen <= limit if self.at_most else self.seen >= limit

    @property
    def is_reached(self) -> bool:
        return self.holds(self.want)

    @property
    def is_broken(self) -> bool:
        return self.floor is not None and not self.holds(self.floor)

    @property
    def seen_text(self) -> str:
        return f"{self.seen:.{self.digits}f}{self.unit}"

    @property
    def want_text(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.want:g}{self.unit}"


def goals_table(goals: Sequence[Goal]) -> str:
    rows = [
        [goal.name, goal.seen_text, goal.want_text, "reached" if goal.is_reached else "**not reached**"]
        for goal in goals
    ]
    return table(["goal", "seen", "wanted", ""], rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: bool = True) -> str:
    """right: all columns but the first are aligned to the right, as numbers are."""
    rule = ["---"] + ["---:" if right else "---"] * (len(head) - 1)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))
