"""The status of a FailoverPolicy."""

from factories import EARLIER, NOW, policy
from poolkeeper.api.base import Problem
from poolkeeper.api.reasons import Reason
from poolkeeper.status.policy_status import evaluate_policy


def test_a_valid_policy_is_accepted() -> None:
    status = evaluate_policy(policy(), (), 3, 2, None, NOW)

    assert (status.observed_generation, status.bound_pools) == (3, 2)
    assert [(one.type, one.status, one.reason, one.message) for one in status.conditions] == [
        ("Accepted", "True", Reason.Accepted, "Accepted"),
        ("Ready", "True", Reason.Ready, "Accepted"),
        ("Stalled", "False", Reason.Accepted, "The spec is accepted"),
    ]


def test_an_invalid_policy_says_why_and_what_serves() -> None:
    status = evaluate_policy(None, (Problem("spec.retry.maxAttempts", "must be at least 1"),), 3, 1, None, NOW)

    assert status.conditions[0].status == "False"
    assert status.conditions[0].reason == Reason.InvalidSpec
    assert status.conditions[0].message == (
        "spec.retry.maxAttempts: must be at least 1. Pools that use it keep their last good configuration"
    )
    assert [(one.type, one.status) for one in status.conditions[1:]] == [("Ready", "False"), ("Stalled", "True")]


def test_looking_again_changes_nothing() -> None:
    before = evaluate_policy(policy(), (), 3, 2, None, EARLIER)

    assert evaluate_policy(policy(), (), 3, 2, before, NOW) == before
