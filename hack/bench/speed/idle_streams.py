"""Memory of streams that are open and silent after their first content: what a gateway's worker holds with all of them
open, and how much of that they brought."""

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hack.bench.speed.baselines import started
from hack.bench.speed.cases import FIRST_CONTENT, IDLE
from hack.bench.speed.first_content import connected, message
from hack.bench.speed.process_usage import memory_kib

WANTED = 10_000
OK = b"HTTP/1.1 200 "
NGINX_RESERVE = 16
"""The part of its connections it wants free."""
OTHER_FILES = 75


@dataclass(frozen=True)
class Idle:
    streams: int
    before_kib: int
    with_all_kib: int

    @property
    def per_stream_kib(self) -> float:
        return (self.with_all_kib - self.before_kib) / self.streams


def possible() -> int:
    """A gateway has two open files a stream; nginx closes what waits for a request once it has few connections left."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return (
        WANTED if files == resource.RLIM_INFINITY else min(WANTED, (files - files // NGINX_RESERVE) // 2 - OTHER_FILES)
    )


def idle(name: str, streams: int) -> Idle:
    """A gateway of its own for this, so that nothing measured before is in its memory."""
    with (
        many_files(),
        TemporaryDirectory(prefix="poolkeeper-bench-") as made,
        started(Path(made), IDLE, [name]) as gateways,
    ):
        gateway = gateways[name]
        request = message(gateway, IDLE)
        before = memory_kib(gateway.pid)
        with ExitStack() as stack:
            for _ in range(streams):
                _open(stack.enter_context(connected(gateway)), request)
            return Idle(streams, before, memory_kib(gateway.pid))


@contextmanager
def many_files() -> Iterator[None]:
    """As many open files as this machine allows, for us and for what is started meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _open(sock: socket.socket, request: bytes) -> None:
    sock.sendall(request)
    seen = b""
    while FIRST_CONTENT not in seen:
        data = sock.recv(65536)
        seen += data
        if not data or not seen.startswith(OK[: len(seen)]):
            raise RuntimeError(f"wanted a stream, seen {seen[-400:]!r}")
