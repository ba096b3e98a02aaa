"""The main job on a real cluster: a pool in, streams out, whatever the first provider does.

Everything is what a user has: the Helm chart, the demo pool, the real OpenAI SDK against the Service, kubectl.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic

import pytest
from openai import OpenAI

from testing.cluster_bed import Bed, Json, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

OFFICIAL_KEY = "sk-demo-official-key"
STATUS_WITHIN_S = 15.0
"""A hang guard on how soon `kubectl get epool` shows what a router knows; about two seconds on a quiet machine."""


@dataclass(frozen=True)
class Answer:
    endpoint: str
    tier: str
    attempts: int
    text: str
    finish_reason: str


@dataclass(frozen=True)
class Client:
    """The real SDK; only the base URL is Poolkeeper's."""

    base_url: str

    def stream(self, prompt: str = "Name three colours.") -> Answer:
        client = OpenAI(base_url=self.base_url, api_key="unused", max_retries=0, timeout=90)
        raw = client.chat.completions.with_raw_response.create(
            model="deepseek-flash",
            stream=True,
            max_tokens=24,
            messages=[{"role": "user", "content": prompt}],
        )
        text, finish_reason = "", ""
        for chunk in raw.parse():
            for choice in chunk.choices:
                text += choice.delta.content or ""
                finish_reason = choice.finish_reason or finish_reason
        headers = raw.headers
        return Answer(
            endpoint=headers["x-poolkeeper-endpoint"],
            tier=headers["x-poolkeeper-tier"],
            attempts=int(headers["x-poolkeeper-attempts"]),
            text=text,
            finish_reason=finish_reason,
        )


@pytest.fixture
def client(bed: Bed) -> Iterator[Client]:
    with bed.reach("chat-router", 80) as address:
        yield Client(f"http://{address}/v1")


@pytest.fixture(autouse=True)
def healthy(bed: Bed, client: Client) -> None:
    """Each case starts with the primary serving. Under traffic: a router closes its breaker on real answers alone."""
    bed.play("official", "ok")

    def serves() -> bool:
        return client.stream().endpoint == "official" and bed.condition("FailoverActive")[0] == "False"

    wait_until("tier 0 to serve, also in status", lambda: serves() or None, 150)


def test_a_stream_through_the_service_comes_from_the_primary(client: Client) -> None:
    answer = client.stream()

    assert (answer.endpoint, answer.tier, answer.attempts) == ("official", "0", 1)
    assert answer.text
    assert answer.finish_reason in ("stop", "length")


@pytest.mark.parametrize(
    ("scenario", "want_reasons"),
    [
        pytest.param("busy503", {"PrimaryBreakerOpen", "PrimaryUnhealthy", "PrimaryRateLimited"}, id="says busy"),
        pytest.param("keepalive_forever", {"PrimaryBreakerOpen"}, id="keeps alive for ever"),
        pytest.param("refuse", {"PrimaryBreakerOpen", "PrimaryUnhealthy"}, id="refuses connections"),
    ],
)
def test_the_answer_still_arrives_complete_when_the_primary(
    bed: Bed, client: Client, scenario: str, want_reasons: set[str]
) -> None:
    bed.play("official", scenario)

    answers: list[Answer] = []

    def is_shown() -> bool:
        answers.append(client.stream())
        status, reason = bed.condition("FailoverActive")
        return status == "True" and reason in want_reasons and bed.pool()["status"].get("activeTier") == 1

    wait_until("the failover in the status", lambda: is_shown() or None)
    assert {answer.endpoint for answer in answers} == {"local"}
    assert {answer.tier for answer in answers} == {"1"}
    assert all(answer.text and answer.finish_reason in ("stop", "length") for answer in answers)
    assert bed.condition("Available")[0] == "True", "the pool serves, from tier 1"
    assert bed.condition("Ready")[0] == "True", "an outage of a provider must not block a roll-out"
    assert bed.endpoint("official")["reason"]
    assert bed.endpoint("local")["breaker"] == "Closed"


def test_a_refused_key_goes_to_tier_1_until_the_secret_has_the_new_one(bed: Bed, client: Client) -> None:
    old, new = bed.read_key("deepseek", "api-key"), "sk-demo-official-key-2"
    bed.accept_keys("official", new)

    def refused() -> bool:
        assert client.stream().endpoint == "local"
        return bed.condition("Degraded")[1] == "CredentialsRejected"

    wait_until("CredentialsRejected in status", lambda: refused() or None)
    assert bed.condition("FailoverActive") == ("True", "PrimaryUnhealthy")

    bed.write_key("deepseek", "api-key", new)

    wait_until("tier 0 with the new key", lambda: client.stream().endpoint == "official" or None, 150)
    bed.accept_keys("official", old, new)
    bed.write_key("deepseek", "api-key", old)


