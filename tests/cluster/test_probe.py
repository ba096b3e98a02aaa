"""Ghost traffic on a real cluster: the CronJob's own Pods find what /health and /models do not show.

The Pods run under Pod security "restricted", without a token; the runs are started by hand, as people start them.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping

import pytest

from cluster.bed import Bed, Json, Kubectl, wait_until
from cluster.operator_bed import ROOT, Home, OperatorProcess, router_image, service_account_env

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

KEY = "sk-canary-probe-key"
FAKE_ARGS = ["--listen", "0.0.0.0:8000", "--control", "0.0.0.0:8001", "--key", KEY]
QUICK: Mapping[str, object] = {"first_token_ms": 40.0, "tokens": 20}


def image(env: Mapping[str, str], name: str) -> str:
    build = str(ROOT / "hack/images/build.sh")
    built = subprocess.run([build, name], env=dict(env), capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert built.returncode == 0, built.stdout + built.stderr
    return subprocess.run([build, "--print", name], env=dict(env), capture_output=True, text=True).stdout.strip()


def provider(name: str, fake: str) -> list[Json]:
    container = {
        "name": "fake",
        "image": fake,
        "imagePullPolicy": "IfNotPresent",
        "args": [*FAKE_ARGS, "--name", name],
        "ports": [{"containerPort": 8000}, {"containerPort": 8001}],
        "readinessProbe": {"httpGet": {"path": "/_fake/stats", "port": 8001}, "periodSeconds": 2},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = {
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    labels = {"app": name}
    ports = [{"name": "http", "port": 8000}, {"name": "control", "port": 8001}]
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name},
            "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name},
            "spec": {"selector": labels, "ports": ports},
        },
    ]


def pool(*names: str) -> Json:
    endpoints = [
        {
            "name": name,
            "provider": "DeepSeek",
            "serviceRef": {"name": name, "port": 8000},
            "credentialsRef": {"name": "keys", "key": "key"},
            "pricing": {"currency": "USD", "inputPerMillion": "0.15", "outputPerMillion": "0.60"},
        }
        for name in names
    ]
    probe = {"schedule": "0 0 1 1 *", "firstToken": "300ms", "requestsPerRun": 3}
    return {
        "apiVersion": "poolkeeper.dev/v1alpha1",
        "kind": "EndpointPool",
        "metadata": {"name": "chat"},
        "spec": {
            "models": ["deepseek-flash"],
            "endpoints": endpoints,
            "probe": probe,
            "router": {"replicas": 1},
        },
    }


@pytest.fixture(scope="module")
def home(kubectl: Kubectl, cluster_env: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A namespace with the chart's ServiceAccount, two scripted providers and a pool over them."""
    demo = ["-n", "poolkeeper-system", "scale", "deployment", "-l", "app.kubernetes.io/name=poolkeeper"]
    kubectl(*demo, "--replicas=0", check=False)
    kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"))
    namespace, folder = f"pk-probe-{os.getpid()}", tmp_path_factory.mktemp("probe")
    kubectl("create", "namespace", namespace)
    kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    env = service_account_env(kubectl, namespace, folder)
    env = {**env, "POOLKEEPER_PROBE_IMAGE": image(cluster_env, "operator")}
    made = Home(kubectl, namespace, env, router_image(cluster_env), folder)
    made("create", "secret", "generic", "keys", f"--from-literal=key={KEY}")
    fake = image(cluster_env, "fake")
    for name in ("grey", "good"):
        for body in provider(name, fake):
            made.apply(body)
    made("rollout", "status", "deployment", "grey", "good", "--timeout=120s")
    yield made
    kubectl("delete", "namespace", namespace, "--wait=false")
    kubectl(*demo, "--replicas=1", check=False)


@pytest.fixture(scope="module")
def operator(home: Home) -> Iterator[OperatorProcess]:
    process = home.operator()
    process.start()
    process.wait_leading()
    home.apply(pool("grey", "good"))
    home.wait_programmed()
    yield process
    assert process.end() == 0, process.log.read_text()
    assert "Traceback" not in process.log.read_text()


def probe_now(home: Home) -> str:
    """As a person would, with a person's permissions."""
    command = [sys.executable, "-m", "poolkeeper", "probe", "--now", f"{home.namespace}/chat"]
    env = {**os.environ, **home.kubectl.env, "PYTHONPATH": str(ROOT / "operator")}
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=180)
    assert done.returncode == 0, done.stderr
    return done.stdout


