"""An endpoint that the pool's data policy forbids gets not one byte: of no request, whatever happens to the others, and
of no health check."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from poolkeeper.api.router_document import AccessDoc, ClientDoc, EndpointDoc, HedgingDoc, ModelRoute, PolicyDoc
from router.harness import MODEL, Router, endpoint, eventually, policy, request
from testing import plain_http
from testing.fakes.harness import FakeProvider
from testing.fakes.listening import Listening

LESSER = "lesser"
BOTH = (ModelRoute(name=MODEL, upstream_name=MODEL), ModelRoute(name=LESSER, upstream_name=MODEL))
FAULTS = (
    "ok", "busy503", "ok", "error500", "cut", "ok", "rate_limit", "empty_200", "ok", "refuse", "context_too_long",
    "ok", "insufficient_balance", "ok", "keepalive_forever", "ok",
)  # fmt: skip
REQUESTS = 3_000
CALLERS = 8
PATHS = ("/v1/chat/completions", "/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/embeddings")
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]


class Eavesdropper(Listening):
    """What a provider would see that must see nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.connections = self.bytes = 0
        self._count = threading.Lock()

    def _serve(self, client: socket.socket) -> None:
        with self._count:
            self.connections += 1
        while data := client.recv(65536):
            with self._count:
                self.bytes += len(data)


@pytest.fixture
def forbidden() -> Iterator[Eavesdropper]:
    with Eavesdropper() as listening:
        yield listening


def at(name: str, there: Eavesdropper, **fields: object) -> EndpointDoc:
    """An endpoint that could do all, and would be asked first if it were permitted."""
    can = ("PrefixCompletion", "LargeContext")
    return endpoint(name, None, port=there.port, models=BOTH, capabilities=can, **fields)


def every_way() -> PolicyDoc:
    """Retries, hedges, continued streams, a fallback model, cached answers, shorter conversations, health checks."""
    parts = policy(
        retry={"busy_backoff_ms": (20,), "max_attempts": 4},
        circuit_breaker={"recovery_timeout_ms": 20, "max_recovery_timeout_ms": 40},
        timeouts={"first_token_ms": 150, "inter_token_ms": 150, "request_ms": 2_000},
        health_check={"type": "Models", "interval_ms": 50},
        fallback={"degraded_model": LESSER, "cache_ttl_ms": 50, "cache_bytes": 1_000_000},
    ).model_dump()
    parts |= {"hedging": HedgingDoc(after_percentile=1, budget_percent=100), "context_recovery": {"keep_turns": 1}}
    return PolicyDoc.model_validate(parts)


def body(number: int) -> dict[str, object]:
    asked = request(model=(MODEL, LESSER)[number % 7 == 0], stream=number % 2 == 0, max_tokens=20)
    if number % 5 == 0:
        asked["messages"] = [
            {"role": "user", "content": "Go on."},
            {"role": "assistant", "content": "So", "prefix": True},
        ]
    if number % 11 == 0 and PATHS[number % len(PATHS)].endswith("completions"):
        asked["tools"] = TOOLS
    return asked | {"input": "Say something."}


