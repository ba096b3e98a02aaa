"""How often one run asks an endpoint: as often as the pool says, once or twice more where that leaves a doubt, and no
more of one that gives nothing.

A slow sample alone may be chance. It is asked again, and two of three decide; that costs nothing where all is well, and
where nothing is it mostly costs one request.
"""

from collections.abc import Sequence

from poolkeeper.api.reasons import ProbeReason
from poolkeeper.probing.reason_effects import MEANING, Proof

ASKED_TO_DECIDE = 3
DEAD_ENOUGH = 2
"""Samples in a row that got nothing at all: more would cost time and prove nothing."""


def most_asked(wanted: int) -> int:
    """Requests of a run at most, when the pool wants so many."""
    return max(wanted, ASKED_TO_DECIDE)


def next_sample(found: Sequence[ProbeReason | None], wanted: int) -> int | None:
    """Which of its samples a run asks next, after these; None: it has asked enough."""
    last = found[-DEAD_ENOUGH:]
    if len(last) == DEAD_ENOUGH and all(reason and MEANING[reason].is_dead for reason in last):
        return None
    return len(found) if len(found) < wanted else _doubtful(found)


def _doubtful(found: Sequence[ProbeReason | None]) -> int | None:
    """The only one that was not good, if it was slow and too few were sent to know whether that was chance."""
    wrong = [place for place, reason in enumerate(found) if reason]
    if len(wrong) != 1 or len(found) >= ASKED_TO_DECIDE:
        return None
    reason = found[wrong[0]]
    return wrong[0] if reason and MEANING[reason].proof is Proof.SLOW else None
