"""A cold standby on the real thing: the model server (llama.cpp) of the demo has no replicas until the scripted
provider above it fails. The operator wakes it, requests wait for it and are answered by it, and it goes back to zero by
itself: also where the operator starts again in between. What somebody else scales is left alone."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from testing import plain_http
from testing.cluster_bed import Bed, Json, Kubectl, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]

EXAMPLE = Path(__file__).parents[2] / "examples/cold-standby.yaml"
DEMO = Path(__file__).parents[2] / "examples/demo/local.yaml"
POOL, DEPLOYMENT = "with-standby", "vllm"
PATIENCE_S = 300.0
"""A model server loads its model on a busy machine."""
FRESH = {"cache-control": "no-store"}
QUICK: Json = {
    # The scripted provider passes its checks while it is busy. Without them it is down for certain for as long as these
    # tests take from one request to the next; tests/unit/status/test_cold_standby.py has what may be back.
    "healthCheck": {"type": "None"},
    "circuitBreaker": {"consecutiveFailures": 2, "recoveryTimeout": "2s", "maxRecoveryTimeout": "4s"},
    "retry": {"tierWait": "3m", "busyBackoff": ["1s"]},
    "timeouts": {"connect": "5s", "firstToken": "60s", "request": "5m"},
    "failback": {"stabilization": "2s"},
}


@dataclass(frozen=True)
class Cold:
    """The pool of the example, with the demo's scripted provider above and its real model server asleep below."""

    bed: Bed

    @property
    def replicas(self) -> int:
        return int(self.bed.get("deployment", DEPLOYMENT)["spec"]["replicas"])

    def state(self) -> str:
        return str(self.bed.endpoint("standby", POOL).get("standby", {}).get("state", ""))

    def message(self) -> str:
        return str(self.bed.endpoint("standby", POOL).get("standby", {}).get("message", ""))

    def wait_state(self, *states: str) -> None:
        try:
            wait_until(f"the standby to be {states}", lambda: self.state() in states or None, PATIENCE_S)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{json.dumps(self.bed.pool(POOL).get('status'), indent=1)}") from None

    def wait_awake(self) -> None:
        """With requests now and then: without any, nobody knows for long that the provider above is down."""

        def look() -> bool:
            return self.ask() == (200, "standby") and self.state() == "Awake"

        wait_until("the standby to be awake", lambda: look() or None, PATIENCE_S)

    def scale(self, replicas: int) -> None:
        kubectl = self.bed.kubectl
        kubectl("-n", self.bed.namespace, "scale", "deployment", DEPLOYMENT, f"--replicas={replicas}")

    def apply(self, *bodies: Json) -> None:
        for body in bodies:
            self.bed.kubectl("-n", self.bed.namespace, "apply", "-f", "-", stdin=json.dumps(body))

    def ask(self) -> tuple[int, str]:
        """Status, and the endpoint that answered, or the code of the error."""
        body = {"model": "deepseek-flash", "max_tokens": 4, "messages": [{"role": "user", "content": "hi"}]}
        with self.bed.reach(f"{POOL}-router", 80) as address:
            answer = plain_http.post(f"http://{address}/v1/chat/completions", json=body, headers=FRESH, timeout=300)
        found = answer.headers.get("x-poolkeeper-endpoint") or answer.json().get("error", {}).get("code", "")
        return answer.status_code, str(found)

    def events(self) -> list[str]:
        found = self.bed.get("events.events.k8s.io")["items"]
        return [one["reason"] for one in found if one.get("regarding", {}).get("name") == POOL]

    @contextmanager
    def outage(self) -> Iterator[None]:
        self.bed.play("official", "busy503")
        try:
            yield
        finally:
            self.bed.play("official", "ok")

    def wait_primary(self) -> None:
        wait_until("the provider above to serve again", lambda: self.ask() == (200, "official") or None, PATIENCE_S)


def _bodies() -> Iterator[Json]:
    """Of the example, with this bed's provider and model server, and a shorter patience."""
    for body in yaml.safe_load_all(EXAMPLE.read_text()):
        if body["kind"] == "EndpointPool":
            official, standby = body["spec"]["endpoints"]
            official.pop("url")
            official |= {"serviceRef": {"name": "official", "port": 8000}}
            standby["provider"] = "LlamaCpp"
            standby["models"] = [{"name": "deepseek-flash", "upstreamName": "smollm2"}]
            standby["standby"] |= {"wakeAfter": "0s", "coolDown": "10s"}
            body["spec"] |= {"models": ["deepseek-flash"], "router": {"replicas": 1}}
        if body["kind"] == "FailoverPolicy":
            body["spec"] = QUICK
        yield body


