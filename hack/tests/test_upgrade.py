"""What `make e2e-upgrade` counts as a failed answer, which version it starts from, and the page it writes."""

import asyncio
import socket
import threading
from pathlib import Path

import httpx
import pytest

from hack.upgrade import bed
from hack.upgrade.page import Row, page
from hack.upgrade.releases import Version, git, previous
from hack.upgrade.streams import WHOLE, Streams, judged
from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.failover_policy import FailoverPolicy

SAYS = '{"choices": [{"delta": {"content": "a"}}]}'
ENDS = '{"choices": [{"delta": {}, "finish_reason": "stop"}]}'


@pytest.mark.parametrize(
    ("lines", "want"),
    [
        ([SAYS, ENDS, "[DONE]"], WHOLE),
        ([SAYS, ENDS, '{"choices": [], "usage": {}}', "[DONE]"], WHOLE),
        ([], "the stream ended without [DONE]"),
        ([SAYS, ENDS], "the stream ended without [DONE]"),
        ([ENDS, "[DONE]"], "a stream without content"),
        ([SAYS, "[DONE]"], "a stream without finish_reason"),
        ([SAYS, '{"error": {"code": "stream_broken"}}', "[DONE]"], "an error event: {'code': 'stream_broken'}"),
    ],
)
def test_an_answer_is_whole_or_has_failed(lines: list[str], want: str) -> None:
    assert judged(lines) == want


class Server(threading.Thread):
    """Closes this many connections without an answer, then answers once."""

    def __init__(self, closes: int) -> None:
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/v1"
        self.closes = closes

    def run(self) -> None:
        body = f"data: {SAYS}\n\ndata: {ENDS}\n\ndata: [DONE]\n\n"
        for number in range(self.closes + 1):
            with self.socket.accept()[0] as connection:
                connection.recv(65536)
                if number == self.closes:
                    connection.sendall(f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode())


@pytest.mark.parametrize(("closes", "failed", "again"), [(0, 0, 0), (1, 0, 1), (2, 1, 1)])
def test_a_request_is_sent_again_once(closes: int, failed: int, again: int) -> None:
    server = Server(closes)
    server.start()
    streams = Streams(server.url, 1)

    wrong = asyncio.run(_one(streams))

    assert (int(bool(wrong)), streams.again.total()) == (failed, again)


async def _one(streams: Streams) -> str:
    async with httpx.AsyncClient(base_url=streams.base_url, trust_env=False) as client:
        return await streams.answer(client)


def test_it_starts_from_an_earlier_commit() -> None:
    assert previous("HEAD~1") == git("rev-parse", "HEAD~1")
    assert previous() != git("rev-parse", "HEAD")


def test_its_pool_is_valid_and_hides_no_cut_stream() -> None:
    policy, pool = bed.pool()
    parsed = FailoverPolicy.parse(policy)

    assert isinstance(EndpointPool.parse(pool), EndpointPool)
    assert isinstance(parsed, FailoverPolicy)
    assert parsed.spec.streaming.recovery == "Error"
    assert len(pool["spec"]["endpoints"]) == 1


def test_the_page_has_a_row_for_each_step_and_the_sum() -> None:
    old, new = (Version(name, Path("chart.tgz"), "o:1", "r:1") for name in ("old", "new"))
    rows = [
        Row("install", "there", 10.2, None, None),
        Row("upgrade", "rolled", 40.0, 500, 0, 3),
        Row("back", "so", 1, 40, 2),
    ]

    text = page(old, new, 100, rows, {"machine": "two cores"})

    assert "**2 of 540 answers failed.**" in text
    assert "| upgrade | rolled | 40 s | 500 | 3 | 0 |" in text
    assert "| install | there | 10 s |  |  |  |" in text
    assert "- machine: two cores" in text
