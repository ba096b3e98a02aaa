"""No switch that does nothing goes unnamed."""

import pytest

from factories import endpoint, policy, pool
from poolkeeper.api.policyspec import FailoverPolicySpec
from poolkeeper.plan.notyet import POLICY, POOL, not_in_force, policy_not_in_force

POOL_CASES: dict[str, dict[str, object]] = {
    "spec.router.autoscaling": {"router": {"autoscaling": {}}},
}

POLICY_CASES: dict[str, dict[str, object]] = {
    "healthCheck": {"healthCheck": {"interval": "20s"}},
}


def test_every_row_of_the_tables_has_a_case() -> None:
    assert list(POOL_CASES) == list(POOL)
    assert list(POLICY_CASES) == list(POLICY)


@pytest.mark.parametrize("want_path", POOL_CASES)
def test_the_pool_names(want_path: str) -> None:
    case = dict(POOL_CASES[want_path])
    endpoints = case.pop("endpoints", [endpoint("a")])
    assert isinstance(endpoints, list)

    found = not_in_force(pool(endpoints, **case).spec, FailoverPolicySpec())

    assert found == (want_path,)


@pytest.mark.parametrize("want_path", POLICY_CASES)
def test_the_policy_names(want_path: str) -> None:
    assert policy_not_in_force(policy(**POLICY_CASES[want_path]).spec) == (want_path,)


def test_defaults_name_nothing() -> None:
    assert not_in_force(pool().spec, FailoverPolicySpec()) == ()
