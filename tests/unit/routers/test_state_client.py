"""What a router says is data from a Pod: bounded, and reported in fixed words when it is not valid."""

import asyncio
import gzip
import json
import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from poolkeeper.api.router_state import RouterState
from poolkeeper.plan.snapshot import LivePod, RouterReport
from poolkeeper.routers.state_client import LARGEST_ANSWER_BYTES, RouterStates
from testing.fakes.listening import Listening

NOW = datetime(2026, 11, 22, tzinfo=UTC)
POD = LivePod("a", "127.0.0.1", ready=True, terminating=False, config_generation=1)
GOOD = json.dumps({"pool": "team/chat", "generation": 3, "ready": True, "somethingNew": 1}).encode()


@contextmanager
def router(
    status: int = 200,
    body: bytes = GOOD,
    hang: bool = False,
    encoding: str = "",
    host: str = "127.0.0.1",
    **headers: str,
) -> Iterator[int]:
    """A router of one answer; its port."""
    release = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if hang:
                release.wait(30)
            self.send_response(status if self.path == "/state" else 404)
            for name, value in (*headers.items(), *([("Content-Encoding", encoding)] if encoding else ())):
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    server = Server((host, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        release.set()
        server.shutdown()
        server.server_close()


def ask(
    port: int, *pods: LivePod, before: tuple[RouterReport, ...] = (), timeout_s: float = 5
) -> tuple[RouterReport, ...]:
    async def story() -> tuple[RouterReport, ...]:
        routers = RouterStates(timeout_s, port)
        return await routers.ask(pods or (POD,), before, NOW)

    return asyncio.run(story())


@pytest.mark.parametrize(("status", "want"), [(200, ["ok"]), (503, ["failed"])])
def test_how_it_went_is_reported(status: int, want: list[str]) -> None:
    shown: list[str] = []

    async def story(port: int) -> None:
        routers = RouterStates(5, port, shown.append)
        await routers.ask((POD,), (), NOW)

    with router(status) as port:
        asyncio.run(story(port))

    assert shown == want


def test_a_state_is_parsed_and_stamped() -> None:
    with router() as port:
        (report,) = ask(port)

    assert report.state is not None
    assert (report.pod, report.state.generation, report.seen_at, report.error) == ("a", 3, NOW, "")


@pytest.mark.parametrize(
    ("status", "body", "want"),
    [
        (503, b"no", "answered 503"),
        (302, b"", "answered 302"),
        (200, b"<html>secret words</html>", "not a router's state"),
        (200, b"[1, 2]", "not a router's state"),
        (200, b" " * (LARGEST_ANSWER_BYTES + 1), f"the answer is larger than {LARGEST_ANSWER_BYTES} bytes"),
        (200, b'{"endpoints": [{"name": "a", "tier": 1000000000000}]}', "not a router's state (endpoints.0.tier)"),
        (200, b"[" * 100_000, "not a router's state"),
    ],
    ids=["unready", "a redirect", "a page", "another JSON", "too large", "a lie", "nested"],
)
def test_anything_else_is_reported_in_fixed_words(status: int, body: bytes, want: str) -> None:
    with router(status, body, Location="http://127.0.0.1:1/") as port:
        (report,) = ask(port)

    assert (report.state, report.seen_at, report.error) == (None, None, want)


def test_an_answer_that_is_encoded_is_not_even_decoded() -> None:
    """A gigabyte of spaces is a thousand bytes of gzip in gzip."""
    bomb = gzip.compress(gzip.compress(b" " * (64 << 20), mtime=0), mtime=0)
    with router(200, bomb, encoding="gzip, gzip") as port:
        tracemalloc.start()
        (report,) = ask(port)
        _, most_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert report.error == "the answer is encoded, though it was asked for as it is"
    assert most_bytes < 16 << 20


def test_an_answer_that_dribbles_in_is_given_up_in_time() -> None:
    class Dribbling(Listening):
        def _serve(self, client: socket.socket) -> None:
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            with suppress(OSError):
                while True:
                    client.sendall(b" ")
                    time.sleep(0.01)

    with Dribbling() as dribbling:
        (report,) = ask(dribbling.port, timeout_s=0.2)

    assert report.error == "no answer in time"


@pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="no IPv6 on this machine")
def test_a_router_with_an_ipv6_address_is_asked() -> None:
    """As on a cluster that has nothing else."""
    with router(host="::1") as port:
        (report,) = ask(port, LivePod("a", "::1", ready=True, terminating=False, config_generation=1))

    assert (report.error, report.state and report.state.pool) == ("", "team/chat")


def test_nobody_there_is_reported() -> None:
    with router() as port:
        pass  # closed again: nobody listens

    (report,) = ask(port)

    assert report.error == "cannot connect"


def test_a_router_that_hangs_does_not_hold_up_the_others() -> None:
    with router(hang=True) as port:
        reports = ask(port, POD, LivePod("b", "127.0.0.2", True, False, 1), timeout_s=0.2)

    assert reports[0].error == "no answer in time"
    assert [report.pod for report in reports] == ["a", "b"]


def test_a_failed_look_keeps_what_was_seen_last() -> None:
    earlier = RouterReport("a", RouterState(generation=2), NOW)
    with router(503) as port:
        (report,) = ask(port, before=(earlier,))

    assert report == RouterReport("a", earlier.state, NOW, "answered 503")


def test_pods_that_cannot_answer_are_not_asked() -> None:
    starting = LivePod("starting", "", ready=False, terminating=False, config_generation=0)
    ending = LivePod("ending", "127.0.0.1", ready=True, terminating=True, config_generation=1)

    assert ask(1, starting, ending) == ()
