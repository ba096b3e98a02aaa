"""Endpoints that a request must not go to: those that its client may not use, and those that lack what it asks for."""

import contextlib
from collections import Counter
from typing import Any

import httpx
import pytest

from poolkeeper.api.router_document import AccessDoc, ClientDoc, HedgingDoc, ModelRoute
from router.harness import MODEL, Router, endpoint, policy
from testing.fakes.harness import FakeProvider

LESSER = "lesser"
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
IMAGE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}]


def client(name: str, **allowed: tuple[str, ...]) -> ClientDoc:
    return ClientDoc(name=name, key_file=name, source=f"Secret clients, key {name}", **allowed)


def access(*clients: ClientDoc) -> AccessDoc:
    return AccessDoc(mode="Keys", clients=clients)


def keys(router: Router, *names: str) -> None:
    for name in names:
        router.write_key(name, f"ck-{name}", folder="clients")


def bearer(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer ck-{name}"}


BOTH = (ModelRoute(name=MODEL, upstream_name=MODEL), ModelRoute(name=LESSER, upstream_name=MODEL))
FAULTS = ("ok", "busy503", "error500", "cut", "refuse", "keepalive_forever", "rate_limit", "empty_200")


@pytest.mark.parametrize("recovery", ["Continue", "Restart"])
def test_a_client_never_reaches_an_endpoint_that_it_may_not_use(
    router: Router, a: FakeProvider, b: FakeProvider, recovery: str
) -> None:
    """Whatever happens to the endpoint that it may use, streamed or not."""
    keys(router, "tenant", "other")
    router.serve(
        endpoint("a", a, models=BOTH), endpoint("b", b, tier=1, models=BOTH, capabilities=("PrefixCompletion",)),
        models=(MODEL, LESSER),
        access=access(client("tenant", allowed_endpoints=("a",)), client("other")),
        policy=policy(
            streaming={"recovery": recovery}, timeouts={"first_token_ms": 400, "inter_token_ms": 400},
            fallback={"degraded_model": LESSER},
        ).model_copy(update={"hedging": HedgingDoc(after_percentile=1, budget_percent=50)}),
    )  # fmt: skip

    seen: Counter[int] = Counter()
    for fault in FAULTS:
        a.set(fault)
        for stream in (False, True, True):
            with contextlib.suppress(httpx.RemoteProtocolError):  # on a slow machine any stream may stall, and be cut
                seen[router.ask(headers=bearer("tenant"), stream=stream).status_code] += 1

    assert b.log() == []
    assert set(seen) <= {200, 429, 503, 504}, seen
    assert router.ask(headers=bearer("other")).status_code == 200, "others still fail over"
    assert len(b.log()) >= 1


def test_where_none_is_left_it_is_forbidden_and_not_unavailable(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    keys(router, "tenant")
    router.serve(
        endpoint("a", a, models=BOTH), endpoint("b", b),
        models=(MODEL, LESSER), access=access(client("tenant", allowed_endpoints=("b",))),
    )  # fmt: skip
    served = router.ask(headers=bearer("tenant"))
    refused = router.ask(headers=bearer("tenant"), model=LESSER)

    assert (served.status_code, refused.status_code) == (200, 403)
    assert refused.json()["error"]["code"] == "endpoint_not_allowed"
    assert a.log() == []


def test_models_that_a_client_may_not_request(router: Router, a: FakeProvider) -> None:
    keys(router, "tenant")
    router.serve(
        endpoint("a", a, models=BOTH), models=(MODEL, LESSER),
        access=access(client("tenant", allowed_models=(MODEL,))), policy=policy(fallback={"degraded_model": LESSER}),
    )  # fmt: skip

    refused = router.ask(headers=bearer("tenant"), model=LESSER)
    listed = router.client.get("/v1/models", headers=bearer("tenant")).json()["data"]
    a.set("error500")
    failed = router.ask(headers=bearer("tenant"))

    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "model_not_allowed")
    assert [model["id"] for model in listed] == [MODEL]
    assert router.client.get(f"/v1/models/{LESSER}", headers=bearer("tenant")).status_code == 404
    assert failed.status_code == 503
    assert len(a.log()) == 2, "tried once more, and no fallback model after that"


def test_an_answer_is_not_kept_beyond_the_permission(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    keys(router, "tenant")
    kept = policy(fallback={"cache_ttl_ms": 60_000, "cache_bytes": 1_000_000})
    endpoints = (endpoint("a", a), endpoint("b", b, tier=1))
    router.serve(*endpoints, access=access(client("tenant", allowed_endpoints=("a", "b"))), policy=kept)
    assert router.ask(headers=bearer("tenant")).headers["x-poolkeeper-endpoint"] == "a"

    router.serve(*endpoints, access=access(client("tenant", allowed_endpoints=("b",))), policy=kept)
    b.set("error500")
    assert router.ask(headers=bearer("tenant")).status_code == 503


@pytest.mark.parametrize(
    ("lacks", "body"),
    [
        (("tools",), {"tools": TOOLS}),
        (("images",), {"messages": IMAGE}),
        (("schema",), {"response_format": {"type": "json_object"}}),
    ],
    ids=["tools", "images", "schema"],
)
def test_an_endpoint_that_lacks_a_feature_never_gets_it(
    router: Router, a: FakeProvider, b: FakeProvider, lacks: tuple[str, ...], body: dict[str, Any]
) -> None:
    router.serve(endpoint("a", a, lacks=lacks), endpoint("b", b, tier=1))

    plain, asking = router.ask(), router.ask(**body)
    b.set("busy503")
    lost = router.ask(**body)

    assert (plain.headers["x-poolkeeper-endpoint"], asking.headers["x-poolkeeper-endpoint"]) == ("a", "b")
    assert lost.status_code == 503, "b could take it, and is busy"
    assert len(a.log()) == 1


def test_where_every_endpoint_lacks_it_the_caller_must_change_the_request(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a, lacks=("tools", "audio")))

    answer = router.ask(tools=TOOLS)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unsupported_feature")
    assert "takes requests with tools" in answer.json()["error"]["message"]
    assert a.log() == []
    assert router.ask().status_code == 200


def test_what_a_text_says_is_no_feature(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a, lacks=("tools", "images", "schema")))

    said = '"tools" "image_url" "response_format" ' * 20_000
    answer = router.ask(messages=[{"role": "user", "content": said}])

    assert answer.status_code == 200
