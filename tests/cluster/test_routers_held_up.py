"""What keeps routers from running on a real cluster, and that everything the person on call looks at says the same: the
resource, its description, `poolkeeper status`, the page, and the metric that the alerts read."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from uuid import uuid4

import pytest

from cluster.operator_bed import POOL, ROOT, Home, OperatorProcess, leading, new_home
from testing import plain_http
from testing.cluster_bed import Json, Kubectl, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

NO_IMAGE = "localhost/poolkeeper-router:none"
PATIENCE_S = 120
QUOTA: Json = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "team-a"},
    "spec": {"hard": {"pods": "0"}},
}

UNCHECKED: Json = {
    "apiVersion": "poolkeeper.dev/v1alpha1",
    "kind": "FailoverPolicy",
    "metadata": {"name": "unchecked"},
    "spec": {"healthCheck": {"type": "None"}},
}
"""The provider of these pools does not exist: with checks its outage would come first."""


@pytest.fixture
def home(kubectl: Kubectl, cluster_env: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"))
    namespace, folder = f"pk-held-{uuid4().hex[:8]}", tmp_path_factory.mktemp("operator")
    yield new_home(kubectl, cluster_env, namespace, folder)
    kubectl("-n", namespace, "delete", "epool", "--all", "--wait=false", check=False)
    kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.fixture
def operator(home: Home) -> Iterator[OperatorProcess]:
    with leading(home) as process:
        yield process


@pytest.fixture
def page(home: Home) -> Iterator[str]:
    """The address of `poolkeeper dashboard`, as the cluster's administrator starts it."""
    command = [*_poolkeeper("dashboard", home), "--no-browser", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_env(home))
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[0].rstrip("/")
    finally:
        process.terminate()
        process.wait(timeout=30)


def _poolkeeper(verb: str, home: Home) -> list[str]:
    kubeconfig = ("--kubeconfig", home.kubectl.env["KUBECONFIG"])
    return [sys.executable, "-m", "poolkeeper", verb, "-n", home.namespace, *kubeconfig]


def _env(home: Home) -> dict[str, str]:
    return {**home.kubectl.env, "PYTHONPATH": str(ROOT / "operator"), "PYTHONUNBUFFERED": "1"}


def pool(name: str, **router: object) -> Json:
    spec = {**POOL["spec"], "router": {"replicas": 1, **router}}
    return {**POOL, "metadata": {"name": name}, "spec": spec}


def views(home: Home, operator: OperatorProcess, page: str, name: str) -> dict[str, str]:
    """What each of them says of this pool; the page knows a new one after its next look."""
    status = subprocess.run([*_poolkeeper("status", home), name], capture_output=True, text=True, env=_env(home))
    shown = plain_http.get(f"{page}/pools.json", timeout=30).json()["pools"]
    unknown: Json = {"headline": "", "changes": []}
    mine = next((one for one in shown if one["name"] == f"{home.namespace}/{name}"), unknown)
    metrics = [line for line in operator.page("/metrics")[1].splitlines() if f'pool="{name}"' in line]
    return {
        "get": home("get", "epool", name),
        "describe": home("describe", "epool", name),
        "status": status.stdout + status.stderr,
        "page": mine["headline"],
        "changes": "\n".join(change["message"] for change in mine["changes"]),
        "metrics": "\n".join(line for line in metrics if line.startswith("poolkeeper_pool_condition{")),
    }


def wait_headline(home: Home, name: str, *words: str) -> str:
    def look() -> str | None:
        said = str(home.get("epool", name).get("status", {}).get("headline", ""))
        return said if all(word in said for word in words) else None

    try:
        return wait_until(f"a headline with {words}", look, PATIENCE_S)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{json.dumps(home.get('epool', name).get('status'), indent=1)}") from None


def agree(home: Home, operator: OperatorProcess, page: str, name: str, *words: str) -> dict[str, str]:
    """All of them have these words at last; the page asks every two seconds."""

    def look() -> dict[str, str] | None:
        said = views(home, operator, page, name)
        return (
            said if all(word in said[who] for who in ("get", "describe", "status", "page") for word in words) else None
        )

    return wait_until(f"all to say {words}", look, PATIENCE_S)


def test_a_pod_that_fits_on_no_node(home: Home, operator: OperatorProcess, page: str) -> None:
    home.apply(pool("nowhere", template={"nodeSelector": {"disk": "none"}}))
    wait_headline(home, "nowhere", "0/1 router Pods are ready", "fits on no node (0/", "To do: make room")

    said = agree(home, operator, page, "nowhere", "fits on no node (0/")

    assert 'type="Available"} 0.0' in said["metrics"]


def test_a_router_that_is_ended_for_its_memory(home: Home, operator: OperatorProcess, page: str) -> None:
    home.apply(pool("small", resources={"requests": {"memory": "16Mi"}, "limits": {"memory": "16Mi"}}))
    wait_headline(home, "small", "was ended for its memory (OOMKilled, limit 16Mi)", "To do: raise limits.memory")

    said = agree(home, operator, page, "small", "OOMKilled, limit 16Mi")

    def told() -> str | None:
        found = views(home, operator, page, "small")["changes"]
        return found if "was started again" in found else None

    assert "was ended for its memory (OOMKilled, limit 16Mi)" in wait_until("the restart on the page", told, PATIENCE_S)
    assert 'type="Available"} 0.0' in said["metrics"]


def test_a_quota_that_refuses_pods(home: Home, operator: OperatorProcess, page: str) -> None:
    home.apply(QUOTA)
    home.apply(pool("many"))
    wait_headline(home, "many", "exceeded quota: team-a", "To do: raise the quota")

    said = agree(home, operator, page, "many", "exceeded quota: team-a")

    assert 'type="Available"} 0.0' in said["metrics"]


def test_an_image_that_cannot_be_pulled_while_the_old_routers_serve(home: Home, page: str) -> None:
    first = home.operator()
    first.start()
    home.apply(UNCHECKED)
    chat = pool("chat")
    home.apply({**chat, "spec": {**chat["spec"], "failoverPolicyRef": {"name": "unchecked"}}})
    home.wait_programmed()
    first.end()
    second = OperatorProcess(home.env, home.namespace, NO_IMAGE, home.folder / "second.log")
    second.start()
    try:
        wait_headline(home, "chat", f"has an image that cannot be pulled ({NO_IMAGE})", "To do: correct router.image")
        said = agree(home, second, page, "chat", "cannot be pulled")
    finally:
        second.end()

    assert 'type="Programmed"} 0.0' in said["metrics"]
    assert 'type="Available"} 0.0' not in said["metrics"]


def test_a_secret_and_a_policy_that_are_missing(home: Home, operator: OperatorProcess, page: str) -> None:
    endpoint = {**POOL["spec"]["endpoints"][0], "credentialsRef": {"name": "deepseek", "key": "api-key"}}
    without_key = {**POOL, "metadata": {"name": "keyless"}, "spec": {**POOL["spec"], "endpoints": [endpoint]}}
    home.apply(without_key)
    wait_headline(home, "keyless", "Secret deepseek")
    agree(home, operator, page, "keyless", "Secret deepseek")

    home.apply(
        {**POOL, "metadata": {"name": "free"}, "spec": {**POOL["spec"], "failoverPolicyRef": {"name": "strict"}}}
    )
    wait_headline(home, "free", "FailoverPolicy", "strict", "To do: create the FailoverPolicy")
    agree(home, operator, page, "free", "FailoverPolicy", "strict")
