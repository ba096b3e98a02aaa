"""No switch that does nothing goes unnamed."""

import pytest

from factories import pool
from poolkeeper.api.policyspec import FailoverPolicySpec
from poolkeeper.plan.notyet import not_in_force


def test_defaults_name_nothing() -> None:
    assert not_in_force(pool().spec, FailoverPolicySpec()) == ()


NO_CPU = "spec.router.autoscaling (spec.router.resources requests no cpu, so there is no percentage of it)"


@pytest.mark.parametrize(
    ("resources", "want"),
    [
        pytest.param({}, (), id="the installation's"),
        pytest.param({"requests": {"cpu": "250m"}}, (), id="a request"),
        pytest.param({"limits": {"cpu": 2}}, (), id="a limit, which is a request too"),
        pytest.param({"requests": {"memory": "1Gi"}}, (NO_CPU,), id="memory alone"),
    ],
)
def test_autoscaling_by_cpu_wants_a_request_of_cpu(resources: dict[str, object], want: tuple[str, ...]) -> None:
    declared = pool(router={"autoscaling": {}, "resources": resources})

    assert not_in_force(declared.spec, FailoverPolicySpec()) == want
