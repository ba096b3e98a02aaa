"""What of a caller's head goes on to a provider, and what of a provider's head comes back: as little as can be."""

import pytest

from router.harness import MODEL, Router, endpoint
from testing import plain_http
from testing.fakes import rawhttp
from testing.fakes.rawprovider import JSON_ANSWER, RawProvider

BODY = b'{"model":"%b","messages":[]}' % MODEL.encode()

NEVER_FORWARDED = (
    "aUTHORIZATION: Bearer mine", "X-Api-Key: mine",
    "x-API-key: mine too", "Api-Key: mine", "X-Goog-Api-Key: mine", "X-Auth-Token: mine", "Cookie: session=mine",
    "cookie: b=mine", "Proxy-Authorization: Basic bWluZQ==", "Forwarded: for=10.0.0.1", "X-Forwarded-For: 10.0.0.1",
    "x-forwarded-host: evil.test", "X-FORWARDED-PROTO: https", "X-Real-IP: 10.0.0.1", "Via: 1.1 mine", "CF-Ray: 1",
    "True-Client-IP: 10.0.0.1", "X-Accel-Redirect: /etc", "x-accel-buffering: no", "X-Poolkeeper-Priority: 0",
    "x-poolkeeper-Endpoint: b", "Connection: keep-alive, X-Hop, x-other-HOP", "Connection: X-Third-Hop", "X-Hop: 1",
    "X-Other-Hop: 1", "X-Third-Hop: 1", "Keep-Alive: timeout=5", "TE: trailers", "Trailer: X-A", "Upgrade: h2c",
    "HTTP2-Settings: AAMAAABkAAQAAP__", "Accept-Encoding: gzip, br", "Content-Encoding: identity",
    "Expect: 100-continue",
    "X-HTTP-Method-Override: GET", "X-Original-URL: /admin", "X-Rewrite-URL: /admin",
    "Referer: https://mine.test/secret", "Sec-Fetch-Dest: empty", "X_Forwarded_For: 10.0.0.1", "X_Api_Key: mine",
    "Content-Type: application/json; charset=mine", "Host_: evil.test", "X-Amz-Security-Token: mine",
    "X-Amzn-Oidc-Data: mine",
    "X-Goog-Iap-Jwt-Assertion: mine", "X-Ms-Client-Principal: mine", "X-Authorization: mine", "Private-Token: mine",
    "X-Vault-Token: mine", "X-Remote-User: mine", "Impersonate-User: mine", "Client-IP: 10.0.0.1",
    "Fastly-Client-IP: 10.0.0.1", "OpenAI-Organization: mine", "OpenAI-Project: mine", "Baggage: user=mine",
    "X-Whatever-A-Company-Calls-It: mine", "If-Match: mine", "If-None-Match: mine", "Cache-Control: max-age=60",
)  # fmt: skip
FORWARDED = (
    "User-Agent: tests", "Accept: application/json", "X-Session-Id: s1", "HTTP-Referer: https://app.test",
    "Accept-Language: de", "X-Title: app", "Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "X-Stainless-Lang: python", "Anthropic-Beta: x", "Anthropic-Version: 2023-06-01", "OpenAI-Beta: y",
    "Idempotency-Key: k",
)  # fmt: skip
WRITTEN_HERE = {"host", "content-type", "content-length", "authorization", "x-request-id"}


def ask(router: Router, *lines: str) -> rawhttp.Got:
    head = ["POST /v1/chat/completions HTTP/1.1", "Host: x", f"Content-Length: {len(BODY)}", *lines, "", ""]
    with rawhttp.connect(router.port) as sock:
        sock.sendall("\r\n".join(head).encode("latin-1") + BODY)
        return rawhttp.receive(sock, enough=b'"finish_reason"')


def test_only_what_is_no_secret_and_no_steering_goes_on(router: Router) -> None:
    with RawProvider() as provider:
        router.serve(endpoint("a", port=provider.port))

        ask(router, *NEVER_FORWARDED, *FORWARDED)

        (sent,) = provider.requests()
        assert set(sent.names) - WRITTEN_HERE == {line.partition(":")[0].lower() for line in FORWARDED}
        assert sent.values("authorization") == ["Bearer sk-a"]
        assert sent.values("content-type") == ["application/json"]
        assert "mine" not in "".join(sent.lines)
        assert "10.0.0.1" not in "".join(sent.lines)


def test_two_keys_at_once_are_refused(router: Router) -> None:
    with RawProvider() as provider:
        router.serve(endpoint("a", port=provider.port))
        lines = ("Host: x", "Content-Length: 2", "Authorization: Bearer one", "authorization: Bearer two", "", "{}")

        with rawhttp.connect(router.port) as sock:
            sock.sendall("\r\n".join(["POST /v1/chat/completions HTTP/1.1", *lines]).encode())
            got = rawhttp.receive(sock)

        assert got.status == 400
        assert provider.requests() == []


def test_a_header_that_comes_twice_goes_on_twice(router: Router) -> None:
    with RawProvider() as provider:
        router.serve(endpoint("a", port=provider.port))

        ask(router, "Anthropic-Beta: one", "anthropic-beta: two")

        (sent,) = provider.requests()
        assert sent.values("anthropic-beta") == ["one", "two"]


