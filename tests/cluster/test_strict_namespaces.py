"""A namespace as platform teams make them: a quota on limits, a policy that wants a label on everything, and users that
the cluster chooses, as OpenShift does. With the chart's values for it (`children`), routers and probes run there."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from uuid import uuid4

import pytest

from cluster.operator_bed import POOL, ROOT, Home, OperatorProcess, image, leading, new_home
from testing.cluster_bed import Json, Kubectl, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

USER = 1000680000
"""One of the range that OpenShift would give a namespace."""
QUOTA: Json = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "team-a"},
    "spec": {"hard": {"requests.cpu": "2", "requests.memory": "2Gi", "limits.cpu": "4", "limits.memory": "4Gi"}},
}
FITS: Json = {
    "children": {
        "labels": {"team": "llm"},
        "fixedUser": False,
        "routerResources": {"requests": {"cpu": "50m", "memory": "96Mi"}, "limits": {"cpu": "1", "memory": "256Mi"}},
        "probeResources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "256Mi"}},
    }
}
PROBED: Json = {**POOL, "spec": {**POOL["spec"], "probe": {"schedule": "0 3 1 1 *"}}}
OURS = "object.metadata.?labels[?'app.kubernetes.io/managed-by'].orValue('') == 'poolkeeper'"


def policies(namespace: str) -> list[Json]:
    """Cluster-wide objects that hold in this namespace alone."""
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    group = "admissionregistration.k8s.io/v1"
    everything = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": ["*"]}
    pods = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    wants_label: Json = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [everything], "matchPolicy": "Exact"},
        "matchConditions": [{"name": "ours", "expression": OURS}],
        "validations": [{"expression": "has(object.metadata.labels.team)", "message": "every object needs a team"}],
    }
    gives_user: Json = {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "matchConstraints": {"resourceRules": [pods]},
        "mutations": [
            {
                "patchType": "ApplyConfiguration",
                "applyConfiguration": {
                    "expression": f"Object{{spec: Object.spec{{securityContext: Object.spec.securityContext{{"
                    f"runAsUser: {USER}, runAsGroup: 0, fsGroup: {USER}}}}}}}"
                },
            }
        ],
        "matchConditions": [{"name": "free", "expression": "!has(object.spec.securityContext.runAsUser)"}],
    }
    own_user: Json = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [pods]},
        "validations": [
            {
                "expression": f"object.spec.securityContext.?runAsUser.orValue(0) == {USER}",
                "message": f"runAsUser must be {USER}, of the range of this namespace",
            }
        ],
    }
    made: list[Json] = []
    for kind, name, spec in (
        ("Validating", "label", wants_label),
        ("Mutating", "gives-user", gives_user),
        ("Validating", "own-user", own_user),
    ):
        full = f"{namespace}-{name}"
        bound = {"policyName": full, "matchResources": here}
        bound |= {"validationActions": ["Deny"]} if kind == "Validating" else {}
        for suffix, body in (("", spec), ("Binding", bound)):
            one = {"apiVersion": group, "kind": f"{kind}AdmissionPolicy{suffix}", "metadata": {"name": full}}
            made.append({**one, "spec": body})
    return made


@pytest.fixture(scope="module")
def home(kubectl: Kubectl, cluster_env: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"))
    namespace, folder = f"pk-strict-{uuid4().hex[:8]}", tmp_path_factory.mktemp("operator")
    made = new_home(kubectl, cluster_env, namespace, folder)
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": policies(namespace)})
    kubectl("apply", "-f", "-", stdin=text)
    try:
        yield replace(made, env={**made.env, "POOLKEEPER_PROBE_IMAGE": image(cluster_env, "operator")})
    finally:
        kubectl("delete", "-f", "-", "--ignore-not-found", stdin=text, check=False)
        kubectl("-n", namespace, "delete", "epool", "--all", "--wait=false", check=False)
        kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.fixture
def fitting(home: Home) -> Iterator[OperatorProcess]:
    with leading(replace(home, env={**home.env, "POOLKEEPER_INSTALLATION": json.dumps(FITS)})) as process:
        yield process


def test_what_a_policy_wants_is_said_in_its_own_words(home: Home) -> None:
    """Of an installation that does not give it."""
    with leading(home):
        home.apply(PROBED)

        def said() -> str | None:
            words = str(home.get("epool", "chat").get("status", {}).get("headline", ""))
            return words if "every object needs a team" in words else None

        wait_until("the policy's words in the headline", said, 60)
    home("delete", "epool", "chat")


def test_routers_and_probes_run_with_the_values_for_it(home: Home, fitting: OperatorProcess) -> None:
    home.apply(QUOTA)
    home.apply(PROBED)

    home.wait_condition("Ready", "True", "Ready")
    (router,) = home.get("pods", "-l", "app.kubernetes.io/component=router")["items"]
    assert router["spec"]["securityContext"]["runAsUser"] == USER
    home("create", "job", "--from=cronjob/chat-probe", "chat-probe-now")

    def ran() -> Json | None:
        pods = home.get("pods", "-l", "batch.kubernetes.io/job-name=chat-probe-now").get("items", [])
        return next((pod for pod in pods if pod["status"]["phase"] == "Succeeded"), None)

    probe = wait_until("the probe's Pod to have ended", ran, 120)
    assert probe["spec"]["securityContext"]["runAsUser"] == USER
    assert probe["metadata"]["labels"]["team"] == "llm"
