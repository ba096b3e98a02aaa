"""Accepted: is the spec valid, and does each field in it have an effect?"""

from poolkeeper.api.reasons import Reason
from poolkeeper.status.chain import Check, Finding
from poolkeeper.status.facts import Facts


def invalid(facts: Facts) -> Finding | None:
    hold = facts.plan.hold
    if hold is None or hold.reason not in (Reason.InvalidSpec, Reason.NotAllowed):
        return None
    return Finding(
        "False", hold.reason, f"{hold.message}{'' if hold.message.endswith(('?', '.')) else '.'} {facts.last_good}"
    )


def accepted(facts: Facts) -> Finding:
    idle = ", ".join(facts.plan.without_effect)
    return Finding("True", Reason.Accepted, f"Accepted; unused fields: {idle}" if idle else "Accepted")


CHECKS: tuple[Check, ...] = (invalid, accepted)