@pytest.mark.parametrize(
    "line",
    [
        'If-Match: "x"',
        "If-None-Match: *",
        "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT",
        "If-Modified-Since: Fri, 01 Jan 2038 00:00:00 GMT",
        "Range: bytes=0-1",
    ],
)
def test_no_condition_of_a_caller_costs_it_the_answer(router: Router, line: str) -> None:
    with RawProvider() as provider:
        router.serve(endpoint("a", port=provider.port))

        got = ask(router, line)

        assert got.status == 200
        assert b'"finish_reason"' in got.raw


def test_an_endpoint_without_a_key_gets_none(router: Router) -> None:
    with RawProvider() as provider:
        router.serve(endpoint("a", port=provider.port, credential=None))

        ask(router, "Authorization: Bearer mine")

        (sent,) = provider.requests()
        assert "authorization" not in sent.names


@pytest.mark.parametrize(
    ("lines", "want_status", "want_code"),
    [
        (tuple(f"X-{number}: y" for number in range(150)), 431, "headers_too_large"),
        (("X: " + "y" * 9_000,), 431, "headers_too_large"),
        (tuple(f"X-{number}: {'y' * 7_000}" for number in range(6)), 431, "headers_too_large"),
    ],
    ids=["too many", "too long a one", "too long together"],
)
def test_there_is_a_limit_to_headers(router: Router, lines: tuple[str, ...], want_status: int, want_code: str) -> None:
    with RawProvider() as provider:
        router.serve(endpoint("a", port=provider.port))

        with rawhttp.connect(router.port) as sock:
            sock.sendall("\r\n".join(["POST /v1/chat/completions HTTP/1.1", "Host: x", *lines, "", ""]).encode())
            got = rawhttp.receive(sock, enough=b"poolkeeper_error")

        assert got.status == want_status
        assert f'"{want_code}"'.encode() in got.raw
        assert provider.requests() == []


ALLOWED_BACK = {
    "server", "date", "content-type", "content-length", "transfer-encoding", "connection", "cache-control",
    "x-request-id", "x-poolkeeper-fallback", "x-poolkeeper-endpoint",
    "x-poolkeeper-tier", "x-poolkeeper-attempts", "retry-after",
}  # fmt: skip
PROVIDERS_OWN = (
    b"Set-Cookie: a=b\r\nX-Accel-Redirect: /etc/passwd\r\nX-Accel-Limit-Rate: 1\r\nX-Poolkeeper-Tier: 9\r\n"
    b"X-Request-Id: theirs\r\nLocation: http://evil.test/\r\nRefresh: 0\r\nContent-Encoding: identity\r\n"
    b"Strict-Transport-Security: max-age=1\r\nAccess-Control-Allow-Origin: *\r\nX-RateLimit-Limit: 5\r\n"
    b"Server: theirs\r\nWWW-Authenticate: Basic\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nAge: 3\r\n"
)
STREAM = b'data: {"choices":[{"index":0,"delta":{"content":"ok"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
SAID: dict[str, tuple[bytes, bytes, bytes]] = {
    "an answer": (b"200 OK", b"application/json", JSON_ANSWER),
    "a stream": (b"200 OK", b"text/event-stream", STREAM),
    "a refusal": (b"422 No", b"application/json", b'{"error":{"message":"no","type":"invalid_request_error"}}'),
    "a redirect": (b"307 Elsewhere", b"text/html", b"<html></html>"),
    "a page for a refusal": (b"400 No", b"text/html", b"<script>alert(1)</script>"),
}


@pytest.mark.parametrize(("status", "content_type", "body"), SAID.values(), ids=SAID.keys())
def test_nothing_of_a_providers_head_comes_back_but_the_type_of_its_body(
    router: Router, status: bytes, content_type: bytes, body: bytes
) -> None:
    head = b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n%b\r\n"
    answer = head % (status, content_type, len(body), PROVIDERS_OWN) + body
    with RawProvider(lambda number, request: answer) as provider:
        router.serve(endpoint("a", port=provider.port))

        got = plain_http.post(f"{router.url}/v1/chat/completions", content=BODY)

        assert set(got.headers) <= ALLOWED_BACK
        assert got.headers["x-request-id"] != "theirs"
        assert got.headers.get("x-poolkeeper-tier", "0") == "0"
        assert got.headers["server"] == "nginx"
        assert got.headers["content-type"] in ("application/json", "text/event-stream", "text/plain")


@pytest.mark.parametrize(
    "content_type",
    [b"text/event-stream\nSet-Cookie: a=b", b"text/event-stream\rX: y", b"text/event-stream\x00", b"x" * 5_000, b""],
    ids=["a bare LF", "a bare CR", "NUL", "endless", "empty"],
)
@pytest.mark.parametrize("status", [b"200 OK", b"400 No"])
def test_the_type_of_a_body_carries_nothing_else(router: Router, status: bytes, content_type: bytes) -> None:
    body = STREAM if content_type.startswith(b"text/event") and status.startswith(b"200") else JSON_ANSWER
    answer = b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (
        status,
        content_type,
        len(body),
        body,
    )
    with RawProvider(lambda number, request: answer) as provider:
        router.serve(endpoint("a", port=provider.port))

        with rawhttp.connect(router.port) as sock:
            sock.sendall(rawhttp.request("/v1/chat/completions", BODY, {"connection": "close"}))
            got = rawhttp.receive(sock)

        head = got.raw.partition(b"\r\n\r\n")[0]
        assert set(got.headers) <= ALLOWED_BACK
        assert b"\n" not in head.replace(b"\r\n", b"")
        assert b"\r" not in head.replace(b"\r\n", b"")
        assert got.headers["content-type"] in ("application/json", "text/event-stream")
        assert got.terminated