def test_traffic_and_status_go_back_when_the_primary_recovers(bed: Bed, client: Client) -> None:
    bed.play("official", "busy503")

    def breaker_is(wanted: str) -> bool:
        client.stream()
        return bed.endpoint("official").get("breaker") == wanted

    wait_until("the open breaker in status", lambda: breaker_is("Open") or None)

    bed.play("official", "ok")

    wait_until("the breaker closed in status", lambda: breaker_is("Closed") or None)
    wait_until("tier 0 in status", lambda: bed.pool()["status"].get("activeTier") == 0 or None)
    assert client.stream().endpoint == "official"
    reasons = {event["reason"] for event in bed.get("events")["items"]}
    assert {"BreakerOpened", "BreakerClosed", "Failover", "Failback"} <= reasons


def test_status_tells_tier_breaker_and_reason_within_seconds(bed: Bed, client: Client) -> None:
    bed.play("official", "error500")

    def left() -> bool:
        client.stream()
        return all(_state(bed, pod)["activeTier"] == 1 for pod in bed.router_pods())

    wait_until("the routers to leave tier 0", lambda: left() or None)
    left_s = monotonic()
    while (status := bed.pool()["status"])["activeTier"] != 1 or _shown(status, "official") != ("Open", "ServerError"):
        client.stream()
        assert monotonic() - left_s < STATUS_WITHIN_S, status
    assert bed.condition("FailoverActive") == ("True", "PrimaryBreakerOpen")


def _shown(status: Json, endpoint: str) -> tuple[str, str]:
    found = next(one for one in status["endpoints"] if one["name"] == endpoint)
    return found["breaker"], found["reason"]


def _state(bed: Bed, pod: Json) -> Json:
    path = f"/api/v1/namespaces/{bed.namespace}/pods/{pod['metadata']['name']}:9180/proxy/state"
    state: Json = json.loads(bed.kubectl("get", "--raw", path).stdout)
    return state


def test_a_router_pod_that_ends_lets_its_stream_finish(bed: Bed, client: Client) -> None:
    bed.play("official", "ok", token_interval_ms=500.0)

    def streaming() -> list[Json]:
        return [pod for pod in bed.router_pods() if any(one["inFlight"] for one in _state(bed, pod)["endpoints"])]

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.stream, "Count.")
        pod = wait_until("a router that streams", streaming)[0]["metadata"]["name"]
        bed.kubectl("-n", bed.namespace, "delete", "pod", pod, "--wait=false")
        bed.play("official", "ok")
        others = [client.stream()]
        while not answer.done():
            others.append(client.stream())

    assert (answer.result().endpoint, answer.result().attempts) == ("official", 1)
    assert answer.result().text == client.stream("Count.").text
    assert all(other.text for other in others)


def test_deleting_the_router_pods_heals(bed: Bed, client: Client) -> None:
    before = {pod["metadata"]["name"] for pod in bed.router_pods()}

    bed.kubectl("-n", bed.namespace, "delete", "pod", *before, "--wait=false")

    def replaced() -> bool:
        pods = bed.router_pods()
        ready = [pod for pod in pods if _is_ready(pod)]
        return len(ready) == len(before) and not before & {p["metadata"]["name"] for p in pods}

    wait_until("new router Pods, ready", lambda: replaced() or None)
    bed.wait_condition("Available", "True")
    assert client.stream().text


def _is_ready(pod: Json) -> bool:
    return any(found["type"] == "Ready" and found["status"] == "True" for found in pod["status"].get("conditions", []))


def test_killing_the_operator_changes_nothing_for_callers_and_it_comes_back(
    bed: Bed, client: Client, release: str
) -> None:
    operator = ["-l", "app.kubernetes.io/name=poolkeeper"]
    bed.kubectl("-n", release, "delete", "pod", *operator, "--wait=false", "--grace-period=0")
    bed.play("official", "busy503")

    assert client.stream().endpoint == "local"

    bed.kubectl("-n", release, "rollout", "status", "deployment", "--timeout=120s", timeout_s=150)

    def tells() -> bool:
        client.stream()
        return bool(bed.pool()["status"].get("activeTier") == 1)

    wait_until("the new operator's report", lambda: tells() or None)


@pytest.mark.parametrize("kind", ["configmap", "deployment", "service", "poddisruptionbudget"])
def test_a_deleted_child_is_made_again(bed: Bed, kind: str) -> None:
    child = bed.get(kind, "-l", "poolkeeper.dev/pool=chat")["items"][0]
    name, uid = child["metadata"]["name"], child["metadata"]["uid"]

    bed.kubectl("-n", bed.namespace, "delete", kind, name)

    def again() -> bool:
        found = bed.get(kind, "-l", "poolkeeper.dev/pool=chat")["items"]
        return any(item["metadata"]["name"] == name and item["metadata"]["uid"] != uid for item in found)

    wait_until(f"{kind}/{name} again", lambda: again() or None, 30)
    bed.wait_condition("Programmed", "True")


