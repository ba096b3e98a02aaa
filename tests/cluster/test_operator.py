"""The operator against the real API server: what it creates, fixes, leaves alone, and that killing it changes nothing.

It runs as a process with the permissions of the chart's ServiceAccount, so that everything here proves them sufficient.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from time import sleep
from uuid import uuid4

import pytest

from cluster.operator_bed import CHILDREN, LEASE, POOL, ROOT, Home, OperatorProcess, leading, new_home
from testing.cluster_bed import Json, Kubectl, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

STEADY_S = 20
"""Long enough for ten rounds of asking the routers."""
CHECKED_S = 120
"""A hang guard: three checks that time out, ten seconds apart, take 45."""


@pytest.fixture(scope="module")
def home(kubectl: Kubectl, cluster_env: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A namespace of this module, with the chart's ServiceAccount; an operator of `make up` is stopped meanwhile."""
    demo = ["-n", "poolkeeper-system", "scale", "deployment", "-l", "app.kubernetes.io/name=poolkeeper"]
    kubectl(*demo, "--replicas=0", check=False)
    kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"))
    namespace, folder = f"pk-op-{uuid4().hex[:8]}", tmp_path_factory.mktemp("operator")
    yield new_home(kubectl, cluster_env, namespace, folder)
    kubectl("delete", "namespace", namespace, "--wait=false")
    kubectl(*demo, "--replicas=1", check=False)


@pytest.fixture(scope="module")
def operator(home: Home) -> Iterator[OperatorProcess]:
    with leading(home) as process:
        yield process


@pytest.fixture(scope="module")
def chat(home: Home, operator: OperatorProcess) -> Json:
    """A pool that is programmed."""
    home.apply(POOL)
    home.wait_programmed()
    return home.get("epool", "chat")


def test_a_pool_gets_its_children_which_belong_to_it(home: Home, chat: Json) -> None:
    children = home.children()

    assert children.keys() == set(CHILDREN)
    for child in children.values():
        (owner,) = child["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"], owner["controller"]) == ("EndpointPool", chat["metadata"]["uid"], True)


def test_a_pool_gets_every_condition_about_its_latest_spec(home: Home, chat: Json) -> None:
    home.wait_condition("Ready", "True", "Ready")
    conditions = home.get("epool", "chat")["status"]["conditions"]

    assert {found["type"] for found in conditions} == {
        "Accepted", "ResolvedRefs", "Programmed", "Available", "Degraded", "FailoverActive", "Ready", "Reconciling",
        "Stalled",
    }  # fmt: skip
    assert {found["observedGeneration"] for found in conditions} == {chat["metadata"]["generation"]}


def test_nothing_is_left_on_the_pool_but_its_status(home: Home, chat: Json) -> None:
    metadata = home.get("epool", "chat", "--show-managed-fields")["metadata"]

    assert metadata.get("annotations", {}) == {}
    assert metadata.get("finalizers", []) == []
    written = {(entry["manager"], entry.get("subresource", "")) for entry in metadata["managedFields"]}
    assert written == {("kubectl", ""), ("poolkeeper", "status")}


def test_nothing_is_written_when_nothing_changes(home: Home, operator: OperatorProcess, chat: Json) -> None:
    home.wait_condition("Ready", "True", "Ready")
    wait_until("the first health checks to have said something", lambda: _all_checked(home) or None, CHECKED_S)
    wait_until("the last change to have settled", lambda: _is_still(home, 3) or None)
    writes = operator.writes()

    assert _is_still(home, STEADY_S)
    assert operator.writes() == writes


def _all_checked(home: Home) -> bool:
    return all(endpoint["health"] != "Unknown" for endpoint in home.get("epool", "chat")["status"]["endpoints"])


def _is_still(home: Home, seconds: float) -> bool:
    before = home.versions()
    sleep(seconds)
    return home.versions() == before


