"""A provider made of bytes: it keeps what it is sent as it came, and answers whatever the test gives it.

with RawProvider(lambda number, request: ANSWER) as provider:
    ...                                   # talk to 127.0.0.1:provider.port
    assert [sent.method for sent in provider.requests()] == ["POST"]
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from testing.fakes.listening import Listening

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


class RawProvider(Listening):
    def __init__(self, answer: Callable[[int, bytes], Answer] = lambda number, request: OK) -> None:
        """answer: the number of the request (from 0) and its bytes -> what is sent. After bytes the connection stays
        open for the next request."""
        super().__init__()
        self._answer = answer
        self._lock = threading.Lock()
        self._received: dict[socket.socket, bytearray] = {}
        self._count = 0

    def connections(self) -> list[bytes]:
        """All bytes that came, by connection, in the order of the connections."""
        with self._lock:
            return [bytes(self._received.get(client, b"")) for client in list(self._open)]

    def requests(self) -> list[Sent]:
        """All requests, read by the strictest rules there are: a request that breaks one fails the test."""
        return [request for raw in self.connections() for request in strictly(raw)]

    # --- the other side

    def _serve(self, client: socket.socket) -> None:
        raw, at = bytearray(), 0
        with self._lock:
            self._received[client] = raw
        with contextlib.suppress(OSError):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while data := client.recv(65536):
                with self._lock:
                    raw += data
                while end := _request_end(raw, at):
                    with self._lock:
                        number, self._count = self._count, self._count + 1
                    if not self._send(client, self._answer(number, bytes(raw[at:end]))):
                        client.close()
                        return
                    at = end
        client.close()

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
