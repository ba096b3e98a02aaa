"""Accepted: is the spec valid, and does each field in it have an effect?"""

from collections.abc import Iterator, Sequence

from poolkeeper.api.reasons import Reason
from poolkeeper.plan.ending_models import EndingModel
from poolkeeper.status.chain import Check, Finding
from poolkeeper.status.facts import Facts

NAMED_AT_ONCE = 5
"""Names in one message."""


def invalid(facts: Facts) -> Finding | None:
    hold = facts.plan.hold
    if hold is None or hold.reason not in (Reason.InvalidSpec, Reason.NotAllowed):
        return None
    return Finding(
        "False", hold.reason, f"{hold.message}{'' if hold.message.endswith(('?', '.')) else '.'} {facts.last_good}"
    )


def accepted(facts: Facts) -> Finding:
    idle = ", ".join(facts.plan.without_effect)
    left = [f"{name}: {one.message}" for name, one in facts.standbys.items() if one.state == "LeftAlone"]
    parts = ("Accepted", f"unused fields: {idle}" if idle else "", *ending_texts(facts.plan.ending), *left)
    return Finding("True", Reason.Accepted, "; ".join(part for part in parts if part))


def ending_texts(ending: Sequence[EndingModel]) -> Iterator[str]:
    """Names of models that end soon, and that have ended: with their dates, so that the sentence stays the same."""
    for words, has_ended in (("model names that have ended", True), ("model names that end soon", False)):
        names = [one for one in ending if one.has_ended == has_ended]
        if names:
            more = f" and {len(names) - NAMED_AT_ONCE} more" if len(names) > NAMED_AT_ONCE else ""
            text = ", ".join(
                f"{one.upstream_name} of {one.endpoint} ({one.valid_until})" for one in names[:NAMED_AT_ONCE]
            )
            yield f"{words}: {text}{more}"


CHECKS: tuple[Check, ...] = (invalid, accepted)