def test_a_changed_spec_becomes_the_next_document_and_reaches_the_routers(home: Home, chat: Json) -> None:
    before = home.document()
    spec = deepcopy(POOL["spec"])
    spec["endpoints"][0]["weight"] = 37
    home.patch("epool", "chat", {"spec": spec})

    home.wait_programmed()

    document = home.document()
    assert document["generation"] == before["generation"] + 1
    assert document["endpoints"][0]["weight"] == 37
    for pod in home.get("pods", "-l", "poolkeeper.dev/pool=chat")["items"]:
        assert pod["metadata"]["annotations"]["poolkeeper.dev/config-generation"] == str(document["generation"])


@pytest.mark.parametrize("kind", CHILDREN)
def test_a_deleted_child_comes_back(home: Home, chat: Json, kind: str) -> None:
    uid = home.children()[kind]["metadata"]["uid"]
    home("delete", kind, "chat-router", "--wait=false")

    wait_until(
        f"another {kind}",
        lambda: home.get(kind, "chat-router").get("metadata", {}).get("uid") not in (None, uid) or None,
    )
    home.wait_programmed()


@pytest.mark.parametrize(
    ("kind", "edit", "path"),
    [
        ("configmap", {"data": {"router.json": "{}"}}, ("data", "router.json")),
        ("service", {"spec": {"selector": {"poolkeeper.dev/pool": "other"}}}, ("spec", "selector")),
        ("poddisruptionbudget", {"spec": {"maxUnavailable": 0}}, ("spec", "maxUnavailable")),
        ("deployment", {"spec": {"revisionHistoryLimit": 9}}, ("spec", "revisionHistoryLimit")),
        ("deployment", {"metadata": {"labels": {"poolkeeper.dev/pool": None}}}, ("metadata", "labels")),
    ],
    ids=["the document", "the selector", "the budget", "the Deployment", "our own label"],
)
def test_an_edited_child_is_put_right(home: Home, chat: Json, kind: str, edit: Json, path: tuple[str, str]) -> None:
    def value() -> object:
        return home.get(kind, "chat-router")[path[0]][path[1]]

    before = value()
    home.patch(kind, "chat-router", edit)

    wait_until(f"the {kind} to be as before", lambda: value() == before or None)
    home.wait_programmed()


def test_both_families_where_the_cluster_has_both(home: Home, chat: Json) -> None:
    """This one has IPv4 alone: to prefer both is fine. What it says to a Service that must have both is passed on."""

    def ask_for(policy: str | None) -> None:
        home.patch("epool", "chat", {"spec": {"router": {"service": {"ipFamilyPolicy": policy}}}})

    def programmed() -> str:
        conditions = home.get("epool", "chat")["status"]["conditions"]
        return str(next(one["message"] for one in conditions if one["type"] == "Programmed"))

    ask_for("PreferDualStack")
    home.wait_programmed()
    assert home.get("service", "chat-router")["spec"]["ipFamilyPolicy"] == "PreferDualStack"

    if home.get("service", "chat-router")["spec"]["ipFamilies"] == ["IPv4"]:
        ask_for("RequireDualStack")
        wait_until("the API server's words", lambda: "dual-stack" in programmed() or None)
    ask_for(None)
    home.wait_programmed()


def test_a_missing_policy_is_named_and_the_last_good_configuration_serves(home: Home, chat: Json) -> None:
    before = home.document()
    home.patch("epool", "chat", {"spec": {"failoverPolicyRef": {"name": "strict"}}})
    home.wait_condition("Ready", "False", "PolicyNotFound")
    assert home.document() == before

    home.apply(_policy({"retry": {"maxAttempts": 2}}))
    home.wait_condition("Ready", "True", "Ready")
    assert home.document()["policy"]["retry"]["maxAttempts"] == 2

    home.patch("fopol", "strict", {"spec": {"retry": {"maxAttempts": 5}}})
    wait_until(
        "the changed policy to be in force", lambda: home.document()["policy"]["retry"]["maxAttempts"] == 5 or None
    )
    wait_until(
        "the policy to know its pool", lambda: home.get("fopol", "strict")["status"].get("boundPools") == 1 or None
    )
    home.patch("epool", "chat", {"spec": {"failoverPolicyRef": None}})
    wait_until("the policy to lose it", lambda: home.get("fopol", "strict")["status"].get("boundPools") == 0 or None)
    home.wait_programmed()