def last_probe(home: Home) -> Json:
    found: Json = home.get("epool", "chat")["status"].get("lastProbe", {})
    return found


def verdict(home: Home, name: str) -> tuple[str, str]:
    endpoints = last_probe(home).get("endpoints", [])
    return next(((one["verdict"], one.get("reason", "")) for one in endpoints if one["name"] == name), ("", ""))


def probed_at(home: Home, before: str = "") -> str:
    def look() -> str:
        at = last_probe(home).get("time", "")
        return at if at != before else ""

    return wait_until("the result in the status", look)


FAULTS: Mapping[str, tuple[str, Mapping[str, object], str, int]] = {
    "fifteen times slower": ("slow15x", QUICK, "SlowFirstToken", 10),
    "keep-alives only": ("keepalive_forever", {}, "KeepAliveOnly", 0),
    "200 and empty content": ("empty_content", QUICK, "EmptyAnswer", 0),
    "every stream cut": ("cut", QUICK, "TruncatedStream", 10),
    "another model": ("ok", {**QUICK, "answers_as": "deepseek-v3.2"}, "WrongModel", 100),
    "a stream in one piece": ("buffered", {"first_token_ms": 150.0}, "BufferedStream", 50),
    "out of balance": ("insufficient_balance", {}, "BalanceExhausted", 0),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_grey_failure_is_found_within_two_runs(home: Home, operator: OperatorProcess, name: str) -> None:
    scenario, params, want, want_percent = FAULTS[name]
    bed = Bed(home.kubectl, home.namespace)
    for fake in ("grey", "good"):
        bed.play(fake, "ok", **QUICK)
    at = last_probe(home).get("time", "")
    while verdict(home, "grey")[0] not in ("", "Healthy"):
        probe_now(home)
        at = probed_at(home, at)
    bed.play("grey", scenario, **params)
    for _ in range(2):
        probe_now(home)
        at = probed_at(home, at)

    assert verdict(home, "grey")[1] == want
    assert verdict(home, "good") == ("Healthy", "")
    document = {one["name"]: one for one in home.document()["endpoints"]}
    advice = document["grey"]["advice"]
    assert (advice["weightPercent"] if advice else 100) == want_percent
    assert home.condition("Degraded")[0] == "True"


def test_the_pod_needs_nothing_and_says_nothing_it_should_not(home: Home, operator: OperatorProcess) -> None:
    bed = Bed(home.kubectl, home.namespace)
    bed.play("grey", "error500", message="CANARY-UPSTREAM-TEXT")
    told = probe_now(home)
    pods = home.get("pods", "-l", "app.kubernetes.io/component=probe")["items"]

    assert pods
    for pod in pods:
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert not [one for one in pod["spec"]["volumes"] if one["name"].startswith("kube-api-access")]
    logs = home("logs", "-l", "app.kubernetes.io/component=probe", "--tail=-1")
    everything = told + logs + json.dumps(pods) + json.dumps(home.get("epool", "chat")["status"])
    events = json.dumps(home.get("events"))
    for canary in (KEY, "CANARY-UPSTREAM-TEXT"):
        assert canary not in everything
        assert canary not in events


def test_what_probing_costs_is_counted(home: Home, operator: OperatorProcess) -> None:
    assert float(last_probe(home)["spent"][0]["amount"]) > 0
    assert operator.metric("poolkeeper_probe_cost_total") > 0


def test_probes_are_tagged_and_are_no_traffic_of_the_routers(home: Home, operator: OperatorProcess) -> None:
    bed = Bed(home.kubectl, home.namespace)
    asked = bed.log("good")

    assert asked
    assert {entry["headers"].get("x-poolkeeper-probe") for entry in asked} == {"1"}


def test_without_spec_probe_nothing_of_it_is_left(home: Home, operator: OperatorProcess) -> None:
    home.patch("epool", "chat", {"spec": {"probe": None}})
    wait_until("the CronJob to go", lambda: not home.get("cronjob", "chat-probe") or None)
    wait_until("the memory to go", lambda: not last_probe(home) or None)

    assert not home.get("configmap", "chat-probe")
