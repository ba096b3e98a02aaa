"""A probe asks an endpoint with each of its API keys; what is wrong with one of them says nothing of the endpoint."""

from collections import Counter
from pathlib import Path

import pytest

from poolkeeper.api.probe_result import EndpointProbe
from poolkeeper.api.router_document import Credential
from poolkeeper.probing.key_results import of_keys
from testing.fakes.harness import FakeProvider
from unit.prober.pods import Pod, endpoint

KEYS = {"one": "sk-one", "two": "sk-two", "three": "sk-three"}


def probe(tmp_path: Path, fake: FakeProvider, **keys: str) -> EndpointProbe:
    credentials = tuple(Credential(file=name, source="") for name in KEYS)
    several = endpoint(fake).model_copy(update={"credential": credentials[0], "credentials": credentials})
    return Pod(tmp_path, [several], keys=keys or KEYS).one()


def test_every_key_is_tried(tmp_path: Path) -> None:
    with FakeProvider("p", keys=KEYS.values()) as fake:
        found = probe(tmp_path, fake)
        assert (found.why, found.keys) == ("", ())
        assert Counter(entry.key for entry in fake.requests()) == dict.fromkeys(KEYS.values(), 1)


@pytest.mark.parametrize(
    ("scenario", "why"), [("auth", "CredentialsRejected"), ("insufficient_balance", "BalanceExhausted")]
)
def test_a_key_at_fault_is_named_by_its_place(tmp_path: Path, scenario: str, why: str) -> None:
    with FakeProvider("p", keys=KEYS.values()) as fake:
        fake.with_keys(sk_one=scenario)
        found = probe(tmp_path, fake)
        assert (found.why, found.keys) == ("", (why, "", ""))


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    with FakeProvider("p", keys=KEYS.values()) as fake:
        assert probe(tmp_path, fake, one="sk-one", three="sk-three").keys == ("", "SecretNotFound", "")


def test_all_keys_at_fault_are_the_endpoints_fault(tmp_path: Path) -> None:
    with FakeProvider("p", keys=["sk-new"]) as fake:
        assert probe(tmp_path, fake).why == "CredentialsRejected"


def one(why: str) -> EndpointProbe:
    return EndpointProbe(name="p", why=why, bad=1, asked=1)


def test_a_fault_that_is_not_the_keys_is_the_endpoints() -> None:
    found = of_keys([one("CredentialsRejected"), one("Busy"), one("")])
    assert (found.why, found.keys) == ("Busy", ("CredentialsRejected", "Busy", ""))