def test_a_stranger_in_the_way_is_named_and_left_alone(home: Home, operator: OperatorProcess) -> None:
    home("create", "configmap", "other-router", "--from-literal=mine=1")
    pool = {**deepcopy(POOL), "metadata": {"name": "other"}}
    home.apply(pool)
    home.wait_condition("Programmed", "False", "ApplyConflict", pool="other")
    assert home.get("configmap", "other-router")["data"] == {"mine": "1"}

    home("delete", "configmap", "other-router")

    home.wait_programmed("other")
    home("delete", "epool", "other")


def test_a_deleted_pool_takes_everything_with_it(home: Home, operator: OperatorProcess) -> None:
    home.apply({**deepcopy(POOL), "metadata": {"name": "brief"}})
    home.wait_programmed("brief")

    home("delete", "epool", "brief", "--wait=false")

    wait_until("everything of it to be gone", lambda: home.children("brief") == {} or None)
    wait_until("its metrics to be gone", lambda: 'pool="brief"' not in operator.page("/metrics")[1] or None)


def test_a_pool_made_again_at_once_gets_children_of_its_own(home: Home, operator: OperatorProcess) -> None:
    pool = {**deepcopy(POOL), "metadata": {"name": "again"}}
    home.apply(pool)
    home.wait_programmed("again")
    home("delete", "epool", "again")
    home.apply(pool)

    home.wait_programmed("again")

    uid = home.get("epool", "again")["metadata"]["uid"]
    owners = {child["metadata"]["ownerReferences"][0]["uid"] for child in home.children("again").values()}
    assert owners == {uid}
    home("delete", "epool", "again")


def test_it_is_alive_ready_and_measured(operator: OperatorProcess, chat: Json) -> None:
    assert operator.page("/healthz") == (200, "ok\n")
    assert operator.page("/readyz") == (200, "ok\n")
    assert 'poolkeeper_pool_condition{namespace="' in operator.page("/metrics")[1]


def test_it_may_not_touch_secrets(home: Home) -> None:
    account = f"--as=system:serviceaccount:{home.namespace}:operator"
    for verb in ("get", "list", "watch", "create"):
        assert home("auth", "can-i", verb, "secrets", account, check=False).strip() == "no"


def test_a_second_one_stands_by_and_takes_over_at_once(home: Home, chat: Json, operator: OperatorProcess) -> None:
    second = home.operator()
    second.start()
    wait_until("the second to be ready", lambda: second.page("/readyz")[0] == 200 or None)
    assert second.metric("poolkeeper_leader") == 0

    assert operator.end() == 0
    second.wait_leading()
    home("delete", "service", "chat-router", "--wait=false")
    wait_until("the second to work", lambda: home.get("service", "chat-router").get("metadata") or None)

    assert second.end() == 0
    operator.start()
    operator.wait_leading()


def test_killing_it_at_any_moment_converges(home: Home, chat: Json, operator: OperatorProcess) -> None:
    """Each life is cut a little later than the one before, while the spec changes under it."""
    operator.kill()
    for life in range(8):
        home("delete", "lease", LEASE, "--ignore-not-found")  # else each life waits for the former's
        home.patch("epool", "chat", {"spec": {"router": {"replicas": 1 + life % 2}}})
        spec = deepcopy(POOL["spec"])
        spec["endpoints"][0]["weight"] = 50 + life
        home.patch("epool", "chat", {"spec": {"endpoints": spec["endpoints"]}})
        home("delete", CHILDREN[life % len(CHILDREN)], "chat-router", "--ignore-not-found", "--wait=false")
        operator.start()
        wait_until("it to lead", lambda: operator.metric("poolkeeper_leader") == 1 or None)
        sleep(0.15 * life)
        operator.kill()
    home("delete", "lease", LEASE, "--ignore-not-found")

    operator.start()

    home.wait_programmed()
    assert home.children().keys() == set(CHILDREN)
    assert home.document()["endpoints"][0]["weight"] == 57
    assert home.get("deployment", "chat-router")["spec"]["replicas"] == 2


def _policy(spec: Json) -> Json:
    return {
        "apiVersion": "poolkeeper.dev/v1alpha1",
        "kind": "FailoverPolicy",
        "metadata": {"name": "strict"},
        "spec": spec,
    }
