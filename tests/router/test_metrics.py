"""What a router's scrape says is what is declared of it, and so what docs/reference/metrics.md says."""

import pytest

from poolkeeper.api.router_document import AccessDoc, ClientDoc, HedgingDoc, QueueDoc
from router.harness import Router, endpoint, eventually, policy
from scrape import declared, scraped
from testing.fakes.answerer import Answer, Answerer, good
from testing.fakes.harness import FakeProvider
from testing.router_lua import router_families

CLIENT = ClientDoc(name="web", key_file="web", source="Secret clients, key web", max_connections=50)
ACCESS = AccessDoc(mode="Keys", clients=(CLIENT,))
PRICING = {"currency": "USD", "input_per_million": "1000", "output_per_million": "2000"}
SESSION = {"x-session-id": "one"}
PATIENT = policy(
    timeouts={"first_token_ms": 15_000},
    health_check={"type": "Auto"},
    balancing={"affinity": {"mode": "Header", "header": "x-session-id", "ttl_ms": 600_000}},
)
HEDGING = PATIENT.model_copy(update={"hedging": HedgingDoc(after_percentile=95, budget_percent=100)})
QUEUEING = PATIENT.model_copy(update={"queue": QueueDoc(max_wait_ms=100, max_depth=10)})
NO_ADDRESS = Answer(
    400, {"error": {"message": "Invalid 'user_id': string does not match pattern.", "type": "invalid_request_error"}}
)
UNTIL_KNOWN = 25
"""Requests until it is known what is usual, and a slow one is hedged."""


@pytest.fixture
def served(router: Router, a: FakeProvider) -> Router:
    router.write_key("web", "client-web", folder="clients")
    router.client.headers["authorization"] = "Bearer client-web"
    router.serve(endpoint("a", a, pricing=PRICING), access=ACCESS, policy=HEDGING)
    return router


def a_day(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    """Everything that is counted happens once."""
    with Answerer(lambda asked: NO_ADDRESS if "@" in asked.json()["user_id"] else good()) as picky:
        router.serve(endpoint("picky", port=picky.port), access=ACCESS, policy=policy())
        assert router.ask(user_id="ada@example.org").headers["x-poolkeeper-repaired"] == "user_id"
    router.serve(endpoint("a", a, pricing=PRICING), access=ACCESS, policy=HEDGING)
    for _ in range(UNTIL_KNOWN):
        assert router.ask(stream=True, headers=SESSION).is_success
    first, second = endpoint("a", a, pricing=PRICING), endpoint("b", b, tier=1, capabilities=("PrefixCompletion",))

    router.serve(first, second, access=ACCESS, policy=HEDGING)
    a.set("slow_first_token", first_token_ms=10_000)
    assert router.ask(stream=True, headers=SESSION).headers["x-poolkeeper-endpoint"] == "b"

    router.serve(first, second, access=ACCESS, policy=PATIENT)
    a.set("cut", after_chunks=6)
    assert "continued by b" in router.ask(stream=True).text

    a.set("error500")
    eventually(lambda: router.ask().is_success and router.endpoint("a").breaker == "Open", "the breaker opens")

    keys = tuple(one.credential for one in (second, first) if one.credential)
    router.serve(endpoint("b", b, max_connections=1, credentials=keys), access=ACCESS, policy=QUEUEING)
    b.set("ok", tokens=100_000, token_interval_ms=20)
    with router.stream() as running:
        pieces = running.iter_bytes()  # kept: without it the response is closed
        next(pieces)
        assert router.ask().json()["error"]["code"] == "queue_timeout"


def test_every_declared_family_is_scraped_with_its_type_help_labels_and_buckets(
    served: Router, a: FakeProvider, b: FakeProvider
) -> None:
    a_day(served, a, b)
    want = declared(router_families())

    eventually(lambda: scraped(served.metrics()).keys() == want.keys(), "everything is counted")

    assert scraped(served.metrics()) == want
