"""No switch that does nothing goes unnamed."""

import pytest

from factories import endpoint, pool
from poolkeeper.api.policy_spec import FailoverPolicySpec
from poolkeeper.plan.unused_fields import without_effect


def test_defaults_name_nothing() -> None:
    assert without_effect(pool().spec, FailoverPolicySpec()) == ()


NO_CPU = "spec.router.autoscaling (spec.router.resources requests no cpu, so its percentage has no base)"


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

    assert without_effect(declared.spec, FailoverPolicySpec()) == want


def test_a_model_that_no_endpoint_has_is_named() -> None:
    declared = pool([endpoint("a", models=[{"name": "deepseek-flash"}])])

    assert without_effect(declared.spec, FailoverPolicySpec()) == ("spec.models: deepseek-v4-pro (no endpoint has it)",)


def test_an_endpoint_that_is_switched_off_has_no_model() -> None:
    named = [{"name": "deepseek-v4-pro"}, {"name": "deepseek-flash"}]
    declared = pool([endpoint("a", mode="Disabled"), endpoint("b", models=named[1:])])

    assert without_effect(declared.spec, FailoverPolicySpec()) == ("spec.models: deepseek-v4-pro (no endpoint has it)",)


def test_a_model_that_an_endpoint_has_and_nobody_may_ask_for_is_named() -> None:
    declared = pool([endpoint("a", models=[{"name": "*"}, {"name": "deepseek-chat"}])])

    assert without_effect(declared.spec, FailoverPolicySpec()) == (
        "spec.endpoints[0].models: deepseek-chat (not in spec.models)",
    )
