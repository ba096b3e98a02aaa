"""The status of a FailoverPolicy: valid or not, and how many pools go by it."""

from collections.abc import Sequence
from datetime import datetime

from poolkeeper.api.base import Problem
from poolkeeper.api.failover_policy import FailoverPolicy
from poolkeeper.api.reasons import POLICY_CONDITIONS, ConditionType, Reason
from poolkeeper.api.status import FailoverPolicyStatus
from poolkeeper.plan.rollout_hold import in_words
from poolkeeper.status.chain import Finding
from poolkeeper.status.conditions.stalled import stalled
from poolkeeper.status.pool_status import condition


def evaluate_policy(
    policy: FailoverPolicy | None,
    problems: Sequence[Problem],
    generation: int,
    bound_pools: int,
    previous: FailoverPolicyStatus | None,
    now: datetime,
) -> FailoverPolicyStatus:
    """Equal to the previous one when nothing changed, so that a comparison decides whether to write.

    policy: None when it does not parse; problems then say why.
    """
    known = {one.type: one for one in previous.conditions} if previous else {}
    accepted = _finding(policy, problems)
    findings = {
        ConditionType.Accepted: accepted,
        ConditionType.Ready: _ready(accepted),
        ConditionType.Stalled: stalled(accepted),
    }
    conditions = tuple(condition(kind, findings[kind], generation, known.get(kind), now) for kind in POLICY_CONDITIONS)
    return FailoverPolicyStatus(observed_generation=generation, conditions=conditions, bound_pools=bound_pools)


def _ready(accepted: Finding) -> Finding:
    """A policy is nothing but its spec."""
    return Finding("True", Reason.Ready, "Accepted") if accepted.status == "True" else accepted


def _finding(policy: FailoverPolicy | None, problems: Sequence[Problem]) -> Finding:
    if policy is None or problems:
        message = f"{in_words(problems)}. Pools that use it keep their last good configuration"
        return Finding("False", Reason.InvalidSpec, message)
    return Finding("True", Reason.Accepted, "Accepted")