@pytest.mark.slow
def test_no_byte_at_a_forbidden_endpoint_in_thousands_of_mixed_requests(
    router: Router, a: FakeProvider, b: FakeProvider, forbidden: Eavesdropper
) -> None:
    router.allow("upstream|balance|refused")
    clients = {"tenant": ("a", "first"), "other": None}
    for name in clients:
        router.write_key(name, f"ck-{name}", folder="clients")
    router.serve(
        at("first", forbidden, mode="Forbidden"),
        endpoint("a", a, models=BOTH, capabilities=("PrefixCompletion",)), endpoint("b", b, models=BOTH, tier=1),
        at("last", forbidden, mode="Forbidden", tier=2),
        models=(MODEL, LESSER), policy=every_way(),
        access=AccessDoc(mode="Keys", clients=tuple(
            ClientDoc(name=name, key_file=name, source=name, allowed_endpoints=only) for name, only in clients.items()
        )),
    )  # fmt: skip
    seen: Counter[int] = Counter()
    turn = iter(range(REQUESTS))
    lock = threading.Lock()

    def call() -> None:
        with plain_http.Client(base_url=router.url, timeout=20) as client:
            while True:
                with lock:
                    number = next(turn, None)
                    if number is None:
                        return
                    if number % 60 == 0:
                        a.set(FAULTS[number // 60 % len(FAULTS)])
                        b.set(FAULTS[number // 180 % len(FAULTS)])
                headers = {"authorization": f"Bearer ck-{tuple(clients)[number % 2]}"}
                try:
                    status = client.post(PATHS[number % len(PATHS)], json=body(number), headers=headers).status_code
                except httpx.RemoteProtocolError:  # a stream that nobody could continue
                    status = 0
                with lock:
                    seen[status] += 1

    with ThreadPoolExecutor(CALLERS) as callers:
        for done in [callers.submit(call) for _ in range(CALLERS)]:
            done.result()

    assert (forbidden.connections, forbidden.bytes) == (0, 0)
    assert sum(seen.values()) == REQUESTS
    assert seen[200] > REQUESTS // 5, seen
    assert len(seen) > 1, f"nothing ever failed, so nothing had to look for another way: {seen}"


def test_the_same_pool_without_the_policy_does_ask_it(router: Router, a: FakeProvider, forbidden: Eavesdropper) -> None:
    """So that the test above could fail."""
    router.serve(
        endpoint("a", a, models=BOTH), at("last", forbidden, tier=2),
        models=(MODEL, LESSER), policy=policy(timeouts={"first_token_ms": 150, "request_ms": 1_000}),
    )  # fmt: skip
    a.set("busy503")
    router.ask(stream=True)

    assert forbidden.bytes > 0


def test_where_no_endpoint_is_permitted_the_caller_gets_403(router: Router, forbidden: Eavesdropper) -> None:
    checked = policy(health_check={"type": "Models", "interval_ms": 50}, fallback={"degraded_model": LESSER})
    router.serve(at("a", forbidden, mode="Forbidden"), models=(MODEL, LESSER), policy=checked)

    answer, streamed = router.ask(), router.ask(stream=True)
    message = router.ask(path="/v1/messages", max_tokens=5)

    for refused in (answer, streamed):
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden_by_data_policy")
        assert MODEL in refused.json()["error"]["message"]
    assert (message.status_code, message.json()["error"]["type"]) == (403, "permission_error")
    assert router.endpoint("a").reason == "Forbidden"
    assert (forbidden.connections, forbidden.bytes) == (0, 0)


def test_a_policy_holds_for_requests_in_flight(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    """A stream that breaks off after the policy has come is not continued where it must not go."""
    endpoints = (endpoint("a", a), endpoint("b", b, tier=1, capabilities=("PrefixCompletion",)))
    router.serve(*endpoints)
    a.set("stall", after_chunks=2)
    quick = policy(timeouts={"inter_token_ms": 1_500})
    router.serve(*endpoints, policy=quick)
    with router.stream() as answer:
        parts = answer.iter_text()
        began = next(parts)
        router.serve(endpoints[0], endpoint("b", b, tier=1, mode="Forbidden"), policy=quick)
        with pytest.raises(httpx.RemoteProtocolError):
            list(parts)

    assert began
    assert b.log() == []


def test_a_cached_answer_does_not_outlive_the_policy(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    kept = policy(fallback={"cache_ttl_ms": 60_000, "cache_bytes": 1_000_000})
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=kept)
    assert router.ask().headers["x-poolkeeper-endpoint"] == "a"
    router.serve(endpoint("a", a, mode="Forbidden"), endpoint("b", b, tier=1), policy=kept)
    b.set("error500")

    assert router.ask().status_code == 503


def test_a_begun_answer_goes_to_whom_is_permitted_where_only_the_forbidden_one_has_a_beta_address(
    router: Router, a: FakeProvider, forbidden: Eavesdropper
) -> None:
    router.serve(at("first", forbidden, mode="Forbidden"), endpoint("a", a, provider="OpenAI"), models=(MODEL, LESSER))
    begun = [{"role": "user", "content": "Go on."}, {"role": "assistant", "content": "So", "prefix": True}]

    assert router.ask(messages=begun).headers.get("x-poolkeeper-endpoint") == "a"
    eventually(router.is_idle, "nothing is in flight")
    assert forbidden.connections == 0
