"""Several API keys of one endpoint on a real cluster: one that the provider refuses costs no caller anything and is
named, and a new one in its Secret is live in the same router Pod."""

import json
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from testing import plain_http
from testing.cluster_bed import Bed, Json, Kubectl, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(900)]

EXAMPLE = Path(__file__).parents[2] / "examples/several-keys.yaml"
POOL, PATIENCE_S = "several-keys", 180.0
SECRETS = ("deepseek-search", "deepseek-chat")
QUESTIONS = count()


def value(secret: str) -> str:
    return f"sk-of-{secret}"


@pytest.fixture
def keys(bed: Bed, kubectl: Kubectl) -> Iterator[Bed]:
    """The pool of the example with two of its accounts, in front of the scripted provider of the demo."""
    body = yaml.safe_load(EXAMPLE.read_text())
    (official,) = body["spec"]["endpoints"]
    official.pop("url")
    official |= {"serviceRef": {"name": "official", "port": 8000}}
    official["credentialsRefs"] = [ref for ref in official["credentialsRefs"] if ref["name"] in SECRETS]
    body["spec"] |= {"models": ["deepseek-flash"], "router": {"replicas": 1}}
    before = bed.read_key("deepseek", "api-key")
    bed.play("official", "ok")
    bed.accept_keys("official", before, *map(value, SECRETS))
    for name in SECRETS:
        secret: Json = {"kind": "Secret", "metadata": {"name": name}, "stringData": {"api-key": value(name)}}
        kubectl("-n", bed.namespace, "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", **secret}))
    kubectl("-n", bed.namespace, "apply", "-f", "-", stdin=json.dumps(body))
    kubectl("-n", bed.namespace, "wait", "epool", POOL, "--for=condition=Ready", "--timeout=120s", timeout_s=150)
    try:
        yield bed
    finally:
        bed.accept_keys("official", before)
        kubectl("-n", bed.namespace, "delete", "epool", POOL, "--ignore-not-found")
        kubectl("-n", bed.namespace, "delete", "secret", *SECRETS, "--ignore-not-found")


def ask(bed: Bed) -> None:
    """A conversation of its own, which gets its answer whatever becomes of a key."""
    body = {"model": "deepseek-flash", "messages": [{"role": "user", "content": f"{uuid4()} {next(QUESTIONS)}"}]}
    with bed.reach(f"{POOL}-router", 80) as address:
        answer = plain_http.post(f"http://{address}/v1/chat/completions", json=body, timeout=60)
    assert (answer.status_code, answer.headers.get("x-poolkeeper-endpoint")) == (200, "official"), answer.text


def used(bed: Bed, key: str) -> bool:
    """The provider has answered a request that came with this key."""
    ask(bed)
    return any(entry["key"] == key and entry["status"] == 200 for entry in bed.log("official"))


def pods(bed: Bed) -> list[tuple[str, int]]:
    found = bed.router_pods(POOL)
    return [(pod["metadata"]["uid"], pod["status"]["containerStatuses"][0]["restartCount"]) for pod in found]


def test_a_key_of_two_that_is_refused_is_named_and_a_new_one_is_live_in_the_same_pod(keys: Bed) -> None:
    bed, (good, bad) = keys, SECRETS
    for name in SECRETS:
        wait_until(f"a request with the key of {name}", partial(used, bed, value(name)), PATIENCE_S)
    before, new = pods(bed), value("chat-renewed")

    bed.accept_keys("official", bed.read_key("deepseek", "api-key"), value(good))

    def degraded() -> tuple[str, str]:
        ask(bed)
        return bed.condition("Degraded", POOL)

    wait_until("the refused key", lambda: degraded() == ("True", "CredentialsRejected") or None, PATIENCE_S)
    said = next(one for one in bed.pool(POOL)["status"]["conditions"] if one["type"] == "Degraded")["message"]
    assert f"Secret {bad}, key api-key" in said
    assert good not in said
    assert value(bad) not in json.dumps(bed.pool(POOL)["status"])
    assert bed.condition("Available", POOL)[0] == bed.condition("Ready", POOL)[0] == "True"
    assert bed.condition("FailoverActive", POOL)[0] == "False"
    assert bed.endpoint("official", POOL)["breaker"] == "Closed", "the keys share a breaker, and not its fault"

    bed.accept_keys("official", bed.read_key("deepseek", "api-key"), value(good), new)
    bed.write_key(bad, "api-key", new)

    wait_until("a request with the new key", lambda: used(bed, new) or None, PATIENCE_S)
    wait_until("no key left out", lambda: degraded()[0] == "False" or None, PATIENCE_S)
    assert pods(bed) == before, "no router was made or started again"
