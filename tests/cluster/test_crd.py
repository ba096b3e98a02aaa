"""The CRDs on the real API server: it takes and refuses the same manifests as pydantic does, in the same words."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from poolkeeper.api import labels
from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.failover_policy import FailoverPolicy
from poolkeeper.api.reasons import POLICY_CONDITIONS, POOL_CONDITIONS
from testing.manifests import BAD, GOOD, SMALLEST, Case, Manifest

pytestmark = pytest.mark.cluster

Kubectl = Callable[..., CompletedProcess[str]]

CRDS = Path(__file__).resolve().parents[2] / "crds"
ONE_OF_MANY = re.compile(r'^[^\n]*"(case-\d+)" is invalid:(.*?)(?=^Error from|\Z)', re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def crds(kubectl: Kubectl) -> None:
    """Applied for real, which also proves that no rule costs more than the API server allows.

    Under Helm's name, so that a chart that is installed here meets no conflict at its next upgrade.
    """
    kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=helm", "-f", str(CRDS))
    kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))


@pytest.fixture(scope="module")
def answers(kubectl: Kubectl, crds: None) -> Mapping[str, str]:
    """What the API server says to each case by its name, "" where it takes it.

    All in one call, where the objects' names identify them. Cases about a name or an unknown field go one by one.
    """
    together = {f"case-{number}": case for number, case in enumerate((*GOOD, *BAD)) if not _alone(case)}
    seen = _create(kubectl, *(_named(case, name) for name, case in together.items()))
    refused = {together[name].case: why for name, why in ONE_OF_MANY.findall(seen)}
    alone = {case.case: _create(kubectl, case.manifest) for case in (*GOOD, *BAD) if _alone(case)}
    return {case.case: "" for case in together.values()} | refused | alone


def _alone(case: Case) -> bool:
    return "metadata.name" in case.set or "unknown field" in case.server


def _named(case: Case, name: str) -> Manifest:
    return case.manifest | {"metadata": {"name": name}}


def _create(kubectl: Kubectl, *manifests: Manifest) -> str:
    """As JSON: in YAML, the name n is false to some readers."""
    documents = "\n---\n".join(json.dumps(manifest) for manifest in manifests)
    return kubectl("create", "--dry-run=server", "-f", "-", stdin=documents, check=False).stderr


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.case)
def test_what_pydantic_accepts_the_api_server_accepts(answers: Mapping[str, str], case: Case) -> None:
    assert answers[case.case] == ""


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.case)
def test_what_pydantic_refuses_the_api_server_refuses_in_the_same_words(answers: Mapping[str, str], case: Case) -> None:
    assert case.path in answers[case.case]
    assert (case.server or case.says) in answers[case.case]


@pytest.mark.parametrize(
    ("kind", "want"),
    [(EndpointPool, POOL_CONDITIONS), (FailoverPolicy, POLICY_CONDITIONS)],
    ids=["EndpointPool", "FailoverPolicy"],
)
def test_a_fresh_object_is_unknown_and_pending_in_every_condition(
    kubectl: Kubectl,
    crds: None,
    namespace: str,
    kind: type[EndpointPool] | type[FailoverPolicy],
    want: tuple[str, ...],
) -> None:
    # Paused, so that an operator that happens to run on this cluster leaves it alone.
    manifest = SMALLEST[kind.__name__] | {"metadata": {"name": "fresh", "annotations": {labels.PAUSED: "true"}}}
    made = kubectl("-n", namespace, "create", "-f", "-", "-o", "json", stdin=json.dumps(manifest)).stdout
    conditions = json.loads(made)["status"]["conditions"]
    assert tuple(condition["type"] for condition in conditions) == want
    assert {(condition["status"], condition["reason"]) for condition in conditions} == {("Unknown", "Pending")}
    assert {condition["lastTransitionTime"] for condition in conditions} == {"1970-01-01T00:00:00Z"}


def test_what_the_api_server_fills_in_is_what_the_models_fill_in(kubectl: Kubectl, crds: None, namespace: str) -> None:
    for kind in (EndpointPool, FailoverPolicy):
        declared = kind.parse(SMALLEST[kind.__name__])
        seen = kubectl(
            "-n", namespace, "create", "--dry-run=server", "-f", "-", "-o", "json",
            stdin=json.dumps(SMALLEST[kind.__name__]),
        )  # fmt: skip
        stored = kind.parse(json.loads(seen.stdout))
        assert isinstance(declared, kind)
        assert isinstance(stored, kind)
        assert stored.spec == declared.spec


def test_kubectl_get_shows_the_columns(kubectl: Kubectl, crds: None, namespace: str) -> None:
    kubectl("-n", namespace, "create", "-f", "-", stdin=json.dumps(SMALLEST["EndpointPool"]))
    shown = kubectl("-n", namespace, "get", "epool", "-o", "wide").stdout.splitlines()[0].split()
    want = "NAME READY AVAILABLE HEALTHY TIER FAILOVER AGE STATE REASON CAUSE POLICY MODELS ADDRESS"
    assert shown == want.split()


def test_the_category_finds_both_kinds(kubectl: Kubectl, crds: None, namespace: str) -> None:
    documents = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(SMALLEST.values())})
    kubectl("-n", namespace, "create", "-f", "-", stdin=documents)
    found = kubectl("-n", namespace, "get", "poolkeeper", "-o", "name").stdout.split()
    assert found == ["endpointpool.poolkeeper.dev/chat", "failoverpolicy.poolkeeper.dev/standard"]


def test_kubectl_scale_sets_the_router_replicas(kubectl: Kubectl, crds: None, namespace: str) -> None:
    kubectl("-n", namespace, "create", "-f", "-", stdin=json.dumps(SMALLEST["EndpointPool"]))
    kubectl("-n", namespace, "scale", "epool", "chat", "--replicas=5")
    replicas = kubectl("-n", namespace, "get", "epool", "chat", "-o", "jsonpath={.spec.router.replicas}").stdout
    assert replicas == "5"


@pytest.mark.parametrize(
    ("field", "want"),
    [
        ("epool", "keeps it answering"),
        ("epool.spec.endpoints", "Order of use: tier 0 first"),
        ("epool.spec.endpoints.provider", "LlamaCpp, LMStudio"),
        ("epool.spec.endpoints.weight", "Default: 100. Bounds: 0 to 1000."),
        ("epool.spec.router.replicas", "Leave it out in Git when an autoscaler owns it"),
        ("fopol.spec.circuitBreaker.recoveryTimeout", "Default: 30s. Bounds: 1ms to 1h."),
    ],
)
def test_kubectl_explain_reads_like_documentation(kubectl: Kubectl, crds: None, field: str, want: str) -> None:
    assert want in " ".join(kubectl("explain", field).stdout.split())
