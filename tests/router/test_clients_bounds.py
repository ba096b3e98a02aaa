"""How far a caller gets with what is too large, too clever or too old: a clear word, and nowhere else."""

import json
import socket

import pytest

from router.harness import MODEL, Router, endpoint, eventually, request
from testing.fakes import rawhttp
from testing.fakes.harness import FakeProvider
from testing.fakes.rawprovider import RawProvider

BODY = b'{"model":"%b","messages":[]}' % MODEL.encode()
LIMIT_BYTES = 16 << 20


def raw(router: Router, sent: bytes, enough: bytes | None = None) -> rawhttp.Got:
    with rawhttp.connect(router.port) as sock:
        sock.sendall(sent)
        return rawhttp.receive(sock, enough=enough)


def test_a_body_that_says_it_is_too_long_is_refused_before_it_is_sent(router: Router, a: FakeProvider) -> None:
    router.allow("client intended to send too large")
    router.serve(endpoint("a", a))
    head = {"content-length": str(LIMIT_BYTES + 1), "expect": "100-continue"}

    got = raw(router, rawhttp.request("/v1/chat/completions", b"", head, method="POST"), enough=b"body_too_large")

    assert got.status == 413
    error = json.loads(got.payload)["error"]
    assert (error["type"], error["code"]) == ("poolkeeper_error", "body_too_large")
    assert a.log() == []


def test_a_body_that_turns_out_too_long_is_refused_as_clearly(router: Router, a: FakeProvider) -> None:
    router.allow("client intended to send too large")
    router.serve(endpoint("a", a))
    chunk = b"%x\r\n%b\r\n" % (1 << 20, b"x" * (1 << 20))
    with rawhttp.connect(router.port) as sock:
        sock.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(18):
            try:
                sock.sendall(chunk)
            except OSError:
                break
        got = rawhttp.receive(sock, enough=b"body_too_large")

    assert got.status == 413
    assert a.log() == []


def chunked(body: bytes, chunk_bytes: int) -> bytes:
    pieces = (body[at : at + chunk_bytes] for at in range(0, len(body), chunk_bytes))
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def body_of(length: int) -> bytes:
    return BODY[:-1] + b',"x":"' + b"y" * (length - len(BODY) - 7) + b'"}'


@pytest.mark.parametrize("chunk_bytes", [64 << 10, 128])
def test_a_body_of_the_limit_goes_through_in_chunks(router: Router, chunk_bytes: int) -> None:
    body = body_of(LIMIT_BYTES)
    with RawProvider() as provider:
        router.serve(endpoint("a", port=provider.port))

        got = raw(router, chunked(body, chunk_bytes), enough=b'"finish_reason"')

        assert got.status == 200
        assert provider.requests()[0].body == body


def test_a_body_whose_chunks_are_as_many_bytes_as_itself_is_refused_for_that(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))

    got = raw(router, chunked(body_of(12 << 20), 6), enough=b"poolkeeper_error")

    assert got.status == 413
    assert "chunks" in json.loads(got.payload)["error"]["message"]
    assert a.log() == []


def test_a_body_of_the_limit_goes_through(router: Router) -> None:
    body = body_of(LIMIT_BYTES)
    with RawProvider() as provider:
        router.serve(endpoint("a", port=provider.port))

        got = raw(router, rawhttp.request("/v1/chat/completions", body), enough=b'"finish_reason"')

        assert len(body) == LIMIT_BYTES
        assert got.status == 200
        assert provider.requests()[0].body == body


@pytest.mark.parametrize(
    ("path", "want_status"),
    [
        ("/v1/../admin", 404),
        ("/v1/%2e%2e/state", 404),
        ("/v1/chat/completions/../../../metrics", 404),
        ("/v1/chat/completions/..%2f..%2fstate", 404),
        ("/..%2fstate", 400),
        ("/%2e%2e/%2e%2e/etc/passwd", 400),
        ("/../../etc/passwd", 400),
        ("/v1/chat/completions%00", 400),
        ("/v1/chat/completions%0d%0aX:%20y", 404),
        ("/v1/chat/completions;x=y", 404),
        ("/v1/chat\\completions", 404),
        ("/V1/Chat/Completions", 404),
        ("/refused/400", 404),
        ("/@too_large", 404),
        ("/state", 404),
        ("/metrics", 404),
        ("/healthz", 404),
        ("/user/balance", 404),
        ("//admin", 404),
    ],
)
def test_no_path_leads_anywhere_but_to_what_is_served(
    router: Router, a: FakeProvider, path: str, want_status: int
) -> None:
    router.serve(endpoint("a", a))

    got = raw(router, rawhttp.request(path, request(), {"connection": "close"}))

    assert got.status == want_status
    assert json.loads(got.payload)["error"]["type"] == "poolkeeper_error"
    assert a.log() == []


