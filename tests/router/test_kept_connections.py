"""Connections to a provider are used again, and never with a byte on them that was meant for somebody else.

The caller before is Alice, the one after her is Bob; EVIL is what only Alice's answer may have held.
"""

import time
from collections.abc import Iterator

import pytest

from router.harness import Router, endpoint, policy
from testing.fakes.rawprovider import JSON_ANSWER, Answer, RawProvider

EVIL = JSON_ANSWER.replace(b'"ok"', b'"evil"')
SMUGGLED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(EVIL), EVIL)
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n%b\r\n"
CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(JSON_ANSWER), JSON_ANSWER)
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"ok"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
    % (
        len(EVENT),
        EVENT,
    )
)
LENGTH = b"Content-Length: %d\r\n" % len(JSON_ANSWER)


def with_length(more_lines: bytes = b"", version: bytes = b"HTTP/1.1") -> bytes:
    return version + b" 200 OK\r\nContent-Type: application/json\r\n" + LENGTH + more_lines + b"\r\n" + JSON_ANSWER


IN_ORDER = {"a length": with_length(), "chunks": CHUNKED % b"" + CHUNKS, "a stream": STREAM}
NEVER_AGAIN = {
    "more than its length": with_length() + SMUGGLED,
    "more behind its last chunk": CHUNKED % b"" + CHUNKS + SMUGGLED,
    "half an answer behind its last chunk": CHUNKED % b"" + CHUNKS + SMUGGLED[:30],
    "a line behind its last chunk": CHUNKED % b"" + CHUNKS + b"X: y\r\n",
    "more behind a stream": STREAM + SMUGGLED,
    "a length and chunks": CHUNKED % LENGTH + CHUNKS,
    "a length and chunks, and what lies between": CHUNKED % b"Content-Length: 10\r\n" + CHUNKS + SMUGGLED,
    "HTTP/1.0": with_length(version=b"HTTP/1.0"),
    "a connection that will be closed": with_length(b"CONNECTION: Keep-Alive, CLOSE\r\n"),
    "204 with a body": b"HTTP/1.1 204 No Content\r\n" + LENGTH + b"\r\n" + SMUGGLED,
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "304 with a body": b"HTTP/1.1 304 Not Modified\r\n\r\n" + SMUGGLED,
    "two lengths": with_length(b"Content-Length: 5\r\n") + SMUGGLED,
    "a folded length": with_length(b" 0\r\n") + SMUGGLED,
    "101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + SMUGGLED,
}
PATIENT = policy(retry={"max_attempts": 1, "busy_backoff_ms": (0,)}, circuit_breaker={"consecutive_failures": 1_000})


@pytest.mark.parametrize("answer", IN_ORDER.values(), ids=IN_ORDER.keys())
def test_after_an_answer_in_order_its_connection_is_used_again(router: Router, answer: bytes) -> None:
    with RawProvider(lambda number, request: answer) as provider:
        router.serve(endpoint("a", port=provider.port))

        for _ in range(10):
            assert router.ask().status_code == 200

        assert len(provider.connections()) == 1


@pytest.mark.parametrize("answer", NEVER_AGAIN.values(), ids=NEVER_AGAIN.keys())
def test_after_one_that_leaves_doubts_it_is_not(router: Router, answer: bytes) -> None:
    with RawProvider(lambda number, request: answer if number % 2 == 0 else with_length()) as provider:
        router.serve(endpoint("a", port=provider.port), policy=PATIENT)

        for _ in range(5):
            alice = router.ask()
            bob = router.ask()
            assert bob.status_code == 200
            assert "evil" not in alice.text + bob.text

        assert all(raw.count(b"POST ") <= 2 for raw in provider.connections())


def test_what_comes_while_nobody_asks_is_for_nobody(router: Router) -> None:
    """An answer too many, some time after the one that was asked for. (Had the next request been sent by then, nobody
    could tell: HTTP/1.1 knows answers by their order alone.)"""

    def answer(number: int, request: bytes) -> Iterator[bytes]:
        yield with_length()
        time.sleep(0.05)
        yield SMUGGLED

    with RawProvider(answer) as provider:
        router.serve(endpoint("a", port=provider.port))

        for _ in range(8):
            assert "evil" not in router.ask().text
            time.sleep(0.2)  # it has come by then

        assert all(raw.count(b"POST ") == 1 for raw in provider.connections())


def test_an_answer_that_is_none_is_not_asked_for_again(router: Router) -> None:
    """Sending again on another connection is for those that were closed while they were idle, without a word."""
    with RawProvider(lambda number, request: with_length() if number < 3 else b"HTTP/1.1 what\r\n\r\n") as provider:
        router.serve(endpoint("a", port=provider.port), policy=PATIENT)
        for _ in range(3):
            assert router.ask().status_code == 200

        assert router.ask().status_code == 503

        assert len(provider.requests()) == 4


def test_a_caller_who_leaves_takes_his_answer_with_him(router: Router) -> None:
    """Alice hangs up while hers is on its way: Bob does not get the rest of it."""
    begun = STREAM[:-60].replace(b'"ok"', b'"evil"').replace(b'"stop"', b"null  ")

    def answer(number: int, request: bytes) -> bytes:
        return begun if number == 0 else with_length()

    with RawProvider(answer) as provider:
        router.serve(endpoint("a", port=provider.port), policy=PATIENT)
        with router.stream() as response:
            next(response.iter_raw(), b"")

        bob = router.ask()

        assert bob.status_code == 200
        assert "evil" not in bob.text
        assert all(raw.count(b"POST ") == 1 for raw in provider.connections())


def test_a_connection_closed_while_it_was_idle_costs_nobody_anything(router: Router) -> None:
    with RawProvider(lambda number, request: iter([with_length()])) as provider:  # closes after each answer
        router.serve(endpoint("a", port=provider.port))

        assert [router.ask().status_code for _ in range(20)] == [200] * 20
        assert router.endpoint("a").last_error is None


def test_a_word_before_the_connection_closed_is_a_word(router: Router) -> None:
    """An interim answer: the request came, and may have been carried out."""

    def answer(number: int, request: bytes) -> Answer:
        return with_length() if number == 0 else iter([b"HTTP/1.1 100 Continue\r\n\r\n"])

    with RawProvider(answer) as provider:
        router.serve(endpoint("a", port=provider.port), policy=policy(retry={"max_attempts": 1}))
        router.ask()

        assert router.ask().status_code == 503
        assert sum(raw.count(b"POST ") for raw in provider.connections()) == 2
