"""The operator may do exactly what it does, and nothing with Secrets."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import yaml

from chart.conftest import CHART, Json, Rendered
from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.handlers.watch.watches import SELECTORS
from poolkeeper.kube.client import RESOURCES

READ = {"get", "list", "watch"}
CHILD = READ | {"create", "patch", "delete"}
"""Creating by server-side apply wants both create and patch."""

WANT: dict[tuple[str, str], set[str]] = {
    ("poolkeeper.dev", "endpointpools"): READ,
    ("poolkeeper.dev", "failoverpolicies"): READ,
    ("poolkeeper.dev", "endpointpools/status"): {"patch"},
    ("poolkeeper.dev", "failoverpolicies/status"): {"patch"},
    ("", "configmaps"): CHILD,
    ("", "services"): CHILD,
    ("apps", "deployments"): CHILD,
    ("autoscaling", "horizontalpodautoscalers"): CHILD,
    ("batch", "cronjobs"): CHILD,
    ("policy", "poddisruptionbudgets"): CHILD,
    ("networking.k8s.io", "networkpolicies"): CHILD,
    ("apps", "replicasets"): READ,
    ("batch", "jobs"): READ,
    ("", "pods"): READ | {"patch"},
    ("events.k8s.io", "events"): {"create", "patch"},
}
WANT_LEASE: dict[tuple[str, str], set[str]] = {("coordination.k8s.io", "leases"): {"get", "update", "create"}}

Template = Callable[..., Rendered]


def verbs(roles: Iterable[Json]) -> dict[tuple[str, str], set[str]]:
    """(group, resource) -> verbs."""
    found: dict[tuple[str, str], set[str]] = {}
    for role in roles:
        for rule in role["rules"]:  # type: ignore[attr-defined] # parsed YAML of known shape
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    found.setdefault((group, resource), set()).update(rule["verbs"])
    return found


def name_of(body: Json) -> str:
    return str(body["metadata"]["name"])  # type: ignore[index] # parsed YAML of known shape


def namespace_of(body: Json) -> str:
    return str(body["metadata"]["namespace"])  # type: ignore[index] # parsed YAML of known shape


def test_cluster_wide_the_verbs_are_exactly_those_used(template: Template) -> None:
    (role,) = [found for found in template().of("ClusterRole") if name_of(found) == "pk-poolkeeper"]

    assert verbs([role]) == WANT


def test_in_some_namespaces_there_is_no_cluster_role(template: Template) -> None:
    rendered = template("watchNamespaces={team,demo}", "rbac.aggregate=false")

    assert rendered.of("ClusterRole") == rendered.of("ClusterRoleBinding") == ()
    for namespace in ("team", "demo"):
        assert verbs(role for role in rendered.of("Role") if namespace_of(role) == namespace) == WANT


def test_the_lease_is_in_the_operators_own_namespace(template: Template) -> None:
    (role,) = template().of("Role")

    assert namespace_of(role) == "ops"
    assert verbs([role]) == WANT_LEASE


def test_two_releases_in_one_namespace_have_two_leases(template: Template) -> None:
    """Else the second one stands by for ever."""
    names = set()
    for fullname in ("one", "two"):
        rendered = template(f"fullnameOverride={fullname}")
        (role,) = [found for found in rendered.of("Role") if name_of(found).endswith("-leader")]
        (container,) = rendered.one("Deployment")["spec"]["template"]["spec"]["containers"]  # type: ignore[index]
        (named,) = [entry["value"] for entry in container["env"] if entry["name"] == "POOLKEEPER_LEASE_NAME"]
        (rule,) = [rule for rule in role["rules"] if "resourceNames" in rule]  # type: ignore[attr-defined]
        assert rule["resourceNames"] == [named]
        names.add(named)

    assert len(names) == 2


def test_without_leader_election_there_is_no_lease(template: Template) -> None:
    assert template("leaderElection.enabled=false").of("Role") == ()


def test_every_kind_that_the_operator_touches_has_a_rule() -> None:
    """The table of the client is the list of what is touched."""
    touched = {(resource.api_version.rpartition("/")[0], resource.plural) for resource in RESOURCES.values()}

    assert touched == {key for key in WANT | WANT_LEASE if "/" not in key[1]}


def test_every_kind_that_is_watched_may_be_listed_and_watched() -> None:
    for kind in SELECTORS:
        resource = RESOURCES[kind]
        assert WANT[resource.api_version.rpartition("/")[0], resource.plural] >= READ


def test_only_named_deployments_may_be_scaled_each_by_a_role_of_its_namespace(template: Template) -> None:
    rendered = template("standby.deployments.ai={vllm,llama}", "standby.deployments.lab={*}")
    roles = {namespace_of(role): role for role in rendered.of("Role") if name_of(role).endswith("-standby")}

    assert (
        roles.keys()
        == {"ai", "lab"}
        == {namespace_of(one) for one in rendered.of("RoleBinding") if name_of(one).endswith("-standby")}
    )
    for role in roles.values():
        assert verbs([role]) == {
            ("apps", "deployments/scale"): {"get", "patch"},
            ("keda.sh", "scaledobjects"): {"list"},
        }
    named = {where: role["rules"][0].get("resourceNames") for where, role in roles.items()}  # type: ignore[index]
    assert named == {"ai": ["vllm", "llama"], "lab": None}


def test_by_default_nothing_may_be_scaled(template: Template) -> None:
    rendered = template()

    assert not any(
        resource == "deployments/scale" for _, resource in verbs((*rendered.of("Role"), *rendered.of("ClusterRole")))
    )


def test_nobody_gets_anything_with_secrets_or_with_wildcards(template: Template) -> None:
    for sets in ((), ("watchNamespaces={team}",), ("standby.deployments.ai={*}",)):
        rendered = template(*sets)
        for (group, resource), found in verbs((*rendered.of("Role"), *rendered.of("ClusterRole"))).items():
            assert "secrets" not in resource
            assert "*" not in (group, resource, *found)


@pytest.mark.parametrize(
    ("name", "want"), [("view", READ), ("edit", {"create", "update", "patch", "delete", "deletecollection"})]
)
def test_people_who_may_view_or_edit_a_namespace_may_do_so_with_pools(
    template: Template, name: str, want: set[str]
) -> None:
    (role,) = [found for found in template().of("ClusterRole") if name_of(found) == f"pk-poolkeeper-{name}"]

    found = verbs([role])

    assert found["poolkeeper.dev", "endpointpools"] == found["poolkeeper.dev", "failoverpolicies"] == want
    assert role["metadata"]["labels"][f"rbac.authorization.k8s.io/aggregate-to-{name}"] == "true"  # type: ignore[index] # parsed YAML


def test_people_on_call_may_look_and_patch_and_start_no_pod(template: Template) -> None:
    """`create` of Jobs or Pods would be a way to mount any Secret."""
    (role,) = [found for found in template().of("ClusterRole") if name_of(found) == "pk-poolkeeper-on-call"]
    found = verbs([role])

    assert found.pop(("poolkeeper.dev", "endpointpools")) == READ | {"patch", "control"}
    assert set().union(*found.values()) == READ
    assert {"pods", "pods/proxy", "events"} <= {resource for group, resource in found if group == ""}
    assert {("batch", "cronjobs"), ("batch", "jobs"), ("events.k8s.io", "events")} <= found.keys()


def test_without_the_admission_policy_people_on_call_only_look(template: Template) -> None:
    """RBAC alone cannot distinguish an annotation from a credentialsRef."""
    rendered = template("admissionPolicy.enabled=false")
    (role,) = [found for found in rendered.of("ClusterRole") if name_of(found) == "pk-poolkeeper-on-call"]

    assert set().union(*verbs([role]).values()) == READ
    assert rendered.of("ValidatingAdmissionPolicy") == rendered.of("ValidatingAdmissionPolicyBinding") == ()


def test_the_policies_are_in_force_where_the_operator_works(template: Template) -> None:
    for binding in template("watchNamespaces={team,demo}").of("ValidatingAdmissionPolicyBinding"):
        spec: Any = binding["spec"]
        assert spec["validationActions"] == ["Deny"]
        if not name_of(binding).endswith("-operator"):
            (wanted,) = spec["matchResources"]["namespaceSelector"]["matchExpressions"]
            assert wanted["values"] == ["team", "demo"]


def test_the_charts_example_pool_is_a_valid_one() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    (example,) = yaml.safe_load(chart["annotations"]["artifacthub.io/crdsExamples"])

    assert isinstance(EndpointPool.parse(example), EndpointPool)
