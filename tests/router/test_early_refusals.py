"""A provider that answers before it has read a big body, and what it does with the connection then: its answer is read
while the body is sent. It goes to the caller, or the request goes to an endpoint that can; no breaker counts it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from poolkeeper.api.router_document import EndpointDoc, HedgingDoc
from router.harness import MODEL, STAYS_OPEN, Router, endpoint, policy, tls
from testing.fakes import tls as certificates
from testing.fakes.early import WAYS, Early, answer
from testing.fakes.harness import FakeProvider

BROKEN = r"(recv|send|writev|SSL_\w+)\(\) failed"
SIZE = 8 << 20
SLOW_MS = 15_000
"""For a first token: who reads an early answer only then has not read it while it sent."""
PATIENT = policy(
    circuit_breaker={**STAYS_OPEN, "consecutive_failures": 1},
    retry={"busy_backoff_ms": (60_000,)},
    timeouts={"first_token_ms": SLOW_MS},
)
SAID = "the limit of this server is 1 MB"
TOO_LARGE = {"error": {"message": SAID, "type": "invalid_request_error", "code": "request_too_large"}}
HTML = b"<html><head><title>413 Request Entity Too Large</title></head></html>"
SURFACES: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "chat": ("/v1/chat/completions", {"messages": [{"role": "user", "content": "x" * SIZE}]}),
    "messages": (
        "/anthropic/v1/messages",
        {"max_tokens": 9, "messages": [{"role": "user", "content": "x" * SIZE}]},
    ),
    "responses": ("/v1/responses", {"input": "x" * SIZE}),
}


def error(message: str, kind: str = "", code: str | None = None) -> bytes:
    return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}}).encode()


TOLD = answer(413, json.dumps(TOO_LARGE).encode())


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[Router]:
    authority = certificates.shared_authority().certificate.cert
    with Router(tmp_path, authority=authority, allowed_errors=BROKEN) as running:
        yield running


def at(name: str, early: Early, **fields: object) -> EndpointDoc:
    return endpoint(name, None, **{"port": early.port, "provider": "OpenAI", **fields})


def ask_big(router: Router, surface: str = "chat", **more: object) -> httpx.Response:
    path, question = SURFACES[surface]
    return router.client.post(path, json={"model": MODEL, **question, **more})


def error_of(response: httpx.Response) -> str:
    return str(response.json()["error"]["message"])


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("way", WAYS)
def test_the_caller_gets_the_refusal_whatever_becomes_of_the_connection(
    patient: Router, stack: ExitStack, way: str, stream: bool
) -> None:
    early = stack.enter_context(Early([TOLD], way))
    patient.serve(at("a", early), policy=PATIENT)

    refused = ask_big(patient, stream=stream)

    assert (refused.status_code, error_of(refused)) == (413, SAID)
    assert patient.endpoint("a").breaker == "Closed"
    assert early.read_bytes[0] < SIZE / 2
    assert patient.ask().status_code == 200, "a small request over another connection"


@pytest.mark.parametrize(
    "pieces",
    [
        [TOLD[:9], TOLD[9:40], TOLD[40:-8], TOLD[-8:]],
        [b"HTTP/1.1 100 Continue\r\n\r\n", TOLD],
        [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + TOLD],
        [TOLD.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1)],
        [TOLD.replace(b"HTTP/1.1", b"HTTP/1.0", 1)],
    ],
    ids=["in pieces", "after 100", "after two interim answers", "connection: close", "HTTP/1.0"],
)
@pytest.mark.parametrize("way", ["reset", "keep open"])
def test_the_refusal_may_come_in_any_form(patient: Router, stack: ExitStack, pieces: Sequence[bytes], way: str) -> None:
    early = stack.enter_context(Early(pieces, way, after_bytes=200_000))
    patient.serve(at("a", early), policy=PATIENT)

    refused = ask_big(patient)

    assert (refused.status_code, error_of(refused)) == (413, SAID)
    assert patient.endpoint("a").breaker == "Closed"


@pytest.mark.parametrize("way", ["close", "keep open"])
@pytest.mark.parametrize(
    ("refusal", "want_class"),
    [
        (answer(429, error("slow down"), {"retry-after": "60"}), "RateLimited"),
        (answer(401, error("Incorrect API key provided", "invalid_request_error", "invalid_api_key")), "Credential"),
        (answer(503, error("Service is too busy")), "Busy"),
        (answer(400, error("Missing `reasoning_content` field in the assistant message at index 2.")), "Incompatible"),
    ],
    ids=["429", "401", "503", "400"],
)
def test_another_endpoint_answers_what_the_refusal_leaves_to_it(
    patient: Router, stack: ExitStack, b: FakeProvider, refusal: bytes, want_class: str, way: str
) -> None:
    early = stack.enter_context(Early([refusal], way))
    patient.serve(at("a", early), endpoint("b", b, tier=1), policy=PATIENT)

    answered = ask_big(patient)

    assert (answered.status_code, answered.headers["x-poolkeeper-endpoint"]) == (200, "b")
    assert answered.headers["x-poolkeeper-attempts"] == "2"
    last = patient.endpoint("a").last_error
    assert (last.class_ if last else "") == ("" if want_class == "Incompatible" else want_class)


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("surface", SURFACES)
def test_on_every_surface_at_a_later_attempt(
    patient: Router, stack: ExitStack, b: FakeProvider, surface: str, stream: bool
) -> None:
    early = stack.enter_context(Early([TOLD], "keep open"))
    b.set("busy503")
    patient.serve(endpoint("b", b), at("a", early, provider="DeepSeek", tier=1), policy=PATIENT)

    refused = ask_big(patient, surface, stream=stream)

    assert (refused.status_code, error_of(refused)) == (413, SAID)
    assert patient.endpoint("a").breaker == "Closed"


@pytest.mark.parametrize("way", WAYS)
def test_through_tls(patient: Router, stack: ExitStack, way: str) -> None:
    pair = certificates.shared_authority().issue("localhost")
    early = stack.enter_context(Early([TOLD], way, certificate=pair))
    patient.serve(at("a", early, host="localhost", **tls("localhost")), policy=PATIENT)

    refused = ask_big(patient)

    assert (refused.status_code, error_of(refused)) == (413, SAID)
    assert patient.endpoint("a").breaker == "Closed"


def test_a_limit_that_says_no_more_than_its_page(patient: Router, stack: ExitStack, b: FakeProvider) -> None:
    """nginx before the provider (client_max_body_size): HTML, and the connection is closed after a while."""
    early = stack.enter_context(Early([answer(413, HTML, {"connection": "close"})], "half-close"))
    patient.serve(at("a", early), policy=PATIENT)

    assert ask_big(patient).status_code == 413
    assert patient.endpoint("a").breaker == "Closed"


def test_an_answer_that_begins_before_all_is_read_is_an_answer(patient: Router, stack: ExitStack) -> None:
    good = {"id": "x", "object": "chat.completion", "choices": [{"index": 0, "finish_reason": "stop"}]}
    good["choices"][0]["message"] = {"role": "assistant", "content": "soon"}  # type: ignore[index]
    early = stack.enter_context(Early([answer(200, json.dumps(good).encode())], "read slowly"))
    patient.serve(at("a", early), policy=PATIENT)

    answered = ask_big(patient)

    assert (answered.status_code, answered.json()["choices"][0]["message"]["content"]) == (200, "soon")


def test_a_provider_that_neither_reads_nor_answers_is_left_after_first_token(
    patient: Router, stack: ExitStack, b: FakeProvider
) -> None:
    early = stack.enter_context(Early([], "keep open"))
    hasty = policy(timeouts={"first_token_ms": 500})
    patient.serve(at("a", early), endpoint("b", b, tier=1), policy=hasty)

    answered = ask_big(patient)

    assert (answered.status_code, answered.headers["x-poolkeeper-endpoint"]) == (200, "b")
    last = patient.endpoint("a").last_error
    assert last is not None and last.class_ == "SlowFirstToken"


@pytest.mark.parametrize("way", ["close", "keep open"])
def test_hedged_requests_hear_it_too(patient: Router, stack: ExitStack, b: FakeProvider, way: str) -> None:
    """The thread of an attempt that may be given up for another one sends its body itself."""
    early = stack.enter_context(Early([TOLD], way))
    hedging = HedgingDoc(after_percentile=95, budget_percent=100)
    quick = policy(circuit_breaker=STAYS_OPEN, timeouts={"first_token_ms": 1000})
    hedged = quick.model_copy(update={"hedging": hedging})
    patient.serve(at("a", early), policy=hedged)
    for _ in range(30):
        patient.ask(stream=True)

    refused = ask_big(patient, stream=True)

    assert (refused.status_code, error_of(refused)) == (413, SAID)


@pytest.mark.parametrize("way", WAYS)
def test_over_a_connection_that_was_kept(patient: Router, stack: ExitStack, way: str) -> None:
    early = stack.enter_context(Early([TOLD], way))
    patient.serve(at("a", early), policy=PATIENT)
    assert patient.ask().status_code == 200

    refused = ask_big(patient)

    assert (refused.status_code, error_of(refused)) == (413, SAID)
    assert refused.headers["x-poolkeeper-attempts"] == "1"
    assert patient.endpoint("a").breaker == "Closed"
