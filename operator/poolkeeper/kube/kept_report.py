"""What a router has reported, kept small, and how old it is by a clock that nobody sets."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from poolkeeper.api.router_state import RouterState
from poolkeeper.kube.packed import Packed
from poolkeeper.plan.snapshot import RouterReport


@dataclass(frozen=True, slots=True)
class Moment:
    """wall, seconds: of a clock that people set, and of one that only runs."""

    wall: datetime
    seconds: float

    def seconds_of(self, at: datetime) -> float:
        return self.seconds - (self.wall - at).total_seconds()

    def wall_of(self, seconds: float) -> datetime:
        return self.wall - timedelta(seconds=round(self.seconds - seconds, 1))


@dataclass(frozen=True, slots=True)
class KeptReport:
    """A RouterReport, with its state packed. seen_s: by the clock that only runs, so that setting the other makes no
    report older, and keeps none alive."""

    pod: str
    state: Packed | None
    seen_s: float | None
    error: str
    counts_s: float

    @classmethod
    def of(cls, report: RouterReport, now: Moment) -> Self:
        text = report.state.model_dump_json(by_alias=True, exclude_defaults=True) if report.state else ""
        seen_s = now.seconds_of(report.seen_at) if report.seen_at else None
        return cls(report.pod, Packed.of_text(text) if text else None, seen_s, report.error, report.counts_s)

    def whole(self, now: Moment) -> RouterReport:
        state = RouterState.model_validate_json(self.state.text()) if self.state else None
        seen_at = None if self.seen_s is None else now.wall_of(self.seen_s)
        return RouterReport(self.pod, state, seen_at, self.error, self.counts_s)
