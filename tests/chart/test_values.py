"""What values do, and which of them are refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.conftest import CHART, KUBE_VERSION, Helm, Rendered
from poolkeeper import __version__
from poolkeeper.api.installation import Installation
from poolkeeper.cli.operator import operator

Template = Callable[..., Rendered]


def pod_spec(rendered: Rendered) -> dict[str, Any]:
    deployment: dict[str, Any] = rendered.one("Deployment")
    found: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return found


def container(rendered: Rendered) -> dict[str, Any]:
    (found,) = pod_spec(rendered)["containers"]
    return dict(found)


def environment(rendered: Rendered) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in container(rendered)["env"]}


def test_the_chart_is_clean(helm: Helm) -> None:
    done = helm("lint", "--strict", str(CHART))

    assert done.returncode == 0, done.stdout
    assert "[WARNING]" not in done.stdout


def test_chart_and_package_have_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert chart["version"] == chart["appVersion"] == __version__


def test_the_pod_is_restricted(template: Template) -> None:
    spec, found = pod_spec(template()), container(template())

    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert found["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert found["resources"]["requests"].keys() == {"cpu", "memory"}
    assert {"livenessProbe", "readinessProbe", "startupProbe"} <= found.keys()


def test_images_come_from_values(template: Template) -> None:
    rendered = template("image.repository=here/op", "image.tag=v1", "router.image.repository=rt", "router.image.tag=v2")

    assert container(rendered)["image"] == "here/op:v1"
    assert environment(rendered)["POOLKEEPER_ROUTER_IMAGE"] == "rt:v2"
    assert environment(rendered)["POOLKEEPER_PROBE_IMAGE"] == "here/op:v1"


def test_a_digest_goes_before_a_tag(template: Template) -> None:
    digest = f"sha256:{'a' * 64}"

    rendered = template("image.repository=here/op", "image.tag=v1", f"image.digest={digest}")

    assert container(rendered)["image"] == environment(rendered)["POOLKEEPER_PROBE_IMAGE"] == f"here/op@{digest}"


def test_the_tag_is_the_charts_version_when_none_is_given(template: Template) -> None:
    assert container(template())["image"].endswith(f":{__version__}")


def test_watched_namespaces_reach_the_operator(template: Template) -> None:
    assert environment(template("watchNamespaces={team,demo}"))["POOLKEEPER_NAMESPACES"] == "team demo"
    assert "POOLKEEPER_NAMESPACES" not in environment(template())


def test_every_variable_is_one_that_the_operator_knows(template: Template) -> None:
    known = {str(option.envvar or f"POOLKEEPER_{str(option.name).upper()}") for option in operator.params}

    assert environment(template("watchNamespaces={team}")).keys() <= known


def test_the_installation_reaches_the_operator(template: Template) -> None:
    """By default: exactly what the models say."""
    shown = json.loads(environment(template())["POOLKEEPER_INSTALLATION"])
    operator = shown.pop("operator")
    assert Installation.read(shown) == Installation()
    assert operator["namespace"] == "ops"
    assert operator["labels"]["app.kubernetes.io/instance"] == "pk"

    sets = ("limits.tolerations={dedicated}", "children.imagePullSecrets[0].name=pull", "children.labels.team=a")
    read = Installation.read(json.loads(environment(template(*sets))["POOLKEEPER_INSTALLATION"]))
    assert read.limits.tolerations == ("dedicated",)
    assert [secret.name for secret in read.children.image_pull_secrets] == ["pull"]
    assert read.children.labels == {"team": "a"}


def test_one_writer_at_a_time_without_leader_election(template: Template) -> None:
    rendered = template("leaderElection.enabled=false")
    deployment: dict[str, Any] = rendered.one("Deployment")

    assert deployment["spec"]["strategy"] == {"type": "Recreate", "rollingUpdate": None}, "null: what was there goes"
    assert deployment["spec"]["replicas"] == 1
    assert environment(rendered)["POOLKEEPER_LEADER_ELECT"] == "false"


@pytest.mark.parametrize(
    ("keep", "want"), [("true", {"helm.sh/resource-policy": "keep"}), ("false", {})], ids=["keep", "do not keep"]
)
def test_crds_are_kept_when_asked(template: Template, keep: str, want: dict[str, str]) -> None:
    crds = template(f"crds.keep={keep}").of("CustomResourceDefinition")

    assert len(crds) == 2
    for crd in crds:
        metadata: Any = crd["metadata"]
        assert metadata.get("annotations", {}) == want


def test_crds_can_be_left_out(template: Template) -> None:
    assert template("crds.enabled=false").of("CustomResourceDefinition") == ()


@pytest.mark.parametrize(
    ("sets", "kind"),
    [
        (("metrics.service.enabled=false",), "Service"),
        (("serviceAccount.create=false", "serviceAccount.name=own"), "ServiceAccount"),
        (("replicaCount=1",), "PodDisruptionBudget"),
        (("leaderElection.enabled=false",), "PodDisruptionBudget"),
        (("podDisruptionBudget.enabled=false",), "PodDisruptionBudget"),
        (("children.networkPolicy.enabled=false",), "NetworkPolicy"),
    ],
)
def test_what_is_switched_off_is_not_there(template: Template, sets: tuple[str, ...], kind: str) -> None:
    assert template(*sets).of(kind) == ()


def test_two_stand_apart_and_one_may_be_evicted_at_a_time(template: Template) -> None:
    rendered = template()
    deployment: dict[str, Any] = rendered.one("Deployment")
    budget: dict[str, Any] = rendered.one("PodDisruptionBudget")

    assert deployment["spec"]["replicas"] == 2
    assert budget["spec"]["maxUnavailable"] == 1
    (spread,) = pod_spec(rendered)["topologySpreadConstraints"]
    assert spread["labelSelector"] == deployment["spec"]["selector"] == budget["spec"]["selector"]


def test_metrics_are_for_those_who_are_named(template: Template) -> None:
    policy: dict[str, Any] = template().one("NetworkPolicy")
    test_pod, readers = policy["spec"]["ingress"]

    assert policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "operator"
    assert test_pod["from"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "test"
    assert readers["from"] == [
        {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}, "namespaceSelector": {}}
    ]


def test_more_environment_and_arguments(template: Template) -> None:
    found = container(
        template("extraEnv[0].name=HTTPS_PROXY", "extraEnv[0].value=http://p", "extraArgs={--parallel=2}")
    )

    assert {"name": "HTTPS_PROXY", "value": "http://p"} in found["env"]
    assert found["args"] == ["operator", "--parallel=2"]


def test_the_user_may_be_left_to_the_cluster(template: Template) -> None:
    assert pod_spec(template())["securityContext"]["runAsUser"] == 65532
    assert "runAsUser" not in pod_spec(template("children.fixedUser=false"))["securityContext"]


@pytest.mark.parametrize(
    ("bad", "want"),
    [
        ("replicas=2", "additional properties 'replicas' not allowed"),
        ("image.tga=1", "additional properties 'tga' not allowed"),
        ("replicaCount=-1", "replicaCount"),
        ("logFormat=xml", "logFormat"),
        ("router.image.pullPolicy=Sometimes", "pullPolicy"),
        ("watchNamespaces={Team}", "watchNamespaces"),
        ("metrics.port=80", "port"),
        ("leaderElection.enabled=maybe", "enabled"),
        ("image.digest=abc", "digest"),
        ("image.repository=registry.example/operator:v1", "repository"),
        ("router.image.repository=router@sha256:abc", "repository"),
        ("children.routerResources.requests.cpu=-1", "cpu"),
        (r"podLabels.app\.kubernetes\.io/name=mine", "podLabels/app.kubernetes.io"),
        ("fullnameOverride=Pool_Keeper", "fullnameOverride"),
        ("nameOverride=Pool_Keeper", "nameOverride"),
        (r"monitoring.labels.app\.kubernetes\.io/name=mine", "monitoring/labels/app.kubernetes.io"),
        ("monitoring.podMonitor.interval=often", "interval"),
        ("monitoring.prometheusRule.docsUrl=docs", "docsUrl"),
    ],
)
def test_a_wrong_value_is_refused_by_name(helm: Helm, bad: str, want: str) -> None:
    assert want in helm.refused(bad)


def test_half_a_cpu_is_written_as_the_operator_reads_it(helm: Helm, tmp_path: Path) -> None:
    """Pools take a quantity as text or a whole number; half a number would end the operator at its start."""
    for given, is_taken in ((0.5, False), ("0.5", True), (2, True), ("500m", True)):
        file = tmp_path / "values.yaml"
        file.write_text(yaml.safe_dump({"children": {"routerResources": {"requests": {"cpu": given}}}}))

        done = helm("template", "pk", str(CHART), "--kube-version", KUBE_VERSION, "--values", str(file))

        assert (done.returncode == 0) == is_taken, done.stderr
        assert is_taken or "got number, want integer or string" in done.stderr


@pytest.mark.parametrize("repository", ["poolkeeper-operator", "127.0.0.1:5000/pk/op", "ghcr.io/a_b/c-d.e", "A.b/c"])
def test_images_come_from_any_registry(template: Template, repository: str) -> None:
    assert container(template(f"image.repository={repository}", "image.tag=v1"))["image"] == f"{repository}:v1"


def test_a_service_account_of_ones_own_needs_its_name(helm: Helm) -> None:
    assert "serviceAccount.name is needed" in helm.refused("serviceAccount.create=false")
