"""A provider whose bytes have gone wrong anywhere: the caller gets HTTP in order or a closed connection, nothing of us
breaks, and nothing stays taken."""

import json
import random
from collections.abc import Callable, Iterator

import pytest

from router.harness import Router, endpoint, eventually, policy, request
from testing.fakes import rawhttp
from testing.fakes.rawhttp import End, Got
from testing.fakes.rawprovider import Answer, RawProvider

REQUESTS = 150
SEEDS = (1, 2, 3)
EVENTS = (
    b'data: {"id":"x","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n'
    b": keep-alive\n\n"
    b'data: {"id":"x","choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}\n\n'
    b'data: {"id":"x","choices":[{"index":0,"delta":{"content":" world"},"finish_reason":"stop"}]}\n\n'
    b'data: {"id":"x","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n'
    b"data: [DONE]\n\n"
)
WHOLE = (
    b'{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":3,"completion_tokens":2}}'
)
BUSY = b'{"error":{"message":"Service is too busy.","type":"service_unavailable_error","param":null,"code":503}}'
NASTY = (
    b"\r\n", b"\n\n", b"\r\n\r\n", b"\0", b"\xff\xfe", b"HTTP/1.1 200 OK\r\n\r\n", b"0\r\n\r\n", b"fffffff\r\n",
    b"-1\r\n",
    b"data: ", b"data: [DONE]\n\n", b"event: error\n", b'{"error":', b'"choices":null', b"\\u0000", b"1e999",
    b"[" * 2000,
    b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b": " + b"x" * 70_000, b"null", b"{}", b"\\",
)  # fmt: skip
HASTY = policy(
    timeouts={"connect_ms": 300, "first_token_ms": 150, "inter_token_ms": 150, "request_ms": 600},
    retry={"max_attempts": 2, "busy_backoff_ms": (0,)},
    circuit_breaker={"consecutive_failures": 1_000, "minimum_requests": 10_000},
)


def answer_in_order(chance: random.Random) -> bytes:
    """Something that a provider may well say."""
    status, kind, body = chance.choice(
        [
            (b"200 OK", b"text/event-stream", EVENTS),
            (b"200 OK", b"application/json", WHOLE),
            (b"503 Busy", b"application/json", BUSY),
            (b"200 OK", b"application/json", BUSY),
            (b"400 Bad", b"application/json", BUSY),
        ]
    )
    head = b"HTTP/1.1 %b\r\nContent-Type: %b\r\n" % (status, kind)
    if chance.random() < 0.5:
        return head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    at = sorted(chance.sample(range(1, len(body)), 3))
    pieces = [body[a:b] for a, b in zip([0, *at], [*at, len(body)], strict=True)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def gone_wrong(text: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, lost, doubled, or put in; or nothing."""
    for _ in range(chance.choice([0, 1, 1, 1, 2, 5])):
        at = chance.randrange(len(text) + 1)
        to = min(len(text), at + chance.choice([1, 1, 2, 8, 40]))
        kind = chance.randrange(5)
        if kind == 0:
            text = text[:at] + bytes([chance.randrange(256)]) + text[at + 1 :]
        elif kind == 1:
            text = text[:at] + text[to:]
        elif kind == 2:
            text = text[:to] + text[at:]
        elif kind == 3:
            text = text[:at] + chance.choice(NASTY) + text[at:]
        else:
            text = text[:at]
    return text


def in_pieces(text: bytes, chance: random.Random) -> Iterator[bytes]:
    at = 0
    while at < len(text):
        size = chance.choice([1, 7, 100, 100_000])
        yield text[at : at + size]
        at += size


def answers(seed: int) -> Callable[[int, bytes], Answer]:
    def answer(number: int, request: bytes) -> Answer:
        chance = random.Random(f"{seed} {number}")
        text = gone_wrong(answer_in_order(chance), chance)
        return in_pieces(text, chance) if chance.random() < 0.7 else text

    return answer


def is_http_in_order(got: Got) -> bool:
    """A whole answer; or one cut off, which may only be a stream that has begun."""
    if got.raw == b"":
        return True
    head, blank, _ = got.raw.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 "), got.raw
    assert blank, got.raw
    return got.terminated or got.headers.get("transfer-encoding") == "chunked"


def is_whole(line: bytes) -> bool:
    """[DONE], or JSON. (Bytes that are no UTF-8 inside a string of it are left to the caller.)"""
    data = line.removeprefix(b"data: ").strip().decode(errors="replace")
    return data == "[DONE]" or isinstance(json.loads(data, strict=False), dict)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_a_provider_sends_callers_get_http_in_order(router: Router, seed: int) -> None:
    with RawProvider(answers(seed)) as one, RawProvider(answers(-seed)) as two:
        router.serve(endpoint("one", port=one.port), endpoint("two", port=two.port), policy=HASTY)
        chance = random.Random(seed)

        for number in range(REQUESTS):
            body = request(stream=chance.random() < 0.6)
            message = rawhttp.request("/v1/chat/completions", body, {"connection": "close"})
            with rawhttp.connect(router.port) as sock:
                sock.sendall(message)
                got = rawhttp.receive(sock)

            assert got.end is not End.OPEN, number
            assert is_http_in_order(got), got
            if got.raw:
                assert got.status != 500, got
                assert all(is_whole(line) for line in got.payload.split(b"\n") if line.startswith(b"data: ")), got

        assert one.requests()  # what reached them was in order too
        assert two.requests()
        eventually(router.is_idle, "every slot is free again")
        assert router.unexpected_errors() == []
