"""What kstatus makes of a pool in every situation of the condition tests: Flux, kpt and `cli-utils` wait by it.

`computed` is its rule for resources that it has no special code for (sigs.k8s.io/cli-utils, pkg/kstatus/status).
"""

from typing import Literal

import pytest

from factories import NOW, policy, status_update
from poolkeeper.api.base import Problem
from poolkeeper.api.reasons import POOL_CONDITIONS, ConditionType, Reason
from poolkeeper.api.status import Condition, EndpointPoolStatus, FailoverPolicyStatus
from poolkeeper.status.policy_status import evaluate_policy
from unit.status.test_conditions import CASES

KStatus = Literal["Current", "InProgress", "Failed"]
REFUSED = {Reason.InvalidSpec, Reason.NotAllowed}


def computed(status: EndpointPoolStatus | FailoverPolicyStatus | None, generation: int) -> KStatus:
    if status is None or (status.observed_generation is not None and status.observed_generation != generation):
        return "InProgress"
    conditions = {one.type: one.status for one in status.conditions}
    if conditions.get("Reconciling") == "True":
        return "InProgress"
    if conditions.get("Stalled") == "True":
        return "Failed"
    if "Ready" in conditions:
        return "Current" if conditions["Ready"] == "True" else "InProgress"
    return "Current"


def found(status: EndpointPoolStatus, kind: ConditionType) -> Condition:
    return next(one for one in status.conditions if one.type == kind)


@pytest.mark.parametrize("name", CASES)
def test_a_pool_is_current_when_ready_failed_when_refused_and_else_in_progress(name: str) -> None:
    case = CASES[name]
    status = status_update(case.given, refused=case.refused).status
    ready = found(status, ConditionType.Ready)

    want = "Current" if ready.status == "True" else "Failed" if ready.reason in REFUSED else "InProgress"
    assert computed(status, case.given.generation) == want
    assert computed(status, case.given.generation + 1) == "InProgress"


def test_every_kind_of_answer_is_among_them() -> None:
    updates = [(case, status_update(case.given, refused=case.refused).status) for case in CASES.values()]

    assert {computed(status, case.given.generation) for case, status in updates} == {"Current", "InProgress", "Failed"}


@pytest.mark.parametrize("name", CASES)
def test_never_both_at_once_and_each_says_why(name: str) -> None:
    case = CASES[name]
    status = status_update(case.given, refused=case.refused).status
    reconciling, stalled = found(status, ConditionType.Reconciling), found(status, ConditionType.Stalled)

    assert not (reconciling.status == stalled.status == "True")
    assert "Unknown" not in (reconciling.status, stalled.status)
    for one in (reconciling, stalled):
        if one.status == "True":
            assert one.reason == ready_of(status).reason
    if stalled.status == "True":
        assert stalled.message == ready_of(status).message


def ready_of(status: EndpointPoolStatus) -> Condition:
    return found(status, ConditionType.Ready)


def test_a_paused_pool_is_not_worked_on() -> None:
    paused = [
        status
        for case in CASES.values()
        for status in [status_update(case.given, refused=case.refused).status]
        if ready_of(status).reason == Reason.ReconcilePaused
    ]

    assert paused
    assert {found(status, ConditionType.Reconciling).status for status in paused} == {"False"}


def test_before_the_operator_has_looked_a_pool_is_in_progress() -> None:
    """The CRD's defaults: every condition Unknown, no observedGeneration."""
    pending = tuple(
        Condition(type=kind, status="Unknown", reason="Pending", message="Waiting", last_transition_time=NOW)
        for kind in POOL_CONDITIONS
    )

    assert computed(EndpointPoolStatus(conditions=pending), 1) == "InProgress"


@pytest.mark.parametrize(("problems", "want"), [((), "Current"), ((Problem("spec.retry", "is wrong"),), "Failed")])
def test_a_policy_is_current_or_failed(problems: tuple[Problem, ...], want: KStatus) -> None:
    status = evaluate_policy(None if problems else policy(), problems, 3, 1, None, NOW)

    assert computed(status, 3) == want
    assert computed(status, 4) == "InProgress"
