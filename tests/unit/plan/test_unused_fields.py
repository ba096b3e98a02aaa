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


def test_clients_and_what_they_may_use_are_nothing_where_everybody_may_call() -> None:
    clients = [{"name": "c", "keyRef": {"name": "s", "key": "k"}, "allow": {"models": ["deepseek-flash"]}}]
    found = without_effect(pool(access={"mode": "Open", "clients": clients}).spec, FailoverPolicySpec())

    assert found == ("spec.access.clients (spec.access.mode is Open: everybody may use everything, without a key)",)
    assert without_effect(pool(access={"mode": "Keys", "clients": clients}).spec, FailoverPolicySpec()) == ()


def test_a_parameter_without_a_word_on_what_becomes_of_it() -> None:
    models = [{"name": "*", "parameters": [{"path": "b.c"}, {"path": "d", "maximum": 0}]}]
    one = endpoint("a", parameters=[{"path": "a"}, {"path": "e", "default": False}], models=models)

    assert without_effect(pool([one]).spec, FailoverPolicySpec()) == (
        "spec.endpoints[0].parameters: a (it has no set, default, maximum or remove)",
        "spec.endpoints[0].models[0].parameters: b.c (it has no set, default, maximum or remove)",
    )


def test_a_header_that_is_named_again_in_another_case() -> None:
    one = endpoint("a", headers=[{"name": "X-Title", "set": "a"}, {"name": "X-Other"}, {"name": "x-title"}])

    assert without_effect(pool([one]).spec, FailoverPolicySpec()) == (
        "spec.endpoints[0].headers[0] (x-title is named again: the last entry counts)",
    )