@pytest.fixture(scope="module")
def cold(bed: Bed, kubectl: Kubectl) -> Iterator[Cold]:
    server, service = yaml.safe_load_all(DEMO.read_text())
    image = bed.get("deployment", "local")["spec"]["template"]["spec"]["containers"][0]["image"]
    labels = {"app": DEPLOYMENT}
    server["metadata"]["name"] = service["metadata"]["name"] = DEPLOYMENT
    server["spec"] |= {"replicas": 0, "selector": {"matchLabels": labels}}
    server["spec"]["template"]["metadata"]["labels"] = service["spec"]["selector"] = labels
    server["spec"]["template"]["spec"]["containers"][0]["image"] = image
    found = Cold(bed)
    bed.play("official", "ok")
    found.apply(server, service, *_bodies())
    kubectl("-n", bed.namespace, "wait", "epool", POOL, "--for=condition=Ready", "--timeout=120s", timeout_s=150)
    found.wait_state("Asleep")
    yield found
    kubectl("-n", bed.namespace, "delete", "epool", POOL, "--ignore-not-found")
    kubectl("-n", bed.namespace, "delete", "deployment,service", DEPLOYMENT, "--ignore-not-found")


def test_it_sleeps_and_is_no_fault_while_the_tier_above_serves(cold: Cold) -> None:
    assert cold.ask() == (200, "official")
    assert cold.replicas == 0
    assert cold.bed.condition("Degraded", POOL) == ("False", "AllEndpointsHealthy")
    assert cold.bed.endpoint("standby", POOL)["reason"] == "Asleep"


def test_it_is_woken_answers_who_waited_and_goes_back_to_zero_also_when_the_operator_starts_again(
    cold: Cold, kubectl: Kubectl, release: str
) -> None:
    with cold.outage():
        with ThreadPoolExecutor() as pool:
            waiting = [pool.submit(cold.ask) for _ in range(3)]
            wait_until("the Deployment to be scaled up", lambda: cold.replicas == 1 or None, PATIENCE_S)
            answers = {one.result() for one in waiting}
        assert answers == {(200, "standby")}
        cold.wait_awake()
        kubectl("-n", release, "delete", "pod", "-l", "app.kubernetes.io/component=operator", "--wait=false")
        assert cold.ask() == (200, "standby")

    cold.wait_primary()
    cold.wait_state("CoolingDown", "Draining", "Asleep")
    cold.wait_state("Asleep")
    assert cold.replicas == 0
    assert cold.ask() == (200, "official")
    assert {"StandbyWaking", "StandbyAwake", "StandbyCoolingDown", "StandbyAsleep"} <= set(cold.events())


def test_what_somebody_scales_by_hand_is_left_alone(cold: Cold) -> None:
    cold.scale(1)
    cold.wait_state("LeftAlone")
    assert "which this pool did not set" in cold.message()
    assert cold.bed.condition("Accepted", POOL)[0] == "True"

    cold.scale(0)
    cold.wait_state("Asleep")


def test_after_somebody_has_scaled_it_what_the_pool_wakes_is_still_its_own(cold: Cold) -> None:
    """After a `kubectl scale` the API server notes no later writer."""
    with cold.outage():
        cold.wait_awake()
    cold.wait_primary()
    cold.wait_state("Asleep")
    assert cold.replicas == 0


def test_what_somebody_scales_to_zero_during_an_outage_is_not_woken_again(cold: Cold) -> None:
    with cold.outage():
        cold.wait_awake()
        cold.scale(0)
        cold.wait_state("HeldDown")
        assert "during this outage" in cold.message()
        assert cold.bed.condition("Degraded", POOL)[0] == "True"
        assert cold.replicas == 0
    cold.wait_primary()
    cold.wait_state("Asleep")


def test_what_an_autoscaler_scales_is_left_to_it(cold: Cold, kubectl: Kubectl) -> None:
    cold.apply(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "theirs"},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": DEPLOYMENT},
                "maxReplicas": 2,
            },
        }
    )
    try:
        cold.wait_state("Blocked")
        assert "HorizontalPodAutoscaler theirs scales it" in cold.message()
        assert cold.bed.condition("Degraded", POOL) == ("True", "StandbyBlocked")
    finally:
        kubectl("-n", cold.bed.namespace, "delete", "hpa", "theirs")
    cold.wait_state("Asleep")


def test_what_the_operator_may_not_scale_is_known_before_it_is_needed(cold: Cold) -> None:
    other: Json = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "not-ours"},
        "spec": cold.bed.get("deployment", DEPLOYMENT)["spec"],
    }
    cold.apply(other)
    pool = next(body for body in _bodies() if body["kind"] == "EndpointPool")
    pool["spec"]["endpoints"][1]["standby"]["deploymentRef"]["name"] = "not-ours"
    cold.apply(pool)
    cold.wait_state("Blocked")
    assert "standby.deployments" in cold.message()
    pool["spec"]["endpoints"][1]["standby"]["deploymentRef"]["name"] = "nobody"
    cold.apply(pool)
    cold.wait_state("Missing")
    assert cold.bed.condition("ResolvedRefs", POOL) == ("False", "DeploymentNotFound")
    cold.bed.kubectl("-n", cold.bed.namespace, "delete", "deployment", "not-ours")
