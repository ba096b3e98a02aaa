"""Synthetic probes on a real cluster: the CronJob's own Pods find what /health and /models do not show.

The Pods run under Pod security "restricted", without a token; the runs are started by hand, as people start them. One
pool is enough: a run probes all its endpoints, and each of them has another fault.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest

from cluster.operator_bed import ROOT, Home, OperatorProcess
from cluster.probe_bed import (
    BROKE,
    CANARY,
    KEY,
    LOSES_TRAFFIC,
    NAMES,
    QUICK,
    REQUESTS_PER_RUN,
    SICK,
    WELL,
    asked_of,
    furnish,
    is_probe,
    last_probe,
    page_status,
    permissions,
    pool,
    poolkeeper,
    probe_document,
    probe_now,
    probe_statuses,
    router_page,
    router_view,
    spent,
)
from testing.cluster_bed import Bed, Json, Kubectl, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

REQUESTS = 240
AT_ONCE = 4
MOST_OF_A_TENTH = 18
"""An endpoint with a tenth of its weight gets about five of the requests, and more than this once in a million times;
with all of it, 27."""
BUSINESS = ("poolkeeper_requests_total", "poolkeeper_attempts_total", "poolkeeper_cost_total", "gen_ai_")


@pytest.fixture(scope="module")
def home(kubectl: Kubectl, cluster_env: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    demo = ["-n", "poolkeeper-system", "scale", "deployment", "-l", "app.kubernetes.io/name=poolkeeper"]
    kubectl(*demo, "--replicas=0", check=False)
    kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"))
    namespace = f"pk-probe-{uuid4().hex[:8]}"
    yield furnish(kubectl, cluster_env, namespace, tmp_path_factory.mktemp("probe"))
    kubectl("delete", "namespace", namespace, "--wait=false")
    kubectl(*demo, "--replicas=1", check=False)


@pytest.fixture(scope="module")
def operator(home: Home) -> Iterator[OperatorProcess]:
    process = home.operator()
    process.start()
    process.wait_leading()
    home.apply(pool())
    home.wait_programmed()
    yield process
    assert process.end() == 0, process.log.read_text()
    assert "Traceback" not in process.log.read_text()


@pytest.fixture(scope="module")
def bed(home: Home) -> Bed:
    return Bed(home.kubectl, home.namespace)


@dataclass(frozen=True)
class Found:
    """After two runs, and no request of any caller. shown: what the second run said. pages: status codes."""

    shown: str
    status: Json
    document: Json
    view: Mapping[str, Json]
    metrics: str
    pages: Mapping[str, set[int]]


@pytest.fixture(scope="module")
def found(home: Home, operator: OperatorProcess, bed: Bed) -> Found:
    for name, sick in SICK.items():
        bed.plan(name, sick.plays)
    shown = [probe_now(home) for _ in range(2)][-1]
    pages = {name: {page_status(home, name, path) for path in ("/health", "/v1/models")} for name in SICK}
    wait_until("the advice at the router", lambda: router_view(home)["slow"]["advice"])
    wait_until("the status to know what is left out", lambda: bed.endpoint("empty")["health"] == "Unhealthy" or None)
    status = bed.pool()["status"]
    return Found(shown, status, home.document(), router_view(home), router_page(home, "metrics"), pages)


@pytest.mark.parametrize("name", SICK)
def test_a_grey_failure_is_found_within_two_runs_and_named(found: Found, name: str) -> None:
    want = SICK[name]
    endpoints = {one["name"]: one for one in found.status["endpoints"]}
    (degraded,) = [one for one in found.status["conditions"] if one["type"] == "Degraded"]
    advice = {one["name"]: one["advice"] for one in found.document["endpoints"]}[name]

    assert found.pages[name] == {200}
    assert endpoints[name]["reason"] == want.reason
    assert (degraded["status"], degraded["reason"]) == ("True", "GreyFailure")
    assert f"{name}: probes find {want.reason} since" in degraded["message"]
    assert (advice["weightPercent"] if advice else 100) == want.percent
    assert f"{want.reason} (" in next(line for line in found.shown.splitlines() if line.startswith(name))


def test_who_is_well_is_not_blamed(found: Found) -> None:
    endpoints = {one["name"]: (one["health"], one.get("reason", "")) for one in found.status["endpoints"]}

    assert endpoints["good"] == endpoints["broke"] == ("Healthy", "")


@pytest.fixture(scope="module")
def traffic(home: Home, found: Found, bed: Bed) -> Counter[str]:
    """Callers' requests through the Service: how many reached each provider, answered or not."""
    with bed.reach("chat-router", 80) as address, ThreadPoolExecutor(AT_ONCE) as callers:
        statuses = set(callers.map(lambda number: ask(address, f"Name {number} colours."), range(REQUESTS)))
    assert statuses == {200}
    return Counter(name for name in NAMES for entry in bed.log(name) if not is_probe(entry))


