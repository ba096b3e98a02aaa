"""A provider made of bytes: what it was sent it keeps as it came, what it answers is whatever the test gives it.

with RawProvider(lambda number, request: ANSWER) as provider:
    ...                                   # talk to 127.0.0.1:provider.port
    assert [sent.method for sent in provider.requests()] == ["POST"]
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from testing.fakes.rawhttp import HOST, PATIENCE_S

Answer = bytes | Iterable[bytes] | None
"""What is sent for a request: bytes; pieces, one by one, and then the connection is closed; None closes at once."""

JSON_ANSWER = (
    b'{"id":"x","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"ok"},'
    b'"finish_reason":"stop"}]}'
)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(JSON_ANSWER),
    JSON_ANSWER,
)


@dataclass(frozen=True, slots=True)
class Sent:
    """One request as it came over the wire. lines: the header lines."""

    first_line: str
    lines: tuple[str, ...]
    body: bytes

    @property
    def names(self) -> list[str]:
        return [line.partition(":")[0].lower() for line in self.lines]

    def values(self, name: str) -> list[str]:
        return [line.partition(":")[2].strip() for line in self.lines if line.partition(":")[0].lower() == name]


class RawProvider:
    def __init__(self, answer: Callable[[int, bytes], Answer] = lambda number, request: OK) -> None:
        """answer: the number of the request (from 0) and its bytes -> what is sent. After bytes the connection stays
        open for the next request."""
        self._answer = answer
        self._listener = socket.create_server((HOST, 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._connections: list[bytearray] = []
        self._open: list[socket.socket] = []
        self._count = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def connections(self) -> list[bytes]:
        """All bytes that came, by connection."""
        with self._lock:
            return [bytes(raw) for raw in self._connections]

    def requests(self) -> list[Sent]:
        """All requests, read by the strictest rules there are: whatever breaks one of them is an error of the test."""
        return [request for raw in self.connections() for request in strictly(raw)]

    # --- the other side

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            raw = bytearray()
            with self._lock:
                self._connections.append(raw)
                self._open.append(sock)
            threading.Thread(target=self._serve, args=(sock, raw), daemon=True).start()

    def _serve(self, sock: socket.socket, raw: bytearray) -> None:
        at = 0
        with contextlib.suppress(OSError):
            while data := sock.recv(65536):
                with self._lock:
                    raw += data
                while end := _request_end(raw, at):
                    with self._lock:
                        number, self._count = self._count, self._count + 1
                    if not self._send(sock, self._answer(number, bytes(raw[at:end]))):
                        sock.close()
                        return
                    at = end
        sock.close()

    @staticmethod
    def _send(sock: socket.socket, answer: Answer) -> bool:
        if isinstance(answer, bytes):
            sock.sendall(answer)
            return True
        for piece in answer or ():
            sock.sendall(piece)
        return False


def _request_end(raw: bytearray, at: int) -> int:
    """Where the request that starts at `at` ends; 0 while it has not come."""
    stop = raw.find(b"\r\n\r\n", at)
    if stop < 0:
        return 0
    lines = raw[at:stop].lower().split(b"\r\n")
    length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
    return stop + 4 + length if len(raw) >= stop + 4 + length else 0


def strictly(raw: bytes) -> list[Sent]:
    """The requests of a connection: nothing between them, one content-length each, no transfer-encoding, no fold."""
    found: list[Sent] = []
    while raw:
        head, blank, rest = raw.partition(b"\r\n\r\n")
        assert blank, raw
        first_line, *lines = head.decode("latin-1").split("\r\n")
        assert first_line.endswith(" HTTP/1.1"), first_line
        for line in lines:
            name, colon, value = line.partition(":")
            assert colon, line
            assert name and name.isascii() and all(c.isalnum() or c in "-_.!#$%&'*+^`|~" for c in name), line
            assert not any(c in value for c in "\r\n\0"), line
        names = [line.partition(":")[0].lower() for line in lines]
        assert names.count("content-length") == 1, lines
        assert names.count("host") == 1, lines
        assert "transfer-encoding" not in names, lines
        length = int(lines[names.index("content-length")].partition(":")[2])
        assert len(rest) >= length, raw
        found.append(Sent(first_line, tuple(lines), rest[:length]))
        raw = rest[length:]
    return found


def wait_until(wanted: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not wanted():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {what}"
        time.sleep(0.01)
