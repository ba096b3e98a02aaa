"""How a condition is decided: checks asked in order, the first that has something to say is right.

A check looks at the facts and returns a Finding or None. The last of a chain always answers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from poolkeeper.api.reasons import REASONS, ConditionStatus, ConditionType, Reason
from poolkeeper.status.facts import Facts

MESSAGE_LENGTH = 2048


@dataclass(frozen=True)
class Finding:
    status: ConditionStatus
    reason: Reason
    message: str


Check = Callable[[Facts], Finding | None]


def first(checks: Sequence[Check], facts: Facts) -> Finding:
    for check in checks:
        finding = check(facts)
        if finding:
            return Finding(finding.status, finding.reason, _bounded(finding.message))
    raise AssertionError(f"a chain ended without an answer; its last check was {checks[-1].__name__}")


def as_before(kind: ConditionType, *only: Reason) -> Check:
    """What was said last stands while no router was asked: an operator that has just started takes nothing back.

    only: if it was one of these (left out: whatever it was).
    """

    def unasked(facts: Facts) -> Finding | None:
        before = facts.previous(kind) if facts.is_unasked else None
        known = {reason.value: reason for reason in only or REASONS[kind] if reason != Reason.Pending}
        if before is None or before.reason not in known:
            return None
        return Finding(before.status, known[before.reason], before.message)

    return unasked


def since_when(since: datetime | None) -> str:
    """A point in time for a message, which must read the same at every look: never "5 s ago"."""
    return f" since {since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if since else ""


def _bounded(message: str) -> str:
    return message if len(message) <= MESSAGE_LENGTH else f"{message[: MESSAGE_LENGTH - 1]}…"
