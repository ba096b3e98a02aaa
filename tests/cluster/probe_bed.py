"""A pool whose endpoints fall ill one way each, on a real cluster; and what a person types to hear of it.

Every provider is a Pod of its own, so each gets its own behaviour, and reports its own requests.
"""

import http.client
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from cluster.operator_bed import ROOT, Home, image, new_home
from testing.cluster_bed import Bed, Json, Kubectl, wait_until
from testing.cluster_provider import deployed
from testing.fakes.tls import Authority

KEY = "sk-canary-probe-key"
CANARY = "CANARY-UPSTREAM-TEXT"
DEAR = {"currency": "USD", "inputPerMillion": "1000", "outputPerMillion": "1000"}
"""A request costs cents, so that a budget bites."""
QUICK: Mapping[str, object] = {"first_token_ms": 60.0, "tokens": 20}
"""Fifteen times slower is over the pool's limit."""
REQUESTS_PER_RUN = 3
PROBE = {
    "schedule": "0 0 1 1 *",
    "firstToken": "500ms",
    "requestsPerRun": REQUESTS_PER_RUN,
    "dailyBudget": "500",
}
"""Runs are started by hand, as people start them."""
TLS = "old-certificate"
WELL: Json = {"scenario": "ok", "params": QUICK}


@dataclass(frozen=True)
class Sick:
    """plays: its provider's plan. percent: of its weight that it is to get."""

    plays: Json
    reason: str
    percent: int


SICK: Mapping[str, Sick] = {
    "slow": Sick({"scenario": "slow15x", "params": QUICK}, "SlowFirstToken", 10),
    "keeps-alive": Sick({"scenario": "keepalive_forever"}, "KeepAliveOnly", 0),
    "empty": Sick({"scenario": "empty_content", "params": QUICK}, "EmptyAnswer", 0),
    "cuts": Sick(
        {
            "script": [{**WELL, "requests": 2}, {"scenario": "cut", "params": QUICK, "requests": 1}],
            "repeat": True,
        },
        "TruncatedStream",
        10,
    ),
    "other-model": Sick({"scenario": "ok", "params": {**QUICK, "answers_as": "deepseek-v3.2"}}, "WrongModel", 100),
    "buffers": Sick({"scenario": "buffered", "params": {"first_token_ms": 150.0}}, "BufferedStream", 50),
    TLS: Sick(WELL, "CertificateExpiring", 100),
}
BROKE = Sick({"scenario": "insufficient_balance", "params": {"message": CANARY}}, "BalanceExhausted", 0)
NAMES = (*SICK, "broke", "good")
LOSES_TRAFFIC = tuple(name for name, sick in SICK.items() if sick.percent <= 10)


def provider(name: str, fake: str) -> list[Json]:
    """The one with a certificate has it from the Secret of its name."""
    is_tls = name == TLS
    files = ["--tls-cert", "/tls/tls.crt", "--tls-key", "/tls/tls.key"] if is_tls else []
    listen = ["--listen", "0.0.0.0:8000", "--control", "0.0.0.0:8001"]
    container = {
        "name": "fake",
        "image": fake,
        "imagePullPolicy": "IfNotPresent",
        "args": [*listen, "--key", KEY, "--log-bodies", "--name", name, *files],
        "ports": [{"containerPort": 8000}, {"containerPort": 8001}],
        "readinessProbe": {"httpGet": {"path": "/_fake/stats", "port": 8001}, "periodSeconds": 2},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "tls", "mountPath": "/tls"}] if is_tls else [],
    }
    return deployed(name, container, [{"name": "tls", "secret": {"secretName": TLS}}] if is_tls else [])


def pool() -> Json:
    spec = {
        "models": ["deepseek-flash"],
        "endpoints": [_endpoint(name) for name in NAMES],
        "probe": PROBE,
        "router": {"replicas": 1},
    }
    return {
        "apiVersion": "poolkeeper.dev/v1alpha1",
        "kind": "EndpointPool",
        "metadata": {"name": "chat"},
        "spec": spec,
    }


def _endpoint(name: str) -> Json:
    is_tls = name == TLS
    return {
        "name": name,
        "provider": "DeepSeek",
        "serviceRef": {"name": name, "port": 8000, "scheme": "https" if is_tls else "http"},
        **({"tls": {"caRef": {"name": "authority", "key": "ca.crt"}}} if is_tls else {}),
        "credentialsRef": {"name": "keys", "key": "key"},
        "pricing": DEAR,
    }


