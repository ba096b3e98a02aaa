"""A finished run, added to what is remembered of the runs before: the whole memory of probing, small and bounded.

It lives in the pool's status, so that an operator that starts knows what its predecessor knew. A run counts once: what
is not newer than what is remembered is passed over.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

from poolkeeper.api.probe_document import Amount
from poolkeeper.api.probe_result import EndpointProbe, ProbeResult
from poolkeeper.api.status import LastProbe, ProbedEndpoint, ProbeRun
from poolkeeper.probing.budget import amounts, money
from poolkeeper.probing.reason_effects import MEANING, reason_named, worst
from poolkeeper.probing.schedule import nth_firing
from poolkeeper.probing.window import LENGTH, ProbeStatus, Run, probe_status_of

STALE_AFTER_RUNS = 3
RUN_TAKES = timedelta(minutes=10)
"""The longest time from when a run is due to when its result is here."""


def fold_all(before: LastProbe | None, results: Iterable[ProbeResult]) -> LastProbe | None:
    """In the order in which they ended."""
    for result in sorted(results, key=lambda result: result.ended):
        if before is None or result.ended > before.time:
            before = _fold(before, result)
    return before


def cost_since(before: LastProbe | None, after: LastProbe) -> tuple[Amount, ...]:
    """What the runs in between have cost."""
    counted = money(before.spent) if before and before.day == after.day else {}
    return amounts(
        {currency: total - counted.get(currency, Decimal(0)) for currency, total in money(after.spent).items()}
    )


def fresh_until(schedule: str, since: datetime) -> datetime | None:
    """How long what was found then may be believed: until the third run after it should have been here."""
    third = nth_firing(schedule, since, STALE_AFTER_RUNS)
    return third + RUN_TAKES if third else None


def believed_until(schedule: str, last: LastProbe, endpoint: ProbedEndpoint) -> datetime | None:
    """Runs without a result for an endpoint, for lack of money or time, do not make its probe status younger."""
    asked_at = endpoint.asked_at or last.asked_at
    return fresh_until(schedule, asked_at) if asked_at else None


def probe_status(endpoint: ProbedEndpoint) -> ProbeStatus:
    return ProbeStatus(endpoint.verdict, reason_named(endpoint.reason))


def _fold(before: LastProbe | None, result: ProbeResult) -> LastProbe:
    known = {endpoint.name: endpoint for endpoint in before.endpoints} if before else {}
    ended = result.ended.astimezone(UTC)
    day = f"{ended:%Y-%m-%d}"
    is_asked = any(endpoint.asked for endpoint in result.endpoints)
    spent = money(before.spent) if before and before.day == day else {}
    for currency, amount in money(result.cost).items():
        spent[currency] = spent.get(currency, Decimal(0)) + amount
    return LastProbe(
        time=ended,
        outcome=_outcome(result, is_asked),
        message=_message(result, is_asked),
        asked_at=ended if is_asked else before.asked_at if before else None,
        endpoints=tuple(_endpoint(known.get(found.name), found, ended) for found in result.endpoints),
        day=day,
        spent=amounts(spent),
        cost=result.cost,
    )


def _endpoint(before: ProbedEndpoint | None, found: EndpointProbe, at: datetime) -> ProbedEndpoint:
    if before is None or before.fingerprint != found.fingerprint:  # what is at another address has no past
        before = ProbedEndpoint(name=found.name, fingerprint=found.fingerprint, since=at)
    if found.asked <= 0:
        return before
    newest = ProbeRun(reason=found.why if reason_named(found.why) else "", bad=found.bad, asked=found.asked)
    runs = (newest, *before.runs)[:LENGTH]
    said = probe_status(before)
    status = probe_status_of(said, [Run(reason_named(run.reason), run.bad, run.asked) for run in runs])
    return ProbedEndpoint(
        name=found.name,
        fingerprint=found.fingerprint,
        verdict=status.state,
        reason=status.reason.value if status.reason else "",
        since=before.since if status.state == said.state else at,
        asked_at=at,
        runs=runs,
        certificate_expires=_certificate_expires(found) or before.certificate_expires,
    )


def _certificate_expires(found: EndpointProbe) -> datetime | None:
    """None: it is unknown. A result with many endpoints leaves out such details."""
    ends = found.phases.certificate_ends if found.phases else None
    try:
        at = datetime.fromisoformat(ends) if ends else None
    except ValueError:
        return None
    return at.astimezone(UTC) if at and at.tzinfo else None


def _outcome(result: ProbeResult, is_asked: bool) -> Literal["Passed", "GreyFailure", "Failed", "Skipped"]:
    if not is_asked:
        return "Skipped"
    reasons = [reason for endpoint in result.endpoints if endpoint.asked and (reason := reason_named(endpoint.why))]
    if any(MEANING[reason].is_dead for reason in reasons):
        return "Failed"
    return "GreyFailure" if reasons else "Passed"


def _message(result: ProbeResult, is_asked: bool) -> str:
    found = [endpoint for endpoint in result.endpoints if endpoint.asked and reason_named(endpoint.why)]
    reasons = [reason for endpoint in found if (reason := reason_named(endpoint.why))]
    last = worst(reasons)
    said = [f"{one.name}: {one.why} in {one.bad}/{one.asked} requests" for one in found if one.why == last]
    if last:
        said.append(last.meaning)
    if not is_asked:
        said.append("no request was sent")
    if result.over_budget:
        said.append("the day's budget is spent")
    if result.note:
        said.append(result.note)
    return "; ".join(part.rstrip(".") for part in said)[:1024]
