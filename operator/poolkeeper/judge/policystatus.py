"""What a FailoverPolicy says about itself: whether its spec is valid, and how many pools go by it."""

from collections.abc import Sequence
from datetime import datetime

from poolkeeper.api.meta import Problem
from poolkeeper.api.reasons import ConditionStatus, ConditionType, Reason
from poolkeeper.api.status import Condition, FailoverPolicyStatus


def policy_status(
    generation: int,
    problems: Sequence[Problem],
    bound_pools: int,
    previous: FailoverPolicyStatus | None,
    now: datetime,
) -> FailoverPolicyStatus:
    """Equal to the previous one when nothing changed, so that comparing tells whether to write."""
    status: ConditionStatus = "False" if problems else "True"
    before = next((found for found in (previous.conditions if previous else ()) if found.type == "Accepted"), None)
    accepted = Condition(
        type=ConditionType.Accepted,
        status=status,
        reason=Reason.InvalidSpec if problems else Reason.Accepted,
        message="; ".join(str(problem) for problem in problems) or "the spec is valid",
        observed_generation=generation,
        last_transition_time=before.last_transition_time if before and before.status == status else now,
    )
    return FailoverPolicyStatus(observed_generation=generation, conditions=(accepted,), bound_pools=bound_pools)