def furnish(kubectl: Kubectl, env: Mapping[str, str], namespace: str, folder: Path) -> Home:
    """A namespace with the chart's ServiceAccount, the key, a certificate that ends in three days, and all providers,
    well."""
    made = new_home(kubectl, env, namespace, folder)
    home = replace(made, env={**made.env, "POOLKEEPER_PROBE_IMAGE": image(env, "operator")})
    authority = Authority.create(folder)
    old = authority.issue(f"{TLS}.{namespace}.svc.cluster.local", old_and_left_days=3)
    home("create", "secret", "generic", "keys", f"--from-literal=key={KEY}")
    home("create", "secret", "tls", TLS, f"--cert={old.cert}", f"--key={old.key}")
    home("create", "configmap", "authority", f"--from-file=ca.crt={authority.certificate.cert}")
    fake = image(env, "fake")
    for name in NAMES:
        for body in provider(name, fake):
            home.apply(body)
    home("rollout", "status", "deployment", *NAMES, "--timeout=180s")
    for name in NAMES:
        Bed(kubectl, namespace).plan(name, WELL)
    return home


def poolkeeper(home: Home, *args: str) -> str:
    """What a person reads who types this, with a person's permissions."""
    command = [sys.executable, "-m", "poolkeeper", *args]
    env = {**os.environ, **home.kubectl.env, "PYTHONPATH": str(ROOT / "operator"), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=180)
    assert done.returncode == 0, done.stderr
    return done.stdout


def probe_now(home: Home) -> str:
    """What the run says, once the status and the next run's document know of it."""
    before = last_probe(home).get("time", "")
    shown = poolkeeper(home, "probe", "--now", f"{home.namespace}/chat")

    def is_known() -> bool:
        at = last_probe(home).get("time", "")
        return at not in ("", before) and probe_document(home)["spent"]["asOf"] == at

    wait_until("the run in the status", lambda: is_known() or None)
    return shown


def last_probe(home: Home) -> Json:
    found: Json = home.get("epool", "chat").get("status", {}).get("lastProbe", {})
    return found


def probe_statuses(home: Home) -> dict[str, tuple[str, str]]:
    return {one["name"]: (one["verdict"], one.get("reason", "")) for one in last_probe(home)["endpoints"]}


def probe_document(home: Home) -> Json:
    found: Json = json.loads(home.get("configmap", "chat-probe")["data"]["probe.json"])
    return found


def router_page(home: Home, page: str) -> str:
    (pod,) = Bed(home.kubectl, home.namespace).router_pods()
    path = f"/api/v1/namespaces/{home.namespace}/pods/{pod['metadata']['name']}:9180/proxy/{page}"
    return home.kubectl("get", "--raw", path).stdout


def router_view(home: Home) -> dict[str, Json]:
    """Endpoint -> what the router says of it."""
    return {one["name"]: one for one in json.loads(router_page(home, "state"))["endpoints"]}


def page_status(home: Home, name: str, path: str) -> int:
    """Of a provider's own page, with the key, past Poolkeeper."""
    with Bed(home.kubectl, home.namespace).reach(name, 8000) as address:
        connection = http.client.HTTPConnection(address, timeout=10)
        if name == TLS:
            context = ssl.create_default_context(cafile=home.folder / "ca.crt")
            context.check_hostname = False
            connection = http.client.HTTPSConnection(address, timeout=10, context=context)
        with closing(connection):
            connection.request("GET", path, headers={"authorization": f"Bearer {KEY}"})
            return connection.getresponse().status


def is_probe(entry: Json) -> bool:
    """Of what a provider saw."""
    return "x-poolkeeper-probe" in entry["headers"]


def spent(home: Home) -> Decimal:
    (amount,) = last_probe(home)["spent"]
    assert amount["currency"] == "USD"
    return Decimal(amount["amount"])


def asked_of(bed: Bed) -> int:
    return sum(is_probe(entry) for name in NAMES for entry in bed.log(name))


def permissions(home: Home, account: str) -> list[str]:
    """The resources that it may do anything with; "" for each line about addresses such as /version."""
    shown = home("auth", "can-i", "--list", f"--as=system:serviceaccount:{home.namespace}:{account}")
    header, *lines = shown.splitlines()
    assert header.split()[0] == "Resources", shown
    assert lines, shown
    return [line.split()[0] if not line.startswith(" ") else "" for line in lines]