def ask(address: str, prompt: str) -> int:
    body = {"max_tokens": 16, "messages": [{"role": "user", "content": prompt}]}
    headers = {"content-type": "application/json"}
    asked = Request(f"http://{address}/v1/chat/completions", json.dumps(body).encode(), headers)
    with urlopen(asked, timeout=60) as answer:
        answer.read()
        status: int = answer.status
    return status


@pytest.mark.parametrize("name", LOSES_TRAFFIC)
def test_it_loses_traffic_before_a_breaker_opens(home: Home, found: Found, traffic: Counter[str], name: str) -> None:
    breakers = {one["name"]: one["breaker"] for one in found.status["endpoints"]}

    assert breakers[name] == found.view[name]["breaker"] == "Closed"
    assert traffic[name] <= (MOST_OF_A_TENTH if SICK[name].percent else 0)
    assert router_view(home)[name]["breaker"] == "Closed"


def test_probes_are_tagged_from_end_to_end(found: Found, bed: Bed) -> None:
    probes = [entry for entry in bed.log("good") if is_probe(entry)]
    bodies = [json.loads(entry["body"]) for entry in probes]

    assert len(probes) == 2 * REQUESTS_PER_RUN
    assert {entry["headers"]["x-poolkeeper-probe"] for entry in probes} == {"1"}
    assert {body["user"] for body in bodies} == {"poolkeeper-probe"}
    assert len({json.dumps(body["messages"]) for body in bodies}) == len(bodies)


def business(metrics: str) -> list[str]:
    counted = [line for line in metrics.splitlines() if line.startswith(BUSINESS)]
    return [line for line in counted if float(line.rsplit(" ", 1)[1]) > 0]


def test_probes_are_no_business_of_the_routers(home: Home, found: Found, traffic: Counter[str]) -> None:
    after = router_page(home, "metrics")
    requests = [line for line in business(after) if line.startswith("poolkeeper_requests_total")]
    attempts = [line for line in business(after) if line.startswith("poolkeeper_attempts_total")]

    assert business(found.metrics) == []
    assert sum(float(line.rsplit(" ", 1)[1]) for line in requests) == REQUESTS
    assert sum(float(line.rsplit(" ", 1)[1]) for line in attempts) == traffic.total()


def test_what_is_wrong_with_an_endpoint_is_explained(home: Home, found: Found, traffic: Counter[str]) -> None:
    shown = poolkeeper(home, "explain", f"{home.namespace}/chat", "slow")

    for want in (
        "Grey for",
        "SlowFirstToken",
        "first token",
        "breaker closed",
        "if that is normal, raise timeouts.firstToken",
        "two good runs in a row",
        "poolkeeper runbook SlowFirstToken",
    ):
        assert want in shown


LEAKY: Mapping[str, Json] = {
    "keeps-alive": {"scenario": "error500", "params": {"message": CANARY}},
    "empty": {"scenario": "busy503", "params": {"message": CANARY}},
    "cuts": {"scenario": "error_in_stream", "params": {"message": CANARY}},
    "other-model": {"scenario": "ok", "params": {**QUICK, "answers_as": CANARY, "finish_reason": CANARY}},
    "buffers": {"scenario": "bad_request", "params": {"message": CANARY}},
    "broke": BROKE.plays,
}


@pytest.fixture(scope="module")
def leaky(home: Home, found: Found, traffic: Counter[str], bed: Bed) -> str:
    """One more run, with providers that send what must not be reported. Returns its output."""
    for name, plan in LEAKY.items():
        bed.plan(name, plan)
    return probe_now(home)


def test_an_empty_account_is_found_at_once(home: Home, leaky: str, bed: Bed) -> None:
    endpoint = bed.endpoint("broke")

    assert probe_statuses(home)["broke"] == ("Unhealthy", BROKE.reason)
    assert (endpoint["reason"], endpoint["breaker"]) == (BROKE.reason, "Closed")
    assert bed.condition("Degraded") == ("True", BROKE.reason)
    assert f"broke            {BROKE.reason} (1/1)" in leaky


