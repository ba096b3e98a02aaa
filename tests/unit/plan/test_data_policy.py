"""Which endpoints the pool's data policy permits, and what becomes of the others."""

import pytest

from factories import NOW, document, endpoint, pool, snapshot
from poolkeeper.api.policy_spec import FailoverPolicySpec
from poolkeeper.plan.resolve import resolve
from poolkeeper.plan.unused_fields import without_effect

OWN = endpoint("own", region="eu", guarantees=["NoTraining", "NoRetention"])
OTHER = endpoint("other", tier=1)


@pytest.mark.parametrize(
    ("policy", "fields", "want"),
    [
        pytest.param({}, {}, "Active", id="no policy"),
        pytest.param({"require": ["NoTraining"]}, {"guarantees": ["NoTraining", "Hipaa"]}, "Active", id="guaranteed"),
        pytest.param({"require": ["NoTraining"]}, {}, "Forbidden", id="says nothing"),
        pytest.param({"require": ["NoTraining"]}, {"guarantees": ["notraining"]}, "Forbidden", id="another word"),
        pytest.param({"require": ["A", "B"]}, {"guarantees": ["A"]}, "Forbidden", id="one of two"),
        pytest.param({"regions": ["eu"]}, {"region": "eu"}, "Active", id="in the region"),
        pytest.param({"regions": ["eu", "us"]}, {"region": "us"}, "Active", id="in one of the regions"),
        pytest.param({"regions": ["eu"]}, {"region": "eu-west"}, "Forbidden", id="in another region"),
        pytest.param({"regions": ["eu"]}, {}, "Forbidden", id="in no region"),
        pytest.param({"require": ["A"], "regions": ["eu"]}, {"guarantees": ["A"]}, "Forbidden", id="both must hold"),
        pytest.param({"require": ["A"]}, {"mode": "Draining"}, "Forbidden", id="drained, too"),
        pytest.param({"require": ["A"]}, {"mode": "Disabled"}, "Disabled", id="switched off anyway"),
    ],
)
def test_mode(policy: dict[str, object], fields: dict[str, object], want: str) -> None:
    declared = pool([endpoint("a", **fields), endpoint("b", guarantees=["A", "NoTraining"])], dataPolicy=policy)

    assert document(snapshot(declared)).endpoints[0].mode == want


def test_a_forbidden_endpoint_is_not_probed() -> None:
    declared = pool([OWN, OTHER], dataPolicy={"require": ["NoTraining"]}, probe={"schedule": "@hourly"})
    probe = resolve(snapshot(declared), NOW).probe

    assert probe is not None
    assert [one.name for one in probe.endpoints] == ["own"]


def test_what_a_forbidden_endpoint_does_not_have_is_said() -> None:
    declared = pool([OWN, OTHER], dataPolicy={"require": ["NoTraining", "NoRetention"], "regions": ["eu", "us"]})

    assert without_effect(declared.spec, FailoverPolicySpec()) == (
        "spec.endpoints[1] (spec.dataPolicy requires NoTraining, NoRetention, a region of eu, us, "
        "and other does not have it)",
    )


def test_models_and_clients_that_nobody_may_serve_are_said() -> None:
    keys = [{"name": "web", "keyRef": {"name": "clients", "key": "web"}, "allow": {"endpoints": ["other"]}}]
    only_pro = endpoint("own", guarantees=["NoTraining"], models=[{"name": "deepseek-v4-pro"}])
    declared = pool([only_pro, OTHER], dataPolicy={"require": ["NoTraining"]}, access={"mode": "Keys", "clients": keys})

    said = resolve(snapshot(declared), NOW).without_effect

    assert said[1:] == (
        "spec.models: deepseek-flash (spec.dataPolicy forbids every endpoint that has it)",
        "spec.access.clients: web (no endpoint may serve it deepseek-v4-pro)",
    )
