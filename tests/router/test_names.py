"""Names and addresses: A and AAAA are asked at once, and a dead address of two costs one request."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from router.harness import Router, endpoint, policy
from testing.fakes.answerer import Answerer, good

A, AAAA = 1, 28
HOST = "api.test"
Records = dict[int, list[str]]


class NameServer:
    """silent: the kinds of question that it never answers."""

    def __init__(self, records: Records, silent: tuple[int, ...] = (), ttl_s: int = 1) -> None:
        self._records, self._silent, self._ttl_s = records, silent, ttl_s
        self.asked: list[int] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, name="name server", daemon=True).start()

    def stop(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                query, peer = self._socket.recvfrom(4096)
                question = query[12 : query.index(b"\0", 12) + 5]
                kind = struct.unpack(">H", question[-4:-2])[0]
                self.asked.append(kind)
                if kind not in self._silent:
                    self._socket.sendto(self._answer(query[:2], question, kind), peer)

    def _answer(self, number: bytes, question: bytes, kind: int) -> bytes:
        family = socket.AF_INET if kind == A else socket.AF_INET6
        records = [socket.inet_pton(family, ip) for ip in self._records.get(kind, [])]
        head = number + struct.pack(">HHHHH", 0x8180, 1, len(records), 0, 0) + question
        return head + b"".join(
            b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, self._ttl_s, len(raw)) + raw for raw in records
        )


@pytest.fixture
def deaf() -> str:
    return "127.0.0.2"


Start = Callable[[NameServer], Router]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def begin(server: NameServer) -> Router:
            stack.callback(server.stop)
            (tmp_path / "resolv.conf").write_text(f"nameserver 127.0.0.1:{server.port}\n")
            (tmp_path / "hosts").write_text("127.0.0.1 localhost\n")
            environment = {
                "POOLKEEPER_RESOLV_CONF": str(tmp_path / "resolv.conf"),
                "POOLKEEPER_HOSTS": str(tmp_path / "hosts"),
            }
            return stack.enter_context(Router(tmp_path, environment=environment))

        yield begin


@pytest.mark.parametrize("silent", [(AAAA,), (A,), ()], ids=["no-aaaa", "no-a", "both"])
def test_a_kind_that_is_never_answered_delays_nothing(start: Start, silent: tuple[int, ...]) -> None:
    server = NameServer({A: ["127.0.0.1"], AAAA: ["::ffff:127.0.0.1"]}, silent)
    with Answerer(lambda _: good()) as provider:
        router = start(server)
        short = policy(timeouts={"connect_ms": 900})  # a question is given up after a second
        router.serve(endpoint("a", host=HOST, port=provider.port), policy=short)

        assert router.ask().status_code == 200
    assert set(server.asked) == {A, AAAA}


def test_who_has_one_kind_only_is_found(start: Start) -> None:
    with Answerer(lambda _: good()) as provider:
        router = start(NameServer({A: ["127.0.0.1"]}))
        router.serve(endpoint("a", host=HOST, port=provider.port))

        assert router.ask().status_code == 200


def test_who_has_neither_is_no_endpoint(start: Start) -> None:
    router = start(NameServer({}))
    router.serve(endpoint("a", host=HOST))

    assert router.ask().status_code == 503


def test_a_dead_address_of_two_costs_one_request(start: Start, deaf: str) -> None:
    """Its connections are never made: trying it each time would cost half of connect each time."""
    with Answerer(lambda _: good()) as provider, socket.socket() as full:
        full.bind((deaf, provider.port))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex((deaf, provider.port))
        router = start(NameServer({A: [deaf, "127.0.0.1"]}, ttl_s=60))
        router.serve(endpoint("a", host=HOST, port=provider.port), policy=policy(timeouts={"connect_ms": 2_000}))

        took_s = []
        for _ in range(5):
            began = time.monotonic()
            assert router.ask(headers={"connection": "close"}).status_code == 200
            took_s.append(time.monotonic() - began)
        for one in waiting:
            one.close()
    assert sorted(took_s)[3] < took_s[0]