def test_an_edited_child_is_put_right(bed: Bed) -> None:
    bed.kubectl("-n", bed.namespace, "scale", "deployment", "-l", "poolkeeper.dev/pool=chat", "--replicas=5")

    def replicas() -> int:
        found: int = bed.get("deployment", "-l", "poolkeeper.dev/pool=chat")["items"][0]["spec"]["replicas"]
        return found

    wait_until("two replicas again", lambda: replicas() == 2 or None, 30)


def test_a_changed_pool_is_live_without_a_new_pod(bed: Bed, client: Client) -> None:
    before = {pod["metadata"]["uid"] for pod in bed.router_pods()}
    patch = {"spec": {"models": ["deepseek-flash", "deepseek-v4-pro"]}}

    bed.kubectl("-n", bed.namespace, "patch", "epool", "chat", "--type=merge", "-p", json.dumps(patch))

    def models() -> set[str]:
        api = OpenAI(base_url=client.base_url, api_key="unused", max_retries=0, timeout=10)
        return {model.id for model in api.models.list()}

    wait_until("the new model", lambda: models() == {"deepseek-flash", "deepseek-v4-pro"} or None, 30)
    assert {pod["metadata"]["uid"] for pod in bed.router_pods()} == before


def test_the_key_reached_its_own_endpoint_and_no_place_that_people_read(bed: Bed, client: Client, release: str) -> None:
    client.stream()

    assert {entry["key"] for entry in bed.log("official")} <= {OFFICIAL_KEY, f"{OFFICIAL_KEY}-2"}
    read = {
        "pool": json.dumps(bed.pool()),
        "configmaps": json.dumps(bed.get("configmaps")),
        "events": json.dumps(bed.get("events")),
        "deployments": json.dumps([d for d in bed.get("deployments")["items"] if d["metadata"]["name"] != "official"]),
        "operator log": _logs(bed, release, "app.kubernetes.io/name=poolkeeper"),
        "router log": _logs(bed, bed.namespace, "poolkeeper.dev/pool=chat"),
        **_admin_pages(bed),
    }
    assert {place for place, text in read.items() if OFFICIAL_KEY in text} == set()
    assert all(read.values()), f"nothing to search in: {[place for place, text in read.items() if not text]}"


def _logs(bed: Bed, namespace: str, selector: str) -> str:
    return bed.kubectl("-n", namespace, "logs", "-l", selector, "--tail=-1", "--prefix").stdout or "(empty log)"


def _admin_pages(bed: Bed) -> Mapping[str, str]:
    pod = bed.router_pods()[0]["metadata"]["name"]
    base = f"/api/v1/namespaces/{bed.namespace}/pods/{pod}:9180/proxy"
    return {page: bed.kubectl("get", "--raw", f"{base}/{page}").stdout for page in ("state", "metrics")}


def test_the_router_pod_may_do_nothing_in_the_cluster(bed: Bed) -> None:
    pod = bed.router_pods()[0]["spec"]

    assert pod["automountServiceAccountToken"] is False
    assert not [v for v in pod["volumes"] if "projected" in v and _has_token(v)]


def _has_token(volume: Json) -> bool:
    return any("serviceAccountToken" in source for source in volume["projected"]["sources"])


def test_kubectl_get_shows_what_a_person_on_call_wants(bed: Bed) -> None:
    def rows() -> list[list[str]]:
        return [line.split() for line in bed.kubectl("-n", bed.namespace, "get", "epool").stdout.splitlines()]

    wait_until("the row of a healthy pool", lambda: rows()[1][:6] == ["chat", "True", "True", "2/2", "0", "False"], 90)
    assert rows()[0] == ["NAME", "READY", "AVAILABLE", "HEALTHY", "TIER", "FAILOVER", "AGE", "STATE"]


def test_kubectl_explain_reads_like_documentation(bed: Bed) -> None:
    text = bed.kubectl("explain", "epool.spec.endpoints").stdout

    fields = [line.split("\t")[0].strip() for line in text.splitlines() if line.startswith("  ") and "\t<" in line]
    assert {"name", "url", "tier", "weight", "credentialsRef", "maxConnections", "baseLatency"} <= set(fields)
    assert "<no description>" not in text


def test_deleting_the_pool_removes_everything_it_made(bed: Bed, cluster_env: Mapping[str, str]) -> None:
    """Last in this file: it ends the demo pool (the next session of tests applies it again)."""
    bed.kubectl("-n", bed.namespace, "delete", "epool", "chat")

    def left() -> str:
        kinds = "configmap,deployment,service,poddisruptionbudget,replicaset,pod"
        return subprocess.run(
            ["kubectl", "-n", bed.namespace, "get", kinds, "-l", "poolkeeper.dev/pool=chat", "-o", "name"],
            capture_output=True,
            text=True,
            env=dict(cluster_env),
            check=True,
        ).stdout

    wait_until("nothing left", lambda: not left().strip() or None)