def test_no_word_of_a_provider_and_no_key_gets_anywhere(
    home: Home, operator: OperatorProcess, leaky: str, tmp_path: Path
) -> None:
    runs = {one["name"]: one["runs"][0].get("reason", "") for one in last_probe(home)["endpoints"]}
    poolkeeper(home, "report", f"{home.namespace}/chat", "-o", str(tmp_path / "report"))
    report = {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    everything = {
        "what the run says": leaky,
        "its logs": home("logs", "-l", "app.kubernetes.io/component=probe", "--tail=-1"),
        "Pods, and their termination messages": home("get", "pods", "-l", "poolkeeper.dev/pool=chat", "-o", "json"),
        "Jobs": home("get", "jobs,cronjobs", "-o", "json"),
        "status": home("get", "epool", "chat", "-o", "json"),
        "Events": home("get", "events,events.events.k8s.io", "-o", "json"),
        "documents": home("get", "configmaps", "-o", "json"),
        "the operator's log": operator.log.read_text(),
        **report,
    }

    assert {name: runs[name] for name in LEAKY} == {
        "keeps-alive": "ServerError",
        "empty": "Busy",
        "cuts": "TruncatedStream",
        "other-model": "WrongModel",
        "buffers": "SampleRefused",
        "broke": "BalanceExhausted",
    }
    assert {"report/pool.yaml", "report/router.json", "report/probe.json", "report/explain/slow.txt"} <= report.keys()
    for where, text in everything.items():
        assert text.strip(), where
        assert KEY not in text, where
        assert CANARY not in text, where


def test_who_must_top_up_learns_which_account(home: Home, leaky: str) -> None:
    shown = poolkeeper(home, "explain", f"{home.namespace}/chat", "broke")

    assert "the account has no credit: top up the account of Secret keys, key key" in shown


def test_the_pod_has_no_token_and_its_account_no_permission(home: Home, leaky: str) -> None:
    pods = home.get("pods", "-l", "app.kubernetes.io/component=probe")["items"]
    accounts = {pod["spec"]["serviceAccountName"] for pod in pods}

    assert pods
    for pod in pods:
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert "serviceAccountToken" not in json.dumps(pod["spec"]["volumes"])
    for account in accounts:
        assert permissions(home, account) == permissions(home, "nobody-at-all")
        assert all(resource.startswith("selfsubject") for resource in permissions(home, account) if resource)


def budgeted(home: Home, amount: Decimal) -> str:
    """What a run says that may spend so much in all of this day."""
    home.patch("epool", "chat", {"spec": {"probe": {"dailyBudget": str(amount)}}})
    wait_until("the budget at the probe", lambda: probe_document(home)["dailyBudget"] == str(amount) or None)
    return probe_now(home)


def test_a_run_stops_at_the_day_s_budget_and_tells(home: Home, leaky: str, operator: OperatorProcess, bed: Bed) -> None:
    for name in NAMES:
        bed.plan(name, WELL)
    before, limit = asked_of(bed), (spent(home) + 2).quantize(Decimal("0.01"))
    shown = budgeted(home, limit)

    assert 0 < asked_of(bed) - before < len(NAMES) * REQUESTS_PER_RUN
    assert spent(home) <= limit
    assert "the day's budget is spent: some requests were not sent" in shown
    assert "the day's budget is spent" in last_probe(home)["message"]
    assert operator.metric("poolkeeper_probe_cost_total") == pytest.approx(float(spent(home)))


def test_a_spent_budget_is_no_run_and_changes_no_probe_status(home: Home, leaky: str, bed: Bed) -> None:
    before, known = asked_of(bed), probe_statuses(home)
    budgeted(home, Decimal("0.01"))

    assert asked_of(bed) == before
    assert probe_statuses(home) == known
    assert last_probe(home)["outcome"] == "Skipped"
    assert last_probe(home)["message"] == "no request was sent; the day's budget is spent"


def test_without_spec_probe_nothing_of_it_is_left(home: Home, operator: OperatorProcess) -> None:
    home.patch("epool", "chat", {"spec": {"probe": None}})
    wait_until("the CronJob to go", lambda: not home.get("cronjob", "chat-probe") or None)
    wait_until("the memory to go", lambda: not last_probe(home) or None)

    assert not home.get("configmap", "chat-probe")
