"""Names and addresses: A and AAAA are asked at once, and a dead address of two costs one request."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from router.harness import Router, endpoint, policy
from testing.fakes.answerer import Answerer, good
from testing.fakes.nameserver import AAAA, A, NameServer
from testing.waiting import until

HOST = "api.test"


@contextmanager
def deaf_at(addresses: list[str], port: int) -> Iterator[None]:
    """Nobody takes connections there, and the queue is full: what is sent there is swallowed."""
    with ExitStack() as stack:
        for address in addresses:
            full = stack.enter_context(socket.socket())
            full.bind((address, port))
            full.listen(0)
            for _ in range(3):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex((address, port))
        yield


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
    """Its connections are never made: trying it each time would cost a head start each time."""
    with Answerer(lambda _: good()) as provider, deaf_at([deaf], provider.port):
        router = start(NameServer({A: [deaf, "127.0.0.1"]}, ttl_s=60))
        router.serve(endpoint("a", host=HOST, port=provider.port), policy=policy(timeouts={"connect_ms": 2_000}))

        took_s = []
        for _ in range(5):
            began = time.monotonic()
            assert router.ask(headers={"connection": "close"}).status_code == 200
            took_s.append(time.monotonic() - began)
    assert sorted(took_s)[3] < took_s[0]


@pytest.mark.parametrize(
    "dead", [["127.0.0.2"], ["127.0.0.2", "127.0.0.3", "127.0.0.4"]], ids=["one", "three"]
)  # fmt: skip
def test_dead_addresses_cost_a_head_start_each_and_no_time_out(start: Start, dead: list[str]) -> None:
    connect_s = 10
    with Answerer(lambda _: good()) as provider, deaf_at(dead, provider.port):
        router = start(NameServer({A: [*dead, "127.0.0.1"]}, ttl_s=60))
        slow = policy(timeouts={"connect_ms": connect_s * 1000, "first_token_ms": 20_000})
        router.serve(endpoint("a", host=HOST, port=provider.port), policy=slow)

        began = time.monotonic()
        assert router.ask().status_code == 200
        assert time.monotonic() - began < connect_s / 2
        assert len(provider.asked) == 1


def test_addresses_that_refuse_cost_nothing(start: Start) -> None:
    with Answerer(lambda _: good()) as provider:
        refusing = [f"127.0.0.{n}" for n in range(10, 15)]
        router = start(NameServer({A: [*refusing, "127.0.0.1"], AAAA: ["::1"]}, ttl_s=60))
        router.serve(endpoint("a", host=HOST, port=provider.port))

        assert [router.ask().status_code for _ in range(3)] == [200] * 3


@pytest.mark.parametrize("failing", [(A,), (AAAA,)], ids=["a", "aaaa"])
def test_a_kind_that_fails_leaves_the_other(start: Start, failing: tuple[int, ...]) -> None:
    with Answerer(lambda _: good()) as provider:
        server = NameServer({A: ["127.0.0.1"], AAAA: ["::ffff:127.0.0.1"]}, failing=failing)
        router = start(server)
        router.serve(endpoint("a", host=HOST, port=provider.port))

        assert router.ask().status_code == 200


def test_an_alias_of_an_alias_is_followed(start: Start) -> None:
    with Answerer(lambda _: good()) as provider:
        router = start(NameServer({A: ["127.0.0.1"]}, aliases=("edge.cdn.test", "node7.pop.test")))
        router.serve(endpoint("a", host=HOST, port=provider.port))

        assert router.ask().status_code == 200


def test_a_time_to_live_of_zero_asks_not_for_every_request(start: Start) -> None:
    with Answerer(lambda _: good()) as provider:
        server = NameServer({A: ["127.0.0.1"]}, ttl_s=0)
        router = start(server)
        router.serve(endpoint("a", host=HOST, port=provider.port))

        for _ in range(20):
            assert router.ask(headers={"connection": "close"}).status_code == 200
    assert len(server.asked) < 20


def test_a_name_server_that_dies_stops_nobody(start: Start) -> None:
    with Answerer(lambda _: good()) as provider:
        server = NameServer({A: ["127.0.0.1"]}, ttl_s=1)
        router = start(server)
        router.serve(endpoint("a", host=HOST, port=provider.port))
        assert router.ask().status_code == 200

        server.is_dead = True
        asked = len(server.asked)
        until(lambda: router.ask().status_code != 200 or len(server.asked) > asked, "it is asked again", 20)

        assert router.ask().status_code == 200
