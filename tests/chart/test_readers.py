"""The page and the export of spans as Deployments: off by default, reading alone, nobody let in, restricted."""

from typing import Any

import pytest

from chart.conftest import Helm
from chart.test_rbac import Template, name_of, namespace_of, verbs

COMPONENTS = ("dashboard", "traces")
ON = ("dashboard.enabled=true", "traces.enabled=true", "traces.endpoint=http://collector:4318")
WANT: dict[str, dict[tuple[str, str], set[str]]] = {
    "dashboard": {
        ("poolkeeper.dev", "endpointpools"): {"get", "list"},
        ("", "pods"): {"get", "list"},
        ("", "pods/proxy"): {"get"},
        ("events.k8s.io", "events"): {"list"},
    },
    "traces": {
        ("poolkeeper.dev", "endpointpools"): {"list"},
        ("", "pods"): {"list"},
        ("", "pods/log"): {"get"},
    },
}


def deployments(template: Template, *sets: str) -> list[Any]:
    found = template(*ON, *sets).of("Deployment")
    return [one for one in found if name_of(one).rpartition("-")[2] in COMPONENTS]


def test_they_are_off_by_default(template: Template) -> None:
    assert [name_of(one) for one in template().of("Deployment")] == ["pk-poolkeeper"]


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_reader_may_read_what_it_shows_and_nothing_else(template: Template, component: str) -> None:
    rendered = template(*ON)
    (role,) = [one for one in rendered.of("ClusterRole") if name_of(one) == f"pk-poolkeeper-{component}"]
    assert verbs([role]) == WANT[component]


def test_the_page_reads_logs_only_for_its_search(template: Template) -> None:
    rendered = template(*ON, "dashboard.requestSearch=true")
    (role,) = [one for one in rendered.of("ClusterRole") if name_of(one) == "pk-poolkeeper-dashboard"]
    assert verbs([role]) == WANT["dashboard"] | {("", "pods/log"): {"get"}}


@pytest.mark.parametrize("component", COMPONENTS)
def test_with_some_namespaces_there_is_one_in_each_which_reads_it_alone(template: Template, component: str) -> None:
    rendered = template(*ON, "watchNamespaces={team,demo}", "admissionPolicy.enabled=false")
    name = f"pk-poolkeeper-{component}"
    kinds = ("Role", "RoleBinding", "ServiceAccount", "Deployment", "NetworkPolicy")
    for kind in kinds:
        assert {namespace_of(one) for one in rendered.of(kind) if name_of(one) == name} == {"team", "demo"}, kind
    assert name not in {name_of(one) for one in rendered.of("ClusterRole")}
    for one in deployments(template, "watchNamespaces={team,demo}", "admissionPolicy.enabled=false"):
        (container,) = one["spec"]["template"]["spec"]["containers"]
        assert container["args"][-2:] == ["--namespace", namespace_of(one)]


def test_their_pods_are_restricted(template: Template) -> None:
    found = deployments(template)
    assert len(found) == 2
    for one in found:
        pod = one["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["args"][-1] == "--all-namespaces"


def test_nobody_is_let_in_but_who_is_named(template: Template) -> None:
    def rules(*sets: str) -> Any:
        named = [one for one in template(*ON, *sets).of("NetworkPolicy") if name_of(one) == "pk-poolkeeper-dashboard"]
        return named[0]["spec"]["ingress"]  # type: ignore[index] # parsed YAML of known shape

    assert rules() == []
    (rule,) = rules("dashboard.allowedFrom[0].podLabels.app=proxy")
    assert rule["ports"] == [{"port": 9280, "protocol": "TCP"}]
    assert rule["from"] == [{"podSelector": {"matchLabels": {"app": "proxy"}}}]


def test_a_collector_must_be_named(helm: Helm) -> None:
    assert "traces.endpoint" in helm.refused("traces.enabled=true")
