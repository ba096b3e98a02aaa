"""Callers that are slow: one that sends holds nothing, one that reads holds its slot no longer than the request may
take, and neither costs memory."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.harness import Router, endpoint, eventually, policy, request
from testing.fakes import rawhttp
from testing.fakes.harness import FakeProvider
from testing.fakes.rawprovider import RawProvider

pytestmark = pytest.mark.paced

PIECE = b'data: {"choices":[{"index":0,"delta":{"content":"%b"},"finish_reason":null}]}\n\n' % (b"x" * 4_000)
PIECES = 20_000
"""Eighty megabytes: far more than all buffers between the two sides."""
SMALL_BUFFER_BYTES = 4_096
MEMORY_BYTES = 24 << 20


def endless(number: int, sent: bytes) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    for _ in range(PIECES):
        yield PIECE


def listener(router: Router) -> socket.socket:
    """A caller of a stream with as little room for it as the system gives."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
    sock.settimeout(rawhttp.PATIENCE_S)
    sock.connect((rawhttp.HOST, router.port))
    sock.sendall(rawhttp.request("/v1/chat/completions", request(stream=True)))
    return sock


def memory_bytes(router: Router) -> int:
    """What all workers have of their own."""
    statuses = (Path(f"/proc/{pid}/status").read_text() for pid in router.worker_pids())
    return sum(int(line.split()[1]) * 1024 for text in statuses for line in text.splitlines() if "RssAnon" in line)


def test_a_caller_that_sends_slowly_holds_no_slot(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a, max_connections=1))
    message = rawhttp.request("/v1/chat/completions", request())
    slow = [rawhttp.connect(router.port) for _ in range(20)]
    for sock in slow:
        sock.sendall(message[:-5])

    assert [router.ask().status_code for _ in range(5)] == [200] * 5
    assert router.endpoint("a").in_flight == 0

    for sock in slow:
        sock.sendall(message[-5:])
        assert rawhttp.receive(sock, enough=b'"usage"').status == 200
        sock.close()


def test_a_caller_that_reads_nothing_is_left_when_its_time_is_over(router: Router) -> None:
    """Its provider is slowed down, and nothing of the answer is piled up meanwhile."""
    with RawProvider(endless) as provider:
        router.serve(endpoint("a", port=provider.port), policy=policy(timeouts={"request_ms": 3_000}))
        before = memory_bytes(router)

        sock = listener(router)
        eventually(lambda: router.endpoint("a").in_flight == 1, "its answer is on its way")
        time.sleep(1)
        assert memory_bytes(router) - before < MEMORY_BYTES

        eventually(router.is_idle, "its slot is free again")
        sock.close()


def test_a_caller_that_reads_a_little_now_and_then_is_left_as_well(router: Router) -> None:
    with RawProvider(endless) as provider:
        router.serve(endpoint("a", port=provider.port), policy=policy(timeouts={"request_ms": 3_000}))
        sock = listener(router)
        eventually(lambda: router.endpoint("a").in_flight == 1, "its answer is on its way")

        def drips() -> bool:
            sock.recv(16)
            return router.is_idle()

        eventually(drips, "its slot is free again")
        sock.close()


def test_a_caller_that_pauses_gets_all_of_it(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))
    a.set("ok", tokens=3_000)
    sock = listener(router)
    time.sleep(2)

    got = rawhttp.receive(sock, enough=b"data: [DONE]\n\n")

    assert got.events[-1] == "[DONE]"
    assert router.endpoint("a").last_error is None
    sock.close()
