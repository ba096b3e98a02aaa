"""A router that ends breaks no request of a caller that keeps its connections and never sends anything twice.

The callers connect to whichever router a list names, as kube-proxy does, and the list is late: a router that drains
is named for a while. They leave a connection when an answer says so, and never by themselves.
"""

import asyncio
import contextlib
import json
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from time import sleep
from typing import Any

import pytest

from router.harness import PATIENCE_S, PEER_RESET, Router, endpoint, eventually, request
from testing import plain_http
from testing.fakes.harness import FakeProvider

DRAINS = 10
CALLERS = 16
LATE_S = 0.3
"""For how long after its drain began a router is still named."""
ASKED = {"settle": "0.5", "idle": "0.5", "limit": "20"}


@pytest.fixture
def pair(tmp_path: Path, a: FakeProvider) -> Iterator[list[Router]]:
    """Two routers of one pool, and one provider."""
    with contextlib.ExitStack() as stack:
        routers = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            routers.append(stack.enter_context(Router(tmp_path / name, workers=2, allowed_errors=PEER_RESET)))
        for router in routers:
            router.serve(endpoint("a", a))
        yield routers


@pytest.mark.slow
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_callers_that_never_retry_notice_no_roll_out(pair: list[Router], a: FakeProvider, stream: bool) -> None:
    a.set("ok", tokens=4, token_interval_ms=2, first_token_ms=0)
    named = [pair[0].port]
    with Callers(named, stream) as callers:
        for turn in range(DRAINS):
            old, new = pair[turn % 2], pair[1 - turn % 2]
            named.append(new.port)
            sleep(0.2)
            with drain(old) as drained:
                sleep(LATE_S)
                named.remove(old.port)
            assert drained.result()["drained"] is True
            old.signal(signal.SIGQUIT)
            assert old.wait_end() == 0
            old.start()

    assert callers.failed == Counter()
    assert callers.ended > 1000
    assert callers.told_to_leave >= DRAINS * CALLERS / 2


def test_answers_say_that_their_connection_closes_only_while_a_drain_waits(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))
    assert "close" not in router.ask().headers["connection"]

    with drain(router, idle="20", settle="20", limit="2") as drained:
        eventually(lambda: router.ask().headers["connection"] == "close", "answers say that they close")
        refused = router.client.get("/v1/nothing")
        assert (refused.status_code, refused.headers["connection"]) == (404, "close")

    assert drained.result()["waitedMs"] >= 2000
    eventually(lambda: router.ask().headers["connection"] != "close", "connections are kept again")
    assert [json.loads(line)["status"] for line in router.request_log()[:1]] == [200]


def test_a_drain_waits_for_a_stream_that_began_before_it_and_then_for_its_caller(
    router: Router, a: FakeProvider
) -> None:
    a.set("ok", tokens=20, token_interval_ms=50)
    router.serve(endpoint("a", a))
    with router.stream() as answer:
        assert answer.headers["connection"] == "keep-alive"
        with drain(router, settle="0", idle="20", limit="20") as drained:
            answer.read()
            assert not drained.done()
            last = router.ask()  # on the connection of the stream

    assert last.headers["connection"] == "close"
    assert drained.result() == {"drained": True, "inFlight": 0, "kept": 0, "waitedMs": drained.result()["waitedMs"]}


def test_two_drains_at_once_do_not_wait_for_each_other(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))
    with drain(router, settle="1", limit="20") as one, drain(router, settle="1", limit="20") as other:
        pass

    assert one.result()["drained"] and other.result()["drained"]
    assert max(one.result()["waitedMs"], other.result()["waitedMs"]) < 20_000


def test_a_drain_that_is_given_up_is_over(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))
    with pytest.raises(Exception, match="timed out"):
        plain_http.get(f"{router.admin}/drain", params={"settle": "20"}, timeout=0.3)

    eventually(lambda: router.ask().headers["connection"] != "close", "connections are kept again")
    with drain(router, settle="0", idle="0") as drained:
        pass
    assert drained.result()["inFlight"] == 0


def test_a_drain_says_what_it_wants(router: Router) -> None:
    refused = plain_http.get(f"{router.admin}/drain", params={"limit": "soon"})

    assert refused.status_code == 400
    assert refused.json() == {"message": "limit is 'soon', wanted seconds from 0 to 3600"}


@dataclass
class Drained:
    thread: ThreadPoolExecutor
    asked: dict[str, str]
    url: str

    def __post_init__(self) -> None:
        self._answer = self.thread.submit(
            lambda: plain_http.get(f"{self.url}/drain", params=self.asked, timeout=PATIENCE_S * 2)
        )

    def done(self) -> bool:
        return self._answer.done()

    def result(self) -> dict[str, Any]:
        answer = self._answer.result(timeout=PATIENCE_S * 2)
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        return found


@contextlib.contextmanager
def drain(router: Router, **asked: str) -> Iterator[Drained]:
    """Until its answer is there; meanwhile, the block."""
    with ThreadPoolExecutor(1) as thread:
        yield Drained(thread, ASKED | asked, router.admin)


@dataclass
class Callers:
    named: list[int]
    """Ports; a new connection goes to the last of them or, every other time, to the first."""
    stream: bool
    ended: int = 0
    told_to_leave: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    _over: Event = field(default_factory=Event)

    def __enter__(self) -> "Callers":
        self._thread = Thread(target=lambda: asyncio.run(self._all()), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    async def _all(self) -> None:
        await asyncio.gather(*(self._one(number) for number in range(CALLERS)))

    async def _one(self, number: int) -> None:
        body = json.dumps(request(stream=self.stream)).encode()
        head = (
            "POST /v1/chat/completions HTTP/1.1\r\nHost: pool\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode()
        connection = None
        while not self._over.is_set():
            try:
                async with asyncio.timeout(PATIENCE_S):
                    if connection is None:
                        connection = await asyncio.open_connection("127.0.0.1", self._port(number))
                    closes = await exchange(*connection, head + body)
                self.ended += 1
            except (OSError, EOFError, ValueError) as error:
                self.failed[f"{type(error).__name__}: {error}"] += 1
                closes = True
            if closes:
                self.told_to_leave += 1
                connection[1].close() if connection else None
                connection = None
            await asyncio.sleep(0 if number % 2 else 0.01)  # half of them at once, half after a moment
        if connection:
            connection[1].close()

    def _port(self, number: int) -> int:
        return self.named[-1 if (number + self.told_to_leave) % 2 else 0]


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: bytes) -> bool:
    """One request and its whole answer. Does the answer say that the connection closes?"""
    writer.write(asked)
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    if not head.startswith("http/1.1 200 "):
        raise ValueError(head.splitlines()[0])
    if "transfer-encoding: chunked" in head:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            await reader.readexactly(size + 2)
        await reader.readexactly(2)
    else:
        await reader.readexactly(int(head.partition("content-length: ")[2].split()[0]))
    return "connection: close" in head
