"""Why the new spec of a pool is not rolled out. For every reason the last good configuration keeps serving."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from poolkeeper.api import labels
from poolkeeper.api.base import Problem
from poolkeeper.api.pool_spec import EndpointPoolSpec
from poolkeeper.api.reasons import Reason
from poolkeeper.plan.calendars import problems_of_windows
from poolkeeper.plan.ending_models import unknown_days
from poolkeeper.plan.limits import beyond
from poolkeeper.plan.missing_references import MissingRef
from poolkeeper.plan.snapshot import Snapshot
from poolkeeper.plan.timezones import unknown_zones
from poolkeeper.probing.schedule import wrong_with

NAMED_AT_ONCE = 5
"""Problems named in one message; `poolkeeper validate` reports them all."""


@dataclass(frozen=True)
class Hold:
    """problems: of the spec, one by one, when they are the reason."""

    reason: Reason
    message: str
    problems: tuple[Problem, ...] = ()


def hold_of(snapshot: Snapshot, missing: tuple[MissingRef, ...]) -> Hold | None:
    """The first that applies: what must be fixed comes before what somebody requested."""
    problems = (*snapshot.problems, *_more_problems(snapshot))
    if problems or snapshot.pool is None:
        return Hold(Reason.InvalidSpec, in_words(problems), problems)
    if snapshot.settings.limits:
        asked = tuple(beyond(snapshot.pool.spec, snapshot.settings.limits))
        if asked:
            return Hold(Reason.NotAllowed, in_words(asked), asked)
    if snapshot.annotations.get(labels.PAUSED) == "true":
        return Hold(
            Reason.ReconcilePaused,
            f"the annotation {labels.PAUSED} stops changes to the pool: they wait until you remove the annotation",
        )
    for ref in missing:
        if ref.holds:
            return Hold(ref.reason, ref.message, (ref.problem,) if ref.problem else ())
    return None


def failover_to_tier(snapshot: Snapshot) -> int | None:
    """The tier that people hold by annotation; None without one, or with one that hold_of() refuses."""
    given = snapshot.annotations.get(labels.FAILOVER_TO)
    if given is None or snapshot.pool is None or given not in _tiers(snapshot.pool.spec):
        return None
    return int(given)


def _more_problems(snapshot: Snapshot) -> Iterator[Problem]:
    """What a manifest alone cannot show: annotations, time zones, and where it will run."""
    if snapshot.pool is None:
        return
    spec = snapshot.pool.spec
    yield from unknown_zones(spec)
    yield from problems_of_windows(spec)
    yield from unknown_days(spec)
    yield from _impossible_schedule(spec)
    given = snapshot.annotations.get(labels.FAILOVER_TO)
    if given is not None and given not in _tiers(spec):
        tiers = ", ".join(_tiers(spec))
        yield Problem(
            f"metadata.annotations[{labels.FAILOVER_TO}]",
            f"seen {given[:20]!r}; wanted a tier with an endpoint that is not Disabled: {tiers}",
        )
    for index, endpoint in enumerate(spec.endpoints):
        if snapshot.settings.local and endpoint.service_ref:
            yield Problem(
                f"spec.endpoints[{index}].serviceRef",
                "seen a Service, but there is no cluster here; set url instead",
            )


def _impossible_schedule(spec: EndpointPoolSpec) -> Iterator[Problem]:
    """The API server refuses such a CronJob, or it never runs."""
    schedule = str(spec.probe.schedule) if spec.probe else ""
    wrong = wrong_with(schedule) if schedule else ""
    if wrong:
        text = f"seen {schedule!r}, which never comes round ({wrong}); wanted a schedule such as */15 * * * *"
        yield Problem("spec.probe.schedule", text)


def _tiers(spec: EndpointPoolSpec) -> tuple[str, ...]:
    return tuple(str(tier) for tier in sorted({e.tier for e in spec.endpoints if e.mode != "Disabled"}))


def in_words(problems: Sequence[Problem]) -> str:
    """The first few in one message."""
    first = "; ".join(str(problem) for problem in problems[:NAMED_AT_ONCE])
    more = len(problems) - NAMED_AT_ONCE
    return f"{first}; and {more} more (poolkeeper validate reports all)" if more > 0 else first