@pytest.mark.parametrize(
    "path", ["//v1/chat/completions", "/v1//chat/completions", "/x/../v1/chat/completions", "/v1%2fchat%2fcompletions"]
)
def test_a_path_written_oddly_arrives_as_our_own(router: Router, a: FakeProvider, path: str) -> None:
    router.serve(endpoint("a", a))

    got = raw(router, rawhttp.request(f"{path}?key=secret#x", request(), {"connection": "close"}))

    assert got.status == 200
    assert [entry.path for entry in a.log()] == ["/v1/chat/completions"]


def test_a_caller_that_waits_for_100_gets_it(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))
    message = rawhttp.request("/v1/chat/completions", request(), {"expect": "100-continue"})
    head, blank, body = message.partition(b"\r\n\r\n")

    with rawhttp.connect(router.port) as sock:
        sock.sendall(head + blank)
        shown = rawhttp.receive(sock, enough=b"\r\n\r\n")
        sock.sendall(body)
        got = rawhttp.receive(sock, enough=b'"usage"')

    assert shown.raw == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert got.status == 200


@pytest.mark.parametrize("stream", [False, True])
def test_a_caller_of_http_1_0_gets_an_answer_that_ends_with_the_connection(
    router: Router, a: FakeProvider, stream: bool
) -> None:
    router.serve(endpoint("a", a))
    message = rawhttp.request("/v1/chat/completions", request(stream=stream)).replace(b"HTTP/1.1", b"HTTP/1.0", 1)

    got = raw(router, message)

    assert got.status == 200
    assert got.end is rawhttp.End.EOF
    assert "transfer-encoding" not in got.headers
    assert got.content
    if stream:
        assert got.events[-1] == "[DONE]"


def test_requests_in_a_row_are_answered_in_their_order(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))
    sent = [
        rawhttp.request("/v1/chat/completions", request(stream=number % 2 == 0), {"x-request-id": f"number-{number}"})
        for number in range(6)
    ]

    with rawhttp.connect(router.port) as sock:
        sock.sendall(b"".join(sent))
        sock.sendall(rawhttp.request("/v1/models", headers={"connection": "close"}))
        got = rawhttp.receive(sock)

    ids = [line.split(b": ")[1] for line in got.raw.split(b"\r\n") if line.lower().startswith(b"x-request-id")]
    assert ids == [f"number-{number}".encode() for number in range(6)]
    assert got.raw.count(b"HTTP/1.1 200 OK") == 7


def test_half_a_head_does_not_disturb_anybody(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))
    socks = [socket.create_connection((rawhttp.HOST, router.port)) for _ in range(50)]
    for sock in socks:
        sock.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-")

    assert router.ask().status_code == 200
    assert router.is_idle()

    for sock in socks:
        sock.close()


def big(router: Router, length: int = LIMIT_BYTES) -> socket.socket:
    """A caller that has announced a body and sent nothing of it."""
    sock = rawhttp.connect(router.port)
    sock.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n{" % length)
    return sock


def test_bodies_in_flight_have_a_budget_and_short_questions_pass(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))
    held = [big(router) for _ in range(8)]
    eventually(lambda: router.ask(padding="x" * 100_000).status_code == 503, "the budget is spent")

    refused, short = router.ask(padding="x" * 100_000), router.ask()

    assert refused.json()["error"]["code"] == "body_memory_full"
    assert refused.headers["retry-after"] == "1"
    assert short.status_code == 200
    for sock in held:
        sock.close()
    eventually(lambda: router.ask(padding="x" * 100_000).status_code == 200, "those who go give it back")


def test_a_body_without_a_length_that_is_too_large_gives_its_room_back(router: Router, a: FakeProvider) -> None:
    router.allow("client intended to send too large")
    router.serve(endpoint("a", a))

    for _ in range(10):
        got = raw(router, chunked(body_of(LIMIT_BYTES + (1 << 20)), 1 << 20), enough=b"body_too_large")
        assert got.status == 413

    assert router.ask(padding="x" * 15_000_000).status_code == 200
